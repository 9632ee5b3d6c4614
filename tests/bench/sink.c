/* SMTP sink: takes everything as fast as one thread can, clear or by STARTTLS, and writes down what
 * it got. It can also misbehave, as next hops do.
 *
 * Each message is hashed from its X-Postern-Id line on, without doubled dots (content.h); the
 * ledger line is with the kernel before the reply leaves. A message without that line is noted as
 * `-`. Only CRLF.CRLF ends a message. On TERM, INT or after --exit-after messages it prints one
 * JSON line with its counts and when (CLOCK_MONOTONIC) the first and the last message came.
 *
 *   accept -> 220 -> { EHLO | STARTTLS | MAIL | RCPT | DATA body . | RSET | NOOP | QUIT }
 *
 * It is no mail server: the order of commands is not checked. RFC 5321 4.5.2, RFC 3207 4. */
#include <errno.h>
#include <getopt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/slice.h"
#include "content.h"
#include "stream.h"

enum { EVENTS = 256, IN_MAX = 262144, LINE_MAX_BYTES = 65536, CERTIFICATES_MAX = 4 };

struct session {
    struct stream stream;
    struct session *next, *previous;
    bool is_data, is_line_start, has_id, wants_close, wants_tls;
    uint64_t reply_at_us; /* of the reply behind the final dot; 0: none is waiting */
    char id[CONTENT_ID_MAX];
    gnutls_hash_hd_t hash;
};

struct sink {
    const char *listen, *ledger_path, *priority_text;
    const char *certificates[CERTIFICATES_MAX], *keys[CERTIFICATES_MAX];
    unsigned certificate_count;
    unsigned long long refuse_code, reject_every, tempfail_every, drop_every, delay_ms, exit_after;
    int no_starttls, never_answer;

    int epoll_fd, listen_fd;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key;
    struct ledger *ledger;
    struct session *first;
    unsigned long long messages, bytes, recipients, connections, handshakes, resumed, tls_failed,
        busy;
    uint64_t first_us, last_us;
};

static volatile sig_atomic_t was_interrupted;

static void on_signal(int number)
{
    (void)number;
    was_interrupted = 1;
}

static void session_destroy(struct sink *sink, struct session *s)
{
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        sink->first = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
    if (s->hash != NULL)
        gnutls_hash_deinit(s->hash, NULL);
    stream_finish(&s->stream);
    free(s);
}

static void say(struct session *s, const char *text)
{
    (void)buf_append_str(&s->stream.out, text); /* no cap */
    (void)buf_append_str(&s->stream.out, "\r\n");
}

