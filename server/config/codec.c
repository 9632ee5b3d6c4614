/* JSON -> candidate, by walking the rows. Strict, and all errors at once.
 *
 * Text comes from outside. Before Jansson sees it, one pass counts depth and values, because
 * Jansson's own depth limit is its compile-time 2,048 and its values cost more than their text.
 * Jansson then checks UTF-8, numbers, NUL (refused) and duplicate keys (refused).
 *
 * A value that cannot be read becomes "not set" and the walk goes on: the candidate is marked
 * broken, never sealed, but the rules over sections can still look for more errors. An array
 * element that is no object still takes its position, so that pointers stay true. */
#include "config/config.h"
#include "config/config_priv.h"

#include <jansson.h>
#include <malloc.h>

#include "base/limits.h"
#include "config/validate.h"

struct reader {
    struct config *config;
    struct config_errors *errors;
};

static void read_object(struct reader *r, const struct cfg_rows *rows, const json_t *json,
                        const struct config_path *path, void *object);

static void fail(struct reader *r, const struct config_path *path, const struct cfg_why *why)
{
    struct config_error_params params = why->params;
    params.got = why->got[0] == '\0' ? NULL : why->got;
    r->config->is_broken = true;
    config_errors_add_params(r->errors, path, why->code, &params, "%s", why->text);
}

static void *json_alloc(size_t size_bytes)
{
    return mem_alloc(size_bytes);
}

/* Passwords and private keys pass through JSON, and nobody knows which of the values they were. */
static void json_release(void *p)
{
    if (p != NULL)
        mem_wipe(p, malloc_usable_size(p));
    free(p);
}

void config_json_init(void)
{
    json_set_alloc_funcs(json_alloc, json_release);
}

static const char *type_name(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

static bool wants(const json_t *json, bool is_right, const char *wanted, struct cfg_why *ret_why)
{
    if (!is_right)
        cfg_why_set(ret_why, "value.type", "must be %s, is %s", wanted, type_name(json));
    return is_right;
}

static struct slice keep(struct reader *r, const json_t *json)
{
    size_t len = json_string_length(json);
    return slice_of(mem_arena_strndup(&r->config->arena, json_string_value(json), len), len);
}

static bool read_text(struct reader *r, const struct cfg_row *row, const json_t *json, void *value,
                      struct cfg_why *ret_why)
{
    if (!wants(json, json_is_string(json), "a string", ret_why))
        return false;
    struct slice text = slice_of(json_string_value(json), json_string_length(json));
    bool is_good = cfg_check_text(row, text, ret_why);
    /* A misspelt name is kept: whatever refers to it is no second error. */
    if (is_good || row->kind == CFG_KIND_NAME)
        *(struct slice *)value = keep(r, json);
    return is_good;
}

static bool read_number(const struct cfg_row *row, enum cfg_kind kind, const json_t *json,
                        void *value, struct cfg_why *ret_why)
{
    if (!wants(json, json_is_integer(json), "an integer", ret_why) ||
        !cfg_check_number(row, json_integer_value(json), ret_why))
        return false;
    if (kind == CFG_KIND_U32)
        *(uint32_t *)value = (uint32_t)json_integer_value(json);
    else
        *(uint64_t *)value = (uint64_t)json_integer_value(json);
    return true;
}

/* IP, PATTERN, ENDPOINT, ENUM: written as strings, kept parsed. */
static bool read_parsed(struct reader *r, const struct cfg_row *row, enum cfg_kind kind,
                        const json_t *json, void *value, struct cfg_why *ret_why)
{
    if (!wants(json, json_is_string(json), "a string", ret_why))
        return false;
    struct slice text = slice_of(json_string_value(json), json_string_length(json));
    unsigned word = 0;
    if (kind == CFG_KIND_IP)
        return cfg_read_ip(text, value, ret_why);
    if (kind == CFG_KIND_ENDPOINT)
        return cfg_read_endpoint(row, text, value, ret_why);
    if (kind == CFG_KIND_PATTERN)
        return cfg_read_pattern(row, text, &r->config->arena, value, ret_why);
    if (!cfg_read_word(row, text, &word, ret_why))
        return false;
    memcpy(value, &word, sizeof(word));
    return true;
}

static void read_value(struct reader *r, const struct cfg_row *row, enum cfg_kind kind,
                       const json_t *json, const struct config_path *path, void *value);

static bool read_list(struct reader *r, const struct cfg_row *row, const json_t *json,
                      const struct config_path *path, void *value, struct cfg_why *ret_why)
{
    size_t count = json_array_size(json);
    if (!wants(json, json_is_array(json), "an array", ret_why) ||
        !cfg_check_count(row, count, ret_why))
        return false;
    char *items = mem_arena_alloc(&r->config->arena, (count + 1) * row->item_size);
    for (size_t i = 0; i < count; i++) {
        struct config_path item = {.up = path, .index = i};
        read_value(r, row, row->item_kind, json_array_get(json, i), &item,
                   items + i * row->item_size);
    }
    struct cfg_any_list list = {.items = items, .count = count};
    memcpy(value, &list, sizeof(list));
    return true;
}

static void read_value(struct reader *r, const struct cfg_row *row, enum cfg_kind kind,
                       const json_t *json, const struct config_path *path, void *value)
{
    struct cfg_why why;
    bool is_good = false;
    if (kind == CFG_KIND_STRUCT) {
        read_object(r, row->item_rows, json, path, value);
        return;
    }
    cfg_set_empty(row, kind, value);
    switch (kind) {
    case CFG_KIND_STR:
    case CFG_KIND_NAME:
    case CFG_KIND_HOSTNAME:
    case CFG_KIND_REF:
        is_good = read_text(r, row, json, value, &why);
        break;
    case CFG_KIND_U32:
    case CFG_KIND_U64:
        is_good = read_number(row, kind, json, value, &why);
        break;
    case CFG_KIND_BOOL:
        is_good = wants(json, json_is_boolean(json), "true or false", &why);
        *(bool *)value = json_is_true(json);
        break;
    case CFG_KIND_ENUM:
    case CFG_KIND_IP:
    case CFG_KIND_PATTERN:
    case CFG_KIND_ENDPOINT:
        is_good = read_parsed(r, row, kind, json, value, &why);
        break;
    case CFG_KIND_STRUCT:
    case CFG_KIND_LIST:
        is_good = read_list(r, row, json, path, value, &why);
        break;
    }
    if (!is_good)
        fail(r, path, &why);
}

enum { KNOWN_MAX = 64 };

static void fail_unknown(struct reader *r, const struct config_path *path, const char *what,
                         const char *const *known, size_t count)
{
    struct cfg_why why;
    struct slice key = slice_str(path->key);
    const char *nearest = cfg_nearest(key, known, count);
    struct slice shown = config_cut(key, CFG_QUOTE_MAX);
    if (nearest != NULL)
        cfg_why_set(&why, "key.unknown", "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
                    SLICE_ARGS(shown), nearest);
    else
        cfg_why_set(&why, "key.unknown", "unknown %s \"%.*s\"", what, SLICE_ARGS(shown));
    cfg_why_got(&why, key);
    why.params.nearest = nearest;
    fail(r, path, &why);
}

static void fail_unknown_key(struct reader *r, const struct cfg_rows *rows,
                             const struct config_path *path)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    for (; count < rows->count && count < KNOWN_MAX; count++)
        known[count] = rows->rows[count].key;
    fail_unknown(r, path, "key", known, count);
}

