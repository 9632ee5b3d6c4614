/* See route.h. Linear in the path and the table, which is small: a request costs one pass. */
#include "api/route.h"

#include <jansson.h>

#include "api/handlers.h"

/* clang-format off */
#define P(id) (1U << API_PARAM_##id)
enum {
    NEED_PUBLIC = API_NEED_PUBLIC,
    NEED_SELF = API_NEED_SELF,
#define SCOPE(id, word, administrator, operator_, read_only) NEED_##id = SCOPE_##id,
#include "config/scopes.def"
#undef SCOPE
};

const struct api_route api_routes[] = {
#define API_SECTION_ROUTE(id_, sections_, method_, path_, need_, body_, params_, status_, request_, reply_, summary_) \
    {.id = #id_, .sections = API_SECTIONS_##sections_, .method = API_METHOD_##method_, .path = (path_),     \
     .need = NEED_##need_, .body = API_BODY_##body_, .params = (params_), .status = (status_),          \
     .request = (request_), .reply = (reply_), .summary = (summary_), .handle = api_##id_},
#define API_ROUTE(id_, ...) API_SECTION_ROUTE(id_, NONE, __VA_ARGS__)
#include "api/routes.def"
#undef API_ROUTE
#undef API_SECTION_ROUTE
};
const size_t api_route_count = ARRAY_LEN(api_routes);

const struct api_param_info api_param_infos[API_PARAM_COUNT] = {
#define API_PARAM(id, name_, schema_, help_) {.name = (name_), .schema = (schema_), .help = (help_)},
#include "api/params.def"
#undef API_PARAM
};
/* clang-format on */

bool api_route_serves(const struct api_route *route, enum cfg_section section)
{
    if (section == CFG_SECTION_COUNT)
        return false;
    const struct config_section_traits traits = config_section_traits(section);
    switch (route->sections) {
    case API_SECTIONS_NONE:
        return false;
    case API_SECTIONS_SINGLETON:
        return traits.is_singleton;
    case API_SECTIONS_OBJECTS:
        return !traits.is_singleton && section != CFG_SECTION_CERTIFICATES;
    case API_SECTIONS_ORDERED:
        return traits.is_ordered;
    }
    return false;
}

static const char *const method_words[] = {
    [API_METHOD_GET] = "GET",         [API_METHOD_HEAD] = "HEAD",   [API_METHOD_POST] = "POST",
    [API_METHOD_PUT] = "PUT",         [API_METHOD_PATCH] = "PATCH", [API_METHOD_DELETE] = "DELETE",
    [API_METHOD_OPTIONS] = "OPTIONS", [API_METHOD_OTHER] = "",
};

const char *api_method_word(enum api_method method)
{
    return method_words[method];
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 2.5: what is behind the percent signs is UTF-8. Names go into answers and logs. */
static bool is_utf8(struct slice text)
{
    json_t *value = json_stringn(text.p, text.len);

    json_decref(value);
    return value != NULL;
}

bool uri_decode(struct slice text, bool is_query, struct mem_arena *arena, struct slice *ret_text)
{
    char *out = mem_arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.p[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(unsigned char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    if (!is_utf8(slice_of(out, len)))
        return false;
    *ret_text = slice_of(out, len);
    return true;
}

/* Whether PATH, below the base, has the form of TEMPLATE; *values get the raw segments. */
static bool has_form(struct slice path, const char *template,
                     struct slice values[API_PATH_VALUES_MAX], size_t *ret_count)
{
    struct slice form = slice_str(template);
    size_t count = 0;

    while (path.len > 0 && form.len > 0) {
        struct slice want = slice_cut(&form, '/');
        struct slice have = slice_cut(&path, '/');
        if (want.len > 0 && want.p[0] == '{') {
            if (have.len == 0 || count == API_PATH_VALUES_MAX)
                return false;
            values[count++] = have;
        } else if (!slice_eq(want, have)) {
            return false;
        }
    }
    *ret_count = count;
    return path.len == 0 && form.len == 0;
}

void api_route_find(enum api_method method, struct slice path, struct mem_arena *arena,
                    struct api_route_match *ret_match)
{
    static const struct slice base = {.p = API_BASE, .len = sizeof(API_BASE) - 1};
    struct slice raw[API_PATH_VALUES_MAX] = {0};
    const char *first = NULL; /* the template that the path met first: the most exact one */

    *ret_match = (struct api_route_match){0};
    if (path.len <= base.len || memcmp(path.p, base.p, base.len) != 0 || path.p[base.len] != '/' ||
        path.p[path.len - 1] == '/')
        return;
    path = slice_of(path.p + base.len, path.len - base.len);
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        size_t count = 0;
        if (first != NULL && strcmp(first, route->path) != 0)
            continue;
        if (!has_form(path, route->path, raw, &count))
            continue;
        if (route->sections != API_SECTIONS_NONE &&
            !api_route_serves(route, config_section_find(raw[0])))
            continue;
        first = route->path;
        ret_match->allowed |= 1U << route->method;
        if (route->method == API_METHOD_GET)
            ret_match->allowed |= 1U << API_METHOD_HEAD;
        if (route->method != method &&
            !(route->method == API_METHOD_GET && method == API_METHOD_HEAD))
            continue;
        for (size_t j = 0; j < count; j++)
            if (!uri_decode(raw[j], false, arena, &ret_match->values[j])) {
                *ret_match = (struct api_route_match){0};
                return;
            }
        ret_match->route = route;
    }
}

static enum api_param find_param(struct slice name, uint32_t taken)
{
    unsigned i = 0;

    while (i < API_PARAM_COUNT &&
           ((taken & 1U << i) == 0 || !slice_eq(name, slice_str(api_param_infos[i].name))))
        i++;
    return (enum api_param)i;
}

enum query_error query_parse(struct slice query, uint32_t taken, struct mem_arena *arena,
                             struct slice params[API_PARAM_COUNT], struct slice *ret_name)
{
    while (query.len > 0) {
        struct slice value = slice_cut(&query, '&');
        struct slice name = slice_cut(&value, '=');
        if (name.len == 0 && value.len == 0)
            continue;
        *ret_name = name;
        if (!uri_decode(name, true, arena, &name) || !uri_decode(value, true, arena, &value))
            return QUERY_SYNTAX;
        *ret_name = name;
        enum api_param param = find_param(name, taken);
        if (param == API_PARAM_COUNT)
            return QUERY_UNKNOWN;
        if (params[param].p != NULL)
            return QUERY_TWICE;
        params[param] = value;
    }
    return QUERY_OK;
}
