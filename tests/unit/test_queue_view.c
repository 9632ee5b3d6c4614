/* queue/view: what administrators see of the queue, page by page, in every state there is; and the
 * verbs whose effect they then look for. */
#include "queue/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/queue_priv.h"
#include "queue_help.h"

static struct mem_arena arena;

static int set_up(void **state)
{
    mem_arena_init(&arena);
    return help_set_up(state);
}

static int tear_down(void **state)
{
    mem_arena_finish(&arena);
    return help_tear_down(state);
}

static struct queue_view_message look(uint64_t mid)
{
    struct queue_view_message m;
    assert_true(queue_view_message(h.q, mid, &arena, &m));
    return m;
}

static struct queue_view_dest look_dest(const char *destination)
{
    struct queue_view_dest d;
    assert_true(queue_view_dest(h.q, slice_str(destination), &arena, &d));
    return d;
}

static struct queue_job take(void)
{
    struct queue_job job;
    assert_true(queue_next_job(h.q, &job));
    return job;
}

static void check_reply(const struct queue_view_reply *reply, int code, const char *enhanced,
                        const char *text)
{
    assert_int_equal(reply->code, code);
    assert_true(slice_eq(reply->enhanced, slice_str(enhanced)));
    assert_true(slice_eq(reply->text, slice_str(text)));
}

static void every_state_of_a_recipient_is_seen(void **state)
{
    (void)state;
    h.limits.max_connections = 1;
    help_add(&h, 7, "a@up.test b@up.test c@up.test d@down.test e@other.test");
    struct queue_view_message m = look(7);
    assert_int_equal(m.rcpt_count, 5);
    assert_int_equal(m.pending_count, 5);
    assert_int_equal(m.destination_count, 3);
    assert_int_equal(m.size_bytes, 4);
    assert_int_equal(m.received_wall_ms, HELP_WALL);
    assert_true(slice_eq(m.sender, SLICE("s@example.org")));
    assert_true(slice_eq(m.destination, SLICE("up.test")));
    assert_false(m.is_active);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(m.rcpts[i].rid, i);
        assert_int_equal(m.rcpts[i].state, QUEUE_RCPT_STATE_READY);
        assert_int_equal(m.rcpts[i].tries, 0);
        assert_int_equal(m.rcpts[i].next_try_wall_ms, 0);
        assert_int_equal(m.rcpts[i].last.at_wall_ms, 0);
        check_reply(&m.rcpts[i].last, 0, "", "");
    }
    assert_true(slice_eq(m.rcpts[3].address, SLICE("d@down.test")));
    assert_true(slice_eq(m.rcpts[3].destination, SLICE("down.test")));

    struct queue_job up = take(), down = take(), other = take();
    m = look(7);
    assert_true(m.is_active);
    assert_int_equal(m.rcpts[4].state, QUEUE_RCPT_STATE_ACTIVE);
    clock_fake_advance(&h.clock, 1000);
    const struct outcome_result results[] = {
        help_result(OUTCOME_STAGE_END, 250),
        help_result(OUTCOME_STAGE_RCPT, 450),
        help_result(OUTCOME_STAGE_RCPT, 550),
    };
    queue_job_done(h.q, &up, results);
    help_drain(&h);
    uint64_t delay_ms = h.last_delay_ms;
    help_fail(&h, &down, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_TIMEOUT);
    assert_int_equal(queue_message_delete(h.q, 7), QUEUE_DELETION_LATER);
    help_drain(&h);
    m = look(7);
    assert_int_equal(m.age_ms, 1000);
    assert_int_equal(m.rcpts[0].state, QUEUE_RCPT_STATE_DELIVERED);
    assert_int_equal(m.rcpts[1].state, QUEUE_RCPT_STATE_DELETED);
    assert_int_equal(m.rcpts[2].state, QUEUE_RCPT_STATE_BOUNCING);
    assert_int_equal(m.rcpts[3].state, QUEUE_RCPT_STATE_DELETED);
    assert_int_equal(m.rcpts[4].state, QUEUE_RCPT_STATE_ACTIVE);
    check_reply(&m.rcpts[0].last, 250, "9.9.9", "so it is");
    check_reply(&m.rcpts[1].last, 450, "9.9.9", "so it is");
    check_reply(&m.rcpts[2].last, 550, "9.9.9", "so it is");
    assert_int_equal(m.rcpts[2].last.at_wall_ms, HELP_WALL + 1000);
    assert_int_equal(m.rcpts[1].tries, 1);
    assert_int_equal(m.rcpts[0].destination.len, 0);
    assert_int_equal(m.pending_count, 1);
    assert_int_equal(m.destination_count, 1);
    assert_true(slice_eq(m.destination, SLICE("other.test")));
    assert_true(delay_ms > 0);
    help_done(&h, &other, OUTCOME_STAGE_RCPT, 550);
    assert_int_equal(look(7).rcpts[4].state, QUEUE_RCPT_STATE_BOUNCING);
    assert_int_equal(look(7).destination.len, 0);
    const uint16_t rids[] = {2};
    queue_bounced(h.q, 7, rids, 1, true);
    assert_int_equal(look(7).rcpts[2].state, QUEUE_RCPT_STATE_BOUNCED);
    queue_slot_close(h.q, up.dest);
    queue_slot_close(h.q, down.dest);
    queue_slot_close(h.q, other.dest);
    struct queue_view_message none;
    assert_false(queue_view_message(h.q, 8, &arena, &none));
}

