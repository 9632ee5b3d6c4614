/* What the two files of the audit share: a row as it is hashed. */
#ifndef POSTERN_CONFIG_AUDIT_PRIV_H
#define POSTERN_CONFIG_AUDIT_PRIV_H

#include "config/audit.h"

enum { AUDIT_TEXTS = 7 };

struct audit_columns {
    int64_t number, at_ms;
    struct slice texts[AUDIT_TEXTS]; /* principal … request, in the order of the table */
    struct slice previous;
};

void audit_columns_hash(const struct audit_columns *columns, uint8_t ret_hash[SHA256_BYTES]);
/* What audit_head says, or 0 and zeros. */
int audit_head(struct store *store, uint64_t *ret_number, uint8_t ret_hash[SHA256_BYTES],
               struct error *reterr) MUST_CHECK;

#endif