static void accept_all(struct sink *sink)
{
    for (;;) {
        int fd = accept4(sink->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return; /* none left, or no descriptor: the next event tries again */
        struct session *s = MEM_NEW(struct session);
        stream_init(&s->stream, sink->epoll_fd, fd, s);
        s->next = sink->first;
        if (sink->first != NULL)
            sink->first->previous = s;
        sink->first = s;
        sink->connections++;
        if (sink->never_answer == 0)
            say(s, "220 sink.example ESMTP");
    }
}

static bool is_nth(unsigned long long count, unsigned long long every)
{
    return every > 0 && count % every == 0;
}

static void on_rcpt(struct sink *sink, struct session *s)
{
    sink->recipients++;
    if (is_nth(sink->recipients, sink->reject_every))
        say(s, "550 5.1.1 no such user");
    else if (is_nth(sink->recipients, sink->tempfail_every))
        say(s, "451 4.3.0 try later");
    else
        say(s, "250 2.1.5 ok");
}

static void on_starttls(struct sink *sink, struct session *s)
{
    if (sink->refuse_code != 0) {
        (void)buf_printf(&s->stream.out, "%llu TLS not available at the moment\r\n",
                         sink->refuse_code);
    } else if (sink->no_starttls != 0 || s->stream.tls != NULL) {
        say(s, "502 5.5.1 not implemented");
    } else {
        say(s, "220 2.0.0 ready");
        s->wants_tls = true;
    }
}

static void on_command(struct sink *sink, struct session *s, struct slice line)
{
    line = bench_line(line);
    if (slice_starts_nocase(line, SLICE("EHLO"))) {
        say(s, "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES");
        if (sink->no_starttls == 0 && s->stream.tls == NULL)
            say(s, "250-STARTTLS");
        say(s, "250 SIZE 0");
    } else if (slice_starts_nocase(line, SLICE("RCPT"))) {
        on_rcpt(sink, s);
    } else if (slice_starts_nocase(line, SLICE("DATA"))) {
        s->is_data = s->is_line_start = true;
        s->has_id = false;
        (void)snprintf(s->id, sizeof(s->id), "-");
        if (sink->ledger != NULL) {
            int r = gnutls_hash_init(&s->hash, GNUTLS_DIG_SHA256);
            ASSERT(r == 0);
        }
        say(s, "354 go ahead");
    } else if (slice_starts_nocase(line, SLICE("STARTTLS"))) {
        on_starttls(sink, s);
    } else if (slice_starts_nocase(line, SLICE("QUIT"))) {
        say(s, "221 2.0.0 bye");
        s->wants_close = true;
    } else {
        say(s, "250 2.0.0 ok");
    }
}

static void end_of_message(struct sink *sink, struct session *s, uint64_t now)
{
    s->is_data = false;
    if (sink->ledger != NULL) {
        unsigned char digest[32];
        char hex[CONTENT_HASH_HEX + 1];
        gnutls_hash_deinit(s->hash, digest);
        s->hash = NULL;
        content_hex(digest, sizeof(digest), hex);
        ledger_add(sink->ledger, s->id, hex);
    }
    sink->messages++;
    if (sink->first_us == 0)
        sink->first_us = now;
    sink->last_us = now;
    if (is_nth(sink->messages, sink->drop_every)) {
        buf_clear(&s->stream.out, 0); /* taken, and the client will never know */
        s->wants_close = true;
    } else if (sink->delay_ms > 0) {
        s->reply_at_us = now + sink->delay_ms * 1000U;
    } else {
        say(s, "250 2.0.0 taken");
    }
}

/* One line of the message, or a piece of a long one. */
static void on_data(struct sink *sink, struct session *s, struct slice line, uint64_t now)
{
    sink->bytes += line.len;
    if (s->is_line_start && slice_eq(line, SLICE(".\r\n"))) {
        end_of_message(sink, s, now);
        return;
    }
    struct slice header = SLICE(CONTENT_ID_HEADER);
    bool was_line_start = s->is_line_start;
    s->is_line_start = line.len >= 2 && memcmp(line.p + line.len - 2, "\r\n", 2) == 0;
    if (was_line_start && line.p[0] == '.')
        line = slice_of(line.p + 1, line.len - 1);
    if (!s->has_id && was_line_start && slice_starts_nocase(line, header)) {
        struct slice id = bench_line(slice_of(line.p + header.len, line.len - header.len));
        (void)snprintf(s->id, sizeof(s->id), "%.*s", SLICE_ARGS(id));
        s->has_id = true;
    }
    if (s->has_id && s->hash != NULL) {
        int r = gnutls_hash(s->hash, line.p, line.len);
        ASSERT(r == 0);
    }
}

/* Everything complete in `in`; stops where STARTTLS, a waiting reply or the end says so. */
static void digest_input(struct sink *sink, struct session *s, uint64_t now)
{
    while (!s->wants_close && !s->wants_tls && s->reply_at_us == 0) {
        struct slice in = buf_slice(&s->stream.in);
        size_t lf = slice_find(in, '\n');
        if (lf == in.len && in.len < LINE_MAX_BYTES)
            return;
        struct slice line = slice_of(in.p, lf < in.len ? lf + 1 : in.len);
        if (s->is_data)
            on_data(sink, s, line, now);
        else
            on_command(sink, s, line);
        buf_consume(&s->stream.in, line.len);
    }
}

static void on_event(struct sink *sink, struct session *s, uint64_t now)
{
    enum stream_state state = stream_pump(&s->stream, IN_MAX);
    if (state == STREAM_TLS) {
        sink->tls_failed++;
        session_destroy(sink, s);
        return;
    }
    if (sink->never_answer == 0 && !s->stream.is_handshaking) {
        digest_input(sink, s, now);
        ledger_flush(sink->ledger);
        if (stream_flush(&s->stream) == STREAM_CLOSED)
            state = STREAM_CLOSED;
    }
    if (state == STREAM_CLOSED || (s->wants_close && buf_len(&s->stream.out) == 0)) {
        session_destroy(sink, s);
        return;
    }
    if (s->wants_tls && buf_len(&s->stream.out) == 0) {
        s->wants_tls = false;
        stream_start_tls(&s->stream, GNUTLS_SERVER, sink->credentials, sink->priority, NULL);
        (void)gnutls_session_ticket_enable_server(s->stream.tls, &sink->ticket_key);
        sink->handshakes++;
    }
}

/* Replies that were held back. */
static void answer_due(struct sink *sink, uint64_t now)
{
    struct session *next;
    for (struct session *s = sink->first; s != NULL; s = next) {
        next = s->next;
        if (s->reply_at_us == 0 || s->reply_at_us > now)
            continue;
        s->reply_at_us = 0;
        say(s, "250 2.0.0 taken");
        on_event(sink, s, now);
    }
}

static void run(struct sink *sink)
{
    struct epoll_event events[EVENTS];
    while (was_interrupted == 0) {
        int n = epoll_wait(sink->epoll_fd, events, EVENTS, sink->delay_ms > 0 ? 2 : 200);
        uint64_t now = bench_now_us();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(sink);
            else
                on_event(sink, events[i].data.ptr, now);
        }
        if (sink->delay_ms > 0)
            answer_due(sink, now);
        if (sink->exit_after > 0 && sink->messages >= sink->exit_after)
            return;
    }
}

