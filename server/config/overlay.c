/* See overlay.h. The document is JSON, so that what is staged, merged and shown is what the codec
 * reads; 10,000 objects are walked once an item. */
#include "config/overlay.h"

#include "config/config_priv.h"
#include "config/describe.h"
#include "config/merge.h"
#include "config/sha256.h"

/* --- objects in a document --- */

static bool is_per_listener(enum cfg_section section)
{
    return (cfg_sections[section].flags & CFG_SECTION_PER_LISTENER) != 0;
}

static bool is_singleton(enum cfg_section section)
{
    return (cfg_sections[section].flags & CFG_SECTION_SINGLETON) != 0;
}

static struct slice member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return slice_of(json_string_value(value), json_string_length(value));
}

static bool is_of_listener(enum cfg_section section, const json_t *object, struct slice listener)
{
    return !is_per_listener(section) || slice_eq(member(object, "listener"), listener);
}

/* Names are compared byte by byte, domains without case, as config_find does. */
static bool is_key(enum cfg_section section, struct slice a, struct slice b)
{
    const struct cfg_section_info *info = &cfg_sections[section];
    const struct cfg_row *row = cfg_row_find(info->rows, slice_str(info->key));

    return row->kind == CFG_KIND_PATTERN ? slice_eq_nocase(a, b) : slice_eq(a, b);
}

static json_t *section_of(const json_t *document, enum cfg_section section)
{
    return json_object_get(document, cfg_sections[section].name);
}

/* SIZE_MAX: there is none. */
static size_t find(const json_t *list, enum cfg_section section, struct slice listener,
                   struct slice key)
{
    const char *name = cfg_sections[section].key;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        if (is_of_listener(section, object, listener) && is_key(section, member(object, name), key))
            return i;
    }
    return SIZE_MAX;
}

json_t *overlay_object(const struct overlay *overlay, enum cfg_section section,
                       struct slice listener, struct slice key)
{
    json_t *all = section_of(overlay->document, section);

    if (is_singleton(section))
        return all;
    size_t at = find(all, section, listener, key);
    return at == SIZE_MAX ? NULL : json_array_get(all, at);
}

json_t *overlay_objects(const struct overlay *overlay, enum cfg_section section,
                        struct slice listener)
{
    json_t *out = json_array(), *all = section_of(overlay->document, section);

    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *object = json_array_get(all, i);
        if (listener.len == 0 || is_of_listener(section, object, listener))
            (void)json_array_append(out, object);
    }
    return out;
}

static json_t *order_in(const json_t *document, enum cfg_section section, struct slice listener)
{
    json_t *out = json_array(), *all = section_of(document, section);

    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *object = json_array_get(all, i);
        if (is_of_listener(section, object, listener))
            (void)json_array_append(out, json_object_get(object, cfg_sections[section].key));
    }
    return out;
}

json_t *overlay_order(const struct overlay *overlay, enum cfg_section section,
                      struct slice listener)
{
    return order_in(overlay->document, section, listener);
}

/* --- putting items in --- */

/* The entry that must stay last in an ordered section: the one for ALL. */
static bool is_last_entry(enum cfg_section section, const json_t *object)
{
    if (section == CFG_SECTION_RAT)
        return slice_eq(member(object, "recipient"), SLICE("ALL"));
    json_t *senders = json_object_get(object, "senders");
    for (size_t i = 0; i < json_array_size(senders); i++)
        if (slice_eq(member(json_array_get(senders, i), "sender"), SLICE("ALL")))
            return true;
    return false;
}

/* Behind the others of its listener, but before ALL. */
static size_t place_for(const json_t *list, enum cfg_section section, struct slice listener)
{
    size_t place = json_array_size(list);

    if ((cfg_sections[section].flags & CFG_SECTION_ORDERED) == 0)
        return place;
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *object = json_array_get(list, i);
        if (is_of_listener(section, object, listener))
            return is_last_entry(section, object) ? i : i + 1;
    }
    return place;
}

static void set_object(json_t *document, const struct overlay_item *item)
{
    json_t *all = section_of(document, item->section);

    if (is_singleton(item->section)) {
        (void)json_object_set(document, cfg_sections[item->section].name, item->value);
        return;
    }
    size_t at = find(all, item->section, item->listener, item->key);
    if (item->value == NULL && at != SIZE_MAX)
        (void)json_array_remove(all, at);
    else if (item->value != NULL && at != SIZE_MAX)
        (void)json_array_set(all, at, item->value);
    else if (item->value != NULL)
        (void)json_array_insert(all, place_for(all, item->section, item->listener), item->value);
}

