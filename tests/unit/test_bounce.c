/* queue/bounce and its part in queue/queue: one report for all, none for the null sender, settled
 * only when it is durable, tried again when it could not be made; what the report holds. */
#include "queue/bounce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "queue_help.h"

static void all_rids(const struct bounce_notice *notice, uint16_t *rids)
{
    for (size_t i = 0; i < notice->rcpt_count; i++)
        rids[i] = notice->rcpts[i].rid;
}

static void test_one_report(void **state)
{
    (void)state;
    struct queue_job job;
    uint16_t rids[4];
    help_add(&h, 1, "x@a.test y@a.test z@a.test");
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_RCPT, 550);
    queue_slot_close(h.q, job.dest);
    assert_int_equal(h.bounced, 3);
    assert_int_equal(h.double_bounced, 0);
    assert_int_equal(h.notices, 1);
    assert_int_equal(h.notice->rcpt_count, 3);
    assert_string_equal(h.notice->sender, "s@example.org");
    assert_string_equal(h.notice->rcpts[2].address, "z@a.test");
    assert_string_equal(h.notice->rcpts[0].remote_text, "550 9.9.9 so it is");
    /* Not finished before the report is safe, and nothing is tried meanwhile. */
    assert_int_equal(h.finished, 0);
    assert_int_equal(h.last_kind, SPOOL_KIND_STATE);
    assert_false(queue_next_job(h.q, &job));
    all_rids(h.notice, rids);
    queue_bounced(h.q, 1, rids, 3, true);
    help_drain(&h);
    assert_int_equal(h.last_kind, SPOOL_KIND_DONE);
    assert_int_equal(h.finished, 1);
}

/* What the log gets to know: whose, and what the peer said as it said it. */
static void test_actions_tell(void **state)
{
    (void)state;
    struct queue_job job;
    help_add(&h, 1, "x@a.test y@a.test");
    assert_true(queue_next_job(h.q, &job));
    const struct outcome_result results[] = {
        {.stage = OUTCOME_STAGE_RCPT,
         .code = 550,
         .enhanced = SLICE("5.1.1"),
         .text = SLICE("no such\nuser\n"),
         .remote_host = SLICE("mx.a.test")},
        {.stage = OUTCOME_STAGE_RCPT, .code = 450, .text = SLICE("not\nnow")},
    };
    queue_job_done(h.q, &job, results);
    struct queue_action *action = queue_next_action(h.q);
    assert_int_equal(action->kind, QUEUE_ACTION_BOUNCED);
    assert_string_equal(action->sender, "s@example.org");
    assert_string_equal(action->rcpt, "x@a.test");
    assert_string_equal(action->remote_text, "5.1.1 no such\n5.1.1 user");
    queue_action_destroy(action);
    help_drain(&h);
    assert_int_equal(h.delayed, 1);
    assert_string_equal(h.last_from, "s@example.org");
    assert_string_equal(h.last_to, "y@a.test");
    assert_string_equal(h.last_said, "not\nnow");
    queue_slot_close(h.q, job.dest);
}

static void test_nobody_to_tell(void **state)
{
    (void)state;
    struct queue_job job;
    help_add_from(&h, 1, "", "x@a.test", true);
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_RCPT, 550);
    queue_slot_close(h.q, job.dest);
    assert_int_equal(h.bounced, 1);
    assert_int_equal(h.double_bounced, 1);
    assert_int_equal(h.notices, 0);
    assert_int_equal(h.last_kind, SPOOL_KIND_DONE);
    assert_int_equal(h.finished, 1);
}

