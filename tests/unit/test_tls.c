/* TLS over a pair of connections: handshakes whole, in pieces and cut, names, resumption.
 * Over 600 lines, because every case shares one set-up of two ends, keys and chains. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fake_loop.h"
#include "net/tls_priv.h"
#include "pair.h"
#include "pki/cert.h"
#include "pki/served.h"
#include "pki/trust.h"

static struct clock_fake fake_clock;
static struct fake_loop fake;
static struct served *both, *only_rsa, *only_ecdsa;
static char *ecdsa_pem, *rsa_pem;

struct side {
    struct conn *conn;
    struct tls_result result;
    int tls_count, closed_count, eof_count, drained_count;
    struct conn_end end;
    struct buf got;
    size_t takes; /* bytes taken at a time; 0: all */
};

static size_t on_data(struct conn *conn, struct slice bytes)
{
    struct side *side = conn_user(conn);
    assert_int_equal(side->closed_count, 0);
    size_t take = side->takes == 0 || side->takes > bytes.len ? bytes.len : side->takes;
    assert_true(buf_append(&side->got, bytes.p, take));
    return take;
}

static void on_tls(struct conn *conn, const struct tls_result *result)
{
    struct side *side = conn_user(conn);
    side->tls_count++;
    side->result = *result;
}

static void on_eof(struct conn *conn)
{
    struct side *side = conn_user(conn);
    side->eof_count++;
    conn_close(conn);
}

static void on_drained(struct conn *conn)
{
    ((struct side *)conn_user(conn))->drained_count++;
}

static void on_closed(struct conn *conn, const struct conn_end *end)
{
    struct side *side = conn_user(conn);
    side->closed_count++;
    side->end = *end;
    side->conn = NULL;
}

static const struct conn_handler handler = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_drained = on_drained,
    .on_tls = on_tls,
    .on_closed = on_closed,
};

struct world {
    struct pair *pair;
    struct side client, server;
};

static void world_open(struct world *w)
{
    *w = (struct world){.pair = pair_create(&fake.loop)};
    buf_init(&w->client.got, 0);
    buf_init(&w->server.got, 0);
    w->client.conn = pair_a(w->pair);
    w->server.conn = pair_b(w->pair);
    conn_set_handler(w->client.conn, &handler, &w->client);
    conn_set_handler(w->server.conn, &handler, &w->server);
}

static void world_close(struct world *w)
{
    if (w->client.conn != NULL)
        conn_abort(w->client.conn);
    if (w->server.conn != NULL)
        conn_abort(w->server.conn);
    fake_loop_settle(&fake);
    assert_int_equal(w->client.closed_count, 1);
    assert_int_equal(w->server.closed_count, 1);
    pair_destroy(w->pair);
    buf_finish(&w->client.got);
    buf_finish(&w->server.got);
}

static struct tls_server *make_server(struct served *served, const char *priority)
{
    struct tls_server *server = NULL;
    struct tls_server_settings settings = {
        .served = served, .priority = priority, .has_tickets = true};
    assert_int_equal(tls_server_create(&settings, &server, NULL), 0);
    return server;
}

static struct tls_client *make_client(struct trust *trust, const char *priority)
{
    struct tls_client *client = NULL;
    struct tls_client_settings settings = {.trust = trust, .priority = priority};
    assert_int_equal(tls_client_create(&settings, &client, NULL), 0);
    return client;
}

static const struct tls_reference references[] = {
    {TLS_NAME_MAIL_DOMAIN, "example.test"},
    {TLS_NAME_MX, "mx.example.test"},
};

/* References are dropped at once: a session holds its own. */
static void start(struct world *w, struct tls_server *server, struct tls_client *client)
{
    conn_start_tls_server(w->server.conn, server);
    conn_start_tls_client(w->client.conn, client, "mx.example.test", references,
                          ARRAY_LEN(references));
    tls_server_unref(server);
    tls_client_unref(client);
}

