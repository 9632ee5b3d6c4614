/* JSON in and out: strictness, pointers, defaults, and the round trip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/limits.h"
#include "config/config.h"

struct fail_case {
    const char *json;
    const char *pointer, *code;
    const char *text; /* a part of it */
};

static const struct fail_case fail_cases[] = {
    {"", "", "json.syntax", "line 1"},
    {"[]", "", "value.type", "must be an object, is an array"},
    {"{\"system\":", "", "json.syntax", "line 1"},
    {"{\"system\":{\"hostname\":\"a.b\",\"hostname\":\"c.d\"}}", "", "json.syntax", "duplicate"},
    {"{\"system\":{\"hostname\":\"a\\u0000b\"}}", "", "json.syntax", "\\u0000"},
    {"{\"system\":{\"hostname\":\"\xff\"}}", "", "json.syntax", "decode byte"},
    {"{\"systme\":{}}", "/systme", "key.unknown", "did you mean \"system\"?"},
    {"{\"quite/different~\":1}", "/quite~1different~0", "key.unknown", "unknown section"},
    {"{\"system\":[]}", "/system", "value.type", "must be an object"},
    {"{\"listeners\":{}}", "/listeners", "value.type", "must be an array"},
    {"{\"listeners\":[3]}", "/listeners/0", "value.type", "is an integer"},
    {"{\"system\":{}}", "/system/hostname", "key.missing", "is missing"},
    {"{\"system\":{\"hostname\":\"\"}}", "/system/hostname", "value.length", "empty"},
    {"{\"system\":{\"hostname\":\"127.0.0.1\"}}", "/system/hostname", "value.pattern", "host name"},
    {"{\"system\":{\"hostname\":5}}", "/system/hostname", "value.type", "must be a string"},
    {"{\"system\":{\"timezone\":\"../../etc/passwd\"}}", "/system/timezone", "value.pattern", ""},
    {"{\"listeners\":[{\"prot\":25}]}", "/listeners/0/prot", "key.unknown", "mean \"port\"?"},
    {"{\"listeners\":[{\"port\":0}]}", "/listeners/0/port", "value.range", "1 to 65535, is 0"},
    {"{\"listeners\":[{\"port\":65536}]}", "/listeners/0/port", "value.range", "is 65536"},
    {"{\"listeners\":[{\"port\":-1}]}", "/listeners/0/port", "value.range", "is -1"},
    {"{\"listeners\":[{\"port\":25.0}]}", "/listeners/0/port", "value.type", "with a fraction"},
    {"{\"listeners\":[{\"port\":\"25\"}]}", "/listeners/0/port", "value.type", "is a string"},
    {"{\"listeners\":[{\"port\":null}]}", "/listeners/0/port", "value.type", "is null"},
    {"{\"listeners\":[{\"type\":\"pubic\"}]}", "/listeners/0/type", "value.enum",
     "did you mean \"public\"?"},
    {"{\"listeners\":[{\"name\":\" a\"}]}", "/listeners/0/name", "value.pattern", "space"},
    {"{\"listeners\":[{\"name\":\"a\\nb\"}]}", "/listeners/0/name", "value.pattern", "control"},
    {"{\"listeners\":[{\"name\":\"a\\u0085b\"}]}", "/listeners/0/name", "value.pattern", "control"},
    {"{\"interfaces\":[{\"address\":\"1.2.3\"}]}", "/interfaces/0/address", "value.pattern", ""},
    {"{\"bounce-profiles\":[{\"send_bounces\":1}]}", "/bounce-profiles/0/send_bounces",
     "value.type", "true or false"},
    {"{\"sender-groups\":[{\"senders\":[{},{\"sender\":\"10.0.0.1/8\"}]}]}",
     "/sender-groups/0/senders/1/sender", "value.pattern", "bits behind the prefix"},
    {"{\"sender-groups\":[{\"senders\":[{},{\"sendr\":\"ALL\"}]}]}",
     "/sender-groups/0/senders/1/sendr", "key.unknown", "mean \"sender\"?"},
    {"{\"rat\":[{\"recipient\":\"a@b@c\"}]}", "/rat/0/recipient", "value.pattern", "user@domain"},
    {"{\"rat\":[{\"recipient\":\"10.0.0.0/8\"}]}", "/rat/0/recipient", "value.pattern", ""},
    {"{\"smtp-routes\":[{\"targets\":[]}]}", "/smtp-routes/0/targets", "value.length", "1 to 64"},
    {"{\"smtp-routes\":[{\"targets\":[{\"host\":\"127.0.0.1\"}]}]}",
     "/smtp-routes/0/targets/0/host", "value.pattern", "in brackets"},
    {"{\"dns\":{\"forwarders\":[\"9.9.9.9@0\"]}}", "/dns/forwarders/0", "value.pattern",
     "address@port"},
    {"{\"certificates\":[{\"keys\":[{\"chain\":\"-----BEGIN PRIVATE KEY-----\"}]}]}",
     "/certificates/0/keys/0/chain", "value.pattern", "private key"},
    {"{\"certificates\":[{\"keys\":[{\"spki\":\"AB\"}]}]}", "/certificates/0/keys/0/spki",
     "value.length", "64"},
};

