/* queue/index and the doors of queue/queue: recipients split by destination, states recorded,
 * replayed messages, bodies kept no longer than needed, deletion, new routes, figures. */
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/queue_priv.h"
#include "queue_help.h"

static void test_split_by_destination(void **state)
{
    (void)state;
    struct queue_job a, b, none;
    help_add(&h, 1, "x@a.test y@b.test z@a.test");
    assert_true(queue_next_job(h.q, &a));
    assert_true(slice_eq(a.destination, SLICE("a.test")));
    assert_int_equal(a.rid_count, 2);
    assert_int_equal(a.rids[0], 0);
    assert_int_equal(a.rids[1], 2);
    assert_true(slice_eq(a.sender, SLICE("s@example.org")));
    assert_true(slice_eq(body_memory(a.body), SLICE("body")));
    assert_true(queue_next_job(h.q, &b));
    assert_true(slice_eq(b.destination, SLICE("b.test")));
    assert_int_equal(b.rids[0], 1);
    assert_false(queue_next_job(h.q, &none));

    help_done(&h, &a, OUTCOME_STAGE_END, 250);
    assert_int_equal(h.delivered, 2);
    assert_int_equal(h.records, 1);
    assert_int_equal(h.last_kind, SPOOL_KIND_STATE);
    assert_int_equal(h.finished, 0);
    help_done(&h, &b, OUTCOME_STAGE_END, 250);
    assert_int_equal(h.delivered, 1);
    assert_int_equal(h.last_kind, SPOOL_KIND_DONE);
    assert_int_equal(h.finished, 1);
    assert_int_equal(h.last_finished, 1);
    queue_slot_close(h.q, a.dest);
    queue_slot_close(h.q, b.dest);
    struct queue_summary summary;
    queue_summary_get(h.q, &summary);
    assert_int_equal(summary.messages, 0);
    assert_int_equal(summary.destinations, 0);
    assert_int_equal(summary.delivered, 3);
}

/* What a STATE record says is what a replay starts from. */
static void test_state_and_replay(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test y@a.test z@a.test");
    assert_true(queue_next_job(h.q, &job));
    const struct outcome_result results[] = {
        help_result(OUTCOME_STAGE_END, 250),
        help_result(OUTCOME_STAGE_RCPT, 450),
        help_result(OUTCOME_STAGE_RCPT, 550),
    };
    queue_job_done(h.q, &job, results);
    help_drain(&h);
    assert_int_equal(h.delivered, 1);
    assert_int_equal(h.delayed, 1);
    assert_int_equal(h.bounced, 1);
    assert_int_equal(h.notices, 1);
    assert_int_equal(h.records, 1);
    queue_slot_close(h.q, job.dest);

    /* A crash before the report is durable: the refused recipient is pending again. */
    struct envelope *env = envelope_create(1, SLICE("s@example.org"), HELP_WALL);
    for (size_t i = 0; i < 3; i++)
        assert_true(envelope_rcpt_add(env, SLICE("x@a.test")));
    assert_int_equal(record_state_apply(buf_slice(&h.last_state), env), 0);
    assert_int_equal(env->rcpts[0].status, ENVELOPE_STATUS_DELIVERED);
    assert_int_equal(env->rcpts[1].status, ENVELOPE_STATUS_PENDING);
    assert_int_equal(env->rcpts[1].attempts, 1);
    assert_int_equal(env->rcpts[1].next_try_wall_ms, HELP_WALL + (int64_t)h.last_delay_ms);
    assert_int_equal(env->rcpts[2].status, ENVELOPE_STATUS_PENDING);

    struct help_queue again;
    help_queue_init(&again);
    const struct spool_location location = {.mid = 1, .segment = 1, .size_bytes = 4};
    queue_add(again.q, env, &location, NULL);
    assert_false(queue_next_job(again.q, &job));
    assert_int_equal(queue_next_deadline(again.q),
                     clock_mono_ms(&again.clock.clock) + h.last_delay_ms);
    help_advance(&again, h.last_delay_ms - 1);
    assert_false(queue_next_job(again.q, &job));
    help_advance(&again, 1);
    assert_true(queue_next_job(again.q, &job));
    assert_int_equal(job.rid_count, 2);
    assert_null(body_memory(job.body).p);
    assert_int_equal(body_size(job.body), 4);
    help_done(&again, &job, OUTCOME_STAGE_MAIL, 450);
    /* The second failure waits twice as long. */
    assert_true(again.last_delay_ms >= 108000 && again.last_delay_ms <= 132000);
    queue_slot_close(again.q, job.dest);
    help_queue_finish(&again);

    /* One that had nothing left but no DONE record gets it now. */
    env = envelope_create(2, SLICE("s@example.org"), HELP_WALL);
    assert_true(envelope_rcpt_add(env, SLICE("x@a.test")));
    env->rcpts[0].status = ENVELOPE_STATUS_DELIVERED;
    queue_add(h.q, env, &location, NULL);
    help_drain(&h);
    assert_int_equal(h.last_kind, SPOOL_KIND_DONE);
    assert_int_equal(h.last_finished, 2);
}

static void test_body_leaves_memory(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test");
    help_add(&h, 2, "x@a.test");
    assert_int_equal(body_memory_used(), 8);
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_END, 451);
    assert_int_equal(body_memory_used(), 4);
    /* The destination goes down: nothing for it is kept. */
    assert_true(queue_more_for(h.q, job.dest, &job));
    help_add(&h, 3, "x@a.test");
    help_fail(&h, &job, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_TIMEOUT);
    assert_int_equal(body_memory_used(), 0);
    help_add(&h, 4, "x@a.test");
    assert_int_equal(body_memory_used(), 0);
    queue_slot_close(h.q, job.dest);
}

