/* queue/sched and queue/dest: turns, concurrency, the back-off, probes of a destination that is
 * down, what a refusal of the third connection means, expiry. */
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_help.h"

static void give_back(struct queue_job *job)
{
    struct queue_dest *dest = job->dest;
    queue_job_return(h.q, job);
    queue_slot_close(h.q, dest);
}

static void test_turns_and_concurrency(void **state)
{
    (void)state;
    struct queue_job jobs[8];
    for (uint64_t mid = 1; mid <= 20; mid++)
        help_add(&h, mid, "x@big.test");
    help_add(&h, 21, "x@small.test");
    assert_true(queue_next_job(h.q, &jobs[0]));
    assert_true(queue_next_job(h.q, &jobs[1]));
    assert_true(queue_next_job(h.q, &jobs[2]));
    assert_true(queue_next_job(h.q, &jobs[3]));
    assert_false(queue_next_job(h.q, &jobs[4])); /* three for big, all of small */
    assert_int_equal(jobs[0].mid, 1);
    assert_int_equal(jobs[1].mid, 21);
    assert_int_equal(jobs[2].mid, 2);
    assert_int_equal(jobs[3].mid, 3);
    assert_int_equal(jobs[0].max_messages, 10);
    assert_true(queue_has_work_for(h.q, jobs[0].dest));
    assert_false(queue_has_work_for(h.q, jobs[1].dest));

    /* A free connection takes the next in line, needing no slot. */
    help_done(&h, &jobs[0], OUTCOME_STAGE_END, 250);
    assert_false(queue_next_job(h.q, &jobs[4]));
    assert_true(queue_more_for(h.q, jobs[0].dest, &jobs[4]));
    assert_int_equal(jobs[4].mid, 4);
    /* Returned: first in line again, with no attempt counted. */
    queue_job_return(h.q, &jobs[4]);
    assert_true(queue_more_for(h.q, jobs[0].dest, &jobs[4]));
    assert_int_equal(jobs[4].mid, 4);
    give_back(&jobs[4]);
    assert_true(queue_next_job(h.q, &jobs[5])); /* the slot is free now */
    assert_int_equal(jobs[5].mid, 4);
    for (size_t i = 1; i < 6; i++) {
        if (i != 4)
            give_back(&jobs[i]);
    }
}

