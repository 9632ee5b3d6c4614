/* See tls_peer.h. Whatever fails here is a bug of the test. */
#include "tls_peer.h"

#include "base/mem.h"
#include "pki/cert.h"
#include "pki/served.h"

struct tls_peer {
    struct key *key;
    char *pem;
    struct served *served;
};

struct tls_peer *tls_peer_create(const struct clock *clock, const char *name)
{
    struct tls_peer *peer = MEM_NEW(struct tls_peer);
    const struct cert_request request = {
        .common_name = name, .names = &name, .name_count = 1, .days = 365};
    uint8_t serial[16];

    clock->random(clock, serial, sizeof serial);
    int r = key_generate(KEY_TYPE_ECDSA_P256, &peer->key, NULL);
    ASSERT(r == 0);
    r = cert_self_signed(peer->key, &request, clock_wall_ms(clock), serial, &peer->pem, NULL);
    ASSERT(r == 0);
    const struct served_pair pair = {.chain_pem = slice_str(peer->pem), .key = peer->key};
    r = served_create(&pair, 1, &peer->served, NULL);
    ASSERT(r == 0);
    return peer;
}

void tls_peer_destroy(struct tls_peer *peer)
{
    if (peer == NULL)
        return;
    served_unref(peer->served);
    key_destroy(peer->key);
    free(peer->pem);
    free(peer);
}

const char *tls_peer_pem(const struct tls_peer *peer)
{
    return peer->pem;
}

const struct key *tls_peer_key(const struct tls_peer *peer)
{
    return peer->key;
}

struct tls_server *tls_peer_server(const struct tls_peer *peer, const char *priority)
{
    const struct tls_server_settings settings = {.served = peer->served, .priority = priority};
    struct tls_server *server = NULL;

    int r = tls_server_create(&settings, &server, NULL);
    ASSERT(r == 0);
    return server;
}

struct tls_client *tls_peer_client(const char *priority)
{
    const struct tls_client_settings settings = {.priority = priority};
    struct tls_client *client = NULL;

    int r = tls_client_create(&settings, &client, NULL);
    ASSERT(r == 0);
    return client;
}