static void exchange(struct world *w)
{
    conn_write(w->client.conn, SLICE("EHLO client.example\r\n"));
    conn_write(w->server.conn, SLICE("250 server.example\r\n"));
    fake_loop_settle(&fake);
    assert_string_equal(buf_cstr(&w->server.got), "EHLO client.example\r\n");
    assert_string_equal(buf_cstr(&w->client.got), "250 server.example\r\n");
}

static void expect_up(struct world *w, const char *protocol, const char *cipher)
{
    fake_loop_settle(&fake);
    assert_int_equal(w->client.tls_count, 1);
    assert_int_equal(w->server.tls_count, 1);
    assert_string_equal(w->client.result.text, "");
    assert_true(w->client.result.is_ok);
    assert_true(w->server.result.is_ok);
    assert_string_equal(w->client.result.protocol, protocol);
    assert_string_equal(w->server.result.protocol, protocol);
    assert_string_equal(w->server.result.cipher, cipher);
    assert_string_equal(w->client.result.cipher, cipher);
    exchange(w);
}

static void test_versions_and_keys(void **state)
{
    (void)state;
    static const struct {
        const char *priority;
        const char *protocol, *cipher;
        bool is_rsa;
    } cases[] = {
        {NULL, "TLSv1.3", "TLS_AES_256_GCM_SHA384", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", false},
        /* lists RSA first: the server's order counts */
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA", "TLSv1.2",
         "ECDHE-ECDSA-AES256-GCM-SHA384", false},
        /* knows no ECDSA: gets RSA */
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA", "TLSv1.2",
         "ECDHE-RSA-AES256-GCM-SHA384", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256", "TLSv1.3",
         "TLS_AES_256_GCM_SHA384", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        world_open(&w);
        start(&w, make_server(both, NULL), make_client(NULL, cases[i].priority));
        expect_up(&w, cases[i].protocol, cases[i].cipher);
        assert_string_equal(w.client.result.peer_cn,
                            cases[i].is_rsa ? "rsa.example.test" : "ecdsa.example.test");
        assert_false(w.client.result.is_verified);
        assert_string_equal(w.client.result.why, "no authority is trusted");
        assert_false(w.server.result.has_peer_certificate);
        assert_true(conn_is_tls(w.client.conn));
        conn_close(w.client.conn);
        fake_loop_run_for(&fake, 2000);
        assert_int_equal(w.server.eof_count, 1);
        assert_int_equal(w.server.end.cause, CONN_CAUSE_PEER);
        assert_int_equal(w.client.end.cause, CONN_CAUSE_LOCAL);
        world_close(&w);
    }
}

static void test_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 700; piece = piece * 2 + 1) {
        struct world w;
        world_open(&w);
        pair_set_piece(w.pair, piece);
        w.client.takes = 3;
        start(&w, make_server(both, NULL), make_client(NULL, NULL));
        fake_loop_settle(&fake);
        assert_true(w.client.result.is_ok && w.server.result.is_ok);
        conn_write(w.server.conn, SLICE("220 ready\r\n"));
        fake_loop_settle(&fake);
        while (conn_input_bytes(w.client.conn) > 0) {
            conn_pause(w.client.conn);
            conn_resume(w.client.conn);
            fake_loop_settle(&fake);
        }
        assert_string_equal(buf_cstr(&w.client.got), "220 ready\r\n");
        world_close(&w);
    }
}

/* Cut after every N bytes, from either end, FIN or reset: both sides hear exactly one result and
 * one end, and a side that did not finish says why. */
static void test_cut_everywhere(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        for (size_t at = 0; at < 3000; at += at < 64 ? 1 : 61) {
            struct world w;
            world_open(&w);
            struct conn *cut = side == 0 ? w.client.conn : w.server.conn;
            pair_cut_after(w.pair, cut, at, at % 2 == 1);
            start(&w, make_server(only_ecdsa, NULL), make_client(NULL, NULL));
            fake_loop_run_for(&fake, 60000);
            struct side *other = side == 0 ? &w.server : &w.client;
            assert_int_equal(other->tls_count, 1);
            if (!other->result.is_ok) {
                assert_true(other->result.number != 0);
                assert_non_null(strstr(other->result.text, "ssl handshake failure"));
                assert_int_equal(other->closed_count, 1);
            }
            world_close(&w);
        }
    }
}

