/* Scopes and roles: who may do what, as one table (scopes.def). Pure. */
#ifndef POSTERN_CONFIG_SCOPES_H
#define POSTERN_CONFIG_SCOPES_H

#include "base/slice.h"

enum scope {
#define SCOPE(id, word, administrator, operator_, read_only) SCOPE_##id,
#include "config/scopes.def"
#undef SCOPE
    SCOPE_COUNT,
};

enum role {
    ROLE_ADMINISTRATOR, /* everything */
    ROLE_OPERATOR,      /* the queue, no configuration */
    ROLE_READ_ONLY,     /* looks */
    ROLE_COUNT,
};

/* "config:read" … */
const char *scope_word(enum scope scope);
/* SCOPE_COUNT: there is none of that name. */
enum scope scope_find(struct slice word);
/* "administrator", "operator", "read-only" */
const char *role_word(enum role role);
/* ROLE_COUNT: there is none of that name. */
enum role role_find(struct slice word);
/* What a role may, as bits 1 << enum scope. */
unsigned role_scopes(enum role role);

#endif
