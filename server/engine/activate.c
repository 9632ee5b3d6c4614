/* See activate.h. A port is kept when name, address and number are the same; else the old one is
 * released in drain and a new one bound in prepare. Where a new address overlaps one of our own
 * that is about to go (127.0.0.1 -> 0.0.0.0) the probe for foreign processes is skipped: it would
 * find us. */
#include "engine/activate.h"

#include <semaphore.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "trace/trace.h"

/* --- calls to a loop --- */

struct call {
    struct letter letter;
    void (*fn)(void *arg);
    void *arg;
    sem_t is_done;
};

static void run_call(struct letter *letter)
{
    struct call *call = CONTAINER_OF(letter, struct call, letter);

    call->fn(call->arg);
    (void)sem_post(&call->is_done);
}

bool activate_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct call call = {.letter.run = run_call, .fn = fn, .arg = arg};

    (void)sem_init(&call.is_done, 0, 0);
    bool is_posted = loop_post(loop, &call.letter);
    if (is_posted)
        while (sem_wait(&call.is_done) != 0)
            continue; /* a signal */
    (void)sem_destroy(&call.is_done);
    return is_posted;
}

bool activate_post(struct loop *loop, struct letter *letter)
{
    return loop_post(loop, letter);
}

/* --- sockets --- */

static bool is_same(const struct activate_port *p, const struct cfg_listener *l,
                    const struct cfg_interface *i)
{
    return slice_eq(slice_str(p->name), l->name) && p->port == l->port &&
           ip_eq(&p->ip, &i->address);
}

static bool is_unspecified(const struct ip *ip)
{
    static const uint8_t zero[16];

    return memcmp(ip->bytes, zero, ip->family == 4 ? 4 : 16) == 0;
}

static bool overlaps_ours(const struct activate *a, const struct ip *ip, uint16_t port)
{
    for (size_t i = 0; i < a->port_count; i++) {
        const struct activate_port *p = &a->ports[i];
        if (!p->is_new && p->port == port &&
            (ip_eq(&p->ip, ip) || is_unspecified(&p->ip) || is_unspecified(ip)))
            return true;
    }
    return false;
}

static void close_fds(struct activate_port *p)
{
    for (size_t i = 0; i < ENGINE_LOOPS_MAX; i++) {
        if (p->fds[i] >= 0)
            (void)close(p->fds[i]);
        p->fds[i] = -1;
    }
}

static void forget(struct activate *a, bool (*is_gone)(const struct activate_port *p))
{
    size_t kept = 0;

    for (size_t i = 0; i < a->port_count; i++) {
        if (is_gone(&a->ports[i]))
            close_fds(&a->ports[i]);
        else
            a->ports[kept++] = a->ports[i];
    }
    a->port_count = kept;
}

static bool is_port_new(const struct activate_port *p)
{
    return p->is_new;
}

static bool is_port_released(const struct activate_port *p)
{
    return !p->is_kept;
}

static bool is_port_any(const struct activate_port *p)
{
    (void)p;
    return true;
}

