/* See gateway.h. The MIDs, ICIDs and DCIDs begin at 1; their reservations are granted at once. */
#include "gateway.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/work.h"
#include "pki/key.h"
#include "pki/trust.h"
#include "queue/spool.h"

/* A test that never settles has a bug; the number is far above any honest one. */
enum { START_WALL_S = 1790000000, TURNS_MAX = 10000000, WORKERS = 1, JOBS_MAX = 64 };

static void grant(struct idgen *gen, uint64_t new_limit)
{
    idgen_extend(gen, new_limit);
}

/* PEER as a certificate of the configuration and as one that is trusted. */
static void put_certificate(struct config *config, const struct tls_peer *peer,
                            struct config_errors *errors)
{
    const char *pem = tls_peer_pem(peer);
    json_t *key = json_pack("{s:s, s:s, s:s}", "type", "ecdsa", "spki",
                            key_spki(tls_peer_key(peer)), "chain", pem);
    json_t *objects[] = {json_pack("{s:s, s:[o]}", "name", "Own", "keys", key),
                         json_pack("{s:s, s:s}", "name", "Own", "pem", pem)};
    static const char *const sections[] = {"certificates", "trust-lists"};

    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        char *text = json_dumps(objects[i], JSON_COMPACT);
        assert_non_null(text);
        (void)config_put(config, sections[i], slice_str(text), errors); /* validation tells */
        free(text);
        json_decref(objects[i]);
    }
}

static void build_snapshot(struct gateway *g, struct config *config, struct config_errors *errors)
{
    char dir[] = "/tmp/postern-flow-XXXXXX";
    char file[sizeof dir + KEY_SPKI_MAX + 8];

    if (g->identity == NULL) {
        assert_true(snapshot_create(config, "/nonexistent", &g->snapshot, errors));
        return;
    }
    const struct key *key = tls_peer_key(g->identity);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(key_store(dir, key, NULL), 0);
    bool is_built = snapshot_create(config, dir, &g->snapshot, errors);
    (void)snprintf(file, sizeof file, "%s/%s.pem", dir, key_spki(key));
    (void)unlink(file); /* rmdir tells */
    assert_int_equal(rmdir(dir), 0);
    assert_true(is_built);
}

static void load_config(struct gateway *g, const struct gateway_settings *settings)
{
    struct config_errors errors;

    config_errors_init(&errors);
    struct config *config = config_parse(slice_str(settings->config_json), &errors);
    if (config != NULL && settings->has_certificate) {
        g->identity = tls_peer_create(g->engine.clock, "mail.example.test");
        put_certificate(config, g->identity, &errors);
    }
    if (config == NULL || !config_validate(config, &errors))
        fail_msg("%s: %s", errors.items[0].pointer, errors.items[0].text);
    build_snapshot(g, config, &errors);
    config_unref(config);
    config_errors_finish(&errors);
}

void gateway_init(struct gateway *g, const struct gateway_settings *settings)
{
    *g = (struct gateway){0};
    clock_fake_init(&g->clock, START_WALL_S * 1000LL);
    trust_use_clock(&g->clock.clock);
    g->loop_count = settings->loop_count == 0 ? 1 : settings->loop_count;
    for (size_t i = 0; i < g->loop_count; i++) {
        fake_loop_init(&g->loops[i], &g->clock);
        g->engine.loops[i] = &g->loops[i].loop;
    }
    g->engine.loop_count = g->loop_count;
    g->names = fake_resolver_create(g->engine.loops[0]);
    buf_init(&g->text, 0);
    buf_init(&g->json, 0);
    list_init(&g->sessions);
    g->engine.clock = &g->clock.clock;
    g->engine.trace = trace_create_memory(&g->text, &g->json);
    g->engine.spool = spool_memory_create();
    g->engine.resolver = fake_resolver_of(g->names);
    idgen_init(&g->engine.mids, 1, 65537, grant, NULL);
    idgen_init(&g->engine.icids, 1, 65537, grant, NULL);
    idgen_init(&g->engine.dcids, 1, 65537, grant, NULL);
    load_config(g, settings);
    g->engine.workers = work_pool_create(WORKERS, JOBS_MAX);
    g->delivery = delivery_create(&g->engine, g->snapshot);
    g->shared = MEM_NEW(struct inbound_shared);
    inbound_shared_init(g->shared, &g->engine, g->delivery);
}