static const struct config_error *find_error(const struct config_errors *errors,
                                             const struct fail_case *wanted)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *e = &errors->items[i];
        if (strcmp(e->pointer, wanted->pointer) == 0 && strcmp(e->code, wanted->code) == 0 &&
            strstr(e->text, wanted->text) != NULL)
            return e;
    }
    return NULL;
}

static void test_errors_have_pointers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fail_cases); i++) {
        struct config_errors errors;
        config_errors_init(&errors);
        struct config *c = config_parse(slice_str(fail_cases[i].json), &errors);
        if (find_error(&errors, &fail_cases[i]) == NULL) {
            struct buf report;
            buf_init(&report, 0);
            config_check_report(&errors, &report);
            fail_msg("case %zu: %s\ngave:\n%s", i, fail_cases[i].json, buf_cstr(&report));
        }
        if (c != NULL)
            assert_false(config_validate(c, &errors));
        config_unref(c);
        config_errors_finish(&errors);
    }
}

static void test_all_errors_at_once(void **state)
{
    (void)state;
    static const char json[] = "{\"system\":{\"hostname\":\"a.test\",\"x\":1},"
                               "\"listeners\":[{\"name\":\"L\",\"type\":\"private\",\"interface\":"
                               "\"Nowhere\",\"port\":0}],"
                               "\"destination-controls\":[{\"domain\":\"-\"}]}";
    static const struct fail_case wanted[] = {
        {"", "/system/x", "key.unknown", ""},
        {"", "/listeners/0/port", "value.range", ""},
        {"", "/listeners/0/interface", "ref.missing", "Nowhere"},
        {"", "/listeners/0/bounce_profile", "ref.missing", "Default"},
        {"", "/destination-controls/0/domain", "value.pattern", ""},
    };
    struct config_errors errors;
    config_errors_init(&errors);
    assert_null(config_load(slice_str(json), &errors));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_non_null(find_error(&errors, &wanted[i]));
    assert_int_equal(errors.count, ARRAY_LEN(wanted));
    config_errors_finish(&errors);
}

static struct config_error only_error(struct config_errors *errors, const char *json)
{
    config_errors_init(errors);
    config_unref(config_parse(slice_str(json), errors));
    assert_int_equal(errors->count, 1);
    return errors->items[0];
}

