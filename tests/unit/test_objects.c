/* One object: read and completed by its rows, all that is wrong at once, its key, its entity tag.
 */
#include "config_help.h"

#include "config/objects.h"

static void test_keys(void **state)
{
    static const struct {
        enum cfg_section section;
        const char *written, *key;
    } cases[] = {
        {CFG_SECTION_LISTENERS, "InboundMail", "InboundMail"},
        {CFG_SECTION_LISTENERS, "", ""},
        {CFG_SECTION_RAT, "Example.TEST", "example.test"},
        {CFG_SECTION_RAT, ".Example.TEST", ".example.test"},
        {CFG_SECTION_RAT, "all", "ALL"},
        {CFG_SECTION_RAT, "User@Example.TEST", "User@example.test"},
        {CFG_SECTION_RAT, "-- no pattern", "-- no pattern"},
        {CFG_SECTION_DESTINATION_CONTROLS, "DEFAULT", "Default"},
        {CFG_SECTION_SYSTEM, "x", "x"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mem_arena arena;
        mem_arena_init(&arena);
        struct slice key = object_key(cases[i].section, slice_str(cases[i].written), &arena);
        assert_string_equal(key.p, cases[i].key);
        assert_int_equal(key.len, strlen(cases[i].key));
        mem_arena_finish(&arena);
    }
}

struct check {
    enum cfg_section section;
    const char *listener, *key, *json;
    const char *errors; /* `pointer code` of each, in order; empty: none */
};

static const struct check checks[] = {
    {CFG_SECTION_LISTENERS, "", "M", "{\"type\":\"public\",\"interface\":\"A\"}", ""},
    {CFG_SECTION_LISTENERS, "", "M", "{\"name\":\"M\",\"type\":\"public\",\"interface\":\"A\"}",
     ""},
    {CFG_SECTION_LISTENERS, "", "M", "{\"name\":\"N\",\"type\":\"public\",\"interface\":\"A\"}",
     "/name key.differs "},
    {CFG_SECTION_LISTENERS, "", "M", "{\"name\":5,\"type\":\"public\",\"interface\":\"A\"}",
     "/name value.type "},
    {CFG_SECTION_LISTENERS, "", "M", "{\"name\":\"m\",\"type\":\"public\",\"interface\":\"A\"}",
     "/name key.differs "},
    {CFG_SECTION_LISTENERS, "", "M",
     "{\"name\":\"N\",\"type\":\"open\",\"prot\":26,\"port\":0,\"max_connections\":1.5}",
     "/name key.differs /type value.enum /interface key.missing /port value.range "
     "/max_connections value.type /prot key.unknown "},
    {CFG_SECTION_LISTENERS, "", "M", "[]", " value.type "},
    {CFG_SECTION_LISTENERS, "", "M", "5", " value.type "},
    {CFG_SECTION_LISTENERS, "", "a/b~c", "{\"type\":\"public\",\"interface\":\"A\"}", ""},
    {CFG_SECTION_RAT, "M", "A.test", "{\"action\":\"accept\"}", ""},
    {CFG_SECTION_RAT, "M", "A.test", "{\"recipient\":\"a.TEST\",\"action\":\"accept\"}", ""},
    {CFG_SECTION_RAT, "M", "A@a.test", "{\"recipient\":\"a@a.test\",\"action\":\"accept\"}",
     "/recipient key.differs "},
    {CFG_SECTION_RAT, "M", "a.test", "{\"listener\":\"N\",\"action\":\"accept\"}",
     "/listener key.differs "},
    {CFG_SECTION_RAT, "M", "b@@", "{\"action\":\"accept\"}", "/recipient value.pattern "},
    {CFG_SECTION_SENDER_GROUPS, "M", "G",
     "{\"policy\":\"P\",\"senders\":[{\"sender\":\"10.0.0.0/8\"},{\"sendr\":\"x\"},7]}",
     "/senders/1/sender key.missing /senders/1/sendr key.unknown /senders/2 value.type "},
    {CFG_SECTION_SYSTEM, "", "", "{\"hostname\":\"gw.test\",\"timezon\":\"UTC\"}",
     "/timezon key.unknown "},
    {CFG_SECTION_SYSTEM, "", "", "{\"hostname\":\"gw.test\"}", ""},
};

static void test_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        const struct check *c = &checks[i];
        struct config_errors errors;
        struct buf found;
        json_t *object = help_json(c->json), *before = json_deep_copy(object);
        config_errors_init(&errors);
        buf_init(&found, 0);
        json_t *canonical = object_canonical(c->section, slice_str(c->listener), slice_str(c->key),
                                             object, &errors);
        for (size_t j = 0; j < errors.count; j++)
            (void)buf_printf(&found, "%s %s ", errors.items[j].pointer, errors.items[j].code);
        assert_string_equal(buf_cstr(&found), c->errors);
        assert_true((canonical == NULL) == (errors.count > 0));
        assert_true(json_equal(object, before));
        if (canonical != NULL) { /* read = write */
            json_t *again = object_canonical(c->section, slice_str(c->listener), slice_str(c->key),
                                             canonical, &errors);
            assert_true(json_equal(again, canonical));
            json_decref(again);
        }
        json_decref(canonical);
        json_decref(object);
        json_decref(before);
        buf_finish(&found);
        config_errors_finish(&errors);
    }
}

static void test_what_is_completed(void **state)
{
    struct config_errors errors;
    json_t *given = help_json("{\"action\":\"accept\",\"reply_code\":551}");

    (void)state;
    config_errors_init(&errors);
    json_t *object = object_canonical(CFG_SECTION_RAT, SLICE("M"), SLICE("A.Test"), given, &errors);
    help_assert_json(object, "{\"listener\":\"M\",\"recipient\":\"a.test\",\"action\":\"accept\","
                             "\"reply_code\":551,\"reply_text\":\"\"}");
    json_t *sparse = object_sparse(CFG_SECTION_RAT, object);
    help_assert_json(sparse, "{\"listener\":\"M\",\"recipient\":\"a.test\",\"action\":\"accept\","
                             "\"reply_code\":551}");
    json_decref(sparse);
    json_decref(object);
    json_decref(given);
    config_errors_finish(&errors);
}

static void test_etag(void **state)
{
    char one[OBJECT_ETAG_MAX], two[OBJECT_ETAG_MAX];
    json_t *value = help_json("{\"a\":1,\"b\":[2]}"), *other = help_json("{\"b\":[2],\"a\":1}");

    (void)state;
    object_etag(value, one);
    object_etag(other, two);
    assert_string_equal(one, two);
    /* printf '{"a":1,"b":[2]}' | sha256sum */
    assert_string_equal(one, "0855bfc20eb6cfaa4be7d6b510c63dd2");
    (void)json_object_set_new(other, "a", json_integer(2));
    object_etag(other, two);
    assert_string_not_equal(one, two);
    json_decref(value);
    json_decref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_what_is_completed),
        cmocka_unit_test(test_etag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
