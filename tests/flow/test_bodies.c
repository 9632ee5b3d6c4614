/* Bodies too large for memory, both ways: written to a file of their own while they come, read from
 * it while they go, the same bytes whatever the pieces; a disk slower than the client, a next hop
 * slower than the disk, ends in the middle; and the budget of all bodies, which is whole again
 * after each test. */
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

enum {
    MIB = 1048576,
    LARGE_BYTES = 5 * LIMIT_BODY_CHUNK / 2,
    RETRY_MS = 60000,
    CLOSING_MS = 10000
};

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25},"
    "  {\"name\": \"Small\", \"type\": \"private\", \"interface\": \"If\", \"port\": 26}],"
    " \"sender-groups\": ["
    CONFIG_HAT("Private", "Relayed") ","
    CONFIG_HAT("Small", "Limited") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Limited\", \"action\": \"relay\", \"max_message_size\": 262144},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": ["
    "  {\"domain\": \"ALL\", \"targets\": [{\"host\": \"[192.0.2.2]\"}]},"
    "  {\"domain\": \"other.test\", \"targets\": [{\"host\": \"[192.0.2.3]\"}]},"
    "  {\"domain\": \"near.test\", \"targets\": [{\"host\": \"[192.0.2.5]\"}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60}],"
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config}};

static struct next_hop_plan *const plan = &next_hop_plans[0];

/* --- a text, as it is on the wire --- */

/* At least COUNT bytes in lines of all lengths; one in three begins with a dot, already doubled. */
static struct buf make_text(size_t count)
{
    struct buf text;
    uint32_t number = 1;

    buf_init(&text, 0);
    (void)buf_append_str(&text, "Subject: large\r\n\r\n");
    while (buf_len(&text) < count) {
        number = number * 1664525 + 1013904223;
        if (number % 3 == 0)
            (void)buf_append_str(&text, "..");
        for (uint32_t i = 0; i < (number >> 8) % 150; i++)
            (void)buf_append_char(&text, (char)('a' + (number >> i % 24) % 26));
        (void)buf_append_str(&text, "\r\n");
    }
    return text;
}

/* Up to and with DATA. */
static void begin(struct client *c, const char *listener, const char *recipients)
{
    client_connect(c, &gateway, listener);
    (void)client_say(c, "EHLO x\r\nMAIL FROM:<me@near.test>\r\n");
    (void)client_say(c, recipients);
    assert_has(client_say(c, "DATA\r\n"), "354");
}

static void send_text(const struct buf *text, const char *recipients)
{
    struct client c;

    begin(&c, "Private", recipients);
    conn_write(pair_b(c.pair), buf_slice(text));
    assert_has(client_say(&c, ".\r\n"), "250 2.0.0 ok: Message ");
    client_abort(&c);
}

#define TO_YOU "RCPT TO:<you@far.test>\r\n"

/* HOP got the whole of TEXT behind our own field, and its end, once. */
static void assert_got(struct next_hop *hop, const struct buf *text)
{
    struct slice got = buf_slice(&hop->got);
    struct slice wanted = buf_slice(text);
    const char *begin_at = memmem(got.p, got.len, "Subject: large", strlen("Subject: large"));

    assert_non_null(begin_at);
    assert_true((size_t)(got.p + got.len - begin_at) >= wanted.len + 3);
    assert_memory_equal(begin_at, wanted.p, wanted.len);
    assert_memory_equal(begin_at + wanted.len, ".\r\n", 3);
    assert_has(next_hop_got(hop), "DATA\r\nReceived: from x ");
}

/* --- what the spool has --- */

struct kept {
    size_t messages, files;
    uint64_t size_bytes; /* of the last one */
};

static void count_kept(void *ctx, struct envelope *env, const struct spool_location *location)
{
    struct kept *kept = ctx;

    kept->messages++;
    kept->files += location->segment == 0 ? 1 : 0;
    kept->size_bytes = location->size_bytes;
    envelope_destroy(env);
}

/* What a restart would find. */
static struct kept find_kept(void)
{
    struct kept kept = {0};

    spool_memory_replay(gateway.engine.spool,
                        &(struct spool_opts){.ctx = &kept, .replay = count_kept});
    return kept;
}

