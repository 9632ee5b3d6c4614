/* See merge.h. */
#include "config/merge.h"

#include <stdbool.h>
#include <string.h>

enum { PATCH_DEPTH_MAX = 32 };

static json_t *patch_value(const json_t *target, const json_t *patch, int depth)
{
    if (!json_is_object(patch) || depth == PATCH_DEPTH_MAX)
        return json_deep_copy(patch);
    json_t *out = json_is_object(target) ? json_copy((json_t *)(size_t)target) : json_object();
    json_t *members = (json_t *)(size_t)patch; /* Jansson's iterators only read */
    for (void *it = json_object_iter(members); it != NULL;
         it = json_object_iter_next(members, it)) {
        const char *key = json_object_iter_key(it);
        const json_t *value = json_object_iter_value(it);
        if (json_is_null(value))
            (void)json_object_del(out, key);
        else
            (void)json_object_set_new(out, key,
                                      patch_value(json_object_get(target, key), value, depth + 1));
    }
    return out;
}

json_t *merge_patch(const json_t *target, const json_t *patch)
{
    return patch_value(target, patch, 0);
}

/* --- three ways --- */

static bool is_same(const json_t *a, const json_t *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return json_equal(a, b) != 0;
}

static json_t *copy_or_null(const json_t *value)
{
    return value == NULL ? json_null() : json_deep_copy(value);
}

static void add_conflict(json_t *conflicts, const char *member, const json_t *base,
                         const json_t *theirs, const json_t *mine)
{
    json_t *pointer = member == NULL ? json_string("") : json_sprintf("/%s", member);

    (void)json_array_append_new(
        conflicts, json_pack("{s:o,s:o,s:o,s:o}", "pointer", pointer, "base", copy_or_null(base),
                             "theirs", copy_or_null(theirs), "mine", copy_or_null(mine)));
}

static bool is_in(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

/* Theirs without what I took out, and behind it what I added. */
static json_t *merge_sets(const json_t *base, const json_t *theirs, const json_t *mine)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(theirs); i++) {
        json_t *value = json_array_get(theirs, i);
        if (is_in(mine, value) || !is_in(base, value))
            (void)json_array_append_new(out, json_deep_copy(value));
    }
    for (size_t i = 0; i < json_array_size(mine); i++) {
        json_t *value = json_array_get(mine, i);
        if (!is_in(base, value) && !is_in(out, value))
            (void)json_array_append_new(out, json_deep_copy(value));
    }
    return out;
}