static void test_eof_names_the_flight(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    pair_cut_after(w.pair, w.client.conn, 0, false);
    start(&w, make_server(both, NULL), make_client(NULL, NULL));
    fake_loop_run_for(&fake, 60000);
    assert_string_equal(w.server.result.text,
                        "error:140780E5:SSL routines:SSL23_READ:ssl handshake failure");
    world_close(&w);

    world_open(&w);
    pair_cut_after(w.pair, w.client.conn, 20, false);
    start(&w, make_server(both, NULL), make_client(NULL, NULL));
    fake_loop_run_for(&fake, 60000);
    assert_string_equal(w.server.result.text,
                        "error:140760E5:SSL routines:SSL23_GET_CLIENT_HELLO:ssl handshake failure");
    world_close(&w);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *server, *client;
        const char *server_text, *client_text;
    } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM",
         "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM",
         "error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no shared cipher",
         "error:14094410:SSL routines:SSL3_READ_BYTES:sslv3 alert handshake failure"},
        {NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT",
         "error:14076102:SSL routines:SSL23_GET_CLIENT_HELLO:unsupported protocol",
         "error:1409442E:SSL routines:SSL3_READ_BYTES:tlsv1 alert protocol version"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        world_open(&w);
        start(&w, make_server(both, cases[i].server), make_client(NULL, cases[i].client));
        fake_loop_run_for(&fake, 60000);
        assert_false(w.server.result.is_ok);
        assert_string_equal(w.server.result.text, cases[i].server_text);
        assert_string_equal(w.client.result.text, cases[i].client_text);
        assert_true(w.client.result.is_peer_alert);
        assert_int_equal(w.server.end.cause, CONN_CAUSE_TLS);
        if (i == 0)
            assert_int_equal(w.server.result.number, 336109761);
        world_close(&w);
    }
}

