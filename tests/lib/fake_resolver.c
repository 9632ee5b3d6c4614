/* A table of names. See fake_resolver.h. Each question waits on a timer of its own; one that the
 * table delays beyond the real resolver's deadline times out as there. */
#include "fake_resolver.h"

#include "base/list.h"
#include "base/mem.h"
#include "net/resolver_priv.h"

struct row {
    struct list node;
    enum resolver_kind kind;
    char *name;
    struct resolver_answer answer;
    uint64_t delay_ms;
};

struct waiting {
    struct list node;
    struct resolver_query *query;
    struct loop_timer timer;
    struct resolver_answer answer;
};

struct fake_resolver {
    struct resolver base;
    struct list rows, waiting;
};

static void answer_waiting(struct waiting *waiting)
{
    loop_timer_stop(&waiting->timer);
    list_remove(&waiting->node);
    resolver_answer_query(waiting->query, &waiting->answer);
    resolver_answer_finish(&waiting->answer);
    free(waiting);
}

static void fire(struct loop_timer *timer)
{
    answer_waiting(CONTAINER_OF(timer, struct waiting, timer));
}

static struct row *find(struct fake_resolver *fake, enum resolver_kind kind, const char *name)
{
    LIST_FOREACH(it, next, &fake->rows)
    {
        struct row *row = CONTAINER_OF(it, struct row, node);
        if (row->kind == kind && strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

static void fake_ask(struct resolver *resolver, struct resolver_query *query)
{
    struct fake_resolver *fake = CONTAINER_OF(resolver, struct fake_resolver, base);
    struct waiting *waiting = MEM_NEW(struct waiting);
    waiting->query = query;
    loop_timer_init(&waiting->timer, resolver->loop, fire);
    list_append(&fake->waiting, &waiting->node);
    const struct row *row = find(fake, query->kind, query->name);
    uint64_t limit_ms = resolver_deadline_ms(query->kind);
    uint64_t delay_ms = row == NULL ? 0 : row->delay_ms;
    if (row == NULL)
        resolver_answer_fail(&waiting->answer, RESOLVER_STATUS_NX_DOMAIN,
                             "the name does not exist");
    else if (delay_ms >= limit_ms)
        resolver_answer_fail(&waiting->answer, RESOLVER_STATUS_TIMEOUT, "no answer in time");
    else
        resolver_answer_copy(&waiting->answer, &row->answer);
    loop_timer_start_after(&waiting->timer, delay_ms < limit_ms ? delay_ms : limit_ms);
}

static void fake_release(struct resolver *resolver)
{
    free(CONTAINER_OF(resolver, struct fake_resolver, base));
}

static const struct resolver_ops fake_ops = {.ask = fake_ask, .release = fake_release};

struct fake_resolver *fake_resolver_create(struct loop *loop)
{
    struct fake_resolver *fake = MEM_NEW(struct fake_resolver);
    resolver_init(&fake->base, &fake_ops, loop);
    list_init(&fake->rows);
    list_init(&fake->waiting);
    return fake;
}

void fake_resolver_destroy(struct fake_resolver *fake)
{
    LIST_FOREACH(it, next, &fake->waiting)
    {
        struct waiting *waiting = CONTAINER_OF(it, struct waiting, node);
        resolver_answer_finish(&waiting->answer);
        resolver_answer_fail(&waiting->answer, RESOLVER_STATUS_FAILED, "the resolver has stopped");
        answer_waiting(waiting);
    }
    LIST_FOREACH(it, next, &fake->rows)
    {
        struct row *row = CONTAINER_OF(it, struct row, node);
        list_remove(&row->node);
        resolver_answer_finish(&row->answer);
        free(row->name);
        free(row);
    }
    resolver_unref(&fake->base);
}

struct resolver *fake_resolver_of(struct fake_resolver *fake)
{
    return &fake->base;
}

void fake_resolver_set(struct fake_resolver *fake, enum resolver_kind kind, const char *name,
                       const struct resolver_answer *answer, uint64_t delay_ms)
{
    struct row *row = find(fake, kind, name);
    if (row == NULL) {
        row = MEM_NEW(struct row);
        row->kind = kind;
        row->name = mem_strdup(name);
        list_append(&fake->rows, &row->node);
    }
    resolver_answer_finish(&row->answer);
    resolver_answer_copy(&row->answer, answer);
    row->delay_ms = delay_ms;
}

void fake_resolver_set_addresses(struct fake_resolver *fake, const char *host, const char *ips)
{
    struct ip list[RESOLVER_IPS_MAX];
    struct resolver_answer answer = {.ips = list, .ttl_s = 300};
    struct slice rest = slice_str(ips);
    while (rest.len > 0) {
        bool is_ip = ip_parse(slice_cut(&rest, ' '), &list[answer.ip_count]);
        ASSERT(is_ip);
        answer.ip_count++;
        ASSERT(answer.ip_count < RESOLVER_IPS_MAX);
    }
    fake_resolver_set(fake, RESOLVER_KIND_ADDRESSES, host, &answer, 0);
}

void fake_resolver_set_mx(struct fake_resolver *fake, const char *domain, const char *hosts)
{
    static struct resolver_host list[RESOLVER_HOSTS_MAX];
    struct resolver_answer answer = {.hosts = list, .ttl_s = 300};
    struct slice rest = slice_str(hosts);
    while (rest.len > 0) {
        unsigned long long preference = 0;
        bool is_number = slice_to_u64(slice_cut(&rest, ' '), 65535, &preference);
        ASSERT(is_number && answer.host_count < RESOLVER_HOSTS_MAX);
        struct slice name = slice_cut(&rest, ' ');
        struct resolver_host *host = &list[answer.host_count++];
        host->preference = (uint16_t)preference;
        (void)snprintf(host->name, sizeof(host->name), "%.*s", SLICE_ARGS(name)); /* the test's */
    }
    fake_resolver_set(fake, RESOLVER_KIND_MX, domain, &answer, 0);
}

void fake_resolver_set_reverse(struct fake_resolver *fake, const char *ip, const char *name,
                               bool is_verified)
{
    struct resolver_answer answer = {.is_verified = is_verified, .ttl_s = 300};
    (void)snprintf(answer.name, sizeof(answer.name), "%s", name); /* the test's */
    fake_resolver_set(fake, RESOLVER_KIND_REVERSE, ip, &answer, 0);
}
