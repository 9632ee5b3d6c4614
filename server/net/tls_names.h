/* From GnuTLS's words to OpenSSL's: error codes, alerts, protocols and cipher suites, as the mail
 * log's readers know them. Pure tables, any thread. */
#ifndef POSTERN_NET_TLS_NAMES_H
#define POSTERN_NET_TLS_NAMES_H

#include "base/slice.h"
#include "net/tls.h"

/* What was known when a handshake or a session failed. */
struct tls_failure {
    int code;           /* GNUTLS_E_..., negative */
    int alert;          /* the alert the peer sent, -1: none */
    int last_message;   /* gnutls_handshake_description_t received last, -1: none */
    bool is_server;     /* our side */
    struct slice first; /* the first bytes the peer sent, up to 8 */
};

/* Fills ret_result->number, text and is_peer_alert. What is not in the table becomes
 * `(0, 'error:00000000:SSL routines:GNUTLS:<text>')`. */
void tls_names_failure(const struct tls_failure *failure, struct tls_result *ret_result);
/* `TLSv1.3`; never NULL. VERSION is a gnutls_protocol_t. */
const char *tls_names_protocol(int version);
/* OpenSSL's spelling of a suite's standard name, `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` ->
 * `ECDHE-RSA-AES256-GCM-SHA384`; a suite that is not in the table is given back as it is. */
const char *tls_names_cipher(const char *suite);

#endif
