/* Timers, letters, the ration; names through letters between two loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "fake_loop.h"
#include "fake_resolver.h"

static struct clock_fake fake_clock;
static struct fake_loop fake;
static char trace[256];

static int set_up(void **state)
{
    (void)state;
    clock_fake_init(&fake_clock, 1700000000000);
    fake_loop_init(&fake, &fake_clock);
    trace[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_loop_finish(&fake);
    return 0;
}

struct mark {
    struct loop_timer timer;
    struct letter letter;
    struct loop_step step;
    char name;
    int again; /* start or defer itself this often */
};

static void note(const struct mark *mark)
{
    size_t len = strlen(trace);
    trace[len] = mark->name;
    trace[len + 1] = '\0';
}

static void fire(struct loop_timer *timer)
{
    struct mark *mark = CONTAINER_OF(timer, struct mark, timer);
    note(mark);
    assert_false(loop_timer_is_running(timer));
    if (mark->again-- > 0)
        loop_timer_start_after(timer, 0);
}

static void run(struct letter *letter)
{
    struct mark *mark = CONTAINER_OF(letter, struct mark, letter);
    note(mark);
    if (mark->again-- > 0)
        loop_defer(&fake.loop, letter);
}

static void step(struct loop_step *step_)
{
    note(CONTAINER_OF(step_, struct mark, step));
}

