/* SMTP load generator: many sessions in one thread, each sending one message after the other and
 * waiting for every reply, as a plain client does.
 *
 * It prints one JSON line: rate, latencies from MAIL to the reply behind the final dot, errors by
 * kind, its own CPU time, and when (CLOCK_MONOTONIC) it began and ended, so that a script can put
 * sender and sink on one clock. With --ledger every acknowledged message is written down with its
 * SHA-256 (content.h).
 *
 *   connect -> greeting -> EHLO -> [STARTTLS -> handshake -> EHLO] -> { MAIL RCPT DATA body } ->
 * QUIT
 *
 * Without --persist a session that loses its connection counts an error and takes up the next
 * message; with it, it tries again until the wanted number is acknowledged: a server may be killed
 * and started beside it. What was not acknowledged is never sent again under the same id.
 * RFC 5321 3.3, 4.5.2 (dots), RFC 3207 4. */
#include <errno.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/slice.h"
#include "content.h"
#include "stream.h"

enum {
    EVENTS = 256,
    BODY_PIECE = 65536,
    REPLY_MAX = 65536,
    RETRY_US = 20000,
    SESSION_US = 60000000
};

enum step {
    STEP_IDLE, /* waits until `wake_at_us`, then connects */
    STEP_GREETING,
    STEP_EHLO,
    STEP_STARTTLS,
    STEP_HANDSHAKE,
    STEP_EHLO_TLS,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_BODY, /* body and the reply behind it */
    STEP_RSET, /* after a refused message */
    STEP_QUIT,
    STEP_OVER,
};

enum failure { FAIL_CONNECT, FAIL_LOST, FAIL_TLS, FAIL_4XX, FAIL_5XX, FAIL_TIMEOUT, FAIL_COUNT };

static const char *const failure_names[] = {"connect", "lost", "tls", "4xx", "5xx", "timeout"};

struct session {
    struct stream stream;
    enum step step;
    unsigned sent_here; /* messages on this connection */
    uint64_t wake_at_us, began_us, active_us;
    struct content content;
    char to[160];
};

struct load {
    const char *to, *rcpt, *from, *run, *priority_text, *ledger_path;
    unsigned sessions, per_connection;
    unsigned long long messages, seconds, size, domains;
    int starttls, resume, sync, persist, quiet;

    int epoll_fd;
    struct sockaddr_storage address;
    socklen_t address_len;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    gnutls_datum_t ticket;
    struct ledger *ledger;
    struct session *all;

    uint64_t started_us, ended_us, stop_us;
    unsigned long long claimed, lost, acknowledged, connections, handshakes, resumed;
    unsigned long long failures[FAIL_COUNT];
    bool has_shown_error;
    uint32_t *latencies;
    size_t latency_count, latency_room;
};

static volatile sig_atomic_t was_interrupted;

static void on_signal(int number)
{
    (void)number;
    was_interrupted = 1;
}

static bool is_finished(const struct load *load, uint64_t now)
{
    if (was_interrupted != 0 || (load->stop_us != 0 && now >= load->stop_us))
        return true;
    if (load->messages == 0)
        return false;
    return load->persist != 0 ? load->acknowledged >= load->messages
                              : load->claimed >= load->messages;
}

static bool may_claim(const struct load *load, uint64_t now)
{
    if (was_interrupted != 0 || (load->stop_us != 0 && now >= load->stop_us))
        return false;
    if (load->messages == 0)
        return true;
    unsigned long long again = load->persist != 0 ? load->lost : 0;
    return load->claimed < load->messages + again && !is_finished(load, now);
}

static void show_error(struct load *load, enum failure kind, struct slice text)
{
    load->failures[kind]++;
    if (load->has_shown_error || load->quiet != 0)
        return;
    load->has_shown_error = true;
    (void)fprintf(stderr, "bench_load: first error (%s): %.*s\n", failure_names[kind],
                  SLICE_ARGS(text));
}

static void leave(struct session *s, uint64_t wake_at_us)
{
    stream_finish(&s->stream);
    content_finish(&s->content);
    s->step = wake_at_us == 0 ? STEP_OVER : STEP_IDLE;
    s->wake_at_us = wake_at_us;
}

