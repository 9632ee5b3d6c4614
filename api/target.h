/* What a configuration request is about, and where it looks: the running configuration, a draft, or
 * a commit of its own.
 *
 *   ?draft=me|ID          read or write through a draft
 *   ?commit=now           a write that is validated and live when the answer comes
 *   neither               reads see what runs; writes are refused, so that nobody guesses */
#ifndef POSTERN_API_TARGET_H
#define POSTERN_API_TARGET_H

#include "api/call.h"
#include "config/draft.h"

struct api_target {
    enum cfg_section section;
    struct slice listener, key;
    bool has_draft;       /* ?draft= was given */
    bool is_draft_new;    /* `me`, which does not exist yet: nothing is staged */
    struct draft draft;   /* unless it is new */
    struct overlay *view; /* what is seen: running, with the draft's items in it */
};

/* All of these answer with a problem and return false where they say false. */

/* The principal's draft of that name: `me`, or the id of one of its own. *ret_is_new: `me` without
 * anything staged. */
bool target_draft(struct api_call *call, struct slice name, struct draft *ret_draft,
                  bool *ret_is_new) MUST_CHECK;
/* The items of a draft over what runs; RESOLVE as in config/overlay.h. */
bool target_overlay(struct api_call *call, const struct draft *draft, const json_t *resolve,
                    struct overlay **ret_overlay) MUST_CHECK;

/* Answers with what the overlay changes and where it conflicts. */
void respond_diff(struct api_call *call, const struct overlay *overlay);

/* Stages ITEM in the target's draft, made if it is new, and says which draft it is. */
bool target_stage(struct api_call *call, struct api_target *target,
                  const struct overlay_item *item) MUST_CHECK;
/* The same, with ITEMS as all that the draft holds. */
bool target_replace(struct api_call *call, struct api_target *target,
                    const struct overlay_item *items, size_t count) MUST_CHECK;

/* Reads section, listener and key from the path and the query; opens the view. KEY_AT: which value
 * of the path is the key; -1: there is none. */
bool target_open(struct api_call *call, int key_at, struct api_target *ret_target) MUST_CHECK;
void target_close(struct api_target *target);
/* A write must say where to. */
bool target_wants_write(struct api_call *call, const struct api_target *target) MUST_CHECK;

#endif
