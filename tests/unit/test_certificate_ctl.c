/* control/certificate_ctl: when a certificate is near its end, and what a chain says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/certificate_ctl.h"
#include "pki/cert.h"
#include "pki/key.h"

enum { DAY = 86400, NOW = 1795520000 };

/* Life in days, days passed, what it is then. */
static void test_health(void **state)
{
    (void)state;
    static const struct {
        int64_t life, passed;
        enum certificate_health health;
    } cases[] = {
        {398, -1, CERTIFICATE_HEALTH_NOT_YET},
        {398, 0, CERTIFICATE_HEALTH_OK},
        {398, 367, CERTIFICATE_HEALTH_OK},
        {398, 368, CERTIFICATE_HEALTH_WARNING},
        {398, 390, CERTIFICATE_HEALTH_WARNING},
        {398, 391, CERTIFICATE_HEALTH_CRITICAL},
        {398, 398, CERTIFICATE_HEALTH_CRITICAL},
        {398, 399, CERTIFICATE_HEALTH_EXPIRED},
        /* six days in all: a fixed number of days would have it critical from its birth */
        {6, 0, CERTIFICATE_HEALTH_OK},
        {6, 3, CERTIFICATE_HEALTH_OK},
        {6, 4, CERTIFICATE_HEALTH_WARNING},
        {6, 5, CERTIFICATE_HEALTH_CRITICAL},
        {47, 31, CERTIFICATE_HEALTH_OK},
        {47, 32, CERTIFICATE_HEALTH_WARNING},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum certificate_health found =
            certificate_ctl_health(NOW, NOW + cases[i].life * DAY, NOW + cases[i].passed * DAY);
        if (found != cases[i].health)
            fail_msg("%d of %d days: %s", (int)cases[i].passed, (int)cases[i].life,
                     certificate_health_word(found));
    }
    assert_int_equal(certificate_ctl_renew_after(NOW, NOW + 398 * DAY), NOW + 368 * DAY);
}

static void test_chain(void **state)
{
    (void)state;
    static const char *const names[] = {"mx.example.test", "192.0.2.1"};
    static const struct cert_request request = {
        .common_name = "mx.example.test", .names = names, .name_count = 2, .days = 30};
    static const uint8_t serial[16] = {1, 2, 3};
    struct mem_arena arena = {0};
    struct error error;
    struct key *key;
    char *pem;

    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &key, &error), 0);
    assert_int_equal(cert_self_signed(key, &request, (int64_t)NOW * 1000, serial, &pem, &error), 0);
    char *both = mem_printf("%s%s", pem, pem);
    struct certificate_ctl_chain chain = certificate_ctl_read(slice_str(both), &arena);
    assert_int_equal(chain.count, 2);
    assert_false(chain.is_demonstration);
    assert_int_equal(chain.certs[1].name_count, 2);
    assert_true(slice_eq(chain.certs[1].names[1], SLICE("192.0.2.1")));
    assert_true(slice_eq(chain.certs[0].spki, slice_str(key_spki(key))));
    assert_string_equal(chain.certs[0].key_type, "ECDSA P-256");
    assert_true(chain.certs[0].is_self_signed);
    assert_int_equal(certificate_ctl_read(SLICE("no chain"), &arena).count, 0);
    assert_int_equal(certificate_ctl_read(SLICE(""), &arena).count, 0);
    /* one more than is allowed: nothing, rather than a part that looks whole */
    struct buf many;
    buf_init(&many, 0);
    for (unsigned i = 0; i <= CERTIFICATE_CTL_CHAIN_MAX; i++)
        assert_true(buf_append_str(&many, pem));
    assert_int_equal(certificate_ctl_read(buf_slice(&many), &arena).count, 0);
    buf_finish(&many);
    free(both);
    free(pem);
    key_destroy(key);
    mem_arena_finish(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_chain),
    };
    return cmocka_run_group_tests_name("certificate_ctl", tests, NULL, NULL);
}
