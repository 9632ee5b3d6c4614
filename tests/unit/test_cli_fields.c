/* FIELD=VALUE by the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/fields.h"

static const char schema_text[] =
    "{\"sections\":["
    "{\"name\":\"system\",\"singleton\":true,\"ordered\":false,\"per_listener\":false,\"rows\":["
    " {\"key\":\"hostname\",\"kind\":\"hostname\"},{\"key\":\"size\",\"kind\":\"number\"},"
    " {\"key\":\"is_on\",\"kind\":\"boolean\"},{\"key\":\"tls\",\"kind\":\"word\"},"
    " {\"key\":\"nets\",\"kind\":\"list\",\"item\":{\"kind\":\"pattern\"}},"
    " {\"key\":\"ports\",\"kind\":\"list\",\"item\":{\"kind\":\"number\"}},"
    " {\"key\":\"targets\",\"kind\":\"list\",\"item\":{\"kind\":\"object\",\"rows\":["
    "  {\"key\":\"host\",\"kind\":\"pattern\"},{\"key\":\"port\",\"kind\":\"number\"}]}}]},"
    "{\"name\":\"rat\",\"key\":\"recipient\",\"singleton\":false,\"ordered\":true,"
    " \"per_listener\":true,\"rows\":[]}]}";

static const struct {
    const char *text, *json; /* json NULL: refused */
} cases[] = {
    {"hostname=mx.example", "{\"hostname\":\"mx.example\"}"},
    {"hostname=a=b", "{\"hostname\":\"a=b\"}"},
    {"hostname=", "{\"hostname\":null}"},
    {"hostname=\"\"", "{\"hostname\":\"\"}"},
    {"hostname=\"a\\nb\"", "{\"hostname\":\"a\\nb\"}"},
    {"hostname=\"a", "{\"hostname\":\"\\\"a\"}"},
    {"hostname=25", "{\"hostname\":\"25\"}"},
    {"hostname=true", "{\"hostname\":\"true\"}"},
    {"hostname=a,b", "{\"hostname\":\"a,b\"}"},
    {"size=25", "{\"size\":25}"},
    {"size=9223372036854775807", "{\"size\":9223372036854775807}"},
    {"size=9223372036854775808", NULL},
    {"size=-1", NULL},
    {"size=1.5", NULL},
    {"size=10M", NULL},
    {"size=", "{\"size\":null}"},
    {"is_on=true", "{\"is_on\":true}"},
    {"is_on=No", "{\"is_on\":false}"},
    {"is_on=on", "{\"is_on\":true}"},
    {"is_on=1", NULL},
    {"tls=required", "{\"tls\":\"required\"}"},
    {"nets=10.0.0.0/8,192.0.2.1", "{\"nets\":[\"10.0.0.0/8\",\"192.0.2.1\"]}"},
    {"nets= 10.0.0.0/8 , 192.0.2.1 ,", "{\"nets\":[\"10.0.0.0/8\",\"192.0.2.1\"]}"},
    {"nets=[\"10.0.0.0/8\"]", "{\"nets\":[\"10.0.0.0/8\"]}"},
    {"nets=[]", "{\"nets\":[]}"},
    {"nets=", "{\"nets\":null}"},
    {"nets=[\"10.0.0.0/8\"", NULL},
    {"ports=25,587", "{\"ports\":[25,587]}"},
    {"ports=[25,587]", "{\"ports\":[25,587]}"},
    {"ports=25,smtp", NULL},
    {"targets=mx1.example,[192.0.2.1]",
     "{\"targets\":[{\"host\":\"mx1.example\"},{\"host\":\"[192.0.2.1]\"}]}"},
    {"targets=[192.0.2.1]", "{\"targets\":[{\"host\":\"[192.0.2.1]\"}]}"},
    {"targets=[{\"host\":\"a\",\"port\":26}]", "{\"targets\":[{\"host\":\"a\",\"port\":26}]}"},
    {"targets={\"host\":\"a\"}", "{\"targets\":[{\"host\":\"a\"}]}"},
    {"targets=[{\"host\":}]", NULL},
    {"targets=[{\"host\":\"a\",\"host\":\"b\"}]", NULL},
    {"hostname", NULL},
    {"=x", NULL},
    {"", NULL},
    {"colour=blue", NULL},
};

static void check(const json_t *rows, size_t i)
{
    struct buf why;

    buf_init(&why, 0);
    json_t *found = cli_fields_read(rows, &cases[i].text, 1, &why);
    json_t *expected =
        cases[i].json == NULL ? NULL : json_loads(cases[i].json, JSON_REJECT_DUPLICATES, NULL);
    if ((found == NULL) != (expected == NULL) || (found != NULL && !json_equal(found, expected))) {
        char *text = json_dumps(found, JSON_COMPACT);
        fail_msg("`%s` gives %s %s", cases[i].text, text, buf_cstr(&why));
    }
    assert_int_equal(buf_len(&why) > 0, found == NULL);
    json_decref(found);
    json_decref(expected);
    buf_finish(&why);
}

static void test_values(void **state)
{
    json_t *schema = json_loads(schema_text, 0, NULL);
    struct cli_section section;

    (void)state;
    assert_true(cli_section_find(schema, "system", &section));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(section.rows, i);
    json_decref(schema);
}

static void test_sections(void **state)
{
    json_t *schema = json_loads(schema_text, 0, NULL);
    struct cli_section section;

    (void)state;
    assert_true(cli_section_find(schema, "rat", &section));
    assert_string_equal(section.key, "recipient");
    assert_true(section.is_ordered && section.is_per_listener && !section.is_singleton);
    assert_true(cli_section_find(schema, "system", &section));
    assert_true(section.is_singleton && section.key == NULL);
    assert_false(cli_section_find(schema, "nowhere", &section));
    json_decref(schema);
}

static void test_several(void **state)
{
    json_t *schema = json_loads(schema_text, 0, NULL);
    const char *const both[] = {"size=1", "tls=none"}, *const twice[] = {"size=1", "size=2"};
    struct cli_section section;
    struct buf why;

    (void)state;
    buf_init(&why, 0);
    assert_true(cli_section_find(schema, "system", &section));
    json_t *found = cli_fields_read(section.rows, both, 2, &why);
    assert_int_equal(json_object_size(found), 2);
    json_decref(found);
    found = cli_fields_read(section.rows, both, 0, &why);
    assert_int_equal(json_object_size(found), 0);
    json_decref(found);
    assert_null(cli_fields_read(section.rows, twice, 2, &why));
    assert_string_equal(buf_cstr(&why), "size is given twice");
    buf_finish(&why);
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
