/* The resolver on libunbound. See resolver.h.
 *
 *   ask -> cache | a look-up under way for the same name | new look-up -> ub_resolve_async (a
 * thread of libunbound's) -> ub_fd readable -> ub_process -> on_result -> parts complete -> answer
 * all
 *
 * A look-up has one deadline of our own and at most two parts under way: ADDRESSES asks A and AAAA
 * together; REVERSE asks PTR, then the name's addresses of the same family, and is verified when
 * they lead back. Parts of a look-up that ends early are cancelled.
 *
 * A generation is one libunbound context with its settings. resolver_configure makes a new one; the
 * old one goes when its last look-up ends. Owner thread: the resolver's loop, for everything here.
 */
#include "net/resolver.h"

#include <unbound.h>
#include <unistd.h>

#include "base/hmap.h"
#include "base/mem.h"
#include "net/dns_wire.h"
#include "net/loop_priv.h"
#include "net/resolver_priv.h"

enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_MX = 15, TYPE_AAAA = 28, CLASS_IN = 1, RCODE_NX = 3 };
enum { PARTS = 2, KEY_MAX = RESOLVER_NAME_MAX + 2 };

struct generation {
    struct resolver_ub *owner;
    struct ub_ctx *ctx;
    uv_poll_t poll;
    unsigned lookups;
    bool is_retired;
    bool is_closing;
};

struct cache_entry {
    struct hmap_node node;
    struct list age; /* least recently used first */
    uint64_t until_ms;
    char key[KEY_MAX];
    struct resolver_answer answer;
};

struct lookup;

struct part {
    struct lookup *lookup;
    int id; /* libunbound's */
    int type;
    bool is_under_way;
};

struct lookup {
    struct hmap_node node; /* by key */
    struct resolver_ub *owner;
    struct generation *generation;
    char key[KEY_MAX];
    enum resolver_kind kind;
    char name[RESOLVER_NAME_MAX];
    struct ip ip;
    struct list queries; /* resolver_query.node */
    struct part parts[PARTS];
    struct loop_timer deadline;
    struct letter next; /* the next step, outside libunbound's callback */
    bool is_forward;    /* REVERSE: the name is known, its addresses are asked for */
    bool is_insecure;   /* some part was not validated */
    bool is_ttl_known;
    struct resolver_answer answer; /* gathered so far */
};

struct resolver_ub {
    struct resolver base;
    struct generation *generation;
    struct hmap lookups;
    struct hmap cache;
    struct list ages;
};

static struct resolver_ub *ub_of(struct resolver *resolver)
{
    return CONTAINER_OF(resolver, struct resolver_ub, base);
}

/* --- cache --- */

static void forget(struct resolver_ub *self, struct cache_entry *entry)
{
    hmap_remove(&self->cache, &entry->node);
    list_remove(&entry->age);
    resolver_answer_finish(&entry->answer);
    free(entry);
}

static void forget_all(struct resolver_ub *self)
{
    LIST_FOREACH(it, next, &self->ages)
    {
        forget(self, CONTAINER_OF(it, struct cache_entry, age));
    }
}

static struct cache_entry *recall(struct resolver_ub *self, const char *key)
{
    struct hmap_node *node = hmap_find(&self->cache, slice_str(key));
    if (node == NULL)
        return NULL;
    struct cache_entry *entry = CONTAINER_OF(node, struct cache_entry, node);
    if (entry->until_ms <= loop_now_ms(self->base.loop)) {
        forget(self, entry);
        return NULL;
    }
    list_remove(&entry->age);
    list_append(&self->ages, &entry->age);
    return entry;
}

static void remember(struct resolver_ub *self, const char *key,
                     const struct resolver_answer *answer)
{
    if (answer->ttl_s == 0)
        return;
    struct hmap_node *old = hmap_find(&self->cache, slice_str(key));
    if (old != NULL)
        forget(self, CONTAINER_OF(old, struct cache_entry, node));
    if (self->cache.count >= RESOLVER_CACHE_ENTRIES)
        forget(self, CONTAINER_OF(self->ages.next, struct cache_entry, age));
    struct cache_entry *entry = MEM_NEW(struct cache_entry);
    (void)snprintf(entry->key, sizeof(entry->key), "%s", key); /* same size */
    entry->until_ms = loop_now_ms(self->base.loop) + (uint64_t)answer->ttl_s * 1000;
    resolver_answer_copy(&entry->answer, answer);
    hmap_add(&self->cache, &entry->node, slice_str(entry->key));
    list_append(&self->ages, &entry->age);
}

