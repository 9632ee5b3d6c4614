/* Questions and answers as letters between the asking loop and the resolver's. See resolver_priv.h
 * for the way they go. Knows nothing of DNS. */
#include "net/resolver.h"

#include "base/limits.h"
#include "base/mailaddr.h"
#include "base/mem.h"
#include "net/resolver_priv.h"

void resolver_init(struct resolver *resolver, const struct resolver_ops *ops, struct loop *loop)
{
    resolver->ops = ops;
    resolver->loop = loop;
    atomic_init(&resolver->refs, 1);
}

void resolver_unref(struct resolver *resolver)
{
    if (atomic_fetch_sub(&resolver->refs, 1) == 1)
        resolver->ops->release(resolver);
}

uint64_t resolver_deadline_ms(enum resolver_kind kind)
{
    return kind == RESOLVER_KIND_REVERSE ? LIMIT_DNS_REVERSE_MS : LIMIT_DNS_QUERY_MS;
}

void resolver_answer_fail(struct resolver_answer *answer, enum resolver_status status,
                          const char *why)
{
    answer->status = status;
    (void)snprintf(answer->why, sizeof(answer->why), "%s", why); /* cut, it is for a log */
}

void resolver_answer_copy(struct resolver_answer *to, const struct resolver_answer *from)
{
    *to = *from;
    to->hosts = NULL;
    to->ips = NULL;
    if (from->host_count > 0) {
        to->hosts = mem_array(from->host_count, sizeof(*to->hosts));
        memcpy(to->hosts, from->hosts, from->host_count * sizeof(*to->hosts));
    }
    if (from->ip_count > 0) {
        to->ips = mem_array(from->ip_count, sizeof(*to->ips));
        memcpy(to->ips, from->ips, from->ip_count * sizeof(*to->ips));
    }
}

void resolver_answer_finish(struct resolver_answer *answer)
{
    free(answer->hosts);
    free(answer->ips);
    answer->hosts = NULL;
    answer->ips = NULL;
    answer->host_count = answer->ip_count = 0;
}

static void free_query(struct resolver_query *query)
{
    resolver_unref(query->resolver);
    resolver_answer_finish(&query->answer);
    free(query);
}

/* On HOME. */
static void come_home(struct letter *letter)
{
    struct resolver_query *query = CONTAINER_OF(letter, struct resolver_query, letter);
    if (!query->is_cancelled)
        query->done(query->ctx, &query->answer);
    free_query(query);
}

/* On the owner's loop. */
static void arrive(struct letter *letter)
{
    struct resolver_query *query = CONTAINER_OF(letter, struct resolver_query, letter);
    query->resolver->ops->ask(query->resolver, query);
}

void resolver_answer_query(struct resolver_query *query, const struct resolver_answer *answer)
{
    resolver_answer_copy(&query->answer, answer);
    query->letter.run = come_home;
    if (!loop_post(query->home, &query->letter))
        free_query(query); /* the asking loop is gone, and who asked with it */
}

static struct resolver_query *ask(struct resolver *resolver, struct loop *home,
                                  enum resolver_kind kind, struct slice name, const struct ip *ip,
                                  resolver_done_fn *done, void *ctx)
{
    struct resolver_query *query = MEM_NEW(struct resolver_query);
    (void)atomic_fetch_add(&resolver->refs, 1);
    query->resolver = resolver;
    query->home = home;
    query->kind = kind;
    query->done = done;
    query->ctx = ctx;
    list_init(&query->node);
    if (ip != NULL)
        query->ip = *ip;
    if (name.len > 0 && name.p[name.len - 1] == '.')
        name.len--;
    bool is_good =
        name.len > 0 && name.len < RESOLVER_NAME_MAX && (ip != NULL || mailaddr_is_domain(name));
    for (size_t i = 0; is_good && i < name.len; i++) {
        char c = name.p[i];
        query->name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    query->letter.run = arrive;
    if (is_good && loop_post(resolver->loop, &query->letter))
        return query;
    /* Told in a later turn, like any answer. */
    resolver_answer_fail(&query->answer, RESOLVER_STATUS_FAILED,
                         is_good ? "the resolver has stopped" : "not a domain name");
    query->letter.run = come_home;
    loop_defer(home, &query->letter);
    return query;
}

struct resolver_query *resolver_reverse(struct resolver *resolver, struct loop *home,
                                        const struct ip *ip, resolver_done_fn *done, void *ctx)
{
    char text[IP_TEXT_MAX];
    return ask(resolver, home, RESOLVER_KIND_REVERSE, slice_str(ip_format(ip, text)), ip, done,
               ctx);
}

struct resolver_query *resolver_mx(struct resolver *resolver, struct loop *home, const char *domain,
                                   resolver_done_fn *done, void *ctx)
{
    return ask(resolver, home, RESOLVER_KIND_MX, slice_str(domain), NULL, done, ctx);
}

struct resolver_query *resolver_addresses(struct resolver *resolver, struct loop *home,
                                          const char *host, resolver_done_fn *done, void *ctx)
{
    return ask(resolver, home, RESOLVER_KIND_ADDRESSES, slice_str(host), NULL, done, ctx);
}

void resolver_cancel(struct resolver_query *query)
{
    if (query != NULL)
        query->is_cancelled = true; /* freed when it comes home */
}
