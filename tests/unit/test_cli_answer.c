/* HTTP answers as the command line reads them: what is taken, what is refused, any split alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/answer.h"

enum { BODY_MAX = 32 };

static const struct {
    const char *bytes;
    enum cli_answer_state state; /* after all of it and the end of the connection */
    unsigned status;
    const char *body;
    bool is_last; /* before the connection ends */
} cases[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{\"a}", CLI_ANSWER_DONE, 200, "{\"a}", false},
    {"HTTP/1.1 200\r\ncontent-length:  0 \r\n\r\n", CLI_ANSWER_DONE, 200, "", false},
    {"HTTP/1.1 204 No Content\r\n\r\n", CLI_ANSWER_DONE, 204, "", false},
    {"HTTP/1.1 422 Not valid\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", CLI_ANSWER_DONE,
     422, "no", true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nno", CLI_ANSWER_DONE, 200, "no", true},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", CLI_ANSWER_DONE,
     200, "ok", false},
    {"HTTP/1.1 200 OK\r\n\r\nup to the end", CLI_ANSWER_DONE, 200, "up to the end", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", CLI_ANSWER_DONE, 200, "ok", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", CLI_ANSWER_DONE, 200,
     "ok", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", CLI_ANSWER_FAILED, 200,
     "", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", CLI_ANSWER_FAILED, 200, "ok", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", CLI_ANSWER_FAILED, 200, "", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n", CLI_ANSWER_FAILED, 200, "", true},
    {"HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789", CLI_ANSWER_FAILED, 200, "",
     true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", CLI_ANSWER_FAILED,
     200, "", true},
    {"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", CLI_ANSWER_FAILED, 200, "", true},
    {"HTTP/1.1 200 OK\r\nno field\r\n\r\n", CLI_ANSWER_FAILED, 200, "", true},
    {"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", CLI_ANSWER_FAILED, 0, "", true},
    {"HTTP/1.1 2000 OK\r\n\r\n", CLI_ANSWER_FAILED, 0, "", true},
    {"HTTP/1.1 099 OK\r\n\r\n", CLI_ANSWER_FAILED, 0, "", true},
    {"HTTP/2 200 OK\r\n\r\n", CLI_ANSWER_FAILED, 0, "", true},
    {"220 mail.example ESMTP\r\n\r\n", CLI_ANSWER_FAILED, 0, "", true},
    {"HTTP/1.1 200 OK\r\nContent-Le", CLI_ANSWER_FAILED, 0, "", false},
    {"", CLI_ANSWER_FAILED, 0, "", false},
};

static void check(size_t i, size_t first, size_t second)
{
    struct slice bytes = slice_str(cases[i].bytes);
    struct cli_answer answer;

    cli_answer_init(&answer, BODY_MAX);
    (void)cli_answer_feed(&answer, slice_of(bytes.p, first));
    (void)cli_answer_feed(&answer, slice_of(bytes.p + first, second - first));
    (void)cli_answer_feed(&answer, slice_of(bytes.p + second, bytes.len - second));
    if (answer.is_last != cases[i].is_last)
        fail_msg("case %zu: is_last is %d", i, answer.is_last);
    (void)cli_answer_end(&answer);
    if (answer.state != cases[i].state || answer.status != cases[i].status)
        fail_msg("case %zu split at %zu, %zu: state %d, status %u: %s", i, first, second,
                 (int)answer.state, answer.status, answer.error.text);
    if (answer.state == CLI_ANSWER_DONE)
        assert_string_equal(buf_cstr(&answer.body), cases[i].body);
    else
        assert_true(answer.error.text[0] != '\0');
    assert_true(answer.is_last);
    cli_answer_finish(&answer);
}

static void test_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t first = 0; first <= strlen(cases[i].bytes); first++)
            for (size_t second = first; second <= strlen(cases[i].bytes); second++)
                check(i, first, second);
}

static void test_head_is_bounded(void **state)
{
    struct cli_answer answer;

    (void)state;
    cli_answer_init(&answer, BODY_MAX);
    (void)cli_answer_feed(&answer, SLICE("HTTP/1.1 200 OK\r\n"));
    for (size_t i = 0; i < CLI_HEAD_MAX && answer.state == CLI_ANSWER_HEAD; i += 4)
        (void)cli_answer_feed(&answer, SLICE("a:\r\n"));
    assert_int_equal(answer.state, CLI_ANSWER_FAILED);
    cli_answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_head_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
