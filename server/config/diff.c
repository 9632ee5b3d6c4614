/* What differs between two configurations: a merge of their sorted tables, row by row.
 *
 * The union of the changed rows' reload flags tells the commit's hooks what must be renewed; for an
 * object that came or went, those of all its rows. In ordered sections the order of what both have
 * is compared per listener: one CONFIG_CHANGE_ORDER for each listener where it differs. */
#include "config/config.h"
#include "config/config_priv.h"

static bool value_eq(const struct cfg_row *row, enum cfg_kind kind, const void *a, const void *b);

static bool struct_eq(const struct cfg_rows *rows, const void *a, const void *b,
                      unsigned *ret_reload)
{
    bool is_equal = true;
    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        if (value_eq(row, row->kind, cfg_member(a, row), cfg_member(b, row)))
            continue;
        is_equal = false;
        *ret_reload |= row->reload;
    }
    return is_equal;
}

static bool value_eq(const struct cfg_row *row, enum cfg_kind kind, const void *a, const void *b)
{
    unsigned ignored = 0; /* a list's own row says what it reloads */
    switch (kind) {
    case CFG_KIND_STR:
    case CFG_KIND_NAME:
    case CFG_KIND_HOSTNAME:
    case CFG_KIND_REF:
        return slice_eq(*(const struct slice *)a, *(const struct slice *)b);
    case CFG_KIND_U32:
        return *(const uint32_t *)a == *(const uint32_t *)b;
    case CFG_KIND_U64:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case CFG_KIND_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case CFG_KIND_ENUM:
        return cfg_enum_get(a) == cfg_enum_get(b);
    case CFG_KIND_IP:
        return ip_eq(a, b);
    case CFG_KIND_PATTERN:
        return slice_eq(((const struct cfg_pattern *)a)->text,
                        ((const struct cfg_pattern *)b)->text);
    case CFG_KIND_ENDPOINT:
        return ip_eq(&((const struct cfg_endpoint *)a)->ip,
                     &((const struct cfg_endpoint *)b)->ip) &&
               ((const struct cfg_endpoint *)a)->port == ((const struct cfg_endpoint *)b)->port;
    case CFG_KIND_STRUCT:
        return struct_eq(row->item_rows, a, b, &ignored);
    case CFG_KIND_LIST:
        break;
    }
    struct cfg_any_list x = cfg_list_get(a), y = cfg_list_get(b);
    if (x.count != y.count)
        return false;
    for (size_t i = 0; i < x.count; i++) {
        if (!value_eq(row, row->item_kind, (const char *)x.items + i * row->item_size,
                      (const char *)y.items + i * row->item_size))
            return false;
    }
    return true;
}

static unsigned all_reloads(const struct cfg_rows *rows)
{
    unsigned reload = 0;
    for (size_t i = 0; i < rows->count; i++)
        reload |= rows->rows[i].reload;
    return reload;
}

static void add(struct config_diff *diff, enum config_change_op op, const struct config *c,
                enum cfg_section section, size_t at)
{
    if ((diff->count & (diff->count - 1)) == 0) {
        size_t size = diff->count == 0 ? 1 : diff->count * 2;
        diff->items = mem_realloc(diff->items, size * sizeof(diff->items[0]));
    }
    diff->items[diff->count++] = (struct config_change){
        .op = op,
        .section = section,
        .listener = cfg_listener_of(c, section, at),
        .key = op == CONFIG_CHANGE_ORDER ? SLICE("") : cfg_key(c, section, at)};
}

static void merge_section(const struct config *old, const struct config *new,
                          enum cfg_section section, struct config_diff *diff)
{
    const struct cfg_rows *rows = cfg_sections[section].rows;
    size_t old_count = old == NULL ? 0 : cfg_count(old, section);
    size_t new_count = cfg_count(new, section);
    size_t i = 0, j = 0;
    while (i < old_count || j < new_count) {
        size_t a = i < old_count ? old->index[section].by_key[i] : 0;
        size_t b = j < new_count ? new->index[section].by_key[j] : 0;
        int order;
        if (i == old_count)
            order = 1;
        else if (j == new_count)
            order = -1;
        else
            order = config_key_compare(cfg_listener_of(old, section, a), cfg_key(old, section, a),
                                       cfg_listener_of(new, section, b), cfg_key(new, section, b));
        if (order < 0) {
            add(diff, CONFIG_CHANGE_REMOVE, old, section, a);
            diff->reload |= all_reloads(rows);
        } else if (order > 0) {
            add(diff, CONFIG_CHANGE_ADD, new, section, b);
            diff->reload |= all_reloads(rows);
        } else if (!struct_eq(rows, cfg_object(old, section, a), cfg_object(new, section, b),
                              &diff->reload)) {
            add(diff, CONFIG_CHANGE_SET, new, section, b);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

/* Walks each listener's objects of NEW; those that OLD has too must rise in OLD's order as well. */
static void compare_order(const struct config *old, const struct config *new,
                          enum cfg_section section, struct config_diff *diff)
{
    const uint32_t *positions = new->index[section].by_listener;
    struct slice listener = SLICE(""), reported = SLICE("");
    size_t last = 0;
    for (size_t i = 0; i < cfg_count(new, section); i++) {
        struct slice mine = cfg_listener_of(new, section, positions[i]);
        if (!slice_eq(mine, listener)) {
            listener = mine;
            last = 0;
        }
        size_t at = config_find(old, section, mine, cfg_key(new, section, positions[i]));
        if (at == SIZE_MAX)
            continue;
        if (at + 1 < last && !slice_eq(mine, reported)) {
            add(diff, CONFIG_CHANGE_ORDER, new, section, positions[i]);
            reported = mine;
        }
        last = at + 1;
    }
}

void config_diff(const struct config *old, const struct config *new, struct config_diff *ret_diff)
{
    ASSERT(new->is_sealed && (old == NULL || old->is_sealed));
    struct config_diff diff = {0};
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        merge_section(old, new, (enum cfg_section)i, &diff);
        if (old != NULL && (cfg_sections[i].flags & CFG_SECTION_ORDERED))
            compare_order(old, new, (enum cfg_section)i, &diff);
    }
    *ret_diff = diff;
}

void config_diff_finish(struct config_diff *diff)
{
    if (diff == NULL)
        return;
    free(diff->items);
    *diff = (struct config_diff){0};
}
