/* See scene.h. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct gateway gateway;
struct tls_server *offered;

int scene_set_up(void **state)
{
    (void)state;
    gateway_init(&gateway, &scene.gateway);
    next_hops_init(&gateway);
    if (scene.gateway.has_certificate)
        offered = tls_peer_server(gateway.identity, NULL);
    if (scene.is_tls_offered)
        next_hop_plans[0].tls = offered;
    return 0;
}

int scene_tear_down(void **state)
{
    (void)state;
    next_hops_finish(&gateway);
    assert_int_equal(delivery_link_count(gateway.delivery), 0);
    tls_server_unref(offered);
    offered = NULL;
    gateway_finish(&gateway);
    assert_int_equal(body_memory_used(), 0);
    return 0;
}

void scene_again(void **state)
{
    (void)scene_tear_down(state);
    (void)scene_set_up(state);
}

void scene_send_to(const char *domain)
{
    char recipient[256];

    (void)snprintf(recipient, sizeof recipient, "you@%s", domain);
    gateway_send(&gateway, "Private", "me@near.test", recipient, "Subject: s\r\n\r\nhello");
}

void scene_assert_line(const char *part)
{
    gateway_assert_logged(&gateway, part);
}

size_t scene_count_lines(const char *part)
{
    return gateway_count_logged(&gateway, part);
}

static void count_one(void *ctx, struct envelope *env, const struct spool_location *location)
{
    (void)location;
    ++*(size_t *)ctx;
    envelope_destroy(env);
}

size_t scene_count_kept(void)
{
    size_t kept = 0;

    spool_memory_replay(gateway.engine.spool,
                        &(struct spool_opts){.ctx = &kept, .replay = count_one});
    return kept;
}