/* A self-signed ECDSA P-256 certificate, when none is given: clients here do not verify. */
static int make_certificate(gnutls_certificate_credentials_t credentials)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t crt = NULL;
    const char serial[] = {1};
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail on Linux */
    int r = gnutls_x509_privkey_init(&key);
    if (r == 0)
        r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (r == 0)
        r = gnutls_x509_crt_init(&crt);
    if (r == 0)
        r = gnutls_x509_crt_set_version(crt, 3);
    if (r == 0)
        r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
    if (r == 0)
        r = gnutls_x509_crt_set_activation_time(crt, now.tv_sec - 3600);
    if (r == 0)
        r = gnutls_x509_crt_set_expiration_time(crt, now.tv_sec + 86400 * 30);
    if (r == 0)
        r = gnutls_x509_crt_set_dn(crt, "CN=sink.example", NULL);
    if (r == 0)
        r = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "sink.example", 12,
                                                 GNUTLS_FSAN_SET);
    if (r == 0)
        r = gnutls_x509_crt_set_key(crt, key);
    if (r == 0)
        r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    if (r == 0)
        r = gnutls_certificate_set_x509_key(credentials, &crt, 1, key);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    return r < 0 ? r : 0;
}

static void load_certificates(struct sink *sink)
{
    int r = gnutls_certificate_allocate_credentials(&sink->credentials);
    ASSERT(r == 0);
    if (sink->certificate_count == 0)
        r = make_certificate(sink->credentials);
    for (unsigned i = 0; r >= 0 && i < sink->certificate_count; i++)
        r = gnutls_certificate_set_x509_key_file(sink->credentials, sink->certificates[i],
                                                 sink->keys[i], GNUTLS_X509_FMT_PEM);
    if (r >= 0)
        r = gnutls_priority_init(&sink->priority, sink->priority_text, NULL);
    if (r >= 0)
        r = gnutls_session_ticket_key_generate(&sink->ticket_key);
    if (r < 0) {
        (void)fprintf(stderr, "bench_sink: %s\n", gnutls_strerror(r));
        exit(1);
    }
}

static void listen_now(struct sink *sink)
{
    struct sockaddr_storage address;
    socklen_t len;
    int on = 1;
    if (stream_resolve(sink->listen, true, &address, &len) < 0) {
        (void)fprintf(stderr, "bench_sink: no address '%s'\n", sink->listen);
        exit(2);
    }
    sink->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT(sink->listen_fd >= 0);
    (void)setsockopt(sink->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* bind tells */
    if (bind(sink->listen_fd, (struct sockaddr *)&address, len) < 0 ||
        listen(sink->listen_fd, 4096) < 0) {
        (void)fprintf(stderr, "bench_sink: %s: %s\n", sink->listen, strerror(errno));
        exit(1);
    }
    len = sizeof(address);
    (void)getsockname(sink->listen_fd, (struct sockaddr *)&address, &len); /* it is bound */
    in_port_t port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    int r = epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, sink->listen_fd, &ev);
    ASSERT(r == 0);
    (void)printf("listening %u\n", ntohs(port));
    (void)fflush(stdout);
}

