/* Reading one certificate into plain values, matching its names, making a self-signed one.
 *
 * Certificates come from peers, so nothing of them is trusted: counts and lengths are capped, a
 * name with a NUL or a control byte never matches anything and is never shown raw. IP addresses
 * match by value and only IP SANs; a wildcard is the whole left-most label and covers one label
 * (RFC 6125 6.4.3). Other kinds of SAN (URI, e-mail) are left out. */
#include "pki/cert.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/ip.h"
#include "base/limits.h"
#include "base/mailaddr.h"
#include "base/mem.h"
#include "pki/pki_priv.h"

_Static_assert(CERT_CHAIN_MAX == LIMIT_TLS_CHAIN_DEPTH, "one limit, two names");

/* SRC may hold anything; OUT gets printable text, cut to fit. */
static void copy_printable(char *out, size_t out_size, const char *src, size_t len)
{
    if (len > out_size - 1)
        len = out_size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)src[i] < 0x20 || src[i] == 0x7f ? '?' : src[i];
    out[len] = '\0';
}

static void read_dn(gnutls_x509_crt_t crt, bool is_issuer, char *out)
{
    gnutls_datum_t dn = {0};
    int r = is_issuer ? gnutls_x509_crt_get_issuer_dn3(crt, &dn, 0)
                      : gnutls_x509_crt_get_dn3(crt, &dn, 0);
    out[0] = '\0';
    if (r < 0)
        return;
    copy_printable(out, CERT_NAME_MAX, (const char *)dn.data, dn.size);
    gnutls_free(dn.data);
}

static void read_cn(gnutls_x509_crt_t crt, char *out)
{
    char cn[CERT_NAME_MAX];
    size_t size = sizeof(cn);
    int r = gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, cn, &size);
    out[0] = '\0';
    if (r >= 0)
        copy_printable(out, CERT_NAME_MAX, cn, size);
}

static void read_names(gnutls_x509_crt_t crt, struct cert_info *info)
{
    info->names = mem_array(CERT_NAMES_MAX, sizeof(char *));
    for (unsigned i = 0; i < CERT_NAMES_MAX; i++) {
        char san[CERT_NAME_MAX];
        size_t size = sizeof(san);
        int type = gnutls_x509_crt_get_subject_alt_name(crt, i, san, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (type == GNUTLS_SAN_DNSNAME) {
            /* A NUL inside would make it look like another name. */
            if (memchr(san, '\0', size) == NULL) {
                char shown[CERT_NAME_MAX];
                copy_printable(shown, sizeof(shown), san, size);
                info->names[info->name_count++] = mem_strdup(shown);
            }
        } else if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
            struct ip ip = {.family = size == 4 ? 4 : 6};
            char text[IP_TEXT_MAX];
            memcpy(ip.bytes, san, size);
            info->names[info->name_count++] = mem_strdup(ip_format(&ip, text));
        }
    }
}

struct cert_info *cert_info_of(gnutls_x509_crt_t crt)
{
    struct cert_info *info = MEM_NEW(struct cert_info);
    read_dn(crt, false, info->subject);
    read_dn(crt, true, info->issuer);
    read_cn(crt, info->subject_cn);
    read_names(crt, info);
    info->not_before_s = gnutls_x509_crt_get_activation_time(crt);
    info->not_after_s = gnutls_x509_crt_get_expiration_time(crt);
    info->is_self_signed = gnutls_x509_crt_check_issuer(crt, crt) != 0;
    info->is_ca = gnutls_x509_crt_get_ca_status(crt, NULL) > 0;

    unsigned char bytes[32];
    size_t size = sizeof(bytes);
    if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, bytes, &size) >= 0)
        pki_hex(bytes, size, info->fingerprint);
    size = sizeof(bytes);
    if (gnutls_x509_crt_get_serial(crt, bytes, &size) >= 0)
        pki_hex(bytes, size, info->serial);
    size = sizeof(bytes);
    if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, bytes, &size) >= 0)
        pki_hex(bytes, size, info->spki);
    int pk = gnutls_x509_crt_get_pk_algorithm(crt, &info->key_bits);
    info->key_type = pki_key_type(pk, info->key_bits);
    return info;
}

