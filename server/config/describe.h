/* The schema in words: what forms, the command line and openapi.json are drawn from.
 *
 * Both are made by walking the rows, so they cannot drift from what the codec accepts. Pure; the
 * caller owns the value returned. */
#ifndef POSTERN_CONFIG_DESCRIBE_H
#define POSTERN_CONFIG_DESCRIBE_H

#include <jansson.h>

#include "config/sections.h"

/* GET /schema: every section with its flags and its rows: key, kind, default, limits, words,
 * reference, label, help, RFC, and when a change takes effect. */
json_t *config_describe(void);

/* One section's object as JSON Schema 2020-12, as OpenAPI 3.1 wants it. IS_PATCH: nothing is
 * required and null returns a member to its default (RFC 7396). */
json_t *config_describe_object(enum cfg_section section, bool is_patch);

struct cfg_row;
/* The row's kind in a word, as /schema says it: text, name, reference, number, list and so on. */
const char *config_row_kind(const struct cfg_row *row);
/* The default of a row as GET shows it. */
json_t *config_row_default(const struct cfg_row *row);
/* When a change of the row is felt: at_once, new_connections or rebind. */
const char *config_activation(const struct cfg_row *row);

#endif
