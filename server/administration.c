/* See administration.h.
 *
 *   prepare  engine's, then: load the certificate of each HTTPS interface, bind what is new
 *   abort    close it, then engine's
 *   publish  engine's, then: listen on what is new, swap certificates on what stays
 *   drain    engine's, then: let go of what is no more; connections go on until they are idle */
#include "administration.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/sessions.h"
#include "config/setup_code.h"
#include "config/users.h"
#include "control/control.h"
#include "engine/activate.h"
#include "engine/snapshot.h"
#include "pki/served.h"
#include "webui/assets.h"
#include "webui/http.h"
#include "webui/webroot.h"

enum { PORTS_MAX = 2 * CONFIG_INTERFACES_MAX, STOP_POLL_MS = 5, SWEEP_MS = 300000 };

/* One listening address. */
struct port {
    struct ip ip;
    uint16_t port;
    uint16_t https_port;   /* a redirect's: where to; 0: it serves HTTPS */
    struct served *served; /* the prepared certificate, a reference; NULL for a redirect */
    int fd;                /* bound, not listened on yet; -1 once it is */
    struct http_listener *listener;
    bool is_new, is_kept;
};

struct administration {
    struct administration_settings settings;
    struct commit_hooks engine_hooks;
    struct control control;
    struct http *http;
    struct webroot *webroot; /* NULL: the pages are the embedded ones */
    struct feed feed;
    struct api *api;
    struct http_listener *local;
    struct port *ports;
    size_t port_count;
    bool is_started; /* listeners may take requests */
    bool has_port_trouble;
    char setup_code[SETUP_CODE_SIZE]; /* "": there is an administrator */
    char *keys_dir;
    struct queue_summary told; /* to the feed */
    uint64_t told_sessions, told_messages;
    uint64_t swept_ms;
};

/* --- requests, on the HTTP server's threads --- */

static void admit(void *owner, struct api_exchange *exchange)
{
    const struct administration *a = owner;

    if (assets_answer(&assets_embedded, a->webroot, exchange))
        exchange->done(exchange);
    else
        api_admit(a->api, exchange);
}

static void handle(void *owner, struct api_exchange *exchange)
{
    const struct administration *a = owner;

    api_handle(a->api, exchange);
}

/* --- listeners --- */

static bool is_same_place(const struct port *p, const struct port *q)
{
    return ip_eq(&p->ip, &q->ip) && p->port == q->port && p->https_port == q->https_port;
}

static void port_close(struct administration *a, struct port *p)
{
    if (p->fd >= 0)
        (void)close(p->fd); /* nobody was accepted on it */
    if (p->listener != NULL)
        http_unlisten(a->http, p->listener);
    served_unref(p->served);
}

static void forget(struct administration *a, bool (*is_gone)(const struct port *p))
{
    size_t kept = 0;

    for (size_t i = 0; i < a->port_count; i++) {
        if (is_gone(&a->ports[i]))
            port_close(a, &a->ports[i]);
        else
            a->ports[kept++] = a->ports[i];
    }
    a->port_count = kept;
}

static bool is_new(const struct port *p)
{
    return p->is_new;
}

static bool is_not_kept(const struct port *p)
{
    return !p->is_kept;
}

static bool is_any(const struct port *p)
{
    (void)p;
    return true;
}

/* Keeps the port that is there, or binds WANTED, whose certificate it takes over. */
static bool take_port(struct administration *a, struct port *wanted, const char *pointer,
                      struct config_errors *errors)
{
    struct error error;

    for (size_t i = 0; i < a->port_count; i++) {
        struct port *p = &a->ports[i];
        if (!is_same_place(p, wanted))
            continue;
        served_unref(p->served);
        p->served = wanted->served;
        p->is_kept = true;
        return true;
    }
    if (a->port_count == PORTS_MAX) {
        (void)error_set(&error, ERR_FULL, "more than %d addresses", PORTS_MAX);
    } else if (http_bind(&wanted->ip, wanted->port, &wanted->fd, &error) == 0) {
        wanted->is_new = wanted->is_kept = true;
        a->ports[a->port_count++] = *wanted;
        return true;
    }
    config_errors_add(errors, pointer, "listener.bind", "%s", error.text);
    a->has_port_trouble = true;
    served_unref(wanted->served);
    return false;
}

static bool prepare_interface(struct administration *a, const struct config *c, size_t at,
                              struct config_errors *errors)
{
    const struct cfg_interface *interface = &c->interfaces.items[at];
    const struct cfg_certificate *certificate =
        config_find_certificate(c, interface->https_certificate);
    struct port port = {.ip = interface->address, .fd = -1};
    char pointer[64];
    bool is_ok = true;

    if (interface->https) {
        port.port = (uint16_t)interface->https_port;
        port.served = snapshot_load_certificate(c, (size_t)(certificate - c->certificates.items),
                                                a->keys_dir, errors);
        if (port.served == NULL)
            return false;
        (void)snprintf(pointer, sizeof pointer, "/interfaces/%zu/https_port", at);
        is_ok = take_port(a, &port, pointer, errors);
    }
    if (is_ok && interface->http_redirect) {
        port = (struct port){.ip = interface->address,
                             .port = (uint16_t)interface->http_port,
                             .https_port = (uint16_t)interface->https_port,
                             .fd = -1};
        (void)snprintf(pointer, sizeof pointer, "/interfaces/%zu/http_port", at);
        is_ok = take_port(a, &port, pointer, errors);
    }
    return is_ok;
}

