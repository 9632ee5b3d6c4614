/* The schema in words: complete, and the same as what the codec takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_described),
        cmocka_unit_test(test_object_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