static void test_report_could_not_be_made(void **state)
{
    (void)state;
    struct queue_job job;
    static const uint16_t rid = 0;
    h.limits.max_time_ms = 600000;
    help_add(&h, 1, "x@a.test");
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_RCPT, 550);
    queue_slot_close(h.q, job.dest);
    queue_bounced(h.q, 1, &rid, 1, false);
    help_drain(&h);
    assert_false(queue_next_job(h.q, &job));
    help_advance(&h, 59999);
    assert_false(queue_next_job(h.q, &job));
    help_advance(&h, 1);
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_RCPT, 550);
    queue_slot_close(h.q, job.dest);
    assert_int_equal(h.notices, 1);

    /* Also after it has expired: once a minute, not in a circle. */
    help_advance(&h, 600000);
    for (size_t i = 0; i < 3; i++) {
        queue_bounced(h.q, 1, &rid, 1, false);
        help_drain(&h);
        help_advance(&h, 59999);
        assert_int_equal(h.notices, 0);
        help_advance(&h, 1);
        assert_int_equal(h.notices, 1);
        assert_string_equal(h.last_enhanced, "5.4.7");
    }
    queue_bounced(h.q, 1, &rid, 1, true);
    help_drain(&h);
    assert_int_equal(h.finished, 1);
}

static void test_many_recipients(void **state)
{
    (void)state;
    struct queue_job job;
    struct buf rcpts;
    buf_init(&rcpts, 0);
    for (int i = 0; i < 250; i++)
        assert_true(buf_printf(&rcpts, "%sx%d@a.test", i == 0 ? "" : " ", i));
    help_add(&h, 1, buf_cstr(&rcpts));
    buf_finish(&rcpts);
    assert_true(queue_next_job(h.q, &job));
    help_done(&h, &job, OUTCOME_STAGE_RCPT, 550);
    queue_slot_close(h.q, job.dest);
    assert_int_equal(h.notices, 3);
    assert_int_equal(h.notice->rcpt_count, 50);
}

/* A notice about one recipient with TEXT as the original. */
static struct bounce_notice *notice_of(struct slice text)
{
    struct buf buf;
    struct outcome outcome = outcome_expired();
    struct envelope *env = envelope_create(5, SLICE("s@example.org"), HELP_WALL);
    assert_true(envelope_rcpt_add(env, SLICE("x@a.test")));
    buf_init(&buf, 0);
    assert_true(buf_append_slice(&buf, text));
    assert_true(body_memory_acquire(text.len));
    struct bounce_notice *notice = bounce_notice_create(env, body_create_memory(&buf));
    bounce_notice_add(notice, env, 0, &outcome, OUTCOME_EVENT_LOST, SLICE(""), SLICE("refused"),
                      SLICE("mx"));
    envelope_destroy(env);
    return notice;
}

static void test_compose(void **state)
{
    (void)state;
    struct envelope *env;
    struct buf text;
    struct bounce_notice *notice = notice_of(SLICE("Subject: s\r\n\r\nthe body\r\n"));
    size_t before = body_memory_used();
    assert_int_equal(bounce_compose(notice, 6, SLICE("gw.test"), HELP_WALL + 1, 7, &env, &text), 0);
    assert_int_equal(env->mid, 6);
    assert_int_equal(env->bounce_of, 5);
    assert_int_equal(env->sender_len, 0); /* RFC 5321 4.5.5 */
    assert_int_equal(env->rcpt_count, 1);
    assert_string_equal(env->rcpts[0].address, "s@example.org");
    assert_int_equal(env->size_bytes, buf_len(&text));
    assert_int_equal(body_memory_used(), before + buf_len(&text));
    assert_non_null(strstr(buf_cstr(&text), "the body\r\n"));
    assert_non_null(strstr(buf_cstr(&text), "Status: 5.4.7\r\n"));
    body_memory_release(buf_len(&text));
    buf_finish(&text);
    envelope_destroy(env);
    bounce_notice_destroy(notice);

    /* Longer than the cap: its header section only. */
    struct buf original;
    buf_init(&original, 0);
    assert_true(buf_append_str(&original, "Subject: only this\r\n\r\n"));
    while (buf_len(&original) <= LIMIT_BOUNCE_COPY_BYTES)
        assert_true(buf_append_str(&original, "never this\r\n"));
    notice = notice_of(buf_slice(&original));
    assert_int_equal(bounce_compose(notice, 6, SLICE("gw.test"), HELP_WALL, 7, &env, &text), 0);
    assert_non_null(strstr(buf_cstr(&text), "Subject: only this\r\n"));
    assert_null(strstr(buf_cstr(&text), "never this"));
    assert_non_null(strstr(buf_cstr(&text), "text/rfc822-headers"));
    body_memory_release(buf_len(&text));
    buf_finish(&text);
    envelope_destroy(env);
    bounce_notice_destroy(notice);
    buf_finish(&original);

    /* No budget: later. */
    notice = notice_of(SLICE("x"));
    assert_true(body_memory_acquire(LIMIT_BODY_BUDGET - 1));
    assert_int_equal(bounce_compose(notice, 6, SLICE("gw.test"), HELP_WALL, 7, &env, &text),
                     ERR_BUSY);
    body_memory_release(LIMIT_BODY_BUDGET - 1);
    bounce_notice_destroy(notice);
}