void gateway_finish(struct gateway *g)
{
    gateway_free_workers(g);
    delivery_stop(g->delivery);
    gateway_settle(g);
    work_pool_destroy(g->engine.workers);
    g->engine.workers = NULL;
    fake_resolver_destroy(g->names);
    gateway_settle_without_disk(g);
    delivery_destroy(g->delivery);
    spool_close(g->engine.spool);
    snapshot_unref(g->snapshot);
    tls_peer_destroy(g->identity);
    trace_destroy(g->engine.trace);
    for (size_t i = 0; i < g->loop_count; i++)
        fake_loop_finish(&g->loops[i]);
    buf_finish(&g->text);
    buf_finish(&g->json);
    free(g->shared);
}

/* One turn of each loop. */
static size_t turn(struct gateway *g)
{
    size_t ran = 0;

    for (size_t i = 0; i < g->loop_count; i++)
        ran += fake_loop_turn(&g->loops[i]);
    return ran;
}

/* Workers are threads: they end, which finishes what they have, and others take their place. */
static void finish_work(struct gateway *g)
{
    if (g->jobs != NULL || g->engine.workers == NULL)
        return; /* kept, or gone for good */
    work_pool_destroy(g->engine.workers);
    g->engine.workers = work_pool_create(WORKERS, JOBS_MAX);
    g->shared->spool_sink.workers = g->engine.workers;
}

void gateway_settle_without_disk(struct gateway *g)
{
    int turns = 0;

    do {
        for (; turn(g) > 0; turns++)
            ASSERT(turns < TURNS_MAX);
        finish_work(g);
    } while (turn(g) > 0);
}

void gateway_settle(struct gateway *g)
{
    /* The spool is one thread's: it commits when no worker has anything left to do there. */
    do {
        gateway_settle_without_disk(g);
    } while (spool_memory_complete(g->engine.spool, SIZE_MAX) > 0);
}

void gateway_settle_loop(struct gateway *g, size_t i)
{
    fake_loop_settle(&g->loops[i]);
}

struct gateway_job {
    struct work_job job;
    sem_t begun, go; /* the first one's */
};

static void wait_for(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        continue; /* interrupted */
}

static void run_first(struct work_job *job)
{
    struct gateway_job *first = CONTAINER_OF(job, struct gateway_job, job);

    (void)sem_post(&first->begun); /* cannot overflow */
    wait_for(&first->go);
}

static void run_other(struct work_job *job)
{
    (void)job;
}

void gateway_keep_workers(struct gateway *g, bool is_full)
{
    assert_null(g->jobs);
    struct gateway_job *jobs = mem_zalloc((1 + JOBS_MAX) * sizeof *jobs);
    assert_int_equal(sem_init(&jobs->begun, 0, 0), 0);
    assert_int_equal(sem_init(&jobs->go, 0, 0), 0);
    jobs->job.run = run_first;
    g->jobs = jobs;
    assert_int_equal(work_submit(g->engine.workers, &jobs->job), 0);
    wait_for(&jobs->begun); /* from here on it does not wait in the queue itself */
    for (size_t i = 1; is_full && i < 1 + JOBS_MAX; i++) {
        jobs[i].job.run = run_other;
        assert_int_equal(work_submit(g->engine.workers, &jobs[i].job), 0);
    }
}

void gateway_free_workers(struct gateway *g)
{
    if (g->jobs == NULL)
        return;
    struct gateway_job *jobs = g->jobs;
    g->jobs = NULL;
    assert_int_equal(sem_post(&jobs->go), 0);
    gateway_settle(g); /* ends the worker */
    assert_int_equal(sem_destroy(&jobs->begun), 0);
    assert_int_equal(sem_destroy(&jobs->go), 0);
    free(jobs);
}

static uint64_t next_deadline(struct gateway *g)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < g->loop_count; i++) {
        uint64_t at = loop_next_ms(&g->loops[i].loop);
        next = at < next ? at : next;
    }
    return next;
}

void gateway_wait(struct gateway *g, uint64_t for_ms)
{
    uint64_t until = g->clock.now_mono_ms + for_ms;

    for (;;) {
        gateway_settle(g);
        uint64_t now = g->clock.now_mono_ms, next = next_deadline(g);
        next = next < until ? next : until;
        if (next <= now)
            return;
        clock_fake_advance(&g->clock, next - now);
    }
}

/* --- the logs --- */

bool gateway_logged(struct gateway *g, const char *part)
{
    return strstr(buf_cstr(&g->text), part) != NULL;
}

