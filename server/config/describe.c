/* See describe.h. */
#include "config/describe.h"

#include "base/limits.h"
#include "config/schema.h"

static const char *const kind_words[] = {
    [CFG_KIND_STR] = "text",          [CFG_KIND_NAME] = "name",
    [CFG_KIND_HOSTNAME] = "hostname", [CFG_KIND_REF] = "reference",
    [CFG_KIND_U32] = "number",        [CFG_KIND_U64] = "number",
    [CFG_KIND_BOOL] = "boolean",      [CFG_KIND_ENUM] = "word",
    [CFG_KIND_IP] = "address",        [CFG_KIND_PATTERN] = "pattern",
    [CFG_KIND_ENDPOINT] = "endpoint", [CFG_KIND_STRUCT] = "object",
    [CFG_KIND_LIST] = "list",
};

static const struct {
    unsigned bit;
    const char *word;
} pattern_words[] = {
    {CFG_ALLOW(ADDRESS), "address"},       {CFG_ALLOW(NET), "network"},
    {CFG_ALLOW(LITERAL), "literal"},       {CFG_ALLOW(DOMAIN), "domain"},
    {CFG_ALLOW(SUBDOMAINS), "subdomains"}, {CFG_ALLOW(ALL), "all"},
};

static bool is_number(enum cfg_kind kind)
{
    return kind == CFG_KIND_U32 || kind == CFG_KIND_U64;
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value));
}

const char *config_row_kind(const struct cfg_row *row)
{
    return kind_words[row->kind];
}

json_t *config_row_default(const struct cfg_row *row)
{
    unsigned long long value = 0;

    if (row->kind == CFG_KIND_LIST)
        return json_array();
    if (row->kind == CFG_KIND_BOOL)
        return json_boolean(row->dflt != NULL && strcmp(row->dflt, "true") == 0);
    if (is_number(row->kind)) {
        bool is_read = row->dflt != NULL && slice_to_u64(slice_str(row->dflt), row->max, &value);
        return number(is_read ? value : 0);
    }
    if (row->kind == CFG_KIND_ENUM && row->dflt == NULL)
        return json_string(row->words->words[0]);
    return json_string(row->dflt == NULL ? "" : row->dflt);
}

const char *config_activation(const struct cfg_row *row)
{
    if (row->reload & (CFG_RELOAD_LISTENERS | CFG_RELOAD_HTTPS))
        return "rebind";
    if (row->reload & (CFG_RELOAD_CERTIFICATES | CFG_RELOAD_TRUST))
        return "new_connections";
    return row->reload != 0 ? "at_once" : "new_connections";
}

/* The most characters, items, or the greatest number; 0: no limit of its own. */
static uint64_t max_of(const struct cfg_row *row, enum cfg_kind kind)
{
    if (kind == CFG_KIND_NAME || kind == CFG_KIND_REF)
        return LIMIT_NAME;
    if (kind == CFG_KIND_STR && row->max == 0)
        return CFG_STR_MAX;
    return row->max;
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        set(object, key, json_string(text));
}

static json_t *words_of(const struct cfg_words *words)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < words->count; i++)
        (void)json_array_append_new(list, json_string(words->words[i]));
    return list;
}

/* --- /schema --- */

static json_t *describe_rows(const struct cfg_rows *rows);

static void describe_value(json_t *out, const struct cfg_row *row, enum cfg_kind kind)
{
    if (kind == CFG_KIND_ENUM)
        set(out, "words", words_of(row->words));
    if (kind == CFG_KIND_REF) {
        set_text(out, "section", cfg_sections[row->ref].name);
        set_text(out, "word", row->word);
    }
    if (kind == CFG_KIND_PATTERN) {
        json_t *forms = json_array();
        for (size_t i = 0; i < ARRAY_LEN(pattern_words); i++)
            if (row->patterns & pattern_words[i].bit)
                (void)json_array_append_new(forms, json_string(pattern_words[i].word));
        set(out, "forms", forms);
        set_text(out, "word", row->word);
    }
    if (kind == CFG_KIND_ENDPOINT)
        set(out, "port", json_integer(row->port));
    if (kind == CFG_KIND_STRUCT)
        set(out, "rows", describe_rows(row->item_rows));
}

