/* Every row of the OpenSSL tables comes out well-formed, with the number in its text. */
#include <gnutls/gnutls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/dns_wire.h"
#include "net/tls_names.h"

static struct tls_result failure_of(int code, int alert, int last, bool is_server,
                                    const char *first)
{
    struct tls_failure failure = {code, alert, last, is_server, slice_str(first)};
    struct tls_result result = {0};
    tls_names_failure(&failure, &result);
    return result;
}

static void test_known(void **state)
{
    (void)state;
    static const struct {
        int code, alert, last;
        bool is_server;
        const char *first;
        unsigned long number;
        const char *text;
    } cases[] = {
        {GNUTLS_E_NO_CIPHER_SUITES, -1, 1, true, "\x16\x03\x01", 336109761,
         "error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no shared cipher"},
        {GNUTLS_E_FATAL_ALERT_RECEIVED, GNUTLS_A_UNKNOWN_CA, 1, true, "\x16\x03\x01", 336151576,
         "error:14094418:SSL routines:SSL3_READ_BYTES:tlsv1 alert unknown ca"},
        {GNUTLS_E_FATAL_ALERT_RECEIVED, GNUTLS_A_BAD_CERTIFICATE, 1, true, "\x16\x03\x01",
         336151570, "error:14094412:SSL routines:SSL3_READ_BYTES:sslv3 alert bad certificate"},
        {GNUTLS_E_FATAL_ALERT_RECEIVED, GNUTLS_A_HANDSHAKE_FAILURE, 1, false, "\x15\x03\x01",
         336151568, "error:14094410:SSL routines:SSL3_READ_BYTES:sslv3 alert handshake failure"},
        {GNUTLS_E_FATAL_ALERT_RECEIVED, GNUTLS_A_PROTOCOL_VERSION, -1, false, "\x15\x03\x01",
         336151598, "error:1409442E:SSL routines:SSL3_READ_BYTES:tlsv1 alert protocol version"},
        {GNUTLS_E_UNSUPPORTED_VERSION_PACKET, -1, 1, true, "\x16\x03\x01", 336027906,
         "error:14076102:SSL routines:SSL23_GET_CLIENT_HELLO:unsupported protocol"},
        {GNUTLS_E_UNSUPPORTED_VERSION_PACKET, -1, -1, true, "\x16\x02\x01", 336130315,
         "error:1408F10B:SSL routines:SSL3_GET_RECORD:wrong version number"},
        {GNUTLS_E_UNEXPECTED_PACKET, -1, -1, true, "GET / HT", 336027804,
         "error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request"},
        {GNUTLS_E_UNEXPECTED_PACKET, -1, -1, false, "454 TLS ", 336031996,
         "error:140770FC:SSL routines:SSL23_GET_SERVER_HELLO:unknown protocol"},
        {GNUTLS_E_PREMATURE_TERMINATION, -1, -1, true, "", 336036069,
         "error:140780E5:SSL routines:SSL23_READ:ssl handshake failure"},
        {GNUTLS_E_PREMATURE_TERMINATION, -1, GNUTLS_HANDSHAKE_CLIENT_HELLO, true, "\x16\x03\x01",
         336113893,
         "error:1408B0E5:SSL routines:SSL3_GET_CLIENT_KEY_EXCHANGE:ssl handshake failure"},
        {GNUTLS_E_DECRYPTION_FAILED, -1, 20, true, "\x16\x03\x01", 336130329,
         "error:1408F119:SSL routines:SSL3_GET_RECORD:decryption failed or bad record mac"},
        {GNUTLS_E_FILE_ERROR, -1, 1, true, "\x16\x03\x01", 0,
         "error:00000000:SSL routines:GNUTLS:Error while reading file."},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_result result = failure_of(cases[i].code, cases[i].alert, cases[i].last,
                                              cases[i].is_server, cases[i].first);
        assert_string_equal(result.text, cases[i].text);
        assert_int_equal(result.number, cases[i].number);
        assert_int_equal(result.is_peer_alert, cases[i].alert >= 0);
    }
}

