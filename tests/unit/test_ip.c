/* base/ip: a table of spellings, and the round trip: what is formatted parses back to the same. */
#include "base/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/un.h>

#include <cmocka.h>

#include "base/clock.h"

static struct ip must_parse(const char *text)
{
    struct ip ip;
    if (!ip_parse(slice_str(text), &ip))
        fail_msg("'%s' does not parse", text);
    return ip;
}

/* clang-format off */
static const struct {
    const char *text;
    const char *canonical; /* NULL: no address */
} spellings[] = {
    {"192.0.2.1",                              "192.0.2.1"},
    {"0.0.0.0",                                "0.0.0.0"},
    {"255.255.255.255",                        "255.255.255.255"},
    {"::",                                     "::"},
    {"::1",                                    "::1"},
    {"1::",                                    "1::"},
    {"2001:DB8::A",                            "2001:db8::a"},
    {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
    {"2001:db8:0:1:1:1:1:1",                   "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2 */
    {"2001:0:0:1:0:0:0:1",                     "2001:0:0:1::1"},        /* RFC 5952 4.2.3 */
    {"2001:db8:0:0:1:0:0:1",                   "2001:db8::1:0:0:1"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"::ffff:192.0.2.1",                       "192.0.2.1"},
    {"::FFFF:c000:201",                        "192.0.2.1"},
    {"::192.0.2.1",                            "::c000:201"},
    {"",                                       NULL},
    {"192.0.2",                                NULL},
    {"192.0.2.256",                            NULL},
    {"192.0.2.01",                             NULL},
    {"0x7f.0.0.1",                             NULL},
    {"127.1",                                  NULL},
    {" 192.0.2.1",                             NULL},
    {"192.0.2.1 ",                             NULL},
    {"192.0.2.1.",                             NULL},
    {"fe80::1%eth0",                           NULL},
    {":::",                                    NULL},
    {"1:2:3:4:5:6:7",                          NULL},
    {"1:2:3:4:5:6:7:8:9",                      NULL},
    {"12345::",                                NULL},
    {"[::1]",                                  NULL},
    {"2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000", NULL},
};

static const struct {
    const char *text;
    bool is_valid;
} nets[] = {
    {"10.0.0.0/8",          true},
    {"10.0.0.1",            true},
    {"0.0.0.0/0",           true},
    {"192.0.2.1/32",        true},
    {"192.0.2.128/25",      true},
    {"2001:db8::/32",       true},
    {"::/0",                true},
    {"2001:db8::1/128",     true},
    {"::ffff:10.0.0.0/104", true},
    {"10.0.0.1/8",          false},
    {"192.0.2.129/25",      false},
    {"2001:db8::1/32",      false},
    {"10.0.0.0/33",         false},
    {"::/129",              false},
    {"10.0.0.0/",           false},
    {"10.0.0.0/08",         false},
    {"10.0.0.0/+8",         false},
    {"10.0.0.0/8/8",        false},
    {"10.0.0.0/255.0.0.0",  false},
    {"/8",                  false},
    {"::ffff:0.0.0.0/95",   false},
    {"",                    false},
};

static const struct {
    const char *net;
    const char *ip;
    bool is_inside;
} members[] = {
    {"10.0.0.0/8",          "10.255.0.1",  true},
    {"10.0.0.0/8",          "11.0.0.0",    false},
    {"10.0.0.0/8",          "::ffff:10.1.1.1", true},
    {"::ffff:10.0.0.0/104", "10.1.1.1",    true},
    {"192.0.2.128/25",      "192.0.2.127", false},
    {"192.0.2.128/25",      "192.0.2.128", true},
    {"192.0.2.1",           "192.0.2.1",   true},
    {"192.0.2.1",           "192.0.2.2",   false},
    {"0.0.0.0/0",           "203.0.113.9", true},
    {"0.0.0.0/0",           "::1",         false},
    {"::/0",                "::1",         true},
    {"::/0",                "127.0.0.1",   false},
    {"2001:db8::/33",       "2001:db8:7fff::", true},
    {"2001:db8::/33",       "2001:db8:8000::", false},
};
/* clang-format on */

static void test_spellings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        struct ip ip;
        char out[IP_TEXT_MAX];
        bool is_valid = ip_parse(slice_str(spellings[i].text), &ip);
        if (is_valid != (spellings[i].canonical != NULL))
            fail_msg("'%s': parses: %d", spellings[i].text, is_valid);
        if (is_valid)
            assert_string_equal(ip_format(&ip, out), spellings[i].canonical);
    }
    struct ip ip;
    assert_false(ip_parse(slice_of("127.0.0.1\0", 10), &ip));
    assert_true(ip_parse(slice_of("127.0.0.123", 9), &ip));
    char out[IP_TEXT_MAX];
    assert_string_equal(ip_format(&(struct ip){0}, out), "none");
}