static void assert_kept(size_t messages, size_t files)
{
    struct kept kept = find_kept();

    assert_int_equal(kept.messages, messages);
    assert_int_equal(kept.files, files);
}

static void assert_no_file(uint64_t mid)
{
    const struct spool_location location = {.mid = mid, .size_bytes = 1};
    char byte;

    assert_int_equal(spool_read(gateway.engine.spool, &location, 0, &byte, 1, NULL), ERR_NOT_FOUND);
}

/* --- tests --- */

/* Around the border between memory and file, and over several chunks; first the next hop says no,
 * so that the second attempt reads what lies on disk. */
static void test_same_bytes(void **state)
{
    /* On the wire: the dots that are doubled and our own field make the difference. */
    static const size_t sizes[] = {
        1000,
        LIMIT_BODY_IN_MEMORY,
        LIMIT_BODY_IN_MEMORY + 200,
        LIMIT_BODY_IN_MEMORY + 400,
        LIMIT_BODY_IN_MEMORY + 600,
        2 * LIMIT_BODY_CHUNK + 400,
        LARGE_BYTES,
        MIB,
    };
    size_t files = 0;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf text = make_text(sizes[i]);
        if (i > 0)
            scene_again(state);
        plan->replies[NEXT_HOP_DOT] = "451 not now\r\n";
        send_text(&text, TO_YOU);
        scene_assert_line("Delayed: DCID 1 MID 1");
        assert_got(&next_hops[0], &text);
        assert_int_equal(body_memory_used(), 0);
        struct kept kept = find_kept();
        assert_int_equal(kept.messages, 1);
        assert_int_equal(kept.files, kept.size_bytes > LIMIT_BODY_IN_MEMORY);
        files += kept.files;
        plan->replies[NEXT_HOP_DOT] = NULL;
        gateway_wait(&gateway, 2 * RETRY_MS);
        scene_assert_line("Message done DCID 2 MID 1");
        assert_got(&next_hops[1], &text);
        assert_kept(0, 0);
        assert_no_file(1);
        buf_finish(&text);
    }
    assert_in_range(files, 4, 6); /* the border was crossed in between */
}

static void test_in_small_pieces(void **state)
{
    struct buf text = make_text(LARGE_BYTES);
    struct client c;

    (void)state;
    plan->takes = 999;
    begin(&c, "Private", TO_YOU);
    pair_set_piece(c.pair, 777);
    conn_write(pair_b(c.pair), buf_slice(&text));
    assert_has(client_say(&c, ".\r\n"), "accepted");
    client_abort(&c);
    for (int i = 0; i < 1000 && !gateway_logged(&gateway, "Message done"); i++) {
        pair_set_window(next_hops[0].pair, pair_a(next_hops[0].pair), 9999);
        gateway_settle(&gateway);
    }
    assert_got(&next_hops[0], &text);
    buf_finish(&text);
}

/* Two chunks and what is read ahead are all that a session holds; the rest waits with the client.
 */
static void test_disk_slower_than_the_client(void **state)
{
    struct buf text = make_text(MIB);
    struct client c;

    (void)state;
    begin(&c, "Private", TO_YOU);
    gateway_keep_workers(&gateway, false);
    conn_write(pair_b(c.pair), buf_slice(&text));
    assert_string_equal(client_say_without_disk(&c, ".\r\n"), "");
    assert_true(conn_input_bytes(pair_a(c.pair)) <= 2 * LIMIT_SESSION_INPUT);
    assert_int_equal(body_memory_used(), 0);
    gateway_settle_without_disk(&gateway);
    assert_false(gateway_logged(&gateway, "MID 1 ready"));
    gateway_free_workers(&gateway);
    assert_has(client_hear(&c), "250 2.0.0 ok: Message 1 accepted");
    client_abort(&c);
    assert_got(&next_hops[0], &text);
    buf_finish(&text);
}

/* Bodies together have a budget: what does not fit any more goes to a file, however small. */
static void test_budget_is_used_up(void **state)
{
    struct buf text = make_text(1000);

    (void)state;
    assert_true(body_memory_acquire(LIMIT_BODY_BUDGET));
    plan->manner = NEXT_HOP_REFUSES;
    send_text(&text, TO_YOU);
    assert_kept(1, 1);
    plan->manner = NEXT_HOP_ANSWERS;
    gateway_wait(&gateway, 2 * RETRY_MS);
    assert_got(&next_hops[1], &text);
    body_memory_release(LIMIT_BODY_BUDGET);
    buf_finish(&text);
}

