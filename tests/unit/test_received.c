/* mail/received and mail/date: the exact field for each protocol, hostile names, line lengths. */
#include "mail/received.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mail/date.h"

static struct received plain(void)
{
    struct received r = {
        .helo = SLICE("client.example"),
        .reverse_name = SLICE("rev.example"),
        .by_host = SLICE("mx.test"),
        .is_esmtp = true,
        .mid = 17,
        .for_address = SLICE("x@example.test"),
        .wall_ms = 1795520135000,
    };
    assert_true(ip_parse(SLICE("192.0.2.1"), &r.client_ip));
    return r;
}

static const char *text_of(const struct received *r, struct buf *buf)
{
    buf_init(buf, 4096);
    assert_true(received_append(buf, r));
    return buf_cstr(buf);
}

static void test_exact(void **state)
{
    (void)state;
    struct buf buf;
    struct received r = plain();
    assert_string_equal(text_of(&r, &buf),
                        "Received: from client.example (rev.example [192.0.2.1])\r\n"
                        "\tby mx.test with ESMTP id 17\r\n"
                        "\tfor <x@example.test>; Tue, 24 Nov 2026 11:35:35 +0000\r\n");
    buf_finish(&buf);
    r.is_tls = true;
    r.tls_protocol = SLICE("TLSv1.3");
    r.tls_cipher = SLICE("TLS_AES_256_GCM_SHA384");
    r.for_address = SLICE("");
    r.reverse_name = SLICE("");
    assert_true(ip_parse(SLICE("2001:db8::1"), &r.client_ip));
    assert_string_equal(text_of(&r, &buf),
                        "Received: from client.example (unknown [IPv6:2001:db8::1])\r\n"
                        "\tby mx.test with ESMTPS id 17\r\n"
                        "\t(TLSv1.3 TLS_AES_256_GCM_SHA384);\r\n"
                        "\tTue, 24 Nov 2026 11:35:35 +0000\r\n");
    buf_finish(&buf);
}

static void test_keywords(void **state)
{
    (void)state;
    static const struct {
        bool is_esmtp, is_tls, is_authenticated;
        const char *keyword;
    } cases[] = {
        {false, false, false, " with SMTP id"}, {true, false, false, " with ESMTP id"},
        {true, true, false, " with ESMTPS id"}, {true, false, true, " with ESMTPA id"},
        {true, true, true, " with ESMTPSA id"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf buf;
        struct received r = plain();
        r.is_esmtp = cases[i].is_esmtp;
        r.is_tls = cases[i].is_tls;
        r.is_authenticated = cases[i].is_authenticated;
        assert_non_null(strstr(text_of(&r, &buf), cases[i].keyword));
        buf_finish(&buf);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    struct buf buf;
    struct received r = plain();
    r.helo = SLICE("a\r\nSubject: x (\xff\\)\0y");
    r.reverse_name = SLICE("r\ne)v");
    r.for_address = SLICE("\"a b>\r\n\"@example.test");
    text_of(&r, &buf);
    assert_int_equal(strlen(buf_cstr(&buf)), buf_len(&buf));
    assert_non_null(strstr(buf_cstr(&buf), "from a??Subject:?x????"));
    assert_non_null(strstr(buf_cstr(&buf), "(r?e?v [192.0.2.1])"));
    assert_non_null(strstr(buf_cstr(&buf), "for <\"a b???\"@example.test>;"));
    buf_finish(&buf);
}

static void test_lines_are_short(void **state)
{
    (void)state;
    char name[255];
    struct buf buf;
    struct received r = plain();
    memset(name, 'n', sizeof(name));
    for (size_t len = 1; len <= sizeof(name); len++) {
        r.helo = r.reverse_name = r.by_host = slice_of(name, len);
        r.for_address = slice_of(name, len);
        text_of(&r, &buf);
        struct slice rest = buf_slice(&buf);
        while (rest.len > 0) {
            struct slice line = slice_cut(&rest, '\n');
            assert_true(line.len > 0 && line.p[line.len - 1] == '\r');
            assert_true(line.len - 1 <= (len <= 30 ? 78 : 998));
        }
        buf_finish(&buf);
    }
    buf_init(&buf, 20);
    assert_false(received_append(&buf, &r));
    assert_int_equal(buf_len(&buf), 0);
    buf_finish(&buf);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_ms;
        const char *text;
    } cases[] = {
        {0, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {951782400000, "Tue, 29 Feb 2000 00:00:00 +0000"},
        {951868799999, "Tue, 29 Feb 2000 23:59:59 +0000"},
        {951868800000, "Wed, 1 Mar 2000 00:00:00 +0000"},
        {1798761599000, "Thu, 31 Dec 2026 23:59:59 +0000"},
        {4107542400000, "Mon, 1 Mar 2100 00:00:00 +0000"},
        {-5, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[MAIL_DATE_MAX];
        assert_string_equal(mail_date_format(cases[i].wall_ms, out), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),   cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_lines_are_short),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
