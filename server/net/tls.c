/* GnuTLS between two byte buffers, both sides, and the shared set-up of each side.
 *
 *   wire_in -> pull -> gnutls_handshake | gnutls_record_recv -> plain text
 *   plain text -> gnutls_record_send | gnutls_bye -> push -> wire_out
 *
 * A session is NEW until its first step, then in HANDSHAKE, UP, HALF after the peer's end, and DEAD
 * for ever after a failure: nothing is read from a HALF or DEAD one, so no byte that follows an end
 * of TLS can be taken for mail.
 *
 * A tls_server or tls_client is immutable and counted; a session holds a reference, so a commit can
 * replace it while handshakes are in flight. Ticket keys live in the tls_server and are wiped with
 * it.
 *
 * The client evaluates chain and names on every handshake and says what it found; it refuses
 * nothing. RFC 8446 4.6.1 (tickets), 4.2.10 (no early data: the flag is never set), RFC 5746
 * (renegotiation is refused by ending the session). */
#include "net/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/mem.h"
#include "net/tls_names.h"
#include "net/tls_priv.h"
#include "pki/cert.h"
#include "pki/served.h"
#include "pki/trust.h"

/* ECDSA suites stand before RSA ones in NORMAL; %SERVER_PRECEDENCE makes that order count. X25519
 * first, where NORMAL prefers P-256: it is the key share that OpenSSL's clients send unasked, and
 * another choice costs them a HelloRetryRequest, one more round trip. RSA key transport last, where
 * NORMAL prefers it to DHE: it has no forward secrecy (RFC 9325 4.1), and is for who knows nothing
 * else. */
#define TLS_PRIORITY_DEFAULT                                                                       \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:+RSA:%SERVER_PRECEDENCE"                      \
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:+GROUP-X448"     \
    ":+GROUP-FFDHE2048:+GROUP-FFDHE3072:+GROUP-FFDHE4096"

enum { TLS_WARNINGS_MAX = 5, TLS_END_ASKED_MAX = 3, TLS_FIRST_BYTES = 8, TLS_RECORD_BYTES = 16384 };

/* RFC 8446 5.1: a record's header is type, version and length; an alert's body level and number. */
enum { RECORD_HEADER_BYTES = 5, RECORD_TYPE_ALERT = 21, PLAIN_ALERT_BYTES = 7 };

struct tls_server {
    _Atomic unsigned refs;
    struct served *served;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key; /* data NULL: no tickets */
};

struct tls_client {
    _Atomic unsigned refs;
    struct trust *trust;
    struct served *served;                            /* NULL: none */
    gnutls_certificate_credentials_t own_credentials; /* empty ones, when SERVED is NULL */
    gnutls_priority_t priority;
};

enum tls_state {
    TLS_STATE_NEW,       /* no step was made */
    TLS_STATE_HANDSHAKE, /* between the first step and the last */
    TLS_STATE_UP,        /* carries data */
    TLS_STATE_HALF,      /* the peer has ended: only writing is left */
    TLS_STATE_DEAD,      /* failed */
};

/* The record that the peer's bytes are in. */
struct record_watch {
    size_t size; /* in all, header included; RECORD_HEADER_BYTES until the header is whole */
    size_t seen; /* of SIZE, so far */
    unsigned char start[PLAIN_ALERT_BYTES];
};

struct tls_session {
    enum tls_state state;
    gnutls_session_t handle; /* NULL: could not be set up */
    int setup_error;
    struct tls_server *server; /* one of these two, a reference of ours */
    struct tls_client *client;
    struct tls_reference *references; /* names copied */
    size_t reference_count;
    struct buf *in, *out; /* the connection's */
    bool is_eof;          /* the transport gives no more */
    bool has_seen_end;    /* and GnuTLS was told so */
    unsigned warnings, end_asked;
    size_t first_len;
    char first[TLS_FIRST_BYTES]; /* what the peer sent first: tells plain text from TLS */
    struct record_watch watch;
};

/* --- set-up --- */

static int init_priority(const char *text, gnutls_priority_t *ret_priority, struct error *reterr)
{
    const char *where = NULL;
    int r = gnutls_priority_init(ret_priority, text == NULL ? TLS_PRIORITY_DEFAULT : text, &where);
    if (r < 0)
        return error_set(reterr, ERR_INVALID, "TLS settings not understood at `%.60s`: %s",
                         where == NULL ? "" : where, gnutls_strerror(r));
    return 0;
}