static _Noreturn void usage(void)
{
    (void)fprintf(
        stderr, "usage: bench_sink --listen HOST:PORT [OPTION ...]     PORT 0: any, it is printed\n"
                "  --ledger FILE            id and SHA-256 of each message\n"
                "  --cert FILE --key FILE   up to 4 pairs; without them one is made\n"
                "  --priority TEXT          GnuTLS priorities\n"
                "  --no-starttls            does not offer it\n"
                "  --refuse-starttls CODE   offers it, answers it with CODE\n"
                "  --reject N               every Nth recipient gets 550\n"
                "  --tempfail N             every Nth recipient gets 451\n"
                "  --drop N                 takes every Nth message, then closes without a reply\n"
                "  --delay MS               before the reply to a message\n"
                "  --never-answer           accepts connections, says nothing\n"
                "  --exit-after N           ends itself after N messages\n");
    exit(2);
}

static void parse(struct sink *sink, int argc, char **argv)
{
    const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"ledger", required_argument, NULL, 'g'},
        {"priority", required_argument, NULL, 'p'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"refuse-starttls", required_argument, NULL, 's'},
        {"reject", required_argument, NULL, 'r'},
        {"tempfail", required_argument, NULL, 't'},
        {"drop", required_argument, NULL, 'o'},
        {"delay", required_argument, NULL, 'd'},
        {"exit-after", required_argument, NULL, 'x'},
        {"no-starttls", no_argument, &sink->no_starttls, 1},
        {"never-answer", no_argument, &sink->never_answer, 1},
        {NULL, 0, NULL, 0},
    };
    unsigned keys = 0;
    for (;;) {
        int at = 0;
        int option = getopt_long(argc, argv, "", options, &at);
        if (option < 0)
            break;
        const char *name = options[at].name;
        unsigned long long *number = NULL;
        switch (option) {
        case 0:
            break;
        case 'l':
            sink->listen = optarg;
            break;
        case 'g':
            sink->ledger_path = optarg;
            break;
        case 'p':
            sink->priority_text = optarg;
            break;
        case 'c':
            if (sink->certificate_count == CERTIFICATES_MAX)
                usage();
            sink->certificates[sink->certificate_count++] = optarg;
            break;
        case 'k':
            if (keys == CERTIFICATES_MAX)
                usage();
            sink->keys[keys++] = optarg;
            break;
        case 's':
            number = &sink->refuse_code;
            break;
        case 'r':
            number = &sink->reject_every;
            break;
        case 't':
            number = &sink->tempfail_every;
            break;
        case 'o':
            number = &sink->drop_every;
            break;
        case 'd':
            number = &sink->delay_ms;
            break;
        case 'x':
            number = &sink->exit_after;
            break;
        default:
            usage();
        }
        if (number != NULL)
            *number = bench_number(name, optarg, 1U << 30);
    }
    if (sink->listen == NULL || optind != argc || keys != sink->certificate_count)
        usage();
}

static void report(const struct sink *sink)
{
    (void)printf(
        "{\"messages\": %llu, \"bytes\": %llu, \"recipients\": %llu, \"connections\": %llu, "
        "\"handshakes\": %llu, \"tls_failed\": %llu, \"cpu_user_s\": %.3f, "
        "\"cpu_sys_s\": %.3f, \"first_us\": %llu, \"last_us\": %llu}\n",
        sink->messages, sink->bytes, sink->recipients, sink->connections, sink->handshakes,
        sink->tls_failed, bench_cpu_s(false), bench_cpu_s(true), (unsigned long long)sink->first_us,
        (unsigned long long)sink->last_us);
}

int main(int argc, char **argv)
{
    struct sink sink = {.priority_text = "NORMAL:%SERVER_PRECEDENCE"};
    parse(&sink, argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    stream_raise_limit();
    if (sink.ledger_path != NULL) {
        sink.ledger = ledger_open(sink.ledger_path, false);
        if (sink.ledger == NULL)
            return 1;
    }
    sink.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ASSERT(sink.epoll_fd >= 0);
    load_certificates(&sink);
    listen_now(&sink);

    run(&sink);
    report(&sink);

    while (sink.first != NULL)
        session_destroy(&sink, sink.first);
    ledger_close(sink.ledger);
    gnutls_priority_deinit(sink.priority);
    gnutls_certificate_free_credentials(sink.credentials);
    gnutls_free(sink.ticket_key.data);
    (void)close(sink.listen_fd);
    (void)close(sink.epoll_fd);
    return 0;
}
