/* What an overlay changes, member by member, and what leads from one configuration to another: see
 * overlay.h. */
#include "config/overlay.h"

#include "config/describe.h"
#include "config/overlay_priv.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value == NULL ? json_null() : value);
}

/* The widest activation of two. */
static const char *wider(const char *a, const char *b)
{
    static const char *const words[] = {"at_once", "new_connections", "rebind"};
    size_t i = 0, j = 0;

    while (strcmp(words[i], a) != 0)
        i++;
    while (strcmp(words[j], b) != 0)
        j++;
    return words[i > j ? i : j];
}

static json_t *diff_fields(const struct overlay_item *item, const char **ret_activation)
{
    const struct cfg_rows *rows = cfg_sections[item->section].rows;
    json_t *fields = json_array();

    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        const json_t *old = json_object_get(item->base, row->key);
        const json_t *new = json_object_get(item->value, row->key);
        if (overlay_is_same(old, new))
            continue;
        json_t *field = json_pack("{s:o,s:s,s:s}", "pointer", json_sprintf("/%s", row->key),
                                  "label", row->label, "kind", config_row_kind(row));
        set(field, "old", overlay_copy(old));
        set(field, "new", overlay_copy(new));
        (void)json_array_append_new(fields, field);
        *ret_activation = wider(*ret_activation, config_activation(row));
    }
    return fields;
}

static json_t *order_field(const struct overlay_item *item)
{
    json_t *field = json_pack("{s:s,s:s,s:s}", "pointer", "", "label", "Order", "kind", "order");

    set(field, "old", overlay_copy(item->base));
    set(field, "new", overlay_copy(item->value));
    return json_pack("[o]", field);
}

json_t *overlay_diff(const struct overlay *overlay)
{
    json_t *out = json_array();

    for (size_t i = 0; i < overlay->count; i++) {
        const struct overlay_item *item = &overlay->items[i];
        if (overlay_is_same(item->base, item->value))
            continue;
        const char *op = item->is_order        ? "order"
                         : item->base == NULL  ? "add"
                         : item->value == NULL ? "remove"
                                               : "update";
        const char *activation = item->is_order ? "new_connections" : "at_once";
        json_t *fields = item->is_order ? order_field(item) : diff_fields(item, &activation);
        (void)json_array_append_new(
            out, json_pack("{s:s,s:o,s:o,s:s,s:s,s:o}", "section", cfg_sections[item->section].name,
                           "listener", json_stringn(item->listener.p, item->listener.len), "key",
                           json_stringn(item->key.p, item->key.len), "op", op, "activation",
                           activation, "fields", fields));
    }
    return out;
}

/* --- from one configuration to another --- */

/* An order item for each listener whose entries do not stand as in TO when ITEMS are in FROM. */
static size_t add_orders(const struct config *from, const struct config *to,
                         struct mem_arena *arena, struct overlay_item *items, size_t count)
{
    struct overlay *before = overlay_create(from, NULL, 0, NULL);
    struct overlay *placed = overlay_create(from, items, count, NULL);
    struct overlay *after = overlay_create(to, NULL, 0, NULL);

    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        enum cfg_section section = (enum cfg_section)i;
        if ((cfg_sections[i].flags & CFG_SECTION_ORDERED) == 0)
            continue;
        for (size_t j = 0; j < to->listeners.count; j++) {
            struct slice listener = to->listeners.items[j].name;
            json_t *have = overlay_order(placed, section, listener);
            json_t *want = overlay_order(after, section, listener);
            if (!overlay_is_same(have, want))
                items[count++] =
                    (struct overlay_item){.section = section,
                                          .listener = overlay_keep(arena, listener),
                                          .key = SLICE(""),
                                          .is_order = true,
                                          .base = overlay_order(before, section, listener),
                                          .value = json_incref(want)};
            json_decref(have);
            json_decref(want);
        }
    }
    overlay_destroy(before);
    overlay_destroy(placed);
    overlay_destroy(after);
    return count;
}

void overlay_items_between(const struct config *from, const struct config *to,
                           struct mem_arena *arena, struct overlay_item **ret_items,
                           size_t *ret_count)
{
    struct config_diff diff;
    struct overlay *before = overlay_create(from, NULL, 0, NULL);
    struct overlay *after = overlay_create(to, NULL, 0, NULL);
    size_t count = 0;

    config_diff(from, to, &diff);
    size_t most = diff.count + CFG_SECTION_COUNT * to->listeners.count;
    struct overlay_item *items = mem_array(most + 1, sizeof(*items));
    for (size_t i = 0; i < diff.count; i++) {
        const struct config_change *c = &diff.items[i];
        if (c->op == CONFIG_CHANGE_ORDER)
            continue; /* says nothing of the places of new entries */
        items[count++] = (struct overlay_item){
            .section = c->section,
            .listener = overlay_keep(arena, c->listener),
            .key = overlay_keep(arena, c->key),
            .base = overlay_copy(overlay_object(before, c->section, c->listener, c->key)),
            .value = overlay_copy(overlay_object(after, c->section, c->listener, c->key))};
    }
    *ret_items = items;
    *ret_count = add_orders(from, to, arena, items, count);
    config_diff_finish(&diff);
    overlay_destroy(before);
    overlay_destroy(after);
}