size_t gateway_count_logged(struct gateway *g, const char *part)
{
    size_t count = 0;

    for (const char *p = buf_cstr(&g->text); (p = strstr(p, part)) != NULL; p++)
        count++;
    return count;
}

void gateway_assert_logged(struct gateway *g, const char *part)
{
    assert_has(buf_cstr(&g->text), part);
}

void gateway_assert_logged_in_order(struct gateway *g, const char *const *parts)
{
    const char *rest = buf_cstr(&g->text);

    for (; *parts != NULL; parts++) {
        const char *found = strstr(rest, *parts);
        if (found == NULL)
            fail_msg("no '%s', or not in this place, in:\n%s", *parts, buf_cstr(&g->text));
        rest = found + strlen(*parts);
    }
}

void gateway_assert_json(struct gateway *g, const char *part)
{
    assert_has(buf_cstr(&g->json), part);
}

void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no '%s' in:\n%s", part, text);
}

/* --- the client's end --- */

static size_t client_data(struct conn *conn, struct slice bytes)
{
    struct client *c = conn_user(conn);

    (void)buf_append_slice(&c->got, bytes);
    return bytes.len;
}

static void client_tls(struct conn *conn, const struct tls_result *result)
{
    struct client *c = conn_user(conn);

    c->tls_count++;
    c->tls = *result;
}

static void client_closed(struct conn *conn, const struct conn_end *end)
{
    struct client *c = conn_user(conn);

    (void)end;
    c->is_closed = true;
}

static const struct conn_handler client_handler = {
    .on_data = client_data,
    .on_tls = client_tls,
    .on_closed = client_closed,
};

void client_connect(struct client *c, struct gateway *g, const char *listener)
{
    client_connect_on(c, g, listener, 0);
}

void client_connect_on(struct client *c, struct gateway *g, const char *listener, size_t loop)
{
    const struct session_home home = {
        .engine = &g->engine,
        .loop = g->engine.loops[loop],
        .shared = g->shared,
        .snapshot = g->snapshot,
        .sessions = &g->sessions,
    };

    *c = (struct client){.gateway = g};
    buf_init(&c->got, 0);
    c->pair = pair_create(g->engine.loops[loop]);
    conn_set_handler(pair_b(c->pair), &client_handler, c);
    session_start(&home, snapshot_find_listener(g->snapshot, slice_str(listener)), pair_a(c->pair));
    gateway_settle(g);
}

static const char *heard(struct client *c)
{
    static char text[65536];

    (void)snprintf(text, sizeof text, "%.*s", SLICE_ARGS(buf_slice(&c->got)));
    buf_clear(&c->got, 0);
    return text;
}

const char *client_say(struct client *c, const char *bytes)
{
    conn_write(pair_b(c->pair), slice_str(bytes));
    gateway_settle(c->gateway);
    return heard(c);
}

const char *client_say_without_disk(struct client *c, const char *bytes)
{
    conn_write(pair_b(c->pair), slice_str(bytes));
    gateway_settle_without_disk(c->gateway);
    return heard(c);
}

const char *client_hear(struct client *c)
{
    gateway_settle(c->gateway);
    return heard(c);
}

void client_start_tls(struct client *c, struct tls_client *tls_client)
{
    conn_start_tls_client(pair_b(c->pair), tls_client, "mail.example.test", NULL, 0);
    tls_client_unref(tls_client);
    gateway_settle(c->gateway);
}

void client_finish(struct client *c)
{
    if (!c->is_closed)
        conn_close(pair_b(c->pair));
    gateway_wait(c->gateway, 60000);
    assert_true(c->is_closed);
    pair_destroy(c->pair);
    buf_finish(&c->got);
}

void client_abort(struct client *c)
{
    if (!c->is_closed)
        conn_abort(pair_b(c->pair));
    gateway_settle(c->gateway);
    assert_true(c->is_closed);
    pair_destroy(c->pair);
    buf_finish(&c->got);
}

void gateway_send(struct gateway *g, const char *listener, const char *sender,
                  const char *recipient, const char *text)
{
    struct client c;
    char commands[1024];

    client_connect(&c, g, listener);
    (void)snprintf(commands, sizeof commands,
                   "EHLO x\r\nMAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", sender, recipient);
    (void)client_say(&c, commands);
    (void)client_say(&c, text);
    assert_has(client_say(&c, "\r\n.\r\n"), "accepted");
    (void)client_say(&c, "QUIT\r\n");
    client_abort(&c); /* it hangs up too, without a wait: the clock is the delivery's */
}
