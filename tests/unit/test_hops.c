/* engine/hops: which hosts are tried and in which order; what DNS says of ourselves; what is wrong
 * when there is none. Names come from a table, the loop is turned by hand. */
#include "engine/hops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fake_loop.h"
#include "fake_resolver.h"

static const char config_text[] =
    "{\"system\":{\"hostname\":\"gw.example.test\"},"
    "\"interfaces\":["
    " {\"name\":\"A\",\"address\":\"192.0.2.1\",\"hostname\":\"Mail.Example.test\"},"
    " {\"name\":\"B\",\"address\":\"2001:db8::1\",\"hostname\":\"six.example.test\"},"
    " {\"name\":\"C\",\"address\":\"0.0.0.0\",\"hostname\":\"any.example.test\"}],"
    "\"delivery\":{\"next_hop_deny\":[\"127.0.0.0/8\"]},"
    "\"smtp-routes\":[{\"domain\":\"routed.test\","
    " \"targets\":[{\"host\":\"[192.0.2.1]\",\"port\":2525}]}],"
    "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"preferred\","
    "\"max_connections\":5,\"max_messages_per_connection\":5}]}";

struct world {
    struct clock_fake clock;
    struct fake_loop loop;
    struct fake_resolver *names;
    struct snapshot *snapshot;
    struct hops hops;
    bool is_done;
};

static int set_up(void **state)
{
    struct world *w = MEM_NEW(struct world);
    struct config_errors errors;
    config_errors_init(&errors);
    struct config *config = config_load(slice_str(config_text), &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    assert_non_null(config);
    assert_true(snapshot_create(config, "/nonexistent", &w->snapshot, &errors));
    config_unref(config);
    config_errors_finish(&errors);
    clock_fake_init(&w->clock, 0);
    fake_loop_init(&w->loop, &w->clock);
    w->names = fake_resolver_create(&w->loop.loop);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    fake_resolver_destroy(w->names);
    fake_loop_settle(&w->loop);
    fake_loop_finish(&w->loop);
    snapshot_unref(w->snapshot);
    free(w);
    return 0;
}

static void found(void *ctx, const struct hops *hops)
{
    struct world *w = ctx;
    w->hops = *hops;
    w->is_done = true;
}

/* The hops of DOMAIN as text: addresses separated by blanks, or the trouble's number. */
static void check(struct world *w, const char *domain, const char *want)
{
    char got[512] = "";
    size_t len = 0;
    w->is_done = false;
    (void)hops_find(&w->loop.loop, fake_resolver_of(w->names), &w->clock.clock, w->snapshot,
                    slice_str(domain), found, w);
    assert_false(w->is_done);
    fake_loop_run_for(&w->loop, 1);
    assert_true(w->is_done);
    for (size_t i = 0; i < w->hops.count; i++) {
        char ip[IP_TEXT_MAX];
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s", len == 0 ? "" : " ",
                                ip_format(&w->hops.items[i].ip, ip));
        assert_true(len < sizeof(got));
    }
    if (w->hops.count == 0)
        (void)snprintf(got, sizeof(got), "%d %s", w->hops.event, w->hops.text);
    if (strcmp(got, want) != 0)
        fail_msg("%s: '%s' is not '%s'", domain, got, want);
}

static void test_order(void **state)
{
    struct world *w = *state;
    fake_resolver_set_mx(w->names, "a.test", "20 b.a.test 10 a.a.test 30 gone.a.test");
    fake_resolver_set_addresses(w->names, "a.a.test", "198.51.100.1 198.51.100.2");
    fake_resolver_set_addresses(w->names, "b.a.test", "198.51.100.3");
    check(w, "a.test", "198.51.100.1 198.51.100.2 198.51.100.3");
    assert_string_equal(w->hops.items[2].name, "b.a.test");
    check(w, "routed.test", "192.0.2.1");
    check(w, "[198.51.100.9]", "198.51.100.9");
    check(w, "no.test", "3 no.test the name does not exist");
    fake_resolver_set_mx(w->names, "denied.test", "10 l.denied.test");
    fake_resolver_set_addresses(w->names, "l.denied.test", "127.0.0.1");
    check(w, "denied.test", "5 l.denied.test has an address in delivery.next_hop_deny");
}

