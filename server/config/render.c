/* Configuration -> JSON, by walking the rows: the other half of codec.c.
 *
 * Every row is written, defaults too: what is stored means the same after a default has changed.
 * Keys are sorted, arrays keep the order of the objects, so equal configurations give equal bytes.
 */
#include "config/config.h"
#include "config/config_priv.h"
#include "config/overlay.h"

#include <jansson.h>

static json_t *render_struct(const struct cfg_rows *rows, const void *object);

static json_t *text(struct slice s)
{
    json_t *json = json_stringn(s.p, s.len);
    ASSERT(json != NULL); /* it came from JSON, so it is UTF-8 */
    return json;
}

static json_t *render_endpoint(const struct cfg_endpoint *endpoint)
{
    char address[IP_TEXT_MAX];
    return json_sprintf("%s@%u", ip_format(&endpoint->ip, address), (unsigned)endpoint->port);
}

static json_t *render_ip(const struct ip *ip)
{
    char address[IP_TEXT_MAX];
    return json_string(ip->family == 0 ? "" : ip_format(ip, address));
}

static json_t *render_value(const struct cfg_row *row, enum cfg_kind kind, const void *value)
{
    switch (kind) {
    case CFG_KIND_STR:
    case CFG_KIND_NAME:
    case CFG_KIND_HOSTNAME:
    case CFG_KIND_REF:
        return text(*(const struct slice *)value);
    case CFG_KIND_U32:
        return json_integer((json_int_t) * (const uint32_t *)value);
    case CFG_KIND_U64:
        return json_integer((json_int_t) * (const uint64_t *)value);
    case CFG_KIND_BOOL:
        return json_boolean(*(const bool *)value);
    case CFG_KIND_ENUM:
        return json_string(row->words->words[cfg_enum_get(value)]);
    case CFG_KIND_IP:
        return render_ip(value);
    case CFG_KIND_PATTERN:
        return text(((const struct cfg_pattern *)value)->text);
    case CFG_KIND_ENDPOINT:
        return render_endpoint(value);
    case CFG_KIND_STRUCT:
        return render_struct(row->item_rows, value);
    case CFG_KIND_LIST:
        break;
    }
    struct cfg_any_list list = cfg_list_get(value);
    json_t *array = json_array();
    for (size_t i = 0; i < list.count; i++)
        (void)json_array_append_new(
            array,
            render_value(row, row->item_kind, (const char *)list.items + i * row->item_size));
    return array;
}

static json_t *render_struct(const struct cfg_rows *rows, const void *object)
{
    json_t *json = json_object();
    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        (void)json_object_set_new(json, row->key,
                                  render_value(row, row->kind, cfg_member(object, row)));
    }
    return json;
}

static int append(const char *bytes, size_t len, void *data)
{
    return buf_append(data, bytes, len) ? 0 : -1;
}

/* Which object stands at AT of a section's list: by key, and where an order means something by
 * listener and order, so that the same configuration is the same text whatever it was read from. A
 * candidate is not sorted yet: as it came. */
static size_t place(const struct config *c, enum cfg_section section, size_t at)
{
    const uint32_t *sorted = (cfg_sections[section].flags & CFG_SECTION_PER_LISTENER) != 0
                                 ? c->index[section].by_listener
                                 : c->index[section].by_key;

    return c->is_sealed ? sorted[at] : at;
}

json_t *config_document(const struct config *c)
{
    json_t *root = json_object();
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        enum cfg_section section = (enum cfg_section)i;
        const struct cfg_section_info *info = &cfg_sections[i];
        json_t *json = json_array();
        if (info->flags & CFG_SECTION_SINGLETON) {
            json_decref(json);
            json = render_struct(info->rows, cfg_object(c, section, 0));
        } else {
            for (size_t at = 0; at < cfg_count(c, section); at++)
                (void)json_array_append_new(
                    json, render_struct(info->rows, cfg_object(c, section, place(c, section, at))));
        }
        (void)json_object_set_new(root, info->name, json);
    }
    return root;
}

void config_render(const struct config *c, struct buf *buf)
{
    json_t *root = config_document(c);
    /* A buffer with a cap may end up short; the caller chose the cap. */
    (void)json_dump_callback(root, append, buf, JSON_INDENT(2) | JSON_SORT_KEYS);
    (void)buf_append_char(buf, '\n');
    json_decref(root);
}

void config_render_object(const struct config *c, enum cfg_section section, size_t position,
                          struct buf *buf)
{
    json_t *json = render_struct(cfg_sections[section].rows, cfg_object(c, section, position));
    (void)json_dump_callback(json, append, buf, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
}
