/* The embedded set-ups: whole, valid once the first start has added the certificate, no open relay
 * and encrypted wherever the other side can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "setup/embedded.h"

#define CERTIFICATE                                                                                \
    "{\"name\":\"demonstration\",\"keys\":[{\"type\":\"ecdsa\",\"spki\":"                          \
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","                        \
    "\"chain\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\"}]}"

static struct config *load(const char *json, size_t size)
{
    struct config_errors errors;
    struct buf report;
    config_errors_init(&errors);
    buf_init(&report, 0);
    assert_int_equal(strlen(json), size);
    struct config *c = config_parse(slice_of(json, size), &errors);
    if (c == NULL || !config_put(c, "certificates", SLICE(CERTIFICATE), &errors) ||
        !config_validate(c, &errors)) {
        config_check_report(&errors, &report);
        fail_msg("%s", buf_cstr(&report));
    }
    for (size_t i = 0; i < c->listeners.count; i++)
        assert_true(slice_eq(c->listeners.items[i].certificate, SLICE("demonstration")));
    for (size_t i = 0; i < c->mail_flow_policies.count; i++)
        assert_int_equal(c->mail_flow_policies.items[i].tls, CFG_POLICY_TLS_PREFERRED);
    assert_int_equal(config_default_destination_control(c)->tls, CFG_DEST_TLS_PREFERRED);
    buf_finish(&report);
    config_errors_finish(&errors);
    return c;
}

static void test_demonstration(void **state)
{
    (void)state;
    struct config *c = load(embed_demo_json, embed_demo_json_size);
    const struct cfg_listener *in = config_find_listener(c, SLICE("InboundMail"));
    const struct cfg_listener *out = config_find_listener(c, SLICE("OutgoingMail"));
    const struct cfg_listener *hole = config_find_listener(c, SLICE("Blackhole"));
    assert_true(in->type == CFG_LISTENER_TYPE_PUBLIC && in->port == 2525);
    assert_true(out->type == CFG_LISTENER_TYPE_PRIVATE && out->port == 2526);
    assert_true(hole->type == CFG_LISTENER_TYPE_BLACKHOLE && hole->port == 2599);
    assert_true(ip_is_loopback(&config_find_interface(c, in->interface)->address));
    assert_int_equal(config_find_destination_control(c, SLICE("example.test"))->tls,
                     CFG_DEST_TLS_REQUIRED);
    const struct cfg_smtp_route *route = config_find_smtp_route(c, SLICE("ALL"));
    assert_int_equal(route->targets.items[0].port, 2599);
    assert_int_equal(route->targets.items[0].host.kind, CFG_PATTERN_LITERAL);
    const struct cfg_mail_flow_policy *policy = config_find_mail_flow_policy(c, SLICE("ACCEPTED"));
    assert_int_equal(policy->max_connections_per_ip, 1000);
    assert_int_equal(policy->max_messages_per_connection, 1000);
    config_unref(c);
}

static void test_factory(void **state)
{
    (void)state;
    struct config *c = load(embed_factory_json, embed_factory_json_size);
    struct config_range rat = config_rat(c, SLICE("InboundMail"));
    assert_int_equal(c->listeners.count, 2);
    assert_int_equal(rat.count, 1);
    assert_int_equal(config_rat_entry_at(rat, 0)->action, CFG_RAT_ACTION_REJECT);
    assert_int_equal(c->smtp_routes.count, 0);
    config_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demonstration),
        cmocka_unit_test(test_factory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