static void test_errors_have_parameters(void **state)
{
    struct config_errors errors;
    struct config_error e;

    (void)state;
    e = only_error(&errors, "{\"system\":{\"hostname\":\"a.test\",\"timezon\":\"UTC\"}}");
    assert_string_equal(e.params.got, "timezon");
    assert_string_equal(e.params.nearest, "timezone");
    assert_int_equal(e.params.allowed_count, 0);
    config_errors_finish(&errors);
    e = only_error(&errors,
                   "{\"destination-controls\":[{\"domain\":\"a.b\",\"tls\":\"requird\"}]}");
    assert_string_equal(e.params.got, "requird");
    assert_string_equal(e.params.nearest, "required");
    assert_int_equal(e.params.allowed_count, 4);
    assert_string_equal(e.params.allowed[1], "none");
    config_errors_finish(&errors);
    e = only_error(&errors, "{\"delivery\":{\"smtp_port\":65536}}");
    assert_true(e.params.has_range);
    assert_int_equal(e.params.min, 1);
    assert_int_equal(e.params.max, 65535);
    assert_string_equal(e.params.got, "65536");
    config_errors_finish(&errors);
    e = only_error(&errors, "{\"delivery\":{\"smtp_port\":\"25\"}}");
    assert_false(e.params.has_range);
    assert_null(e.params.got);
    config_errors_finish(&errors);
}

/* A long value is quoted in part, and no character is cut: the text becomes JSON and a log line. */
static void test_error_texts_are_utf8(void **state)
{
    static const char *const characters[] = {"\xc3\xa9", "\xed\x95\x9c", "\xf0\x9f\x93\xae"};

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
            struct config_errors errors;
            struct buf value, json;
            buf_init(&value, 0);
            buf_init(&json, 0);
            (void)buf_printf(&value, "%.*s", (int)shift, "xxxx");
            for (size_t j = 0; j < 80; j++)
                (void)buf_append_str(&value, characters[i]);
            (void)buf_printf(
                &json,
                "{\"listeners\":[{\"name\":\"a\",\"interface\":\"b\",\"type\":\"%s\",\"%s\":1}],"
                "\"interfaces\":[{\"name\":\"%s\",\"hostname\":\"%s\",\"address\":\"%s\"}]}",
                buf_cstr(&value), buf_cstr(&value), buf_cstr(&value), buf_cstr(&value),
                buf_cstr(&value));
            config_errors_init(&errors);
            config_unref(config_parse(buf_slice(&json), &errors));
            assert_int_equal(errors.count, 5);
            for (size_t j = 0; j < errors.count; j++) {
                const struct config_error *e = &errors.items[j];
                json_t *text = json_string(e->text), *got = json_string(e->params.got);
                if (text == NULL || got == NULL || strchr(e->text, '?') != NULL)
                    fail_msg("%s is cut in a character: %s", e->code, e->text);
                json_decref(text);
                json_decref(got);
            }
            config_errors_finish(&errors);
            buf_finish(&value);
            buf_finish(&json);
        }
    }
}

/* Whatever somebody formats into a text. */
static void test_error_texts_are_cleaned(void **state)
{
    struct config_errors errors;

    (void)state;
    config_errors_init(&errors);
    config_errors_add(&errors, "", "a.b", "a\nb\x7f%s%s", "\xc2\x85", "\xff\xc3");
    assert_string_equal(errors.items[0].text, "a?b?????");
    char *text = mem_alloc(3000);
    memset(text, 'a', 2999);
    for (size_t shift = 0; shift < 3; shift++) {
        for (size_t i = shift; i + 3 < 2999; i += 3)
            memcpy(text + i, "\xed\x95\x9c", 3);
        config_errors_add(&errors, "", "a.b", "%.2990s", text);
        json_t *json = json_string(errors.items[1 + shift].text);
        assert_non_null(json);
        json_decref(json);
    }
    free(text);
    config_errors_finish(&errors);
}

static void test_depth_and_size_are_capped(void **state)
{
    (void)state;
    static const struct fail_case deep = {"", "", "json.depth", "32"};
    static const struct fail_case many = {"", "", "json.size", "values"};
    char nested[LIMIT_JSON_DEPTH + 2];
    struct config_errors errors;
    config_errors_init(&errors);
    memset(nested, '[', sizeof(nested));
    assert_null(config_parse(slice_of(nested, sizeof(nested)), &errors));
    assert_non_null(find_error(&errors, &deep));
    char *commas = mem_alloc(CONFIG_JSON_VALUES_MAX + 2);
    memset(commas, ',', CONFIG_JSON_VALUES_MAX + 2);
    assert_null(config_parse(slice_of(commas, CONFIG_JSON_VALUES_MAX + 2), &errors));
    assert_non_null(find_error(&errors, &many));
    free(commas);
    config_errors_finish(&errors);
}

