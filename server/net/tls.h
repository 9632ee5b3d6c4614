/* TLS as the engine sees it: what a side is set up with, and what a handshake came to.
 *
 * A tls_server or tls_client is built once for a listener or a trust setting, is immutable,
 * counted, and shared by every loop (the counts are atomic). Handshakes run inside a connection:
 * conn_start_tls_server and conn_start_tls_client in net/conn.h. TLS 1.2 and 1.3, server's
 * preference, ECDSA first, tickets with a key of this tls_server alone, never early data, never
 * renegotiation.
 *
 * RFC 8446, RFC 5246, RFC 3207 (STARTTLS), RFC 6125 (names). */
#ifndef POSTERN_NET_TLS_H
#define POSTERN_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct served;
struct trust;
struct tls_server;
struct tls_client;

enum {
    TLS_NAME_MAX = 256,
    TLS_TEXT_MAX = 256,
};

struct tls_server_settings {
    struct served *served; /* what it shows; the tls_server takes a reference of its own */
    const char *priority;  /* GnuTLS priority string, NULL: the default above */
    bool has_tickets;      /* session tickets, key random per tls_server */
};
/* Blocks for a moment (key material): call it off the loops. */
int tls_server_create(const struct tls_server_settings *settings, struct tls_server **ret_server,
                      struct error *reterr) MUST_CHECK;
struct tls_server *tls_server_ref(struct tls_server *server);
/* NULL is allowed. */
void tls_server_unref(struct tls_server *server);

struct tls_client_settings {
    struct trust *trust;   /* who is believed; NULL: nobody, so nothing is ever verified */
    struct served *served; /* our own certificate if the peer asks for one; NULL: none */
    const char *priority;  /* NULL: the default */
};
int tls_client_create(const struct tls_client_settings *settings, struct tls_client **ret_client,
                      struct error *reterr) MUST_CHECK;
struct tls_client *tls_client_ref(struct tls_client *client);
void tls_client_unref(struct tls_client *client);

/* What a reference name is, in the order they are tried. */
enum tls_name_kind {
    TLS_NAME_NONE,        /* nothing matched */
    TLS_NAME_MAIL_DOMAIN, /* the recipient's domain */
    TLS_NAME_ROUTE_HOST,  /* host of the SMTP route */
    TLS_NAME_MX,          /* the MX name */
};

struct tls_reference {
    enum tls_name_kind kind;
    const char *name; /* a domain or the text of an IP address */
};

/* What a handshake came to. Valid during the callback; a plain value that may be copied. */
struct tls_result {
    bool is_ok;

    /* after success */
    const char *protocol; /* `TLSv1.3`, static */
    const char *cipher;   /* OpenSSL's spelling, `ECDHE-RSA-AES256-GCM-SHA384`, static */
    bool is_resumed;
    bool has_peer_certificate;
    char peer_cn[TLS_NAME_MAX]; /* of the peer's certificate, empty: none; control bytes are '?' */
    bool is_chain_ok;           /* leads to somebody we trust, dates included */
    bool is_verified;           /* is_chain_ok and a reference name matched */
    bool is_cn_match;           /* the match came from the CN, not from a SAN */
    enum tls_name_kind matched_kind;
    char matched_name[TLS_NAME_MAX]; /* the reference name that matched, empty: none */
    char why[TLS_TEXT_MAX];          /* why it is not verified, one line; empty when it is */

    /* after failure: OpenSSL's form, `(336109761, 'error:1408A0C1:SSL routines:F:no shared
     * cipher')` */
    unsigned long number;
    char text[TLS_TEXT_MAX]; /* `error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no shared cipher`
                              */
    bool is_peer_alert;      /* the peer refused us, not we it */
};

#endif
