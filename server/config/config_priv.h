/* What the files of config/ share: making candidates, their look-up tables, pointers to places. */
#ifndef POSTERN_CONFIG_CONFIG_PRIV_H
#define POSTERN_CONFIG_CONFIG_PRIV_H

#include "config/schema.h"

/* A place in the JSON text, as a chain on the stack; only an error turns it into a string. */
struct config_path {
    const struct config_path *up; /* NULL: the whole text */
    const char *key;              /* NULL: an array index */
    size_t index;
};

/* The JSON Pointer of PATH, in ARENA. RFC 6901 3: ~ is ~0, / is ~1. */
const char *config_path_pointer(const struct config_path *path, struct mem_arena *arena);
void config_errors_add_at(struct config_errors *errors, const struct config_path *path,
                          const char *code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* With PARAMS, which are copied; the words in `allowed` are literals. */
void config_errors_add_params(struct config_errors *errors, const struct config_path *path,
                              const char *code, const struct config_error_params *params,
                              const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Bytes of the first character of S (not empty), 0 if it is no UTF-8 (RFC 3629 4) or a control
 * character. */
size_t config_character(struct slice s);
/* The most of S that has at most MAX bytes and ends behind a character. */
struct slice config_cut(struct slice s, size_t max_bytes);

/* A candidate with every default set, no objects and one reference. */
struct config *config_create(void);

/* Room for one more object at the end of a section, or the place of the one with the same key;
 * returns its position. The object's bytes are copied. */
size_t config_place_object(struct config *c, enum cfg_section section, const void *object);

/* Makes the look-up tables of a candidate: again after each change. */
void config_index_build(struct config *c);
/* Order of the objects at two positions of any two configurations by (listener, key). */
int config_key_compare(struct slice listener_a, struct slice key_a, struct slice listener_b,
                       struct slice key_b);
/* Position, or SIZE_MAX. Needs the tables. */
size_t config_find(const struct config *c, enum cfg_section section, struct slice listener,
                   struct slice key);
/* Where LISTENER's objects begin in the table by (listener, position). Needs the tables. */
size_t config_listener_begin(const struct config *c, enum cfg_section section,
                             struct slice listener);

#endif