/* The listener's objects take their places again, in the order of KEYS, which are all there. */
static void set_order(json_t *document, enum cfg_section section, struct slice listener,
                      const json_t *keys)
{
    json_t *all = section_of(document, section), *sorted = json_array();
    size_t next = 0;

    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        struct slice name = slice_of(json_string_value(key), json_string_length(key));
        size_t at = find(all, section, listener, name);
        if (at != SIZE_MAX)
            (void)json_array_append(sorted, json_array_get(all, at));
    }
    for (size_t i = 0; i < json_array_size(all) && next < json_array_size(sorted); i++)
        if (is_of_listener(section, json_array_get(all, i), listener))
            (void)json_array_set(all, i, json_array_get(sorted, next++));
    json_decref(sorted);
}

/* --- merging --- */

static bool is_for(const json_t *answer, const struct overlay_item *item, const json_t *conflict)
{
    return slice_eq(member(answer, "section"), slice_str(cfg_sections[item->section].name)) &&
           slice_eq(member(answer, "listener"), item->listener) &&
           slice_eq(member(answer, "key"), item->key) &&
           slice_eq(member(answer, "pointer"), member(conflict, "pointer"));
}

/* 'm', 't', or 0: not answered. */
static char answer_to(const json_t *resolve, const struct overlay_item *item,
                      const json_t *conflict)
{
    for (size_t i = 0; i < json_array_size(resolve); i++) {
        const json_t *answer = json_array_get(resolve, i);
        if (!is_for(answer, item, conflict))
            continue;
        struct slice take = member(answer, "take");
        return slice_eq(take, SLICE("mine")) ? 'm' : slice_eq(take, SLICE("theirs")) ? 't' : '\0';
    }
    return '\0';
}

/* Takes their side of one conflict of MERGED. */
static json_t *take_theirs(json_t *merged, const json_t *theirs, const json_t *conflict)
{
    const char *pointer = json_string_value(json_object_get(conflict, "pointer"));

    if (pointer[0] == '\0') {
        json_decref(merged);
        return theirs == NULL ? NULL : json_deep_copy(theirs);
    }
    const json_t *value = json_object_get(theirs, pointer + 1);
    if (value == NULL)
        (void)json_object_del(merged, pointer + 1);
    else
        (void)json_object_set_new(merged, pointer + 1, json_deep_copy(value));
    return merged;
}

enum { SETS_MAX = 64 };

/* The members of a section's objects whose order means nothing; NULL at the end. */
static void find_sets(enum cfg_section section, const char *ret_sets[SETS_MAX])
{
    const struct cfg_rows *rows = cfg_sections[section].rows;
    size_t count = 0;

    for (size_t i = 0; i < rows->count && count < SETS_MAX - 1; i++)
        if (rows->rows[i].flags & CFG_SET)
            ret_sets[count++] = rows->rows[i].key;
    ret_sets[count] = NULL;
}

