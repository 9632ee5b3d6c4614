/* config/uses: every kind of reference is found, and nothing that only looks like one. */
#include "config/uses.h"

#include "config_help.h"

static json_t *uses_of(enum cfg_section section, const char *key)
{
    struct config *config = help_config();
    json_t *document = config_document(config), *uses;

    uses = config_uses(document, section, slice_str(key));
    json_decref(document);
    config_unref(config);
    return uses;
}

static void expect(const json_t *uses, size_t position, const char *text)
{
    const json_t *use = json_array_get(json_object_get(uses, "items"), position);
    char *found = mem_printf("%s|%s|%s|%s", json_string_value(json_object_get(use, "section")),
                             json_string_value(json_object_get(use, "listener")),
                             json_string_value(json_object_get(use, "key")),
                             json_string_value(json_object_get(use, "pointer")));

    assert_string_equal(found, text);
    assert_true(json_string_length(json_object_get(use, "label")) > 0);
    free(found);
}

static void test_references(void **state)
{
    (void)state;
    json_t *uses = uses_of(CFG_SECTION_MAIL_FLOW_POLICIES, "P");

    assert_int_equal(json_integer_value(json_object_get(uses, "total")), 2);
    expect(uses, 0, "sender-groups|M|ALL|/policy");
    expect(uses, 1, "sender-groups|N|ALL|/policy");
    json_decref(uses);
    uses = uses_of(CFG_SECTION_INTERFACES, "A");
    assert_int_equal(json_array_size(json_object_get(uses, "items")), 2);
    expect(uses, 0, "listeners||M|/interface");
    json_decref(uses);
    uses = uses_of(CFG_SECTION_LISTENERS, "M");
    expect(uses, 0, "sender-groups|M|ALL|/listener");
    expect(uses, 1, "rat|M|a.test|/listener");
    json_decref(uses);
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        uses = uses_of((enum cfg_section)i, "nobody's");
        assert_int_equal(json_integer_value(json_object_get(uses, "total")), 0);
        json_decref(uses);
    }
}

/* More than are listed are counted. */
static void test_many(void **state)
{
    (void)state;
    json_t *document = json_object(), *entries = json_array();

    for (unsigned i = 0; i < CONFIG_USES_MAX + 50; i++)
        (void)json_array_append_new(entries,
                                    json_pack("{s:s,s:o}", "listener", i % 2 == 0 ? "M" : "N",
                                              "recipient", json_sprintf("u%u@a.test", i)));
    (void)json_object_set_new(document, "rat", entries);
    json_t *uses = config_uses(document, CFG_SECTION_LISTENERS, SLICE("M"));
    assert_int_equal(json_integer_value(json_object_get(uses, "total")),
                     (CONFIG_USES_MAX + 50) / 2);
    json_decref(uses);
    for (size_t i = 0; i < json_array_size(entries); i++)
        (void)json_object_set_new(json_array_get(entries, i), "listener", json_string("M"));
    uses = config_uses(document, CFG_SECTION_LISTENERS, SLICE("M"));
    assert_int_equal(json_integer_value(json_object_get(uses, "total")), CONFIG_USES_MAX + 50);
    assert_int_equal(json_array_size(json_object_get(uses, "items")), CONFIG_USES_MAX);
    json_decref(uses);
    json_decref(document);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests_name("uses", tests, NULL, NULL);
}