/* All codes and alerts there are: bounded text, HEX equal to the number, many distinct causes. */
static void test_all(void **state)
{
    (void)state;
    size_t distinct = 0;
    static char seen[600][TLS_TEXT_MAX];
    for (int i = -700; i < 256; i++) {
        bool is_alert = i >= 0;
        struct tls_result result = failure_of(is_alert ? GNUTLS_E_FATAL_ALERT_RECEIVED : i,
                                              is_alert ? i : -1, 1, true, "\x16\x03\x01");
        assert_int_equal(strncmp(result.text, "error:", 6), 0);
        assert_int_equal(strtoul(result.text + 6, NULL, 16), result.number);
        assert_true(strlen(result.text) < TLS_TEXT_MAX - 1);
        if (result.number == 0)
            continue;
        bool is_new = true;
        for (size_t k = 0; k < distinct; k++)
            is_new = is_new && strcmp(seen[k], result.text) != 0;
        if (is_new && distinct < ARRAY_LEN(seen))
            (void)snprintf(seen[distinct++], TLS_TEXT_MAX, "%s", result.text);
    }
    assert_true(distinct >= 60);
}

static void test_ciphers(void **state)
{
    (void)state;
    assert_string_equal(tls_names_cipher("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
                        "ECDHE-RSA-AES256-GCM-SHA384");
    assert_string_equal(tls_names_cipher("TLS_RSA_WITH_AES_128_CBC_SHA"), "AES128-SHA");
    assert_string_equal(tls_names_cipher("TLS_AES_128_GCM_SHA256"), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(tls_names_cipher("TLS_NEW"), "TLS_NEW");
    assert_string_equal(tls_names_cipher(NULL), "unknown");
    assert_string_equal(tls_names_protocol(GNUTLS_TLS1_2), "TLSv1.2");
    assert_string_equal(tls_names_protocol(99), "unknown");
}

static void test_dns_names(void **state)
{
    (void)state;
    const struct {
        struct slice rdata;
        const char *name; /* NULL: refused */
    } cases[] = {
        {SLICE("\x02MX\x07"
               "example\x04test\0"),
         "mx.example.test"},
        {SLICE("\0"), ""},
        {SLICE(""), NULL},
        {SLICE("\x02MX"), NULL},
        {SLICE("\x05MX"), NULL},
        {SLICE("\xc0\x0c"), NULL},
        {SLICE("\x03"
               "a.b\0"),
         NULL},
        {SLICE("\x03"
               "a\nb\0"),
         NULL},
        {SLICE("\x03"
               "a b\0"),
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[RESOLVER_NAME_MAX] = "?";
        bool is_good = dns_wire_name(cases[i].rdata, name);
        assert_int_equal(is_good, cases[i].name != NULL);
        if (is_good)
            assert_string_equal(name, cases[i].name);
    }
}

static void test_dns_mx(void **state)
{
    (void)state;
    struct resolver_answer answer = {0};
    dns_wire_add_mx(&answer, SLICE("\x00\x14\x01"
                                   "b\x00"));
    dns_wire_add_mx(&answer, SLICE("\x00\x0a\x01"
                                   "a\x00"));
    dns_wire_add_mx(&answer, SLICE("\x00"));
    dns_wire_add_mx(&answer, SLICE("\x00\x00\x00"));
    dns_wire_sort_mx(&answer);
    assert_int_equal(answer.host_count, 2);
    assert_string_equal(answer.hosts[0].name, "a");
    assert_int_equal(answer.hosts[1].preference, 20);
    assert_false(answer.is_null_mx);
    free(answer.hosts);

    answer = (struct resolver_answer){0};
    dns_wire_add_mx(&answer, SLICE("\x00\x00\x00")); /* RFC 7505 */
    dns_wire_sort_mx(&answer);
    assert_true(answer.is_null_mx);
    assert_int_equal(answer.host_count, 0);
    free(answer.hosts);

    answer = (struct resolver_answer){0};
    for (int i = 0; i < 300; i++)
        dns_wire_add_mx(&answer, SLICE("\x00\x0a\x01"
                                       "a\x00"));
    dns_wire_sort_mx(&answer);
    assert_int_equal(answer.host_count, RESOLVER_HOSTS_MAX);
    free(answer.hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),   cmocka_unit_test(test_all),
        cmocka_unit_test(test_ciphers), cmocka_unit_test(test_dns_names),
        cmocka_unit_test(test_dns_mx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
