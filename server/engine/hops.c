/* A small state machine: MX answer, then the addresses of one host after the other, until the hops
 * are enough. Addresses that DNS names are held against delivery.next_hop_deny; those that an
 * administrator wrote into an SMTP route are not.
 *
 * RFC 5321 5.1: where DNS names this very host, by name or by address, it is left out with every
 * host of the same or a higher preference number: whoever has the mail is not to hand it to hosts
 * that would bring it back. When nothing is left by that alone, the mail is undeliverable. */
#include "engine/hops.h"

#include "base/mailaddr.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "route/route.h"

struct host {
    char name[TLS_NAME_MAX];
    uint16_t port;
    struct ip ip; /* family 0: to be looked up */
    enum tls_name_kind kind;
    bool is_from_dns;
    uint16_t preference; /* of the MX; hosts are in its order */
};

struct hops_search {
    struct loop *loop;
    struct resolver *resolver;
    const struct clock *clock;
    struct snapshot *snapshot;
    hops_done_fn *done;
    void *ctx;
    char domain[TLS_NAME_MAX];
    struct host hosts[HOPS_HOSTS_MAX];
    size_t host_count, next_host;
    struct resolver_query *query;
    struct letter letter;
    uint16_t preferences[HOPS_MAX]; /* of each hop's host */
    struct hops hops;
};

static void look_up_next(struct hops_search *s);

static void destroy(struct hops_search *s)
{
    snapshot_unref(s->snapshot);
    free(s);
}

static void run_conclude(struct letter *letter)
{
    struct hops_search *s = CONTAINER_OF(letter, struct hops_search, letter);

    s->done(s->ctx, &s->hops);
    destroy(s);
}

static void conclude(struct hops_search *s)
{
    s->letter.run = run_conclude;
    loop_defer(s->loop, &s->letter);
}

static void set_trouble(struct hops_search *s, int event, const char *what, const char *why)
{
    s->hops.event = event;
    (void)snprintf(s->hops.text, sizeof s->hops.text, "%.100s %s", what, why);
}

static void add_hop(struct hops_search *s, const struct host *host, const struct ip *ip)
{
    if (s->hops.count == HOPS_MAX)
        return;
    if (host->is_from_dns && route_is_denied(s->snapshot->config, ip)) {
        if (s->hops.count == 0)
            set_trouble(s, OUTCOME_EVENT_DNS, host->name,
                        "has an address in delivery.next_hop_deny");
        return;
    }
    s->preferences[s->hops.count] = host->preference;
    struct hop *hop = &s->hops.items[s->hops.count++];
    hop->ip = *ip;
    hop->port = host->port;
    hop->kind = host->kind;
    memcpy(hop->name, host->name, sizeof hop->name);
}

/* DNS names ourselves at PREFERENCE: nothing from there on is a next hop. */
static void leave_out(struct hops_search *s, uint16_t preference)
{
    while (s->hops.count > 0 && s->preferences[s->hops.count - 1] >= preference)
        s->hops.count--;
    while (s->host_count > 0 && s->hosts[s->host_count - 1].preference >= preference)
        s->host_count--;
    if (s->host_count == 0)
        set_trouble(s, OUTCOME_EVENT_LOOP, s->domain,
                    "leads back to this host and has no SMTP route");
}

static void add_host(struct hops_search *s, const char *name, uint16_t port,
                     enum tls_name_kind kind, bool is_from_dns)
{
    if (s->host_count == HOPS_HOSTS_MAX)
        return;
    struct host *host = &s->hosts[s->host_count++];
    (void)snprintf(host->name, sizeof host->name, "%.255s", name);
    host->port = port;
    host->kind = kind;
    host->is_from_dns = is_from_dns;
}

static bool is_own(const struct hops_search *s, const struct host *host, const struct ip *ips,
                   size_t count)
{
    for (size_t i = 0; host->is_from_dns && i < count; i++) {
        if (route_is_own_address(s->snapshot->config, &ips[i]))
            return true;
    }
    return false;
}

static void addresses_came(void *ctx, const struct resolver_answer *answer)
{
    struct hops_search *s = ctx;
    const struct host *host = &s->hosts[s->next_host++];

    s->query = NULL;
    if (is_own(s, host, answer->ips, answer->ip_count)) {
        leave_out(s, host->preference);
        conclude(s);
        return;
    }
    if (answer->status != RESOLVER_STATUS_OK && s->hops.count == 0)
        set_trouble(s, OUTCOME_EVENT_DNS, host->name,
                    answer->why[0] != '\0' ? answer->why : "has no address");
    if (answer->status == RESOLVER_STATUS_OK)
        for (size_t i = 0; i < answer->ip_count; i++)
            add_hop(s, host, &answer->ips[i]);
    look_up_next(s);
}