static void the_next_try_is_when_it_will_be(void **state)
{
    (void)state;
    help_add(&h, 1, "x@a.test");
    help_add(&h, 2, "x@b.test");
    help_add(&h, 3, "y@b.test");
    struct queue_job a = take(), b = take();
    help_done(&h, &a, OUTCOME_STAGE_RCPT, 450);
    uint64_t delay_a = h.last_delay_ms;
    help_fail(&h, &b, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    uint64_t delay_b = h.last_delay_ms;
    queue_slot_close(h.q, a.dest);
    queue_slot_close(h.q, b.dest);
    struct queue_view_message m = look(1);
    assert_int_equal(m.rcpts[0].state, QUEUE_RCPT_STATE_WAITING);
    assert_int_equal(m.rcpts[0].next_try_wall_ms, HELP_WALL + (int64_t)delay_a);
    assert_int_equal(m.next_try_wall_ms, HELP_WALL + (int64_t)delay_a);
    assert_int_equal(m.tries, 1);
    check_reply(&m.last, 450, "9.9.9", "so it is");
    assert_int_equal(look_dest("a.test").state, QUEUE_DEST_STATE_UP);
    assert_int_equal(look_dest("a.test").next_try_wall_ms, HELP_WALL + (int64_t)delay_a);
    /* Behind a destination that is down all wait for its probe, tried or not. */
    struct queue_view_dest d = look_dest("b.test");
    assert_int_equal(d.state, QUEUE_DEST_STATE_DOWN);
    int64_t probe = d.next_try_wall_ms;
    assert_true(probe > HELP_WALL && probe <= HELP_WALL + 66000);
    m = look(3);
    assert_int_equal(m.rcpts[0].state, QUEUE_RCPT_STATE_READY);
    assert_int_equal(m.rcpts[0].next_try_wall_ms, probe);
    m = look(2);
    assert_int_equal(m.rcpts[0].state, QUEUE_RCPT_STATE_WAITING);
    assert_int_equal(m.rcpts[0].next_try_wall_ms, HELP_WALL + (int64_t)delay_b);
    check_reply(&m.rcpts[0].last, 0, "9.9.9", "so it is");
    /* Later it is nearer. */
    help_advance(&h, 10);
    assert_int_equal(look(3).rcpts[0].next_try_wall_ms, probe);
}

static void a_message_can_be_tried_now(void **state)
{
    (void)state;
    help_add(&h, 1, "x@a.test y@b.test");
    struct queue_job a = take(), b = take(), job;
    help_done(&h, &a, OUTCOME_STAGE_RCPT, 450);
    help_fail(&h, &b, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    queue_slot_close(h.q, a.dest);
    queue_slot_close(h.q, b.dest);
    help_add(&h, 2, "x@a.test");
    help_add(&h, 3, "x@b.test");
    assert_false(queue_message_retry_now(h.q, 9));
    assert_true(queue_message_retry_now(h.q, 1));
    assert_int_equal(look(1).rcpts[0].state, QUEUE_RCPT_STATE_READY);
    assert_int_equal(look(1).next_try_wall_ms, 0);
    assert_int_equal(look_dest("b.test").state, QUEUE_DEST_STATE_PROBING);
    /* Before those that came later, at both, and as the probe where there must be one. */
    struct queue_job jobs[2] = {take(), take()};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(jobs[i].mid, 1);
        assert_int_equal(jobs[i].is_probe, slice_eq(jobs[i].destination, SLICE("b.test")));
    }
    assert_true(queue_message_retry_now(h.q, 1)); /* both are under way: nothing to do */
    assert_int_equal(look(1).rcpts[0].state, QUEUE_RCPT_STATE_ACTIVE);
    assert_true(queue_next_job(h.q, &job)); /* a.test has room */
    assert_int_equal(job.mid, 2);
    queue_job_return(h.q, &job);
    for (size_t i = 0; i < 2; i++)
        queue_job_return(h.q, &jobs[i]);
}

static void a_destination_can_be_tried_now(void **state)
{
    (void)state;
    help_add(&h, 1, "x@a.test y@b.test");
    struct queue_job a = take(), b = take();
    help_done(&h, &a, OUTCOME_STAGE_END, 250);
    help_done(&h, &b, OUTCOME_STAGE_RCPT, 450);
    queue_slot_close(h.q, a.dest);
    queue_slot_close(h.q, b.dest);
    /* a.test has no message any more, though message 1 was once for it too. */
    struct queue_view_dest none;
    assert_false(queue_dest_retry_now(h.q, SLICE("a.test")));
    assert_false(queue_view_dest(h.q, SLICE("a.test"), &arena, &none));
    assert_true(queue_dest_retry_now(h.q, SLICE("b.test")));
    assert_int_equal(look(1).rcpts[1].state, QUEUE_RCPT_STATE_READY);
    struct queue_summary summary;
    queue_summary_get(h.q, &summary);
    assert_int_equal(summary.destinations, 1);
}

static void a_destination_shows_what_it_said(void **state)
{
    (void)state;
    help_add(&h, 1, "x@a.test");
    struct queue_view_dest d = look_dest("a.test");
    assert_int_equal(d.tls, QUEUE_TLS_UNKNOWN);
    assert_int_equal(d.last.at_wall_ms, 0);
    assert_int_equal(d.messages, 1);
    assert_int_equal(d.connections, 0);
    struct queue_job job = take();
    help_advance(&h, 500);
    queue_dest_tls(job.dest, QUEUE_TLS_SUCCESS);
    help_add(&h, 2, "x@a.test y@a.test");
    help_done(&h, &job, OUTCOME_STAGE_END, 250);
    d = look_dest("a.test");
    assert_int_equal(d.tls, QUEUE_TLS_SUCCESS);
    check_reply(&d.last, 250, "9.9.9", "so it is");
    assert_int_equal(d.last.at_wall_ms, HELP_WALL + 500);
    assert_int_equal(d.delivered, 1);
    assert_int_equal(d.messages, 1);
    assert_int_equal(d.connections, 1);
    assert_int_equal(d.oldest_wall_ms, HELP_WALL + 500);
    /* Of several answers the one to the later command. */
    assert_true(queue_more_for(h.q, job.dest, &job));
    const struct outcome_result results[] = {
        help_result(OUTCOME_STAGE_END, 251),
        help_result(OUTCOME_STAGE_RCPT, 450),
    };
    queue_job_done(h.q, &job, results);
    help_drain(&h);
    assert_int_equal(look_dest("a.test").last.code, 251);
    assert_int_equal(look_dest("a.test").delayed, 1);
    queue_slot_close(h.q, job.dest);
}

/* A bounce after too many tries says what was said to this recipient. */
static void the_last_answer_is_each_recipients_own(void **state)
{
    (void)state;
    h.limits.max_retries = 1;
    help_add(&h, 1, "x@a.test y@a.test");
    for (size_t i = 0; i < 2; i++) {
        struct queue_job job = take();
        const struct outcome_result results[] = {
            help_result(OUTCOME_STAGE_RCPT, 450),
            help_result(OUTCOME_STAGE_RCPT, 452),
        };
        queue_job_done(h.q, &job, results);
        help_drain(&h);
        queue_slot_close(h.q, job.dest);
        help_advance(&h, 132000);
    }
    assert_non_null(h.notice);
    assert_string_equal(h.notice->rcpts[0].remote_text, "450 9.9.9 so it is");
    assert_string_equal(h.notice->rcpts[1].remote_text, "452 9.9.9 so it is");
}

/* ---- pages ---- */

enum { PAGED = 500 };

/* Adds MIDs 1..PAGED in a mixed order; every third goes to b.test, all others to a.test. */
static void fill(void)
{
    for (uint64_t i = 0; i < PAGED; i++) {
        uint64_t mid = (i * 7) % PAGED + 1;
        help_add(&h, mid, mid % 3 == 0 ? "x@b.test" : "x@a.test");
    }
}

/* Walks all pages of LIMIT; after each one message BACK MIDs before the cursor leaves. */
static size_t walk(const char *destination, size_t limit, uint64_t back)
{
    struct queue_view_messages_query query = {.destination = slice_str(destination),
                                              .limit = limit};
    struct queue_view_messages page;
    uint64_t last = 0;
    size_t seen = 0;
    do {
        queue_view_messages(h.q, &query, &arena, &page);
        assert_true(page.count <= limit);
        for (size_t i = 0; i < page.count; i++) {
            assert_true(page.items[i].mid > last);
            last = page.items[i].mid;
            if (destination[0] != '\0')
                assert_true(slice_eq(page.items[i].destination, slice_str(destination)));
            assert_null(page.items[i].rcpts);
        }
        seen += page.count;
        assert_true(page.next_after_mid == 0 || page.next_after_mid == last);
        query.after_mid = page.next_after_mid;
        if (back != UINT64_MAX && page.next_after_mid > back) {
            assert_int_equal(queue_message_delete(h.q, page.next_after_mid - back),
                             QUEUE_DELETION_DONE);
            help_drain(&h);
        }
    } while (query.after_mid != 0);
    return seen;
}

static void pages_of_messages_hold_each_once(void **state)
{
    (void)state;
    fill();
    static const size_t limits[] = {1, 7, 100, 499, 500, 501, QUEUE_VIEW_LIMIT_MAX};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        assert_int_equal(walk("", limits[i], UINT64_MAX), PAGED);
        assert_int_equal(walk("b.test", limits[i], UINT64_MAX), PAGED / 3);
        assert_int_equal(walk("a.test", limits[i], UINT64_MAX), PAGED - PAGED / 3);
        assert_int_equal(walk("c.test", limits[i], UINT64_MAX), 0);
    }
    /* The message a cursor names leaves before the next page is asked for. */
    assert_int_equal(walk("", 10, 0), PAGED);
    assert_int_equal(walk("", PAGED, UINT64_MAX), PAGED - (PAGED / 10 - 1));
}

