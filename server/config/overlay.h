/* A draft over a configuration: what it would become.
 *
 * An item says what one object shall be (value; NULL: gone) and what it was when it was first
 * staged (base); an order item says the same of the order of an ordered section. Items are merged
 * with what others committed meanwhile, member by member (config/merge.h).
 *
 *   running + items -> overlay_create -> document + conflicts -> overlay_candidate -> commit
 *
 * Pure: no database. Everything is owned by the overlay. */
#ifndef POSTERN_CONFIG_OVERLAY_H
#define POSTERN_CONFIG_OVERLAY_H

#include <jansson.h>

#include "config/config.h"

struct overlay_item {
    enum cfg_section section;
    struct slice listener; /* empty unless the section is kept per listener */
    struct slice key;      /* empty for singletons and orders */
    bool is_order;
    json_t *base, *value; /* NULL: is not there */
};

struct overlay {
    const struct config *running; /* a reference; sealed */
    json_t *document;             /* the whole configuration with the items in it */
    struct overlay_item *items;   /* as merged: base is what runs */
    size_t count;
    json_t *conflicts;      /* [{section, listener, key, pointer, base, theirs, mine}] */
    struct mem_arena arena; /* the items' keys and listeners */
};

/* RESOLVE (may be NULL) answers conflicts: [{section, listener, key, pointer, take: mine|theirs}].
 * Never NULL. */
struct overlay *overlay_create(const struct config *running, const struct overlay_item *items,
                               size_t count, const json_t *resolve);
/* NULL is allowed. */
void overlay_destroy(struct overlay *overlay);

/* One object of the document, borrowed; NULL: there is none. */
json_t *overlay_object(const struct overlay *overlay, enum cfg_section section,
                       struct slice listener, struct slice key);
/* The objects of a section (of one listener, if LISTENER is not empty): a new array of borrowed
 * ones, in order. */
json_t *overlay_objects(const struct overlay *overlay, enum cfg_section section,
                        struct slice listener);
/* The keys of a listener's objects, in order: a new array. */
json_t *overlay_order(const struct overlay *overlay, enum cfg_section section,
                      struct slice listener);

/* The document as a candidate, validated and sealed; NULL with ERRORS, whose pointers name objects
 * by key: /listeners/InboundMail/port. */
struct config *overlay_candidate(const struct overlay *overlay,
                                 struct config_errors *errors) MUST_CHECK;

/* ERRORS of the document's commit, whose pointers count objects, with pointers that name them. */
void overlay_name_errors(const struct overlay *overlay, const struct config_errors *found,
                         struct config_errors *errors);

/* What differs from what runs: [{section, listener, key, op: add|update|remove|order, activation,
 * fields: [{pointer, label, old, new}]}]. Items that differ in nothing are left out. */
json_t *overlay_diff(const struct overlay *overlay);

/* The items that turn FROM into TO (both sealed); the caller frees the array and what the items
 * hold, overlay_items_finish does. Keys and listeners are in ARENA. */
void overlay_items_between(const struct config *from, const struct config *to,
                           struct mem_arena *arena, struct overlay_item **ret_items,
                           size_t *ret_count);
void overlay_items_finish(struct overlay_item *items, size_t count);

/* One object as its section's rows have it: read, checked, defaults filled in; a new reference.
 * NULL with ERRORS, whose pointers begin at the object. The key and the listener that the object is
 * to have are put in; others in the object are an error. */
json_t *overlay_canonical(enum cfg_section section, struct slice listener, struct slice key,
                          const json_t *object, struct config_errors *errors);
/* Without the members that have their default; a new reference. */
json_t *overlay_sparse(enum cfg_section section, const json_t *object);

/* The strong entity tag of a value: 32 hex digits of its canonical text's SHA-256. */
enum { OVERLAY_ETAG_MAX = 33 };
void overlay_etag(const json_t *value, char etag[OVERLAY_ETAG_MAX]);

/* A whole configuration as a document; the caller owns it. */
json_t *config_document(const struct config *config);

#endif
