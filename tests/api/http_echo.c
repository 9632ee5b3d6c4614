/* A small app over webui alone, for tests/api/test_http_raw.py: it says what it was asked.
 *
 *   http_echo STATE_DIR [NAME=VALUE...]     NAME: a row of settings[] below
 *
 * It prints "https PORT", "http PORT", "local PATH" and "ready", then obeys lines on its standard
 * input and answers each with one line: `swap` serves the other certificate, `publish TOPIC JSON`,
 * `held` counts requests to /held, `release` ends them, `listen`, `unlisten` (a second HTTPS
 * listener), `endkey N`, `count`. It ends with its input. */
#include <pthread.h>

#include "api/exchange.h"
#include "base/clock.h"
#include "base/work.h"
#include "pki/cert.h"
#include "pki/demo.h"
#include "pki/key.h"
#include "pki/served.h"
#include "webui/http.h"

enum { LINE_MAX_BYTES = 4096, HELD_MAX = 64, BIG_BYTES = 24000000 };

struct held {
    struct list node;
    struct api_exchange *exchange;
};

/* For /later: `done` on another thread. */
struct later {
    struct work_job job;
    struct api_exchange *exchange;
};

static struct {
    struct http *http;
    struct work_pool *pool;
    struct served *served[2];
    struct http_listener *listener, *second;
    pthread_mutex_t mutex; /* guards held */
    struct list held;
    unsigned held_count;
} app;

/* --- what the routes do --------------------------------------------------------------------------
 */

static void run_later(struct work_job *job)
{
    struct later *later = CONTAINER_OF(job, struct later, job);
    later->exchange->done(later->exchange);
    free(later);
}

static void end_later(struct api_exchange *exchange)
{
    struct later *later = MEM_NEW(struct later);
    later->job.run = run_later;
    later->exchange = exchange;
    ASSERT(work_submit(app.pool, &later->job) == 0);
}

static void hold(struct api_exchange *exchange)
{
    struct held *held = MEM_NEW(struct held);
    held->exchange = exchange;
    (void)pthread_mutex_lock(&app.mutex);
    list_append(&app.held, &held->node);
    app.held_count++;
    (void)pthread_mutex_unlock(&app.mutex);
}

static bool is_path(const struct api_exchange *exchange, const char *path)
{
    return slice_eq(exchange->path, slice_str(path));
}

static void on_admit(void *owner, struct api_exchange *exchange)
{
    (void)owner;
    if (is_path(exchange, "/admit401"))
        exchange->status = 401;
    else if (is_path(exchange, "/small"))
        exchange->body_max = 16;
    if (is_path(exchange, "/later"))
        end_later(exchange);
    else
        exchange->done(exchange);
}

static void echo(struct api_exchange *exchange)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",    "PUT",
                                          "PATCH", "DELETE", "OPTIONS", "OTHER"};
    char address[IP_TEXT_MAX];

    exchange->status = 200;
    exchange->content_type = "text/plain";
    (void)buf_printf(
        &exchange->reply, "method=%s path=%.*s query=%.*s length=%zu fields=%zu from=%s uid=%u\n",
        methods[exchange->method], SLICE_ARGS(exchange->path), SLICE_ARGS(exchange->query),
        exchange->body.len, exchange->field_count,
        exchange->origin == API_ORIGIN_LOCAL ? "local" : ip_format(&exchange->address, address),
        exchange->uid);
}

static void reply_big(struct api_exchange *exchange)
{
    exchange->status = 200;
    exchange->content_type = "application/octet-stream";
    char *p = buf_reserve(&exchange->reply, BIG_BYTES);
    memset(p, 'x', BIG_BYTES);
    buf_commit(&exchange->reply, BIG_BYTES);
}