static void test_timers(void **state)
{
    (void)state;
    struct mark marks[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    for (int i = 0; i < 4; i++)
        loop_timer_init(&marks[i].timer, &fake.loop, fire);
    uint64_t now = loop_now_ms(&fake.loop);
    loop_timer_start(&marks[0].timer, now + 300);
    loop_timer_start(&marks[1].timer, now + 100);
    loop_timer_start(&marks[2].timer, now + 200);
    loop_timer_start(&marks[3].timer, now + 50);
    assert_int_equal(loop_next_ms(&fake.loop), now + 50);
    loop_timer_stop(&marks[3].timer);
    loop_timer_stop(&marks[3].timer);
    loop_timer_start(&marks[0].timer, now + 150); /* moves it */
    assert_string_equal(trace, "");
    fake_loop_run_until(&fake, now + 149);
    assert_string_equal(trace, "b");
    fake_loop_run_until(&fake, now + 1000);
    assert_string_equal(trace, "bac");
    assert_int_equal(loop_now_ms(&fake.loop), now + 1000);
    assert_int_equal(loop_next_ms(&fake.loop), UINT64_MAX);
}

static void test_timer_again(void **state)
{
    (void)state;
    struct mark mark = {.name = 'a', .again = 3};
    loop_timer_init(&mark.timer, &fake.loop, fire);
    loop_timer_start_after(&mark.timer, UINT64_MAX); /* no overflow: never */
    fake_loop_run_for(&fake, 100000);
    assert_string_equal(trace, "");
    loop_timer_start_after(&mark.timer, 0);
    (void)fake_loop_turn(&fake);
    assert_string_equal(trace, "a"); /* one a turn, others get theirs */
    fake_loop_settle(&fake);
    assert_string_equal(trace, "aaaa");
}

static void test_letters(void **state)
{
    (void)state;
    struct mark marks[3] = {{.name = 'a', .again = 2}, {.name = 'b'}, {.name = 'c'}};
    for (int i = 0; i < 3; i++)
        marks[i].letter.run = run;
    loop_defer(&fake.loop, &marks[0].letter);
    loop_defer(&fake.loop, &marks[1].letter);
    loop_defer(&fake.loop, &marks[0].letter); /* waits already: keeps its place */
    assert_true(loop_post(&fake.loop, &marks[2].letter));
    assert_string_equal(trace, "");
    (void)fake_loop_turn(&fake);
    assert_string_equal(trace, "cab");
    fake_loop_settle(&fake);
    assert_string_equal(trace, "cabaa");
    loop_defer(&fake.loop, &marks[1].letter);
    loop_undefer(&marks[1].letter);
    loop_undefer(&marks[1].letter);
    fake_loop_settle(&fake);
    assert_string_equal(trace, "cabaa");
}

static void test_ration(void **state)
{
    (void)state;
    struct mark marks[10] = {0};
    for (int i = 0; i < 10; i++) {
        marks[i].name = (char)('0' + i);
        marks[i].step.run = step;
        loop_ration(&fake.loop, &marks[i].step);
    }
    loop_unration(&marks[5].step);
    struct mark letter = {.name = 'x', .again = 9, .letter.run = run};
    loop_defer(&fake.loop, &letter.letter);
    (void)fake_loop_turn(&fake);
    assert_string_equal(trace, "x0123");
    assert_int_equal(strlen(trace), 1 + LIMIT_TLS_HANDSHAKE_STEPS);
    (void)fake_loop_turn(&fake);
    assert_string_equal(trace, "x0123x4678");
    fake_loop_settle(&fake);
    assert_string_equal(trace, "x0123x4678x9xxxxxxx");
}

struct asked {
    int count;
    struct resolver_answer answer;
    struct resolver_host first;
    size_t ips;
};

static void done(void *ctx, const struct resolver_answer *answer)
{
    struct asked *asked = ctx;
    asked->count++;
    asked->answer = *answer;
    asked->ips = answer->ip_count;
    if (answer->host_count > 0)
        asked->first = answer->hosts[0];
}

static void test_names_between_loops(void **state)
{
    (void)state;
    struct fake_loop other;
    fake_loop_init(&other, &fake_clock);
    struct fake_resolver *names = fake_resolver_create(&other.loop);
    struct resolver *resolver = fake_resolver_of(names);
    fake_resolver_set_mx(names, "example.test", "10 mx1.example.test 20 mx2.example.test");
    fake_resolver_set_addresses(names, "mx1.example.test", "192.0.2.1 2001:db8::1");
    struct resolver_answer slow = {.name = "slow.example.test"};
    fake_resolver_set(names, RESOLVER_KIND_REVERSE, "192.0.2.9", &slow, UINT64_MAX);

    struct asked mx = {0}, ips = {0}, bad = {0}, none = {0}, late = {0}, cancelled = {0};
    struct ip ip;
    assert_true(ip_parse(SLICE("192.0.2.9"), &ip));
    (void)resolver_mx(resolver, &fake.loop, "Example.TEST.", done, &mx);
    (void)resolver_addresses(resolver, &fake.loop, "mx1.example.test", done, &ips);
    (void)resolver_addresses(resolver, &fake.loop, "a b", done, &bad);
    (void)resolver_mx(resolver, &fake.loop, "unknown.test", done, &none);
    (void)resolver_reverse(resolver, &fake.loop, &ip, done, &late);
    resolver_cancel(resolver_mx(resolver, &fake.loop, "example.test", done, &cancelled));
    assert_int_equal(mx.count + bad.count, 0); /* never inside the call */
    fake_loop_settle(&other);
    assert_int_equal(mx.count, 0); /* and only on the asking loop */
    fake_loop_settle(&fake);
    assert_int_equal(mx.count, 1);
    assert_string_equal(mx.first.name, "mx1.example.test");
    assert_int_equal(ips.ips, 2);
    assert_int_equal(bad.answer.status, RESOLVER_STATUS_FAILED);
    assert_int_equal(none.answer.status, RESOLVER_STATUS_NX_DOMAIN);
    assert_int_equal(late.count, 0);
    fake_loop_run_for(&other, LIMIT_DNS_REVERSE_MS - 1);
    fake_loop_settle(&fake);
    assert_int_equal(late.count, 0);
    fake_loop_run_for(&other, 1);
    fake_loop_settle(&fake);
    assert_int_equal(late.answer.status, RESOLVER_STATUS_TIMEOUT);
    assert_int_equal(cancelled.count, 0);

    (void)resolver_reverse(resolver, &fake.loop, &ip, done, &late);
    fake_loop_settle(&other);
    fake_resolver_destroy(names);
    fake_loop_settle(&fake);
    assert_int_equal(late.count, 2);
    assert_int_equal(late.answer.status, RESOLVER_STATUS_FAILED);
    fake_loop_finish(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_timer_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_between_loops, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
