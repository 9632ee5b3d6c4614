/* The spool says no: at MAIL, after DATA, in the middle of a body file, for a report; no worker is
 * free, no number is left. The client hears 452 or 451 and may go on, nothing half-taken stays,
 * nothing acknowledged is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "queue/body.h"
#include "queue/spool.h"
#include "scene.h"

enum { SHORT_MS = 90000, LARGE_BYTES = 5 * LIMIT_BODY_CHUNK / 2, RETRY_MS = 60000, CLIENTS = 5 };

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25}],"
    " \"sender-groups\": [" CONFIG_HAT("Private", "Relayed") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": ["
    "  {\"domain\": \"ALL\", \"targets\": [{\"host\": \"[192.0.2.2]\"}]},"
    "  {\"domain\": \"near.test\", \"targets\": [{\"host\": \"[192.0.2.5]\"}]}],"
    " \"bounce-profiles\": ["
    "  {\"name\": \"Default\", \"initial_retry_s\": 60, \"max_retry_s\": 60},"
    "  {\"name\": \"Short\", \"initial_retry_s\": 3600, \"max_time_in_queue_s\": 90}],"
    " \"destination-controls\": ["
    "  {\"domain\": \"short.test\", \"bounce_profile\": \"Short\"},"
    "  {\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

/* What the disk can say, and what the client hears of it. */
static const struct {
    int result;
    const char *reply, *line;
} troubles[] = {
    {ERR_FULL, "452 4.3.1", "ICID 1 Receiving Failed: no room in the spool"},
    {ERR_IO, "451 4.3.0", "ICID 1 Receiving Failed: the spool failed"},
};

const struct scene scene = {.gateway = {.config_json = config}};

static struct next_hop_plan *const plan = &next_hop_plans[0];

#define MAIL    "MAIL FROM:<me@near.test>\r\n"
#define RCPT    "RCPT TO:<you@far.test>\r\n"
#define MESSAGE "Subject: s\r\n\r\nhello\r\n.\r\n"

static void begin(struct client *c)
{
    client_connect(c, &gateway, "Private");
    (void)client_say(c, "EHLO x\r\n");
}

static void write_large(struct client *c)
{
    static char line[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";

    for (size_t sent = 0; sent < LARGE_BYTES; sent += sizeof line - 1)
        conn_write(pair_b(c->pair), slice_of(line, sizeof line - 1));
}

static void assert_no_file(uint64_t mid)
{
    const struct spool_location location = {.mid = mid, .size_bytes = 1};
    char byte;

    assert_int_equal(spool_read(gateway.engine.spool, &location, 0, &byte, 1, NULL), ERR_NOT_FOUND);
}

/* The same session sends another one, which is the only one there is. */
static void assert_goes_on(struct client *c)
{
    assert_int_equal(scene_count_kept(), 0);
    assert_int_equal(body_memory_used(), 0);
    assert_false(gateway_logged(&gateway, "queued for delivery"));
    assert_has(client_say(c, MAIL), "250 2.1.0");
    assert_has(client_say(c, RCPT), "250 2.1.5");
    assert_has(client_say(c, "DATA\r\n"), "354");
    plan->manner = NEXT_HOP_REFUSES;
    assert_has(client_say(c, MESSAGE), "250 2.0.0 ok: Message ");
    client_abort(c);
    assert_int_equal(scene_count_kept(), 1);
    plan->manner = NEXT_HOP_ANSWERS;
    gateway_wait(&gateway, 2 * RETRY_MS);
    assert_int_equal(gateway_count_logged(&gateway, "Message done"), 1);
    assert_int_equal(gateway_count_logged(&gateway, "queued for delivery"), 1);
    assert_int_equal(scene_count_kept(), 0);
}

static void test_at_mail(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        struct client c;
        if (i > 0)
            scene_again(state);
        begin(&c);
        spool_memory_fail(gateway.engine.spool, troubles[i].result, 1);
        assert_has(client_say(&c, MAIL), troubles[i].reply);
        assert_has(client_say(&c, RCPT), "503 5.5.1");
        scene_assert_line(troubles[i].line);
        assert_false(gateway_logged(&gateway, "Start MID"));
        spool_memory_fail(gateway.engine.spool, 0, 0);
        assert_goes_on(&c);
    }
}

static void test_after_data(void **state)
{
    for (size_t i = 0; i < 2 * ARRAY_LEN(troubles); i++) {
        struct client c;
        if (i > 0)
            scene_again(state);
        begin(&c);
        (void)client_say(&c, MAIL RCPT "DATA\r\n");
        spool_memory_fail(gateway.engine.spool, troubles[i / 2].result, 1);
        if (i % 2 == 1)
            write_large(&c);
        assert_has(client_say(&c, ".\r\n"), troubles[i / 2].reply);
        scene_assert_line(troubles[i / 2].line);
        scene_assert_line("Message finished MID 1 aborted");
        assert_no_file(1);
        assert_goes_on(&c);
    }
}

