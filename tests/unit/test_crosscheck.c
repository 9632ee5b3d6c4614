/* The rules over several sections: one good configuration, and what breaks when a piece changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

static const char good[] =
    "{\"system\":{\"hostname\":\"gw.example.test\"},"
    "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.example.test\"},"
    "{\"name\":\"B\",\"address\":\"::1\",\"hostname\":\"gw.example.test\"}],"
    "\"listeners\":[{\"name\":\"In\",\"type\":\"public\",\"interface\":\"A\",\"port\":2525},"
    "{\"name\":\"Out\",\"type\":\"private\",\"interface\":\"A\",\"port\":2526},"
    "{\"name\":\"Out6\",\"type\":\"private\",\"interface\":\"B\",\"port\":2525},"
    "{\"name\":\"Hole\",\"type\":\"blackhole\",\"interface\":\"A\",\"port\":2599}],"
    "\"sender-groups\":["
    "{\"listener\":\"In\",\"name\":\"ALL\",\"policy\":\"ACCEPTED\",\"senders\":[{\"sender\":"
    "\"ALL\"}]},"
    "{\"listener\":\"Out\",\"name\":\"LIST\",\"policy\":\"RELAYED\",\"senders\":[{\"sender\":\"10."
    "0.0.0/8\"}]},"
    "{\"listener\":\"Out\",\"name\":\"ALL\",\"policy\":\"BLOCKED\",\"senders\":[{\"sender\":"
    "\"ALL\"}]},"
    "{\"listener\":\"Out6\",\"name\":\"ALL\",\"policy\":\"BLOCKED\",\"senders\":[{\"sender\":"
    "\"ALL\"}]},"
    "{\"listener\":\"Hole\",\"name\":\"ALL\",\"policy\":\"RELAYED\",\"senders\":[{\"sender\":"
    "\"ALL\"}]}],"
    "\"mail-flow-policies\":[{\"name\":\"ACCEPTED\",\"action\":\"accept\",\"tls\":\"preferred\"},"
    "{\"name\":\"RELAYED\",\"action\":\"relay\"},{\"name\":\"BLOCKED\",\"action\":\"reject\"}],"
    "\"rat\":[{\"listener\":\"In\",\"recipient\":\"example.test\",\"action\":\"accept\"},"
    "{\"listener\":\"In\",\"recipient\":\"ALL\",\"action\":\"reject\"}],"
    "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"preferred\",\"max_connections\":"
    "500,"
    "\"max_messages_per_connection\":50}],"
    "\"bounce-profiles\":[{\"name\":\"Default\",\"initial_retry_s\":60}]}";

struct rule_case {
    const char *from, *to; /* the first FROM in the good text becomes TO */
    const char *pointer, *code;
};

/* clang-format off */
static const struct rule_case rule_cases[] = {
    {"\"port\":2526", "\"port\":2525", "/listeners/1/port", "rule.address_in_use"},
    {"\"address\":\"127.0.0.1\"", "\"address\":\"::\"", "/listeners/2/port", "rule.address_in_use"},
    {"\"interface\":\"B\"", "\"interface\":\"C\"", "/listeners/2/interface", "ref.missing"},
    {"\"port\":2526", "\"port\":2526,\"certificate\":\"c\"", "/listeners/1/certificate", "ref.missing"},
    {"\"port\":2526", "\"port\":2526,\"bounce_profile\":\"x\"", "/listeners/1/bounce_profile", "ref.missing"},
    {"\"name\":\"Out6\"", "\"name\":\"Out\"", "/listeners/2", "key.duplicate"},
    {"\"name\":\"LIST\"", "\"name\":\"ALL\"", "/sender-groups/2", "key.duplicate"},
    {"\"policy\":\"BLOCKED\"", "\"policy\":\"OTHER\"", "/sender-groups/2/policy", "ref.missing"},
    {"{\"listener\":\"In\",\"name\":\"ALL\"", "{\"listener\":\"Nix\",\"name\":\"ALL\"", "/sender-groups/0/listener", "ref.missing"},
    {"{\"listener\":\"In\",\"name\":\"ALL\"", "{\"listener\":\"Out\",\"name\":\"X\"", "/listeners/0", "rule.hat_missing"},
    {"{\"sender\":\"ALL\"}", "{\"sender\":\"10.0.0.1\"}", "/sender-groups/0/senders", "rule.hat_all_last"},
    {"\"sender\":\"10.0.0.0/8\"", "\"sender\":\"ALL\"", "/sender-groups/1/senders", "rule.hat_all_last"},
    {"\"sender\":\"10.0.0.0/8\"", "\"sender\":\"0.0.0.0/0\"", "/sender-groups/1/policy", "rule.open_relay"},
    {"\"policy\":\"ACCEPTED\"", "\"policy\":\"RELAYED\"", "/sender-groups/0/policy", "rule.open_relay"},
    {"\"tls\":\"preferred\"", "\"tls\":\"required\"", "/sender-groups/0/policy", "rule.tls_without_certificate"},
    {"\"address\":\"127.0.0.1\"", "\"address\":\"127.0.0.1\",\"https\":true", "/interfaces/0/https_certificate", "rule.tls_without_certificate"},
    {"\"address\":\"127.0.0.1\"", "\"address\":\"127.0.0.1\",\"https\":true,\"https_port\":2526", "/interfaces/0/https_port", "rule.address_in_use"},
    {"\"address\":\"127.0.0.1\"", "\"address\":\"127.0.0.1\",\"https\":true,\"http_redirect\":true,\"http_port\":8443", "/interfaces/0/https_port", "rule.address_in_use"},
    {"\"address\":\"127.0.0.1\"", "\"address\":\"127.0.0.1\",\"http_redirect\":true", "/interfaces/0/http_redirect", "rule.redirect_to_nothing"},
    {"\"recipient\":\"ALL\",\"action\":\"reject\"", "\"recipient\":\"ALL\",\"action\":\"accept\"", "/rat/1/action", "rule.open_relay"},
    {"\"recipient\":\"ALL\"", "\"recipient\":\"other.test\"", "/listeners/0", "rule.rat_all_missing"},
    {"\"recipient\":\"example.test\",\"action\":\"accept\"", "\"recipient\":\"ALL\",\"action\":\"reject\"", "/rat/0", "rule.rat_all_last"},
    {"\"rat\":[{\"listener\":\"In\"", "\"rat\":[{\"listener\":\"Hole\"", "/rat/0/listener", "rule.rat_not_public"},
    {"\"domain\":\"Default\"", "\"domain\":\"a.test\"", "/destination-controls", "rule.default_missing"},
    {"\"domain\":\"Default\",\"tls\":\"preferred\"", "\"domain\":\"Default\"", "/destination-controls/0/tls", "rule.default_inherits"},
    {"\"max_connections\":500", "\"max_connections\":0", "/destination-controls/0/max_connections", "rule.default_inherits"},
    {"\"initial_retry_s\":60", "\"initial_retry_s\":6000", "/bounce-profiles/0/initial_retry_s", "rule.retry_order"},
    {"\"rat\":[", "\"delivery\":{\"interface\":\"eth0\"},\"rat\":[", "/delivery/interface", "ref.missing"},
    {"\"rat\":[", "\"trust-lists\":[{\"name\":\"t\"}],\"rat\":[", "/trust-lists/0/pem", "rule.trust_pem"},
    {"\"system\":{\"hostname\":\"gw.example.test\"},", "", "/system/hostname", "key.missing"},
};
/* clang-format on */

