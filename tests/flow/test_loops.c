/* Several loops: sessions and delivery connections live on any of them, the queue on the first;
 * what they say to each other are letters, which may cross. Loops take turns in the test's thread,
 * in an order that the test chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "queue/body.h"
#include "queue/spool.h"
#include "scene.h"

enum { LOOPS = 3, HOME = 0, AWAY = 1, IDLE_MS = 5000, RETRY_MS = 60000, LARGE_BYTES = 300000 };

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25}],"
    " \"sender-groups\": [" CONFIG_HAT("Private", "Relayed") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\", \"max_messages_per_connection\": 1000},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": ["
    "  {\"domain\": \"ALL\", \"targets\": [{\"host\": \"[192.0.2.2]\"}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60}],"
    " \"destination-controls\": ["
    "  {\"domain\": \"one.test\", \"max_connections\": 1},"
    "  {\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 2, \"max_messages_per_connection\": 50}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config, .loop_count = LOOPS}};

static struct next_hop_plan *const plan = &next_hop_plans[0];

static void send_to(const char *recipient)
{
    gateway_send(&gateway, "Private", "me@near.test", recipient, "Subject: s\r\n\r\nhello");
}

/* Connections are dealt to the loops in turn: after this the next new one is on AWAY. */
static void use_home(void)
{
    send_to("x@home.test");
    assert_ptr_equal(next_hops[0].loop, gateway.engine.loops[HOME]);
}

static void hand_in(struct client *c, const char *recipient)
{
    char line[256];

    client_connect(c, &gateway, "Private");
    (void)snprintf(line, sizeof line,
                   "EHLO x\r\nMAIL FROM:<me@near.test>\r\nRCPT TO:<%s>\r\nDATA\r\n", recipient);
    (void)client_say(c, line);
}

/* A message that home alone knows of: it has been dealt out, and the other loops do not know yet.
 */
static void queue_at_home(const char *recipient)
{
    struct client c;

    hand_in(&c, recipient);
    (void)client_say_without_disk(&c, "Subject: s\r\n\r\nhello\r\n.\r\n");
    conn_abort(pair_b(c.pair));
    gateway_settle_loop(&gateway, HOME); /* the session waits for the spool */
    assert_int_equal(spool_memory_complete(gateway.engine.spool, 1), 1);
    gateway_settle_loop(&gateway, HOME);
    assert_true(c.is_closed);
    pair_destroy(c.pair);
    buf_finish(&c.got);
}

/* --- one thing after the other --- */

static void test_connections_are_dealt_in_turn(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * LOOPS; i++) {
        char recipient[32];
        (void)snprintf(recipient, sizeof recipient, "x@d%d.test", i);
        send_to(recipient);
        assert_int_equal(next_hop_count, i + 1);
        assert_ptr_equal(next_hops[i].loop, gateway.engine.loops[i % LOOPS]);
    }
    assert_int_equal(scene_count_lines("Message done"), 2 * LOOPS);
    assert_int_equal(delivery_link_count(gateway.delivery), 2 * LOOPS);
    gateway_wait(&gateway, 2 * IDLE_MS);
    assert_int_equal(delivery_link_count(gateway.delivery), 0);
}

/* A session of another loop: its name, its disk and its queue are all elsewhere. */
static void test_session_on_another_loop(void **state)
{
    static const size_t sizes[] = {100, LARGE_BYTES};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct client c;
        client_connect_on(&c, &gateway, "Private", AWAY + i);
        (void)client_say(&c,
                         "EHLO x\r\nMAIL FROM:<me@near.test>\r\nRCPT TO:<x@far.test>\r\nDATA\r\n");
        for (size_t sent = 0; sent < sizes[i]; sent += 100)
            conn_write(pair_b(c.pair), SLICE("0123456789012345678901234567890123456789012345678\r\n"
                                             "0123456789012345678901234567890123456789012345\r\n"));
        assert_string_equal(client_say_without_disk(&c, ".\r\n"), "");
        assert_int_equal(spool_memory_complete(gateway.engine.spool, SIZE_MAX), 1);
        gateway_settle_loop(&gateway, HOME);
        assert_int_equal(buf_len(&c.got), 0); /* the letter is not for home */
        gateway_settle_loop(&gateway, AWAY + i);
        assert_has(buf_cstr(&c.got), "250 2.0.0 ok: Message ");
        assert_int_equal(scene_count_lines("Delivery start"), i);
        gateway_settle(&gateway);
        assert_int_equal(scene_count_lines("Message done"), i + 1);
        client_abort(&c);
    }
}