static void fail(struct load *load, struct session *s, enum failure kind, struct slice text,
                 uint64_t now)
{
    bool has_message = s->step >= STEP_MAIL && s->step <= STEP_BODY;
    if (s->step == STEP_QUIT) {
        leave(s, may_claim(load, now) ? now : 0);
        return;
    }
    if (!has_message && kind == FAIL_LOST)
        kind = FAIL_CONNECT;
    if (has_message)
        load->lost++;
    else if (load->persist == 0)
        load->claimed++; /* else a dead server would be tried for ever */
    show_error(load, kind, text);
    leave(s, may_claim(load, now) ? now + RETRY_US : 0);
}

static void start(struct load *load, struct session *s, uint64_t now)
{
    int fd = stream_connect(&load->address, load->address_len);
    s->step = STEP_GREETING;
    s->sent_here = 0;
    s->active_us = now;
    if (fd < 0) {
        s->stream.fd = -1;
        fail(load, s, FAIL_CONNECT, slice_str(strerror(errno)), now);
        return;
    }
    stream_init(&s->stream, load->epoll_fd, fd, s);
}

static void say(struct session *s, enum step step, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void say(struct session *s, enum step step, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)buf_vprintf(&s->stream.out, fmt, args); /* no cap */
    va_end(args);
    s->step = step;
}

static void next_message(struct load *load, struct session *s, uint64_t now)
{
    if (!may_claim(load, now) || s->sent_here >= load->per_connection) {
        say(s, STEP_QUIT, "QUIT\r\n");
        return;
    }
    unsigned long long number = load->claimed++;
    const char *mark = strchr(load->rcpt, '%');
    if (mark == NULL)
        (void)snprintf(s->to, sizeof(s->to), "%s", load->rcpt);
    else
        (void)snprintf(s->to, sizeof(s->to), "%.*s%llu%s", (int)(mark - load->rcpt), load->rcpt,
                       number % load->domains, mark + 1);
    content_start(&s->content, load->run, number, (size_t)load->size, load->ledger != NULL);
    s->began_us = now;
    say(s, STEP_MAIL, "MAIL FROM:<%s>\r\n", load->from);
}

static void write_body(struct load *load, struct session *s)
{
    while (!s->content.is_done && buf_len(&s->stream.out) < BODY_PIECE)
        content_write(&s->content, load->from, s->to, &s->stream.out, BODY_PIECE);
}

static void acknowledged(struct load *load, struct session *s, uint64_t now)
{
    char hex[CONTENT_HASH_HEX + 1];
    if (load->ledger != NULL) {
        content_hash(&s->content, hex);
        ledger_add(load->ledger, s->content.id, hex);
    }
    content_finish(&s->content);
    load->acknowledged++;
    s->sent_here++;
    if (load->latency_count == load->latency_room) {
        load->latency_room = load->latency_room == 0 ? 4096 : load->latency_room * 2;
        load->latencies = mem_realloc(load->latencies, load->latency_room * sizeof(uint32_t));
    }
    load->latencies[load->latency_count++] = (uint32_t)(now - s->began_us);
    next_message(load, s, now);
}

