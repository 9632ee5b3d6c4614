/* Filling in `struct error`: see err.h for the kinds of error and which of them end up here.
 *
 * The text is one line, cut (not refused) at ERROR_TEXT_MAX, because an error about an error helps
 * nobody. What comes from outside may stand in it; whoever logs it escapes it (base/log.c does).
 * Thread-safe: writes only to what the caller owns. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

PRINTF_LIKE(3, 0)
static void fill(struct error *reterr, enum err code, const char *fmt, va_list args)
{
    reterr->code = code;
    int n = vsnprintf(reterr->text, sizeof(reterr->text), fmt, args);
    ASSERT(n >= 0);
}

int(error_set)(struct error *reterr, enum err code, const char *fmt, ...)
{
    ASSERT(code < 0);
    if (reterr != NULL) {
        va_list args;
        va_start(args, fmt);
        fill(reterr, code, fmt, args);
        va_end(args);
    }
    return code;
}

int(error_set_errno)(struct error *reterr, int errnum, const char *fmt, ...)
{
    enum err code = errnum == ENOSPC || errnum == EDQUOT ? ERR_FULL : ERR_IO;
    if (reterr != NULL) {
        va_list args;
        va_start(args, fmt);
        fill(reterr, code, fmt, args);
        va_end(args);

        char words[128];
        const char *why = strerror_r(errnum, words, sizeof(words));
        size_t len = strlen(reterr->text);
        (void)snprintf(reterr->text + len, sizeof(reterr->text) - len, ": %s", why);
    }
    return code;
}