static void test_delete(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test y@b.test");
    help_add(&h, 2, "x@c.test");
    assert_int_equal(queue_message_delete(h.q, 2), QUEUE_DELETION_DONE);
    help_drain(&h);
    assert_int_equal(h.records, 1);
    assert_int_equal(h.last_kind, SPOOL_KIND_DONE);
    assert_int_equal(h.last_finished, 2);
    assert_int_equal(h.bounced, 0);
    assert_int_equal(queue_message_delete(h.q, 2), QUEUE_DELETION_NOT_FOUND);

    assert_true(queue_next_job(h.q, &job));
    assert_int_equal(queue_message_delete(h.q, 1), QUEUE_DELETION_LATER);
    help_drain(&h);
    assert_int_equal(h.finished, 0);
    assert_int_equal(h.last_kind, SPOOL_KIND_STATE);
    /* A crash now must not bring back what was to be deleted. */
    struct envelope *env = envelope_create(1, SLICE("s@example.org"), HELP_WALL);
    for (size_t i = 0; i < 2; i++)
        assert_true(envelope_rcpt_add(env, SLICE("x@a.test")));
    assert_int_equal(record_state_apply(buf_slice(&h.last_state), env), 0);
    assert_int_equal(env->rcpts[0].status, ENVELOPE_STATUS_DELETED);
    assert_int_equal(env->rcpts[1].status, ENVELOPE_STATUS_DELETED);
    envelope_destroy(env);
    help_done(&h, &job, OUTCOME_STAGE_END, 451); /* not tried again */
    assert_int_equal(h.delayed, 0);
    assert_int_equal(h.last_finished, 1);
    queue_slot_close(h.q, job.dest);

    /* What is under way may still be delivered. */
    help_add(&h, 3, "x@a.test y@a.test");
    assert_true(queue_next_job(h.q, &job));
    assert_int_equal(queue_message_delete(h.q, 3), QUEUE_DELETION_LATER);
    help_done(&h, &job, OUTCOME_STAGE_END, 250);
    assert_int_equal(h.delivered, 2);
    assert_int_equal(h.last_finished, 3);
    queue_slot_close(h.q, job.dest);

    /* Nothing but a report under way: that is not taken back. */
    help_add(&h, 4, "x@a.test");
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_RCPT, 550);
    assert_int_equal(queue_message_delete(h.q, 4), QUEUE_DELETION_BOUNCING);
    help_drain(&h);
    assert_int_equal(h.records, 0);
    queue_slot_close(h.q, job.dest);
}

static void test_new_routes(void **state)
{
    (void)state;
    struct queue_job job, other, last;
    help_add(&h, 1, "x@a.test y@b.test");
    help_add(&h, 2, "x@a.test");
    assert_true(queue_next_job(h.q, &job)); /* message 1 is out: it stays as it is */
    h.reroute_to = "relay";
    h.limits.max_connections = 1;
    queue_limits_changed(h.q);
    help_drain(&h);
    assert_int_equal(h.records, 0);
    help_add(&h, 3, "z@c.test");
    assert_true(queue_next_job(h.q, &other));
    while (!slice_eq(other.destination, SLICE("relay"))) {
        queue_job_return(h.q, &other);
        queue_slot_close(h.q, other.dest);
        assert_true(queue_next_job(h.q, &other));
    }
    assert_int_equal(other.mid, 2);
    assert_true(queue_more_for(h.q, other.dest, &last));
    assert_int_equal(last.mid, 3);
    struct queue_summary summary;
    queue_summary_get(h.q, &summary);
    assert_int_equal(summary.messages, 3);
    assert_int_equal(summary.rcpts_pending, 4);
    assert_int_equal(summary.bytes, 12);
    assert_int_equal(summary.oldest_wall_ms, HELP_WALL);
    queue_job_return(h.q, &last);
    queue_job_return(h.q, &other);
    queue_job_return(h.q, &job);
}

static void test_many(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    for (uint64_t mid = 1; mid <= MANY; mid++) {
        SCOPED(mem_free_at) char *rcpt = mem_printf("x@d%llu.test", (unsigned long long)mid % 50);
        help_add(&h, mid, rcpt);
    }
    struct queue_job job;
    size_t jobs = 0;
    uint64_t figures = 0;
    assert_true(queue_next_job(h.q, &job));
    struct mem_arena arena;
    struct queue_view_dests dests;
    const struct queue_view_dests_query query = {.text = SLICE(""), .limit = 100};
    mem_arena_init(&arena);
    assert_true(queue_view_dests(h.q, &query, &arena, &dests));
    for (size_t i = 0; i < dests.count; i++)
        figures +=
            dests.items[i].ready + 100 * dests.items[i].active + 10000 * dests.items[i].connections;
    mem_arena_finish(&arena);
    assert_int_equal(figures, MANY - 1 + 100 + 10000);
    do {
        jobs++;
        help_done(&h, &job, OUTCOME_STAGE_END, 250);
        queue_slot_close(h.q, job.dest);
    } while (queue_next_job(h.q, &job));
    assert_int_equal(jobs, MANY);
    assert_int_equal(queue_next_deadline(h.q), UINT64_MAX);
    /* What design.md promises for one queued message, strings, allocator and buckets aside. */
    assert_true(sizeof(struct queue_message) + sizeof(struct queue_ticket) +
                    sizeof(struct envelope) + sizeof(struct envelope_rcpt) <=
                320);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_split_by_destination, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_state_and_replay, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_body_leaves_memory, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_delete, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_new_routes, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_many, help_set_up, help_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
