/* One command line as a struct: which verb, and the rest. Says nothing about order or arguments:
 * that is server_verbs.c. The names come from verbs.def, the one table of verbs.
 * RFC 5321 2.4, 4.1.1. Pure, linear. */
#ifndef POSTERN_SMTP_COMMAND_H
#define POSTERN_SMTP_COMMAND_H

#include "base/slice.h"

enum smtp_verb {
#define SMTP_VERB(name, ...) SMTP_VERB_##name,
#include "smtp/verbs.def"
#undef SMTP_VERB
    SMTP_VERB_UNKNOWN,
    SMTP_VERB_HTTP, /* GET, POST, CONNECT and their like: a browser was lured here */
};

struct smtp_command {
    enum smtp_verb verb;
    struct slice arg; /* behind the verb, without blanks at both ends; points into the line */
};

/* LINE without its CRLF. False when it has a control character (CR, LF, NUL and the rest below
 * space but TAB, and DEL): such a line is no command at all, and *RET_COMMAND says only what it
 * looks like, for the log. */
bool smtp_command_parse(struct slice line, struct smtp_command *ret_command) MUST_CHECK;

#endif