static void on_handle(void *owner, struct api_exchange *exchange)
{
    unsigned long long key = 0;

    (void)owner;
    if (is_path(exchange, "/big") || slice_eq(exchange->query, SLICE("big")))
        reply_big(exchange);
    else
        echo(exchange);
    if (is_path(exchange, "/events")) {
        (void)!slice_to_u64(api_exchange_field(exchange, "x-key"), UINT64_MAX, &key);
        exchange->stream_topics = FEED_TOPIC_COMMIT | FEED_TOPIC_DRAFT;
        (void)snprintf(exchange->stream_holder.id, FEED_HOLDER_SIZE, "token!%llu", key);
    } else if (is_path(exchange, "/cached")) {
        api_exchange_reply_field(exchange, "Cache-Control", SLICE("max-age=60"));
    } else if (is_path(exchange, "/none")) {
        buf_clear(&exchange->reply, 0);
        exchange->status = 204;
        exchange->content_type = NULL;
    }
    if (is_path(exchange, "/later"))
        end_later(exchange);
    else if (is_path(exchange, "/held"))
        hold(exchange);
    else
        exchange->done(exchange);
}

/* --- what the lines on standard input do ---------------------------------------------------------
 */

static void release(void)
{
    for (;;) {
        (void)pthread_mutex_lock(&app.mutex);
        struct list *node = list_pop(&app.held);
        app.held_count -= node != NULL;
        (void)pthread_mutex_unlock(&app.mutex);
        if (node == NULL)
            return;
        struct held *held = CONTAINER_OF(node, struct held, node);
        held->exchange->done(held->exchange);
        free(held);
    }
}

static void publish(struct slice rest)
{
    struct slice topic = slice_cut(&rest, ' ');
    struct feed feed = http_feed(app.http);
    char *json = slice_dup(rest);

    for (size_t i = 0; i < FEED_TOPIC_COUNT; i++) {
        if (slice_eq(topic, slice_str(feed_topic_names[i])))
            feed.publish(feed.owner, (enum feed_topic)(1U << i), json);
    }
    free(json);
}

static void count(void)
{
    struct http_counters c;

    http_count(app.http, &c);
    (void)printf(
        "connections=%zu streams=%zu accepted=%llu refused=%llu pushed_out=%llu late=%llu\n",
        c.connections, c.streams, (unsigned long long)c.accepted, (unsigned long long)c.refused,
        (unsigned long long)c.pushed_out, (unsigned long long)c.late);
}

static int bind_loopback(void)
{
    struct ip ip;
    struct error error;
    int fd = -1;

    ASSERT(ip_parse(SLICE("0.0.0.0"), &ip));
    if (http_bind(&ip, 0, &fd, &error) < 0) {
        (void)fprintf(stderr, "http_echo: %s\n", error.text);
        exit(1);
    }
    return fd;
}

static void obey(char *line)
{
    struct slice rest = slice_str(line);
    struct slice word = slice_cut(&rest, ' ');
    char holder[FEED_HOLDER_SIZE];

    if (slice_eq(word, SLICE("swap"))) {
        http_set_certificate(app.http, app.listener, app.served[1]);
    } else if (slice_eq(word, SLICE("publish"))) {
        publish(rest);
    } else if (slice_eq(word, SLICE("release"))) {
        release();
    } else if (slice_eq(word, SLICE("held"))) {
        (void)pthread_mutex_lock(&app.mutex);
        (void)printf("%u\n", app.held_count);
        (void)pthread_mutex_unlock(&app.mutex);
        return;
    } else if (slice_eq(word, SLICE("count"))) {
        count();
        return;
    } else if (slice_eq(word, SLICE("listen"))) {
        app.second = http_listen_tls(app.http, bind_loopback(), app.served[1]);
        (void)printf("%u\n", http_listener_port(app.second));
        return;
    } else if (slice_eq(word, SLICE("unlisten"))) {
        http_unlisten(app.http, app.second);
        app.second = NULL;
    } else if (slice_eq(word, SLICE("endkey"))) {
        struct feed feed = http_feed(app.http);
        (void)snprintf(holder, sizeof holder, "token!%.*s", SLICE_ARGS(rest));
        feed.end(feed.owner, holder);
    }
    (void)printf("ok\n");
}

/* --- set-up --------------------------------------------------------------------------------------
 */

