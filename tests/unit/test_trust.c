/* Names in certificates, trust lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pki/cert.h"
#include "pki/trust.h"

static void test_name_table(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"mx.example.test", "mx.example.test", true},
        {"MX.Example.Test", "mx.eXample.test", true},
        {"mx.example.test.", "mx.example.test", true},
        {"mx.example.test", "mx.example.test.", true},
        {"mx.example.test", "mx2.example.test", false},
        {"*.example.test", "mx.example.test", true},
        {"*.example.test", "a.mx.example.test", false},
        {"*.example.test", "example.test", false},
        {"*.example.test", ".example.test", false},
        {"*.test", "example.test", false},
        {"*.", "example", false},
        {"*", "example.test", false},
        {"m*.example.test", "mx.example.test", false},
        {"*x.example.test", "mx.example.test", false},
        {"mx.*.test", "mx.example.test", false},
        {"*.*.test", "mx.example.test", false},
        {"", "", false},
        {"", "mx.example.test", false},
        {"*.example.test", "*.example.test", false},
        {"*.example.test", "m\x01.example.test", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool matches = cert_name_matches(slice_str(cases[i].pattern), slice_str(cases[i].name));
        if (matches != cases[i].matches)
            fail_msg("%s against %s", cases[i].pattern, cases[i].name);
    }
}

static void test_match_order(void **state)
{
    (void)state;
    char san1[] = "a.example.test", san2[] = "*.wild.test", san3[] = "192.0.2.1";
    char *names[] = {san1, san2, san3};
    struct cert_info info = {.subject_cn = "cn.example.test", .names = names, .name_count = 3};
    assert_int_equal(cert_info_match(&info, "a.example.test", false), CERT_MATCH_SAN);
    assert_int_equal(cert_info_match(&info, "x.wild.test", false), CERT_MATCH_SAN);
    assert_int_equal(cert_info_match(&info, "192.0.2.1", false), CERT_MATCH_SAN);
    assert_int_equal(cert_info_match(&info, "192.0.2.2", true), CERT_MATCH_NONE);
    assert_int_equal(cert_info_match(&info, "cn.example.test", true), CERT_MATCH_CN);
    assert_int_equal(cert_info_match(&info, "cn.example.test", false), CERT_MATCH_NONE);
    (void)snprintf(info.subject_cn, sizeof(info.subject_cn), "198.51.100.1");
    assert_int_equal(cert_info_match(&info, "198.51.100.1", true), CERT_MATCH_NONE);
}

static void test_lists(void **state)
{
    (void)state;
    struct key *key = NULL;
    char *pem = NULL;
    const char *names[] = {"example.test"};
    struct cert_request request = {
        .common_name = "example.test", .names = names, .name_count = 1, .days = 1};
    uint8_t serial[16] = {0};
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &key, NULL), 0);
    assert_int_equal(cert_self_signed(key, &request, 1700000000000, serial, &pem, NULL), 0);
    key_destroy(key);

    struct error error = {0};
    struct trust *trust = NULL;
    char *two = mem_printf("%s\n# comment\n%s", pem, pem);
    struct slice good[] = {slice_str(two)};
    struct trust_settings settings = {.custom_pems = good, .custom_count = 1};
    assert_int_equal(trust_create(&settings, &trust, &error), 0);
    assert_true(trust_count(trust) >= 1);
    trust_unref(trust_ref(trust));
    trust_unref(trust);
    trust = NULL;

    struct slice bad[] = {good[0], SLICE("no certificate")};
    settings = (struct trust_settings){.custom_pems = bad, .custom_count = 2};
    assert_int_equal(trust_create(&settings, &trust, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "trust list 2"));
    settings = (struct trust_settings){.wants_system = true, .system_bundle = "/nonexistent"};
    assert_int_equal(trust_create(&settings, &trust, &error), ERR_NOT_FOUND);
    assert_null(trust);
    char why[TRUST_WHY_MAX];
    assert_false(trust_verify(NULL, NULL, 0, true, why));
    assert_string_equal(why, "no authority is trusted");
    struct cert_info *info = NULL;
    assert_int_equal(cert_info_parse(SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n"), &info, &error),
                     ERR_INVALID);
    free(two);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_table),
        cmocka_unit_test(test_match_order),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
