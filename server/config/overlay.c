/* See overlay.h. The document is JSON, so that what is staged, merged and shown is what the codec
 * reads. Its objects keep their identity: a changed one is filled anew, one that goes is emptied
 * and swept up at the end, and so the index by key, made when a section is first asked for, stays
 * true while items are put in. New objects are placed in the same sweep. */
#include "config/overlay.h"

#include "base/hmap.h"
#include "config/merge.h"
#include "config/objects.h"
#include "config/overlay_priv.h"

struct place {
    struct hmap_node node; /* its key: listener, NUL, key */
    json_t *object;        /* borrowed from the document or from `added` */
};

struct overlay_index {
    struct section_index {
        bool is_made, is_changed;
        struct hmap places;
        json_t *added; /* new objects, not in the document yet */
    } sections[CFG_SECTION_COUNT];
};

static bool is_singleton(enum cfg_section section)
{
    return (cfg_sections[section].flags & CFG_SECTION_SINGLETON) != 0;
}

static json_t *section_of(const json_t *document, enum cfg_section section)
{
    return json_object_get(document, cfg_sections[section].name);
}

/* --- the index --- */

static void index_object(struct mem_arena *arena, struct section_index *index, struct slice key,
                         json_t *object)
{
    struct place *place = mem_arena_alloc(arena, sizeof(*place));

    place->object = object;
    hmap_add(&index->places, &place->node,
             slice_of(mem_arena_strndup(arena, key.p, key.len), key.len));
}

static struct section_index *index_of(const struct overlay *overlay, enum cfg_section section)
{
    struct section_index *index = &overlay->index->sections[section];
    /* The overlay is the caller's to read only; its index is not what they read. */
    struct mem_arena *arena = (struct mem_arena *)(uintptr_t)&overlay->arena;
    const json_t *all = section_of(overlay->document, section);
    struct buf buf;

    if (index->is_made)
        return index;
    index->is_made = true;
    buf_init(&buf, 0);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *object = json_array_get(all, i);
        struct slice key = overlay_name(&buf, overlay_listener_of(section, object),
                                        overlay_member(object, cfg_sections[section].key));
        if (hmap_find(&index->places, key) == NULL)
            index_object(arena, index, key, object);
    }
    buf_finish(&buf);
    return index;
}

/* KEY as the rows write it. */
static struct place *find(const struct overlay *overlay, enum cfg_section section,
                          struct slice listener, struct slice key)
{
    struct buf buf;

    buf_init(&buf, 0);
    struct hmap_node *node =
        hmap_find(&index_of(overlay, section)->places, overlay_name(&buf, listener, key));
    buf_finish(&buf);
    return node == NULL ? NULL : CONTAINER_OF(node, struct place, node);
}

static json_t *find_object(const struct overlay *overlay, enum cfg_section section,
                           struct slice listener, struct slice key)
{
    if (is_singleton(section))
        return section_of(overlay->document, section);
    struct place *place = find(overlay, section, listener, key);
    return place == NULL ? NULL : place->object;
}

json_t *overlay_object(const struct overlay *overlay, enum cfg_section section,
                       struct slice listener, struct slice key)
{
    struct mem_arena arena;

    mem_arena_init(&arena);
    json_t *object = find_object(overlay, section, listener, object_key(section, key, &arena));
    mem_arena_finish(&arena);
    return object;
}

json_t *overlay_objects(const struct overlay *overlay, enum cfg_section section,
                        struct slice listener)
{
    json_t *out = json_array(), *all = section_of(overlay->document, section);

    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *object = json_array_get(all, i);
        if (listener.len == 0 || !overlay_is_per_listener(section) ||
            slice_eq(overlay_member(object, "listener"), listener))
            (void)json_array_append(out, object);
    }
    return out;
}

json_t *overlay_order(const struct overlay *overlay, enum cfg_section section,
                      struct slice listener)
{
    json_t *out = json_array(), *all = section_of(overlay->document, section);

    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *object = json_array_get(all, i);
        if (!overlay_is_per_listener(section) ||
            slice_eq(overlay_member(object, "listener"), listener))
            (void)json_array_append(out, json_object_get(object, cfg_sections[section].key));
    }
    return out;
}

/* --- putting objects in --- */

static void set_object(struct overlay *overlay, const struct overlay_item *item)
{
    struct section_index *index = &overlay->index->sections[item->section];
    struct buf buf;

    if (is_singleton(item->section)) {
        (void)json_object_set(overlay->document, cfg_sections[item->section].name, item->value);
        return;
    }
    struct place *place = find(overlay, item->section, item->listener, item->key);
    if (place != NULL) {
        (void)json_object_clear(place->object);
        if (item->value != NULL)
            (void)json_object_update(place->object, item->value);
        else
            hmap_remove(&index->places, &place->node);
        index->is_changed = index->is_changed || item->value == NULL;
        return;
    }
    if (item->value == NULL)
        return;
    json_t *object = json_copy(item->value);
    if (index->added == NULL)
        index->added = json_array();
    index->is_changed = true;
    buf_init(&buf, 0);
    index_object(&overlay->arena, index, overlay_name(&buf, item->listener, item->key), object);
    buf_finish(&buf);
    (void)json_array_append_new(index->added, object);
}

