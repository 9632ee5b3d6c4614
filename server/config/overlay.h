/* A draft over a configuration: what it would become.
 *
 * An item says what one object shall be (value; NULL: gone) and what it was when it was first
 * staged (base); an order item says the same of the order of an ordered section. Items are merged
 * with what others committed meanwhile, member by member (config/merge.h).
 *
 *   running + items -> overlay_create -> document + conflicts -> overlay_candidate -> commit
 *
 * An object that is new stands behind the others of its listener, but before the one for ALL. What
 * an order item says of objects that are gone is forgotten; objects that it does not name stay
 * behind their neighbour.
 *
 * Pure: no database. Everything is owned by the overlay. An overlay of 10,000 items over 10,000
 * objects is made in a fraction of a second; overlay.c keeps it so. */
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
    json_t *conflicts;           /* [{section, listener, key, pointer, base, theirs, mine}] */
    struct overlay_index *index; /* overlay.c only: the document's objects by key */
    struct mem_arena arena;      /* the items' keys and listeners, and the index */
};

/* RESOLVE (may be NULL) answers conflicts: [{section, listener, key, pointer, take: mine|theirs}].
 * Never NULL. */
struct overlay *overlay_create(const struct config *running, const struct overlay_item *items,
                               size_t count, const json_t *resolve);
/* NULL is allowed. */
void overlay_destroy(struct overlay *overlay);

/* One object of the document, borrowed; NULL: there is none. KEY as somebody wrote it
 * (config/objects.h). */
json_t *overlay_object(const struct overlay *overlay, enum cfg_section section,
                       struct slice listener, struct slice key);
/* The objects of a section (of one listener, if LISTENER is not empty): a new array of borrowed
 * ones, in order. */
json_t *overlay_objects(const struct overlay *overlay, enum cfg_section section,
                        struct slice listener);
/* The keys of a listener's objects, in order: a new array. */
json_t *overlay_order(const struct overlay *overlay, enum cfg_section section,
                      struct slice listener);

/* The objects of ALL with those of MORE, as somebody wrote them, read by nobody yet: each in the
 * place of the one with its key, new ones where they belong. A new array, which shares the objects.
 */
json_t *overlay_lay_over(enum cfg_section section, const json_t *all, const json_t *more);

/* The document as a candidate, validated and sealed; NULL with ERRORS, whose pointers name objects
 * by key: /listeners/InboundMail/port. */
struct config *overlay_candidate(const struct overlay *overlay,
                                 struct config_errors *errors) MUST_CHECK;

/* Appends FOUND, whose pointers count DOCUMENT's objects, to ERRORS with pointers that name them;
 * an object without a key is counted still. */
void overlay_name_errors(const json_t *document, const struct config_errors *found,
                         struct config_errors *errors);

/* What differs from what runs: [{section, listener, key, op: add|update|remove|order, activation,
 * fields: [{pointer, label, kind, old, new}]}], kind as /schema says it, or order. Items that
 * differ in nothing are left out. */
json_t *overlay_diff(const struct overlay *overlay);

/* The items that turn FROM into TO (both sealed), with the places of entries in ordered sections;
 * the caller frees the array and what the items hold, overlay_items_finish does. Keys and listeners
 * are in ARENA. */
void overlay_items_between(const struct config *from, const struct config *to,
                           struct mem_arena *arena, struct overlay_item **ret_items,
                           size_t *ret_count);
void overlay_items_finish(struct overlay_item *items, size_t count);

/* The base of ITEM, which is to be staged (its base: what runs), when STAGED is in the draft
 * already. What others committed since then was there to be seen when ITEM was written, so its base
 * is what runs; only where STAGED was in conflict with it the old base stays, and so does the
 * conflict, unless ITEM goes back to that base. A new reference; NULL: is not there. */
json_t *overlay_restaged_base(const struct overlay_item *staged, const struct overlay_item *item);

/* A whole configuration as a document; the caller owns it. */
json_t *config_document(const struct config *config);

#endif
