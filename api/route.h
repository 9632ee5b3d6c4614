/* The routes table and which row a request meets. Pure: any thread. RFC 9110 15.5.6 (405). */
#ifndef POSTERN_API_ROUTE_H
#define POSTERN_API_ROUTE_H

#include "api/exchange.h"
#include "config/config.h"
#include "config/scopes.h"

#define API_BASE "/api/v1"

enum { API_PATH_VALUES_MAX = 4 };

enum api_param {
#define API_PARAM(id, name, schema, help) API_PARAM_##id,
#include "api/params.def"
#undef API_PARAM
    API_PARAM_COUNT,
};

enum api_body {
    API_BODY_NONE,
    API_BODY_JSON,
    API_BODY_PATCH,
    API_BODY_DOCUMENT,
};

/* The sections that a path with {section} is there for; certificates have paths of their own. */
enum api_sections {
    API_SECTIONS_NONE, /* the path has no {section} */
    API_SECTIONS_SINGLETON,
    API_SECTIONS_OBJECTS,
    API_SECTIONS_ORDERED,
};

/* Besides scopes. */
enum { API_NEED_PUBLIC = -2, API_NEED_SELF = -1 };

struct api_call;

struct api_route {
    const char *id;
    enum api_method method;
    const char *path; /* below API_BASE; {name} is one segment */
    int need;         /* API_NEED_…, or enum scope */
    enum api_body body;
    uint32_t params; /* bits by enum api_param */
    unsigned status;
    const char *request, *reply; /* schemas; "" if none */
    const char *summary;
    enum api_sections sections;
    void (*handle)(struct api_call *call);
};

struct api_param_info {
    const char *name, *schema, *help;
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;
extern const struct api_param_info api_param_infos[API_PARAM_COUNT];

struct api_route_match {
    const struct api_route *route; /* NULL: see allowed */
    unsigned allowed;              /* bits of the methods that the path has; 0: no such path */
    struct slice values[API_PATH_VALUES_MAX];
};

/* PATH as sent. Segments are decoded into ARENA; a broken escape or a NUL meets nothing. */
void api_route_find(enum api_method method, struct slice path, struct mem_arena *arena,
                    struct api_route_match *ret_match);
/* Whether a route with {section} in its path is there for SECTION. */
bool api_route_serves(const struct api_route *route, enum cfg_section section);
/* The word of a method; "" for OTHER. */
const char *api_method_word(enum api_method method);

/* Decodes %XX (and + as a blank where IS_QUERY); false for a broken escape, NUL or control
 * characters. */
bool uri_decode(struct slice text, bool is_query, struct mem_arena *arena, struct slice *ret_text);

enum query_error { QUERY_OK, QUERY_SYNTAX, QUERY_UNKNOWN, QUERY_TWICE };

/* QUERY into PARAMS; only those in TAKEN. On an error *ret_name is what was wrong. */
enum query_error query_parse(struct slice query, uint32_t taken, struct mem_arena *arena,
                             struct slice params[API_PARAM_COUNT], struct slice *ret_name);

#endif