static void replace(struct buf *out, const char *from, const char *to)
{
    const char *at = strstr(good, from);
    buf_init(out, 0);
    if (at == NULL)
        fail_msg("%s is not in the text", from);
    assert_true(buf_append(out, good, (size_t)(at - good)));
    assert_true(buf_append_str(out, to));
    assert_true(buf_append_str(out, at + strlen(from)));
}

static void test_good(void **state)
{
    (void)state;
    struct buf report;
    buf_init(&report, 0);
    if (!config_check_text(SLICE(good), &report))
        fail_msg("%s", buf_cstr(&report));
    assert_int_equal(buf_len(&report), 0);
    buf_finish(&report);
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rule_cases); i++) {
        struct buf text;
        struct config_errors errors;
        bool found = false;
        replace(&text, rule_cases[i].from, rule_cases[i].to);
        config_errors_init(&errors);
        struct config *c = config_load(buf_slice(&text), &errors);
        assert_null(c);
        for (size_t j = 0; j < errors.count; j++)
            found = found || (strcmp(errors.items[j].pointer, rule_cases[i].pointer) == 0 &&
                              strcmp(errors.items[j].code, rule_cases[i].code) == 0);
        if (!found) {
            struct buf report;
            buf_init(&report, 0);
            config_check_report(&errors, &report);
            fail_msg("case %zu (%s) gave:\n%s", i, rule_cases[i].code, buf_cstr(&report));
        }
        config_errors_finish(&errors);
        buf_finish(&text);
    }
}

static void test_certificate_can_be_added(void **state)
{
    (void)state;
    struct buf text;
    struct config_errors errors;
    replace(&text, "\"port\":2525", "\"port\":2525,\"certificate\":\"demonstration\"");
    config_errors_init(&errors);
    struct config *c = config_parse(buf_slice(&text), &errors);
    assert_non_null(c);
    assert_false(config_put(c, "certificates", SLICE("{\"name\":\"demonstration\"}"), &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].pointer, "/certificates/0/keys");
    config_unref(c);
    config_errors_finish(&errors);
    config_errors_init(&errors);
    c = config_parse(buf_slice(&text), &errors);
    assert_true(config_put(
        c, "certificates",
        SLICE("{\"name\":\"demonstration\",\"keys\":[{\"type\":\"ecdsa\",\"spki\":"
              "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
              "\"chain\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\"}]}"),
        &errors));
    assert_true(config_put(c, "system", SLICE("{\"hostname\":\"other.test\"}"), &errors));
    assert_true(config_put(c, "bounce-profiles", SLICE("{\"name\":\"Default\",\"max_retries\":7}"),
                           &errors));
    assert_true(config_validate(c, &errors));
    assert_int_equal(c->bounce_profiles.count, 1);
    assert_int_equal(c->bounce_profiles.items[0].max_retries, 7);
    assert_true(slice_eq(c->system.hostname, SLICE("other.test")));
    assert_int_equal(config_find_certificate(c, SLICE("demonstration"))->keys.items[0].type,
                     CFG_KEY_TYPE_ECDSA);
    config_unref(c);
    config_errors_finish(&errors);
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_certificate_can_be_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