/* A cursor far from every MID that is there. */
static void a_cursor_may_be_any_number(void **state)
{
    (void)state;
    struct queue_view_messages page;
    struct queue_view_messages_query query = {.limit = 10};
    help_add(&h, 10, "x@a.test");
    help_add(&h, 1000000, "x@a.test");
    static const struct {
        uint64_t after;
        size_t count;
        uint64_t first;
    } rows[] = {{0, 2, 10},           {9, 2, 10},      {10, 1, 1000000},  {11, 1, 1000000},
                {999990, 1, 1000000}, {1000000, 0, 0}, {UINT64_MAX, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        query.after_mid = rows[i].after;
        query.destination = i % 2 == 0 ? SLICE("") : SLICE("a.test");
        queue_view_messages(h.q, &query, &arena, &page);
        assert_int_equal(page.count, rows[i].count);
        assert_int_equal(page.next_after_mid, 0);
        if (page.count > 0)
            assert_int_equal(page.items[0].mid, rows[i].first);
    }
}

static void what_came_last_may_leave_first(void **state)
{
    (void)state;
    help_add(&h, 10, "x@a.test");
    help_add(&h, 30, "x@a.test");
    help_add(&h, 20, "x@a.test");
    assert_int_equal(queue_message_delete(h.q, 20), QUEUE_DELETION_DONE);
    help_add(&h, 25, "x@a.test");
    help_add(&h, 5, "x@a.test");
    assert_int_equal(queue_message_delete(h.q, 5), QUEUE_DELETION_DONE);
    help_add(&h, 6, "x@a.test");
    help_add(&h, 40, "x@a.test");
    help_drain(&h);
    assert_int_equal(walk("", 2, UINT64_MAX), 5);
    assert_int_equal(walk("a.test", 2, UINT64_MAX), 5);
}

/* Moved to another destination they are in order there too. */
static void the_order_outlives_new_routes(void **state)
{
    (void)state;
    fill();
    h.reroute_to = "relay";
    queue_limits_changed(h.q);
    help_drain(&h);
    assert_int_equal(walk("relay", 9, UINT64_MAX), PAGED);
    assert_int_equal(walk("a.test", 9, UINT64_MAX), 0);
    help_add(&h, PAGED + 1, "x@z.test");
    assert_int_equal(walk("relay", 9, UINT64_MAX), PAGED + 1);
    assert_int_equal(walk("", 9, UINT64_MAX), PAGED + 1);
}

/* ---- pages of destinations ---- */

enum { DESTS = 60 };

static int64_t rank_of(const struct queue_view_dest *d, enum queue_view_sort sort)
{
    if (sort == QUEUE_VIEW_SORT_OLDEST)
        return d->oldest_wall_ms;
    return sort == QUEUE_VIEW_SORT_MESSAGES ? -(int64_t)d->messages : 0;
}

static size_t walk_dests(struct queue_view_dests_query query, uint64_t total)
{
    struct queue_view_dests page;
    struct queue_view_dest last = {.destination = SLICE("")};
    size_t seen = 0;
    int64_t rank = INT64_MIN;
    do {
        assert_true(queue_view_dests(h.q, &query, &arena, &page));
        assert_int_equal(page.total, total);
        assert_true(page.count <= query.limit);
        for (size_t i = 0; i < page.count; i++) {
            const struct queue_view_dest *d = &page.items[i];
            int64_t own = rank_of(d, query.sort);
            assert_true(own > rank ||
                        (own == rank && strcmp(last.destination.p, d->destination.p) < 0));
            rank = own;
            last = *d;
        }
        seen += page.count;
        query.cursor = page.next;
    } while (page.next.len > 0);
    return seen;
}

static void pages_of_destinations_hold_each_once(void **state)
{
    (void)state;
    uint64_t mid = 1;
    for (size_t i = 0; i < DESTS; i++) {
        SCOPED(mem_free_at) char *rcpt = mem_printf("x@d%zu.test", (i * 7) % DESTS);
        for (size_t n = 0; n < 1 + i % 4; n++)
            help_add(&h, mid++, rcpt);
        clock_fake_advance(&h.clock, 1000);
    }
    struct queue_job job = take();
    help_fail(&h, &job, OUTCOME_STAGE_CONNECT, OUTCOME_EVENT_LOST);
    queue_slot_close(h.q, job.dest);
    static const enum queue_view_sort sorts[] = {QUEUE_VIEW_SORT_NAME, QUEUE_VIEW_SORT_OLDEST,
                                                 QUEUE_VIEW_SORT_MESSAGES};
    static const size_t limits[] = {1, 7, 59, 60, 61};
    for (size_t s = 0; s < ARRAY_LEN(sorts); s++)
        for (size_t l = 0; l < ARRAY_LEN(limits); l++) {
            struct queue_view_dests_query query = {.sort = sorts[s], .limit = limits[l]};
            assert_int_equal(walk_dests(query, DESTS), DESTS);
            query.text = SLICE("D5");
            assert_int_equal(walk_dests(query, 11), 11);
            query.is_only_down = true;
            query.text = SLICE("");
            assert_int_equal(walk_dests(query, 1), 1);
        }
}

static void a_cursor_of_ours_is_told_from_others(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x", "1", ".", "1.6", "1.6x", "-1.61", "1.6A", " 1.61", "99999999999999999999.61", "1.61 "};
    struct queue_view_dests page;
    struct queue_view_dests_query query = {.limit = 1};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        query.cursor = slice_str(bad[i]);
        assert_false(queue_view_dests(h.q, &query, &arena, &page));
    }
    char *longest = mem_alloc(2 + 2 * (QUEUE_KEY_MAX + 1));
    memset(longest, '6', 2 + 2 * (QUEUE_KEY_MAX + 1));
    longest[1] = '.';
    query.cursor = slice_of(longest, 2 + 2 * QUEUE_KEY_MAX);
    assert_true(queue_view_dests(h.q, &query, &arena, &page));
    query.cursor.len += 2;
    assert_false(queue_view_dests(h.q, &query, &arena, &page));
    free(longest);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_state_of_a_recipient_is_seen),   TEST(the_next_try_is_when_it_will_be),
        TEST(a_message_can_be_tried_now),           TEST(a_destination_can_be_tried_now),
        TEST(a_destination_shows_what_it_said),     TEST(the_last_answer_is_each_recipients_own),
        TEST(pages_of_messages_hold_each_once),     TEST(a_cursor_may_be_any_number),
        TEST(what_came_last_may_leave_first),       TEST(the_order_outlives_new_routes),
        TEST(pages_of_destinations_hold_each_once), TEST(a_cursor_of_ours_is_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
