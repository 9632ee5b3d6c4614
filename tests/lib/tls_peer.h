/* What the TLS end of a test needs: a key and a self-signed certificate made on the spot, servers
 * that show it, clients. Handshakes are net/conn.h's. */
#ifndef POSTERN_TESTS_TLS_PEER_H
#define POSTERN_TESTS_TLS_PEER_H

#include "base/clock.h"
#include "net/tls.h"

struct key;
struct tls_peer;

/* ECDSA P-256, valid for a year from CLOCK's time; NAME is its CN and its only SAN. */
struct tls_peer *tls_peer_create(const struct clock *clock, const char *name);
/* NULL is allowed. */
void tls_peer_destroy(struct tls_peer *peer);
const char *tls_peer_pem(const struct tls_peer *peer);
const struct key *tls_peer_key(const struct tls_peer *peer);
/* PRIORITY is GnuTLS's, NULL: ours. The reference is the caller's. */
struct tls_server *tls_peer_server(const struct tls_peer *peer, const char *priority);
/* One that trusts nobody and asks for no name. The reference is the caller's. */
struct tls_client *tls_peer_client(const char *priority);

#endif
