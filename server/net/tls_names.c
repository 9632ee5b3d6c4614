/* The only file that sees GnuTLS error codes and alerts.
 *
 * Postern's mail log speaks as the products before it did, in OpenSSL's form:
 *   (336109761, 'error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no shared cipher')
 * The number packs library (20: SSL), function and reason: 8, 12 and 12 bits. Function and reason
 * are those of OpenSSL 1.0.2, the last to have stable function numbers; reasons of TLS 1.3 are
 * those of 1.1.1. An alert from the peer is reason 1000 + its number, said by SSL3_READ_BYTES.
 *
 * Order of looking: plain text where a record should be, an alert, an end of the bytes, the table.
 * RFC 8446 6 and RFC 5246 7.2 (alerts). */
#include "net/tls_names.h"

#include <gnutls/gnutls.h>
#include <stdint.h>

enum { OPENSSL_LIB_SSL = 20, OPENSSL_ALERT_BASE = 1000 };

enum openssl_function {
    F_NONE = 0,
    F_SSL23_GET_CLIENT_HELLO = 118,
    F_SSL23_GET_SERVER_HELLO = 119,
    F_SSL23_READ = 120,
    F_SSL3_GET_CERT_VERIFY = 136,
    F_SSL3_GET_CLIENT_CERTIFICATE = 137,
    F_SSL3_GET_CLIENT_HELLO = 138,
    F_SSL3_GET_CLIENT_KEY_EXCHANGE = 139,
    F_SSL3_GET_FINISHED = 140,
    F_SSL3_GET_KEY_EXCHANGE = 141,
    F_SSL3_GET_MESSAGE = 142,
    F_SSL3_GET_RECORD = 143,
    F_SSL3_GET_SERVER_CERTIFICATE = 144,
    F_SSL3_GET_SERVER_DONE = 145,
    F_SSL3_GET_SERVER_HELLO = 146,
    F_SSL3_READ_BYTES = 148,
    F_SSL3_WRITE_BYTES = 158,
};

/* clang-format off */
static const struct {
    enum openssl_function function;
    const char *name;
} functions[] = {
    {F_SSL23_GET_CLIENT_HELLO,       "SSL23_GET_CLIENT_HELLO"},
    {F_SSL23_GET_SERVER_HELLO,       "SSL23_GET_SERVER_HELLO"},
    {F_SSL23_READ,                   "SSL23_READ"},
    {F_SSL3_GET_CERT_VERIFY,         "SSL3_GET_CERT_VERIFY"},
    {F_SSL3_GET_CLIENT_CERTIFICATE,  "SSL3_GET_CLIENT_CERTIFICATE"},
    {F_SSL3_GET_CLIENT_HELLO,        "SSL3_GET_CLIENT_HELLO"},
    {F_SSL3_GET_CLIENT_KEY_EXCHANGE, "SSL3_GET_CLIENT_KEY_EXCHANGE"},
    {F_SSL3_GET_FINISHED,            "SSL3_GET_FINISHED"},
    {F_SSL3_GET_KEY_EXCHANGE,        "SSL3_GET_KEY_EXCHANGE"},
    {F_SSL3_GET_MESSAGE,             "SSL3_GET_MESSAGE"},
    {F_SSL3_GET_RECORD,              "SSL3_GET_RECORD"},
    {F_SSL3_GET_SERVER_CERTIFICATE,  "SSL3_GET_SERVER_CERTIFICATE"},
    {F_SSL3_GET_SERVER_DONE,         "SSL3_GET_SERVER_DONE"},
    {F_SSL3_GET_SERVER_HELLO,        "SSL3_GET_SERVER_HELLO"},
    {F_SSL3_READ_BYTES,              "SSL3_READ_BYTES"},
    {F_SSL3_WRITE_BYTES,             "SSL3_WRITE_BYTES"},
};

