/* See fields.h. */
#include "cli/fields.h"

#include <stdint.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

bool cli_section_find(const json_t *schema, const char *name, struct cli_section *ret_section)
{
    const json_t *sections = json_object_get(schema, "sections");

    for (size_t i = 0; i < json_array_size(sections); i++) {
        const json_t *section = json_array_get(sections, i);
        if (strcmp(text_of(section, "name"), name) != 0)
            continue;
        *ret_section = (struct cli_section){
            .name = text_of(section, "name"),
            .key = json_string_value(json_object_get(section, "key")),
            .is_singleton = json_is_true(json_object_get(section, "singleton")),
            .is_per_listener = json_is_true(json_object_get(section, "per_listener")),
            .is_ordered = json_is_true(json_object_get(section, "ordered")),
            .rows = json_object_get(section, "rows"),
        };
        return true;
    }
    return false;
}

const json_t *cli_field_find(const json_t *rows, struct slice key)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (slice_eq(slice_str(text_of(row, "key")), key))
            return row;
    }
    return NULL;
}

/* --- one value --- */

static json_t *read_number(struct slice text, struct buf *why)
{
    unsigned long long value;

    if (slice_to_u64(text, INT64_MAX, &value))
        return json_integer((json_int_t)value);
    (void)buf_printf(why, "must be a number, not `%.*s`", SLICE_ARGS(text));
    return NULL;
}

static json_t *read_boolean(struct slice text, struct buf *why)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq_nocase(text, slice_str(words[i])))
            return json_boolean(i % 2 == 1);
    (void)buf_printf(why, "must be true or false, not `%.*s`", SLICE_ARGS(text));
    return NULL;
}

static json_t *read_json(struct slice text, struct buf *why)
{
    json_error_t error;
    json_t *value = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (value == NULL)
        (void)buf_printf(why, "is no JSON at column %d: %s", error.column, error.text);
    return value;
}

static json_t *read_text(struct slice text)
{
    bool is_quoted = text.len >= 2 && text.p[0] == '"' && text.p[text.len - 1] == '"';
    json_t *value = is_quoted ? json_loadb(text.p, text.len, JSON_DECODE_ANY, NULL) : NULL;

    return value != NULL ? value : json_stringn(text.p, text.len);
}

/* By ROW, which is a field or the `item` of a list; no lists. */
static json_t *read_one(const json_t *row, struct slice text, struct buf *why)
{
    struct slice kind = slice_str(text_of(row, "kind"));

    if (slice_eq(kind, SLICE("number")))
        return read_number(text, why);
    if (slice_eq(kind, SLICE("boolean")))
        return read_boolean(text, why);
    return slice_eq(kind, SLICE("object")) ? read_json(text, why) : read_text(text);
}

static json_t *read_word(const json_t *item, struct slice word, struct buf *why)
{
    const json_t *first = json_array_get(json_object_get(item, "rows"), 0);

    if (first == NULL || word.p[0] == '{')
        return read_one(item, word, why);
    json_t *value = read_one(first, word, why);
    json_t *object = value == NULL ? NULL : json_object();
    if (object != NULL)
        (void)json_object_set_new(object, text_of(first, "key"), value);
    return object;
}

static json_t *read_words(const json_t *item, struct slice text, struct buf *why)
{
    json_t *list = json_array();

    while (text.len > 0) {
        struct slice word = slice_trim(slice_cut(&text, ','));
        if (word.len == 0)
            continue;
        json_t *value = read_word(item, word, why);
        if (value == NULL) {
            json_decref(list);
            return NULL;
        }
        (void)json_array_append_new(list, value);
    }
    return list;
}

/* `[` begins a list in JSON, or an address literal: `[192.0.2.1]`. */
static json_t *read_list(const json_t *row, struct slice text, struct buf *why)
{
    bool is_json = text.len >= 2 && text.p[0] == '[' && strchr("]{[\" ", text.p[1]) != NULL;

    if (is_json)
        return read_json(text, why);
    if (text.p[0] == '[') {
        json_t *list = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
        if (list != NULL)
            return list;
    }
    return read_words(json_object_get(row, "item"), text, why);
}

json_t *cli_field_value(const json_t *row, struct slice text, struct buf *why)
{
    if (text.len == 0)
        return json_null();
    if (strcmp(text_of(row, "kind"), "list") == 0)
        return read_list(row, text, why);
    return read_one(row, text, why);
}

/* --- several --- */

static void tell_fields(const json_t *rows, struct slice name, struct buf *why)
{
    (void)buf_printf(why, "there is no field `%.*s`; there are: ", SLICE_ARGS(name));
    for (size_t i = 0; i < json_array_size(rows); i++)
        (void)buf_printf(why, "%s%s", i == 0 ? "" : ", ", text_of(json_array_get(rows, i), "key"));
}

/* False with the reason. */
static bool read_field(const json_t *rows, const char *text, json_t *object, struct buf *why)
{
    struct slice value = slice_str(text);
    struct slice name = slice_cut(&value, '=');
    const json_t *row = cli_field_find(rows, name);
    struct buf wrong;

    if (name.len == strlen(text)) {
        (void)buf_printf(why, "`%s` is not FIELD=VALUE", text);
        return false;
    }
    if (row == NULL) {
        tell_fields(rows, name, why);
        return false;
    }
    if (json_object_get(object, text_of(row, "key")) != NULL) {
        (void)buf_printf(why, "%s is given twice", text_of(row, "key"));
        return false;
    }
    buf_init(&wrong, 0);
    json_t *read = cli_field_value(row, value, &wrong);
    if (read == NULL)
        (void)buf_printf(why, "%s %s", text_of(row, "key"), buf_cstr(&wrong));
    else
        (void)json_object_set_new(object, text_of(row, "key"), read);
    buf_finish(&wrong);
    return read != NULL;
}

json_t *cli_fields_read(const json_t *rows, const char *const *texts, size_t count, struct buf *why)
{
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++) {
        if (read_field(rows, texts[i], object, why))
            continue;
        json_decref(object);
        return NULL;
    }
    return object;
}