/* --- generations --- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct generation *generation = poll->data;
    (void)events;
    (void)status;                      /* ub_process finds out itself */
    (void)ub_process(generation->ctx); /* an error here ends no look-up; their deadlines do */
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct generation *generation = handle->data;
    ub_ctx_delete(generation->ctx); /* joins its thread, which is idle */
    resolver_unref(&generation->owner->base);
    free(generation);
}

static void close_if_done(struct generation *generation)
{
    if (!generation->is_retired || generation->lookups > 0 || generation->is_closing)
        return;
    generation->is_closing = true;
    uv_close((uv_handle_t *)&generation->poll, on_poll_closed);
}

static void retire(struct generation *generation)
{
    generation->is_retired = true;
    close_if_done(generation);
}

static int ub_error(struct error *reterr, int code, const char *what, const char *value)
{
    return error_set(reterr, ERR_INVALID, "DNS settings: %s `%.100s`: %s", what, value,
                     ub_strerror(code));
}

static int configure(struct ub_ctx *ctx, const struct resolver_settings *settings,
                     struct error *reterr)
{
    int r = ub_ctx_debugout(ctx, NULL); /* no lines of its own on our standard error */
    if (r == 0)
        r = ub_ctx_async(ctx, 1); /* a thread, never a fork */
    if (r != 0)
        return ub_error(reterr, r, "set-up", "async");
    for (size_t i = 0; i < settings->forwarder_count; i++) {
        r = ub_ctx_set_fwd(ctx, settings->forwarders[i]);
        if (r != 0)
            return ub_error(reterr, r, "forwarder", settings->forwarders[i]);
    }
    if (settings->unblock_lan_zones) {
        r = ub_ctx_set_option(ctx, "unblock-lan-zones:", "yes");
        if (r == 0)
            r = ub_ctx_set_option(ctx, "insecure-lan-zones:", "yes");
        if (r != 0)
            return ub_error(reterr, r, "option", "unblock-lan-zones");
    }
    const char *anchor = settings->trust_anchor_file;
    if (anchor != NULL && anchor[0] != '\0') {
        r = access(anchor, R_OK) == 0 ? ub_ctx_add_ta_file(ctx, anchor) : UB_READFILE;
        if (r != 0)
            return ub_error(reterr, r, "trust anchor", anchor);
    }
    /* Removing a zone completes the set-up, so this comes last, and once in any case: an anchor
     * that cannot be understood is found now and not at the first question. */
    r = ub_ctx_zone_remove(ctx, "set-up.invalid.");
    for (size_t i = 0; r == 0 && i < settings->removed_zone_count; i++)
        r = ub_ctx_zone_remove(ctx, settings->removed_zones[i]);
    return r == 0 ? 0 : ub_error(reterr, r, "set-up", anchor == NULL ? "" : anchor);
}

static int make_generation(struct resolver_ub *self, const struct resolver_settings *settings,
                           struct generation **ret_generation, struct error *reterr)
{
    struct ub_ctx *ctx = ub_ctx_create();
    if (ctx == NULL)
        return error_set(reterr, ERR_IO, "cannot start the resolver");
    int r = configure(ctx, settings, reterr);
    if (r < 0) {
        ub_ctx_delete(ctx);
        return r;
    }
    struct generation *generation = MEM_NEW(struct generation);
    r = uv_poll_init(loop_uv_of(self->base.loop), &generation->poll, ub_fd(ctx));
    if (r < 0) {
        ub_ctx_delete(ctx);
        free(generation);
        return error_set(reterr, ERR_IO, "cannot watch the resolver: %s", uv_strerror(r));
    }
    generation->owner = self;
    generation->ctx = ctx;
    generation->poll.data = generation;
    (void)atomic_fetch_add(&self->base.refs, 1);
    (void)uv_poll_start(&generation->poll, UV_READABLE, on_poll); /* just made: cannot fail */
    *ret_generation = generation;
    return 0;
}