static int bind_port(struct activate *a, const struct cfg_listener *l,
                     const struct cfg_interface *interface, struct error *reterr)
{
    uint16_t number = (uint16_t)l->port;

    if (a->port_count == ARRAY_LEN(a->ports))
        return error_set(reterr, ERR_FULL, "more than %d listeners", ACTIVATE_LISTENERS_MAX);
    if (!overlaps_ours(a, &interface->address, number)) {
        int r = listener_probe(&interface->address, number, reterr);
        if (r < 0)
            return r;
    }
    struct activate_port *p = &a->ports[a->port_count];
    *p = (struct activate_port){.ip = interface->address, .port = number, .is_new = true};
    (void)snprintf(p->name, sizeof p->name, "%.*s", SLICE_ARGS(l->name));
    for (size_t i = 0; i < ENGINE_LOOPS_MAX; i++)
        p->fds[i] = -1;
    a->port_count++;
    for (size_t i = 0; i < a->engine->loop_count; i++) {
        int r = listener_open(&interface->address, number, &p->fds[i], reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- the hooks --- */

static bool hook_prepare(void *owner, const struct config *old, const struct config *candidate,
                         const struct config_diff *diff, struct config_errors *errors)
{
    struct activate *a = owner;
    struct error error;
    bool is_ok = true;

    (void)old;
    a->reload = diff->reload;
    a->has_port_trouble = a->has_key_trouble = false;
    if (!snapshot_create(candidate, a->keys_dir, &a->prepared, errors)) {
        a->has_key_trouble = true;
        return false;
    }
    for (size_t i = 0; i < a->port_count; i++)
        a->ports[i].is_kept = false;
    for (size_t i = 0; i < candidate->listeners.count; i++) {
        const struct cfg_listener *l = &candidate->listeners.items[i];
        const struct cfg_interface *interface = config_find_interface(candidate, l->interface);
        bool is_kept = false;
        for (size_t j = 0; j < a->port_count && !is_kept; j++)
            if (is_same(&a->ports[j], l, interface))
                is_kept = a->ports[j].is_kept = true;
        if (is_kept)
            continue;
        int r = bind_port(a, l, interface, &error);
        if (r < 0) {
            char pointer[64];
            (void)snprintf(pointer, sizeof pointer, "/listeners/%zu/port", i);
            config_errors_add(errors, pointer, "listener.bind", "%s", error.text);
            is_ok = false;
        } else {
            a->ports[a->port_count - 1].is_kept = true;
        }
    }
    if (!is_ok) {
        a->has_port_trouble = true;
        forget(a, is_port_new);
        snapshot_unref(a->prepared);
        a->prepared = NULL;
    }
    return is_ok;
}

static void hook_abort(void *owner, const struct config *old, const struct config *candidate)
{
    struct activate *a = owner;

    (void)old;
    (void)candidate;
    forget(a, is_port_new);
    snapshot_unref(a->prepared);
    a->prepared = NULL;
}

struct loop_change {
    struct activate *a;
    size_t index;
};

/* On the first loop, which owns the resolver. */
static void configure_resolver(struct activate *a)
{
    const struct cfg_dns *dns = &a->prepared->config->dns;
    char(*texts)[IP_TEXT_MAX + 8] = mem_array(dns->forwarders.count + 1, sizeof *texts);
    const char **forwarders = mem_array(dns->forwarders.count + 1, sizeof *forwarders);
    const char **zones = mem_array(dns->local_zones_removed.count + 1, sizeof *zones);
    struct resolver_settings settings = {
        .forwarders = forwarders,
        .forwarder_count = dns->forwarders.count,
        .trust_anchor_file = dns->trust_anchor_file.len > 0 ? dns->trust_anchor_file.p : NULL,
        .unblock_lan_zones = dns->unblock_lan_zones,
        .removed_zones = zones,
        .removed_zone_count = dns->local_zones_removed.count,
    };
    struct error error;

    for (size_t i = 0; i < dns->forwarders.count; i++) {
        char ip[IP_TEXT_MAX];
        (void)snprintf(texts[i], sizeof texts[i], "%s@%u",
                       ip_format(&dns->forwarders.items[i].ip, ip), dns->forwarders.items[i].port);
        forwarders[i] = texts[i];
    }
    for (size_t i = 0; i < dns->local_zones_removed.count; i++)
        zones[i] = dns->local_zones_removed.items[i].text.p;
    if (resolver_configure(a->engine->resolver, &settings, &error) < 0)
        log_error("dns: %s; the settings before stay in use", error.text);
    free(texts);
    free(forwarders);
    free(zones);
}

static void change_loop(void *arg)
{
    struct loop_change *change = arg;
    struct activate *a = change->a;
    struct inbound *inbound = a->inbounds[change->index];
    struct error error;

    if (change->index == 0 && (a->reload & CFG_RELOAD_DNS) != 0)
        configure_resolver(a);
    inbound_publish(inbound, a->prepared);
    for (size_t i = 0; i < a->port_count; i++) {
        struct activate_port *p = &a->ports[i];
        if (!p->is_new)
            continue;
        int fd = p->fds[change->index];
        p->fds[change->index] = -1;
        if (inbound_listen(inbound, slice_str(p->name), &p->ip, p->port, fd, &error) < 0)
            log_error("listener %s: %s; this loop takes no connection there", p->name, error.text);
    }
}

static void warn_of_demonstration(const struct activate *a)
{
    const struct snapshot *s = a->prepared;

    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].is_demonstration)
            TRACE_EMIT(a->engine->trace, clock_wall_ms(a->engine->clock), certificate_demonstration,
                       .listener = s->listeners[i].cfg->name,
                       .certificate = s->listeners[i].cfg->certificate);
}

static void change_logs(struct activate *a)
{
    const struct config *config = a->prepared->config;
    const struct trace_settings settings = {
        .timezone = config->system.timezone.p,
        .rotate_bytes = config->logs.rotate_bytes,
        .keep_files = config->logs.keep_files,
    };
    trace_change(a->engine->trace, &settings);
}

static void hook_publish(void *owner, const struct config *old, const struct config *candidate)
{
    struct activate *a = owner;

    (void)old;
    (void)candidate;
    if (a->delivery == NULL) {
        a->delivery = delivery_create(a->engine, a->prepared);
        inbound_shared_init(a->shared, a->engine, a->delivery);
        for (size_t i = 0; i < a->engine->loop_count; i++)
            a->inbounds[i] = inbound_create(a->engine, a->engine->loops[i], a->shared, a->prepared);
    } else {
        delivery_publish(a->delivery, a->prepared);
    }
    change_logs(a);
    warn_of_demonstration(a);
    for (size_t i = 0; i < a->engine->loop_count; i++) {
        struct loop_change change = {.a = a, .index = i};
        (void)activate_call(a->engine->loops[i], change_loop, &change);
    }
    for (size_t i = 0; i < a->port_count; i++)
        a->ports[i].is_new = false;
    snapshot_unref(a->prepared);
    a->prepared = NULL;
}

static void release_loop(void *arg)
{
    struct loop_change *change = arg;
    struct activate *a = change->a;

    for (size_t i = 0; i < a->port_count; i++)
        if (!a->ports[i].is_kept)
            inbound_unlisten(a->inbounds[change->index], slice_str(a->ports[i].name),
                             &a->ports[i].ip, a->ports[i].port);
}

static void hook_drain(void *owner, const struct config *old, const struct config *candidate)
{
    struct activate *a = owner;

    (void)old;
    (void)candidate;
    for (size_t i = 0; i < a->engine->loop_count; i++) {
        struct loop_change change = {.a = a, .index = i};
        (void)activate_call(a->engine->loops[i], release_loop, &change);
    }
    forget(a, is_port_released);
}

void activate_init(struct activate *a, struct engine *engine, const char *keys_dir,
                   struct inbound_shared *shared)
{
    *a = (struct activate){.engine = engine, .shared = shared, .keys_dir = mem_strdup(keys_dir)};
}

void activate_hooks(struct activate *a, struct commit_hooks *ret_hooks)
{
    *ret_hooks = (struct commit_hooks){
        .prepare = hook_prepare,
        .abort = hook_abort,
        .publish = hook_publish,
        .drain = hook_drain,
        .owner = a,
    };
}

void activate_finish(struct activate *a)
{
    forget(a, is_port_any);
    free(a->keys_dir);
    a->keys_dir = NULL;
}