static void test_error_list_is_capped_and_clean(void **state)
{
    (void)state;
    struct buf json, report;
    struct config_errors errors;
    config_errors_init(&errors);
    buf_init(&json, 0);
    buf_init(&report, 0);
    assert_true(buf_append_str(&json, "{\"a\\u001b[2J\":1,\"rat\":["));
    for (unsigned i = 0; i < 2000; i++)
        assert_true(buf_printf(&json, "%s7", i == 0 ? "" : ","));
    assert_true(buf_append_str(&json, "]}"));
    struct config *c = config_parse(buf_slice(&json), &errors);
    assert_non_null(c);
    assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
    assert_int_equal(errors.dropped, 2001 - CONFIG_ERRORS_MAX);
    config_unref(c);
    config_errors_finish(&errors);
    config_errors_init(&errors);
    assert_false(config_check_text(SLICE("{\"a\\u001b[2J\":1}"), &report));
    assert_null(strchr(buf_cstr(&report), '\x1b'));
    assert_non_null(strstr(buf_cstr(&report), "/a\\x1b[2J: unknown section \"a?[2J\"\n"));
    buf_finish(&json);
    buf_finish(&report);
    config_errors_finish(&errors);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config_errors errors;
    config_errors_init(&errors);
    struct config *c = config_parse(
        SLICE("{\"system\":{\"hostname\":\"a.test\"},\"listeners\":[{\"name\":\"L\"}],"
              "\"mail-flow-policies\":[{\"name\":\"P\"}],\"bounce-profiles\":[{\"name\":\"B\"}]}"),
        &errors);
    assert_non_null(c);
    assert_true(slice_eq(c->system.timezone, SLICE("UTC")));
    assert_true(slice_eq(c->delivery.interface, SLICE("Auto")));
    assert_int_equal(c->delivery.max_connections, 10000);
    assert_int_equal(c->listeners.items[0].port, 25);
    assert_int_equal(c->listeners.items[0].certificate.len, 0);
    assert_non_null(c->listeners.items[0].certificate.p);
    assert_int_equal(c->mail_flow_policies.items[0].tls, CFG_POLICY_TLS_PREFERRED);
    assert_int_equal(c->mail_flow_policies.items[0].reject_code, 554);
    assert_int_equal(c->bounce_profiles.items[0].max_retries, 100);
    assert_int_equal(c->bounce_profiles.items[0].max_time_in_queue_s, 259200);
    assert_int_equal(c->bounce_profiles.items[0].initial_retry_s, 60);
    assert_int_equal(c->bounce_profiles.items[0].max_retry_s, 3600);
    assert_true(c->bounce_profiles.items[0].send_bounces);
    config_unref(c);
    config_errors_finish(&errors);
}

