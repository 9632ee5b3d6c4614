/* Destinations as tables: the key of an address, and which control's fields hold for a domain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/destination.h"

static const struct config *load(const char *controls, const char *profiles)
{
    struct buf text;
    struct config_errors errors;
    buf_init(&text, 0);
    config_errors_init(&errors);
    buf_printf(&text,
               "{\"system\":{\"hostname\":\"gw.example.test\"},"
               "\"destination-controls\":[%s],\"bounce-profiles\":[%s]}",
               controls, profiles);
    struct config *config = config_load(buf_slice(&text), &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    config_errors_finish(&errors);
    buf_finish(&text);
    assert_non_null(config);
    return config;
}

/* clang-format off */
static const struct {
    const char *address, *key;
} key_cases[] = {
    {"user@Example.TEST",             "example.test"},
    {"\"a@b\"@sub.example.test",      "sub.example.test"},
    {"user@[192.0.2.1]",              "[192.0.2.1]"},
    {"user@[IPv6:2001:DB8::1]",       "[IPv6:2001:DB8::1]"},
    {"Postmaster@Example.test",       "example.test"},
    {"Postmaster",                    ""},
    {"user",                          ""},
    {"",                              ""},
    {"user@",                         ""},
    {"user@a..b",                     ""},
    {"user@example.test\r\n",         ""},
};

static const char controls[] =
    "{\"domain\":\"Default\",\"tls\":\"required\",\"max_connections\":7,"
        "\"max_messages_per_connection\":8,\"bounce_profile\":\"Slow\"},"
    "{\"domain\":\"Exact.test\",\"tls\":\"preferred\",\"max_connections\":1,"
        "\"max_messages_per_connection\":2,\"bounce_profile\":\"Fast\"},"
    "{\"domain\":\".exact.test\",\"tls\":\"none\"},"
    "{\"domain\":\".deep.exact.test\",\"max_connections\":3},"
    "{\"domain\":\"open.test\"},"
    "{\"domain\":\".test\",\"max_messages_per_connection\":4,\"bounce_profile\":\"Fast\"},"
    "{\"domain\":\"sub.default\",\"max_connections\":9}";

