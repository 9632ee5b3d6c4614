/* control/queue_ctl: each door from a thread that is not the queue's, with a real loop and a real
 * spool; what it says is deleted is gone from the disk. */
#include "control/queue_ctl.h"

#include "control_help.h"

static struct control_gateway g;
static struct queue_ctl *ctl;
static struct mem_arena arena;
static bool is_stopped;

static int set_up(void **state)
{
    (void)state;
    control_init(&g);
    ctl = queue_ctl_create(&g.engine, g.delivery);
    mem_arena_init(&arena);
    is_stopped = false;
    return 0;
}

static void stop(void)
{
    control_stop(&g);
    is_stopped = true;
}

static int tear_down(void **state)
{
    (void)state;
    if (!is_stopped)
        control_stop(&g);
    mem_arena_finish(&arena);
    queue_ctl_destroy(ctl);
    control_finish(&g);
    return 0;
}

static void one_can_look(void **state)
{
    (void)state;
    struct queue_summary summary;
    struct queue_view_message m;
    struct queue_view_messages messages;
    struct queue_view_dest d;
    struct queue_view_dests dests;
    control_add(&g, 1, "x@a.test y@b.test");
    control_add(&g, 2, "x@a.test");
    assert_int_equal(queue_ctl_summary(ctl, &summary), 0);
    assert_int_equal(summary.messages, 2);
    assert_int_equal(summary.rcpts_pending, 3);
    assert_int_equal(summary.bytes, 8);

    assert_int_equal(queue_ctl_message(ctl, 1, &arena, &m), 0);
    assert_int_equal(m.rcpt_count, 2);
    assert_true(slice_eq(m.rcpts[1].address, SLICE("y@b.test")));
    assert_int_equal(queue_ctl_message(ctl, 3, &arena, &m), ERR_NOT_FOUND);

    const struct queue_view_messages_query query = {.destination = SLICE("A.Test"), .limit = 1};
    assert_int_equal(queue_ctl_messages(ctl, &query, &arena, &messages), 0);
    assert_int_equal(messages.count, 1);
    assert_int_equal(messages.items[0].mid, 1);
    assert_int_equal(messages.next_after_mid, 1);

    assert_int_equal(queue_ctl_destination(ctl, SLICE("B.TEST"), &arena, &d), 0);
    assert_int_equal(d.messages, 1);
    assert_int_equal(queue_ctl_destination(ctl, SLICE("c.test"), &arena, &d), ERR_NOT_FOUND);

    struct queue_view_dests_query dests_query = {.limit = 10};
    assert_int_equal(queue_ctl_destinations(ctl, &dests_query, &arena, &dests), 0);
    assert_int_equal(dests.count, 2);
    dests_query.cursor = SLICE("nonsense");
    assert_int_equal(queue_ctl_destinations(ctl, &dests_query, &arena, &dests), ERR_INVALID);
}

static void one_can_try_again(void **state)
{
    (void)state;
    control_add(&g, 1, "x@a.test");
    assert_int_equal(queue_ctl_message_retry(ctl, 1), 0);
    assert_int_equal(queue_ctl_message_retry(ctl, 2), ERR_NOT_FOUND);
    assert_int_equal(queue_ctl_destination_retry(ctl, SLICE("A.test")), 0);
    assert_int_equal(queue_ctl_destination_retry(ctl, SLICE("b.test")), ERR_NOT_FOUND);
}

static void what_is_deleted_is_gone_from_the_disk(void **state)
{
    (void)state;
    enum queue_ctl_deleted deleted;
    struct queue_view_message m;
    control_add(&g, 1, "x@a.test y@b.test");
    control_add(&g, 2, "x@a.test");
    assert_int_equal(queue_ctl_message_delete(ctl, 1, SLICE("admin"), &deleted), 0);
    assert_int_equal(deleted, QUEUE_CTL_DELETED_NOW);
    assert_int_equal(queue_ctl_message(ctl, 1, &arena, &m), ERR_NOT_FOUND);
    assert_int_equal(queue_ctl_message_delete(ctl, 1, SLICE("admin"), &deleted), ERR_NOT_FOUND);
    const char *line = strstr(buf_cstr(&g.text), "Info: Deleted: MID 1 to [0, 1]\n");
    assert_non_null(line);
    assert_non_null(strstr(line, "Message finished MID 1 done\n"));
    assert_non_null(strstr(buf_cstr(&g.json), "\"event\":\"mid_deleted\",\"mid\":1,\"rids\":[0,1],"
                                              "\"user\":\"admin\"}"));
    stop();
    struct spool *again = help_open(g.dir, 0, &g.live);
    assert_int_equal(g.live.count, 1);
    assert_int_equal(g.live.envs[0]->mid, 2);
    spool_close(again);
}

/* Nothing else than a durable record gives 0. */
static void a_deletion_waits_for_the_disk(void **state)
{
    (void)state;
    enum { MANY = 100 };
    enum queue_ctl_deleted deleted;
    for (uint64_t mid = 1; mid <= MANY; mid++)
        control_add(&g, mid, "x@a.test");
    for (uint64_t mid = 1; mid <= MANY; mid++) {
        assert_int_equal(queue_ctl_message_delete(ctl, mid, SLICE("admin"), &deleted), 0);
    }
}

static void doors_are_shut_at_the_end(void **state)
{
    (void)state;
    struct queue_summary summary;
    struct queue_view_message m;
    enum queue_ctl_deleted deleted;
    control_add(&g, 1, "x@a.test");
    /* The loop is still there, but nothing is written any more. */
    atomic_store(&g.engine.is_ending, true);
    assert_int_equal(queue_ctl_message_delete(ctl, 1, SLICE("admin"), &deleted), ERR_CLOSED);
    stop();
    assert_int_equal(queue_ctl_summary(ctl, &summary), ERR_CLOSED);
    assert_int_equal(queue_ctl_message(ctl, 1, &arena, &m), ERR_CLOSED);
    assert_int_equal(queue_ctl_message_retry(ctl, 1), ERR_CLOSED);
    assert_int_equal(queue_ctl_message_delete(ctl, 1, SLICE("admin"), &deleted), ERR_CLOSED);
    struct spool *again = help_open(g.dir, 0, &g.live);
    assert_int_equal(g.live.count, 1);
    spool_close(again);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_can_look),
        TEST(one_can_try_again),
        TEST(what_is_deleted_is_gone_from_the_disk),
        TEST(a_deletion_waits_for_the_disk),
        TEST(doors_are_shut_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