/* Replies stay in the order of the commands that were sent in the same breath. */
static void test_pipelined_behind_it(void **state)
{
    static const char expected[] = "452 4.3.1 Not enough room for the message, try again later\r\n"
                                   "250 2.1.0 sender <me@near.test> ok\r\n"
                                   "250 2.1.5 recipient <you@far.test> ok\r\n"
                                   "354 go ahead\r\n";
    struct client c;

    (void)state;
    begin(&c);
    (void)client_say(&c, MAIL RCPT "DATA\r\n");
    spool_memory_fail(gateway.engine.spool, ERR_FULL, 1);
    assert_string_equal(client_say(&c, MESSAGE MAIL RCPT "DATA\r\n"), expected);
    assert_has(client_say(&c, MESSAGE), "250 2.0.0 ok: Message 2 accepted");
    client_abort(&c);
    scene_assert_line("Message done DCID 1 MID 2");
}

/* Opening, each write and the end of a body file. */
static void test_in_a_body_file(void **state)
{
    enum { CALLS = 5 };

    for (size_t i = 0; i < CALLS * ARRAY_LEN(troubles); i++) {
        struct client c;
        if (i > 0)
            scene_again(state);
        begin(&c);
        (void)client_say(&c, MAIL RCPT "DATA\r\n");
        spool_memory_fail_bodies(gateway.engine.spool, troubles[i % 2].result, i / 2);
        write_large(&c);
        assert_has(client_say(&c, ".\r\n"), troubles[i % 2].reply);
        scene_assert_line(troubles[i % 2].line);
        assert_no_file(1);
        spool_memory_fail_bodies(gateway.engine.spool, 0, 0);
        assert_goes_on(&c);
    }
    /* One call more, and it would have been whole. */
    struct client c;
    scene_again(state);
    begin(&c);
    (void)client_say(&c, MAIL RCPT "DATA\r\n");
    spool_memory_fail_bodies(gateway.engine.spool, ERR_FULL, CALLS);
    write_large(&c);
    assert_has(client_say(&c, ".\r\n"), "250 2.0.0 ok: Message 1 accepted");
    client_abort(&c);
}

/* The client hung up before it could hear of it. */
static void test_nobody_to_tell(void **state)
{
    struct client c;

    (void)state;
    begin(&c);
    (void)client_say(&c, MAIL RCPT "DATA\r\n");
    spool_memory_fail(gateway.engine.spool, ERR_FULL, 1);
    (void)client_say_without_disk(&c, MESSAGE);
    pair_cut_after(c.pair, pair_b(c.pair), 0, true);
    gateway_settle_without_disk(&gateway);
    scene_assert_line("ICID 1 close");
    client_abort(&c);
    scene_assert_line("Message finished MID 1 aborted");
    assert_false(gateway_logged(&gateway, "queued for delivery"));
    assert_int_equal(scene_count_kept(), 0);
}

static void test_no_worker_is_free(void **state)
{
    struct client c;

    (void)state;
    begin(&c);
    (void)client_say(&c, MAIL RCPT "DATA\r\n");
    gateway_keep_workers(&gateway, true);
    write_large(&c);
    assert_has(client_say_without_disk(&c, ".\r\n"), "452 4.3.1");
    gateway_free_workers(&gateway);
    assert_no_file(1);
    assert_goes_on(&c);
}

/* Its file goes all the same when nobody is free to remove it. */
static void test_no_worker_to_clean_up(void **state)
{
    struct client c;

    (void)state;
    begin(&c);
    (void)client_say(&c, MAIL RCPT "DATA\r\n");
    write_large(&c);
    assert_string_equal(client_say_without_disk(&c, ".\r\n"), ""); /* its record is to be written */
    gateway_keep_workers(&gateway, true);
    spool_memory_fail(gateway.engine.spool, ERR_FULL, 1);
    assert_has(client_hear(&c), "452 4.3.1");
    assert_no_file(1);
    gateway_free_workers(&gateway);
    assert_goes_on(&c);
}

/* The same on the way out: the message waits, and the next hop does not take half of it. */
static void test_no_worker_to_read(void **state)
{
    struct client c;

    (void)state;
    plan->replies[NEXT_HOP_DATA] = "";
    begin(&c);
    (void)client_say(&c, MAIL RCPT "DATA\r\n");
    write_large(&c);
    assert_has(client_say(&c, ".\r\n"), "accepted");
    client_abort(&c);
    gateway_keep_workers(&gateway, true);
    next_hop_say(&next_hops[0], "354 go on\r\n");
    gateway_settle_without_disk(&gateway);
    scene_assert_line("Delayed: DCID 1 MID 1");
    scene_assert_line("too many bodies are being read");
    gateway_free_workers(&gateway);
    assert_true(next_hops[0].is_closed);
    plan->replies[NEXT_HOP_DATA] = NULL;
    gateway_wait(&gateway, 2 * RETRY_MS);
    scene_assert_line("Message done DCID 2 MID 1");
}