/* --- ends in the middle --- */

static void test_client_goes_away(void **state)
{
    static const size_t sizes[] = {1000, LARGE_BYTES};

    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        struct buf text = make_text(sizes[i / 2]);
        struct client c;
        if (i > 0)
            scene_again(state);
        begin(&c, "Private", TO_YOU);
        if (i % 2 == 1)
            gateway_keep_workers(&gateway, false); /* a worker has a chunk of it, or will have */
        conn_write(pair_b(c.pair), buf_slice(&text));
        gateway_settle_without_disk(&gateway);
        conn_abort(pair_b(c.pair));
        gateway_settle_without_disk(&gateway);
        if (i % 2 == 1)
            gateway_free_workers(&gateway);
        client_abort(&c);
        scene_assert_line("Message aborted MID 1 Receiving aborted");
        scene_assert_line("Message finished MID 1 aborted");
        assert_false(gateway_logged(&gateway, "queued for delivery"));
        assert_kept(0, 0);
        assert_no_file(1);
        assert_int_equal(next_hop_count, 0);
        buf_finish(&text);
    }
}

/* Behind the final dot the message is kept: the client may have the 250, or not. One that only says
 * that it will send no more is still answered. */
static void test_client_goes_away_after_the_dot(void **state)
{
    static const size_t sizes[] = {1000, LARGE_BYTES};

    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        struct buf text = make_text(sizes[i / 2]);
        bool is_reset = i % 2 == 1;
        struct client c;
        if (i > 0)
            scene_again(state);
        begin(&c, "Private", TO_YOU);
        conn_write(pair_b(c.pair), buf_slice(&text));
        gateway_settle(&gateway);
        conn_write(pair_b(c.pair), SLICE(".\r\n"));
        gateway_settle_without_disk(&gateway);
        pair_cut_after(c.pair, pair_b(c.pair), 0, is_reset);
        gateway_settle_without_disk(&gateway);
        assert_int_equal(gateway_logged(&gateway, "ICID 1 close"), is_reset);
        const char *heard = client_hear(&c);
        if (!is_reset)
            assert_has(heard, "250 2.0.0 ok: Message 1 accepted");
        client_abort(&c);
        assert_int_equal(gateway_count_logged(&gateway, "MID 1 queued for delivery"), 1);
        scene_assert_line("Message done DCID 1 MID 1");
        assert_got(&next_hops[0], &text);
        buf_finish(&text);
    }
}

static void test_too_large(void **state)
{
    struct buf text = make_text(MIB);
    struct client c;

    (void)state;
    begin(&c, "Small", TO_YOU);
    conn_write(pair_b(c.pair), buf_slice(&text));
    assert_has(client_say(&c, ".\r\n"), "552 5.3.4");
    assert_kept(0, 0);
    assert_no_file(1);
    (void)client_say(&c, "MAIL FROM:<me@near.test>\r\n" TO_YOU "DATA\r\n");
    assert_has(client_say(&c, "Subject: small\r\n\r\nhello\r\n.\r\n"), "Message 2 accepted");
    client_abort(&c);
    scene_assert_line("Message done DCID 1 MID 2");
    assert_int_equal(next_hop_count, 1);
    buf_finish(&text);
}

/* The connection is gone while a worker still reads for it. */
static void test_next_hop_goes_away(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct buf text = make_text(MIB);
        if (i > 0)
            scene_again(state);
        plan->manner = NEXT_HOP_REFUSES; /* after this the body is on disk alone */
        send_text(&text, TO_YOU);
        plan->manner = NEXT_HOP_ANSWERS;
        plan->takes = 1000;
        gateway_wait(&gateway, 2 * RETRY_MS);
        struct next_hop *hop = &next_hops[1];
        assert_has(next_hop_got(hop), "DATA\r\n");
        gateway_keep_workers(&gateway, false);
        pair_set_window(hop->pair, pair_a(hop->pair), MIB / 2);
        gateway_settle_without_disk(&gateway);
        if (i == 0)
            next_hop_say(hop, "452 no room\r\n");
        else
            conn_abort(pair_b(hop->pair));
        gateway_settle_without_disk(&gateway);
        scene_assert_line("Delayed: DCID 2 MID 1");
        gateway_free_workers(&gateway);
        plan->takes = 0;
        gateway_wait(&gateway, 4 * RETRY_MS);
        scene_assert_line("Message done DCID 3 MID 1");
        assert_got(&next_hops[2], &text);
        buf_finish(&text);
    }
}

