/* One TLS session over two byte buffers, for net/conn.c: what came from the wire is read from IN,
 * what must go to the wire is appended to OUT. No transport, no callback, no clock. Same code for
 * both sides. Owner: the connection. */
#ifndef POSTERN_NET_TLS_PRIV_H
#define POSTERN_NET_TLS_PRIV_H

#include "base/buf.h"
#include "net/tls.h"

struct tls_session;

enum tls_io {
    TLS_IO_OK,     /* done, or bytes were given */
    TLS_IO_AGAIN,  /* needs more bytes from the peer */
    TLS_IO_CLOSED, /* the peer said close_notify: nothing more may be read */
    TLS_IO_DEAD,   /* failed; an alert may wait in OUT; no call but destroy */
};

/* IN and OUT outlive the session. Always gives a session: if GnuTLS refuses to set it up, the
 * handshake fails. */
struct tls_session *tls_session_server(struct tls_server *server, struct buf *in, struct buf *out);
struct tls_session *tls_session_client(struct tls_client *client, const char *sni,
                                       const struct tls_reference *references,
                                       size_t reference_count, struct buf *in, struct buf *out);
void tls_session_destroy(struct tls_session *session);

/* The transport gives no more: the next read that wants bytes finds the end. */
void tls_session_set_eof(struct tls_session *session);
/* Advances the handshake. On OK and DEAD *ret_result is filled. */
enum tls_io tls_session_handshake(struct tls_session *session, struct tls_result *ret_result);
/* Up to SIZE bytes of plain text. On DEAD *ret_result has number and text. */
enum tls_io tls_session_read(struct tls_session *session, char *p, size_t size, size_t *ret_len,
                             struct tls_result *ret_result);
/* Encrypts all of it into OUT; OK or DEAD. */
enum tls_io tls_session_write(struct tls_session *session, struct slice bytes);
/* Says close_notify. */
void tls_session_bye(struct tls_session *session);
/* The handshake failed before it began, for a reason of ours. */
void tls_result_refuse(struct tls_result *result, const char *text);

#endif
