/* See openapi.h. A route with {section} in its path stands for one path a section. */
#include "api/openapi.h"

#include <jansson.h>

#include "api/components.h"
#include "api/handlers.h"
#include "api/json.h"
#include "config/config.h"
#include "config/describe.h"

#define SECTION_VALUE "{section}"

static json_t *reference(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

/* `destination-controls` -> `DestinationControls`, and `Patch` behind it. */
static void section_schema_name(enum cfg_section section, bool is_patch, char name[64])
{
    size_t len = 0;
    bool is_upper = true;

    for (const char *p = config_section_name(section); *p != '\0' && len < 48; p++) {
        if (*p != '-')
            name[len++] = (char)(is_upper ? *p - 'a' + 'A' : *p);
        is_upper = *p == '-';
    }
    (void)snprintf(name + len, 64 - len, "%s", is_patch ? "Patch" : "");
}

/* OBJECT, OBJECT_PATCH and OBJECT_LIST are the section's own. */
static json_t *schema_of(const char *name, enum cfg_section section)
{
    char own[64];

    if (strncmp(name, "OBJECT", 6) != 0)
        return reference(name);
    section_schema_name(section, strcmp(name, "OBJECT_PATCH") == 0, own);
    if (strcmp(name, "OBJECT_LIST") != 0)
        return reference(own);
    return json_pack("{s:s,s:[s,s],s:{s:{s:s,s:o},s:{s:[s,s]},s:{s:s}}}", "type", "object",
                     "required", "items", "total", "properties", "items", "type", "array", "items",
                     reference(own), "next", "type", "string", "null", "total", "type", "integer");
}

static const char *media_type(const struct api_route *route)
{
    return route->body == API_BODY_PATCH ? "application/merge-patch+json" : "application/json";
}

static json_t *content(const char *type, json_t *schema)
{
    return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* The parts of the path in braces, and the query. */
static json_t *parameters(const struct api_route *route, const char *path)
{
    json_t *list = json_array();

    for (const char *p = strchr(path, '{'); p != NULL; p = strchr(p + 1, '{')) {
        json_t *name = json_stringn(p + 1, strcspn(p + 1, "}"));
        (void)json_array_append_new(list,
                                    json_pack("{s:o,s:s,s:b,s:{s:s}}", "name", name, "in", "path",
                                              "required", 1, "schema", "type", "string"));
    }
    for (unsigned i = 0; i < API_PARAM_COUNT; i++) {
        const struct api_param_info *info = &api_param_infos[i];
        if ((route->params & 1U << i) == 0)
            continue;
        json_t *schema = json_loads(info->schema, 0, NULL);
        ASSERT(schema != NULL); /* params.def holds JSON */
        (void)json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:s}", "name", info->name, "in",
                                                    "query", "schema", schema, "description",
                                                    info->help));
    }
    return list;
}

static json_t *responses(const struct api_route *route, enum cfg_section section)
{
    char status[16];
    json_t *good = json_pack("{s:s}", "description", route->summary);
    const char *type = "application/json";

    if (strcmp(route->reply, "Text") == 0)
        type = "application/openmetrics-text";
    else if (strcmp(route->reply, "Stream") == 0)
        type = "text/event-stream";
    if (route->reply[0] != '\0')
        json_put(good, "content", content(type, schema_of(route->reply, section)));
    (void)snprintf(status, sizeof status, "%u", route->status);
    json_t *out = json_pack("{s:o,s:{s:s}}", status, good, "default", "$ref",
                            "#/components/responses/Problem");
    if (strcmp(route->id, "readyz") == 0)
        json_put(out, "503", json_deep_copy(good));
    return out;
}

