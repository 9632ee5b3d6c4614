/* Reverse-path and forward-path of MAIL and RCPT: brackets, source routes, the null path and the
 * bare `<Postmaster>`. The mailbox inside is base/mailaddr's business.
 * RFC 5321 4.1.1.2, 4.1.1.3, 4.1.2, 4.5.1, 4.5.3.1.3, appendix C. Pure functions, linear time. */
#ifndef POSTERN_SMTP_PATH_H
#define POSTERN_SMTP_PATH_H

#include "base/mailaddr.h"

enum smtp_path_kind {
    SMTP_PATH_REVERSE, /* MAIL: `<>` is allowed, `<Postmaster>` is not */
    SMTP_PATH_FORWARD, /* RCPT: `<Postmaster>` is allowed, `<>` is not */
};

struct smtp_path {
    struct slice address; /* local@domain without brackets and source route; empty: the null path */
    struct slice local;   /* as written, quotes included */
    struct slice domain;  /* domain or literal; empty for `Postmaster` and the null path */
};

/* Takes `<path>` (blanks before it allowed) from the start of *REST, which keeps what follows the
 * `>`: empty or beginning with a blank. False on any syntax error: *REST and *RET_PATH are then
 * undefined, and *RETERR_WHY (may be NULL) is a static text that says what is wrong with it. The
 * results point into *REST. */
bool smtp_path_take(struct slice *rest, enum smtp_path_kind kind, struct smtp_path *ret_path,
                    const char **reterr_why) MUST_CHECK;

#endif
