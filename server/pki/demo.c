/* Makes the demonstration pair. See demo.h. The keys are on disk before their certificates exist.
 */
#include "pki/demo.h"

#include "base/mailaddr.h"
#include "base/mem.h"
#include "pki/cert.h"

static int make_pair(const char *keys_dir, const char *hostname, const struct clock *clock,
                     enum key_type type, struct demo_pair *ret_pair, struct error *reterr)
{
    struct key *key = NULL;
    int r = key_generate(type, &key, reterr);
    if (r < 0)
        return r;
    r = key_store(keys_dir, key, reterr);
    if (r == 0) {
        const char *names[] = {hostname, "localhost", "127.0.0.1", "::1"};
        size_t skip = strcmp(hostname, "localhost") == 0 ? 1 : 0;
        struct cert_request request = {
            .common_name = hostname,
            .organization = DEMO_ORGANIZATION,
            .names = names + skip,
            .name_count = ARRAY_LEN(names) - skip,
            .days = DEMO_DAYS,
        };
        uint8_t serial[16];
        clock->random(clock, serial, sizeof(serial));
        r = cert_self_signed(key, &request, clock_wall_ms(clock), serial, &ret_pair->chain_pem,
                             reterr);
    }
    if (r == 0) {
        memcpy(ret_pair->spki, key_spki(key), KEY_SPKI_MAX);
        ret_pair->key_type = type;
    }
    key_destroy(key);
    return r;
}

int demo_make(const char *keys_dir, const char *hostname, const struct clock *clock,
              struct demo_pair ret_pairs[DEMO_PAIRS], struct error *reterr)
{
    if (!mailaddr_is_domain(slice_str(hostname)))
        return error_set(reterr, ERR_INVALID, "`%.100s` is not a host name", hostname);
    struct demo_pair pairs[DEMO_PAIRS] = {0};
    int r = make_pair(keys_dir, hostname, clock, KEY_TYPE_ECDSA_P256, &pairs[0], reterr);
    if (r == 0)
        r = make_pair(keys_dir, hostname, clock, KEY_TYPE_RSA, &pairs[1], reterr);
    if (r < 0) {
        demo_pair_finish(&pairs[0]);
        demo_pair_finish(&pairs[1]);
        return r;
    }
    memcpy(ret_pairs, pairs, sizeof(pairs));
    return 0;
}

void demo_pair_finish(struct demo_pair *pair)
{
    free(pair->chain_pem);
    pair->chain_pem = NULL;
}

bool demo_is_demo(struct slice chain_pem)
{
    struct cert_info *info = NULL;
    int r = cert_info_parse(chain_pem, &info, NULL);
    if (r < 0)
        return false;
    bool is_demo = info->is_self_signed && strstr(info->subject, DEMO_ORGANIZATION) != NULL;
    cert_info_destroy(info);
    return is_demo;
}