static void sweep(struct overlay *overlay)
{
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        struct section_index *index = &overlay->index->sections[i];
        enum cfg_section section = (enum cfg_section)i;
        if (!index->is_changed)
            continue;
        json_t *all = section_of(overlay->document, section);
        (void)json_object_set_new(overlay->document, cfg_sections[i].name,
                                  overlay_place(section, all, index->added));
        json_decref(index->added);
        index->added = NULL;
    }
}

/* The listener's objects take their places again, in the order of KEYS, which are theirs. */
static void set_order(struct overlay *overlay, enum cfg_section section, struct slice listener,
                      const json_t *keys)
{
    json_t *all = section_of(overlay->document, section), *sorted = json_array();
    size_t next = 0;

    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        (void)json_array_append(
            sorted, find_object(overlay, section, listener,
                                slice_of(json_string_value(key), json_string_length(key))));
    }
    for (size_t i = 0; i < json_array_size(all); i++)
        if (slice_eq(overlay_listener_of(section, json_array_get(all, i)), listener))
            (void)json_array_set(all, i, json_array_get(sorted, next++));
    json_decref(sorted);
}

/* --- merging --- */

static bool is_for(const json_t *answer, const struct overlay_item *item, const json_t *conflict)
{
    return slice_eq(overlay_member(answer, "section"),
                    slice_str(cfg_sections[item->section].name)) &&
           slice_eq(overlay_member(answer, "listener"), item->listener) &&
           slice_eq(overlay_member(answer, "key"), item->key) &&
           slice_eq(overlay_member(answer, "pointer"), overlay_member(conflict, "pointer"));
}

/* 'm', 't', or 0: not answered. */
static char answer_to(const json_t *resolve, const struct overlay_item *item,
                      const json_t *conflict)
{
    for (size_t i = 0; i < json_array_size(resolve); i++) {
        const json_t *answer = json_array_get(resolve, i);
        if (!is_for(answer, item, conflict))
            continue;
        struct slice take = overlay_member(answer, "take");
        return slice_eq(take, SLICE("mine")) ? 'm' : slice_eq(take, SLICE("theirs")) ? 't' : '\0';
    }
    return '\0';
}

/* INTO with one member, or all of it, as it is in FROM (NULL: not there). POINTER is a conflict's.
 */
static json_t *take_over(json_t *into, const json_t *from, const json_t *conflict)
{
    const char *pointer = json_string_value(json_object_get(conflict, "pointer"));

    if (pointer[0] == '\0') {
        json_decref(into);
        return overlay_copy(from);
    }
    const json_t *value = json_object_get(from, pointer + 1);
    if (value == NULL)
        (void)json_object_del(into, pointer + 1);
    else
        (void)json_object_set_new(into, pointer + 1, json_deep_copy(value));
    return into;
}

enum { SETS_MAX = 64 };

static json_t *merge(const struct overlay_item *item, const json_t *theirs, json_t *conflicts)
{
    const struct cfg_rows *rows = cfg_sections[item->section].rows;
    const char *sets[SETS_MAX]; /* the members whose order means nothing */
    size_t count = 0;

    if (item->is_order)
        return merge_orders(item->base, theirs, item->value, conflicts);
    for (size_t i = 0; i < rows->count && count < SETS_MAX - 1; i++)
        if (rows->rows[i].flags & CFG_SET)
            sets[count++] = rows->rows[i].key;
    sets[count] = NULL;
    return merge_objects(item->base, theirs, item->value, sets, conflicts);
}

static void merge_item(struct overlay *overlay, struct overlay_item *item, const json_t *resolve)
{
    json_t *conflicts = json_array();
    json_t *theirs =
        item->is_order
            ? overlay_order(overlay, item->section, item->listener)
            : overlay_copy(find_object(overlay, item->section, item->listener, item->key));
    json_t *merged = merge(item, theirs, conflicts);

    for (size_t i = 0; i < json_array_size(conflicts); i++) {
        json_t *conflict = json_array_get(conflicts, i);
        char take = answer_to(resolve, item, conflict);
        if (take == 't')
            merged = take_over(merged, theirs, conflict);
        if (take != '\0')
            continue;
        (void)json_object_set_new(conflict, "section",
                                  json_string(cfg_sections[item->section].name));
        (void)json_object_set_new(conflict, "listener",
                                  json_stringn(item->listener.p, item->listener.len));
        (void)json_object_set_new(conflict, "key", json_stringn(item->key.p, item->key.len));
        (void)json_array_append(overlay->conflicts, conflict);
    }
    json_decref(conflicts);
    json_decref(item->base);
    json_decref(item->value);
    item->base = theirs;
    item->value = merged;
}

