/* Merge patch (the examples of RFC 7396, appendix A) and three-way merges, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "config/merge.h"

static json_t *parse(const char *text)
{
    json_t *value = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);

    if (text != NULL)
        assert_non_null(value);
    return value;
}

static void assert_json(json_t *got, const char *wanted)
{
    json_t *want = parse(wanted);

    if (want == NULL) {
        assert_null(got);
        return;
    }
    if (!json_equal(got, want))
        fail_msg("%s instead of %s", json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT), wanted);
    json_decref(got);
    json_decref(want);
}

static void test_patch(void **state)
{
    static const struct {
        const char *target, *patch, *result;
    } cases[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *target = parse(cases[i].target), *patch = parse(cases[i].patch);
        assert_json(merge_patch(target, patch), cases[i].result);
        assert_json(target, cases[i].target); /* untouched */
        json_decref(patch);
    }
}

struct three {
    const char *base, *theirs, *mine, *result, *conflict; /* conflict: pointer, NULL: none */
};

static void run_three(const struct three *c,
                      json_t *(*merge)(const json_t *, const json_t *, const json_t *, json_t *))
{
    json_t *base = parse(c->base), *theirs = parse(c->theirs), *mine = parse(c->mine);
    json_t *conflicts = json_array();

    assert_json(merge(base, theirs, mine, conflicts), c->result);
    assert_int_equal(json_array_size(conflicts), c->conflict == NULL ? 0 : 1);
    if (c->conflict != NULL)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(conflicts, 0), "pointer")),
            c->conflict);
    json_decref(conflicts);
    json_decref(base);
    json_decref(theirs);
    json_decref(mine);
}

static void test_objects(void **state)
{
    static const struct three cases[] = {
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}", "{\"a\":2,\"b\":1}", NULL},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", "{\"a\":2,\"b\":2}", NULL},
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":2}", "{\"a\":2}", NULL},
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":3}", "/a"},
        {"{\"a\":1}", "{\"a\":1,\"b\":5}", "{\"a\":3}", "{\"a\":3,\"b\":5}", NULL},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", "{\"a\":1}", "{\"a\":1}", "/b"},
        {NULL, NULL, "{\"a\":1}", "{\"a\":1}", NULL},
        {NULL, "{\"a\":2}", "{\"a\":1}", "{\"a\":1}", ""},
        {"{\"a\":1}", "{\"a\":1}", NULL, NULL, NULL},
        {"{\"a\":1}", "{\"a\":2}", NULL, NULL, ""},
        {"{\"a\":1}", NULL, "{\"a\":2}", "{\"a\":2}", ""},
        {"{\"a\":1}", NULL, "{\"a\":1}", NULL, NULL},
        {"{\"a\":1}", NULL, NULL, NULL, NULL},
        {"{\"l\":[1]}", "{\"l\":[1,2]}", "{\"l\":[1,3]}", "{\"l\":[1,3]}", "/l"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_three(&cases[i], merge_objects);
}

static void test_orders(void **state)
{
    static const struct three cases[] = {
        {"[1,2,3]", "[1,2,3]", "[3,1,2]", "[3,1,2]", NULL},
        {"[1,2,3]", "[2,1,3]", "[1,2,3]", "[2,1,3]", NULL},
        {"[1,2,3]", "[2,1,3]", "[2,1,3]", "[2,1,3]", NULL},
        {"[1,2,3]", "[2,1,3]", "[3,1,2]", "[3,1,2]", ""},
        {"[1,2,3]", "[1,2,4,3]", "[3,1,2]", "[3,1,2,4]", NULL},
        {"[1,2,3]", "[1,3]", "[3,1,2]", "[3,1]", NULL},
        {"[1,2]", "[0,1,2]", "[2,1]", "[0,2,1]", NULL},
        {"[1,2]", "[2,1]", "[1,2,5]", "[2,5,1]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_three(&cases[i], merge_orders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
