/* A message out again: the next hop is a script of replies at the other end of a pair. Retries on
 * the fake clock, a refused connection, the report to the sender, and that none is ever answered
 * with another. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "gateway.h"
#include "net/conn_priv.h"
#include "net/tcp.h"

enum { HOPS_MADE_MAX = 16, RETRY_S = 60, QUEUE_S = 600 };

static const char config[] =
    "{\"system\": {\"hostname\": \"mail.example.test\"},"
    " \"interfaces\": [{\"name\": \"If\", \"address\": \"192.0.2.1\","
    "                 \"hostname\": \"mail.example.test\"}],"
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 26}],"
    " \"sender-groups\": ["
    "  {\"listener\": \"Private\", \"name\": \"R\", \"senders\": [{\"sender\": \"192.0.2.0/24\"}],"
    "   \"policy\": \"Relayed\"},"
    "  {\"listener\": \"Private\", \"name\": \"A\", \"senders\": [{\"sender\": \"ALL\"}],"
    "   \"policy\": \"Blocked\"}],"
    " \"mail-flow-policies\": [{\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": [{\"domain\": \"ALL\","
    "   \"targets\": [{\"host\": \"[192.0.2.2]\", \"port\": 25}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60, \"max_time_in_queue_s\": 600}],"
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";

/* The next hop. Refuses or is silent or answers each command from its own row. */
enum hop_manner { HOP_ANSWERS, HOP_REFUSES, HOP_SILENT };

static enum hop_manner manner;
static const char *refused; /* recipients with this in their line; NULL: none */

struct next_hop {
    struct pair *pair;
    struct letter up; /* tells the gateway that it is connected, or not */
    struct buf line, got;
    bool is_in_data;
};

static struct gateway gateway;
static struct next_hop made[HOPS_MADE_MAX];
static size_t made_count;

static void say(struct next_hop *hop, const char *text)
{
    conn_write(pair_b(hop->pair), slice_str(text));
}

static void answer_line(struct next_hop *hop, struct slice line)
{
    static const struct {
        const char *verb, *reply;
    } replies[] = {
        {"EHLO", "250 next.example\r\n"}, {"MAIL", "250 ok\r\n"},  {"RSET", "250 ok\r\n"},
        {"DATA", "354 go on\r\n"},        {"QUIT", "221 bye\r\n"},
    };

    if (hop->is_in_data) {
        if (slice_eq(line, SLICE("."))) {
            hop->is_in_data = false;
            say(hop, "250 taken\r\n");
        }
        return;
    }
    struct slice verb = slice_of(line.p, line.len < 4 ? line.len : 4);
    if (slice_eq(verb, SLICE("RCPT")))
        say(hop, refused != NULL && strstr(buf_cstr(&hop->line), refused) != NULL
                     ? "550 5.1.1 nobody\r\n"
                     : "250 ok\r\n");
    for (size_t i = 0; i < ARRAY_LEN(replies); i++)
        if (slice_eq(verb, slice_str(replies[i].verb)))
            say(hop, replies[i].reply);
    hop->is_in_data = slice_eq(verb, SLICE("DATA"));
}

static size_t hop_data(struct conn *conn, struct slice bytes)
{
    struct next_hop *hop = conn_user(conn);

    (void)buf_append_slice(&hop->got, bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.p[i] == '\n') {
            answer_line(hop, buf_slice(&hop->line));
            buf_clear(&hop->line, 0);
        } else if (bytes.p[i] != '\r') {
            (void)buf_append(&hop->line, &bytes.p[i], 1);
        }
    }
    return bytes.len;
}

static const struct conn_handler hop_handler = {.on_data = hop_data};

static void come_up(struct letter *letter)
{
    struct next_hop *hop = CONTAINER_OF(letter, struct next_hop, up);

    if (manner == HOP_REFUSES) {
        conn_transport_failed(pair_a(hop->pair), CONN_CAUSE_CONNECT, ECONNREFUSED,
                              "connection refused");
        conn_abort(pair_b(hop->pair));
        return;
    }
    conn_transport_connected(pair_a(hop->pair));
    if (manner == HOP_ANSWERS)
        say(hop, "220 next.example ESMTP\r\n");
}

static struct conn *connect_in_memory(struct loop *loop, const struct tcp_target *target,
                                      const struct conn_handler *handler, void *user)
{
    assert_true(made_count < HOPS_MADE_MAX);
    assert_int_equal(target->port, 25);
    struct next_hop *hop = &made[made_count++];
    *hop = (struct next_hop){.up.run = come_up};
    buf_init(&hop->line, 0);
    buf_init(&hop->got, 0);
    hop->pair = pair_create(loop);
    conn_set_handler(pair_b(hop->pair), &hop_handler, hop);
    conn_set_handler(pair_a(hop->pair), handler, user);
    pair_a(hop->pair)->state = CONN_STATE_CONNECTING; /* a pair is born connected */
    loop_defer(loop, &hop->up);
    return pair_a(hop->pair);
}

