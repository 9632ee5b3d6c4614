/* Which route a request meets, and what its query says; the description covers every route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/openapi.h"
#include "api/route.h"

static void test_routes(void **state)
{
    static const struct {
        enum api_method method;
        const char *path, *id; /* id NULL: no route; "405": another method */
        const char *value;     /* of the last {name} */
    } cases[] = {
        {API_METHOD_GET, "/api/v1/version", "version", NULL},
        {API_METHOD_HEAD, "/api/v1/version", "version", NULL},
        {API_METHOD_POST, "/api/v1/version", "405", NULL},
        {API_METHOD_OTHER, "/api/v1/version", "405", NULL},
        {API_METHOD_GET, "/api/v1/version/", NULL, NULL},
        {API_METHOD_GET, "/api/v1//version", NULL, NULL},
        {API_METHOD_GET, "/api/v1", NULL, NULL},
        {API_METHOD_GET, "/version", NULL, NULL},
        {API_METHOD_GET, "", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/listeners", "config_list", NULL},
        {API_METHOD_GET, "/api/v1/config/system", "config_single_read", NULL},
        {API_METHOD_PUT, "/api/v1/config/listeners", "405", NULL},
        {API_METHOD_GET, "/api/v1/config/nothing", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/certificates", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/certificates/a", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/system/a", NULL, NULL},
        {API_METHOD_PUT, "/api/v1/config/listeners/Data%201", "config_put", "Data 1"},
        {API_METHOD_GET, "/api/v1/config/rat/%2eexample.test", "config_read", ".example.test"},
        {API_METHOD_GET, "/api/v1/config/listeners/a%2fb", "config_read", "a/b"},
        {API_METHOD_GET, "/api/v1/config/listeners/a%00b", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/listeners/a%0ab", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/listeners/%ED%95%9C", "config_read", "\xed\x95\x9c"},
        {API_METHOD_GET, "/api/v1/config/listeners/%ff", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/listeners/%c0%af", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/listeners/a%2", NULL, NULL},
        {API_METHOD_GET, "/api/v1/config/listeners/a%zz", NULL, NULL},
        {API_METHOD_PUT, "/api/v1/config-order/rat", "config_order_put", NULL},
        {API_METHOD_GET, "/api/v1/config-order/listeners", NULL, NULL},
        {API_METHOD_DELETE, "/api/v1/queue/messages/17", "queue_message_delete", "17"},
        {API_METHOD_POST, "/api/v1/queue/messages/17/retry", "queue_message_retry", "17"},
        {API_METHOD_GET, "/api/v1/queue/messages/17/retry", "405", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mem_arena arena;
        struct api_route_match match;
        mem_arena_init(&arena);
        api_route_find(cases[i].method, slice_str(cases[i].path), &arena, &match);
        if (cases[i].id == NULL) {
            assert_null(match.route);
            assert_int_equal(match.allowed, 0);
        } else if (cases[i].id[0] == '4') {
            assert_null(match.route);
            assert_int_not_equal(match.allowed, 0);
        } else {
            assert_non_null(match.route);
            assert_string_equal(match.route->id, cases[i].id);
            if (cases[i].value != NULL)
                assert_true(slice_eq(match.values[0], slice_str(cases[i].value)) ||
                            slice_eq(match.values[1], slice_str(cases[i].value)));
        }
        mem_arena_finish(&arena);
    }
}

static void test_queries(void **state)
{
    static const uint32_t taken = 1U << API_PARAM_DRAFT | 1U << API_PARAM_COMMENT;
    static const struct {
        const char *query;
        enum query_error error;
        const char *draft, *comment;
    } cases[] = {
        {"", QUERY_OK, NULL, NULL},
        {"draft=me", QUERY_OK, "me", NULL},
        {"&draft=me&&comment=a+b%21", QUERY_OK, "me", "a b!"},
        {"draft", QUERY_OK, "", NULL},
        {"comment=a=b", QUERY_OK, NULL, "a=b"},
        {"draft=me&draft=me", QUERY_TWICE, NULL, NULL},
        {"dratf=me", QUERY_UNKNOWN, NULL, NULL},
        {"limit=3", QUERY_UNKNOWN, NULL, NULL},
        {"draft=%", QUERY_SYNTAX, NULL, NULL},
        {"draft=%0d%0a", QUERY_SYNTAX, NULL, NULL},
        {"draft=%ff", QUERY_SYNTAX, NULL, NULL},
        {"%ff=me", QUERY_SYNTAX, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice params[API_PARAM_COUNT] = {0}, name;
        struct mem_arena arena;
        mem_arena_init(&arena);
        assert_int_equal(query_parse(slice_str(cases[i].query), taken, &arena, params, &name),
                         cases[i].error);
        if (cases[i].error == QUERY_OK) {
            const char *wanted[] = {cases[i].draft, cases[i].comment};
            const struct slice got[] = {params[API_PARAM_DRAFT], params[API_PARAM_COMMENT]};
            for (size_t j = 0; j < 2; j++) {
                assert_true((wanted[j] == NULL) == (got[j].p == NULL));
                assert_true(wanted[j] == NULL || slice_eq(got[j], slice_str(wanted[j])));
            }
        }
        mem_arena_finish(&arena);
    }
}

/* Every $ref in VALUE is a schema that is there. */
static void check_references(const json_t *value, const json_t *schemas)
{
    static const char prefix[] = "#/components/schemas/";
    const json_t *item;
    const char *key;
    size_t i;

    json_array_foreach(value, i, item)
    {
        check_references(item, schemas);
    }
    json_object_foreach((json_t *)(size_t)value, key, item)
    {
        const char *text = json_string_value(item);
        if (strcmp(key, "$ref") == 0 && strncmp(text, prefix, sizeof(prefix) - 1) == 0) {
            if (json_object_get(schemas, text + sizeof(prefix) - 1) == NULL)
                fail_msg("no schema %s", text);
        }
        check_references(item, schemas);
    }
}

static void test_description(void **state)
{
    char *text = openapi_render();
    json_t *all = json_loads(text, 0, NULL);

    (void)state;
    assert_non_null(all);
    json_t *schemas = json_object_get(json_object_get(all, "components"), "schemas");
    check_references(all, schemas);
    assert_true(json_object_size(json_object_get(all, "paths")) > 60);
    json_decref(all);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