int tls_server_create(const struct tls_server_settings *settings, struct tls_server **ret_server,
                      struct error *reterr)
{
    struct tls_server *server = MEM_NEW(struct tls_server);
    atomic_init(&server->refs, 1);
    server->served = served_ref(settings->served);
    int r = init_priority(settings->priority, &server->priority, reterr);
    if (r == 0 && settings->has_tickets) {
        r = gnutls_session_ticket_key_generate(&server->ticket_key);
        if (r < 0)
            r = error_set(reterr, ERR_CRYPTO, "cannot make a ticket key: %s", gnutls_strerror(r));
    }
    if (r < 0) {
        tls_server_unref(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

struct tls_server *tls_server_ref(struct tls_server *server)
{
    (void)atomic_fetch_add(&server->refs, 1);
    return server;
}

void tls_server_unref(struct tls_server *server)
{
    if (server == NULL || atomic_fetch_sub(&server->refs, 1) != 1)
        return;
    if (server->ticket_key.data != NULL) {
        mem_wipe(server->ticket_key.data, server->ticket_key.size);
        gnutls_free(server->ticket_key.data);
    }
    if (server->priority != NULL)
        gnutls_priority_deinit(server->priority);
    served_unref(server->served);
    free(server);
}

int tls_client_create(const struct tls_client_settings *settings, struct tls_client **ret_client,
                      struct error *reterr)
{
    struct tls_client *client = MEM_NEW(struct tls_client);
    atomic_init(&client->refs, 1);
    client->trust = settings->trust == NULL ? NULL : trust_ref(settings->trust);
    client->served = settings->served == NULL ? NULL : served_ref(settings->served);
    int r = init_priority(settings->priority, &client->priority, reterr);
    if (r == 0 && client->served == NULL) {
        r = gnutls_certificate_allocate_credentials(&client->own_credentials);
        if (r < 0)
            r = error_set(reterr, ERR_CRYPTO, "cannot set up TLS: %s", gnutls_strerror(r));
    }
    if (r < 0) {
        tls_client_unref(client);
        return r;
    }
    *ret_client = client;
    return 0;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
    (void)atomic_fetch_add(&client->refs, 1);
    return client;
}

void tls_client_unref(struct tls_client *client)
{
    if (client == NULL || atomic_fetch_sub(&client->refs, 1) != 1)
        return;
    if (client->own_credentials != NULL)
        gnutls_certificate_free_credentials(client->own_credentials);
    if (client->priority != NULL)
        gnutls_priority_deinit(client->priority);
    served_unref(client->served);
    trust_unref(client->trust);
    free(client);
}

/* --- bytes --- */

static void watch_records(struct record_watch *watch, struct slice bytes)
{
    while (bytes.len > 0) {
        if (watch->seen == watch->size)
            *watch = (struct record_watch){.size = RECORD_HEADER_BYTES};
        size_t left = watch->size - watch->seen;
        size_t len = bytes.len < left ? bytes.len : left;
        for (size_t i = 0; i < len && watch->seen + i < sizeof(watch->start); i++)
            watch->start[watch->seen + i] = (unsigned char)bytes.p[i];
        watch->seen += len;
        if (watch->size == RECORD_HEADER_BYTES && watch->seen == RECORD_HEADER_BYTES)
            watch->size += (size_t)watch->start[3] << 8 | watch->start[4];
        bytes = slice_of(bytes.p + len, bytes.len - len);
    }
}

/* Whether the last record was an alert in clear text; an encrypted one is longer, and in TLS 1.3 of
 * another type. */
static bool is_plain_alert(const struct record_watch *watch)
{
    return watch->start[0] == RECORD_TYPE_ALERT && watch->size == PLAIN_ALERT_BYTES &&
           watch->seen == watch->size;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *p, size_t size)
{
    struct tls_session *session = ptr;
    struct slice have = buf_slice(session->in);
    if (have.len == 0) {
        if (session->is_eof) {
            session->has_seen_end = true;
            return 0;
        }
        gnutls_transport_set_errno(session->handle, EAGAIN);
        return -1;
    }
    size_t len = have.len < size ? have.len : size;
    memcpy(p, have.p, len);
    for (size_t i = 0; i < len && session->first_len < TLS_FIRST_BYTES; i++)
        session->first[session->first_len++] = have.p[i];
    watch_records(&session->watch, slice_of(have.p, len));
    buf_consume(session->in, len);
    return (ssize_t)len;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    const struct tls_session *session = ptr;
    (void)ms; /* never waits: deadlines are the connection's */
    return buf_len(session->in) > 0 || session->is_eof ? 1 : 0;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *p, size_t size)
{
    struct tls_session *session = ptr;
    if (!buf_append(session->out, p, size)) {
        gnutls_transport_set_errno(session->handle, ENOBUFS);
        return -1;
    }
    return (ssize_t)size;
}

/* --- a session --- */

static struct tls_session *session_new(struct buf *in, struct buf *out)
{
    struct tls_session *session = MEM_NEW(struct tls_session);
    session->in = in;
    session->out = out;
    return session;
}

static int session_setup(struct tls_session *session, unsigned flags, gnutls_priority_t priority,
                         gnutls_certificate_credentials_t credentials)
{
    int r = gnutls_init(&session->handle, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (r < 0) {
        session->handle = NULL;
        return r;
    }
    gnutls_transport_set_ptr(session->handle, session);
    gnutls_transport_set_pull_function(session->handle, pull);
    gnutls_transport_set_pull_timeout_function(session->handle, pull_timeout);
    gnutls_transport_set_push_function(session->handle, push);
    gnutls_handshake_set_timeout(session->handle, 0); /* ours, not its own */
    r = gnutls_priority_set(session->handle, priority);
    if (r < 0)
        return r;
    return gnutls_credentials_set(session->handle, GNUTLS_CRD_CERTIFICATE, credentials);
}

struct tls_session *tls_session_server(struct tls_server *server, struct buf *in, struct buf *out)
{
    struct tls_session *session = session_new(in, out);
    session->server = tls_server_ref(server);
    int r =
        session_setup(session, GNUTLS_SERVER, server->priority, served_credentials(server->served));
    if (r >= 0 && server->ticket_key.data != NULL)
        r = gnutls_session_ticket_enable_server(session->handle, &server->ticket_key);
    if (r >= 0)
        gnutls_certificate_server_set_request(session->handle, GNUTLS_CERT_IGNORE);
    session->setup_error = r < 0 ? r : 0;
    return session;
}

static void copy_references(struct tls_session *session, const struct tls_reference *references,
                            size_t count)
{
    session->references = mem_array(count == 0 ? 1 : count, sizeof(*references));
    session->reference_count = count;
    for (size_t i = 0; i < count; i++) {
        session->references[i].kind = references[i].kind;
        session->references[i].name = mem_strdup(references[i].name);
    }
}

struct tls_session *tls_session_client(struct tls_client *client, const char *sni,
                                       const struct tls_reference *references,
                                       size_t reference_count, struct buf *in, struct buf *out)
{
    struct tls_session *session = session_new(in, out);
    session->client = tls_client_ref(client);
    copy_references(session, references, reference_count);
    gnutls_certificate_credentials_t credentials =
        client->served == NULL ? client->own_credentials : served_credentials(client->served);
    /* Nobody keeps the tickets of a next hop, so none are asked for. */
    int r =
        session_setup(session, GNUTLS_CLIENT | GNUTLS_NO_TICKETS, client->priority, credentials);
    /* RFC 6066 3: a host name, never an address */
    if (r >= 0 && sni != NULL && sni[0] != '\0')
        r = gnutls_server_name_set(session->handle, GNUTLS_NAME_DNS, sni, strlen(sni));
    session->setup_error = r < 0 ? r : 0;
    return session;
}

void tls_session_destroy(struct tls_session *session)
{
    if (session == NULL)
        return;
    if (session->handle != NULL)
        gnutls_deinit(session->handle);
    for (size_t i = 0; i < session->reference_count; i++)
        free((void *)(size_t)session->references[i].name); /* ours, see copy_references */
    free(session->references);
    tls_client_unref(session->client);
    tls_server_unref(session->server);
    free(session);
}

void tls_session_set_eof(struct tls_session *session)
{
    session->is_eof = true;
}

/* --- what a handshake came to --- */

void tls_result_refuse(struct tls_result *result, const char *text)
{
    *result = (struct tls_result){.protocol = "", .cipher = ""};
    (void)snprintf(result->text, sizeof(result->text), "error:00000000:SSL routines:POSTERN:%s",
                   text); /* our own short words */
}

static enum tls_io fail(struct tls_session *session, int code, struct tls_result *ret_result)
{
    struct tls_failure failure = {
        .code = code,
        .alert = -1,
        .last_message = -1,
        .is_server = session->server != NULL,
        .first = slice_of(session->first, session->first_len),
    };
    *ret_result = (struct tls_result){.protocol = "", .cipher = ""};
    if (session->handle != NULL && session->state != TLS_STATE_NEW) {
        int message = (int)gnutls_handshake_get_last_in(session->handle);
        /* It starts as hello_request, which neither side of ours takes as a first message. */
        failure.last_message = message == GNUTLS_HANDSHAKE_HELLO_REQUEST ? -1 : message;
        if (code == GNUTLS_E_DECRYPTION_FAILED && is_plain_alert(&session->watch)) {
            /* OpenSSL's clients say in clear text what they hold against a TLS 1.3 certificate;
             * GnuTLS takes that for a damaged record. */
            failure.code = GNUTLS_E_FATAL_ALERT_RECEIVED;
            failure.alert = session->watch.start[PLAIN_ALERT_BYTES - 1];
        } else if (code == GNUTLS_E_FATAL_ALERT_RECEIVED)
            failure.alert = (int)gnutls_alert_get(session->handle);
        else
            (void)gnutls_alert_send_appropriate(session->handle,
                                                code); /* the session ends anyway */
    }
    session->state = TLS_STATE_DEAD;
    tls_names_failure(&failure, ret_result);
    return TLS_IO_DEAD;
}

/* Imports the peer's chain; returns how many, 0 when there is none or it cannot be read. */
static unsigned import_peers(struct tls_session *session,
                             gnutls_x509_crt_t chain[LIMIT_TLS_CHAIN_DEPTH], bool *ret_is_longer)
{
    unsigned sent = 0;
    const gnutls_datum_t *ders = gnutls_certificate_get_peers(session->handle, &sent);
    *ret_is_longer = sent > LIMIT_TLS_CHAIN_DEPTH;
    if (ders == NULL || sent == 0)
        return 0;
    unsigned count = 0;
    for (; count < sent && count < LIMIT_TLS_CHAIN_DEPTH; count++) {
        if (gnutls_x509_crt_init(&chain[count]) < 0)
            break;
        if (gnutls_x509_crt_import(chain[count], &ders[count], GNUTLS_X509_FMT_DER) < 0) {
            gnutls_x509_crt_deinit(chain[count]);
            break;
        }
    }
    return count;
}

/* The first reference name that matches wins. */
static void match_names(const struct tls_session *session, const struct cert_info *info,
                        struct tls_result *result)
{
    for (size_t i = 0; i < session->reference_count; i++) {
        const struct tls_reference *reference = &session->references[i];
        enum cert_match match = cert_info_match(info, reference->name, true);
        if (match == CERT_MATCH_NONE)
            continue;
        result->matched_kind = reference->kind;
        result->is_cn_match = match == CERT_MATCH_CN;
        (void)snprintf(result->matched_name, sizeof(result->matched_name), "%s", reference->name);
        return;
    }
}

static void evaluate_peer(struct tls_session *session, struct tls_result *result)
{
    gnutls_x509_crt_t chain[LIMIT_TLS_CHAIN_DEPTH];
    bool is_longer = false;
    unsigned count = import_peers(session, chain, &is_longer);
    if (count == 0) {
        (void)snprintf(result->why, sizeof(result->why), "no certificate was sent");
        return;
    }
    struct cert_info *info = cert_info_of(chain[0]);
    result->has_peer_certificate = true;
    (void)snprintf(result->peer_cn, sizeof(result->peer_cn), "%s", info->subject_cn);
    bool is_peer_server = session->client != NULL;
    struct trust *trust = session->client == NULL ? NULL : session->client->trust;
    if (is_longer)
        (void)snprintf(result->why, sizeof(result->why), "the chain is too long");
    else
        result->is_chain_ok = trust_verify(trust, chain, count, is_peer_server, result->why);
    match_names(session, info, result);
    result->is_verified = result->is_chain_ok && result->matched_kind != TLS_NAME_NONE;
    if (result->is_chain_ok && !result->is_verified)
        (void)snprintf(result->why, sizeof(result->why), "certificate names none of the %zu %s",
                       session->reference_count, "reference names");
    cert_info_destroy(info);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
}

_Static_assert((int)TLS_TEXT_MAX == (int)TRUST_WHY_MAX, "trust_verify writes into tls_result.why");

static void succeed(struct tls_session *session, struct tls_result *ret_result)
{
    gnutls_session_t handle = session->handle;
    session->state = TLS_STATE_UP;
    *ret_result = (struct tls_result){
        .is_ok = true,
        .protocol = tls_names_protocol((int)gnutls_protocol_get_version(handle)),
        .cipher = tls_names_cipher(gnutls_ciphersuite_get(handle)),
        .is_resumed = gnutls_session_is_resumed(handle) != 0,
    };
    evaluate_peer(session, ret_result);
}

/* --- the four verbs --- */

/* A record that the end of the bytes cut short: GnuTLS answers AGAIN and sees the end only when
 * asked once more, or complains of the length. True: ask again. Else *r is PREMATURE_TERMINATION
 * when the end is to blame. */
static bool is_ended(struct tls_session *session, int *r)
{
    if (*r == GNUTLS_E_AGAIN && session->is_eof && buf_len(session->in) == 0) {
        if (++session->end_asked <= TLS_END_ASKED_MAX)
            return true;
        *r = GNUTLS_E_PREMATURE_TERMINATION;
    }
    if (*r == GNUTLS_E_UNEXPECTED_PACKET_LENGTH && session->has_seen_end)
        *r = GNUTLS_E_PREMATURE_TERMINATION;
    return false;
}

enum tls_io tls_session_handshake(struct tls_session *session, struct tls_result *ret_result)
{
    ASSERT(session->state == TLS_STATE_NEW || session->state == TLS_STATE_HANDSHAKE);
    if (session->setup_error != 0)
        return fail(session, session->setup_error, ret_result);
    session->state = TLS_STATE_HANDSHAKE;
    for (;;) {
        int r = gnutls_handshake(session->handle);
        if (r == GNUTLS_E_SUCCESS) {
            succeed(session, ret_result);
            return TLS_IO_OK;
        }
        if (is_ended(session, &r))
            continue;
        if (r == GNUTLS_E_AGAIN)
            return TLS_IO_AGAIN;
        if (r == GNUTLS_E_WARNING_ALERT_RECEIVED)
            session->warnings++;
        bool is_again = r == GNUTLS_E_INTERRUPTED || (r == GNUTLS_E_WARNING_ALERT_RECEIVED &&
                                                      session->warnings <= TLS_WARNINGS_MAX);
        if (!is_again)
            return fail(session, r, ret_result);
    }
}

enum tls_io tls_session_read(struct tls_session *session, char *p, size_t size, size_t *ret_len,
                             struct tls_result *ret_result)
{
    ASSERT(session->state == TLS_STATE_UP);
    for (;;) {
        size_t before = buf_len(session->in);
        ssize_t got = gnutls_record_recv(session->handle, p, size);
        if (got > 0) {
            *ret_len = (size_t)got;
            return TLS_IO_OK;
        }
        int r = (int)got; /* 0 or an error code */
        if (is_ended(session, &r))
            continue;
        /* A FIN without close_notify ends the bytes too; SMTP knows by itself what was complete. */
        if (r == 0 || (r == GNUTLS_E_PREMATURE_TERMINATION && session->is_eof)) {
            session->state = TLS_STATE_HALF; /* nothing is read after close_notify */
            return TLS_IO_CLOSED;
        }
        if (r == GNUTLS_E_AGAIN) {
            /* GnuTLS says so after each record without text (a session ticket), though the next one
             * is there already: only no progress means that the peer must send more. */
            size_t left = buf_len(session->in);
            if (left > 0 && left < before)
                continue;
            return TLS_IO_AGAIN;
        }
        if (r == GNUTLS_E_WARNING_ALERT_RECEIVED)
            session->warnings++;
        if (r == GNUTLS_E_INTERRUPTED ||
            (r == GNUTLS_E_WARNING_ALERT_RECEIVED && session->warnings <= TLS_WARNINGS_MAX))
            continue;
        if (r == GNUTLS_E_REHANDSHAKE) /* RFC 5246 7.2.2; the session ends as well */
            (void)gnutls_alert_send(session->handle, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
        return fail(session, r, ret_result);
    }
}

enum tls_io tls_session_write(struct tls_session *session, struct slice bytes)
{
    if (session->state != TLS_STATE_UP && session->state != TLS_STATE_HALF)
        return TLS_IO_DEAD;
    while (bytes.len > 0) {
        size_t len = bytes.len < TLS_RECORD_BYTES ? bytes.len : TLS_RECORD_BYTES;
        ssize_t r = gnutls_record_send(session->handle, bytes.p, len);
        if (r == GNUTLS_E_INTERRUPTED)
            continue;
        if (r <= 0) {
            session->state = TLS_STATE_DEAD;
            return TLS_IO_DEAD;
        }
        bytes = slice_of(bytes.p + r, bytes.len - (size_t)r);
    }
    return TLS_IO_OK;
}

void tls_session_bye(struct tls_session *session)
{
    /* RFC 8446 6.1: also as the answer to the peer's close_notify */
    if (session->state == TLS_STATE_UP || session->state == TLS_STATE_HALF)
        (void)gnutls_bye(session->handle, GNUTLS_SHUT_WR); /* into OUT; closing goes on without */
}
