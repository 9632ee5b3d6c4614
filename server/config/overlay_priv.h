/* What the files of the overlay share. Private to config/overlay*.c. */
#ifndef POSTERN_CONFIG_OVERLAY_PRIV_H
#define POSTERN_CONFIG_OVERLAY_PRIV_H

#include <jansson.h>

#include "config/config_priv.h"

static inline bool overlay_is_per_listener(enum cfg_section section)
{
    return (cfg_sections[section].flags & CFG_SECTION_PER_LISTENER) != 0;
}

/* A member that is a string; empty if it is none. */
static inline struct slice overlay_member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return slice_of(json_string_value(value), json_string_length(value));
}

/* Empty unless the section is kept per listener. */
static inline struct slice overlay_listener_of(enum cfg_section section, const json_t *object)
{
    return overlay_is_per_listener(section) ? overlay_member(object, "listener") : SLICE("");
}

static inline json_t *overlay_copy(const json_t *value)
{
    return value == NULL ? NULL : json_deep_copy(value);
}

static inline bool overlay_is_same(const json_t *a, const json_t *b)
{
    return a == b || (a != NULL && b != NULL && json_equal(a, b) != 0);
}

static inline struct slice overlay_keep(struct mem_arena *arena, struct slice text)
{
    return slice_of(mem_arena_strndup(arena, text.p, text.len), text.len);
}

/* What tells an object of a section from the others, in BUF: KEY as the rows write it. */
struct slice overlay_name(struct buf *buf, struct slice listener, struct slice key);

/* The objects of ALL without the empty ones, and with those of ADDED (NULL: none): at the end, in
 * ordered sections each behind the last one of its listener, or before it if that is the one for
 * ALL. A new array. */
json_t *overlay_place(enum cfg_section section, const json_t *all, const json_t *added);

#endif