static void test_round_trip(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    for (int i = 0; i < 20000; i++) {
        struct ip ip = {.family = i % 4 == 0 ? 4 : 6}, back;
        char out[IP_TEXT_MAX];
        fake.clock.random(&fake.clock, ip.bytes, ip.family == 4 ? 4 : 16);
        /* Runs of zeros are where IPv6 text goes wrong. */
        uint64_t zeros = clock_random_below(&fake.clock, 256);
        for (size_t g = 0; ip.family == 6 && g < 8; g++) {
            if ((zeros >> g & 1) != 0)
                ip.bytes[2 * g] = ip.bytes[2 * g + 1] = 0;
        }
        assert_true(ip_parse(slice_str(ip_format(&ip, out)), &back));
        if (!ip_eq(&ip, &back))
            fail_msg("%s comes back different", out);
    }
}

static void test_nets(void **state)
{
    (void)state;
    struct ip_net net;
    for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
        if (ip_net_parse(slice_str(nets[i].text), &net) != nets[i].is_valid)
            fail_msg("net '%s' should be %s", nets[i].text, nets[i].is_valid ? "valid" : "refused");
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct ip ip = must_parse(members[i].ip);
        assert_true(ip_net_parse(slice_str(members[i].net), &net));
        if (ip_net_contains(&net, &ip) != members[i].is_inside)
            fail_msg("%s in %s should be %d", members[i].ip, members[i].net, members[i].is_inside);
    }
    struct ip none = {0};
    assert_false(ip_net_contains(&(struct ip_net){0}, &none));
}

static void test_kinds(void **state)
{
    (void)state;
    struct ip ip = must_parse("127.255.0.1");
    assert_true(ip_is_loopback(&ip));
    ip = must_parse("::1");
    assert_true(ip_is_loopback(&ip));
    ip = must_parse("128.0.0.1");
    assert_false(ip_is_loopback(&ip));
    ip = must_parse("::2");
    assert_false(ip_is_loopback(&ip));
    ip = must_parse("169.254.1.1");
    assert_true(ip_is_link_local(&ip));
    ip = must_parse("febf::1");
    assert_true(ip_is_link_local(&ip));
    ip = must_parse("fec0::1");
    assert_false(ip_is_link_local(&ip));
    ip = (struct ip){0};
    assert_false(ip_is_loopback(&ip));
    assert_false(ip_is_link_local(&ip));
}

static void test_sockaddr(void **state)
{
    (void)state;
    static const char *texts[] = {"192.0.2.7", "2001:db8::7"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct ip ip = must_parse(texts[i]), back;
        struct sockaddr_storage storage;
        uint16_t port;
        assert_true(ip_to_sockaddr(&ip, 2525, &storage) > 0);
        assert_true(ip_from_sockaddr((const struct sockaddr *)&storage, &back, &port));
        assert_true(ip_eq(&ip, &back));
        assert_int_equal(port, 2525);
        assert_true(ip_from_sockaddr((const struct sockaddr *)&storage, &back, NULL));
    }
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6,
                                  .sin6_addr.s6_addr = {[10] = 0xff, 0xff, 127, 0, 0, 1}};
    struct ip back, want = must_parse("127.0.0.1");
    assert_true(ip_from_sockaddr((const struct sockaddr *)&mapped, &back, NULL));
    assert_true(ip_eq(&back, &want));
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    assert_false(ip_from_sockaddr((const struct sockaddr *)&un, &back, NULL));
}

static void test_reverse_name(void **state)
{
    (void)state;
    char out[80];
    struct ip ip = must_parse("192.0.2.10");
    assert_string_equal(ip_reverse_name(&ip, out, sizeof(out)), "10.2.0.192.in-addr.arpa.");
    ip = must_parse("2001:db8::567:89ab"); /* RFC 3596 2.5, shortened */
    assert_string_equal(
        ip_reverse_name(&ip, out, sizeof(out)),
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nets),      cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sockaddr),  cmocka_unit_test(test_reverse_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