/* What we found wrong: (code, as a server, as a client, reason). */
static const struct {
    int code;
    enum openssl_function server, client;
    unsigned reason;
    const char *text;
} causes[] = {
    {GNUTLS_E_NO_CIPHER_SUITES,              F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       193, "no shared cipher"},
    {GNUTLS_E_INSUFFICIENT_CREDENTIALS,      F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       193, "no shared cipher"},
    {GNUTLS_E_NO_COMMON_KEY_SHARE,           F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       101, "no suitable key share"},
    {GNUTLS_E_ECC_NO_SUPPORTED_CURVES,       F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_KEY_EXCHANGE,       315, "unsupported elliptic curve"},
    {GNUTLS_E_ECC_UNSUPPORTED_CURVE,         F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_KEY_EXCHANGE,       315, "unsupported elliptic curve"},
    {GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM, F_SSL3_GET_CLIENT_HELLO,     F_SSL3_GET_KEY_EXCHANGE,       376, "no shared signature algorithms"},
    {GNUTLS_E_INCOMPATIBLE_SIG_WITH_KEY,     F_SSL3_GET_CERT_VERIFY,        F_SSL3_GET_KEY_EXCHANGE,       370, "wrong signature type"},
    {GNUTLS_E_UNSUPPORTED_VERSION_PACKET,    F_SSL23_GET_CLIENT_HELLO,      F_SSL23_GET_SERVER_HELLO,      258, "unsupported protocol"},
    {GNUTLS_E_INAPPROPRIATE_FALLBACK,        F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       373, "inappropriate fallback"},
    {GNUTLS_E_UNEXPECTED_PACKET_LENGTH,      F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            159, "length mismatch"},
    {GNUTLS_E_UNEXPECTED_EXTENSIONS_LENGTH,  F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       227, "parse tlsext"},
    {GNUTLS_E_RECEIVED_ILLEGAL_EXTENSION,    F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       110, "bad extension"},
    {GNUTLS_E_MISSING_EXTENSION,             F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       112, "missing sigalgs extension"},
    {GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER,    F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            390, "bad data"},
    {GNUTLS_E_ILLEGAL_PARAMETER,             F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            390, "bad data"},
    {GNUTLS_E_UNEXPECTED_PACKET,             F_SSL3_READ_BYTES,             F_SSL3_READ_BYTES,             245, "unexpected record"},
    {GNUTLS_E_UNEXPECTED_HANDSHAKE_PACKET,   F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            244, "unexpected message"},
    {GNUTLS_E_GOT_APPLICATION_DATA,          F_SSL3_READ_BYTES,             F_SSL3_READ_BYTES,             100, "app data in handshake"},
    {GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS,    F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            152, "excessive message size"},
    {GNUTLS_E_HANDSHAKE_TOO_LARGE,           F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            152, "excessive message size"},
    {GNUTLS_E_TOO_MANY_EMPTY_PACKETS,        F_SSL3_GET_RECORD,             F_SSL3_GET_RECORD,             298, "record too small"},
    {GNUTLS_E_DECRYPTION_FAILED,             F_SSL3_GET_RECORD,             F_SSL3_GET_RECORD,             281, "decryption failed or bad record mac"},
    {GNUTLS_E_RECORD_OVERFLOW,               F_SSL3_GET_RECORD,             F_SSL3_GET_RECORD,             198, "packet length too long"},
    {GNUTLS_E_DECOMPRESSION_FAILED,          F_SSL3_GET_RECORD,             F_SSL3_GET_RECORD,             107, "bad decompression"},
    {GNUTLS_E_ERROR_IN_FINISHED_PACKET,      F_SSL3_GET_FINISHED,           F_SSL3_GET_FINISHED,           149, "digest check failed"},
    {GNUTLS_E_PK_SIG_VERIFY_FAILED,          F_SSL3_GET_CERT_VERIFY,        F_SSL3_GET_KEY_EXCHANGE,       123, "bad signature"},
    {GNUTLS_E_PK_DECRYPTION_FAILED,          F_SSL3_GET_CLIENT_KEY_EXCHANGE, F_SSL3_GET_KEY_EXCHANGE,      118, "bad rsa decrypt"},
    {GNUTLS_E_PK_INVALID_PUBKEY,             F_SSL3_GET_CLIENT_KEY_EXCHANGE, F_SSL3_GET_KEY_EXCHANGE,      306, "bad ecpoint"},
    {GNUTLS_E_DH_PRIME_UNACCEPTABLE,         F_SSL3_GET_CLIENT_KEY_EXCHANGE, F_SSL3_GET_KEY_EXCHANGE,      372, "dh key too small"},
    {GNUTLS_E_NO_CERTIFICATE_FOUND,          F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 199, "peer did not return a certificate"},
    {GNUTLS_E_CERTIFICATE_REQUIRED,          F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 199, "peer did not return a certificate"},
    {GNUTLS_E_CERTIFICATE_ERROR,             F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 134, "certificate verify failed"},
    {GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR, F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 134, "certificate verify failed"},
    {GNUTLS_E_UNSUPPORTED_CERTIFICATE_TYPE,  F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 247, "unknown certificate type"},
    {GNUTLS_E_ASN1_DER_ERROR,                F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 13,  "asn1 lib"},
    {GNUTLS_E_ASN1_TAG_ERROR,                F_SSL3_GET_CLIENT_CERTIFICATE, F_SSL3_GET_SERVER_CERTIFICATE, 13,  "asn1 lib"},
    {GNUTLS_E_UNRECOGNIZED_NAME,             F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       226, "clienthello tlsext"},
    {GNUTLS_E_NO_APPLICATION_PROTOCOL,       F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       235, "no application protocol"},
    {GNUTLS_E_SAFE_RENEGOTIATION_FAILED,     F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       337, "renegotiation mismatch"},
    {GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED,   F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       338, "unsafe legacy renegotiation disabled"},
    {GNUTLS_E_REHANDSHAKE,                   F_SSL3_READ_BYTES,             F_SSL3_READ_BYTES,             339, "no renegotiation"},
    {GNUTLS_E_WARNING_ALERT_RECEIVED,        F_SSL3_READ_BYTES,             F_SSL3_READ_BYTES,             409, "too many warn alerts"},
    {GNUTLS_E_INTERNAL_ERROR,                F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            68,  "internal error"},
    {GNUTLS_E_RANDOM_FAILED,                 F_SSL3_GET_MESSAGE,            F_SSL3_GET_MESSAGE,            68,  "internal error"},
    {GNUTLS_E_PK_SIGN_FAILED,                F_SSL3_GET_CLIENT_HELLO,       F_SSL3_GET_SERVER_HELLO,       6,   "EVP lib"},
};