static json_t *describe_row(const struct cfg_row *row)
{
    json_t *out = json_pack("{s:s,s:s,s:b}", "key", row->key, "kind", kind_words[row->kind],
                            "required", (row->flags & CFG_REQUIRED) != 0);

    set_text(out, "label", row->label);
    set_text(out, "help", row->help);
    set_text(out, "rfc", row->rfc);
    set_text(out, "unit", row->unit);
    set_text(out, "activation", config_activation(row));
    set(out, "default", config_row_default(row));
    if (row->flags & CFG_MULTILINE)
        set(out, "multiline", json_true());
    if (row->flags & CFG_SET)
        set(out, "unordered", json_true());
    if (row->min != 0 || is_number(row->kind))
        set(out, "min", number(row->min));
    if (max_of(row, row->kind) != 0)
        set(out, "max", number(max_of(row, row->kind)));
    if (row->kind == CFG_KIND_LIST) {
        json_t *item = json_pack("{s:s}", "kind", kind_words[row->item_kind]);
        describe_value(item, row, row->item_kind);
        set(out, "item", item);
    } else {
        describe_value(out, row, row->kind);
    }
    return out;
}

static json_t *describe_rows(const struct cfg_rows *rows)
{
    json_t *list = json_array();

    for (size_t i = 0; i < rows->count; i++)
        (void)json_array_append_new(list, describe_row(&rows->rows[i]));
    return list;
}

json_t *config_describe(void)
{
    json_t *sections = json_array();

    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        const struct cfg_section_info *info = &cfg_sections[i];
        json_t *section = json_pack("{s:s,s:b,s:b,s:b}", "name", info->name, "singleton",
                                    (info->flags & CFG_SECTION_SINGLETON) != 0, "ordered",
                                    (info->flags & CFG_SECTION_ORDERED) != 0, "per_listener",
                                    (info->flags & CFG_SECTION_PER_LISTENER) != 0);
        set_text(section, "key", info->key);
        set(section, "rows", describe_rows(info->rows));
        (void)json_array_append_new(sections, section);
    }
    return json_pack("{s:o}", "sections", sections);
}

/* --- JSON Schema --- */

static json_t *schema_rows(const struct cfg_rows *rows, bool is_patch);

/* A row's limits are in bytes, which are no fewer than characters. */
static json_t *schema_text(const struct cfg_row *row, enum cfg_kind kind)
{
    json_t *out = json_pack("{s:s}", "type", "string");
    uint64_t most = row->kind == kind ? max_of(row, kind) : 0; /* a list's own are of its items */

    if ((row->flags & CFG_REQUIRED) && row->kind == kind)
        set(out, "minLength", number(1));
    if (most != 0)
        set(out, "maxLength", number(most));
    return out;
}

static json_t *schema_value(const struct cfg_row *row, enum cfg_kind kind, bool is_patch)
{
    switch (kind) {
    case CFG_KIND_STR:
    case CFG_KIND_NAME:
    case CFG_KIND_HOSTNAME:
    case CFG_KIND_REF:
    case CFG_KIND_IP:
    case CFG_KIND_PATTERN:
    case CFG_KIND_ENDPOINT:
        return schema_text(row, kind);
    case CFG_KIND_U32:
    case CFG_KIND_U64:
        return json_pack("{s:s,s:o,s:o}", "type", "integer", "minimum", number(row->min), "maximum",
                         number(row->max));
    case CFG_KIND_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case CFG_KIND_ENUM:
        return json_pack("{s:s,s:o}", "type", "string", "enum", words_of(row->words));
    case CFG_KIND_STRUCT:
        return schema_rows(row->item_rows, false); /* a patch replaces lists whole */
    case CFG_KIND_LIST:
        break;
    }
    json_t *out = json_pack("{s:s,s:o}", "type", "array", "items",
                            schema_value(row, row->item_kind, is_patch));
    if (row->min != 0)
        set(out, "minItems", number(row->min));
    if (row->max != 0)
        set(out, "maxItems", number(row->max));
    return out;
}

static json_t *schema_rows(const struct cfg_rows *rows, bool is_patch)
{
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        json_t *value = schema_value(row, row->kind, is_patch);
        if (is_patch) {
            json_t *either = json_array();
            (void)json_array_append_new(either, value);
            (void)json_array_append_new(either, json_pack("{s:s}", "type", "null"));
            value = json_pack("{s:o}", "anyOf", either);
        }
        set_text(value, "title", row->label);
        set_text(value, "description", row->help);
        if (row->flags & CFG_REQUIRED)
            (void)json_array_append_new(required, json_string(row->key));
        else if (!is_patch)
            set(value, "default", config_row_default(row));
        set(properties, row->key, value);
    }
    json_t *out = json_pack("{s:s,s:b,s:o}", "type", "object", "additionalProperties", 0,
                            "properties", properties);
    if (!is_patch && json_array_size(required) > 0)
        set(out, "required", required);
    else
        json_decref(required);
    return out;
}

json_t *config_describe_object(enum cfg_section section, bool is_patch)
{
    return schema_rows(cfg_sections[section].rows, is_patch);
}
