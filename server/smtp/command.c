/* One command line as a struct: see command.h.
 *
 * The verb is what stands before the first blank, in any case (RFC 5321 2.4). Control characters
 * are refused before anything else: a line with one must never reach a log, a path or a reply.
 * 8-bit bytes pass here; paths and parameters refuse them where they matter, and a HELO name too.
 */
#include "smtp/command.h"

static const struct slice verb_names[] = {
#define SMTP_VERB(name, ...) {.p = #name, .len = sizeof(#name) - 1},
#include "smtp/verbs.def"
#undef SMTP_VERB
};

/* A page can make a browser send its own bytes to our port; the first line gives it away. */
static const char *const http_names[] = {"GET",    "HEAD",    "POST",  "PUT",
                                         "DELETE", "CONNECT", "TRACE", "OPTIONS"};

static enum smtp_verb verb_of(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(verb_names); i++) {
        if (slice_eq_nocase(verb_names[i], name))
            return (enum smtp_verb)i;
    }
    for (size_t i = 0; i < ARRAY_LEN(http_names); i++) {
        if (slice_eq_nocase(slice_str(http_names[i]), name))
            return SMTP_VERB_HTTP;
    }
    return SMTP_VERB_UNKNOWN;
}

bool smtp_command_parse(struct slice line, struct smtp_command *ret_command)
{
    struct slice arg = line;
    struct slice name = slice_cut(&arg, ' ');
    *ret_command = (struct smtp_command){
        .verb = verb_of(slice_trim(name)),
        .arg = slice_trim(arg),
    };
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}
