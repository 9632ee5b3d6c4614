/* The daemon's own messages, one line each to standard error: see log.h.
 *
 * A line is "postern: LEVEL: text" and goes out in one write(2), so that lines of several threads
 * never mix; there is no lock and no stdio buffer. No time stamp: the journal or whoever collects
 * standard error has one. Everything but printable ASCII is written as \xHH, so that what came from
 * outside cannot forge a line or drive a terminal. Texts are cut at LOG_TEXT_MAX. A standard error
 * that is gone is ignored: there is nowhere left to say so. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LOG_TEXT_MAX = 1024, LOG_LINE_MAX = 32 + 4 * LOG_TEXT_MAX };

static _Atomic int least_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "debug";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_ERROR:
        return "error";
    }
    return "?";
}

PRINTF_LIKE(2, 0)
static void emit(enum log_level level, const char *fmt, va_list args)
{
    if ((int)level < atomic_load(&least_level))
        return;

    char text[LOG_TEXT_MAX];
    int n = vsnprintf(text, sizeof(text), fmt, args);
    if (n < 0)
        return;

    char line[LOG_LINE_MAX];
    size_t len = (size_t)snprintf(line, sizeof(line), "postern: %s: ", level_name(level));
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c >= 0x20 && c < 0x7f) {
            line[len] = (char)c;
            len++;
        } else {
            len += (size_t)snprintf(line + len, 5, "\\x%02x", (unsigned)c);
        }
    }
    line[len] = '\n';
    len++;

    const char *from = line;
    while (len > 0) {
        ssize_t done = write(STDERR_FILENO, from, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            break;
        from += done;
        len -= (size_t)done;
    }
}

void log_debug(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(LOG_LEVEL_DEBUG, fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(LOG_LEVEL_INFO, fmt, args);
    va_end(args);
}

void log_warning(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(LOG_LEVEL_WARNING, fmt, args);
    va_end(args);
}

void log_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(LOG_LEVEL_ERROR, fmt, args);
    va_end(args);
}
