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

/* `s` and `t` are sets. */
static json_t *merge_with_sets(const json_t *base, const json_t *theirs, const json_t *mine,
                               json_t *conflicts)
{
    static const char *const sets[] = {"s", "t", NULL};

    return merge_objects(base, theirs, mine, sets, conflicts);
}

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
        /* sets */
        {"{\"s\":[1]}", "{\"s\":[1,2]}", "{\"s\":[1,3]}", "{\"s\":[1,2,3]}", NULL},
        {"{\"s\":[1,2]}", "{\"s\":[2]}", "{\"s\":[1]}", "{\"s\":[]}", NULL},
        {"{\"s\":[1,2]}", "{\"s\":[1,2,3]}", "{\"s\":[1]}", "{\"s\":[1,3]}", NULL},
        {"{\"s\":[1]}", "{\"s\":[3,1]}", "{\"s\":[1,3]}", "{\"s\":[3,1]}", NULL},
        {"{\"s\":[1,2]}", "{\"s\":[2,1]}", "{\"s\":[1,2,3]}", "{\"s\":[2,1,3]}", NULL},
        {"{\"s\":[1],\"a\":1}", "{\"s\":[1,2],\"a\":2}", "{\"s\":[],\"a\":3}",
         "{\"s\":[2],\"a\":3}", "/a"},
        {"{}", "{\"t\":[1]}", "{\"t\":[2]}", "{\"t\":[1,2]}", NULL},
        {"{\"s\":[1]}", "{\"s\":[1,2]}", "{}", "{}", "/s"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_three(&cases[i], merge_with_sets);
}

static void test_orders(void **state)
{
    static const struct three cases[] = {
        {"[\"a\",\"b\",\"c\"]", "[\"a\",\"b\",\"c\"]", "[\"c\",\"a\",\"b\"]", "[\"c\",\"a\",\"b\"]",
         NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"b\",\"a\",\"c\"]", "[\"a\",\"b\",\"c\"]", "[\"b\",\"a\",\"c\"]",
         NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"b\",\"a\",\"c\"]", "[\"b\",\"a\",\"c\"]", "[\"b\",\"a\",\"c\"]",
         NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"b\",\"a\",\"c\"]", "[\"c\",\"a\",\"b\"]", "[\"c\",\"a\",\"b\"]",
         ""},
        {"[\"a\",\"b\",\"c\"]", "[\"a\",\"b\",\"d\",\"c\"]", "[\"c\",\"a\",\"b\"]",
         "[\"c\",\"a\",\"b\",\"d\"]", NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"a\",\"c\"]", "[\"c\",\"a\",\"b\"]", "[\"c\",\"a\"]", NULL},
        {"[\"a\",\"b\"]", "[\"z\",\"a\",\"b\"]", "[\"b\",\"a\"]", "[\"z\",\"b\",\"a\"]", NULL},
        {"[\"a\",\"b\"]", "[\"b\",\"a\"]", "[\"a\",\"b\",\"e\"]", "[\"b\",\"e\",\"a\"]", NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"a\",\"x\",\"y\",\"b\",\"c\"]", "[\"c\",\"b\",\"a\"]",
         "[\"c\",\"b\",\"a\",\"x\",\"y\"]", NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"a\",\"b\",\"x\",\"c\"]", "[\"a\",\"c\"]", "[\"a\",\"x\",\"c\"]",
         NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"x\",\"a\",\"b\",\"c\"]", "[\"b\",\"c\",\"a\"]",
         "[\"x\",\"b\",\"c\",\"a\"]", NULL},
        {"[\"a\",\"b\"]", "[\"a\",\"x\",\"b\"]", "[\"a\",\"y\",\"b\"]", "[\"a\",\"x\",\"y\",\"b\"]",
         NULL},
        {"[\"a\",\"b\",\"c\"]", "[\"a\",\"b\",\"c\"]", "[]", "[]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_three(&cases[i], merge_orders);
}

/* Long orders are looked up, not searched: this ends at once, or not in an hour. */
static void test_long_orders(void **state)
{
    enum { COUNT = 50000 };
    json_t *base = json_array(), *theirs = json_array(), *mine = json_array();
    json_t *conflicts = json_array();

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        (void)json_array_append_new(base, json_sprintf("d%d.test", i));
        (void)json_array_append_new(theirs, json_sprintf("d%d.test", i));
        (void)json_array_append_new(theirs, json_sprintf("n%d.test", i));
        (void)json_array_append_new(mine, json_sprintf("d%d.test", COUNT - 1 - i));
    }
    json_t *out = merge_orders(base, theirs, mine, conflicts);
    assert_int_equal(json_array_size(conflicts), 0);
    assert_int_equal(json_array_size(out), 2 * COUNT);
    assert_string_equal(json_string_value(json_array_get(out, 0)), "d49999.test");
    assert_string_equal(json_string_value(json_array_get(out, 1)), "n49999.test");
    json_decref(out);
    json_decref(conflicts);
    json_decref(base);
    json_decref(theirs);
    json_decref(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_long_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