/* One complete reply. */
static void on_reply(struct load *load, struct session *s, struct slice reply, uint64_t now)
{
    char class = reply.p[0];
    bool is_wanted = class == (s->step == STEP_DATA ? '3' : '2');
    if (!is_wanted) {
        enum failure kind = class == '5' ? FAIL_5XX : FAIL_4XX;
        if (s->step == STEP_QUIT || s->step < STEP_MAIL ||
            (reply.len >= 3 && memcmp(reply.p, "421", 3) == 0)) {
            fail(load, s, kind, reply, now);
            return;
        }
        show_error(load, kind, reply);
        content_finish(&s->content);
        load->lost++;
        s->sent_here++;
        say(s, STEP_RSET, "RSET\r\n");
        return;
    }
    switch (s->step) {
    case STEP_GREETING:
        load->connections++;
        say(s, STEP_EHLO, "EHLO load.example\r\n");
        break;
    case STEP_EHLO:
        if (load->starttls != 0)
            say(s, STEP_STARTTLS, "STARTTLS\r\n");
        else
            next_message(load, s, now);
        break;
    case STEP_STARTTLS:
        stream_start_tls(&s->stream, GNUTLS_CLIENT, load->credentials, load->priority,
                         load->resume != 0 ? &load->ticket : NULL);
        s->step = STEP_HANDSHAKE;
        break;
    case STEP_EHLO_TLS:
    case STEP_RSET:
        next_message(load, s, now);
        break;
    case STEP_MAIL:
        say(s, STEP_RCPT, "RCPT TO:<%s>\r\n", s->to);
        break;
    case STEP_RCPT:
        say(s, STEP_DATA, "DATA\r\n");
        break;
    case STEP_DATA:
        s->step = STEP_BODY;
        write_body(load, s);
        break;
    case STEP_BODY:
        acknowledged(load, s, now);
        break;
    case STEP_QUIT:
        /* The ticket of TLS 1.3 has arrived by now. */
        if (load->resume != 0 && s->stream.tls != NULL) {
            gnutls_datum_t ticket = {NULL, 0};
            if (gnutls_session_get_data2(s->stream.tls, &ticket) == 0) {
                gnutls_free(load->ticket.data);
                load->ticket = ticket;
            }
        }
        leave(s, may_claim(load, now) ? now : 0);
        break;
    case STEP_IDLE:
    case STEP_HANDSHAKE:
    case STEP_OVER:
        break;
    }
}

/* Length of the first complete reply in TEXT, 0 when it has not ended. */
static size_t reply_length(struct slice text)
{
    size_t at = 0;
    for (;;) {
        struct slice rest = slice_of(text.p + at, text.len - at);
        size_t lf = slice_find(rest, '\n');
        if (lf == rest.len)
            return 0;
        at += lf + 1;
        if (lf < 4 || rest.p[3] != '-')
            return at;
    }
}

static void greet_again(struct load *load, struct session *s)
{
    load->handshakes++;
    if (gnutls_session_is_resumed(s->stream.tls) != 0)
        load->resumed++;
    say(s, STEP_EHLO_TLS, "EHLO load.example\r\n");
}

static void on_event(struct load *load, struct session *s, uint64_t now)
{
    if (s->step == STEP_IDLE || s->step == STEP_OVER)
        return;
    enum stream_state state = stream_pump(&s->stream, REPLY_MAX);
    if (state == STREAM_TLS) {
        fail(load, s, FAIL_TLS, slice_str(s->stream.error_text), now);
        return;
    }
    if (s->step == STEP_HANDSHAKE && !s->stream.is_handshaking)
        greet_again(load, s);
    s->active_us = now;
    for (;;) {
        struct slice in = buf_slice(&s->stream.in);
        size_t len = reply_length(in);
        if (len == 0)
            break;
        on_reply(load, s, bench_line(slice_of(in.p, len)), now);
        if (s->step == STEP_IDLE || s->step == STEP_OVER)
            return;
        buf_consume(&s->stream.in, len);
    }
    if (state == STREAM_CLOSED) {
        fail(load, s, FAIL_LOST, SLICE("connection closed"), now);
        return;
    }
    do {
        if (s->step == STEP_BODY)
            write_body(load, s);
        if (stream_flush(&s->stream) == STREAM_CLOSED) {
            fail(load, s, FAIL_LOST, SLICE("connection closed"), now);
            return;
        }
    } while (s->step == STEP_BODY && !s->content.is_done && buf_len(&s->stream.out) == 0);
    if (s->stream.is_handshaking) {
        if (stream_pump(&s->stream, REPLY_MAX) == STREAM_TLS) {
            fail(load, s, FAIL_TLS, slice_str(s->stream.error_text), now);
            return;
        }
        if (!s->stream.is_handshaking) { /* no event would tell that it is over */
            greet_again(load, s);
            (void)stream_flush(&s->stream); /* what went wrong comes as an event */
        }
    }
}

