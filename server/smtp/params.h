/* ESMTP parameters of MAIL and RCPT: SIZE (RFC 1870) and BODY (RFC 6152); RCPT has none yet.
 * RFC 5321 4.1.1.11, 4.1.2 (esmtp-param). Pure, linear, at most LIMIT_SMTP_PARAMS of them. */
#ifndef POSTERN_SMTP_PARAMS_H
#define POSTERN_SMTP_PARAMS_H

#include <stdint.h>

#include "base/slice.h"

enum smtp_params_for {
    SMTP_PARAMS_FOR_MAIL,
    SMTP_PARAMS_FOR_RCPT,
};

enum smtp_params_result {
    SMTP_PARAMS_OK,
    SMTP_PARAMS_UNKNOWN, /* 555 5.5.4: a keyword that was not offered */
    SMTP_PARAMS_BAD,     /* 501 5.5.4: syntax, bad value, twice, or too many */
};

struct smtp_params {
    bool has_size;
    uint64_t size; /* octets the client announces; UINT64_MAX when it wrote a number beyond that */
    bool is_8bit;  /* BODY=8BITMIME */
};

/* S is what follows the path: blanks between keywords. *RET_PARAMS is written only on OK. */
enum smtp_params_result smtp_params_parse(struct slice s, enum smtp_params_for what,
                                          struct smtp_params *ret_params) MUST_CHECK;

#endif
