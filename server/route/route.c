/* Routes: see route.h.
 *
 * The order is made anew at each call: equal hosts share the load by chance, without state
 * (RFC 5321 5.1: "the sender-SMTP MUST randomize them"). Sorting first and then shuffling each run
 * of equals keeps every order of equals equally likely. */
#include "route/route.h"

#include "base/limits.h"
#include "route/route_priv.h"

struct slice route_key_first(struct slice domain)
{
    /* RFC 5321 4.5.3.1.2 */
    return domain.len <= LIMIT_SMTP_DOMAIN ? domain : slice_of(domain.p, 0);
}

struct slice route_key_next(struct slice key)
{
    /* The dot of `.b.test` itself was the last one asked for. */
    size_t dot = key.p[0] == '[' ? key.len : 1 + slice_find(slice_of(key.p + 1, key.len - 1), '.');
    return slice_of(key.p + dot, key.len - dot);
}

/* The configuration compares without case. */
static const struct cfg_smtp_route *find_route(const struct config *config, struct slice domain)
{
    for (struct slice key = route_key_first(domain); key.len > 0; key = route_key_next(key)) {
        const struct cfg_smtp_route *found = config_find_smtp_route(config, key);
        if (found != NULL)
            return found;
    }
    return config_find_smtp_route(config, SLICE("ALL"));
}

size_t route_find(const struct config *config, const struct clock *clock, struct slice domain,
                  struct route_target *ret_targets, size_t max)
{
    const struct cfg_smtp_route *route = find_route(config, domain);
    struct route_host order[ROUTE_TARGETS_MAX];
    if (route == NULL)
        return 0;
    size_t count = route->targets.count;
    ASSERT(count <= ROUTE_TARGETS_MAX); /* the row's cap */
    for (size_t i = 0; i < count; i++)
        order[i] = (struct route_host){.preference = (uint16_t)route->targets.items[i].priority,
                                       .index = i};
    route_order_hosts(clock, order, count);
    if (count > max)
        count = max;
    for (size_t i = 0; i < count; i++) {
        const struct cfg_smtp_route_target *from = &route->targets.items[order[i].index];
        struct route_target *to = &ret_targets[i];
        struct slice host = from->host.text;
        ASSERT(host.len < sizeof(to->host)); /* RFC 5321 4.5.3.1.2 */
        *to = (struct route_target){.port = (uint16_t)from->port};
        memcpy(to->host, host.p, host.len);
        if (from->host.kind == CFG_PATTERN_LITERAL)
            to->ip = from->host.net.ip;
    }
    return count;
}

static int host_compare(const void *a, const void *b)
{
    const struct route_host *x = a, *y = b;
    return (x->preference > y->preference) - (x->preference < y->preference);
}

/* Fisher and Yates. */
static void shuffle(const struct clock *clock, struct route_host *hosts, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t at = (size_t)clock_random_below(clock, left);
        struct route_host swapped = hosts[at];
        hosts[at] = hosts[left - 1];
        hosts[left - 1] = swapped;
    }
}

void route_order_hosts(const struct clock *clock, struct route_host *hosts, size_t count)
{
    if (count == 0)
        return;
    qsort(hosts, count, sizeof(*hosts), host_compare);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && hosts[to].preference == hosts[from].preference;)
            to++;
        shuffle(clock, hosts + from, to - from); /* RFC 5321 5.1 */
    }
}

bool route_is_own_name(const struct config *config, struct slice name)
{
    if (slice_eq_nocase(config->system.hostname, name))
        return true;
    for (size_t i = 0; i < config->interfaces.count; i++) {
        if (slice_eq_nocase(config->interfaces.items[i].hostname, name))
            return true;
    }
    return false;
}

bool route_is_own_address(const struct config *config, const struct ip *ip)
{
    static const struct ip unspecified;
    for (size_t i = 0; i < config->interfaces.count; i++) {
        const struct ip *own = &config->interfaces.items[i].address;
        if (memcmp(own->bytes, unspecified.bytes, sizeof(own->bytes)) != 0 && ip_eq(own, ip))
            return true;
    }
    return false;
}

bool route_is_denied(const struct config *config, const struct ip *ip)
{
    const struct cfg_pattern_list *denied = &config->delivery.next_hop_deny;
    for (size_t i = 0; i < denied->count; i++) {
        if (ip_net_contains(&denied->items[i].net, ip))
            return true;
    }
    return false;
}