/* Starts what is due, ends what hangs; true while any session is alive. */
static bool look_after(struct load *load, uint64_t now)
{
    bool is_alive = false;
    for (unsigned i = 0; i < load->sessions; i++) {
        struct session *s = &load->all[i];
        if (s->step == STEP_IDLE && s->wake_at_us <= now) {
            if (may_claim(load, now))
                start(load, s, now);
            else if (!is_finished(load, now))
                s->wake_at_us = now + RETRY_US; /* another session may still lose its message */
            else
                s->step = STEP_OVER;
        } else if (s->step != STEP_IDLE && s->step != STEP_OVER &&
                   now - s->active_us > SESSION_US) {
            fail(load, s, FAIL_TIMEOUT, SLICE("no answer for 60 s"), now);
        }
        if (s->step != STEP_OVER)
            is_alive = true;
    }
    return is_alive;
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS];
    load->started_us = bench_now_us();
    if (load->seconds > 0)
        load->stop_us = load->started_us + load->seconds * 1000000U;
    for (unsigned i = 0; i < load->sessions; i++)
        load->all[i].wake_at_us = load->started_us;
    uint64_t next_look = 0;
    for (;;) {
        uint64_t now = bench_now_us();
        if (was_interrupted != 0)
            break; /* what is under way was not acknowledged */
        if (now >= next_look) {
            if (!look_after(load, now))
                break;
            next_look = now + 5000;
        }
        int n = epoll_wait(load->epoll_fd, events, EVENTS, 5);
        now = bench_now_us();
        for (int i = 0; i < n; i++) {
            struct session *s = events[i].data.ptr;
            on_event(load, s, now);
            if (s->step == STEP_IDLE && s->wake_at_us <= now && may_claim(load, now))
                start(load, s, now);
        }
        ledger_flush(load->ledger);
    }
    load->ended_us = bench_now_us();
}

static void report(struct load *load)
{
    double seconds = (double)(load->ended_us - load->started_us) / 1e6;
    const uint32_t *all = load->latencies;
    size_t count = load->latency_count;
    bench_sort(load->latencies, count);
    unsigned long long errors = 0;
    for (size_t i = 0; i < FAIL_COUNT; i++)
        errors += load->failures[i];
    (void)printf("{\"messages\": %llu, \"seconds\": %.3f, \"rate\": %.1f, \"p50_ms\": %.2f, "
                 "\"p95_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, \"errors\": %llu",
                 load->acknowledged, seconds, (double)load->acknowledged / seconds,
                 bench_percentile_ms(all, count, 500), bench_percentile_ms(all, count, 950),
                 bench_percentile_ms(all, count, 990), bench_percentile_ms(all, count, 1000),
                 errors);
    for (size_t i = 0; i < FAIL_COUNT; i++)
        (void)printf(", \"error_%s\": %llu", failure_names[i], load->failures[i]);
    (void)printf(
        ", \"connections\": %llu, \"handshakes\": %llu, \"resumed\": %llu, "
        "\"cpu_user_s\": %.3f, \"cpu_sys_s\": %.3f, \"started_us\": %llu, \"ended_us\": %llu}\n",
        load->connections, load->handshakes, load->resumed, bench_cpu_s(false), bench_cpu_s(true),
        (unsigned long long)load->started_us, (unsigned long long)load->ended_us);
}

static _Noreturn void usage(void)
{
    (void)fprintf(
        stderr,
        "usage: bench_load --to HOST:PORT [OPTION ...]\n"
        "  --sessions N        at a time (20)       --messages N | --seconds S   (--messages "
        "1000)\n"
        "  --per-connection N  messages (20)        --size BYTES     headers and body (4096)\n"
        "  --starttls          before the first     --resume         with session tickets\n"
        "  --priority TEXT     GnuTLS priorities    --from ADDRESS   (load@load.example)\n"
        "  --rcpt ADDRESS      a %% in it becomes 0..DOMAINS-1 (rcpt@example.test)\n"
        "  --domains N         (1)                  --run NAME       beginning of the ids\n"
        "  --ledger FILE       id and SHA-256 of each acknowledged message; --fsync\n"
        "  --persist           go on over lost connections until all are acknowledged\n"
        "  --quiet             do not show the first error\n");
    exit(2);
}

