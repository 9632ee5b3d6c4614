/* Delays after failed logins: the curve of each table, what a success and a withdrawal take back,
 * and that the tables stay bounded without losing what is being guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/throttle.h"

static struct throttle *throttle;
static uint64_t now_ms;

static int set_up(void **state)
{
    (void)state;
    throttle = throttle_create();
    now_ms = 1000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    throttle_destroy(throttle);
    return 0;
}

/* A different address each time it is called. */
static struct ip any_address(void)
{
    static uint32_t last;
    struct ip ip = {.family = 4, .bytes = {10}};
    last++;
    for (size_t i = 0; i < 3; i++)
        ip.bytes[1 + i] = (uint8_t)(last >> (16 - 8 * i));
    return ip;
}

static uint32_t ask(const char *account, const struct ip *address)
{
    return throttle_ask(throttle, slice_str(account), address, now_ms);
}

/* Attempts on one account from everywhere. */
static uint32_t ask_account(const char *account)
{
    struct ip address = any_address();
    return ask(account, &address);
}

/* Attempts from one address on every account. */
static uint32_t ask_address(const char *text)
{
    static unsigned last;
    struct ip address;
    char account[32];
    assert_true(ip_parse(slice_str(text), &address));
    (void)snprintf(account, sizeof(account), "account%u", last++);
    return ask(account, &address);
}

static void test_account(void **state)
{
    (void)state;
    static const uint32_t delays[] = {0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        if (delays[i] > 0) {
            assert_int_equal(ask_account("kim"), delays[i]);
            assert_int_equal(ask_account("kim"), delays[i]); /* a refusal costs nothing */
            now_ms += delays[i] * 1000ULL - 1;
            assert_int_equal(ask_account("kim"), 1);
            now_ms += 1;
        }
        assert_int_equal(ask_account("kim"), 0);
    }
    assert_int_equal(ask_account("ann"), 0);
    /* Very many attempts do not turn the curve over. */
    for (unsigned i = 0; i < 100; i++) {
        now_ms += THROTTLE_DELAY_ACCOUNT_MAX_S * 1000ULL;
        assert_int_equal(ask_account("kim"), 0);
        assert_int_equal(ask_account("kim"), THROTTLE_DELAY_ACCOUNT_MAX_S);
    }
}

static void test_address(void **state)
{
    (void)state;
    uint32_t delay = 1;
    for (unsigned i = 0; i < THROTTLE_FREE_ADDRESS; i++)
        assert_int_equal(ask_address("192.0.2.1"), 0);
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(ask_address("192.0.2.1"), delay);
        now_ms += delay * 1000ULL;
        assert_int_equal(ask_address("192.0.2.1"), 0);
        delay = delay * 2 > THROTTLE_DELAY_ADDRESS_MAX_S ? THROTTLE_DELAY_ADDRESS_MAX_S : delay * 2;
    }
    assert_int_equal(delay, THROTTLE_DELAY_ADDRESS_MAX_S);
    assert_int_equal(ask_address("192.0.2.2"), 0);
}

static void test_ipv6_by_64(void **state)
{
    (void)state;
    char text[64];
    for (unsigned i = 0; i < THROTTLE_FREE_ADDRESS; i++) {
        (void)snprintf(text, sizeof(text), "2001:db8:0:0:%x::%x", i, i);
        assert_int_equal(ask_address(text), 0);
    }
    assert_int_equal(ask_address("2001:db8:0:0:ffff::1"), 1);
    assert_int_equal(ask_address("2001:db8:0:2::1"), 0);
    assert_int_equal(ask_address("32.1.13.184"), 0); /* the same first four bytes */
}

static void test_one_spelling(void **state)
{
    (void)state;
    char longer[300];
    (void)ask_account("kim"), (void)ask_account("KIM"), (void)ask_account("Kim");
    assert_int_equal(ask_account("kIM"), 1);
    assert_int_equal(ask_account("kim "), 0);
    assert_int_equal(ask_account(""), 0);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++) {
        longer[sizeof(longer) - 2] = (char)('a' + i);
        assert_int_equal(ask_account(longer), 0);
    }
    assert_int_equal(ask_account(longer), 1); /* longer than any name: one and the same */
}

/* A thousand at once are not a thousand guesses. */
static void test_charged_beforehand(void **state)
{
    (void)state;
    unsigned let_through = 0;
    for (unsigned i = 0; i < 1000; i++)
        let_through += ask_account("kim") == 0;
    assert_int_equal(let_through, THROTTLE_FREE_ACCOUNT);
}

