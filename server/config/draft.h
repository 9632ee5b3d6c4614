/* Drafts: what somebody has staged and not committed, in postern.db.
 *
 * A draft belongs to one principal. `me` is the one each has by default, made by its first item and
 * never expiring; others are made by name for automation and end by themselves. Every change is
 * durable on return: neither a kill nor a restart loses what was staged.
 *
 * An item keeps as its base what the object was when it was staged; the overlay merges from there
 * (config/overlay.h). Blocks; owner thread: main. */
#ifndef POSTERN_CONFIG_DRAFT_H
#define POSTERN_CONFIG_DRAFT_H

#include "base/clock.h"
#include "config/overlay.h"
#include "config/store.h"

enum {
    DRAFT_ID_MAX = 17, /* 16 hex digits */
    DRAFT_OWNER_MAX = 160,
    DRAFT_TITLE_MAX = 200,
    DRAFTS_MAX = 1000,       /* in all */
    DRAFT_ITEMS_MAX = 20000, /* of one */
};

struct draft {
    char id[DRAFT_ID_MAX];
    char owner[DRAFT_OWNER_MAX], title[DRAFT_TITLE_MAX];
    bool is_default; /* the owner's `me` */
    int64_t created_ms, touched_ms;
    int64_t expires_ms; /* 0: never */
    size_t item_count;
};

/* Makes a draft. IS_DEFAULT: OWNER's `me`, ERR_EXISTS if there is one. ERR_FULL: DRAFTS_MAX. */
int draft_create(struct store *store, const struct clock *clock, const char *owner,
                 const char *title, bool is_default, int64_t expires_ms, struct draft *ret_draft,
                 struct error *reterr) MUST_CHECK;
/* By id. ERR_NOT_FOUND, also when it has expired. */
int draft_find(struct store *store, const struct clock *clock, struct slice id,
               struct draft *ret_draft, struct error *reterr) MUST_CHECK;
/* OWNER's `me`. ERR_NOT_FOUND: nothing is staged. */
int draft_find_default(struct store *store, const struct clock *clock, const char *owner,
                       struct draft *ret_draft, struct error *reterr) MUST_CHECK;
/* The living ones of OWNER (NULL: of all), newest first; the caller frees *ret_drafts. */
int draft_list(struct store *store, const struct clock *clock, const char *owner,
               struct draft **ret_drafts, size_t *ret_count, struct error *reterr) MUST_CHECK;
/* With all its items. */
int draft_delete(struct store *store, const char *id, struct error *reterr) MUST_CHECK;

/* The items of a draft, in the order in which they were first staged: that is where new entries of
 * ordered sections stand. draft_items_finish frees what they hold. An item whose section is unknown
 * to this program is left out. */
struct draft_items {
    struct overlay_item *items;
    size_t count;
    struct mem_arena arena;
};
int draft_items_load(struct store *store, const char *id, struct draft_items *ret_items,
                     struct error *reterr) MUST_CHECK;
void draft_items_finish(struct draft_items *items);

/* Stages COUNT items at once, all or none; their bases are what runs now. An item that is there
 * already is replaced, with the base that overlay_restaged_base gives it. One whose value is what
 * runs leaves the draft. ERR_FULL: DRAFT_ITEMS_MAX. */
int draft_stage(struct store *store, const struct clock *clock, const char *id,
                const struct overlay_item *items, size_t count, struct error *reterr) MUST_CHECK;
/* Replaces bases and values by those of ITEMS (a rebase): the draft then has these and no others.
 */
int draft_replace(struct store *store, const struct clock *clock, const char *id,
                  const struct overlay_item *items, size_t count, struct error *reterr) MUST_CHECK;
/* Takes one item out; its key as somebody wrote it (config/objects.h). ERR_NOT_FOUND. */
int draft_discard(struct store *store, const struct clock *clock, const char *id,
                  const struct overlay_item *item, struct error *reterr) MUST_CHECK;

#endif
