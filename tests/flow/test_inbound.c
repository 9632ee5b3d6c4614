/* A message in, from the greeting to the 250 that waits for the disk; who may send where; deadlines
 * on the fake clock; what is said when the spool cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "gateway.h"
#include "queue/spool.h"

static const char config[] =
    "{\"system\": {\"hostname\": \"mail.example.test\"},"
    " \"interfaces\": [{\"name\": \"If\", \"address\": \"192.0.2.1\","
    "                 \"hostname\": \"mail.example.test\"}],"
    " \"listeners\": ["
    "  {\"name\": \"Public\", \"type\": \"public\", \"interface\": \"If\", \"port\": 25},"
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 26},"
    "  {\"name\": \"Other\", \"type\": \"private\", \"interface\": \"If\", \"port\": 27},"
    "  {\"name\": \"Hole\", \"type\": \"blackhole\", \"interface\": \"If\", \"port\": 28}],"
    " \"sender-groups\": ["
    "  {\"listener\": \"Public\", \"name\": \"A\", \"senders\": [{\"sender\": \"ALL\"}],"
    "   \"policy\": \"Accepted\"},"
    "  {\"listener\": \"Private\", \"name\": \"R\", \"senders\": [{\"sender\": \"192.0.2.0/24\"}],"
    "   \"policy\": \"Relayed\"},"
    "  {\"listener\": \"Private\", \"name\": \"A\", \"senders\": [{\"sender\": \"ALL\"}],"
    "   \"policy\": \"Blocked\"},"
    "  {\"listener\": \"Other\", \"name\": \"A\", \"senders\": [{\"sender\": \"ALL\"}],"
    "   \"policy\": \"Blocked\"},"
    "  {\"listener\": \"Hole\", \"name\": \"A\", \"senders\": [{\"sender\": \"ALL\"}],"
    "   \"policy\": \"Accepted\"}],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Accepted\", \"action\": \"accept\", \"max_connections_per_ip\": 2},"
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"rat\": ["
    "  {\"listener\": \"Public\", \"recipient\": \"example.test\", \"action\": \"accept\"},"
    "  {\"listener\": \"Public\", \"recipient\": \"ALL\", \"action\": \"reject\"}],"
    " \"bounce-profiles\": [{\"name\": \"Default\"}],"
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": "
    "\"preferred\",\"max_connections\": 5, \"max_messages_per_connection\": 5}]}";

static struct gateway gateway;

static int set_up(void **state)
{
    (void)state;
    gateway_init(&gateway, &(struct gateway_settings){.config_json = config});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gateway_finish(&gateway);
    return 0;
}

static void begin(struct client *c, const char *listener, const char *recipient)
{
    char line[512];

    client_connect(c, &gateway, listener);
    assert_has(client_hear(c), "220 mail.example.test ESMTP");
    assert_has(client_say(c, "EHLO client.example\r\n"), "250 ENHANCEDSTATUSCODES");
    assert_has(client_say(c, "MAIL FROM:<a@b.example>\r\n"), "250 2.1.0 sender <a@b.example> ok");
    (void)snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", recipient);
    assert_has(client_say(c, line), "250 2.1.5 recipient <");
    assert_has(client_say(c, "DATA\r\n"), "354 go ahead");
}

static void test_250_waits_for_the_disk(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Public", "x@example.test");
    const char *reply = client_say_without_disk(&c, "Subject: one\r\n\r\nhello\r\n.\r\n");
    assert_string_equal(reply, "");
    assert_false(gateway_logged(&gateway, "queued for delivery"));
    assert_has(client_hear(&c), "250 2.0.0 ok: Message 1 accepted");
    assert_true(gateway_logged(&gateway, "MID 1 Subject 'one'"));
    assert_true(gateway_logged(&gateway, "MID 1 queued for delivery"));
    client_finish(&c);
}

static void test_spool_trouble(void **state)
{
    static const struct {
        int result;
        const char *reply;
    } cases[] = {{ERR_FULL, "452 4.3.1"}, {ERR_IO, "451 4.3.0"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c;
        begin(&c, "Public", "x@example.test");
        spool_memory_fail(gateway.engine.spool, cases[i].result, 1);
        assert_has(client_say(&c, "hello\r\n.\r\n"), cases[i].reply);
        client_finish(&c);
    }
    assert_false(gateway_logged(&gateway, "queued for delivery"));
}

static void test_who_may_send_where(void **state)
{
    struct client c;

    (void)state;
    client_connect(&c, &gateway, "Public");
    (void)client_say(&c, "EHLO x\r\nMAIL FROM:<a@b.example>\r\n");
    static const char *const refused[] = {
        "x@elsewhere.test",         "x%elsewhere.test@mail.test",     "\"x@elsewhere.test\"@b.test",
        "x@example.test.evil.test", "@example.test:x@elsewhere.test", "elsewhere.test!x@b.test",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", refused[i]);
        assert_has(client_say(&c, line), "550 5.1.0 Address rejected.");
    }
    assert_has(client_say(&c, "RCPT TO:<Postmaster>\r\n"), "250 2.1.5");
    client_finish(&c);

    begin(&c, "Private", "anybody@elsewhere.test");
    client_finish(&c);
    client_connect(&c, &gateway, "Other");
    assert_has(client_hear(&c), "554 ");
    assert_has(client_say(&c, "EHLO x\r\n"), "503 5.5.1");
    client_finish(&c);
}

static void test_blackhole_counts(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Hole", "anybody@anywhere.test");
    assert_has(client_say(&c, "hello\r\n.\r\n"), "250 2.0.0 ok");
    client_finish(&c);
    assert_true(gateway_logged(&gateway, "counted 1 messages 7 bytes"));
    assert_false(gateway_logged(&gateway, "Start MID"));
}

static void test_bare_lf_is_refused_in_step(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Public", "x@example.test");
    assert_has(client_say(&c, "one\n.\nMAIL FROM:<evil@b.example>\r\n.\r\n"), "554 5.6.0");
    assert_true(gateway_logged(&gateway, "bare LF in the message"));
    assert_has(client_say(&c, "NOOP\r\n"), "250 2.0.0 ok");
    assert_false(gateway_logged(&gateway, "evil"));
    client_finish(&c);
}

static void test_deadlines(void **state)
{
    struct client c;

    (void)state;
    client_connect(&c, &gateway, "Public");
    (void)client_say(&c, "EHLO x\r\n");
    gateway_wait(&gateway, LIMIT_SMTP_COMMAND_MS - 1000);
    assert_string_equal(client_say(&c, "NO"), ""); /* part of a line moves nothing */
    gateway_wait(&gateway, 2000);
    assert_has(client_hear(&c), "421 4.4.2");
    client_finish(&c);

    begin(&c, "Public", "x@example.test");
    for (uint64_t ms = 0; ms < LIMIT_SMTP_MESSAGE_MS + 2000; ms += 10000) {
        (void)client_say(&c, "x"); /* a byte now and then is not enough */
        gateway_wait(&gateway, 10000);
    }
    assert_true(c.is_closed);
    client_finish(&c);
    assert_true(gateway_logged(&gateway, "no messages injected within timeout period"));
}