static void test_letters_step_by_step(void **state)
{
    (void)state;
    use_home();
    queue_at_home("x@far.test");
    assert_int_equal(next_hop_count, 1); /* the job lies in the other loop's box */
    gateway_settle_loop(&gateway, AWAY);
    assert_int_equal(next_hop_count, 2);
    assert_ptr_equal(next_hops[1].loop, gateway.engine.loops[AWAY]);
    assert_has(next_hop_got(&next_hops[1]), "\r\n\r\nhello\r\n.\r\n");
    assert_false(gateway_logged(&gateway, "Message done DCID 2")); /* and the report in home's */
    gateway_settle_loop(&gateway, HOME);
    scene_assert_line("Message done DCID 2 MID 2");
}

/* --- letters that cross --- */

/* What follows all of them: the message of MID 3 went out once, on a connection of its own. */
static void assert_third_delivered_on_a_third(void)
{
    gateway_settle(&gateway);
    assert_int_equal(next_hop_count, 3);
    scene_assert_line("Message done DCID 3 MID 3");
    assert_int_equal(scene_count_lines("Message finished MID 3 done"), 1);
    assert_int_equal(scene_count_lines("Delayed:"), 0);
    gateway_wait(&gateway, 4 * IDLE_MS);
    assert_int_equal(delivery_link_count(gateway.delivery), 0);
}

/* The connection has been idle for too long in the very moment that a job is on its way to it. */
static void test_job_meets_the_idle_limit(void **state)
{
    (void)state;
    use_home();
    send_to("x@far.test");
    gateway_wait(&gateway, IDLE_MS - 1);
    queue_at_home("y@far.test");
    clock_fake_advance(&gateway.clock, 1);
    gateway_settle_loop(&gateway, AWAY);
    assert_has(next_hop_got(&next_hops[1]), "QUIT\r\n");
    assert_int_equal(scene_count_lines("Delivery start DCID 2 MID 3"), 0);
    assert_third_delivered_on_a_third();
}

/* The next hop closes an idle connection while a job is on its way to it: no fault of the message.
 */
static void test_job_meets_the_end(void **state)
{
    (void)state;
    use_home();
    send_to("x@far.test");
    queue_at_home("y@far.test");
    conn_abort(pair_b(next_hops[1].pair));
    gateway_settle_loop(&gateway, AWAY);
    assert_third_delivered_on_a_third();
}

/* The report on one message and the end of the connection come home together: the job that the
 * report asks for finds nobody any more. */
static void test_report_and_end_together(void **state)
{
    (void)state;
    use_home();
    plan->replies[NEXT_HOP_DOT] = "";
    send_to("x@one.test");
    send_to("y@one.test"); /* waits for that connection */
    assert_int_equal(next_hop_count, 2);
    plan->replies[NEXT_HOP_DOT] = NULL;
    next_hop_say(&next_hops[1], "250 taken\r\n");
    gateway_settle_loop(&gateway, AWAY);
    conn_abort(pair_b(next_hops[1].pair));
    gateway_settle_loop(&gateway, AWAY);
    assert_false(gateway_logged(&gateway, "Message done DCID 2"));
    gateway_settle_loop(&gateway, HOME);
    scene_assert_line("Message done DCID 2 MID 2");
    assert_third_delivered_on_a_third();
}

/* New settings ask an idle connection to end, which has just done so by itself. */
static void test_quit_meets_the_idle_limit(void **state)
{
    (void)state;
    use_home();
    send_to("x@far.test");
    gateway_wait(&gateway, IDLE_MS - 1);
    delivery_publish(gateway.delivery, gateway.snapshot);
    gateway_settle_loop(&gateway, HOME);
    clock_fake_advance(&gateway.clock, 1);
    gateway_settle_loop(&gateway, AWAY);
    gateway_wait(&gateway, 2 * IDLE_MS);
    assert_int_equal(delivery_link_count(gateway.delivery), 0);
    assert_int_equal(scene_count_lines("DCID 2 close"), 1);
    send_to("y@far.test");
    scene_assert_line("Message done DCID 3 MID 3");
}

static struct snapshot *renew_settings(void)
{
    struct config_errors errors;
    struct snapshot *renewed = NULL;

    config_errors_init(&errors);
    assert_true(snapshot_create(gateway.snapshot->config, "/nonexistent", &renewed, &errors));
    config_errors_finish(&errors);
    return renewed;
}

/* A connection keeps the settings it began with, so it takes no message that came after others. */
static void test_busy_during_a_commit(void **state)
{
    struct snapshot *renewed = renew_settings();

    (void)state;
    use_home();
    plan->replies[NEXT_HOP_DOT] = "";
    send_to("x@one.test");
    delivery_publish(gateway.delivery, renewed);
    send_to("y@one.test");
    assert_int_equal(next_hop_count, 2);
    plan->replies[NEXT_HOP_DOT] = NULL;
    next_hop_say(&next_hops[1], "250 taken\r\n");
    gateway_settle(&gateway);
    scene_assert_line("Message done DCID 2 MID 2");
    assert_has(next_hop_got(&next_hops[1]), "QUIT\r\n");
    assert_third_delivered_on_a_third();
    snapshot_unref(renewed);
}

/* --- the end of loops --- */