static void listen_all(struct administration *a)
{
    for (size_t i = 0; i < a->port_count; i++) {
        struct port *p = &a->ports[i];
        p->is_new = false;
        if (p->listener == NULL) {
            p->listener = p->https_port == 0 ? http_listen_tls(a->http, p->fd, p->served)
                                             : http_listen_redirect(a->http, p->fd, p->https_port);
            p->fd = -1; /* the listener's */
        } else if (p->served != NULL) {
            http_set_certificate(a->http, p->listener, p->served);
        }
    }
}

/* --- the hooks --- */

static bool hook_prepare(void *owner, const struct config *old, const struct config *candidate,
                         const struct config_diff *diff, struct config_errors *errors)
{
    struct administration *a = owner;
    const struct commit_hooks *engine = &a->engine_hooks;
    bool is_ok = true;

    a->has_port_trouble = false;
    if (!engine->prepare(engine->owner, old, candidate, diff, errors))
        return false;
    for (size_t i = 0; i < a->port_count; i++)
        a->ports[i].is_kept = false;
    for (size_t i = 0; i < candidate->interfaces.count && is_ok; i++)
        is_ok = prepare_interface(a, candidate, i, errors);
    if (is_ok)
        return true;
    forget(a, is_new);
    engine->abort(engine->owner, old, candidate);
    return false;
}

static void hook_abort(void *owner, const struct config *old, const struct config *candidate)
{
    struct administration *a = owner;

    forget(a, is_new);
    a->engine_hooks.abort(a->engine_hooks.owner, old, candidate);
}

static void hook_publish(void *owner, const struct config *old, const struct config *candidate)
{
    struct administration *a = owner;

    a->engine_hooks.publish(a->engine_hooks.owner, old, candidate);
    if (a->is_started)
        listen_all(a);
}

static void hook_drain(void *owner, const struct config *old, const struct config *candidate)
{
    struct administration *a = owner;

    a->engine_hooks.drain(a->engine_hooks.owner, old, candidate);
    forget(a, is_not_kept);
}

void administration_hooks(struct administration *a, struct commit_hooks *ret_hooks)
{
    activate_hooks(a->settings.activate, &a->engine_hooks);
    *ret_hooks = (struct commit_hooks){
        .check = a->engine_hooks.check, /* none: theirs would get our owner */
        .prepare = hook_prepare,
        .abort = hook_abort,
        .publish = hook_publish,
        .drain = hook_drain,
        .owner = a,
    };
    ASSERT(ret_hooks->check == NULL);
}

bool administration_has_port_trouble(const struct administration *a)
{
    return a->has_port_trouble;
}

/* --- its life --- */

int administration_create(const struct administration_settings *settings,
                          struct administration **ret_administration, struct error *reterr)
{
    struct administration *a = MEM_NEW(struct administration);
    const struct http_app app = {.admit = admit, .handle = handle, .owner = a};
    struct http_settings http;

    a->settings = *settings;
    a->ports = mem_array(PORTS_MAX, sizeof *a->ports);
    a->keys_dir = mem_printf("%s/keys", settings->state_dir);
    http_settings_init(&http);
    http.clock = settings->engine->clock;
    http.local_uid = (uint32_t)geteuid();
    http.build = settings->webroot == NULL ? assets_embedded.build : "webroot";
    int r = 0;
    if (settings->webroot != NULL)
        r = webroot_open(settings->webroot, &a->webroot, reterr);
    if (r == 0)
        r = http_create(&http, &app, &a->http, reterr);
    if (r < 0) {
        administration_destroy(a);
        return r;
    }
    a->feed = http_feed(a->http);
    *ret_administration = a;
    return 0;
}

static int need_setup_code(struct administration *a, struct error *reterr)
{
    bool has_administrator = false;

    int r = users_has_administrator(a->settings.commit->store, &has_administrator, reterr);
    if (r == 0 && !has_administrator)
        r = setup_code_ensure(a->settings.state_dir, a->settings.engine->clock, a->setup_code,
                              reterr);
    return r;
}

int administration_start(struct administration *a, struct error *reterr)
{
    const struct administration_settings *s = &a->settings;
    char *log_dir = mem_printf("%s/log", s->state_dir);
    char *socket = mem_printf("%s/run/postern.sock", s->state_dir);
    const struct api_settings api = {
        .control = &a->control,
        .clock = s->engine->clock,
        .main = s->main,
        .feed = &a->feed,
        .version = s->version,
    };

    a->control = (struct control){
        .config = config_ctl_create(s->engine, s->commit),
        .queue = queue_ctl_create(s->engine, s->activate->delivery),
        .log = log_ctl_create(s->engine, log_dir),
        .file = file_ctl_create(s->engine, a->keys_dir),
        .stats = stats_ctl_create(s->engine, s->version),
        .workers = s->engine->workers,
        .state_dir = s->state_dir,
    };
    a->api = api_create(&api);
    a->is_started = true;
    listen_all(a);
    int r = need_setup_code(a, reterr);
    if (r == 0)
        r = http_listen_local(a->http, socket, &a->local, reterr);
    free(log_dir);
    free(socket);
    return r;
}