static void test_lines_wait_for_the_reverse_name(void **state)
{
    const struct resolver_answer never = {.status = RESOLVER_STATUS_OK};
    struct client c;

    (void)state;
    fake_resolver_set(gateway.names, RESOLVER_KIND_REVERSE, "192.0.2.2", &never, UINT64_MAX);
    client_connect(&c, &gateway, "Public");
    (void)client_say(&c, "EHLO x\r\n");
    assert_false(gateway_logged(&gateway, "ICID 1"));
    gateway_wait(&gateway, LIMIT_DNS_REVERSE_MS + 1);
    assert_true(gateway_logged(&gateway, "reverse dns host unknown verified no"));
    assert_true(gateway_logged(&gateway, "ICID 1 ACCEPT SG A match ALL SBRS None"));
    client_finish(&c);
}

static void test_connections_of_one_address(void **state)
{
    struct client c[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        client_connect(&c[i], &gateway, "Public");
    assert_has(client_hear(&c[1]), "220 ");
    assert_has(client_hear(&c[2]), "421 ");
    for (size_t i = 0; i < 3; i++)
        client_finish(&c[i]);
    client_connect(&c[0], &gateway, "Public");
    assert_has(client_hear(&c[0]), "220 ");
    client_finish(&c[0]);
}

static void test_drain(void **state)
{
    struct client c;

    (void)state;
    client_connect(&c, &gateway, "Public");
    (void)client_say(&c, "EHLO x\r\n");
    session_drain(session_of(gateway.sessions.next));
    assert_has(client_hear(&c), "421 4.3.2");
    client_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_250_waits_for_the_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spool_trouble, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_may_send_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blackhole_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bare_lf_is_refused_in_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadlines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_wait_for_the_reverse_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_connections_of_one_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_drain, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