json_t *overlay_restaged_base(const struct overlay_item *staged, const struct overlay_item *item)
{
    json_t *conflicts = json_array(), *base = overlay_copy(item->base);

    json_decref(merge(staged, item->base, conflicts));
    for (size_t i = 0; i < json_array_size(conflicts); i++) {
        const json_t *conflict = json_array_get(conflicts, i);
        const char *pointer = json_string_value(json_object_get(conflict, "pointer"));
        bool goes_back = pointer[0] == '\0'
                             ? overlay_is_same(item->value, staged->base)
                             : overlay_is_same(json_object_get(item->value, pointer + 1),
                                               json_object_get(staged->base, pointer + 1));
        if (!goes_back)
            base = take_over(base, staged->base, conflict);
    }
    json_decref(conflicts);
    return base;
}

static void put_item(struct overlay *overlay, struct overlay_item *item, const json_t *resolve)
{
    item->listener = overlay_keep(&overlay->arena, item->listener);
    item->key = overlay_keep(&overlay->arena, item->key);
    item->base = overlay_copy(item->base);
    item->value = overlay_copy(item->value);
    merge_item(overlay, item, resolve);
    if (!item->is_order) {
        set_object(overlay, item);
        return;
    }
    json_t *whole = merge_order_complete(item->value, item->base);
    json_decref(item->value);
    item->value = whole;
    set_order(overlay, item->section, item->listener, whole);
}

struct overlay *overlay_create(const struct config *running, const struct overlay_item *items,
                               size_t count, const json_t *resolve)
{
    struct overlay *overlay = MEM_NEW(struct overlay);

    mem_arena_init(&overlay->arena);
    overlay->running = config_ref(running);
    overlay->document = config_document(running);
    overlay->conflicts = json_array();
    overlay->items = mem_array(count + 1, sizeof(*items));
    overlay->count = count;
    overlay->index = MEM_NEW(struct overlay_index);
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++)
        hmap_init(&overlay->index->sections[i].places);
    /* Orders last: they speak of what is there when all objects are. */
    for (unsigned is_order = 0; is_order < 2; is_order++) {
        for (size_t i = 0; i < count; i++) {
            if (items[i].is_order != (is_order == 1))
                continue;
            overlay->items[i] = items[i];
            put_item(overlay, &overlay->items[i], resolve);
        }
        if (is_order == 0)
            sweep(overlay);
    }
    return overlay;
}

void overlay_destroy(struct overlay *overlay)
{
    if (overlay == NULL)
        return;
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++)
        hmap_finish(&overlay->index->sections[i].places);
    free(overlay->index);
    overlay_items_finish(overlay->items, overlay->count);
    json_decref(overlay->conflicts);
    json_decref(overlay->document);
    config_unref(overlay->running);
    mem_arena_finish(&overlay->arena);
    free(overlay);
}

void overlay_items_finish(struct overlay_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_decref(items[i].base);
        json_decref(items[i].value);
    }
    free(items);
}

/* --- the candidate --- */

/* /listeners/3/port -> /listeners/InboundMail/port; with the listener before the key. */
static void name_place(const json_t *document, const char *pointer, struct buf *out)
{
    struct slice rest = slice_str(pointer);
    unsigned long long at = 0;

    (void)slice_cut(&rest, '/');
    struct slice name = slice_cut(&rest, '/');
    enum cfg_section section = cfg_section_find(name);
    struct slice index = slice_cut(&rest, '/');
    const json_t *object = NULL;
    if (section != CFG_SECTION_COUNT && !is_singleton(section) && index.len > 0 &&
        slice_to_u64(index, UINT32_MAX, &at))
        object = json_array_get(section_of(document, section), (size_t)at);
    if (object == NULL || overlay_member(object, cfg_sections[section].key).len == 0) {
        (void)buf_append_str(out, pointer);
        return;
    }
    struct slice parts[2] = {overlay_member(object, "listener"),
                             overlay_member(object, cfg_sections[section].key)};
    (void)buf_printf(out, "/%.*s", SLICE_ARGS(name));
    for (size_t i = overlay_is_per_listener(section) ? 0 : 1; i < ARRAY_LEN(parts); i++)
        config_pointer_append(out, parts[i]);
    if (rest.len > 0)
        (void)buf_printf(out, "/%.*s", SLICE_ARGS(rest));
}

void overlay_name_errors(const json_t *document, const struct config_errors *found,
                         struct config_errors *errors)
{
    for (size_t i = 0; i < found->count; i++) {
        struct buf pointer;
        buf_init(&pointer, 0);
        name_place(document, found->items[i].pointer, &pointer);
        config_errors_copy(errors, &found->items[i], buf_cstr(&pointer));
        buf_finish(&pointer);
    }
    errors->dropped += found->dropped;
}

struct config *overlay_candidate(const struct overlay *overlay, struct config_errors *errors)
{
    struct config_errors found;
    char *text = json_dumps(overlay->document, JSON_COMPACT);

    ASSERT(text != NULL);
    config_errors_init(&found);
    struct config *candidate = config_parse(slice_str(text), &found);
    bool is_valid = candidate != NULL && config_validate(candidate, &found);
    free(text);
    if (!is_valid) {
        overlay_name_errors(overlay->document, &found, errors);
        config_unref(candidate);
        candidate = NULL;
    }
    config_errors_finish(&found);
    return candidate;
}