void administration_announce(const struct administration *a)
{
    for (size_t i = 0; i < a->port_count; i++) {
        const struct port *p = &a->ports[i];
        char ip[IP_TEXT_MAX];
        (void)ip_format(&p->ip, ip);
        (void)printf("postern: administration on %s://%s%s%s:%u/\n",
                     p->https_port == 0 ? "https" : "http", p->ip.family == 6 ? "[" : "", ip,
                     p->ip.family == 6 ? "]" : "", p->port);
    }
    if (a->setup_code[0] != '\0')
        (void)printf("postern: no administrator yet: make one with the setup code %s\n",
                     a->setup_code);
}

/* Rows of sessions that have ended. */
static void sweep_sessions(struct administration *a)
{
    uint64_t now_ms = clock_mono_ms(a->settings.engine->clock);
    size_t count;
    struct error error;

    if (now_ms - a->swept_ms < SWEEP_MS)
        return;
    a->swept_ms = now_ms;
    if (sessions_sweep(a->settings.commit->store, a->settings.engine->clock, &count, &error) < 0)
        log_warning("sessions: %s; those that have ended stay in the database", error.text);
}

void administration_tick(struct administration *a)
{
    struct queue_summary queue;
    struct stats_status status;
    struct http_counters http;
    char text[512];

    sweep_sessions(a);
    if (!a->is_started)
        return;
    api_tick(a->api);
    http_count(a->http, &http);
    if (http.streams == 0 || queue_ctl_summary(a->control.queue, &queue) < 0)
        return; /* whoever comes is told at once: `told` is as old as the last one who listened */
    if (memcmp(&queue, &a->told, sizeof queue) != 0) {
        (void)snprintf(text, sizeof text,
                       "{\"messages\":%llu,\"active\":%llu,\"waiting\":%llu,\"bytes\":%llu,"
                       "\"delivered\":%llu,\"delayed\":%llu,\"bounced\":%llu,"
                       "\"destinations_down\":%llu}",
                       (unsigned long long)queue.messages, (unsigned long long)queue.active,
                       (unsigned long long)queue.waiting, (unsigned long long)queue.bytes,
                       (unsigned long long)queue.delivered, (unsigned long long)queue.delayed,
                       (unsigned long long)queue.bounced,
                       (unsigned long long)queue.destinations_down);
        a->feed.publish(a->feed.owner, FEED_TOPIC_QUEUE, text);
        a->told = queue;
    }
    stats_ctl_status(a->control.stats, a->settings.commit->running, &status);
    if (status.counters.sessions == a->told_sessions &&
        status.counters.messages == a->told_messages)
        return;
    a->told_sessions = status.counters.sessions;
    a->told_messages = status.counters.messages;
    (void)snprintf(
        text, sizeof text,
        "{\"sessions\":%llu,\"messages\":%llu,\"recipients\":%llu,\"bytes\":%llu}",
        (unsigned long long)status.counters.sessions, (unsigned long long)status.counters.messages,
        (unsigned long long)status.counters.recipients, (unsigned long long)status.counters.bytes);
    a->feed.publish(a->feed.owner, FEED_TOPIC_COUNTERS, text);
}

struct stopping {
    struct http *http;
    _Atomic bool is_done;
};

static void *stop_http(void *arg)
{
    struct stopping *stopping = arg;

    http_destroy(stopping->http);
    atomic_store(&stopping->is_done, true);
    return NULL;
}

void administration_stop(struct administration *a)
{
    struct stopping stopping = {.http = a->http};
    pthread_t thread;

    if (a->http == NULL)
        return;
    forget(a, is_any);
    http_unlisten(a->http, a->local);
    a->local = NULL;
    /* It waits for the answers of requests under way, which come through main's mailbox. */
    int r = pthread_create(&thread, NULL, stop_http, &stopping);
    ASSERT(r == 0);
    while (!atomic_load(&stopping.is_done)) {
        (void)mailbox_drain(a->settings.main);
        (void)poll(NULL, 0, STOP_POLL_MS);
    }
    (void)pthread_join(thread, NULL);
    a->http = NULL;
    a->is_started = false;
}

void administration_destroy(struct administration *a)
{
    if (a == NULL)
        return;
    forget(a, is_any);
    http_destroy(a->http);
    webroot_close(a->webroot);
    api_destroy(a->api);
    queue_ctl_destroy(a->control.queue);
    log_ctl_destroy(a->control.log);
    stats_ctl_destroy(a->control.stats);
    file_ctl_destroy(a->control.file);
    config_ctl_destroy(a->control.config);
    mem_wipe(a->setup_code, sizeof a->setup_code);
    free(a->keys_dir);
    free(a->ports);
    free(a);
}
