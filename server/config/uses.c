/* See uses.h. */
#include "config/uses.h"

#include "config/schema.h"

struct search {
    enum cfg_section wanted;
    struct slice key;
    /* the object that is looked at */
    enum cfg_section section;
    const json_t *object;
    json_t *items;
    json_int_t total;
};

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = member == NULL ? NULL : json_string_value(json_object_get(object, member));

    return text == NULL ? "" : text;
}

static void add_use(struct search *s, const struct cfg_row *row, const char *pointer)
{
    const struct cfg_section_info *info = &cfg_sections[s->section];

    s->total++;
    if (json_array_size(s->items) == CONFIG_USES_MAX)
        return;
    (void)json_array_append_new(
        s->items,
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "section", info->name, "listener",
                  info->flags & CFG_SECTION_PER_LISTENER ? text_of(s->object, "listener") : "",
                  "key", text_of(s->object, info->key), "pointer", pointer, "label", row->label));
}

static void look_at(struct search *s, const struct cfg_row *row, const json_t *value,
                    const char *pointer)
{
    if (json_is_string(value) && slice_eq(slice_str(json_string_value(value)), s->key))
        add_use(s, row, pointer);
}

static void walk(struct search *s, const struct cfg_rows *rows, const json_t *object,
                 const char *prefix);

static void walk_list(struct search *s, const struct cfg_row *row, const json_t *list,
                      const char *pointer)
{
    bool is_struct = row->item_kind == CFG_KIND_STRUCT;

    if (!is_struct && (row->item_kind != CFG_KIND_REF || row->ref != s->wanted))
        return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        char *at = mem_printf("%s/%zu", pointer, i);
        if (is_struct)
            walk(s, row->item_rows, json_array_get(list, i), at);
        else
            look_at(s, row, json_array_get(list, i), at);
        free(at);
    }
}

/* Keys of rows have nothing that a pointer escapes. */
static void walk(struct search *s, const struct cfg_rows *rows, const json_t *object,
                 const char *prefix)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        const json_t *value = json_object_get(object, row->key);
        bool is_reference = row->kind == CFG_KIND_REF && row->ref == s->wanted;
        if (!is_reference && row->kind != CFG_KIND_LIST)
            continue;
        char *pointer = mem_printf("%s/%s", prefix, row->key);
        if (is_reference)
            look_at(s, row, value, pointer);
        else
            walk_list(s, row, value, pointer);
        free(pointer);
    }
}

json_t *config_uses(const json_t *document, enum cfg_section section, struct slice key)
{
    struct search s = {.wanted = section, .key = key, .items = json_array()};

    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        const json_t *content = json_object_get(document, cfg_sections[i].name);
        bool is_singleton = (cfg_sections[i].flags & CFG_SECTION_SINGLETON) != 0;
        size_t count = is_singleton ? 1 : json_array_size(content);
        s.section = (enum cfg_section)i;
        for (size_t j = 0; j < count; j++) {
            s.object = is_singleton ? content : json_array_get(content, j);
            walk(&s, cfg_sections[i].rows, s.object, "");
        }
    }
    return json_pack("{s:o,s:I}", "items", s.items, "total", s.total);
}
