/* See answer.h. */
#include "cli/answer.h"

void cli_answer_init(struct cli_answer *answer, size_t body_max)
{
    *answer = (struct cli_answer){.body_max = body_max};
    buf_init(&answer->head, CLI_HEAD_MAX);
    buf_init(&answer->body, body_max);
}

void cli_answer_finish(struct cli_answer *answer)
{
    buf_finish(&answer->head);
    buf_finish(&answer->body);
}

static void fail(struct cli_answer *answer, const char *what)
{
    answer->state = CLI_ANSWER_FAILED;
    answer->is_last = true;
    (void)error_set(&answer->error, ERR_INVALID, "the answer %s", what);
}

/* --- the head --- */

/* HTTP/1.1 200 OK (RFC 9112 4) */
static bool read_status(struct cli_answer *answer, struct slice line)
{
    struct slice version = slice_cut(&line, ' ');
    struct slice code = slice_cut(&line, ' ');
    unsigned long long status = 0;

    bool is_1_0 = slice_eq(version, SLICE("HTTP/1.0"));
    if (!is_1_0 && !slice_eq(version, SLICE("HTTP/1.1")))
        return false;
    if (code.len != 3 || !slice_to_u64(code, 599, &status) || status < 100)
        return false;
    answer->status = (unsigned)status;
    answer->is_last = is_1_0;
    return true;
}

/* What is wrong with the field, or NULL. */
static const char *read_field(struct cli_answer *answer, struct slice line)
{
    if (line.len == 0 || line.p[0] == ' ' || line.p[0] == '\t' || slice_find(line, ':') == line.len)
        return "has a header line that is none";
    struct slice name = slice_cut(&line, ':');
    struct slice value = slice_trim(line);
    unsigned long long length = 0;

    if (slice_eq_nocase(name, SLICE("Transfer-Encoding")))
        return "has a transfer coding, which was not asked for";
    if (slice_eq_nocase(name, SLICE("Connection")) && slice_eq_nocase(value, SLICE("close")))
        answer->is_last = true;
    if (!slice_eq_nocase(name, SLICE("Content-Length")))
        return NULL;
    if (!slice_to_u64(value, INT64_MAX, &length))
        return "has a Content-Length that is no number";
    if (answer->has_length && answer->length != length)
        return "has two lengths";
    answer->has_length = true;
    answer->length = length;
    return NULL;
}

static void read_head(struct cli_answer *answer, struct slice head)
{
    bool is_first = true;

    answer->has_length = false;
    while (head.len > 0) {
        struct slice line = slice_cut(&head, '\n');
        if (line.len == 0 || line.p[line.len - 1] != '\r') {
            fail(answer, "has a line that does not end in CR LF");
            return;
        }
        line.len--;
        const char *wrong = NULL;
        if (is_first && !read_status(answer, line))
            wrong = "is not HTTP/1.1";
        else if (!is_first)
            wrong = read_field(answer, line);
        if (wrong != NULL) {
            fail(answer, wrong);
            return;
        }
        is_first = false;
    }
}

/* RFC 9112 6.3 */
static void begin_body(struct cli_answer *answer)
{
    bool is_interim = answer->status < 200; /* RFC 9110 15.2: another one follows */
    bool has_none = answer->status == 204 || answer->status == 304;

    if (is_interim) {
        answer->state = CLI_ANSWER_HEAD;
        return;
    }
    if (has_none) {
        answer->has_length = true;
        answer->length = 0;
    }
    if (answer->has_length && answer->length > answer->body_max)
        fail(answer, "is longer than this program takes");
    else if (answer->has_length && answer->length == 0)
        answer->state = CLI_ANSWER_DONE;
    else
        answer->state = CLI_ANSWER_BODY;
    answer->is_last = answer->is_last || !answer->has_length;
}

/* Takes bytes up to the end of the head; returns how many. */
static size_t take_head(struct cli_answer *answer, struct slice bytes)
{
    size_t taken = 0;
    const char end[] = "\r\n\r\n";

    while (taken < bytes.len) {
        if (!buf_append_char(&answer->head, bytes.p[taken++])) {
            fail(answer, "has a head that is too long");
            return taken;
        }
        struct slice have = buf_slice(&answer->head);
        if (have.len < 4 || memcmp(have.p + have.len - 4, end, 4) != 0)
            continue;
        answer->state = CLI_ANSWER_BODY;
        read_head(answer, slice_of(have.p, have.len - 2));
        buf_clear(&answer->head, CLI_HEAD_MAX);
        if (answer->state != CLI_ANSWER_FAILED)
            begin_body(answer);
        return taken;
    }
    return taken;
}

/* --- the body --- */

static size_t take_body(struct cli_answer *answer, struct slice bytes)
{
    size_t left = answer->has_length ? (size_t)answer->length - buf_len(&answer->body) : bytes.len;
    size_t taken = bytes.len < left ? bytes.len : left;

    if (!buf_append(&answer->body, bytes.p, taken))
        fail(answer, "is longer than this program takes");
    else if (answer->has_length && buf_len(&answer->body) == answer->length)
        answer->state = CLI_ANSWER_DONE;
    return taken;
}

enum cli_answer_state cli_answer_feed(struct cli_answer *answer, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t taken = 0;
        if (answer->state == CLI_ANSWER_HEAD)
            taken = take_head(answer, bytes);
        else if (answer->state == CLI_ANSWER_BODY)
            taken = take_body(answer, bytes);
        if (taken == 0) { /* nothing was asked that these could answer */
            answer->is_last = true;
            break;
        }
        bytes = slice_of(bytes.p + taken, bytes.len - taken);
    }
    return answer->state;
}

enum cli_answer_state cli_answer_end(struct cli_answer *answer)
{
    bool is_whole = answer->state == CLI_ANSWER_BODY && !answer->has_length;

    answer->is_last = true;
    if (is_whole)
        answer->state = CLI_ANSWER_DONE;
    else if (answer->state == CLI_ANSWER_HEAD || answer->state == CLI_ANSWER_BODY)
        fail(answer, "ended before its end");
    return answer->state;
}
