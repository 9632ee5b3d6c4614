/* mail/header: what is found, where the section ends, and that any split of the input gives the
 * same result. Folding, obsolete blanks, bodies without a header, the cap. */
#include "mail/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"

/* clang-format off */
static const struct {
    const char *text;
    const char *message_id, *subject;
    unsigned received;
    size_t header_bytes;
    bool is_done, is_8bit;
} cases[] = {
    {"Subject: hello\r\nMessage-ID: <a@b>\r\n\r\nReceived: no\r\n", "<a@b>", "hello", 0, 35, true, false},
    {"Received: a\r\nReceived: b\r\nrecEIVED: c\r\n\r\nx", "", "", 3, 39, true, false},
    {"Subject: a\r\n  folded\r\n\tmore \r\nX: y\r\n\r\n", "", "a  folded\tmore", 0, 36, true, false},
    {"Subject:\r\n only folded\r\n\r\n", "", "only folded", 0, 24, true, false},
    {"Subject : obsolete blank\r\n\r\n", "", "obsolete blank", 0, 26, true, false},
    {"Subject: first\r\nSubject: second\r\n\r\n", "", "first", 0, 33, true, false},
    {"SUBJECT: \xc3\xa4\r\n\r\n", "", "\xc3\xa4", 0, 13, true, true},
    {"no header at all\r\nSubject: x\r\n\r\n", "", "", 0, 0, true, false},
    {"A: b\r\n(not a field\r\nSubject: x\r\n", "", "", 0, 6, true, false},
    {"\r\nSubject: body\r\n", "", "", 0, 0, true, false},
    {"Subject: bare\nMessage-ID: lf\n\nReceived: x\n", "lf", "bare", 0, 29, true, false},
    {"Subject: a\rb\r\n\r\n", "", "a\rb", 0, 14, true, false},
    {"Subject: a\r\r\n\r\n", "", "a\r", 0, 13, true, false},
    {"A: b\r\n\rSubject: x\r\n", "", "", 0, 6, true, false},
    {"Receivedx: a\r\nReceive: b\r\nX-Received: c\r\n", "", "", 0, 41, false, false},
    {"A-very-long-name-that-is-not-kept-Subject: x\r\n\r\n", "", "", 0, 46, true, false},
    {": no name\r\n\r\n", "", "", 0, 0, true, false},
    {"Message-ID: cut", "cut", "", 0, 15, false, false},
    {"", "", "", 0, 0, false, false},
    {"X: y\r\n\r\nbody \xff", "", "", 0, 6, true, true},
};
/* clang-format on */

static void check(size_t i, const struct header_scan *scan)
{
    if (!slice_eq(buf_slice(&scan->message_id), slice_str(cases[i].message_id)) ||
        !slice_eq(buf_slice(&scan->subject), slice_str(cases[i].subject)) ||
        scan->received_count != cases[i].received || scan->header_bytes != cases[i].header_bytes ||
        header_scan_is_done(scan) != cases[i].is_done || scan->is_8bit != cases[i].is_8bit)
        fail_msg("case %zu: id '%.*s' subject '%.*s' received %u header %llu done %d 8bit %d", i,
                 SLICE_ARGS(buf_slice(&scan->message_id)), SLICE_ARGS(buf_slice(&scan->subject)),
                 scan->received_count, (unsigned long long)scan->header_bytes,
                 header_scan_is_done(scan), scan->is_8bit);
}

static void test_cases_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = strlen(cases[i].text);
        for (size_t split = 0; split <= len; split++) {
            struct header_scan scan;
            header_scan_init(&scan);
            header_scan_feed(&scan, slice_of(cases[i].text, split));
            header_scan_feed(&scan, slice_of(cases[i].text + split, len - split));
            check(i, &scan);
            header_scan_finish(&scan);
        }
        struct header_scan scan;
        header_scan_init(&scan);
        for (size_t at = 0; at < len; at++)
            header_scan_feed(&scan, slice_of(cases[i].text + at, 1));
        check(i, &scan);
        header_scan_finish(&scan);
    }
}

static void test_cap(void **state)
{
    (void)state;
    size_t len = LIMIT_HEADER_BYTES + 1000;
    char *text = mem_alloc(len);
    memset(text, 'a', len);
    memcpy(text, "Subject: ", 9);
    struct header_scan scan;
    header_scan_init(&scan);
    for (size_t at = 0; at < len; at += 777)
        header_scan_feed(&scan, slice_of(text + at, len - at < 777 ? len - at : 777));
    assert_true(header_scan_is_done(&scan));
    assert_true(scan.is_truncated);
    assert_int_equal(scan.header_bytes, LIMIT_HEADER_BYTES);
    assert_int_equal(buf_len(&scan.subject), HEADER_VALUE_MAX);
    assert_int_equal(scan.fed_bytes, len);
    header_scan_finish(&scan);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_at_every_split),
        cmocka_unit_test(test_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
