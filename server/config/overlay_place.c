/* Where new objects stand in a section. One walk over the section, however many are new. */
#include "config/overlay_priv.h"

#include "base/hmap.h"
#include "config/objects.h"
#include "config/overlay.h"

/* The entry that must stay last in an ordered section: the one for ALL. */
static bool is_last_entry(enum cfg_section section, const json_t *object)
{
    if (section == CFG_SECTION_RAT)
        return slice_eq(overlay_member(object, "recipient"), SLICE("ALL"));
    json_t *senders = json_object_get(object, "senders");
    for (size_t i = 0; i < json_array_size(senders); i++)
        if (slice_eq(overlay_member(json_array_get(senders, i), "sender"), SLICE("ALL")))
            return true;
    return false;
}

/* What is added to one listener, until its place is reached; and the last entry it has so far. */
struct arrival {
    struct hmap_node node; /* its key: the listener */
    json_t *objects;
    const json_t *last;
};

static struct arrival *arrival_of(struct hmap *arrivals, enum cfg_section section,
                                  const json_t *object)
{
    struct slice listener = overlay_listener_of(section, object);
    struct hmap_node *node = hmap_find(arrivals, listener);

    return node == NULL ? NULL : CONTAINER_OF(node, struct arrival, node);
}

static void collect_arrivals(struct hmap *arrivals, struct mem_arena *arena,
                             enum cfg_section section, const json_t *added, const json_t *all)
{
    for (size_t i = 0; i < json_array_size(added); i++) {
        json_t *object = json_array_get(added, i);
        struct arrival *arrival = arrival_of(arrivals, section, object);
        if (arrival == NULL) {
            arrival = mem_arena_alloc(arena, sizeof(*arrival));
            arrival->objects = json_array();
            hmap_add(arrivals, &arrival->node, overlay_listener_of(section, object));
        }
        size_t count = json_array_size(arrival->objects);
        bool has_last =
            count > 0 && is_last_entry(section, json_array_get(arrival->objects, count - 1));
        (void)json_array_insert(arrival->objects, has_last ? count - 1 : count, object);
    }
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *object = json_array_get(all, i);
        struct arrival *arrival =
            json_object_size(object) == 0 ? NULL : arrival_of(arrivals, section, object);
        if (arrival != NULL)
            arrival->last = object;
    }
}

static json_t *place_at_end(const json_t *all, const json_t *added)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(all); i++)
        if (json_object_size(json_array_get(all, i)) > 0)
            (void)json_array_append(out, json_array_get(all, i));
    for (size_t i = 0; i < json_array_size(added); i++)
        (void)json_array_append(out, json_array_get(added, i));
    return out;
}

json_t *overlay_place(enum cfg_section section, const json_t *all, const json_t *added)
{
    struct hmap arrivals;
    struct mem_arena arena;

    if ((cfg_sections[section].flags & CFG_SECTION_ORDERED) == 0)
        return place_at_end(all, added);
    json_t *out = json_array();

    hmap_init(&arrivals);
    mem_arena_init(&arena);
    collect_arrivals(&arrivals, &arena, section, added, all);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *object = json_array_get(all, i);
        if (json_object_size(object) == 0)
            continue;
        struct arrival *arrival = arrival_of(&arrivals, section, object);
        bool is_here = arrival != NULL && arrival->last == object;
        bool is_before = is_here && is_last_entry(section, object);
        if (is_here && is_before)
            (void)json_array_extend(out, arrival->objects);
        (void)json_array_append(out, object);
        if (is_here && !is_before)
            (void)json_array_extend(out, arrival->objects);
    }
    /* Of listeners that had none: in the order in which they came. */
    for (size_t i = 0; i < json_array_size(added); i++) {
        struct arrival *arrival = arrival_of(&arrivals, section, json_array_get(added, i));
        if (arrival->last == NULL && json_array_get(arrival->objects, 0) != NULL) {
            (void)json_array_extend(out, arrival->objects);
            (void)json_array_clear(arrival->objects);
        }
    }
    for (struct hmap_node *node = hmap_first(&arrivals), *next; node != NULL; node = next) {
        next = hmap_after(&arrivals, node);
        json_decref(CONTAINER_OF(node, struct arrival, node)->objects);
    }
    hmap_finish(&arrivals);
    mem_arena_finish(&arena);
    return out;
}

struct slice overlay_name(struct buf *buf, struct slice listener, struct slice key)
{
    buf_clear(buf, 4096);
    (void)buf_append_slice(buf, listener); /* no cap */
    (void)buf_append_char(buf, '\0');
    (void)buf_append_slice(buf, key);
    return buf_slice(buf);
}

/* One object in a list, by name. */
struct spot {
    struct hmap_node node;
    json_t *list;
    size_t at;
};

struct spots {
    enum cfg_section section;
    struct hmap map;
    struct mem_arena arena;
    struct buf buf;
};

static struct slice name_of(struct spots *spots, const json_t *object)
{
    enum cfg_section section = spots->section;
    struct slice written = overlay_member(object, cfg_sections[section].key);
    struct slice key = object_key(section, written.p == NULL ? SLICE("") : written, &spots->arena);

    return overlay_name(&spots->buf, overlay_listener_of(section, object), key);
}

static void add_spot(struct spots *spots, struct slice name, json_t *list, size_t at)
{
    struct spot *spot = mem_arena_alloc(&spots->arena, sizeof(*spot));

    spot->list = list;
    spot->at = at;
    hmap_add(&spots->map, &spot->node, overlay_keep(&spots->arena, name));
}

json_t *overlay_lay_over(enum cfg_section section, const json_t *all, const json_t *more)
{
    struct spots spots = {.section = section};
    json_t *kept = json_array(), *added = json_array();

    hmap_init(&spots.map);
    mem_arena_init(&spots.arena);
    buf_init(&spots.buf, 0);
    (void)json_array_extend(kept, (json_t *)(size_t)all);
    for (size_t i = 0; i < json_array_size(all); i++) {
        struct slice name = name_of(&spots, json_array_get(all, i));
        if (hmap_find(&spots.map, name) == NULL)
            add_spot(&spots, name, kept, i);
    }
    for (size_t i = 0; i < json_array_size(more); i++) {
        json_t *object = json_array_get(more, i);
        struct slice name = name_of(&spots, object);
        struct hmap_node *node = hmap_find(&spots.map, name);
        if (node != NULL) {
            struct spot *spot = CONTAINER_OF(node, struct spot, node);
            (void)json_array_set(spot->list, spot->at, object);
            continue;
        }
        add_spot(&spots, name, added, json_array_size(added));
        (void)json_array_append(added, object);
    }
    json_t *out = overlay_place(section, kept, added);
    json_decref(kept);
    json_decref(added);
    buf_finish(&spots.buf);
    hmap_finish(&spots.map);
    mem_arena_finish(&spots.arena);
    return out;
}