/* What a program reads of one recipient that got REPLY. */
static void check_status(const struct outcome_result *reply, const char *status, const char *said)
{
    struct outcome outcome = outcome_decide(reply);
    struct envelope *env = envelope_create(5, SLICE("s@example.org"), HELP_WALL), *report;
    struct buf text;
    assert_true(envelope_rcpt_add(env, SLICE("x@a.test")));
    struct bounce_notice *notice = bounce_notice_create(env, NULL);
    bounce_notice_add(notice, env, 0, &outcome, reply->code, reply->enhanced, reply->text,
                      reply->remote_host);
    assert_int_equal(bounce_compose(notice, 6, SLICE("gw.test"), HELP_WALL, 7, &report, &text), 0);
    if (strstr(buf_cstr(&text), status) == NULL || strstr(buf_cstr(&text), said) == NULL)
        fail_msg("no '%s' or no '%s' in\n%s", status, said, buf_cstr(&text));
    body_memory_release(buf_len(&text));
    buf_finish(&text);
    envelope_destroy(report);
    envelope_destroy(env);
    bounce_notice_destroy(notice);
}

/* RFC 3464 2.3.4, 2.3.6 */
static void test_status_and_diagnostic(void **state)
{
    (void)state;
    const enum outcome_stage rcpt = OUTCOME_STAGE_RCPT;
    check_status(&(struct outcome_result){rcpt, 550, SLICE("5.7.26"), SLICE("no\tsuch\nuser"), {0}},
                 "\r\nStatus: 5.7.26\r\n",
                 "\r\nDiagnostic-Code: smtp; 550 5.7.26 no such user\r\n");
    check_status(&(struct outcome_result){rcpt, 550, {0}, SLICE("no"), {0}},
                 "\r\nStatus: 5.1.0\r\n", "\r\nDiagnostic-Code: smtp; 550 no\r\n");
    /* A failure cannot have the class of a success or of a delay. */
    check_status(&(struct outcome_result){rcpt, 550, SLICE("4.2.1"), SLICE("no"), {0}},
                 "\r\nStatus: 5.1.0\r\n", "\r\nDiagnostic-Code: smtp; 550 4.2.1 no\r\n");
    check_status(
        &(struct outcome_result){
            OUTCOME_STAGE_DNS, OUTCOME_EVENT_LOOP, {0}, SLICE("leads back"), {0}},
        "\r\nStatus: 5.4.6\r\n", "\r\nDiagnostic-Code: x-postern; leads back\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_report, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_actions_tell, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_to_tell, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_report_could_not_be_made, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_many_recipients, help_set_up, help_tear_down),
        cmocka_unit_test_setup_teardown(test_compose, help_set_up, help_tear_down),
        cmocka_unit_test(test_status_and_diagnostic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