static void test_success(void **state)
{
    (void)state;
    struct ip address;
    assert_true(ip_parse(SLICE("192.0.2.1"), &address));
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++)
        (void)ask_account("kim");
    now_ms += 1000;
    assert_int_equal(ask("kim", &address), 0);
    throttle_succeeded(throttle, SLICE("KIM"), &address);
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++)
        assert_int_equal(ask_account("kim"), 0);
    assert_int_equal(ask_account("kim"), 1);
    /* Of the address only its own charge: who has one account cannot guess others the faster. */
    for (unsigned i = 0; i < THROTTLE_FREE_ADDRESS; i++) {
        assert_int_equal(ask_address("192.0.2.1"), 0);
        now_ms += 60000;
        (void)ask("ann", &address);
        throttle_succeeded(throttle, SLICE("ann"), &address);
    }
    assert_int_equal(ask_address("192.0.2.1"), 1);
    /* What was never asked. */
    assert_true(ip_parse(SLICE("198.51.100.1"), &address));
    throttle_succeeded(throttle, SLICE("nobody"), &address);
    throttle_withdraw(throttle, SLICE("nobody"), &address);
}

static void test_withdraw(void **state)
{
    (void)state;
    struct ip address;
    assert_true(ip_parse(SLICE("192.0.2.1"), &address));
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(ask("kim", &address), 0);
        throttle_withdraw(throttle, SLICE("Kim"), &address);
    }
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++)
        assert_int_equal(ask("kim", &address), 0);
    throttle_withdraw(throttle, SLICE("kim"), &address);
    assert_int_equal(ask("kim", &address), 0);
    assert_int_equal(ask("kim", &address), 1);
}

static void test_forgets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        (void)ask_account("kim");
    now_ms += THROTTLE_FORGET_MS - 1;
    assert_int_equal(ask_account("kim"), 0);
    assert_int_equal(ask_account("kim"), 2); /* nothing was forgotten yet */
    now_ms += THROTTLE_FORGET_MS;
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++)
        assert_int_equal(ask_account("kim"), 0);
    assert_int_equal(ask_account("kim"), 1);
}

static void test_without_address(void **state)
{
    (void)state;
    const struct ip none = {.family = 0};
    for (unsigned i = 0; i < 2U * THROTTLE_FREE_ADDRESS; i++) {
        char account[16];
        (void)snprintf(account, sizeof(account), "a%u", i);
        assert_int_equal(ask(account, i % 2 == 0 ? NULL : &none), 0);
    }
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++)
        assert_int_equal(ask("kim", NULL), 0);
    assert_int_equal(ask("kim", &none), 1);
    throttle_withdraw(throttle, SLICE("kim"), NULL);
    throttle_succeeded(throttle, SLICE("kim"), &none);
    assert_int_equal(ask("kim", NULL), 0);
}

/* A flood of names and addresses: the one that is being guessed stays, and so does the address. */
static void test_flood(void **state)
{
    (void)state;
    char account[32];
    struct ip guesser;
    assert_true(ip_parse(SLICE("192.0.2.1"), &guesser));
    for (unsigned i = 0; i < THROTTLE_FREE_ACCOUNT; i++)
        (void)ask_account("kim");
    for (unsigned i = 0; i < THROTTLE_FREE_ADDRESS; i++)
        (void)ask_address("192.0.2.1");
    for (unsigned i = 0; i < 2U * THROTTLE_ENTRIES_MAX; i++) {
        (void)snprintf(account, sizeof(account), "flood%u", i);
        assert_int_equal(ask_account(account), 0);
        now_ms += i % 16 == 0; /* all of it within the second that kim waits */
    }
    assert_int_equal(ask_account("kim"), 1);
    assert_int_equal(ask("somebody", &guesser), 1);
    /* Of equals the oldest has gone: three more are free; the newest is known still. */
    (void)snprintf(account, sizeof(account), "flood%u", THROTTLE_ENTRIES_MAX - 1U);
    assert_int_equal(ask_account(account), 0);
    assert_int_equal(ask_account(account), 0);
    assert_int_equal(ask_account(account), 0);
    (void)snprintf(account, sizeof(account), "flood%u", 2U * THROTTLE_ENTRIES_MAX - 1);
    assert_int_equal(ask_account(account), 0);
    assert_int_equal(ask_account(account), 0);
    assert_int_equal(ask_account(account), 1);
    /* What is forgotten goes before all others. */
    now_ms += THROTTLE_FORGET_MS - 1;
    (void)ask_account("new");
    now_ms += 1;
    for (unsigned i = 0; i < THROTTLE_ENTRIES_MAX - 1U; i++) {
        (void)snprintf(account, sizeof(account), "more%u", i);
        assert_int_equal(ask_account(account), 0);
    }
    assert_int_equal(ask_account("new"), 0);
    assert_int_equal(ask_account("new"), 0);
    assert_int_equal(ask_account("new"), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_account),
        TEST(test_address),
        TEST(test_ipv6_by_64),
        TEST(test_one_spelling),
        TEST(test_charged_beforehand),
        TEST(test_success),
        TEST(test_withdraw),
        TEST(test_forgets),
        TEST(test_without_address),
        TEST(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
