/* Destinations: see destination.h.
 *
 * The walk over the parents asks the configuration's own index, a binary search a label: it runs
 * once a connection or a queue decision, not once a byte, so nothing is compiled. */
#include "route/destination.h"

#include "base/mailaddr.h"
#include "route/route_priv.h"

/* The defaults of config/bounce_profiles.def: a configuration may have listeners without a profile,
 * and then no profile at all, but what is queued must end some day (RFC 5321 4.5.4.1). */
static const struct cfg_bounce_profile builtin_profile = {
    .name = {.p = "Default", .len = 7},
    .max_retries = 100,
    .max_time_in_queue_s = 259200,
    .initial_retry_s = 60,
    .max_retry_s = 3600,
    .send_bounces = true,
};

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t destination_key(struct slice address, char *key, size_t key_size)
{
    struct mailaddr addr;
    if (key_size == 0)
        return 0;
    key[0] = '\0';
    if (!mailaddr_parse(address, &addr) || addr.domain.len >= key_size)
        return 0;
    bool is_literal = addr.domain.len > 0 && addr.domain.p[0] == '[';
    for (size_t i = 0; i < addr.domain.len; i++)
        key[i] = is_literal ? addr.domain.p[i] : to_lower(addr.domain.p[i]);
    key[addr.domain.len] = '\0';
    return addr.domain.len;
}

/* The most specific entry; Default's is the last. */
static const struct cfg_destination_control *find_control(const struct config *config,
                                                          struct slice domain)
{
    for (struct slice key = route_key_first(domain); key.len > 0; key = route_key_next(key)) {
        const struct cfg_destination_control *found = config_find_destination_control(config, key);
        if (found != NULL)
            return found;
    }
    return config_default_destination_control(config);
}

static const struct cfg_bounce_profile *find_profile(const struct config *config,
                                                     const struct cfg_destination_control *control,
                                                     const struct cfg_destination_control *dflt)
{
    const struct slice names[] = {control->bounce_profile, dflt->bounce_profile, SLICE("Default")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct cfg_bounce_profile *found =
            names[i].len == 0 ? NULL : config_find_bounce_profile(config, names[i]);
        if (found != NULL)
            return found;
    }
    return config->bounce_profiles.count > 0 ? &config->bounce_profiles.items[0] : &builtin_profile;
}

/* The first of both that is set, else LAST. */
static uint32_t first_set(uint32_t own, uint32_t dflt, uint32_t last)
{
    if (own != 0)
        return own;
    return dflt != 0 ? dflt : last;
}

void destination_find(const struct config *config, struct slice domain,
                      struct destination *ret_dest)
{
    const struct cfg_destination_control *dflt = config_default_destination_control(config);
    const struct cfg_destination_control *control = find_control(config, domain);
    enum cfg_dest_tls tls = control->tls == CFG_DEST_TLS_DEFAULT ? dflt->tls : control->tls;
    *ret_dest = (struct destination){
        /* Default may not say default; should it, then what does most without losing mail. */
        .tls = tls == CFG_DEST_TLS_DEFAULT ? CFG_DEST_TLS_PREFERRED : tls,
        .max_connections =
            first_set(control->max_connections, dflt->max_connections, DESTINATION_MAX_CONNECTIONS),
        .max_messages_per_connection =
            first_set(control->max_messages_per_connection, dflt->max_messages_per_connection,
                      DESTINATION_MAX_MESSAGES_PER_CONNECTION),
        .bounce_profile = find_profile(config, control, dflt),
    };
}