static const char full[] =
    "{\"system\":{\"hostname\":\"gw.example.test\",\"timezone\":\"Asia/Seoul\"},"
    "\"dns\":{\"forwarders\":[\"9.9.9.9\",\"2001:db8::1@5353\"],\"local_zones_removed\":[\"test\"],"
    "\"unblock_lan_zones\":true,\"trust_anchor_file\":\"/var/lib/root.key\"},"
    "\"delivery\":{\"next_hop_deny\":[\"127.0.0.0/8\",\"::1\"],\"interface\":\"Data 1\"},"
    "\"interfaces\":[{\"name\":\"Data "
    "1\",\"address\":\"192.0.2.1\",\"hostname\":\"mx.example.test\"}],"
    "\"listeners\":[{\"name\":\"\xec\x88\x98\xec\x8b\xa0\",\"type\":\"public\",\"interface\":"
    "\"Data 1\","
    "\"port\":2525,\"bounce_profile\":\"B\"}],"
    "\"sender-groups\":[{\"listener\":\"\xec\x88\x98\xec\x8b\xa0\",\"name\":\"ALL\",\"policy\":"
    "\"P\","
    "\"senders\":[{\"sender\":\"2001:DB8::/"
    "32\",\"comment\":\"\\\"quoted\\\"\"},{\"sender\":\"all\"}]}],"
    "\"mail-flow-policies\":[{\"name\":\"P\",\"action\":\"accept\",\"max_message_size\":1048576}],"
    "\"rat\":[{\"listener\":\"\xec\x88\x98\xec\x8b\xa0\",\"recipient\":\"Joe@Example.TEST\","
    "\"action\":"
    "\"accept\"},{\"listener\":\"\xec\x88\x98\xec\x8b\xa0\",\"recipient\":\".Example.test\","
    "\"action\":"
    "\"accept\"},{\"listener\":\"\xec\x88\x98\xec\x8b\xa0\",\"recipient\":\"ALL\",\"action\":"
    "\"reject\","
    "\"reply_text\":\"go away\"}],"
    "\"destination-controls\":[{\"domain\":\"default\",\"tls\":\"preferred\",\"max_connections\":5,"
    "\"max_messages_per_connection\":5},{\"domain\":\"Example.TEST\",\"tls\":\"required\"}],"
    "\"smtp-routes\":[{\"domain\":\"ALL\",\"targets\":[{\"host\":\"[ipv6:2001:DB8::1]\","
    "\"priority\":5},"
    "{\"host\":\"Relay.Example.test\",\"port\":587}]}],"
    "\"bounce-profiles\":[{\"name\":\"B\",\"send_bounces\":false}]}";

static void test_round_trip(void **state)
{
    (void)state;
    struct config_errors errors;
    struct buf first, second;
    struct config_diff diff;
    config_errors_init(&errors);
    buf_init(&first, 0);
    buf_init(&second, 0);
    struct config *a = config_load(SLICE(full), &errors);
    if (a == NULL) {
        config_check_report(&errors, &first);
        fail_msg("%s", buf_cstr(&first));
    }
    config_render(a, &first);
    struct config *b = config_load(buf_slice(&first), &errors);
    assert_non_null(b);
    config_render(b, &second);
    assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));
    config_diff(a, b, &diff);
    assert_int_equal(diff.count, 0);
    config_diff_finish(&diff);
    assert_non_null(strstr(buf_cstr(&first), "\"[IPv6:2001:db8::1]\""));
    assert_non_null(strstr(buf_cstr(&first), "\"Joe@example.test\""));
    assert_non_null(strstr(buf_cstr(&first), "\"9.9.9.9@53\""));
    assert_int_equal(b->smtp_routes.items[0].targets.items[0].host.kind, CFG_PATTERN_LITERAL);
    assert_int_equal(b->smtp_routes.items[0].targets.items[0].host.net.ip.family, 6);
    assert_int_equal(b->dns.forwarders.items[1].port, 5353);
    config_unref(a);
    config_unref(b);
    buf_finish(&first);
    buf_finish(&second);
    config_errors_finish(&errors);
}

/* Cut anywhere, the text is an error and nothing else: no crash, no half-read success. */
static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len + 1 < sizeof(full); len++) {
        struct config_errors errors;
        config_errors_init(&errors);
        assert_null(config_load(slice_of(full, len), &errors));
        assert_int_not_equal(errors.count, 0);
        config_errors_finish(&errors);
    }
}

int main(void)
{
    config_json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_have_pointers),
        cmocka_unit_test(test_all_errors_at_once),
        cmocka_unit_test(test_errors_have_parameters),
        cmocka_unit_test(test_error_texts_are_utf8),
        cmocka_unit_test(test_error_texts_are_cleaned),
        cmocka_unit_test(test_depth_and_size_are_capped),
        cmocka_unit_test(test_error_list_is_capped_and_clean),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