static void test_plain_text_instead(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *text;
    } cases[] = {
        {"MAIL FROM:<a@b>\r\n",
         "error:140760FC:SSL routines:SSL23_GET_CLIENT_HELLO:unknown protocol"},
        {"GET / HTTP/1.0\r\n\r\n",
         "error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request"},
        {"CONNECT a:25 HTTP/1.0\r\n\r\n",
         "error:1407609B:SSL routines:SSL23_GET_CLIENT_HELLO:https proxy request"},
        {"\x16\x02\x01\x00\x05hello",
         "error:1408F10B:SSL routines:SSL3_GET_RECORD:wrong version number"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        world_open(&w);
        struct tls_server *server = make_server(both, NULL);
        conn_start_tls_server(w.server.conn, server);
        tls_server_unref(server);
        fake_loop_settle(&fake);
        pair_inject(w.pair, w.client.conn, slice_str(cases[i].sent));
        pair_inject(w.pair, w.client.conn, SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
        fake_loop_settle(&fake);
        assert_int_equal(w.server.tls_count, 1);
        assert_string_equal(w.server.result.text, cases[i].text);
        assert_int_equal(buf_len(&w.server.got), 0);
        world_close(&w);
    }
}

/* RFC 3207 4.2: what came in clear before the handshake never reaches the session after it. */
static void test_injected_before(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.server.takes = 10; /* `STARTTLS\r\n`, and not what follows */
    conn_write(w.client.conn, SLICE("STARTTLS\r\nRSET\r\n"));
    fake_loop_settle(&fake);
    assert_int_equal(conn_input_bytes(w.server.conn), 6);
    start(&w, make_server(both, NULL), make_client(NULL, NULL));
    fake_loop_run_for(&fake, 60000);
    assert_false(w.server.result.is_ok);
    assert_string_equal(w.server.result.text,
                        "error:00000000:SSL routines:POSTERN:plain text before the handshake");
    assert_int_equal(w.server.closed_count, 1);
    world_close(&w);
}

/* After close_notify not one byte is read, whatever follows on the wire. */
static void test_plain_after_close_notify(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    start(&w, make_server(both, NULL), make_client(NULL, NULL));
    expect_up(&w, "TLSv1.3", "TLS_AES_256_GCM_SHA384");
    size_t before = buf_len(&w.server.got);
    conn_close(w.client.conn);
    pair_inject(w.pair, w.client.conn, SLICE(""));
    fake_loop_turn(&fake);
    pair_inject(w.pair, w.client.conn, SLICE("RSET\r\nMAIL FROM:<x@y>\r\n"));
    fake_loop_run_for(&fake, 60000);
    assert_int_equal(buf_len(&w.server.got), before);
    assert_int_equal(w.server.closed_count, 1);
    world_close(&w);
}

static void test_garbage_record_kills(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    start(&w, make_server(both, NULL), make_client(NULL, NULL));
    expect_up(&w, "TLSv1.3", "TLS_AES_256_GCM_SHA384");
    size_t before = buf_len(&w.server.got);
    pair_inject(w.pair, w.client.conn,
                SLICE("\x17\x03\x03\x00\x20"
                      "0123456789abcdef0123456789abcdefRSET\r\n"));
    fake_loop_run_for(&fake, 60000);
    assert_int_equal(buf_len(&w.server.got), before);
    assert_int_equal(w.server.end.cause, CONN_CAUSE_TLS);
    assert_string_equal(
        w.server.end.text,
        "error:1408F119:SSL routines:SSL3_GET_RECORD:decryption failed or bad record mac");
    world_close(&w);
}

static void test_verification(void **state)
{
    (void)state;
    struct slice roots[] = {slice_str(ecdsa_pem)};
    struct trust_settings trust_settings = {.custom_pems = roots, .custom_count = 1};
    struct trust *trust = NULL;
    assert_int_equal(trust_create(&trust_settings, &trust, NULL), 0);
    assert_int_equal(trust_count(trust), 1);

    struct world w;
    world_open(&w);
    start(&w, make_server(both, NULL), make_client(trust, NULL));
    expect_up(&w, "TLSv1.3", "TLS_AES_256_GCM_SHA384");
    assert_true(w.client.result.is_verified);
    assert_int_equal(w.client.result.matched_kind, TLS_NAME_MX);
    assert_string_equal(w.client.result.matched_name, "mx.example.test");
    assert_string_equal(w.client.result.why, "");
    world_close(&w);

    world_open(&w); /* the RSA twin is not in the list: delivered all the same, unverified */
    start(&w, make_server(only_rsa, NULL), make_client(trust, NULL));
    expect_up(&w, "TLSv1.3", "TLS_AES_256_GCM_SHA384");
    assert_false(w.client.result.is_verified);
    assert_string_equal(w.client.result.why, "self-signed certificate");
    world_close(&w);

    int64_t wall = fake_clock.now_wall_ms;
    fake_clock.now_wall_ms += (int64_t)400 * 86400 * 1000;
    world_open(&w);
    start(&w, make_server(both, NULL), make_client(trust, NULL));
    expect_up(&w, "TLSv1.3", "TLS_AES_256_GCM_SHA384");
    assert_false(w.client.result.is_verified);
    assert_string_equal(w.client.result.why, "certificate has expired");
    fake_clock.now_wall_ms = wall;
    world_close(&w);
    trust_unref(trust);
}

/* --- resumption: a plain GnuTLS client that keeps its ticket, on buffers --- */

struct raw {
    struct buf in, out;
    gnutls_session_t handle;
};

static ssize_t raw_pull(gnutls_transport_ptr_t ptr, void *p, size_t size)
{
    struct raw *raw = ptr;
    struct slice have = buf_slice(&raw->in);
    if (have.len == 0) {
        gnutls_transport_set_errno(raw->handle, EAGAIN);
        return -1;
    }
    size_t len = have.len < size ? have.len : size;
    memcpy(p, have.p, len);
    buf_consume(&raw->in, len);
    return (ssize_t)len;
}

static ssize_t raw_push(gnutls_transport_ptr_t ptr, const void *p, size_t size)
{
    assert_true(buf_append(&((struct raw *)ptr)->out, p, size));
    return (ssize_t)size;
}

static void resume_once(struct tls_server *server, const char *priority, gnutls_datum_t *ticket,
                        bool *ret_is_resumed)
{
    struct raw raw = {0};
    buf_init(&raw.in, 0);
    buf_init(&raw.out, 0);
    gnutls_certificate_credentials_t credentials;
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_init(&raw.handle, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    gnutls_priority_set_direct(raw.handle, priority, NULL);
    gnutls_credentials_set(raw.handle, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_ptr(raw.handle, &raw);
    gnutls_transport_set_pull_function(raw.handle, raw_pull);
    gnutls_transport_set_push_function(raw.handle, raw_push);
    gnutls_handshake_set_timeout(raw.handle, 0);
    if (ticket->data != NULL)
        gnutls_session_set_data(raw.handle, ticket->data, ticket->size);
    struct tls_session *session = tls_session_server(server, &raw.out, &raw.in);
    struct tls_result result = {0};
    enum tls_io io = TLS_IO_AGAIN;
    int r = GNUTLS_E_AGAIN;
    for (int i = 0; i < 10 && (r != 0 || io == TLS_IO_AGAIN); i++) {
        if (r != 0)
            r = gnutls_handshake(raw.handle);
        if (io == TLS_IO_AGAIN)
            io = tls_session_handshake(session, &result);
    }
    assert_int_equal(r, 0);
    assert_int_equal(io, TLS_IO_OK);
    char byte;
    assert_int_equal(gnutls_record_recv(raw.handle, &byte, 1), GNUTLS_E_AGAIN); /* takes tickets */
    *ret_is_resumed = result.is_resumed;
    assert_int_equal(gnutls_session_is_resumed(raw.handle) != 0, result.is_resumed);
    gnutls_free(ticket->data);
    *ticket = (gnutls_datum_t){0};
    assert_int_equal(gnutls_session_get_data2(raw.handle, ticket), 0);
    gnutls_deinit(raw.handle);
    gnutls_certificate_free_credentials(credentials);
    tls_session_destroy(session);
    buf_finish(&raw.in);
    buf_finish(&raw.out);
}

static void test_resumption(void **state)
{
    (void)state;
    static const char *const priorities[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.3",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2",
    };
    for (size_t i = 0; i < ARRAY_LEN(priorities); i++) {
        struct tls_server *server = make_server(both, NULL);
        struct tls_server *other = make_server(both, NULL);
        gnutls_datum_t ticket = {0};
        bool is_resumed = true;
        resume_once(server, priorities[i], &ticket, &is_resumed);
        assert_false(is_resumed);
        resume_once(server, priorities[i], &ticket, &is_resumed);
        assert_true(is_resumed);
        resume_once(other, priorities[i], &ticket, &is_resumed); /* its key is another */
        assert_false(is_resumed);
        gnutls_free(ticket.data);
        tls_server_unref(server);
        tls_server_unref(other);
    }
}

/* --- the connection's own rules, TLS or not --- */

static void test_back_pressure(void **state)
{
    (void)state;
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct world w;
        world_open(&w);
        if (is_tls) {
            start(&w, make_server(both, NULL), make_client(NULL, NULL));
            fake_loop_settle(&fake);
            assert_true(w.server.result.is_ok);
        }
        conn_pause(w.server.conn);
        static char block[300000];
        memset(block, 'x', sizeof(block));
        conn_write(w.client.conn, slice_of(block, sizeof(block)));
        fake_loop_settle(&fake);
        assert_int_equal(buf_len(&w.server.got), 0);
        assert_true(conn_input_bytes(w.server.conn) <= 2 * 65536);
        assert_int_equal(w.client.drained_count, 1);
        conn_resume(w.server.conn);
        conn_close(w.client.conn);
        fake_loop_run_for(&fake, 500);
        assert_int_equal(buf_len(&w.server.got), sizeof(block));
        assert_int_equal(w.server.eof_count, 1);
        fake_loop_run_for(&fake, 5000);
        world_close(&w);
    }
}

static void test_nothing_inside_a_call(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    conn_write(w.client.conn, SLICE("x"));
    conn_close(w.client.conn);
    conn_abort(w.server.conn);
    assert_int_equal(w.client.closed_count + w.server.closed_count, 0);
    conn_write(w.server.conn, SLICE("y")); /* allowed, does nothing */
    fake_loop_run_for(&fake, 5000);
    assert_int_equal(w.client.closed_count, 1);
    assert_int_equal(w.server.closed_count, 1);
    assert_int_equal(w.server.end.cause, CONN_CAUSE_LOCAL);
    world_close(&w);
}

static void test_handshakes_are_rationed(void **state)
{
    (void)state;
    enum { MANY = 10 };
    struct world w[MANY];
    for (int i = 0; i < MANY; i++) {
        world_open(&w[i]);
        start(&w[i], make_server(only_ecdsa, NULL), make_client(NULL, NULL));
    }
    int done = 0, turns = 0;
    while (done < MANY) {
        int before = done;
        assert_true(fake_loop_turn(&fake) > 0);
        done = 0;
        for (int i = 0; i < MANY; i++)
            done += w[i].server.tls_count;
        assert_true(done - before <= 4);
        turns++;
    }
    assert_true(turns >= MANY);
    for (int i = 0; i < MANY; i++)
        world_close(&w[i]);
}

static struct served *serve(struct key *a, const char *a_pem, struct key *b, const char *b_pem)
{
    struct served *served = NULL;
    struct served_pair pairs[] = {{slice_str(a_pem), a}, {slice_str(b_pem), b}};
    struct error error = {0};
    if (served_create(pairs, b == NULL ? 1 : 2, &served, &error) < 0)
        fail_msg("%s", error.text);
    return served;
}

static int set_up(void **state)
{
    (void)state;
    clock_fake_init(&fake_clock, 1700000000000);
    trust_use_clock(&fake_clock.clock);
    fake_loop_init(&fake, &fake_clock);
    struct key *ecdsa = NULL, *rsa = NULL;
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &ecdsa, NULL), 0);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &rsa, NULL), 0);
    const char *names[] = {"mx.example.test"};
    struct cert_request request = {
        .common_name = "ecdsa.example.test", .names = names, .name_count = 1, .days = 365};
    uint8_t serial[16] = {1};
    assert_int_equal(
        cert_self_signed(ecdsa, &request, fake_clock.now_wall_ms, serial, &ecdsa_pem, NULL), 0);
    request.common_name = "rsa.example.test";
    assert_int_equal(
        cert_self_signed(rsa, &request, fake_clock.now_wall_ms, serial, &rsa_pem, NULL), 0);
    both = serve(rsa, rsa_pem, ecdsa, ecdsa_pem); /* order does not matter */
    only_rsa = serve(rsa, rsa_pem, NULL, "");
    only_ecdsa = serve(ecdsa, ecdsa_pem, NULL, "");
    key_destroy(ecdsa);
    key_destroy(rsa);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_loop_finish(&fake);
    served_unref(both);
    served_unref(only_rsa);
    served_unref(only_ecdsa);
    free(ecdsa_pem);
    free(rsa_pem);
    trust_use_clock(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_and_keys),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_eof_names_the_flight),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_plain_text_instead),
        cmocka_unit_test(test_injected_before),
        cmocka_unit_test(test_plain_after_close_notify),
        cmocka_unit_test(test_garbage_record_kills),
        cmocka_unit_test(test_verification),
        cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_nothing_inside_a_call),
        cmocka_unit_test(test_handshakes_are_rationed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