/* Hosts equal to the last one are looked at all the same: one of them may be ourselves. */
static bool has_enough(const struct hops_search *s)
{
    const struct host *next = &s->hosts[s->next_host];
    return s->hops.count == HOPS_MAX &&
           (!next->is_from_dns || next->preference != s->preferences[HOPS_MAX - 1]);
}

static void look_up_next(struct hops_search *s)
{
    while (s->next_host < s->host_count && !has_enough(s)) {
        struct host *host = &s->hosts[s->next_host];
        if (host->ip.family == 0) {
            s->query = resolver_addresses(s->resolver, s->loop, host->name, addresses_came, s);
            return;
        }
        s->next_host++;
        if (is_own(s, host, &host->ip, 1))
            leave_out(s, host->preference);
        else
            add_hop(s, host, &host->ip);
    }
    conclude(s);
}

static void take_mx_hosts(struct hops_search *s, const struct resolver_answer *answer)
{
    struct route_host order[RESOLVER_HOSTS_MAX];
    uint16_t port = (uint16_t)s->snapshot->config->delivery.smtp_port;

    for (size_t i = 0; i < answer->host_count; i++)
        order[i] = (struct route_host){.preference = answer->hosts[i].preference, .index = i};
    route_order_hosts(s->clock, order, answer->host_count);
    for (size_t i = 0; i < answer->host_count && s->host_count < HOPS_HOSTS_MAX; i++) {
        add_host(s, answer->hosts[order[i].index].name, port, TLS_NAME_MX, true);
        s->hosts[i].preference = order[i].preference;
    }
    for (size_t i = 0; i < answer->host_count; i++) {
        if (route_is_own_name(s->snapshot->config, slice_str(answer->hosts[i].name)))
            leave_out(s, answer->hosts[i].preference);
    }
}

static void mx_came(void *ctx, const struct resolver_answer *answer)
{
    struct hops_search *s = ctx;
    uint16_t port = (uint16_t)s->snapshot->config->delivery.smtp_port;

    s->query = NULL;
    if (answer->is_null_mx) {
        set_trouble(s, OUTCOME_EVENT_NULL_MX, s->domain, "takes no mail (null MX)");
    } else if (answer->status == RESOLVER_STATUS_OK && answer->host_count > 0) {
        take_mx_hosts(s, answer);
    } else if (answer->status == RESOLVER_STATUS_NO_DATA) {
        add_host(s, s->domain, port, TLS_NAME_MX, true); /* RFC 5321 5.1: implicit MX */
        if (route_is_own_name(s->snapshot->config, slice_str(s->domain)))
            leave_out(s, 0);
    } else {
        bool is_gone = answer->status == RESOLVER_STATUS_NX_DOMAIN;
        set_trouble(s, is_gone ? OUTCOME_EVENT_NO_DOMAIN : OUTCOME_EVENT_DNS, s->domain,
                    answer->why[0] != '\0' ? answer->why : "could not be looked up");
    }
    look_up_next(s);
}

struct hops_search *hops_find(struct loop *loop, struct resolver *resolver,
                              const struct clock *clock, struct snapshot *snapshot,
                              struct slice domain, hops_done_fn *done, void *ctx)
{
    struct hops_search *s = MEM_NEW(struct hops_search);
    struct route_target targets[HOPS_HOSTS_MAX];
    struct ip ip;

    s->loop = loop;
    s->resolver = resolver;
    s->clock = clock;
    s->snapshot = snapshot_ref(snapshot);
    s->done = done;
    s->ctx = ctx;
    list_init(&s->letter.node);
    (void)snprintf(s->domain, sizeof s->domain, "%.*s", SLICE_ARGS(domain));
    set_trouble(s, OUTCOME_EVENT_DNS, s->domain, "has no usable next hop");

    size_t count = route_find(snapshot->config, clock, domain, targets, HOPS_HOSTS_MAX);
    for (size_t i = 0; i < count; i++) {
        add_host(s, targets[i].host, targets[i].port, TLS_NAME_ROUTE_HOST, false);
        s->hosts[i].ip = targets[i].ip;
    }
    if (count == 0 && mailaddr_is_literal(domain, &ip)) {
        char text[IP_TEXT_MAX];
        add_host(s, ip_format(&ip, text), (uint16_t)snapshot->config->delivery.smtp_port,
                 TLS_NAME_MX, true);
        s->hosts[0].ip = ip;
        count = 1;
    }
    if (count > 0)
        look_up_next(s);
    else
        s->query = resolver_mx(resolver, loop, s->domain, mx_came, s);
    return s;
}

void hops_cancel(struct hops_search *search)
{
    if (search == NULL)
        return;
    resolver_cancel(search->query);
    loop_undefer(&search->letter);
    destroy(search);
}