static json_t *operation(const struct api_route *route, const char *path, enum cfg_section section)
{
    json_t *out = json_pack("{s:s,s:o,s:o}", "summary", route->summary, "responses",
                            responses(route, section), "parameters", parameters(route, path));
    bool is_generic = strstr(route->path, SECTION_VALUE) != NULL;

    json_put(out, "operationId",
             is_generic ? json_sprintf("%s.%s", route->id, config_section_name(section))
                        : json_string(route->id));
    if (json_array_size(json_object_get(out, "parameters")) == 0)
        (void)json_object_del(out, "parameters");
    if (route->request[0] != '\0')
        json_put(out, "requestBody",
                 json_pack("{s:b,s:o}", "required", 1, "content",
                           content(media_type(route), schema_of(route->request, section))));
    if (route->need == API_NEED_PUBLIC)
        json_put(out, "security", json_array());
    else
        json_put(out, "x-permission",
                 json_string(route->need == API_NEED_SELF ? "self"
                                                          : scope_word((enum scope)route->need)));
    return out;
}

static void add_operation(json_t *paths, const struct api_route *route, const char *path,
                          enum cfg_section section)
{
    char method[16] = "";
    json_t *item = json_object_get(paths, path);

    for (size_t i = 0; api_method_word(route->method)[i] != '\0' && i < sizeof method - 1; i++)
        method[i] = (char)(api_method_word(route->method)[i] - 'A' + 'a');
    if (item == NULL) {
        item = json_object();
        json_put(paths, path, item);
    }
    json_put(item, method, operation(route, path, section));
}

static void add_for_sections(json_t *paths, const struct api_route *route)
{
    const char *at = strstr(route->path, SECTION_VALUE);
    char path[256];

    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        if (!api_route_serves(route, (enum cfg_section)i))
            continue;
        (void)snprintf(path, sizeof path, "%.*s%s%s", (int)(at - route->path), route->path,
                       config_section_name((enum cfg_section)i), at + strlen(SECTION_VALUE));
        add_operation(paths, route, path, (enum cfg_section)i);
    }
}

static json_t *schemas(void)
{
    json_t *all = json_loadb(embed_components_json, embed_components_json_size, 0, NULL);
    char name[64];

    ASSERT(all != NULL); /* components.json is JSON */
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++)
        for (unsigned is_patch = 0; is_patch < 2; is_patch++) {
            section_schema_name((enum cfg_section)i, is_patch != 0, name);
            json_t *schema = config_describe_object((enum cfg_section)i, is_patch != 0);
            if (i ==
                CFG_SECTION_CERTIFICATES) /* read only: a write may have it, and is not asked */
                json_put(json_object_get(schema, "properties"), "status",
                         reference("CertificateStatus"));
            json_put(all, name, schema);
        }
    return all;
}

static json_t *security_schemes(void)
{
    return json_pack("{s:{s:s,s:s,s:s},s:{s:s,s:s,s:s}}", "session", "type", "apiKey", "in",
                     "cookie", "name", "__Host-postern", "token", "type", "http", "scheme",
                     "bearer", "description", "An API token, pst_…");
}

char *openapi_render(void)
{
    json_t *paths = json_object();

    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        if (strstr(route->path, SECTION_VALUE) != NULL)
            add_for_sections(paths, route);
        else
            add_operation(paths, route, route->path, CFG_SECTION_CERTIFICATES);
    }
    json_t *problem = json_pack("{s:s,s:o}", "description", "What went wrong (RFC 9457)", "content",
                                content("application/problem+json", reference("Problem")));
    json_t *root = json_pack(
        "{s:s,s:{s:s,s:s,s:s,s:{s:s,s:s}},s:[{s:s}],s:[{s:[]},{s:[]}],s:o,s:{s:o,s:{s:o},s:o}}",
        "openapi", "3.1.0", "info", "title", "Postern", "version", "1.0", "description",
        "Everything an administrator or a program can do to the gateway.", "license", "name",
        "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", API_BASE, "security", "session",
        "token", "paths", paths, "components", "schemas", schemas(), "responses", "Problem",
        problem, "securitySchemes", security_schemes());
    char *text = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(2));
    ASSERT(text != NULL);
    json_decref(root);
    size_t len = strlen(text);
    text = mem_realloc(text, len + 2);
    text[len] = '\n';
    text[len + 1] = '\0';
    return text;
}
