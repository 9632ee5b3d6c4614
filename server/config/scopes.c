/* See scopes.h. */
#include "config/scopes.h"

static const struct {
    const char *word;
    bool is_had[ROLE_COUNT];
} scopes[SCOPE_COUNT] = {
#define SCOPE(id, word_, administrator, operator_, read_only)                                      \
    [SCOPE_##id] = {.word = (word_), .is_had = {(administrator), (operator_), (read_only)}},
#include "config/scopes.def"
#undef SCOPE
};

static const char *const role_words[ROLE_COUNT] = {
    [ROLE_ADMINISTRATOR] = "administrator",
    [ROLE_OPERATOR] = "operator",
    [ROLE_READ_ONLY] = "read-only",
};

const char *scope_word(enum scope scope)
{
    return scopes[scope].word;
}

enum scope scope_find(struct slice word)
{
    unsigned i = 0;

    while (i < SCOPE_COUNT && !slice_eq(word, slice_str(scopes[i].word)))
        i++;
    return (enum scope)i;
}

const char *role_word(enum role role)
{
    return role_words[role];
}

enum role role_find(struct slice word)
{
    unsigned i = 0;

    while (i < ROLE_COUNT && !slice_eq(word, slice_str(role_words[i])))
        i++;
    return (enum role)i;
}

unsigned role_scopes(enum role role)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        bits |= scopes[i].is_had[role] ? 1U << i : 0;
    return bits;
}