/* RFC 5321 5.1: we are a backup of theirs; hosts that are no better than we are never tried. */
static void test_only_better_hosts_than_ourselves(void **state)
{
    static const char *const mx[] = {
        "10 a.test.test 20 gw.example.test 20 b.test.test 30 c.test.test",
        "10 a.test.test 20 mail.example.TEST 20 b.test.test 30 c.test.test",
        "30 c.test.test 20 b.test.test 20 four.test.test 10 a.test.test",
        "30 c.test.test 20 b.test.test 20 six.test.test 10 a.test.test",
        "10 a.test.test 20 b.test.test 20 four.test.test 15 both.test.test",
    };
    struct world *w = *state;
    fake_resolver_set_addresses(w->names, "a.test.test", "198.51.100.1");
    fake_resolver_set_addresses(w->names, "b.test.test", "198.51.100.2");
    fake_resolver_set_addresses(w->names, "c.test.test", "198.51.100.3");
    fake_resolver_set_addresses(w->names, "four.test.test", "192.0.2.1");
    fake_resolver_set_addresses(w->names, "six.test.test", "2001:db8::1");
    fake_resolver_set_addresses(w->names, "both.test.test", "198.51.100.4 192.0.2.1");
    for (size_t i = 0; i < ARRAY_LEN(mx); i++) {
        fake_resolver_set_mx(w->names, "test.test", mx[i]);
        /* Equal hosts come in random order: whatever it is. */
        for (size_t again = 0; again < 20; again++)
            check(w, "test.test", "198.51.100.1");
    }
}

static void test_nothing_is_left(void **state)
{
    struct world *w = *state;
    fake_resolver_set_addresses(w->names, "other.test", "198.51.100.1");
    fake_resolver_set_addresses(w->names, "ours.test", "192.0.2.1");
    fake_resolver_set_mx(w->names, "name.test", "10 gw.example.test 20 other.test");
    check(w, "name.test", "9 name.test leads back to this host and has no SMTP route");
    fake_resolver_set_mx(w->names, "ip.test", "10 ours.test 10 other.test");
    check(w, "ip.test", "9 ip.test leads back to this host and has no SMTP route");
    const struct resolver_answer no_data = {.status = RESOLVER_STATUS_NO_DATA};
    fake_resolver_set(w->names, RESOLVER_KIND_MX, "ours.test", &no_data, 0);
    check(w, "ours.test", "9 ours.test leads back to this host and has no SMTP route");
    fake_resolver_set(w->names, RESOLVER_KIND_MX, "gw.example.test", &no_data, 0);
    check(w, "gw.example.test", "9 gw.example.test leads back to this host and has no SMTP route");
    check(w, "[192.0.2.1]", "9 [192.0.2.1] leads back to this host and has no SMTP route");
    check(w, "[IPv6:2001:db8::1]",
          "9 [IPv6:2001:db8::1] leads back to this host and has no SMTP route");
    /* A better host exists, it only cannot be looked up now: no reason to give up. */
    fake_resolver_set_mx(w->names, "later.test", "10 gone.test 20 gw.example.test");
    check(w, "later.test", "5 gone.test the name does not exist");
    fake_resolver_set_mx(w->names, "later.test", "10 gone.test 20 ours.test");
    check(w, "later.test", "5 gone.test the name does not exist");
}

/* More hops than are kept: an equal host that is ourselves is found all the same. */
static void test_many_addresses(void **state)
{
    struct world *w = *state;
    fake_resolver_set_addresses(
        w->names, "wide.test",
        "198.51.100.1 198.51.100.2 198.51.100.3 198.51.100.4 198.51.100.5 198.51.100.6 "
        "198.51.100.7 198.51.100.8 198.51.100.9 198.51.100.10 198.51.100.11 198.51.100.12 "
        "198.51.100.13 198.51.100.14 198.51.100.15 198.51.100.16 198.51.100.17");
    fake_resolver_set_addresses(w->names, "ours.test", "192.0.2.1");
    fake_resolver_set_mx(w->names, "many.test", "10 wide.test 10 ours.test");
    for (size_t again = 0; again < 20; again++)
        check(w, "many.test", "9 many.test leads back to this host and has no SMTP route");
    fake_resolver_set_mx(w->names, "many.test", "10 wide.test 20 ours.test");
    (void)hops_find(&w->loop.loop, fake_resolver_of(w->names), &w->clock.clock, w->snapshot,
                    SLICE("many.test"), found, w);
    fake_loop_run_for(&w->loop, 1);
    assert_int_equal(w->hops.count, HOPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_better_hosts_than_ourselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_addresses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
