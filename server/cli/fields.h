/* Sections and fields as GET /schema describes them, and FIELD=VALUE read by it.
 *
 *   VALUE empty          null: the field gets its default back (RFC 7396)
 *   number               digits
 *   boolean              true, yes, on, or false, no, off
 *   list                 words with commas between, or JSON that begins with `[`; of objects: a
 * word is the object's first field object               JSON all others           the text as it
 * is, or a JSON text in quotes (`""`: an empty one) Ranges, words and references are the API's to
 * check. Pure. */
#ifndef POSTERN_CLI_FIELDS_H
#define POSTERN_CLI_FIELDS_H

#include <jansson.h>

#include "base/buf.h"

/* Borrows from the schema. */
struct cli_section {
    const char *name;
    const char *key; /* the field that names an object; NULL for a single object */
    bool is_singleton, is_per_listener, is_ordered;
    const json_t *rows;
};

/* False: there is none of that name. */
bool cli_section_find(const json_t *schema, const char *name,
                      struct cli_section *ret_section) MUST_CHECK;
/* NULL: there is none. */
const json_t *cli_field_find(const json_t *rows, struct slice key);
/* The value, or NULL with the reason in WHY. */
json_t *cli_field_value(const json_t *row, struct slice text, struct buf *why) MUST_CHECK;
/* COUNT texts FIELD=VALUE as one object, or NULL with the reason in WHY. A field may come once. */
json_t *cli_fields_read(const json_t *rows, const char *const *texts, size_t count,
                        struct buf *why) MUST_CHECK;

#endif