static void test_down_and_probe(void **state)
{
    (void)state;
    struct queue_job jobs[3], job, other;
    for (uint64_t mid = 1; mid <= 9; mid++)
        help_add(&h, mid, "x@dead.test");
    for (size_t i = 0; i < 3; i++)
        assert_true(queue_next_job(h.q, &jobs[i]));
    /* Three connections fail together: one failure of the destination, not three. */
    for (size_t i = 0; i < 3; i++) {
        help_fail(&h, &jobs[i], OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_TIMEOUT);
        assert_int_equal(h.delayed, 1);
        assert_string_equal(h.last_enhanced, "4.4.1");
        assert_true(h.last_delay_ms >= 54000 && h.last_delay_ms <= 66000);
        queue_slot_close(h.q, jobs[i].dest);
    }
    assert_false(queue_next_job(h.q, &job));
    /* Others go on. */
    help_add(&h, 10, "x@alive.test");
    assert_true(queue_next_job(h.q, &other));
    help_done(&h, &other, OUTCOME_STAGE_END, 250);
    queue_slot_close(h.q, other.dest);

    help_advance(&h, 53999);
    assert_false(queue_next_job(h.q, &job));
    help_advance(&h, 12001);
    assert_true(queue_next_job(h.q, &job));
    assert_true(job.is_probe);
    assert_int_equal(job.mid, 4);
    assert_false(queue_next_job(h.q, &other)); /* one at a time */
    help_fail(&h, &job, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    /* Its first attempt, but the destination's second failure. */
    assert_true(h.last_delay_ms >= 108000 && h.last_delay_ms <= 132000);
    queue_slot_close(h.q, job.dest);
    assert_false(queue_next_job(h.q, &other));

    help_advance(&h, 132000);
    assert_true(queue_next_job(h.q, &job));
    assert_true(job.is_probe);
    /* It answers: all that waited for it may go, at full width. */
    queue_connection_works(h.q, &job);
    struct queue_summary summary;
    queue_summary_get(h.q, &summary);
    assert_int_equal(summary.waiting, 0);
    assert_int_equal(summary.ready, 8);
    assert_int_equal(summary.destinations_down, 0);
    assert_true(queue_next_job(h.q, &jobs[0]));
    assert_true(queue_next_job(h.q, &jobs[1]));
    assert_false(queue_next_job(h.q, &jobs[2]));
    help_done(&h, &job, OUTCOME_STAGE_END, 250);
    queue_slot_close(h.q, job.dest);
    give_back(&jobs[0]);
    give_back(&jobs[1]);
}

/* One connection fails while another still works on its message: when that one gets through, what
 * waited for the destination goes at once, and what was refused for its own sake does not. */
static void test_back_early(void **state)
{
    (void)state;
    struct queue_job slow, failed, refused, job;
    for (uint64_t mid = 1; mid <= 3; mid++)
        help_add(&h, mid, "x@a.test");
    assert_true(queue_next_job(h.q, &slow));
    assert_true(queue_next_job(h.q, &failed));
    assert_true(queue_next_job(h.q, &refused));
    help_done(&h, &refused, OUTCOME_STAGE_RCPT, 450);
    help_fail(&h, &failed, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    queue_slot_close(h.q, failed.dest);
    queue_slot_close(h.q, refused.dest);
    assert_false(queue_next_job(h.q, &job));
    help_done(&h, &slow, OUTCOME_STAGE_END, 250);
    assert_true(queue_next_job(h.q, &job));
    assert_int_equal(job.mid, 2);
    assert_false(job.is_probe);
    give_back(&job);
    queue_slot_close(h.q, slow.dest);
    struct queue_summary summary;
    queue_summary_get(h.q, &summary);
    assert_int_equal(summary.waiting, 1);
}

/* A message refused with 4xx waits; the destination is well. */
static void test_deferred_message_alone(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test");
    help_add(&h, 2, "x@a.test");
    static const uint64_t seconds[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        assert_true(queue_next_job(h.q, &job));
        assert_int_equal(job.mid, 1);
        help_done(&h, &job, OUTCOME_STAGE_RCPT, 450);
        assert_int_equal(h.delayed, 1);
        assert_true(h.last_delay_ms >= seconds[i] * 900 && h.last_delay_ms <= seconds[i] * 1100);
        queue_slot_close(h.q, job.dest);
        if (i == 0) {
            assert_true(queue_next_job(h.q, &job));
            assert_int_equal(job.mid, 2);
            help_done(&h, &job, OUTCOME_STAGE_END, 250);
            queue_slot_close(h.q, job.dest);
        }
        assert_false(queue_next_job(h.q, &job));
        help_advance(&h, seconds[i] * 1100);
    }
    assert_true(queue_dest_retry_now(h.q, SLICE("a.test")));
    assert_false(queue_dest_retry_now(h.q, SLICE("b.test")));
}

static void test_retry_now(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test");
    assert_true(queue_next_job(h.q, &job));
    help_fail(&h, &job, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    queue_slot_close(h.q, job.dest);
    assert_false(queue_next_job(h.q, &job));
    assert_true(queue_dest_retry_now(h.q, SLICE("a.test")));
    assert_true(queue_next_job(h.q, &job));
    assert_true(job.is_probe);
    give_back(&job);
    assert_true(queue_next_job(h.q, &job)); /* the probe that was given back goes again */
    give_back(&job);
}

/* "421 too many connections" to the third: two do, and nobody is blamed. */
static void test_window(void **state)
{
    (void)state;
    struct queue_job jobs[3], job;
    for (uint64_t mid = 1; mid <= 60; mid++)
        help_add(&h, mid, "x@a.test");
    for (size_t i = 0; i < 3; i++)
        assert_true(queue_next_job(h.q, &jobs[i]));
    help_fail(&h, &jobs[2], OUTCOME_STAGE_GREETING, 421);
    assert_int_equal(h.delayed, 0);
    assert_int_equal(h.records, 0);
    queue_slot_close(h.q, jobs[2].dest);
    assert_false(queue_next_job(h.q, &job));
    help_done(&h, &jobs[0], OUTCOME_STAGE_END, 250);
    assert_true(queue_more_for(h.q, jobs[0].dest, &jobs[0]));
    assert_int_equal(jobs[0].mid, 3);
    /* Deliveries earn the third back. */
    for (size_t i = 0; i < 19; i++) {
        assert_false(queue_next_job(h.q, &job));
        help_done(&h, &jobs[0], OUTCOME_STAGE_END, 250);
        assert_true(queue_more_for(h.q, jobs[0].dest, &jobs[0]));
    }
    assert_true(queue_next_job(h.q, &job));
    give_back(&job);
    give_back(&jobs[0]);
    /* The last one standing is refused: that is down. */
    help_fail(&h, &jobs[1], OUTCOME_STAGE_GREETING, 421);
    assert_int_equal(h.delayed, 1);
    queue_slot_close(h.q, jobs[1].dest);
    assert_false(queue_next_job(h.q, &job));
}

static void test_expiry(void **state)
{
    (void)state;
    struct queue_job job;
    h.limits.max_time_ms = 600000;
    help_add(&h, 1, "x@a.test y@b.test");
    help_add(&h, 2, "x@a.test");
    assert_true(queue_next_job(h.q, &job));
    help_fail(&h, &job, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    queue_slot_close(h.q, job.dest);
    /* b.test is never even tried, message 2 is stuck behind the dead destination. */
    help_advance(&h, 599999);
    assert_int_equal(h.bounced, 0);
    help_advance(&h, 1);
    assert_int_equal(h.bounced, 3);
    assert_string_equal(h.last_enhanced, "5.4.7");
    assert_int_equal(h.notices, 2); /* one a message */
    assert_false(queue_next_job(h.q, &job));

    /* By tries. */
    h.limits.max_retries = 2;
    help_add(&h, 3, "x@c.test");
    for (size_t i = 0; i < 3; i++) {
        assert_true(queue_next_job(h.q, &job));
        help_done(&h, &job, OUTCOME_STAGE_RCPT, 450);
        assert_int_equal(h.delayed, i < 2 ? 1 : 0);
        assert_int_equal(h.bounced, i < 2 ? 0 : 1);
        queue_slot_close(h.q, job.dest);
        help_advance(&h, 132000);
    }
    assert_string_equal(h.notice->rcpts[0].enhanced, "5.4.7");
    assert_string_equal(h.notice->rcpts[0].remote_text, "450 9.9.9 so it is");
}

/* No next hop will do: final for each message, and the destination is not held to be down. */
static void test_no_such_domain(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test");
    help_add(&h, 2, "x@a.test");
    for (size_t i = 0; i < 2; i++) {
        assert_true(queue_next_job(h.q, &job));
        help_fail(&h, &job, OUTCOME_STAGE_DNS, OUTCOME_EVENT_NO_DOMAIN);
        assert_int_equal(h.bounced, 1);
        assert_string_equal(h.last_enhanced, "5.1.2");
        queue_slot_close(h.q, job.dest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns_and_concurrency, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_down_and_probe, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_back_early, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_deferred_message_alone, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_retry_now, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_window, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_expiry, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_no_such_domain, help_set_up, help_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