static void read_object(struct reader *r, const struct cfg_rows *rows, const json_t *json,
                        const struct config_path *path, void *object)
{
    struct cfg_why why;
    cfg_set_defaults(rows, object);
    if (!wants(json, json_is_object(json), "an object", &why)) {
        fail(r, path, &why);
        return;
    }
    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        const json_t *member = json_object_get(json, row->key);
        struct config_path at = {.up = path, .key = row->key};
        if (member != NULL) {
            read_value(r, row, row->kind, member, &at, (char *)object + row->offset);
        } else if (row->flags & CFG_REQUIRED) {
            cfg_why_set(&why, "key.missing", "is missing");
            fail(r, &at, &why);
        }
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)json, key, member)
    {
        struct config_path at = {.up = path, .key = key};
        if (cfg_row_find(rows, slice_str(key)) == NULL)
            fail_unknown_key(r, rows, &at);
    }
}

static void read_section(struct reader *r, enum cfg_section section, const json_t *json)
{
    const struct cfg_section_info *info = &cfg_sections[section];
    struct config_path path = {.key = info->name};
    char *member = (char *)r->config + info->offset;
    struct cfg_why why;
    if (info->flags & CFG_SECTION_SINGLETON) {
        read_object(r, info->rows, json, &path, member);
        return;
    }
    if (!wants(json, json_is_array(json), "an array", &why)) {
        fail(r, &path, &why);
        return;
    }
    size_t count = json_array_size(json), size = info->rows->size_bytes;
    char *items = mem_arena_alloc(&r->config->arena, (count + 1) * size);
    for (size_t i = 0; i < count; i++) {
        struct config_path at = {.up = &path, .index = i};
        read_object(r, info->rows, json_array_get(json, i), &at, items + i * size);
    }
    struct cfg_any_list list = {.items = items, .count = count};
    memcpy(member, &list, sizeof(list));
    r->config->capacity[section] = count;
}

