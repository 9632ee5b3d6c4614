/* Passwords: what is allowed, that hashing and verifying fit together, and that a wrong, a missing
 * and a forbidden one cost the same calls of libcrypt with the same parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <crypt.h>

#include "base/mem.h"
#include "config/password.h"

/* What libcrypt was asked for since the last reset. */
static unsigned calls, failures;
static char parameters[16];

char *__real_crypt_rn(const char *phrase, const char *setting, void *data, int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size);

char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
    char *hash = __real_crypt_rn(phrase, setting, data, size);
    calls++;
    failures += hash == NULL;
    /* "$y$j9T$": what makes the cost */
    (void)snprintf(parameters, sizeof(parameters), "%.7s", setting);
    return hash;
}

static void hash_of(struct slice password, struct clock_fake *clock, char ret[PASSWORD_HASH_SIZE])
{
    struct error error;
    calls = failures = 0;
    if (password_hash(password, &clock->clock, ret, &error) < 0)
        fail_msg("%s", error.text);
}

static bool verify(struct slice password, const char *hash)
{
    calls = failures = 0;
    return password_verify(password, hash);
}

static void test_check(void **state)
{
    (void)state;
    char longest[PASSWORD_MAX + 1];
    struct config_errors errors;
    memset(longest, 'x', sizeof(longest));
    const struct {
        struct slice password;
        const char *code; /* NULL: allowed */
    } cases[] = {
        {SLICE("12345678"), NULL},
        {SLICE("1234567"), "value.length"},
        {SLICE(""), "value.length"},
        {{longest, PASSWORD_MAX}, NULL},
        {{longest, PASSWORD_MAX + 1}, "value.length"},
        {SLICE("1234\0\0005678"), "value.pattern"},
        {SLICE("12345678\0"), "value.pattern"},
        {SLICE("p\xc3\xa4sswort \t\n\x7f"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        config_errors_init(&errors);
        assert_int_equal(password_check(cases[i].password, "/password", &errors),
                         cases[i].code == NULL);
        assert_int_equal(errors.count, cases[i].code != NULL);
        if (cases[i].code != NULL) {
            assert_string_equal(errors.items[0].code, cases[i].code);
            assert_string_equal(errors.items[0].pointer, "/password");
            assert_null(strstr(errors.items[0].text, "1234"));
        }
        config_errors_finish(&errors);
    }
}

static void test_hash_and_verify(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
    struct clock_fake clock;
    clock_fake_init(&clock, 0);
    hash_of(SLICE("correct horse"), &clock, hash);
    assert_memory_equal(hash, "$y$", 3);
    assert_true(verify(SLICE("correct horse"), hash));
    assert_false(verify(SLICE("correct horsf"), hash));
    assert_false(verify(SLICE("correct hors"), hash));
    assert_false(verify(SLICE("correct horse "), hash));
    hash_of(SLICE("correct horse"), &clock, again);
    assert_string_not_equal(hash, again); /* another salt */
    hash[strlen(hash) - 1] ^= 1;
    assert_false(verify(SLICE("correct horse"), hash));
    /* A damaged one is never right. */
    assert_false(verify(SLICE("correct horse"), ""));
    assert_false(verify(SLICE("correct horse"), "*0"));
    assert_false(verify(SLICE("correct horse"), "correct horse"));
}

/* Every byte counts, on both sides of libcrypt's own limit. */
static void test_long_passwords(void **state)
{
    (void)state;
    static const size_t lengths[] = {511, 512, PASSWORD_MAX};
    char hash[PASSWORD_HASH_SIZE], password[PASSWORD_MAX];
    struct clock_fake clock;
    clock_fake_init(&clock, 0);
    memset(password, 'x', sizeof(password));
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct slice whole = slice_of(password, lengths[i]);
        hash_of(whole, &clock, hash);
        assert_true(verify(whole, hash));
        password[lengths[i] - 1] = 'y';
        assert_false(verify(whole, hash));
        password[lengths[i] - 1] = 'x';
        assert_false(verify(slice_of(password, lengths[i] - 1), hash));
    }
}

/* The time tells nothing: one call with the same parameters, and libcrypt did all its work. */
static void test_same_cost(void **state)
{
    (void)state;
    static const char too_long[PASSWORD_MAX + 1] = "x";
    char hash[PASSWORD_HASH_SIZE], wanted[sizeof(parameters)];
    struct clock_fake clock;
    clock_fake_init(&clock, 0);
    hash_of(SLICE("correct horse"), &clock, hash);
    (void)snprintf(wanted, sizeof(wanted), "%s", parameters);
    const struct {
        struct slice password;
        const char *hash;
        bool is_right;
    } cases[] = {
        {SLICE("correct horse"), hash, true},
        {SLICE("wrong horse"), hash, false},
        {SLICE("correct horse"), NULL, false},
        {SLICE("x"), NULL, false}, /* NOBODY's password */
        {SLICE("short"), hash, false},
        {SLICE(""), NULL, false},
        {{too_long, sizeof(too_long)}, hash, false},
        {SLICE("no password"), NULL, false},
        {SLICE("correct horse\0"), hash, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(verify(cases[i].password, cases[i].hash), cases[i].is_right);
        assert_int_equal(calls, 1);
        assert_int_equal(failures, 0);
        assert_string_equal(parameters, wanted);
    }
    /* What is not allowed is not right even where its stand-in is. */
    hash_of(SLICE("no password"), &clock, hash);
    assert_true(verify(SLICE("no password"), hash));
    assert_false(verify(SLICE("short"), hash));
}

static void test_eq_secret(void **state)
{
    (void)state;
    assert_true(mem_eq_secret("", "", 0));
    assert_true(mem_eq_secret("abc", "abd", 2));
    assert_false(mem_eq_secret("abc", "abd", 3));
    assert_false(mem_eq_secret("xbc", "abc", 3));
    assert_false(mem_eq_secret("\x80", "\0", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),          cmocka_unit_test(test_hash_and_verify),
        cmocka_unit_test(test_long_passwords), cmocka_unit_test(test_same_cost),
        cmocka_unit_test(test_eq_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