/* A sender is told late rather than never, and not twice. */
static void test_report_is_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        if (i > 0)
            scene_again(state);
        plan->replies[NEXT_HOP_RCPT] = "";
        gateway_send(&gateway, "Private", "me@near.test", "you@far.test", "Subject: s\r\n\r\nx");
        spool_memory_fail(gateway.engine.spool, troubles[i].result, 1);
        plan->replies[NEXT_HOP_RCPT] = "550 5.1.1 nobody\r\n";
        next_hop_say(&next_hops[0], plan->replies[NEXT_HOP_RCPT]);
        gateway_settle(&gateway);
        scene_assert_line("Bounced: DCID 1 MID 1");
        assert_false(gateway_logged(&gateway, "was generated for bounce"));
        assert_int_equal(scene_count_kept(), 1);
        assert_false(gateway_logged(&gateway, "Message finished MID 1"));
        gateway_wait(&gateway, RETRY_MS - 1);
        assert_false(gateway_logged(&gateway, "was generated for bounce"));
        gateway_wait(&gateway, 10 * RETRY_MS);
        assert_int_equal(gateway_count_logged(&gateway, "was generated for bounce of MID 1"), 1);
        scene_assert_line("Message finished MID 1 done");
        assert_int_equal(scene_count_kept(), 0);
        size_t reports = 0;
        for (size_t k = 0; k < next_hop_count; k++)
            reports += next_hops[k].target.ip.bytes[3] == 5 ? 1 : 0;
        assert_int_equal(reports, 1);
    }
}

static void test_report_of_an_expired_one_is_refused(void **state)
{
    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    gateway_send(&gateway, "Private", "me@near.test", "you@short.test", "Subject: s\r\n\r\nx");
    spool_memory_fail(gateway.engine.spool, ERR_FULL, 1);
    gateway_wait(&gateway, SHORT_MS);
    scene_assert_line("Bounced: DCID 0 MID 1");
    gateway_wait(&gateway, RETRY_MS - 1);
    assert_false(gateway_logged(&gateway, "was generated for bounce"));
    assert_int_equal(scene_count_kept(), 1);
    gateway_wait(&gateway, 1);
    scene_assert_line("was generated for bounce of MID 1");
    scene_assert_line("Message finished MID 1 done");
    scene_assert_line("Message finished MID 3 done"); /* 2 was the one that was refused */
}

/* At each moment those that heard 250 are those that a restart would find. */
static void test_acknowledged_is_kept(void **state)
{
    struct client c[CLIENTS];

    (void)state;
    plan->manner = NEXT_HOP_UNREACHABLE;
    for (size_t i = 0; i < CLIENTS; i++) {
        begin(&c[i]);
        (void)client_say(&c[i], MAIL RCPT "DATA\r\n");
    }
    spool_memory_fail(gateway.engine.spool, ERR_FULL, 1); /* the first is refused */
    for (size_t i = 0; i < CLIENTS; i++)
        assert_string_equal(client_say_without_disk(&c[i], MESSAGE), "");
    for (size_t done = 1; done <= CLIENTS; done++) {
        assert_int_equal(spool_memory_complete(gateway.engine.spool, 1), 1);
        gateway_settle_without_disk(&gateway);
        assert_int_equal(scene_count_kept(), done - 1);
        for (size_t i = 0; i < CLIENTS; i++)
            assert_int_equal(buf_len(&c[i].got) > 0, i < done);
    }
    assert_has(client_hear(&c[0]), "452 4.3.1");
    for (size_t i = 1; i < CLIENTS; i++)
        assert_has(client_hear(&c[i]), "250 2.0.0 ok");
    for (size_t i = 0; i < CLIENTS; i++)
        client_abort(&c[i]);
}

static void no_number(struct idgen *gen, uint64_t new_limit)
{
    (void)gen; /* the disk is slow */
    (void)new_limit;
}

static void test_no_number_is_left(void **state)
{
    struct client c;

    (void)state;
    begin(&c);
    idgen_init(&gateway.engine.mids, 1, 1, no_number, NULL);
    assert_has(client_say(&c, MAIL), "451 4.3.0");
    scene_assert_line("ICID 1 Receiving Failed: no message number could be reserved");
    idgen_extend(&gateway.engine.mids, 1000);
    assert_goes_on(&c);

    idgen_init(&gateway.engine.dcids, 1, 1, no_number, NULL);
    gateway_wait(&gateway, RETRY_MS); /* connections of before end */
    size_t before = next_hop_count;
    gateway_send(&gateway, "Private", "me@near.test", "you@far.test", "Subject: s\r\n\r\nx");
    scene_assert_line("no connection number could be reserved");
    assert_int_equal(next_hop_count, before);
    idgen_extend(&gateway.engine.dcids, 1000);
    gateway_wait(&gateway, 2 * RETRY_MS);
    assert_int_equal(scene_count_kept(), 0);

    idgen_init(&gateway.engine.icids, 1, 1, no_number, NULL);
    client_connect(&c, &gateway, "Private");
    assert_true(c.is_closed);
    client_abort(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_at_mail, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_after_data, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_pipelined_behind_it, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_in_a_body_file, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_to_tell, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_worker_is_free, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_worker_to_clean_up, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_worker_to_read, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_report_is_refused, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_report_of_an_expired_one_is_refused, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_acknowledged_is_kept, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_number_is_left, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
