/* The scene of a flow test: one gateway whose deliveries meet next_hop.h, set up anew for each
 * test. A test file says in `scene` what it is like, and gives its tests scene_set_up and
 * scene_tear_down. */
#ifndef POSTERN_TESTS_FLOW_SCENE_H
#define POSTERN_TESTS_FLOW_SCENE_H

#include "gateway.h"
#include "next_hop.h"

struct scene {
    struct gateway_settings gateway;
    bool is_tls_offered; /* by the first next hop; needs a certificate */
};

extern const struct scene scene; /* the test file's */
extern struct gateway gateway;
extern struct tls_server *offered; /* TLS for next hops; NULL without a certificate */

int scene_set_up(void **state);
/* Nothing may be left: no connection of a delivery, no memory of a body. */
int scene_tear_down(void **state);
/* The next case of a table. */
void scene_again(void **state);

/* A message from me@near.test to you@DOMAIN through the listener Private. */
void scene_send_to(const char *domain);
void scene_assert_line(const char *part);
size_t scene_count_lines(const char *part);
/* How many messages a restart would find in the spool. */
size_t scene_count_kept(void);

#endif
