/* An administrator looks into the queue of a gateway that delivers, and changes it: what each next
 * hop left behind, a retry that goes out, a deletion that is told when it is on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25}],"
    " \"sender-groups\": [" CONFIG_HAT("Private", "Relayed") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": [{\"domain\": \"ALL\","
    "   \"targets\": [{\"host\": \"[192.0.2.2]\", \"port\": 25}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60}],"
    " \"destination-controls\": ["
    "  {\"domain\": \"none.test\", \"tls\": \"none\"},"
    "  {\"domain\": \"required.test\", \"tls\": \"required\"},"
    "  {\"domain\": \"Default\", \"tls\": \"preferred\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config, .has_certificate = true},
                            .is_tls_offered = true};

static struct next_hop_plan *const plan = &next_hop_plans[0];
static struct mem_arena arena;

static int set_up(void **state)
{
    mem_arena_init(&arena);
    return scene_set_up(state);
}

static int tear_down(void **state)
{
    mem_arena_finish(&arena);
    return scene_tear_down(state);
}

static struct queue *queue(void)
{
    return delivery_queue(gateway.delivery);
}

static struct queue_view_dest look(const char *domain)
{
    struct queue_view_dest d;

    assert_true(queue_view_dest(queue(), slice_str(domain), &arena, &d));
    return d;
}

static void test_what_a_destination_left_behind(void **state)
{
    static const struct {
        const char *domain;
        bool has_tls;
        enum next_hop_verb verb;
        const char *reply; /* NULL: all yes */
        enum queue_tls tls;
        enum queue_dest_state dest;
        int code;
    } cases[] = {
        {"x.test", true, 0, NULL, QUEUE_TLS_SUCCESS, QUEUE_DEST_STATE_UP, 250},
        {"none.test", true, 0, NULL, QUEUE_TLS_NONE, QUEUE_DEST_STATE_UP, 250},
        {"x.test", false, 0, NULL, QUEUE_TLS_NONE, QUEUE_DEST_STATE_UP, 250},
        {"x.test", true, NEXT_HOP_STARTTLS, "454 no\r\n", QUEUE_TLS_FAILED, QUEUE_DEST_STATE_UP,
         250},
        {"x.test", true, NEXT_HOP_RCPT, "452 4.2.2 full\r\n", QUEUE_TLS_SUCCESS,
         QUEUE_DEST_STATE_UP, 452},
        {"required.test", false, 0, NULL, QUEUE_TLS_NONE, QUEUE_DEST_STATE_DOWN, 0},
        {"required.test", true, NEXT_HOP_STARTTLS, "454 no\r\n", QUEUE_TLS_FAILED,
         QUEUE_DEST_STATE_DOWN, 454},
        {"x.test", true, NEXT_HOP_GREETING, "421 busy\r\n", QUEUE_TLS_UNKNOWN,
         QUEUE_DEST_STATE_DOWN, 421},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (i > 0)
            scene_again(state);
        plan->tls = cases[i].has_tls ? offered : NULL;
        if (cases[i].reply != NULL)
            plan->replies[cases[i].verb] = cases[i].reply;
        scene_send_to(cases[i].domain);
        struct queue_view_dest d = look(cases[i].domain);
        assert_int_equal(d.tls, cases[i].tls);
        assert_int_equal(d.state, cases[i].dest);
        assert_int_equal(d.last.code, cases[i].code);
        bool is_delivered = cases[i].code == 250;
        assert_int_equal(d.delivered, is_delivered ? 1 : 0);
        assert_int_equal(d.messages, is_delivered ? 0 : 1);
        assert_int_equal(d.connections > 0, d.state == QUEUE_DEST_STATE_UP);
        assert_true(d.last.at_wall_ms == clock_wall_ms(gateway.engine.clock));
    }
}

static void test_retry_goes_out_at_once(void **state)
{
    (void)state;
    plan->replies[NEXT_HOP_GREETING] = "421 busy\r\n";
    scene_send_to("x.test");
    assert_int_equal(look("x.test").state, QUEUE_DEST_STATE_DOWN);
    plan->replies[NEXT_HOP_GREETING] = NULL;
    uint64_t before = clock_mono_ms(gateway.engine.clock);
    assert_true(queue_message_retry_now(queue(), 1));
    delivery_settle(gateway.delivery, NULL);
    gateway_settle(&gateway);
    assert_true(clock_mono_ms(gateway.engine.clock) == before);
    gateway_assert_logged(&gateway, "Message done DCID 2 MID 1 to RID [0]");
}

struct waiter {
    struct delivery_wait wait;
    size_t done;
    int result;
};

static void told(struct delivery_wait *wait, int result)
{
    struct waiter *w = CONTAINER_OF(wait, struct waiter, wait);

    w->done++;
    w->result = result;
}

static void test_deletion_is_told_when_durable(void **state)
{
    (void)state;
    struct waiter w = {.wait.done = told};
    plan->replies[NEXT_HOP_MAIL] = "450 later\r\n";
    scene_send_to("x.test");
    assert_int_equal(queue_message_delete(queue(), 1), QUEUE_DELETION_DONE);
    delivery_settle(gateway.delivery, &w.wait);
    gateway_settle_without_disk(&gateway);
    assert_int_equal(w.done, 0);
    gateway_assert_logged(&gateway, "Message finished MID 1 done");
    gateway_settle(&gateway);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.result, 0);
    /* Nobody waits for the next record. */
    scene_send_to("x.test");
    assert_int_equal(w.done, 1);
}

/* When the process ends nobody waits for what is not written any more. */
static void test_deletion_at_the_end(void **state)
{
    (void)state;
    struct waiter w = {.wait.done = told};
    plan->replies[NEXT_HOP_MAIL] = "450 later\r\n";
    scene_send_to("x.test");
    atomic_store(&gateway.engine.is_ending, true);
    assert_int_equal(queue_message_delete(queue(), 1), QUEUE_DELETION_DONE);
    delivery_settle(gateway.delivery, &w.wait);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.result, ERR_CLOSED);
    atomic_store(&gateway.engine.is_ending, false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_destination_left_behind),
        TEST(test_retry_goes_out_at_once),
        TEST(test_deletion_is_told_when_durable),
        TEST(test_deletion_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