static void merge_item(struct overlay *overlay, struct overlay_item *item, const json_t *resolve)
{
    const char *sets[SETS_MAX];
    json_t *conflicts = json_array();
    json_t *theirs = item->is_order
                         ? order_in(overlay->document, item->section, item->listener)
                         : overlay_object(overlay, item->section, item->listener, item->key);
    json_t *mine = item->value;

    find_sets(item->section, sets);
    theirs = item->is_order || theirs == NULL ? theirs : json_deep_copy(theirs);
    item->value = item->is_order ? merge_orders(item->base, theirs, mine, conflicts)
                                 : merge_objects(item->base, theirs, mine, sets, conflicts);
    for (size_t i = 0; i < json_array_size(conflicts); i++) {
        json_t *conflict = json_array_get(conflicts, i);
        char take = answer_to(resolve, item, conflict);
        if (take == 't')
            item->value = take_theirs(item->value, theirs, conflict);
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
    json_decref(mine);
    json_decref(item->base);
    item->base = theirs;
}

static json_t *copy(const json_t *value)
{
    return value == NULL ? NULL : json_deep_copy(value);
}

static struct slice keep(struct mem_arena *arena, struct slice text)
{
    return slice_of(mem_arena_strndup(arena, text.p, text.len), text.len);
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
    /* Orders last: they speak of what is there when all objects are. */
    for (unsigned is_order = 0; is_order < 2; is_order++) {
        for (size_t i = 0; i < count; i++) {
            struct overlay_item *item = &overlay->items[i];
            if (items[i].is_order != (is_order == 1))
                continue;
            *item = items[i];
            item->listener = keep(&overlay->arena, item->listener);
            item->key = keep(&overlay->arena, item->key);
            item->base = copy(item->base);
            item->value = copy(item->value);
            merge_item(overlay, item, resolve);
            if (item->is_order)
                set_order(overlay->document, item->section, item->listener, item->value);
            else
                set_object(overlay->document, item);
        }
    }
    return overlay;
}

void overlay_destroy(struct overlay *overlay)
{
    if (overlay == NULL)
        return;
    overlay_items_finish(overlay->items, overlay->count);
    json_decref(overlay->conflicts);
    json_decref(overlay->document);
    config_unref(overlay->running);
    mem_arena_finish(&overlay->arena);
    free(overlay);
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
    if (object == NULL) {
        (void)buf_append_str(out, pointer);
        return;
    }
    struct slice parts[2] = {member(object, "listener"), member(object, cfg_sections[section].key)};
    (void)buf_printf(out, "/%.*s", SLICE_ARGS(name));
    for (size_t i = is_per_listener(section) ? 0 : 1; i < ARRAY_LEN(parts); i++) {
        (void)buf_append_char(out, '/');
        for (size_t j = 0; j < parts[i].len; j++) /* RFC 6901 3 */
            (void)buf_printf(out, "%s",
                             parts[i].p[j] == '~'   ? "~0"
                             : parts[i].p[j] == '/' ? "~1"
                                                    : (char[2]){parts[i].p[j], '\0'});
    }
    if (rest.len > 0)
        (void)buf_printf(out, "/%.*s", SLICE_ARGS(rest));
}

void overlay_name_errors(const struct overlay *overlay, const struct config_errors *found,
                         struct config_errors *errors)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct config_error *e = &found->items[i];
        struct buf pointer;
        buf_init(&pointer, 0);
        name_place(overlay->document, e->pointer, &pointer);
        config_errors_copy(errors, e, buf_cstr(&pointer));
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
        overlay_name_errors(overlay, &found, errors);
        config_unref(candidate);
        candidate = NULL;
    }
    config_errors_finish(&found);
    return candidate;
}

/* --- the difference --- */

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
        if (old == new || (old != NULL && new != NULL &&json_equal(old, new)))
            continue;
        json_t *field =
            json_pack("{s:o,s:s}", "pointer", json_sprintf("/%s", row->key), "label", row->label);
        set(field, "old", copy(old));
        set(field, "new", copy(new));
        (void)json_array_append_new(fields, field);
        *ret_activation = wider(*ret_activation, config_activation(row));
    }
    return fields;
}

json_t *overlay_diff(const struct overlay *overlay)
{
    json_t *out = json_array();

    for (size_t i = 0; i < overlay->count; i++) {
        const struct overlay_item *item = &overlay->items[i];
        if (item->base == item->value ||
            (item->base != NULL && item->value != NULL && json_equal(item->base, item->value)))
            continue;
        const char *op = item->is_order        ? "order"
                         : item->base == NULL  ? "add"
                         : item->value == NULL ? "remove"
                                               : "update";
        const char *activation = "at_once";
        json_t *fields = json_array();
        if (item->is_order) {
            activation = "new_connections";
            json_t *field = json_pack("{s:s,s:s}", "pointer", "", "label", "Order");
            set(field, "old", copy(item->base));
            set(field, "new", copy(item->value));
            (void)json_array_append_new(fields, field);
        } else {
            json_decref(fields);
            fields = diff_fields(item, &activation);
        }
        (void)json_array_append_new(
            out, json_pack("{s:s,s:o,s:o,s:s,s:s,s:o}", "section", cfg_sections[item->section].name,
                           "listener", json_stringn(item->listener.p, item->listener.len), "key",
                           json_stringn(item->key.p, item->key.len), "op", op, "activation",
                           activation, "fields", fields));
    }
    return out;
}

/* --- from one configuration to another --- */