static int set_up(void **state)
{
    (void)state;
    made_count = 0;
    manner = HOP_ANSWERS;
    refused = NULL;
    gateway_init(&gateway, config);
    gateway.engine.connect = connect_in_memory;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    delivery_stop(gateway.delivery);
    gateway_settle(&gateway);
    for (size_t i = 0; i < made_count; i++)
        conn_abort(pair_b(made[i].pair));
    gateway_wait(&gateway, 60000);
    gateway_finish(&gateway);
    for (size_t i = 0; i < made_count; i++) {
        pair_destroy(made[i].pair);
        buf_finish(&made[i].line);
        buf_finish(&made[i].got);
    }
    return 0;
}

static void assert_logged(const char *part)
{
    if (!gateway_logged(&gateway, part))
        fail_msg("no '%s' in:\n%s", part, buf_cstr(&gateway.text));
}

static size_t count_logged(const char *part)
{
    size_t count = 0;

    for (const char *p = buf_cstr(&gateway.text); (p = strstr(p, part)) != NULL; p++)
        count++;
    return count;
}

static void send_from(const char *sender)
{
    struct client c;
    char line[256];

    client_connect(&c, &gateway, "Private");
    (void)snprintf(line, sizeof line,
                   "EHLO x\r\nMAIL FROM:<%s>\r\nRCPT TO:<you@far.test>\r\nDATA\r\n", sender);
    (void)client_say(&c, line);
    assert_non_null(strstr(client_say(&c, "Subject: s\r\n\r\nhello\r\n.\r\n"), "accepted"));
    (void)client_say(&c, "QUIT\r\n");
    /* The client hangs up too, without a wait: the clock is the delivery's. */
    if (!c.is_closed)
        conn_abort(pair_b(c.pair));
    gateway_settle(&gateway);
    assert_true(c.is_closed);
    pair_destroy(c.pair);
    buf_finish(&c.got);
}

static void test_delivered(void **state)
{
    (void)state;
    send_from("me@near.test");
    assert_int_equal(made_count, 1);
    assert_non_null(strstr(buf_cstr(&made[0].got), "MAIL FROM:<me@near.test>"));
    assert_non_null(strstr(buf_cstr(&made[0].got), "\r\n\r\nhello\r\n.\r\n"));
    assert_logged("Message done DCID 1 MID 1 to RID [0]");
    assert_logged("Message finished MID 1 done");
}

static void test_refused_is_delayed_and_tried_again(void **state)
{
    (void)state;
    manner = HOP_REFUSES;
    send_from("me@near.test");
    assert_logged("Delayed: DCID ");
    assert_int_equal(made_count, 1);
    manner = HOP_ANSWERS;
    gateway_wait(&gateway, RETRY_S * 1000 / 2); /* the wait is 60 s, give or take a tenth */
    assert_int_equal(made_count, 1);
    gateway_wait(&gateway, RETRY_S * 1000);
    assert_int_equal(made_count, 2);
    assert_logged("Message finished MID 1 done");
    assert_int_equal(count_logged("Bounced:"), 0);
}

static void test_silent_greeting_ends_at_its_deadline(void **state)
{
    (void)state;
    manner = HOP_SILENT;
    send_from("me@near.test");
    gateway_wait(&gateway, LIMIT_SMTP_GREETING_MS - 1000);
    assert_int_equal(count_logged("Delayed:"), 0);
    gateway_wait(&gateway, 2000);
    gateway_wait(&gateway, 15000); /* our FIN is not answered: it is cut */
    assert_int_equal(count_logged("Delayed:"), 1);
}

static void test_report_goes_to_the_sender(void **state)
{
    (void)state;
    refused = "@far.test";
    send_from("me@near.test");
    assert_logged("Bounced: DCID 1 MID 1");
    assert_logged("MID 2 was generated for bounce of MID 1");
    assert_logged("Message finished MID 2 done");
    bool is_seen = false;
    for (size_t i = 0; i < made_count; i++) {
        const char *got = buf_cstr(&made[i].got);
        is_seen = is_seen || (strstr(got, "MAIL FROM:<>") != NULL &&
                              strstr(got, "RCPT TO:<me@near.test>") != NULL &&
                              strstr(got, "Diagnostic-Code: smtp; 550 5.1.1 nobody") != NULL);
    }
    assert_true(is_seen);
}

static void test_no_report_on_a_report(void **state)
{
    (void)state;
    refused = "@";
    send_from("");
    assert_logged("Double bounce: MID 1");
    assert_int_equal(count_logged("was generated for bounce"), 0);

    send_from("me@near.test"); /* and not on one of our own either */
    assert_int_equal(count_logged("was generated for bounce"), 1);
    assert_int_equal(count_logged("Double bounce:"), 2);
}

static void test_too_long_in_the_queue(void **state)
{
    (void)state;
    manner = HOP_REFUSES;
    send_from("me@near.test");
    for (int s = 0; s < QUEUE_S + 2 * RETRY_S && count_logged("Bounced:") == 0; s += RETRY_S / 2)
        gateway_wait(&gateway, RETRY_S * 1000 / 2);
    manner = HOP_ANSWERS;
    gateway_wait(&gateway, 3 * RETRY_S * 1000); /* the destination rests after its last failure */
    assert_int_equal(count_logged("Bounced:"), 1);
    assert_int_equal(count_logged("was generated for bounce"), 1);
    assert_logged("Message finished MID 2 done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_is_delayed_and_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_greeting_ends_at_its_deadline, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_report_goes_to_the_sender, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_report_on_a_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long_in_the_queue, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