/* --- look-ups --- */

static void end_lookup(struct lookup *lookup)
{
    struct resolver_ub *self = lookup->owner;
    struct resolver_answer *answer = &lookup->answer;
    for (int i = 0; i < PARTS; i++) {
        if (lookup->parts[i].is_under_way)
            (void)ub_cancel(lookup->generation->ctx, lookup->parts[i].id); /* or it is done */
        lookup->parts[i].is_under_way = false;
    }
    if (answer->security != RESOLVER_SECURITY_BOGUS)
        answer->security =
            lookup->is_insecure ? RESOLVER_SECURITY_INSECURE : RESOLVER_SECURITY_SECURE;
    bool is_final = answer->status == RESOLVER_STATUS_OK ||
                    answer->status == RESOLVER_STATUS_NO_DATA ||
                    answer->status == RESOLVER_STATUS_NX_DOMAIN;
    if (answer->status != RESOLVER_STATUS_OK && is_final)
        answer->ttl_s = RESOLVER_NEGATIVE_TTL_S;
    else if (!is_final) /* a client whose zone is dead must not cost 2 s at each connection */
        answer->ttl_s = lookup->kind == RESOLVER_KIND_REVERSE ? RESOLVER_NEGATIVE_TTL_S : 0;
    else if (answer->ttl_s > RESOLVER_TTL_MAX_S)
        answer->ttl_s = RESOLVER_TTL_MAX_S;
    loop_timer_stop(&lookup->deadline);
    loop_undefer(&lookup->next);
    hmap_remove(&self->lookups, &lookup->node);
    if (lookup->generation == self->generation)
        remember(self, lookup->key, answer);
    LIST_FOREACH(it, next, &lookup->queries)
    {
        list_remove(it);
        resolver_answer_query(CONTAINER_OF(it, struct resolver_query, node), answer);
    }
    lookup->generation->lookups--;
    close_if_done(lookup->generation);
    resolver_answer_finish(answer);
    free(lookup);
}

static void deadline_passed(struct loop_timer *timer)
{
    struct lookup *lookup = CONTAINER_OF(timer, struct lookup, deadline);
    if (lookup->is_forward) {
        /* The name is known, only its proof is not: it counts as not verified. */
        lookup->is_insecure = true;
    } else if (lookup->answer.ip_count == 0) {
        resolver_answer_fail(&lookup->answer, RESOLVER_STATUS_TIMEOUT, "no answer in time");
        lookup->is_insecure = true;
    } else {
        lookup->is_insecure = true; /* one address family answered: better than none */
        lookup->answer.ttl_s = 1;
    }
    end_lookup(lookup);
}

static bool is_under_way(const struct lookup *lookup)
{
    return lookup->parts[0].is_under_way || lookup->parts[1].is_under_way;
}

static void take_result(struct lookup *lookup, int type, const struct ub_result *result)
{
    struct resolver_answer *answer = &lookup->answer;
    for (size_t i = 0; result->data != NULL && result->data[i] != NULL && result->len != NULL;
         i++) {
        struct slice rdata = slice_of(result->data[i], (size_t)result->len[i]);
        if (type == TYPE_MX) {
            dns_wire_add_mx(answer, rdata);
        } else if (type == TYPE_PTR) {
            /* The first that is a host name. */
            if (answer->name[0] == '\0' && !dns_wire_name(rdata, answer->name))
                answer->name[0] = '\0';
        } else if (type == TYPE_A || type == TYPE_AAAA) {
            dns_wire_add_ip(answer, rdata);
        }
    }
    uint32_t ttl_s = result->ttl < 0 ? 0 : (uint32_t)result->ttl;
    if (!lookup->is_ttl_known || ttl_s < answer->ttl_s)
        answer->ttl_s = ttl_s;
    lookup->is_ttl_known = true;
}

/* No part is under way any more: what does it come to, or what comes next? */
static void step(struct letter *letter);

