/* The schema in words: complete, and the same as what the codec takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "config/describe.h"
#include "config/schema.h"

static size_t check_rows(const json_t *rows)
{
    size_t count = 0, i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        static const char *const texts[] = {"key", "kind", "label", "help", "activation"};
        for (size_t j = 0; j < ARRAY_LEN(texts); j++) {
            const char *text = json_string_value(json_object_get(row, texts[j]));
            if (text == NULL || text[0] == '\0')
                fail_msg("%s has no %s", json_string_value(json_object_get(row, "key")), texts[j]);
        }
        assert_non_null(json_object_get(row, "default"));
        json_t *inner = json_object_get(json_object_get(row, "item"), "rows");
        count += 1 + (inner == NULL ? 0 : check_rows(inner));
    }
    return count;
}

static void test_every_row_is_described(void **state)
{
    json_t *schema = config_describe(), *section;
    size_t i, rows = 0;

    (void)state;
    assert_int_equal(json_array_size(json_object_get(schema, "sections")), CFG_SECTION_COUNT);
    json_array_foreach(json_object_get(schema, "sections"), i, section)
    {
        assert_string_equal(json_string_value(json_object_get(section, "name")),
                            cfg_sections[i].name);
        rows += check_rows(json_object_get(section, "rows"));
    }
    assert_true(rows > 60);
    json_decref(schema);
}

static void test_object_schema(void **state)
{
    (void)state;
    json_t *schema = config_describe_object(CFG_SECTION_LISTENERS, false);
    json_t *port = json_object_get(json_object_get(schema, "properties"), "port");

    assert_int_equal(json_integer_value(json_object_get(port, "maximum")), 65535);
    assert_int_equal(json_integer_value(json_object_get(port, "default")), 25);
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    assert_int_equal(json_array_size(json_object_get(schema, "required")), 3);
    json_decref(schema);
    schema = config_describe_object(CFG_SECTION_LISTENERS, true);
    assert_null(json_object_get(schema, "required"));
    port = json_object_get(json_object_get(schema, "properties"), "port");
    assert_int_equal(json_array_size(json_object_get(port, "anyOf")), 2);
    json_decref(schema);
}

static const json_t *row_of(const json_t *schema, enum cfg_section section, const char *key)
{
    const json_t *rows = json_object_get(
        json_array_get(json_object_get(schema, "sections"), (size_t)section), "rows");
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)(size_t)rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "key")), key) == 0)
            return row;
    }
    fail_msg("%s is not described", key);
    return NULL;
}

static json_int_t number_in(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static void test_limits(void **state)
{
    (void)state;
    json_t *schema = config_describe();
    const json_t *row = row_of(schema, CFG_SECTION_BOUNCE_PROFILES, "max_retries");

    assert_int_equal(number_in(row, "min"), 0); /* numbers have both */
    assert_int_equal(number_in(row, "max"), 10000);
    assert_string_equal(json_string_value(json_object_get(row, "kind")), "number");
    assert_int_equal(number_in(row_of(schema, CFG_SECTION_LISTENERS, "name"), "max"), 63);
    assert_int_equal(number_in(row_of(schema, CFG_SECTION_LISTENERS, "interface"), "max"), 63);
    assert_int_equal(number_in(row_of(schema, CFG_SECTION_SENDER_GROUPS, "comment"), "max"), 1024);
    assert_true(json_is_true(
        json_object_get(row_of(schema, CFG_SECTION_DELIVERY, "next_hop_deny"), "unordered")));
    assert_null(json_object_get(row_of(schema, CFG_SECTION_SENDER_GROUPS, "senders"), "unordered"));
    json_decref(schema);

    schema = config_describe_object(CFG_SECTION_SENDER_GROUPS, false);
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *name = json_object_get(properties, "name");
    assert_int_equal(number_in(name, "minLength"), 1);
    assert_int_equal(number_in(name, "maxLength"), 63);
    assert_null(json_object_get(json_object_get(properties, "comment"), "minLength"));
    assert_int_equal(number_in(json_object_get(properties, "comment"), "maxLength"), 1024);
    json_decref(schema);
    schema = config_describe_object(CFG_SECTION_DELIVERY, false);
    const json_t *deny = json_object_get(json_object_get(schema, "properties"), "next_hop_deny");
    assert_int_equal(number_in(deny, "maxItems"), 1024);
    assert_null(json_object_get(json_object_get(deny, "items"), "maxLength"));
    json_decref(schema);
}

/* Each section's schema has its rows, no more and no fewer. */
static void test_every_object_schema(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        for (int is_patch = 0; is_patch < 2; is_patch++) {
            json_t *schema = config_describe_object((enum cfg_section)i, is_patch == 1);
            const json_t *properties = json_object_get(schema, "properties");
            const struct cfg_rows *rows = cfg_sections[i].rows;
            assert_int_equal(json_object_size(properties), rows->count);
            for (size_t j = 0; j < rows->count; j++) {
                const json_t *property = json_object_get(properties, rows->rows[j].key);
                assert_non_null(json_object_get(property, "title"));
                assert_non_null(json_object_get(property, "description"));
            }
            json_decref(schema);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_described),
        cmocka_unit_test(test_object_schema),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_object_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