/* Stopped in the middle of a message on each loop: their jobs come home and stay on disk. */
static void test_abort_on_every_loop(void **state)
{
    (void)state;
    plan->replies[NEXT_HOP_DOT] = "";
    for (int i = 0; i < LOOPS; i++) {
        char recipient[32];
        (void)snprintf(recipient, sizeof recipient, "x@d%d.test", i);
        send_to(recipient);
    }
    delivery_stop(gateway.delivery);
    gateway_settle(&gateway);
    assert_int_equal(delivery_link_count(gateway.delivery), LOOPS);
    for (size_t i = 0; i < LOOPS; i++) {
        delivery_abort(gateway.delivery, gateway.engine.loops[i], true);
        gateway_settle_loop(&gateway, i);
        assert_false(next_hops[i].is_closed); /* a message is on its way */
        delivery_abort(gateway.delivery, gateway.engine.loops[i], false);
        gateway_settle_loop(&gateway, i);
        assert_true(next_hops[i].is_closed);
    }
    gateway_settle(&gateway);
    assert_int_equal(delivery_link_count(gateway.delivery), 0);
    assert_int_equal(scene_count_kept(), LOOPS);
    assert_int_equal(scene_count_lines("Delayed:"), 0);
}

/* A loop that has ended takes no letters: its jobs go elsewhere. */
static void test_loop_is_gone(void **state)
{
    (void)state;
    use_home();
    mailbox_close(&gateway.loops[AWAY].loop.mailbox);
    send_to("x@far.test");
    assert_int_equal(next_hop_count, 2);
    assert_ptr_equal(next_hops[1].loop, gateway.engine.loops[AWAY + 1]);
    scene_assert_line("Message done DCID 2 MID 2");
}

/* --- any order --- */

static void write_message(struct client *c, unsigned domain, size_t number)
{
    char text[256];

    (void)snprintf(text, sizeof text,
                   "MAIL FROM:<me@near.test>\r\nRCPT TO:<x@d%u.test>\r\nDATA\r\n"
                   "Subject: number %zu\r\n\r\nhello\r\n.\r\n",
                   domain, number);
    conn_write(pair_b(c->pair), slice_str(text));
}

/* One that has taken something and is at nothing now. */
static void close_idle(size_t number)
{
    struct next_hop *hop = &next_hops[number];

    if (!hop->is_closed && !hop->is_busy && hop->messages > 0)
        conn_close(pair_b(hop->pair));
}

/* Messages come on all loops, loops turn, time passes, next hops close idle connections, settings
 * are renewed, all in an order given by SEED: each message leaves once. */
static void run_in_order_of(uint32_t seed)
{
    enum { ACTIONS = 400, MESSAGES = 12 };
    struct client clients[LOOPS];
    struct snapshot *snapshots[2] = {gateway.snapshot, renew_settings()};
    size_t sent = 0;

    for (size_t i = 0; i < LOOPS; i++) {
        client_connect_on(&clients[i], &gateway, "Private", i);
        (void)client_say(&clients[i], "EHLO x\r\n");
    }
    for (int i = 0; i < ACTIONS; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t loop = (seed >> 16) % LOOPS;
        unsigned detail = (seed >> 8) % 251;
        switch ((seed >> 24) % 10) {
        case 0:
            if (sent < MESSAGES)
                write_message(&clients[loop], detail % 3, sent++);
            break;
        case 1:
            clock_fake_advance(&gateway.clock, detail * 10);
            break;
        case 2:
            (void)spool_memory_complete(gateway.engine.spool, 1);
            break;
        case 3:
            if (next_hop_count > 0)
                close_idle(detail % next_hop_count);
            break;
        case 4:
            if (detail < 64)
                delivery_publish(gateway.delivery, snapshots[detail % 2]);
            break;
        default:
            (void)fake_loop_turn(&gateway.loops[loop]);
            break;
        }
    }
    gateway_wait(&gateway, 3 * RETRY_MS);
    for (size_t i = 0; i < LOOPS; i++)
        client_abort(&clients[i]);
    assert_int_equal(scene_count_lines("queued for delivery"), sent);
    assert_int_equal(scene_count_lines("Message done"), sent);
    assert_int_equal(scene_count_lines("Delayed:"), 0);
    assert_int_equal(scene_count_kept(), 0);
    assert_int_equal(delivery_link_count(gateway.delivery), 0);
    snapshot_unref(snapshots[1]);
}

static void test_any_order(void **state)
{
    enum { SEEDS = 100 };

    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        if (seed > 1) {
            scene_again(state);
        }
        run_in_order_of(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_connections_are_dealt_in_turn, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_session_on_another_loop, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_letters_step_by_step, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_job_meets_the_idle_limit, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_job_meets_the_end, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_report_and_end_together, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_quit_meets_the_idle_limit, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_busy_during_a_commit, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_abort_on_every_loop, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_loop_is_gone, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_any_order, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