static bool is_named(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static void merge_member(json_t *out, const char *key, const json_t *base, const json_t *theirs,
                         const json_t *mine, const char *const *sets, json_t *conflicts)
{
    const json_t *taken = mine;

    if (is_same(mine, base)) {
        taken = theirs;
    } else if (!is_same(theirs, base) && !is_same(theirs, mine)) {
        if (is_named(sets, key) && json_is_array(theirs) && json_is_array(mine)) {
            (void)json_object_set_new(out, key, merge_sets(base, theirs, mine));
            return;
        }
        add_conflict(conflicts, key, base, theirs, mine);
    }
    if (taken != NULL)
        (void)json_object_set_new(out, key, json_deep_copy(taken));
}

/* Merges the members that OF has and OUT has not yet been asked about. */
static void merge_members(json_t *out, const json_t *of, const json_t *base, const json_t *theirs,
                          const json_t *mine, const char *const *sets, json_t *conflicts)
{
    json_t *members = (json_t *)(size_t)of; /* Jansson's iterators only read */

    for (void *it = json_object_iter(members); it != NULL;
         it = json_object_iter_next(members, it)) {
        const char *key = json_object_iter_key(it);
        if (of == theirs && json_object_get(mine, key) != NULL)
            continue;
        merge_member(out, key, json_object_get(base, key), json_object_get(theirs, key),
                     json_object_get(mine, key), sets, conflicts);
    }
}

json_t *merge_objects(const json_t *base, const json_t *theirs, const json_t *mine,
                      const char *const *sets, json_t *conflicts)
{
    if (is_same(theirs, base) || is_same(theirs, mine))
        return mine == NULL ? NULL : json_deep_copy(mine);
    if (is_same(mine, base))
        return theirs == NULL ? NULL : json_deep_copy(theirs);
    if (mine == NULL || theirs == NULL || base == NULL) {
        add_conflict(conflicts, NULL, base, theirs, mine);
        return mine == NULL ? NULL : json_deep_copy(mine);
    }
    json_t *out = json_object();
    merge_members(out, mine, base, theirs, mine, sets, conflicts);
    merge_members(out, theirs, base, theirs, mine, sets, conflicts);
    return out;
}

/* --- orders --- */

static const char *key_at(const json_t *list, size_t i)
{
    const char *key = json_string_value(json_array_get(list, i));

    return key == NULL ? "" : key;
}

/* The keys of LIST as an object's, for look-ups: orders may be long. */
static json_t *keys_of(const json_t *list)
{
    json_t *keys = json_object();

    for (size_t i = 0; i < json_array_size(list); i++)
        (void)json_object_set_new(keys, key_at(list, i), json_true());
    return keys;
}

static bool has(const json_t *keys, const char *key)
{
    return json_object_get(keys, key) != NULL;
}

/* What of LIST is in A and in B, in the order of LIST. */
static json_t *shared_part(const json_t *list, const json_t *a, const json_t *b)
{
    json_t *out = json_array(), *in_a = keys_of(a), *in_b = keys_of(b);

    for (size_t i = 0; i < json_array_size(list); i++)
        if (has(in_a, key_at(list, i)) && has(in_b, key_at(list, i)))
            (void)json_array_append(out, json_array_get(list, i));
    json_decref(in_a);
    json_decref(in_b);
    return out;
}

/* What OTHER added, as {key: [what stands behind it]}; "" stands for the beginning. KEPT is what it
 * may stand behind. */
static json_t *additions(const json_t *base, const json_t *kept, const json_t *other)
{
    json_t *runs = json_object(), *in_base = keys_of(base);
    const char *behind = "";

    for (size_t i = 0; i < json_array_size(other); i++) {
        const char *key = key_at(other, i);
        if (has(kept, key)) {
            behind = key;
        } else if (!has(in_base, key)) {
            if (!has(runs, behind))
                (void)json_object_set_new(runs, behind, json_array());
            (void)json_array_append(json_object_get(runs, behind), json_array_get(other, i));
        }
    }
    json_decref(in_base);
    return runs;
}

/* MOVED's order, with what OTHER added and without what OTHER removed since BASE. */
static json_t *adopt(const json_t *base, const json_t *moved, const json_t *other)
{
    json_t *in_base = keys_of(base), *in_other = keys_of(other), *kept = keys_of(moved);

    for (size_t i = 0; i < json_array_size(moved); i++)
        if (has(in_base, key_at(moved, i)) && !has(in_other, key_at(moved, i)))
            (void)json_object_del(kept, key_at(moved, i));
    json_t *runs = additions(base, kept, other), *out = json_array();
    (void)json_array_extend(out, json_object_get(runs, ""));
    for (size_t i = 0; i < json_array_size(moved); i++) {
        if (!has(kept, key_at(moved, i)))
            continue;
        (void)json_array_append(out, json_array_get(moved, i));
        (void)json_array_extend(out, json_object_get(runs, key_at(moved, i)));
    }
    json_decref(runs);
    json_decref(kept);
    json_decref(in_base);
    json_decref(in_other);
    return out;
}

json_t *merge_orders(const json_t *base, const json_t *theirs, const json_t *mine,
                     json_t *conflicts)
{
    json_t *of_base = shared_part(base, theirs, mine);
    json_t *of_theirs = shared_part(theirs, base, mine);
    json_t *of_mine = shared_part(mine, base, theirs);
    bool have_i_moved = !json_equal(of_mine, of_base);
    bool have_they_moved = !json_equal(of_theirs, of_base);

    if (have_i_moved && have_they_moved && !json_equal(of_theirs, of_mine))
        add_conflict(conflicts, NULL, base, theirs, mine);
    json_t *out =
        have_i_moved || !have_they_moved ? adopt(base, mine, theirs) : adopt(base, theirs, mine);
    json_decref(of_base);
    json_decref(of_theirs);
    json_decref(of_mine);
    return out;
}

json_t *merge_order_complete(const json_t *order, const json_t *present)
{
    json_t *nothing = json_array(), *there = shared_part(order, present, present);
    json_t *out = adopt(nothing, there, present);

    json_decref(there);
    json_decref(nothing);
    return out;
}