/* Half a message must not look like a whole one. */
static void test_body_is_gone(void **state)
{
    struct buf text = make_text(LARGE_BYTES);

    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    send_text(&text, TO_YOU);
    plan->manner = NEXT_HOP_ANSWERS;
    spool_body_discard(gateway.engine.spool, 1);
    gateway_wait(&gateway, 2 * RETRY_MS);
    scene_assert_line("the message could not be read from the spool");
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 2);
    assert_true(next_hops[1].is_closed);
    assert_null(strstr(next_hop_got(&next_hops[1]), "\r\n.\r\n"));
    assert_false(gateway_logged(&gateway, "Message finished"));
    buf_finish(&text);
}

/* --- the same body, twice and in part --- */

static void test_two_destinations_at_once(void **state)
{
    struct buf text = make_text(MIB);

    (void)state;
    plan->takes = next_hop_plans[1].takes = 1;
    send_text(&text, TO_YOU "RCPT TO:<you@other.test>\r\n");
    assert_int_equal(next_hop_count, 2);
    for (int turn = 0; turn < 1000 && !gateway_logged(&gateway, "Message finished"); turn++) {
        struct next_hop *hop = &next_hops[turn % 3 == 0 ? 0 : 1];
        pair_set_window(hop->pair, pair_a(hop->pair), LIMIT_BODY_CHUNK / 3);
        gateway_settle(&gateway);
    }
    assert_got(&next_hops[0], &text);
    assert_got(&next_hops[1], &text);
    buf_finish(&text);
}

static void test_two_on_one_connection(void **state)
{
    struct buf text = make_text(LARGE_BYTES), other = make_text(LARGE_BYTES + 5000);

    (void)state;
    send_text(&text, TO_YOU);
    assert_got(&next_hops[0], &text);
    buf_clear(&next_hops[0].got, 0);
    send_text(&other, TO_YOU);
    assert_int_equal(next_hop_count, 1);
    assert_got(&next_hops[0], &other);
    buf_finish(&text);
    buf_finish(&other);
}

static void test_report_has_no_large_body(void **state)
{
    struct buf text = make_text(LARGE_BYTES);

    (void)state;
    plan->refused = "@far.test";
    send_text(&text, TO_YOU);
    scene_assert_line("MID 2 was generated for bounce of MID 1");
    assert_int_equal(next_hop_count, 2);
    const char *report = next_hop_got(&next_hops[1]);
    assert_has(report, "Subject: large\r\n");
    assert_has(report, "text/rfc822-headers");
    assert_true(strlen(report) < 2 * LIMIT_BOUNCE_COPY_BYTES);
    assert_no_file(1);
    buf_finish(&text);
}

/* RFC 1870 6.1: over the SIZE it declares, nothing is offered. */
static void test_larger_than_the_next_hop_takes(void **state)
{
    struct buf text = make_text(LARGE_BYTES);

    (void)state;
    plan->replies[NEXT_HOP_EHLO] = "250-next.example\r\n250 SIZE 200000\r\n";
    send_text(&text, TO_YOU);
    scene_assert_line(" - 5.3.4 - ");
    assert_null(strstr(next_hop_got(&next_hops[0]), "MAIL"));
    assert_has(next_hop_got(&next_hops[1]), "Status: 5.3.4\r\n");
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_bytes, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_in_small_pieces, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_disk_slower_than_the_client, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_budget_is_used_up, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_client_goes_away, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_client_goes_away_after_the_dot, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_too_large, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_next_hop_goes_away, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_body_is_gone, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_two_destinations_at_once, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_two_on_one_connection, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_report_has_no_large_body, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_larger_than_the_next_hop_takes, scene_set_up,
                                        scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