static void on_result(void *ctx, int err, struct ub_result *result)
{
    struct part *part = ctx;
    struct lookup *lookup = part->lookup;
    struct resolver_answer *answer = &lookup->answer;
    part->is_under_way = false;
    if (err != 0 || result == NULL) {
        resolver_answer_fail(answer, RESOLVER_STATUS_FAILED,
                             err != 0 ? ub_strerror(err) : "failed");
        lookup->is_insecure = true;
    } else if (result->bogus) {
        resolver_answer_fail(answer, RESOLVER_STATUS_BOGUS,
                             result->why_bogus == NULL ? "DNSSEC validation failed"
                                                       : result->why_bogus);
        answer->security = RESOLVER_SECURITY_BOGUS;
    } else {
        lookup->is_insecure |= !result->secure;
        if (result->havedata)
            take_result(lookup, part->type, result);
        else if (result->rcode != 0 && result->rcode != RCODE_NX)
            resolver_answer_fail(answer, RESOLVER_STATUS_FAILED, "the servers gave no answer");
        else if (result->nxdomain)
            resolver_answer_fail(answer, RESOLVER_STATUS_NX_DOMAIN, "the name does not exist");
        else if (answer->status == RESOLVER_STATUS_OK)
            resolver_answer_fail(answer, RESOLVER_STATUS_NO_DATA, "no such record");
    }
    ub_resolve_free(result);
    if (!is_under_way(lookup))
        loop_defer(lookup->owner->base.loop, &lookup->next);
}

static void ask_part(struct lookup *lookup, int index, const char *name, int type)
{
    struct part *part = &lookup->parts[index];
    *part = (struct part){.lookup = lookup, .type = type, .is_under_way = true};
    /* ub_resolve_async takes the name as char * but only reads it. */
    int r =
        ub_resolve_async(lookup->generation->ctx, name, type, CLASS_IN, part, on_result, &part->id);
    if (r != 0) {
        part->is_under_way = false;
        resolver_answer_fail(&lookup->answer, RESOLVER_STATUS_FAILED, ub_strerror(r));
        lookup->is_insecure = true;
        if (!is_under_way(lookup))
            loop_defer(lookup->owner->base.loop, &lookup->next);
    }
}

/* PTR gave a name: do its addresses lead back? RFC 1912 2.1 */
static void check_forward(struct lookup *lookup)
{
    lookup->is_forward = true;
    ask_part(lookup, 0, lookup->answer.name, lookup->ip.family == 4 ? TYPE_A : TYPE_AAAA);
}

static void step(struct letter *letter)
{
    struct lookup *lookup = CONTAINER_OF(letter, struct lookup, next);
    struct resolver_answer *answer = &lookup->answer;
    if (lookup->kind == RESOLVER_KIND_REVERSE) {
        if (!lookup->is_forward && answer->status == RESOLVER_STATUS_OK &&
            answer->name[0] != '\0') {
            check_forward(lookup);
            return;
        }
        if (!lookup->is_forward && answer->status == RESOLVER_STATUS_OK)
            resolver_answer_fail(answer, RESOLVER_STATUS_NO_DATA, "its name is not a host name");
        if (lookup->is_forward) {
            for (size_t i = 0; i < answer->ip_count; i++)
                answer->is_verified |= ip_eq(&answer->ips[i], &lookup->ip);
            free(answer->ips); /* not part of this answer */
            answer->ips = NULL;
            answer->ip_count = 0;
            answer->status = RESOLVER_STATUS_OK; /* the name is what was asked for */
            answer->why[0] = '\0';
        }
    } else if (lookup->kind == RESOLVER_KIND_MX) {
        dns_wire_sort_mx(answer);
    } else if (answer->ip_count > 0) {
        /* One family is enough, unless the other was forged. */
        if (answer->status != RESOLVER_STATUS_BOGUS) {
            answer->status = RESOLVER_STATUS_OK;
            answer->why[0] = '\0';
        }
        dns_wire_sort_ips(answer);
    }
    end_lookup(lookup);
}