static const struct {
    const char *domain;
    enum cfg_dest_tls tls;
    uint32_t max_connections, max_messages;
    const char *profile;
} find_cases[] = {
    {"exact.test",          CFG_DEST_TLS_PREFERRED, 1, 2, "Fast"},
    {"EXACT.Test",          CFG_DEST_TLS_PREFERRED, 1, 2, "Fast"},
    {"a.exact.test",        CFG_DEST_TLS_NONE,      7, 8, "Slow"}, /* not from exact.test or .test */
    {"deep.exact.test",     CFG_DEST_TLS_NONE,      7, 8, "Slow"},
    {"a.deep.exact.test",   CFG_DEST_TLS_REQUIRED,  3, 8, "Slow"},
    {"a.b.Deep.exact.test", CFG_DEST_TLS_REQUIRED,  3, 8, "Slow"},
    {"notexact.test",       CFG_DEST_TLS_REQUIRED,  7, 4, "Fast"},
    {"open.test",           CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"}, /* the entry itself leaves it open */
    {"a.open.test",         CFG_DEST_TLS_REQUIRED,  7, 4, "Fast"},
    {"test",                CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"},
    {"other.example",       CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"},
    {"Default",             CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"},
    {"[192.0.2.1]",         CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"},
    {"[192.0.2.test",       CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"},
    {"",                    CFG_DEST_TLS_REQUIRED,  7, 8, "Slow"},
};

static const struct {
    const char *default_profile, *profiles, *expected;
} profile_cases[] = {
    {"",        "{\"name\":\"First\"},{\"name\":\"Default\"}", "Default"},
    {"",        "{\"name\":\"First\"},{\"name\":\"Second\"}",  "First"},
    {"Second",  "{\"name\":\"First\"},{\"name\":\"Second\"}",  "Second"},
    {"",        "",                                            "Default"}, /* the built-in one */
};
/* clang-format on */

static void test_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(key_cases); i++) {
        char key[DESTINATION_KEY_SIZE];
        size_t len = destination_key(slice_str(key_cases[i].address), key, sizeof(key));
        assert_string_equal(key, key_cases[i].key);
        assert_int_equal(len, strlen(key_cases[i].key));
    }
}

/* A key that does not fit is none; the longest domain fits. */
static void test_key_size(void **state)
{
    (void)state;
    char small[4] = "xxx", none = 'x';
    assert_int_equal(destination_key(SLICE("a@b.de"), small, sizeof(small)), 0);
    assert_string_equal(small, "");
    assert_int_equal(destination_key(SLICE("a@d.e"), small, sizeof(small)), 3);
    assert_string_equal(small, "d.e");
    assert_int_equal(destination_key(SLICE("a@b"), &none, 0), 0);
    assert_int_equal(none, 'x');

    char address[2 + 256], key[DESTINATION_KEY_SIZE];
    address[0] = 'a';
    address[1] = '@';
    for (size_t i = 0; i < 256; i++)
        address[2 + i] = i % 2 == 0 ? 'B' : '.';
    assert_int_equal(destination_key(slice_of(address, 2 + 255), key, sizeof(key)), 255);
    assert_int_equal(key[0], 'b');
    assert_int_equal(key[255], '\0');
}

static void test_find(void **state)
{
    (void)state;
    const struct config *config =
        load(controls, "{\"name\":\"Default\"},{\"name\":\"Fast\"},{\"name\":\"Slow\"}");
    for (size_t i = 0; i < ARRAY_LEN(find_cases); i++) {
        struct destination dest;
        destination_find(config, slice_str(find_cases[i].domain), &dest);
        if (dest.tls != find_cases[i].tls ||
            dest.max_connections != find_cases[i].max_connections ||
            dest.max_messages_per_connection != find_cases[i].max_messages ||
            !slice_eq(dest.bounce_profile->name, slice_str(find_cases[i].profile)))
            fail_msg("\"%s\": got tls %s, %u connections, %u messages, profile %.*s",
                     find_cases[i].domain, cfg_dest_tls_word(dest.tls), dest.max_connections,
                     dest.max_messages_per_connection, SLICE_ARGS(dest.bounce_profile->name));
    }
    config_unref(config);
}

static void test_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(profile_cases); i++) {
        char text[256];
        struct destination dest;
        (void)snprintf(text, sizeof(text),
                       "{\"domain\":\"Default\",\"tls\":\"none\",\"max_connections\":1,"
                       "\"max_messages_per_connection\":1,\"bounce_profile\":\"%s\"}",
                       profile_cases[i].default_profile);
        const struct config *config = load(text, profile_cases[i].profiles);
        destination_find(config, SLICE("example.test"), &dest);
        assert_true(slice_eq(dest.bounce_profile->name, slice_str(profile_cases[i].expected)));
        assert_true(dest.bounce_profile->initial_retry_s > 0);
        assert_true(dest.bounce_profile->max_time_in_queue_s > 0);
        config_unref(config);
    }
}

/* The profile that stands in when there is none says what an empty one of the file would. */
static void test_builtin_profile(void **state)
{
    (void)state;
    static const char dflt[] = "{\"domain\":\"Default\",\"tls\":\"none\",\"max_connections\":1,"
                               "\"max_messages_per_connection\":1}";
    const struct config *with = load(dflt, "{\"name\":\"Default\"}"), *without = load(dflt, "");
    struct destination a, b;
    destination_find(with, SLICE("example.test"), &a);
    destination_find(without, SLICE("example.test"), &b);
    assert_int_equal(a.bounce_profile->max_retries, b.bounce_profile->max_retries);
    assert_int_equal(a.bounce_profile->max_time_in_queue_s, b.bounce_profile->max_time_in_queue_s);
    assert_int_equal(a.bounce_profile->initial_retry_s, b.bounce_profile->initial_retry_s);
    assert_int_equal(a.bounce_profile->max_retry_s, b.bounce_profile->max_retry_s);
    assert_int_equal(a.bounce_profile->send_bounces, b.bounce_profile->send_bounces);
    config_unref(with);
    config_unref(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_key_size),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_builtin_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