/* What the peer says is wrong with us. */
static const struct {
    int alert;
    const char *text;
} alerts[] = {
    {GNUTLS_A_CLOSE_NOTIFY,                    "alert close notify"},
    {GNUTLS_A_UNEXPECTED_MESSAGE,              "sslv3 alert unexpected message"},
    {GNUTLS_A_BAD_RECORD_MAC,                  "sslv3 alert bad record mac"},
    {GNUTLS_A_DECRYPTION_FAILED,               "tlsv1 alert decryption failed"},
    {GNUTLS_A_RECORD_OVERFLOW,                 "tlsv1 alert record overflow"},
    {GNUTLS_A_DECOMPRESSION_FAILURE,           "sslv3 alert decompression failure"},
    {GNUTLS_A_HANDSHAKE_FAILURE,               "sslv3 alert handshake failure"},
    {GNUTLS_A_SSL3_NO_CERTIFICATE,             "sslv3 alert no certificate"},
    {GNUTLS_A_BAD_CERTIFICATE,                 "sslv3 alert bad certificate"},
    {GNUTLS_A_UNSUPPORTED_CERTIFICATE,         "sslv3 alert unsupported certificate"},
    {GNUTLS_A_CERTIFICATE_REVOKED,             "sslv3 alert certificate revoked"},
    {GNUTLS_A_CERTIFICATE_EXPIRED,             "sslv3 alert certificate expired"},
    {GNUTLS_A_CERTIFICATE_UNKNOWN,             "sslv3 alert certificate unknown"},
    {GNUTLS_A_ILLEGAL_PARAMETER,               "sslv3 alert illegal parameter"},
    {GNUTLS_A_UNKNOWN_CA,                      "tlsv1 alert unknown ca"},
    {GNUTLS_A_ACCESS_DENIED,                   "tlsv1 alert access denied"},
    {GNUTLS_A_DECODE_ERROR,                    "tlsv1 alert decode error"},
    {GNUTLS_A_DECRYPT_ERROR,                   "tlsv1 alert decrypt error"},
    {GNUTLS_A_EXPORT_RESTRICTION,              "tlsv1 alert export restriction"},
    {GNUTLS_A_PROTOCOL_VERSION,                "tlsv1 alert protocol version"},
    {GNUTLS_A_INSUFFICIENT_SECURITY,           "tlsv1 alert insufficient security"},
    {GNUTLS_A_INTERNAL_ERROR,                  "tlsv1 alert internal error"},
    {GNUTLS_A_INAPPROPRIATE_FALLBACK,          "tlsv1 alert inappropriate fallback"},
    {GNUTLS_A_USER_CANCELED,                   "tlsv1 alert user cancelled"},
    {GNUTLS_A_NO_RENEGOTIATION,                "tlsv1 alert no renegotiation"},
    {GNUTLS_A_MISSING_EXTENSION,               "tlsv13 alert missing extension"},
    {GNUTLS_A_UNSUPPORTED_EXTENSION,           "tlsv1 unsupported extension"},
    {GNUTLS_A_CERTIFICATE_UNOBTAINABLE,        "tlsv1 certificate unobtainable"},
    {GNUTLS_A_UNRECOGNIZED_NAME,               "tlsv1 unrecognized name"},
    {GNUTLS_A_UNKNOWN_PSK_IDENTITY,            "tlsv1 unknown psk identity"},
    {GNUTLS_A_CERTIFICATE_REQUIRED,            "tlsv13 alert certificate required"},
    {GNUTLS_A_NO_APPLICATION_PROTOCOL,         "tlsv1 alert no application protocol"},
};