static void start_lookup(struct lookup *lookup)
{
    char reverse[80];
    switch (lookup->kind) {
    case RESOLVER_KIND_REVERSE:
        ask_part(lookup, 0, ip_reverse_name(&lookup->ip, reverse, sizeof(reverse)), TYPE_PTR);
        break;
    case RESOLVER_KIND_MX:
        ask_part(lookup, 0, lookup->name, TYPE_MX);
        break;
    case RESOLVER_KIND_ADDRESSES:
        ask_part(lookup, 0, lookup->name, TYPE_A);
        ask_part(lookup, 1, lookup->name, TYPE_AAAA);
        break;
    }
}

static void ub_ask(struct resolver *resolver, struct resolver_query *query)
{
    struct resolver_ub *self = ub_of(resolver);
    if (self->generation == NULL) {
        struct resolver_answer stopped = {0};
        resolver_answer_fail(&stopped, RESOLVER_STATUS_FAILED, "the resolver has stopped");
        resolver_answer_query(query, &stopped);
        return;
    }
    char key[KEY_MAX];
    (void)snprintf(key, sizeof(key), "%d%s", (int)query->kind, query->name); /* one digit, a name */
    const struct cache_entry *entry = recall(self, key);
    if (entry != NULL) {
        resolver_answer_query(query, &entry->answer);
        return;
    }
    struct hmap_node *node = hmap_find(&self->lookups, slice_str(key));
    if (node != NULL) {
        list_append(&CONTAINER_OF(node, struct lookup, node)->queries, &query->node);
        return;
    }
    struct lookup *lookup = MEM_NEW(struct lookup);
    lookup->owner = self;
    lookup->generation = self->generation;
    lookup->generation->lookups++;
    lookup->kind = query->kind;
    lookup->ip = query->ip;
    memcpy(lookup->name, query->name, sizeof(lookup->name));
    memcpy(lookup->key, key, sizeof(key));
    list_init(&lookup->queries);
    list_append(&lookup->queries, &query->node);
    lookup->next.run = step;
    loop_timer_init(&lookup->deadline, resolver->loop, deadline_passed);
    loop_timer_start_after(&lookup->deadline, resolver_deadline_ms(lookup->kind));
    hmap_add(&self->lookups, &lookup->node, slice_str(lookup->key));
    start_lookup(lookup);
}

/* --- life --- */

static void ub_release(struct resolver *resolver)
{
    struct resolver_ub *self = ub_of(resolver);
    hmap_finish(&self->lookups);
    hmap_finish(&self->cache);
    free(self);
}

static const struct resolver_ops ub_ops = {.ask = ub_ask, .release = ub_release};

int resolver_create(struct loop *loop, const struct resolver_settings *settings,
                    struct resolver **ret_resolver, struct error *reterr)
{
    struct resolver_ub *self = MEM_NEW(struct resolver_ub);
    resolver_init(&self->base, &ub_ops, loop);
    hmap_init(&self->lookups);
    hmap_init(&self->cache);
    list_init(&self->ages);
    int r = make_generation(self, settings, &self->generation, reterr);
    if (r < 0) {
        resolver_unref(&self->base);
        return r;
    }
    *ret_resolver = &self->base;
    return 0;
}

int resolver_configure(struct resolver *resolver, const struct resolver_settings *settings,
                       struct error *reterr)
{
    struct resolver_ub *self = ub_of(resolver);
    struct generation *generation = NULL;
    int r = make_generation(self, settings, &generation, reterr);
    if (r < 0)
        return r;
    retire(self->generation);
    self->generation = generation;
    forget_all(self);
    return 0;
}

void resolver_destroy(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    struct resolver_ub *self = ub_of(resolver);
    struct generation *generation = self->generation;
    self->generation = NULL;
    for (struct hmap_node *node = hmap_first(&self->lookups); node != NULL;
         node = hmap_first(&self->lookups)) {
        struct lookup *lookup = CONTAINER_OF(node, struct lookup, node);
        resolver_answer_fail(&lookup->answer, RESOLVER_STATUS_FAILED, "the resolver has stopped");
        end_lookup(lookup);
    }
    forget_all(self);
    retire(generation);
    resolver_unref(resolver);
}
