/* webui/guard: targets, hosts and heads as tables; where a byte of a good head is changed, the head
 * is either refused or still means the same. The shapes of whole requests are in tests/api. */
#include "webui/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cut_head.h"

static void test_uri(void **state)
{
    static const struct {
        const char *uri, *path, *query; /* path NULL: refused */
    } rows[] = {
        {"/", "/", ""},
        {"/a/b?c=d", "/a/b", "c=d"},
        {"/?", "/", ""},
        {"/a?b?c", "/a", "b?c"},
        {"*", "*", ""},
        {"/10.0.0.0%2F8", "/10.0.0.0%2F8", ""},
        {"/a/../b", "/a/../b", ""}, /* nothing here is looked up in a file system */
        {"/a?b=%0a%09", "/a", "b=%0a%09"},
        {"https://h.test/a?b", "/a", "b"},
        {"HTTP://H.TEST/a", "/a", ""},
        {"", NULL, NULL},
        {"a", NULL, NULL},
        {"?a", NULL, NULL},
        {"**", NULL, NULL},
        {"h.test:443", NULL, NULL},
        {"https://h.test", NULL, NULL},
        {"https://h.test?a", NULL, NULL},
        {"https://other.test/", NULL, NULL},
        {"https://u@h.test/", NULL, NULL},
        {"ftp://h.test/", NULL, NULL},
        {"/ ", NULL, NULL},
        {"/\t", NULL, NULL},
        {"/\x7f", NULL, NULL},
        {"/\xc3\xa4", NULL, NULL},
        {"/#", NULL, NULL},
        {"/%", NULL, NULL},
        {"/%4", NULL, NULL},
        {"/%4g", NULL, NULL},
        {"/%00", NULL, NULL},
        {"/%0a", NULL, NULL},
        {"/%1F", NULL, NULL},
        {"/%7f", NULL, NULL},
        {"/?%00", NULL, NULL},
        {"/?%", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice path = {0}, query = {0};
        bool is_good = guard_uri(slice_str(rows[i].uri), SLICE("h.test"), &path, &query);
        if (is_good != (rows[i].path != NULL))
            fail_msg("row %zu: %s", i, rows[i].uri);
        if (is_good) {
            assert_true(slice_eq(path, slice_str(rows[i].path)));
            assert_true(slice_eq(query, slice_str(rows[i].query)));
        }
    }
}

static void test_uri_length(void **state)
{
    char text[API_URI_MAX + 2];
    struct slice path, query;

    (void)state;
    memset(text, '/', sizeof(text));
    assert_true(guard_uri(slice_of(text, API_URI_MAX), SLICE("h"), &path, &query));
    assert_false(guard_uri(slice_of(text, API_URI_MAX + 1), SLICE("h"), &path, &query));
}

static void test_host(void **state)
{
    static const struct {
        const char *host, *name; /* NULL: refused */
    } rows[] = {
        {"h", "h"},
        {"mail.example.test:8443", "mail.example.test"},
        {"192.0.2.1", "192.0.2.1"},
        {"[2001:db8::1]", "[2001:db8::1]"},
        {"[::1]:443", "[::1]"},
        {"xn--a_b", "xn--a_b"},
        {"", NULL},
        {":443", NULL},
        {"h:", NULL},
        {"h:x", NULL},
        {"h:65536", NULL},
        {"h:1:2", NULL},
        {"[::1", NULL},
        {"[::1]x", NULL},
        {"[h]", NULL},
        {"::1", NULL},
        {"h/x", NULL},
        {"u@h", NULL},
        {"h, i", NULL},
        {"h i", NULL},
        {"h%41", NULL},
        {"\xc3\xa4", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice name = {0};
        bool is_good = guard_host(slice_str(rows[i].host), &name);
        if (is_good != (rows[i].name != NULL))
            fail_msg("row %zu: %s", i, rows[i].host);
        if (is_good)
            assert_true(slice_eq(name, slice_str(rows[i].name)));
    }
    assert_false(guard_host(slice_of("a\0b", 3), &(struct slice){0}));
}

static const char head_text[] = "POST /a?b=c HTTP/1.1\r\nHost: h.test\r\nX:  y z \r\nEmpty:\r\n"
                                "Content-Length: 5\r\n\r\n";

static struct guard_verdict check(const char *p, size_t len)
{
    struct guard_verdict verdict = {.status = 999};
    struct cut_head cut;

    if (cut_head_init(&cut, slice_of(p, len)))
        guard_check(&cut.head, &verdict);
    cut_head_finish(&cut); /* path and query are dead now */
    return verdict;
}

static void test_head(void **state)
{
    struct guard_verdict verdict = check(head_text, sizeof(head_text) - 1);

    (void)state;
    assert_int_equal(verdict.status, 0);
    assert_true(verdict.has_body);
    assert_false(verdict.is_chunked);
    assert_int_equal(verdict.content_length, 5);
}

/* A length that a change has hidden or altered is what all this is about. */
static void test_changed_byte(void **state)
{
    static const char bytes[] = {'\0', '\r', '\n', ' ', '\t', ':', ',', '5', 'x', '\x7f'};
    char text[sizeof(head_text)];
    size_t in_name = (size_t)(strstr(head_text, "Content-Length") - head_text);
    size_t in_value = (size_t)(strstr(head_text, ": 5") - head_text) + 1;
    unsigned accepted = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(head_text) - 1; i++) {
        for (size_t k = 0; k < sizeof(bytes); k++) {
            memcpy(text, head_text, sizeof(text));
            text[i] = bytes[k];
            struct guard_verdict verdict = check(text, sizeof(text) - 1);
            bool is_same = verdict.has_body && verdict.content_length == 5;
            bool may_differ = i >= in_name && i <= in_value + 1; /* name, blank or number */
            accepted += verdict.status == 0;
            if (verdict.status == 0 && !is_same && !may_differ)
                fail_msg("byte %zu as 0x%02x", i, (unsigned)(unsigned char)bytes[k]);
        }
    }
    assert_true(accepted > 100); /* letters may become others */
}

static void test_inserted_byte(void **state)
{
    static const char bytes[] = {'\0', '\r', '\n'};
    char text[sizeof(head_text) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(head_text) - 1; i++) {
        for (size_t k = 0; k < sizeof(bytes); k++) {
            memcpy(text, head_text, i);
            text[i] = bytes[k];
            memcpy(text + i + 1, head_text + i, sizeof(head_text) - i);
            struct guard_verdict verdict = check(text, sizeof(text) - 1);
            /* An empty line before the first is nobody's; a LF after the last CR ends the head. */
            bool is_outside = i == 0 || (bytes[k] == '\n' && i == sizeof(head_text) - 2);
            if (!is_outside && verdict.status == 0)
                fail_msg("0x%02x at byte %zu", (unsigned)(unsigned char)bytes[k], i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri),          cmocka_unit_test(test_uri_length),
        cmocka_unit_test(test_host),         cmocka_unit_test(test_head),
        cmocka_unit_test(test_changed_byte), cmocka_unit_test(test_inserted_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
