/* See objects.h. */
#include "config/objects.h"

#include "config/config_priv.h"
#include "config/describe.h"
#include "config/sha256.h"
#include "config/validate.h"

static bool is_singleton(enum cfg_section section)
{
    return (cfg_sections[section].flags & CFG_SECTION_SINGLETON) != 0;
}

struct slice object_key(enum cfg_section section, struct slice key, struct mem_arena *arena)
{
    const struct cfg_section_info *info = &cfg_sections[section];
    struct cfg_pattern pattern;
    struct cfg_why why;

    if (!is_singleton(section)) {
        const struct cfg_row *row = cfg_row_find(info->rows, slice_str(info->key));
        if (row->kind == CFG_KIND_PATTERN && cfg_read_pattern(row, key, arena, &pattern, &why))
            key = pattern.text;
    }
    return slice_of(mem_arena_strndup(arena, key.p, key.len), key.len);
}

/* --- canonical --- */

/* Pointers of config_put begin with /section or /section/index. */
static const char *within_object(enum cfg_section section, const char *pointer)
{
    for (unsigned skip = is_singleton(section) ? 1 : 2; skip > 0 && pointer[0] == '/'; skip--)
        pointer += 1 + strcspn(pointer + 1, "/");
    return pointer;
}

static bool is_same_key(enum cfg_section section, const char *name, struct slice a, struct slice b)
{
    struct mem_arena arena;

    if (slice_eq(a, b))
        return true;
    if (strcmp(name, cfg_sections[section].key) != 0)
        return false;
    mem_arena_init(&arena);
    bool is_same = slice_eq(object_key(section, a, &arena), object_key(section, b, &arena));
    mem_arena_finish(&arena);
    return is_same;
}

/* The member NAME is to be WANTED: put in if it is missing, an error if it is another. One that is
 * no string is the reader's to refuse. */
static bool pin_member(json_t *object, const char *name, enum cfg_section section,
                       struct slice wanted, struct config_errors *errors)
{
    char pointer[64];
    const json_t *have = json_object_get(object, name);
    struct slice value = slice_of(json_string_value(have), json_string_length(have));

    if (have == NULL) {
        (void)json_object_set_new(object, name, json_stringn(wanted.p, wanted.len));
        return true;
    }
    if (!json_is_string(have) || is_same_key(section, name, value, wanted))
        return true;
    struct slice shown = config_cut(wanted, CFG_QUOTE_MAX);
    (void)snprintf(pointer, sizeof(pointer), "/%s", name);
    config_errors_add(errors, pointer, "key.differs",
                      "is another than in the path, \"%.*s\": leave it out, or say the same",
                      SLICE_ARGS(shown));
    return false;
}

/* Through the codec: an object is read as in a configuration file, and written as it is stored. */
static json_t *read_and_render(enum cfg_section section, const json_t *object,
                               struct config_errors *errors)
{
    struct config_errors found;
    json_t *out = NULL;
    char *text = json_dumps(object, JSON_COMPACT);
    struct config *scratch = config_create();

    config_errors_init(&found);
    if (config_put(scratch, cfg_sections[section].name, slice_str(text), &found)) {
        struct buf canonical;
        buf_init(&canonical, 0);
        config_render_object(scratch, section, 0, &canonical);
        out = json_loadb(buf_slice(&canonical).p, buf_len(&canonical), 0, NULL);
        buf_finish(&canonical);
    }
    for (size_t i = 0; i < found.count; i++)
        config_errors_copy(errors, &found.items[i], within_object(section, found.items[i].pointer));
    errors->dropped += found.dropped;
    config_errors_finish(&found);
    config_unref(scratch);
    free(text);
    return out;
}

json_t *object_canonical(enum cfg_section section, struct slice listener, struct slice key,
                         const json_t *object, struct config_errors *errors)
{
    const struct cfg_section_info *info = &cfg_sections[section];

    if (!json_is_object(object)) {
        config_errors_add(errors, "", "value.type", "must be an object");
        return NULL;
    }
    json_t *pinned = json_deep_copy(object);
    bool is_pinned = is_singleton(section) || pin_member(pinned, info->key, section, key, errors);
    if (info->flags & CFG_SECTION_PER_LISTENER)
        is_pinned = pin_member(pinned, "listener", section, listener, errors) && is_pinned;
    json_t *out = read_and_render(section, pinned, errors);
    json_decref(pinned);
    if (is_pinned)
        return out;
    json_decref(out);
    return NULL;
}

json_t *object_sparse(enum cfg_section section, const json_t *object)
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

void object_etag(const json_t *value, char etag[OBJECT_ETAG_MAX])
{
    uint8_t hash[SHA256_BYTES];
    char *text = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

    ASSERT(text != NULL);
    sha256(slice_str(text), hash);
    free(text);
    for (size_t i = 0; i < (OBJECT_ETAG_MAX - 1) / 2; i++)
        (void)snprintf(etag + 2 * i, 3, "%02x", hash[i]);
}
