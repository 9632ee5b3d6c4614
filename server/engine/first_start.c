/* Makes the demonstration certificate only where the set-up names it and brings none of its own. */
#include "engine/first_start.h"

#include <jansson.h>

#include "pki/demo.h"

static bool wants_certificate(const struct config *candidate)
{
    const struct slice name = SLICE(FIRST_START_CERTIFICATE);

    for (size_t i = 0; i < candidate->certificates.count; i++)
        if (slice_eq(candidate->certificates.items[i].name, name))
            return false;
    for (size_t i = 0; i < candidate->listeners.count; i++)
        if (slice_eq(candidate->listeners.items[i].certificate, name))
            return true;
    for (size_t i = 0; i < candidate->interfaces.count; i++)
        if (slice_eq(candidate->interfaces.items[i].https_certificate, name))
            return true;
    return false;
}

/* The certificate object as the configuration has it. */
static char *certificate_json(const struct demo_pair pairs[DEMO_PAIRS])
{
    json_t *keys = json_array();

    for (size_t i = 0; i < DEMO_PAIRS; i++)
        (void)json_array_append_new(keys,
                                    json_pack("{s:s, s:s, s:s}", "type",
                                              pairs[i].key_type == KEY_TYPE_RSA ? "rsa" : "ecdsa",
                                              "spki", pairs[i].spki, "chain", pairs[i].chain_pem));
    json_t *object = json_pack("{s:s, s:o}", "name", FIRST_START_CERTIFICATE, "keys", keys);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

int first_start_candidate(struct slice json, const char *keys_dir, const struct clock *clock,
                          struct config **ret_candidate, struct config_errors *errors,
                          struct error *reterr)
{
    struct demo_pair pairs[DEMO_PAIRS] = {0};
    struct config *candidate = config_parse(json, errors);

    if (candidate == NULL)
        return ERR_INVALID;
    if (wants_certificate(candidate) && candidate->system.hostname.len > 0) {
        int r = demo_make(keys_dir, candidate->system.hostname.p, clock, pairs, reterr);
        if (r < 0) {
            config_unref(candidate);
            return r;
        }
        char *text = certificate_json(pairs);
        ASSERT(text != NULL);
        (void)config_put(candidate, "certificates", slice_str(text), errors);
        free(text);
        for (size_t i = 0; i < DEMO_PAIRS; i++)
            demo_pair_finish(&pairs[i]);
    }
    *ret_candidate = candidate;
    return 0;
}
