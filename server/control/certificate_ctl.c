/* See certificate_ctl.h. */
#include "control/certificate_ctl.h"

#include "pki/cert.h"
#include "pki/demo.h"

enum { DAY_S = 86400 };

_Static_assert((int)CERTIFICATE_CTL_CHAIN_MAX == (int)CERT_CHAIN_MAX, "the same chains");

const char *certificate_health_word(enum certificate_health health)
{
    static const char *const words[] = {
        [CERTIFICATE_HEALTH_OK] = "ok",
        [CERTIFICATE_HEALTH_WARNING] = "warning",
        [CERTIFICATE_HEALTH_CRITICAL] = "critical",
        [CERTIFICATE_HEALTH_NOT_YET] = "not_yet_valid",
        [CERTIFICATE_HEALTH_EXPIRED] = "expired",
    };

    return words[health];
}

/* DAYS before the end, or a PART-th of its life, whichever is nearer to the end. */
static int64_t moment(int64_t not_before_s, int64_t not_after_s, int64_t days, int64_t part)
{
    int64_t share = (not_after_s - not_before_s) / part;

    return not_after_s - (share < days * DAY_S ? share : days * DAY_S);
}

int64_t certificate_ctl_renew_after(int64_t not_before_s, int64_t not_after_s)
{
    return moment(not_before_s, not_after_s, 30, 3);
}

enum certificate_health certificate_ctl_health(int64_t not_before_s, int64_t not_after_s,
                                               int64_t now_s)
{
    if (now_s > not_after_s)
        return CERTIFICATE_HEALTH_EXPIRED;
    if (now_s < not_before_s)
        return CERTIFICATE_HEALTH_NOT_YET;
    if (now_s >= moment(not_before_s, not_after_s, 7, 6))
        return CERTIFICATE_HEALTH_CRITICAL;
    return now_s >= certificate_ctl_renew_after(not_before_s, not_after_s)
               ? CERTIFICATE_HEALTH_WARNING
               : CERTIFICATE_HEALTH_OK;
}

static struct slice keep(struct mem_arena *arena, const char *text)
{
    return slice_str(mem_arena_strndup(arena, text, strlen(text)));
}

static struct certificate_ctl_cert describe(const struct cert_info *info, struct mem_arena *arena)
{
    struct certificate_ctl_cert cert = {
        .subject = keep(arena, info->subject),
        .issuer = keep(arena, info->issuer),
        .common_name = keep(arena, info->subject_cn),
        .serial = keep(arena, info->serial),
        .fingerprint = keep(arena, info->fingerprint),
        .spki = keep(arena, info->spki),
        .names = mem_arena_alloc(arena, info->name_count * sizeof *cert.names),
        .name_count = info->name_count,
        .key_type = key_type_name(info->key_type),
        .key_bits = info->key_bits,
        .not_before_s = info->not_before_s,
        .not_after_s = info->not_after_s,
        .is_self_signed = info->is_self_signed,
        .is_ca = info->is_ca,
    };

    for (size_t i = 0; i < info->name_count; i++)
        cert.names[i] = keep(arena, info->names[i]);
    return cert;
}

struct certificate_ctl_chain certificate_ctl_read(struct slice pem, struct mem_arena *arena)
{
    struct certificate_ctl_chain chain = {.is_demonstration = demo_is_demo(pem)};
    struct cert_info *infos[CERT_CHAIN_MAX];
    size_t count = 0;

    if (cert_chain_parse(pem, infos, &count, NULL) < 0)
        return chain;
    for (size_t i = 0; i < count; i++) {
        chain.certs[chain.count++] = describe(infos[i], arena);
        cert_info_destroy(infos[i]);
    }
    return chain;
}