static void fail(const struct error *error)
{
    (void)fprintf(stderr, "http_echo: %s\n", error->text);
    exit(1);
}

/* One with ECDSA and RSA, one with another ECDSA key. */
static void make_certificates(const char *dir)
{
    struct demo_pair pairs[DEMO_PAIRS];
    struct slice chains[DEMO_PAIRS];
    struct error error;

    if (demo_make(dir, "first.test", clock_system(), pairs, &error) < 0)
        fail(&error);
    for (int i = 0; i < DEMO_PAIRS; i++)
        chains[i] = slice_str(pairs[i].chain_pem);
    if (served_load(dir, chains, DEMO_PAIRS, &app.served[0], &error) < 0)
        fail(&error);
    for (int i = 0; i < DEMO_PAIRS; i++)
        demo_pair_finish(&pairs[i]);

    const char *names[] = {"second.test"};
    struct cert_request request = {
        .common_name = "second.test", .names = names, .name_count = 1, .days = 2};
    uint8_t serial[16] = {1};
    struct key *key = NULL;
    char *pem = NULL;
    if (key_generate(KEY_TYPE_ECDSA_P256, &key, &error) < 0 ||
        cert_self_signed(key, &request, clock_wall_ms(clock_system()), serial, &pem, &error) < 0)
        fail(&error);
    struct served_pair pair = {.chain_pem = slice_str(pem), .key = key};
    if (served_create(&pair, 1, &app.served[1], &error) < 0)
        fail(&error);
    free(pem);
    key_destroy(key);
}

static void set(struct http_settings *settings, struct slice pair)
{
    const struct {
        const char *name;
        uint32_t *value;
    } rows[] = {
        {"connections_max", &settings->connections_max},
        {"per_address_max", &settings->per_address_max},
        {"head_ms", &settings->head_ms},
        {"idle_ms", &settings->idle_ms},
        {"age_ms", &settings->age_ms},
        {"body_ms", &settings->body_ms},
        {"body_rate", &settings->body_rate},
        {"reply_ms", &settings->reply_ms},
        {"stream_ms", &settings->stream_ms},
        {"stream_comment_ms", &settings->stream_comment_ms},
        {"local_uid", &settings->local_uid},
    };
    struct slice name = slice_cut(&pair, '=');
    unsigned long long value;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (slice_eq(name, slice_str(rows[i].name)) && slice_to_u64(pair, UINT32_MAX, &value)) {
            *rows[i].value = (uint32_t)value;
            return;
        }
    }
    (void)fprintf(stderr, "http_echo: what is %.*s?\n", SLICE_ARGS(name));
    exit(2);
}

static void start(const struct http_settings *settings, const char *dir)
{
    struct http_app callbacks = {.admit = on_admit, .handle = on_handle};
    struct http_listener *local = NULL;
    struct error error;
    char *path = mem_printf("%s/socket", dir);

    if (http_create(settings, &callbacks, &app.http, &error) < 0)
        fail(&error);
    app.listener = http_listen_tls(app.http, bind_loopback(), app.served[0]);
    uint16_t port = http_listener_port(app.listener);
    struct http_listener *redirect = http_listen_redirect(app.http, bind_loopback(), port);
    if (http_listen_local(app.http, path, &local, &error) < 0)
        fail(&error);
    (void)printf("https %u\nhttp %u\nlocal %s\nready\n", port, http_listener_port(redirect), path);
    free(path);
}

int main(int argc, char **argv)
{
    struct http_settings settings;
    char line[LINE_MAX_BYTES];

    if (argc < 2)
        return 2;
    http_settings_init(&settings);
    for (int i = 2; i < argc; i++)
        set(&settings, slice_str(argv[i]));
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)pthread_mutex_init(&app.mutex, NULL);
    list_init(&app.held);
    make_certificates(argv[1]);
    app.pool = work_pool_create(1, HELD_MAX);
    start(&settings, argv[1]);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(line);
    }
    release();
    http_destroy(app.http);
    work_pool_destroy(app.pool);
    served_unref(app.served[0]);
    served_unref(app.served[1]);
    return 0;
}