void overlay_items_between(const struct config *from, const struct config *to,
                           struct mem_arena *arena, struct overlay_item **ret_items,
                           size_t *ret_count)
{
    struct config_diff diff;
    struct overlay *before = overlay_create(from, NULL, 0, NULL);
    struct overlay *after = overlay_create(to, NULL, 0, NULL);

    config_diff(from, to, &diff);
    struct overlay_item *items = mem_array(diff.count + 1, sizeof(*items));
    for (size_t i = 0; i < diff.count; i++) {
        const struct config_change *c = &diff.items[i];
        struct overlay_item *item = &items[i];
        *item = (struct overlay_item){.section = c->section,
                                      .listener = keep(arena, c->listener),
                                      .key = keep(arena, c->key),
                                      .is_order = c->op == CONFIG_CHANGE_ORDER};
        if (item->is_order) {
            item->base = overlay_order(before, c->section, c->listener);
            item->value = overlay_order(after, c->section, c->listener);
        } else {
            item->base = copy(overlay_object(before, c->section, c->listener, c->key));
            item->value = copy(overlay_object(after, c->section, c->listener, c->key));
        }
    }
    *ret_items = items;
    *ret_count = diff.count;
    config_diff_finish(&diff);
    overlay_destroy(before);
    overlay_destroy(after);
}

void overlay_items_finish(struct overlay_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_decref(items[i].base);
        json_decref(items[i].value);
    }
    free(items);
}

/* --- one object --- */

/* Pointers of config_put begin with /section or /section/index. */
static const char *within_object(enum cfg_section section, const char *pointer)
{
    for (unsigned skip = is_singleton(section) ? 1 : 2; skip > 0 && pointer[0] == '/'; skip--)
        pointer += 1 + strcspn(pointer + 1, "/");
    return pointer;
}

/* The member NAME is to be WANTED: put in if it is missing, an error if it is another. */
static bool pin_member(json_t *object, const char *name, enum cfg_section section,
                       struct slice wanted, struct config_errors *errors)
{
    char pointer[64];
    const json_t *have = json_object_get(object, name);

    if (have == NULL) {
        (void)json_object_set_new(object, name, json_stringn(wanted.p, wanted.len));
        return true;
    }
    struct slice value = member(object, name);
    if (strcmp(name, "listener") == 0 ? slice_eq(value, wanted) : is_key(section, value, wanted))
        return true;
    (void)snprintf(pointer, sizeof(pointer), "/%s", name);
    config_errors_add(errors, pointer, "key.differs",
                      "is another than in the path, \"%.*s\": leave it out, or say the same",
                      SLICE_ARGS(wanted));
    return false;
}

json_t *overlay_canonical(enum cfg_section section, struct slice listener, struct slice key,
                          const json_t *object, struct config_errors *errors)
{
    struct config_errors found;
    json_t *out = NULL;

    if (!json_is_object(object)) {
        config_errors_add(errors, "", "value.type", "must be an object");
        return NULL;
    }
    json_t *pinned = json_deep_copy(object);
    bool is_pinned = is_singleton(section) ||
                     pin_member(pinned, cfg_sections[section].key, section, key, errors);
    if (is_per_listener(section))
        is_pinned = pin_member(pinned, "listener", section, listener, errors) && is_pinned;
    char *text = json_dumps(pinned, JSON_COMPACT);
    struct config *scratch = config_create();
    config_errors_init(&found);
    bool is_read = config_put(scratch, cfg_sections[section].name, slice_str(text), &found);
    for (size_t i = 0; i < found.count; i++)
        config_errors_copy(errors, &found.items[i], within_object(section, found.items[i].pointer));
    errors->dropped += found.dropped;
    if (is_read && is_pinned) {
        struct buf canonical;
        buf_init(&canonical, 0);
        config_render_object(scratch, section, 0, &canonical);
        out = json_loadb(buf_slice(&canonical).p, buf_len(&canonical), 0, NULL);
        buf_finish(&canonical);
    }
    config_errors_finish(&found);
    config_unref(scratch);
    free(text);
    json_decref(pinned);
    return out;
}

json_t *overlay_sparse(enum cfg_section section, const json_t *object)
{
    const struct cfg_rows *rows = cfg_sections[section].rows;
    json_t *out = json_object();

    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        json_t *value = json_object_get(object, row->key);
        json_t *dflt = config_row_default(row);
        if ((row->flags & CFG_REQUIRED) != 0 || !json_equal(value, dflt))
            (void)json_object_set(out, row->key, value);
        json_decref(dflt);
    }
    return out;
}

void overlay_etag(const json_t *value, char etag[OVERLAY_ETAG_MAX])
{
    uint8_t hash[SHA256_BYTES];
    char *text = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

    ASSERT(text != NULL);
    sha256(slice_str(text), hash);
    free(text);
    for (size_t i = 0; i < (OVERLAY_ETAG_MAX - 1) / 2; i++)
        (void)snprintf(etag + 2 * i, 3, "%02x", hash[i]);
}
