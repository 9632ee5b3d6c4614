/* smtp/command: a line becomes a verb and an argument, or nothing. And smtp/reply: what a text may
 * do to the wire. */
#include "smtp/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtp/reply.h"

struct command_case {
    const char *line;
    enum smtp_verb verb;
    const char *arg;
};

static const struct command_case cases[] = {
    {"EHLO x.test", SMTP_VERB_EHLO, "x.test"},
    {"ehlo  x.test \t", SMTP_VERB_EHLO, "x.test"},
    {"MAIL FROM:<a@b.test> SIZE=1", SMTP_VERB_MAIL, "FROM:<a@b.test> SIZE=1"},
    {"rCpT TO:<>", SMTP_VERB_RCPT, "TO:<>"},
    {"DATA", SMTP_VERB_DATA, ""},
    {"DATA  ", SMTP_VERB_DATA, ""},
    {"STARTTLS", SMTP_VERB_STARTTLS, ""},
    {"EXPN x", SMTP_VERB_EXPN, "x"},
    {"GET / HTTP/1.1", SMTP_VERB_HTTP, "/ HTTP/1.1"},
    {"connect a:1", SMTP_VERB_HTTP, "a:1"},
    {"DAT", SMTP_VERB_UNKNOWN, ""},
    {"DATAX", SMTP_VERB_UNKNOWN, ""},
    {" DATA", SMTP_VERB_UNKNOWN, "DATA"},
    {"", SMTP_VERB_UNKNOWN, ""},
    {"\xff\xfe", SMTP_VERB_UNKNOWN, ""},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct smtp_command command;
        assert_true(smtp_command_parse(slice_str(cases[i].line), &command));
        assert_int_equal(command.verb, cases[i].verb);
        assert_true(slice_eq(command.arg, slice_str(cases[i].arg)));
    }
}

static void test_control_characters(void **state)
{
    (void)state;
    struct smtp_command command;
    for (int c = 0; c < 256; c++) {
        char line[] = "NOOP x";
        line[5] = (char)c;
        bool is_ok = c == '\t' || (c >= ' ' && c != 0x7f);
        assert_int_equal(smtp_command_parse(slice_of(line, 6), &command), is_ok);
        assert_int_equal(command.verb, SMTP_VERB_NOOP); /* it looks like one all the same */
    }
}

static void assert_wire(struct smtp_reply reply, const char *want)
{
    struct buf out;
    buf_init(&out, 0);
    assert_true(smtp_reply_write(&reply, &out));
    assert_string_equal(buf_cstr(&out), want);
    buf_finish(&out);
}

static void test_reply_on_the_wire(void **state)
{
    (void)state;
    struct buf scratch;
    buf_init(&scratch, 0);
    assert_wire(smtp_code_reply(SMTP_CODE_GO_AHEAD), "354 go ahead\r\n");
    assert_wire(smtp_code_format(SMTP_CODE_MESSAGE_OK, SLICE("17"), &scratch),
                "250 2.0.0 ok: Message 17 accepted\r\n");
    assert_wire(smtp_code_format(SMTP_CODE_SENDER_OK, SLICE("a%b@c"), &scratch),
                "250 2.1.0 sender <a%b@c> ok\r\n");
    assert_wire((struct smtp_reply){.code = 550, .enhanced = SLICE("5.1.1"), .text = SLICE("a\nb")},
                "550-5.1.1 a\r\n550 5.1.1 b\r\n");
    /* Nothing in a text begins a second reply. */
    assert_wire((struct smtp_reply){.code = 550, .text = SLICE("a\r250 ok\t\x7f\xc3\xa4")},
                "550 a?250 ok????\r\n");
    assert_wire((struct smtp_reply){.code = 250}, "250 \r\n");
    buf_finish(&scratch);
}

static void test_long_reply_is_cut(void **state)
{
    (void)state;
    char text[2000];
    struct buf out;
    memset(text, 'x', sizeof(text));
    buf_init(&out, 0);
    struct smtp_reply reply = {
        .code = 550, .enhanced = SLICE("5.1.1"), .text = {text, sizeof(text)}};
    assert_true(smtp_reply_write(&reply, &out));
    assert_int_equal(buf_len(&out), 512);
    assert_true(slice_ends_nocase(buf_slice(&out), SLICE("x\r\n")));
    buf_finish(&out);
}

/* RFC 2034 4: an enhanced code on every 2xx, 4xx and 5xx, of the same class. */
static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < SMTP_CODE_COUNT; i++) {
        struct smtp_reply reply = smtp_code_reply((enum smtp_code)i);
        assert_true(reply.text.len > 0);
        if (reply.code == 354)
            assert_int_equal(reply.enhanced.len, 0);
        else
            assert_int_equal(reply.enhanced.p[0], '0' + reply.code / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_reply_on_the_wire),
        cmocka_unit_test(test_long_reply_is_cut),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("smtp/command", tests, NULL, NULL);
}