/* One pass outside strings: depth, and values by what separates them. */
static bool check_shape(struct slice json, struct config_errors *errors)
{
    size_t depth = 0, values = 0;
    bool is_string = false;
    if (json.len > LIMIT_JSON_BYTES) {
        config_errors_add(errors, "", "json.size", "longer than %d bytes", LIMIT_JSON_BYTES);
        return false;
    }
    for (size_t i = 0; i < json.len; i++) {
        char c = json.p[i];
        if (is_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_string = false;
            continue;
        }
        is_string = c == '"';
        if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        } else if (c == ',') {
            values++;
        }
        if (depth > LIMIT_JSON_DEPTH) {
            config_errors_add(errors, "", "json.depth", "nested more than %d deep",
                              LIMIT_JSON_DEPTH);
            return false;
        }
        if (values > CONFIG_JSON_VALUES_MAX) {
            config_errors_add(errors, "", "json.size", "more than %d values",
                              CONFIG_JSON_VALUES_MAX);
            return false;
        }
    }
    return true;
}

json_t *config_json_load(struct slice text, struct config_errors *errors)
{
    json_error_t error;
    if (!check_shape(text, errors))
        return NULL;
    json_t *json = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        config_errors_add(errors, "", "json.syntax", "line %d, column %d: %s", error.line,
                          error.column, error.text);
        return NULL;
    }
    if (!json_is_object(json)) {
        config_errors_add(errors, "", "value.type", "must be an object, is %s", type_name(json));
        json_decref(json);
        return NULL;
    }
    return json;
}

struct config *config_parse(struct slice json, struct config_errors *errors)
{
    json_t *root = config_json_load(json, errors);
    if (root == NULL)
        return NULL;
    struct reader r = {.config = config_create(), .errors = errors};
    const char *names[CFG_SECTION_COUNT];
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        names[i] = cfg_sections[i].name;
        const json_t *section = json_object_get(root, names[i]);
        if (section != NULL)
            read_section(&r, (enum cfg_section)i, section);
    }
    const char *key;
    json_t *member;
    json_object_foreach(root, key, member)
    {
        struct config_path at = {.key = key};
        if (cfg_section_find(slice_str(key)) == CFG_SECTION_COUNT)
            fail_unknown(&r, &at, "section", names, CFG_SECTION_COUNT);
    }
    json_decref(root);
    return r.config;
}

/* Where the object will stand: known only once its key was read, so it is read twice if there are
 * errors to be reported. */
static size_t place_of(struct config *c, enum cfg_section section, const void *object)
{
    struct slice key, listener = SLICE("");
    memcpy(&key, (const char *)object + cfg_sections[section].key_offset, sizeof(key));
    if (cfg_sections[section].flags & CFG_SECTION_PER_LISTENER)
        memcpy(&listener, object, sizeof(listener));
    size_t at = 0, count = cfg_count(c, section);
    while (at < count && (!slice_eq(cfg_key(c, section, at), key) ||
                          !slice_eq(cfg_listener_of(c, section, at), listener)))
        at++;
    return at;
}

bool config_put(struct config *candidate, const char *section, struct slice json,
                struct config_errors *errors)
{
    ASSERT(!candidate->is_sealed);
    enum cfg_section id = cfg_section_find(slice_str(section));
    ASSERT(id != CFG_SECTION_COUNT);
    const struct cfg_section_info *info = &cfg_sections[id];
    json_t *root = config_json_load(json, errors);
    if (root == NULL) {
        candidate->is_broken = true;
        return false;
    }
    bool was_broken = candidate->is_broken;
    struct config_errors unplaced;
    config_errors_init(&unplaced);
    struct reader r = {.config = candidate, .errors = &unplaced};
    void *object = mem_alloc(info->rows->size_bytes);
    struct config_path path = {.key = info->name};
    candidate->is_broken = false;
    read_object(&r, info->rows, root, &path, object);
    bool is_good = !candidate->is_broken;
    if (!is_good) {
        bool is_single = (info->flags & CFG_SECTION_SINGLETON) != 0;
        struct config_path at = {.up = &path,
                                 .index = is_single ? 0 : place_of(candidate, id, object)};
        r.errors = errors;
        read_object(&r, info->rows, root, is_single ? &path : &at, object);
    }
    candidate->is_broken = was_broken || !is_good;
    (void)config_place_object(candidate, id, object); /* where does not matter here */
    config_errors_finish(&unplaced);
    free(object);
    json_decref(root);
    return is_good;
}