int cert_info_parse(struct slice pem, struct cert_info **ret_info, struct error *reterr)
{
    if (pem.len > CERT_PEM_MAX)
        return error_set(reterr, ERR_INVALID, "the certificate is longer than %d bytes",
                         CERT_PEM_MAX);
    gnutls_x509_crt_t crt = NULL;
    int r = gnutls_x509_crt_init(&crt);
    if (r < 0)
        return pki_error(reterr, r, "cannot read the certificate");
    gnutls_datum_t datum = pki_datum(pem);
    r = gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_PEM);
    if (r < 0) {
        gnutls_x509_crt_deinit(crt);
        return error_set(reterr, ERR_INVALID, "not a certificate in PEM: %s", gnutls_strerror(r));
    }
    *ret_info = cert_info_of(crt);
    gnutls_x509_crt_deinit(crt);
    return 0;
}

int cert_chain_parse(struct slice pem, struct cert_info *ret_infos[CERT_CHAIN_MAX],
                     size_t *ret_count, struct error *reterr)
{
    gnutls_x509_crt_t crts[CERT_CHAIN_MAX];
    unsigned count = CERT_CHAIN_MAX;

    if (pem.len > CERT_PEM_MAX)
        return error_set(reterr, ERR_INVALID, "the chain is longer than %d bytes", CERT_PEM_MAX);
    gnutls_datum_t datum = pki_datum(pem);
    int r = gnutls_x509_crt_list_import(crts, &count, &datum, GNUTLS_X509_FMT_PEM,
                                        GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (r < 0)
        return error_set(reterr, ERR_INVALID, "no chain of up to %d certificates in PEM: %s",
                         CERT_CHAIN_MAX, gnutls_strerror(r));
    for (unsigned i = 0; i < count; i++) {
        ret_infos[i] = cert_info_of(crts[i]);
        gnutls_x509_crt_deinit(crts[i]);
    }
    *ret_count = count;
    return 0;
}

void cert_info_destroy(struct cert_info *info)
{
    if (info == NULL)
        return;
    for (size_t i = 0; i < info->name_count; i++)
        free(info->names[i]);
    free(info->names);
    free(info);
}

/* --- names --- */

static struct slice without_dot(struct slice name)
{
    if (name.len > 0 && name.p[name.len - 1] == '.')
        name.len--;
    return name;
}

bool cert_name_matches(struct slice pattern, struct slice name)
{
    pattern = without_dot(pattern);
    name = without_dot(name);
    if (!mailaddr_is_domain(name))
        return false;
    if (pattern.len < 3 || pattern.p[0] != '*' || pattern.p[1] != '.')
        return slice_eq_nocase(pattern, name) && name.len > 0;
    /* RFC 6125 6.4.3: the wildcard stands for exactly one label, under a domain of two or more. */
    struct slice parent = slice_of(pattern.p + 2, pattern.len - 2);
    if (slice_find(parent, '.') == parent.len || slice_find(parent, '*') != parent.len)
        return false;
    size_t dot = slice_find(name, '.');
    return dot > 0 && dot < name.len &&
           slice_eq_nocase(slice_of(name.p + dot + 1, name.len - dot - 1), parent);
}

enum cert_match cert_info_match(const struct cert_info *info, const char *name, bool allows_cn)
{
    struct ip ip;
    bool is_ip = ip_parse(slice_str(name), &ip);
    for (size_t i = 0; i < info->name_count; i++) {
        struct ip san_ip;
        bool is_san_ip = ip_parse(slice_str(info->names[i]), &san_ip);
        if (is_ip != is_san_ip)
            continue;
        if (is_ip ? ip_eq(&ip, &san_ip)
                  : cert_name_matches(slice_str(info->names[i]), slice_str(name)))
            return CERT_MATCH_SAN;
    }
    if (allows_cn && !is_ip && cert_name_matches(slice_str(info->subject_cn), slice_str(name)))
        return CERT_MATCH_CN;
    return CERT_MATCH_NONE;
}

/* --- making one --- */

static int add_name(gnutls_x509_crt_t crt, const char *name)
{
    struct ip ip;
    if (ip_parse(slice_str(name), &ip))
        return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, ip.bytes,
                                                    ip.family == 4 ? 4 : 16, GNUTLS_FSAN_APPEND);
    return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int set_dn(gnutls_x509_crt_t crt, const char *oid, const char *value)
{
    if (value == NULL)
        return 0;
    return gnutls_x509_crt_set_dn_by_oid(crt, oid, 0, value, (unsigned)strlen(value));
}

static int fill_crt(gnutls_x509_crt_t crt, const struct cert_request *request, int64_t now_ms,
                    const uint8_t serial[16])
{
    uint8_t positive[16];
    memcpy(positive, serial, sizeof(positive));
    positive[0] = (uint8_t)((positive[0] & 0x7f) | 0x40); /* RFC 5280 4.1.2.2: positive, not 0 */
    time_t now_s = (time_t)(now_ms / 1000);
    int r = gnutls_x509_crt_set_version(crt, 3);
    if (r >= 0)
        r = gnutls_x509_crt_set_serial(crt, positive, sizeof(positive));
    if (r >= 0)
        r = gnutls_x509_crt_set_activation_time(crt, now_s - 3600);
    if (r >= 0)
        r = gnutls_x509_crt_set_expiration_time(crt, now_s + (time_t)request->days * 86400);
    if (r >= 0)
        r = set_dn(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, request->organization);
    if (r >= 0)
        r = set_dn(crt, GNUTLS_OID_X520_COMMON_NAME, request->common_name);
    for (size_t i = 0; r >= 0 && i < request->name_count; i++)
        r = add_name(crt, request->names[i]);
    if (r >= 0)
        r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    if (r >= 0)
        r = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (r >= 0)
        r = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    return r;
}

static int sign_crt(gnutls_x509_crt_t crt, const struct key *key)
{
    gnutls_pubkey_t pubkey = NULL;
    int r = gnutls_pubkey_init(&pubkey);
    if (r < 0)
        return r;
    unsigned usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
    if (key_get_type(key) == KEY_TYPE_RSA)
        usage |= GNUTLS_KEY_KEY_ENCIPHERMENT; /* RSA key exchange of TLS 1.2 */
    r = gnutls_pubkey_import_privkey(pubkey, key_handle(key), usage, 0);
    if (r >= 0)
        r = gnutls_x509_crt_set_pubkey(crt, pubkey);
    gnutls_pubkey_deinit(pubkey);
    if (r >= 0)
        r = gnutls_x509_crt_set_key_usage(crt, usage);
    if (r >= 0)
        r = gnutls_x509_crt_privkey_sign(crt, crt, key_handle(key), GNUTLS_DIG_SHA256, 0);
    return r;
}

int cert_self_signed(const struct key *key, const struct cert_request *request, int64_t now_ms,
                     const uint8_t serial[16], char **ret_pem, struct error *reterr)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_datum_t pem = {0};
    int r = gnutls_x509_crt_init(&crt);
    if (r < 0)
        return pki_error(reterr, r, "cannot make a certificate");
    r = fill_crt(crt, request, now_ms, serial);
    if (r >= 0)
        r = sign_crt(crt, key);
    if (r >= 0)
        r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
    gnutls_x509_crt_deinit(crt);
    if (r < 0)
        return pki_error(reterr, r, "cannot make a certificate");
    *ret_pem = mem_strndup((const char *)pem.data, pem.size);
    gnutls_free(pem.data);
    return 0;
}
