/* See certificate_status.h. */
#include "api/certificate_status.h"

#include "api/api_priv.h"
#include "api/json.h"
#include "config/uses.h"
#include "control/control.h"

/* The pair that ends first is the one that counts. */
struct span {
    int64_t not_before_s, not_after_s;
    bool is_known;
};

static json_t *names_json(const struct certificate_ctl_cert *cert)
{
    json_t *names = json_array();

    for (size_t i = 0; i < cert->name_count; i++)
        (void)json_array_append_new(names, json_slice(cert->names[i]));
    return names;
}

static json_t *cert_json(const struct certificate_ctl_cert *cert)
{
    json_t *out = json_object();

    json_put(out, "subject", json_slice(cert->subject));
    json_put(out, "common_name", json_slice(cert->common_name));
    json_put(out, "issuer", json_slice(cert->issuer));
    json_put(out, "names", names_json(cert));
    json_put(out, "serial", json_slice(cert->serial));
    json_put(out, "fingerprint", json_slice(cert->fingerprint));
    json_put(out, "key", json_string(cert->key_type));
    json_put(out, "bits", json_u64(cert->key_bits));
    json_put(out, "not_before", json_time(cert->not_before_s * 1000));
    json_put(out, "not_after", json_time(cert->not_after_s * 1000));
    json_put(out, "self_signed", json_boolean(cert->is_self_signed));
    json_put(out, "ca", json_boolean(cert->is_ca));
    return out;
}

static json_t *pair_json(const json_t *pair, const struct certificate_ctl_chain *chain,
                         int64_t now_s)
{
    json_t *out = json_object(), *certs = json_array();

    for (size_t i = 0; i < chain->count; i++)
        (void)json_array_append_new(certs, cert_json(&chain->certs[i]));
    json_put(out, "type", json_incref(json_object_get(pair, "type")));
    json_put(out, "spki", json_incref(json_object_get(pair, "spki")));
    json_put(out, "demonstration", json_boolean(chain->is_demonstration));
    if (chain->count > 0)
        json_put(out, "health",
                 json_string(certificate_health_word(certificate_ctl_health(
                     chain->certs[0].not_before_s, chain->certs[0].not_after_s, now_s))));
    json_put(out, "chain", certs);
    return out;
}

static void narrow(struct span *span, const struct certificate_ctl_chain *chain)
{
    if (chain->count == 0 || (span->is_known && span->not_after_s <= chain->certs[0].not_after_s))
        return;
    *span = (struct span){.not_before_s = chain->certs[0].not_before_s,
                          .not_after_s = chain->certs[0].not_after_s,
                          .is_known = true};
}

static void put_span(json_t *out, const struct span *span, int64_t now_s)
{
    int64_t left_s = span->not_after_s - now_s;

    if (!span->is_known)
        return;
    json_put(out, "health",
             json_string(certificate_health_word(
                 certificate_ctl_health(span->not_before_s, span->not_after_s, now_s))));
    json_put(out, "not_before", json_time(span->not_before_s * 1000));
    json_put(out, "not_after", json_time(span->not_after_s * 1000));
    json_put(out, "renew_after",
             json_time(certificate_ctl_renew_after(span->not_before_s, span->not_after_s) * 1000));
    json_put(out, "days_left", json_integer(left_s / 86400 - (left_s % 86400 < 0 ? 1 : 0)));
}

json_t *certificate_status(struct api_call *call, const json_t *object, const json_t *document)
{
    int64_t now_s = clock_wall_ms(call->api->settings.clock) / 1000;
    json_t *out = json_object(), *pairs = json_array();
    const json_t *keys = json_object_get(object, "keys");
    struct span span = {0};

    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *pair = json_array_get(keys, i);
        const char *pem = json_string_value(json_object_get(pair, "chain"));
        struct certificate_ctl_chain chain = certificate_ctl_read(slice_str(pem), call_arena(call));
        narrow(&span, &chain);
        (void)json_array_append_new(pairs, pair_json(pair, &chain, now_s));
    }
    put_span(out, &span, now_s);
    json_put(out, "pairs", pairs);
    json_put(out, "used_by",
             config_uses(document, CFG_SECTION_CERTIFICATES,
                         slice_str(json_string_value(json_object_get(object, "name")))));
    return out;
}