static const struct {
    const char *standard, *openssl;
} suites[] = {
    {"TLS_AES_128_CCM_8_SHA256",                       "TLS_AES_128_CCM_8_SHA256"},
    {"TLS_AES_128_CCM_SHA256",                         "TLS_AES_128_CCM_SHA256"},
    {"TLS_AES_128_GCM_SHA256",                         "TLS_AES_128_GCM_SHA256"},
    {"TLS_AES_256_GCM_SHA384",                         "TLS_AES_256_GCM_SHA384"},
    {"TLS_CHACHA20_POLY1305_SHA256",                   "TLS_CHACHA20_POLY1305_SHA256"},
    {"TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",              "DHE-RSA-DES-CBC3-SHA"},
    {"TLS_DHE_RSA_WITH_AES_128_CBC_SHA",               "DHE-RSA-AES128-SHA"},
    {"TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",            "DHE-RSA-AES128-SHA256"},
    {"TLS_DHE_RSA_WITH_AES_128_CCM",                   "DHE-RSA-AES128-CCM"},
    {"TLS_DHE_RSA_WITH_AES_128_CCM_8",                 "DHE-RSA-AES128-CCM8"},
    {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",            "DHE-RSA-AES128-GCM-SHA256"},
    {"TLS_DHE_RSA_WITH_AES_256_CBC_SHA",               "DHE-RSA-AES256-SHA"},
    {"TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",            "DHE-RSA-AES256-SHA256"},
    {"TLS_DHE_RSA_WITH_AES_256_CCM",                   "DHE-RSA-AES256-CCM"},
    {"TLS_DHE_RSA_WITH_AES_256_CCM_8",                 "DHE-RSA-AES256-CCM8"},
    {"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",            "DHE-RSA-AES256-GCM-SHA384"},
    {"TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA",          "DHE-RSA-CAMELLIA128-SHA"},
    {"TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256",       "DHE-RSA-CAMELLIA128-SHA256"},
    {"TLS_DHE_RSA_WITH_CAMELLIA_128_GCM_SHA256",       "DHE-RSA-CAMELLIA128-GCM-SHA256"},
    {"TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA",          "DHE-RSA-CAMELLIA256-SHA"},
    {"TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256",       "DHE-RSA-CAMELLIA256-SHA256"},
    {"TLS_DHE_RSA_WITH_CAMELLIA_256_GCM_SHA384",       "DHE-RSA-CAMELLIA256-GCM-SHA384"},
    {"TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",      "DHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",          "ECDHE-ECDSA-DES-CBC3-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",           "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",        "ECDHE-ECDSA-AES128-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CCM",               "ECDHE-ECDSA-AES128-CCM"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",             "ECDHE-ECDSA-AES128-CCM8"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",        "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",           "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",        "ECDHE-ECDSA-AES256-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CCM",               "ECDHE-ECDSA-AES256-CCM"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8",             "ECDHE-ECDSA-AES256-CCM8"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",        "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256",   "ECDHE-ECDSA-CAMELLIA128-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_GCM_SHA256",   "ECDHE-ECDSA-CAMELLIA128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384",   "ECDHE-ECDSA-CAMELLIA256-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_GCM_SHA384",   "ECDHE-ECDSA-CAMELLIA256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",  "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",            "ECDHE-RSA-DES-CBC3-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",             "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",          "ECDHE-RSA-AES128-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",          "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",             "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",          "ECDHE-RSA-AES256-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",          "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256",     "ECDHE-RSA-CAMELLIA128-SHA256"},
    {"TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256",     "ECDHE-RSA-CAMELLIA128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384",     "ECDHE-RSA-CAMELLIA256-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CAMELLIA_256_GCM_SHA384",     "ECDHE-RSA-CAMELLIA256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",    "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_RSA_WITH_3DES_EDE_CBC_SHA",                  "DES-CBC3-SHA"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA",                   "AES128-SHA"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA256",                "AES128-SHA256"},
    {"TLS_RSA_WITH_AES_128_CCM",                       "AES128-CCM"},
    {"TLS_RSA_WITH_AES_128_CCM_8",                     "AES128-CCM8"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256",                "AES128-GCM-SHA256"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA",                   "AES256-SHA"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA256",                "AES256-SHA256"},
    {"TLS_RSA_WITH_AES_256_CCM",                       "AES256-CCM"},
    {"TLS_RSA_WITH_AES_256_CCM_8",                     "AES256-CCM8"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384",                "AES256-GCM-SHA384"},
    {"TLS_RSA_WITH_CAMELLIA_128_CBC_SHA",              "CAMELLIA128-SHA"},
    {"TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256",           "CAMELLIA128-SHA256"},
    {"TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256",           "CAMELLIA128-GCM-SHA256"},
    {"TLS_RSA_WITH_CAMELLIA_256_CBC_SHA",              "CAMELLIA256-SHA"},
    {"TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256",           "CAMELLIA256-SHA256"},
    {"TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384",           "CAMELLIA256-GCM-SHA384"},
};
/* clang-format on */

static void fill(struct tls_result *result, enum openssl_function function, unsigned reason,
                 const char *text)
{
    const char *name = "SSL3_READ_BYTES";
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (functions[i].function == function)
            name = functions[i].name;
    }
    result->number = (unsigned long)OPENSSL_LIB_SSL << 24 | (unsigned long)function << 12 |
                     (unsigned long)reason;
    (void)snprintf(result->text, sizeof(result->text), "error:%08lX:SSL routines:%s:%s",
                   result->number, name, text); /* tables only: always fits */
}

/* Where a side stood when the bytes ended: the function that waited for the next message. */
static enum openssl_function waiting_function(const struct tls_failure *failure)
{
    if (failure->first.len == 0)
        return F_SSL23_READ;
    if (failure->is_server) {
        switch (failure->last_message) {
        case GNUTLS_HANDSHAKE_CLIENT_HELLO:
            return F_SSL3_GET_CLIENT_KEY_EXCHANGE;
        case GNUTLS_HANDSHAKE_CERTIFICATE_PKT:
            return F_SSL3_GET_CERT_VERIFY;
        case GNUTLS_HANDSHAKE_CLIENT_KEY_EXCHANGE:
        case GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY:
            return F_SSL3_GET_FINISHED;
        default:
            return F_SSL23_GET_CLIENT_HELLO;
        }
    }
    switch (failure->last_message) {
    case GNUTLS_HANDSHAKE_SERVER_HELLO:
    case GNUTLS_HANDSHAKE_ENCRYPTED_EXTENSIONS:
        return F_SSL3_GET_SERVER_CERTIFICATE;
    case GNUTLS_HANDSHAKE_CERTIFICATE_PKT:
        return F_SSL3_GET_KEY_EXCHANGE;
    case GNUTLS_HANDSHAKE_SERVER_KEY_EXCHANGE:
    case GNUTLS_HANDSHAKE_CERTIFICATE_REQUEST:
        return F_SSL3_GET_SERVER_DONE;
    case GNUTLS_HANDSHAKE_SERVER_HELLO_DONE:
    case GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY:
    case GNUTLS_HANDSHAKE_NEW_SESSION_TICKET:
        return F_SSL3_GET_FINISHED;
    default:
        return F_SSL23_GET_SERVER_HELLO;
    }
}

/* Text or an old version where the first TLS record should be; false: it looks like TLS. */
static bool fill_plain_text(const struct tls_failure *failure, struct tls_result *result)
{
    struct slice first = failure->first;
    if (first.len == 0 || failure->last_message >= 0)
        return false;
    unsigned char type = (unsigned char)first.p[0];
    if (type >= 20 && type <= 23) {
        if (first.len < 2 || first.p[1] == 3)
            return false;
        fill(result, F_SSL3_GET_RECORD, 267, "wrong version number");
        return true;
    }
    enum openssl_function function =
        failure->is_server ? F_SSL23_GET_CLIENT_HELLO : F_SSL23_GET_SERVER_HELLO;
    static const char *const methods[] = {"GET ", "POST", "HEAD", "PUT ", "OPTI"};
    for (size_t i = 0; failure->is_server && i < ARRAY_LEN(methods); i++) {
        if (slice_starts_nocase(first, slice_str(methods[i]))) {
            fill(result, function, 156, "http request");
            return true;
        }
    }
    if (failure->is_server && slice_starts_nocase(first, SLICE("CONNE"))) {
        fill(result, function, 155, "https proxy request");
        return true;
    }
    fill(result, function, 252, "unknown protocol");
    return true;
}

static void fill_alert(int alert, struct tls_result *result)
{
    result->is_peer_alert = true;
    const char *text = "unknown alert type";
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        if (alerts[i].alert == alert)
            text = alerts[i].text;
    }
    fill(result, F_SSL3_READ_BYTES, OPENSSL_ALERT_BASE + (unsigned)alert, text);
}

void tls_names_failure(const struct tls_failure *failure, struct tls_result *ret_result)
{
    ret_result->is_peer_alert = false;
    if (failure->code == GNUTLS_E_FATAL_ALERT_RECEIVED && failure->alert >= 0 &&
        failure->alert <= 255) {
        fill_alert(failure->alert, ret_result);
        return;
    }
    if (failure->code == GNUTLS_E_PREMATURE_TERMINATION || failure->code == GNUTLS_E_PULL_ERROR ||
        failure->code == GNUTLS_E_SESSION_EOF) {
        fill(ret_result, waiting_function(failure), 229, "ssl handshake failure");
        return;
    }
    if (fill_plain_text(failure, ret_result))
        return;
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (causes[i].code == failure->code) {
            fill(ret_result, failure->is_server ? causes[i].server : causes[i].client,
                 causes[i].reason, causes[i].text);
            return;
        }
    }
    ret_result->number = 0;
    (void)snprintf(ret_result->text, sizeof(ret_result->text),
                   "error:00000000:SSL routines:GNUTLS:%s", gnutls_strerror(failure->code));
}

const char *tls_names_protocol(int version)
{
    switch (version) {
    case GNUTLS_TLS1_3:
        return "TLSv1.3";
    case GNUTLS_TLS1_2:
        return "TLSv1.2";
    case GNUTLS_TLS1_1:
        return "TLSv1.1";
    case GNUTLS_TLS1_0:
        return "TLSv1";
    default:
        return "unknown";
    }
}

const char *tls_names_cipher(const char *suite)
{
    if (suite == NULL)
        return "unknown";
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        if (strcmp(suites[i].standard, suite) == 0)
            return suites[i].openssl;
    }
    return suite;
}
