/* mail/report: the parts in their order, values that try to break out, line ends, the copy. */
#include "mail/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct report_rcpt rcpts[] = {
    {.address = {"gone@example.test", 17},
     .enhanced = {"5.1.0", 5},
     .class_text = {"Unknown address error", 21},
     .status = {"5.1.1", 5},
     .remote_host = {"mx.example.test", 15},
     .remote_text = {"550 5.1.1 no such\nuser", 22}},
    {.address = {"late@example.test", 17},
     .enhanced = {"5.4.7", 5},
     .class_text = {"Delivery expired (message too old)", 34},
     .status = {"5.4.7", 5},
     .remote_text = {"connection refused", 18}},
};

static struct report example(void)
{
    return (struct report){
        .mid = 9,
        .original_mid = 5,
        .host = SLICE("gw.test"),
        .to = SLICE("from@example.org"),
        .wall_ms = 1795520135000,
        .arrival_wall_ms = 1795520075000,
        .salt = 0x1234,
        .rcpts = rcpts,
        .rcpt_count = ARRAY_LEN(rcpts),
        .original = SLICE("Subject: hi\r\n\r\nbody\r\n"),
    };
}

static const char *text_of(const struct report *report, struct buf *buf, bool *ret_is_8bit)
{
    buf_init(buf, 65536);
    assert_true(report_build(report, buf, ret_is_8bit));
    return buf_cstr(buf);
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

/* Every line ends with CRLF, no CR or LF stands alone, nothing is over 998 or not 7-bit. */
static void check_lines(const char *text, bool may_be_8bit)
{
    size_t line = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '\r')
            assert_true(text[i + 1] == '\n');
        if (text[i] == '\n') {
            assert_true(i > 0 && text[i - 1] == '\r');
            assert_true(line <= 999);
            line = 0;
            continue;
        }
        line++;
        assert_true(may_be_8bit || (text[i] & 0x80) == 0);
    }
    assert_int_equal(line, 0);
}

static void test_parts(void **state)
{
    (void)state;
    static const char *in_order[] = {
        "Date: Tue, 24 Nov 2026 11:35:35 +0000\r\n",
        "From: Mail Delivery System <MAILER-DAEMON@gw.test>\r\nTo: <from@example.org>\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"",
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
        "<gone@example.test>:\r\n    5.1.0 - Unknown address error\r\n    mx.example.test said:\r\n"
        "    550 5.1.1 no such user\r\n",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; gw.test\r\n"
        "X-Postern-MID: 5\r\nArrival-Date: Tue, 24 Nov 2026 11:34:35 +0000\r\n\r\n"
        "Final-Recipient: rfc822; gone@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Remote-MTA: dns; mx.example.test\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        "Final-Recipient: rfc822; late@example.test\r\nAction: failed\r\nStatus: 5.4.7\r\n"
        "Diagnostic-Code: x-postern; connection refused\r\n\r\n--",
        "Content-Type: message/rfc822\r\n\r\nSubject: hi\r\n\r\nbody\r\n\r\n--",
    };
    struct buf buf;
    bool is_8bit = true;
    struct report report = example();
    const char *text = text_of(&report, &buf, &is_8bit);
    const char *at = text;
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        at = strstr(at, in_order[i]);
        if (at == NULL)
            fail_msg("part %zu is missing in\n%s", i, text);
    }
    assert_false(is_8bit);
    check_lines(text, false);
    /* header, three parts, the end */
    assert_int_equal(occurrences(text, "=_0000000000001234.9.5"), 5);
    assert_non_null(strstr(text, "\r\n--=_0000000000001234.9.5--\r\n"));
    buf_finish(&buf);
}

static void test_headers_only_and_8bit(void **state)
{
    (void)state;
    struct buf buf;
    bool is_8bit = false;
    struct report report = example();
    report.is_headers_only = true;
    report.original = SLICE("Subject: \xc3\xa4\nX: bare\rY: z");
    const char *text = text_of(&report, &buf, &is_8bit);
    assert_true(is_8bit);
    check_lines(text, true);
    assert_non_null(strstr(text, "Content-Type: text/rfc822-headers\r\n"
                                 "Content-Transfer-Encoding: 8bit\r\n\r\n"
                                 "Subject: \xc3\xa4\r\nX: bare\r\nY: z\r\n\r\n--"));
    buf_finish(&buf);
}

static void test_hostile_values(void **state)
{
    (void)state;
    char long_text[2000];
    struct buf buf;
    bool is_8bit;
    memset(long_text, 'x', sizeof(long_text));
    const struct report_rcpt hostile[] = {
        {.address = SLICE("\"a\r\nb\"@\xff.test"),
         .enhanced = SLICE("5.1.0"),
         .class_text = SLICE("x"),
         .remote_host = SLICE("h\r\nAction: delivered"),
         .remote_text = SLICE("550 no\r\n--=_0000000000001234.9.5--\r\n")},
        {.address = SLICE("b@c"),
         .enhanced = SLICE("5.1.0"),
         .class_text = SLICE("x"),
         .remote_text = slice_of(long_text, sizeof(long_text))},
    };
    struct report report = example();
    report.rcpts = hostile;
    report.to = SLICE("x>\r\nBcc: <y@z");
    const char *text = text_of(&report, &buf, &is_8bit);
    check_lines(text, false);
    assert_null(strstr(text, "\nAction: delivered"));
    assert_null(strstr(text, "\nBcc:"));
    assert_int_equal(occurrences(text, "\n--=_"), 4);
    buf_finish(&buf);

    buf_init(&buf, 100);
    assert_false(report_build(&report, &buf, &is_8bit));
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_headers_only_and_8bit),
        cmocka_unit_test(test_hostile_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
