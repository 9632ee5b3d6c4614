/* The door to what certificates say: a chain read for people. Pure; any thread. */
#ifndef POSTERN_CONTROL_CERTIFICATE_CTL_H
#define POSTERN_CONTROL_CERTIFICATE_CTL_H

#include <stdint.h>

#include "base/mem.h"
#include "base/slice.h"

enum { CERTIFICATE_CTL_CHAIN_MAX = 8 };

/* How near the end is, by what is left of the certificate's life: a fixed number of days would call
 * every short-lived one ending. */
enum certificate_health {
    CERTIFICATE_HEALTH_OK,
    CERTIFICATE_HEALTH_WARNING,  /* less than 30 days and less than a third of its life is left */
    CERTIFICATE_HEALTH_CRITICAL, /* less than 7 days and less than a sixth */
    CERTIFICATE_HEALTH_NOT_YET,  /* its time has not begun */
    CERTIFICATE_HEALTH_EXPIRED,
};

/* `ok`, `warning`, `critical`, `not_yet_valid`, `expired`, as in JSON. */
const char *certificate_health_word(enum certificate_health health);
enum certificate_health certificate_ctl_health(int64_t not_before_s, int64_t not_after_s,
                                               int64_t now_s);
/* When to have the next one: the moment health becomes WARNING. */
int64_t certificate_ctl_renew_after(int64_t not_before_s, int64_t not_after_s);

/* One certificate of a chain; texts have control bytes as '?'. */
struct certificate_ctl_cert {
    struct slice subject, issuer;           /* RFC 4514 form */
    struct slice common_name;               /* empty: none */
    struct slice serial, fingerprint, spki; /* hex */
    struct slice *names;                    /* SAN: domains and addresses */
    size_t name_count;
    const char *key_type; /* `ECDSA P-256`, `RSA`, … */
    unsigned key_bits;
    int64_t not_before_s, not_after_s; /* since 1970 */
    bool is_self_signed, is_ca;
};

struct certificate_ctl_chain {
    struct certificate_ctl_cert certs[CERTIFICATE_CTL_CHAIN_MAX]; /* the leaf first */
    size_t count;
    bool is_demonstration; /* made at the first start, known by everybody as nobody's */
};

/* What a chain in PEM says, copied into ARENA. One that cannot be read, or is longer than
 * CERTIFICATE_CTL_CHAIN_MAX, has a count of 0: a part of it would look whole. */
struct certificate_ctl_chain certificate_ctl_read(struct slice pem, struct mem_arena *arena);

#endif