static void parse(struct load *load, int argc, char **argv)
{
    enum { O_SESSIONS = 256, O_MESSAGES, O_SECONDS, O_PER, O_SIZE, O_DOMAINS };
    const struct option options[] = {
        {"to", required_argument, NULL, 't'},
        {"rcpt", required_argument, NULL, 'r'},
        {"from", required_argument, NULL, 'f'},
        {"run", required_argument, NULL, 'n'},
        {"priority", required_argument, NULL, 'p'},
        {"ledger", required_argument, NULL, 'l'},
        {"sessions", required_argument, NULL, O_SESSIONS},
        {"messages", required_argument, NULL, O_MESSAGES},
        {"seconds", required_argument, NULL, O_SECONDS},
        {"per-connection", required_argument, NULL, O_PER},
        {"size", required_argument, NULL, O_SIZE},
        {"domains", required_argument, NULL, O_DOMAINS},
        {"starttls", no_argument, &load->starttls, 1},
        {"resume", no_argument, &load->resume, 1},
        {"fsync", no_argument, &load->sync, 1},
        {"persist", no_argument, &load->persist, 1},
        {"quiet", no_argument, &load->quiet, 1},
        {NULL, 0, NULL, 0},
    };
    for (;;) {
        int at = 0;
        int option = getopt_long(argc, argv, "", options, &at);
        if (option < 0)
            break;
        const char *name = options[at].name;
        switch (option) {
        case 0:
            break;
        case 't':
            load->to = optarg;
            break;
        case 'r':
            load->rcpt = optarg;
            break;
        case 'f':
            load->from = optarg;
            break;
        case 'n':
            load->run = optarg;
            break;
        case 'p':
            load->priority_text = optarg;
            break;
        case 'l':
            load->ledger_path = optarg;
            break;
        case O_SESSIONS:
            load->sessions = (unsigned)bench_number(name, optarg, 20000);
            break;
        case O_MESSAGES:
            load->messages = bench_number(name, optarg, 1ULL << 40);
            break;
        case O_SECONDS:
            load->seconds = bench_number(name, optarg, 1U << 20);
            break;
        case O_PER:
            load->per_connection = (unsigned)bench_number(name, optarg, 1U << 30);
            break;
        case O_SIZE:
            load->size = bench_number(name, optarg, 1U << 30);
            break;
        case O_DOMAINS:
            load->domains = bench_number(name, optarg, 1U << 20);
            break;
        default:
            usage();
        }
    }
    if (load->to == NULL || optind != argc || load->sessions == 0 || load->domains == 0 ||
        load->per_connection == 0)
        usage();
    if (load->messages == 0 && load->seconds == 0)
        load->messages = 1000;
}

int main(int argc, char **argv)
{
    char run_name[32];
    struct load load = {.rcpt = "rcpt@example.test",
                        .from = "load@load.example",
                        .priority_text = "NORMAL",
                        .sessions = 20,
                        .per_connection = 20,
                        .size = 4096,
                        .domains = 1};
    parse(&load, argc, argv);
    (void)snprintf(run_name, sizeof(run_name), "%llx", (unsigned long long)bench_now_us());
    if (load.run == NULL)
        load.run = run_name;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    stream_raise_limit();
    if (stream_resolve(load.to, false, &load.address, &load.address_len) < 0) {
        (void)fprintf(stderr, "bench_load: no host '%s'\n", load.to);
        return 2;
    }
    if (load.ledger_path != NULL) {
        load.ledger = ledger_open(load.ledger_path, load.sync != 0);
        if (load.ledger == NULL)
            return 1;
    }
    int r = gnutls_certificate_allocate_credentials(&load.credentials);
    ASSERT(r == 0);
    r = gnutls_priority_init(&load.priority, load.priority_text, NULL);
    if (r < 0) {
        (void)fprintf(stderr, "bench_load: --priority: %s\n", gnutls_strerror(r));
        return 2;
    }
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ASSERT(load.epoll_fd >= 0);
    load.all = mem_array(load.sessions, sizeof(struct session));
    for (unsigned i = 0; i < load.sessions; i++)
        load.all[i].stream.fd = -1;

    run(&load);
    report(&load);

    for (unsigned i = 0; i < load.sessions; i++) {
        stream_finish(&load.all[i].stream);
        content_finish(&load.all[i].content);
    }
    ledger_close(load.ledger);
    gnutls_free(load.ticket.data);
    gnutls_priority_deinit(load.priority);
    gnutls_certificate_free_credentials(load.credentials);
    free(load.latencies);
    free(load.all);
    (void)close(load.epoll_fd);
    bool has_all = load.messages == 0 || load.acknowledged >= load.messages;
    return has_all && was_interrupted == 0 ? 0 : 3;
}
