/* Fuzz target: any bytes as the HTTP answer that the command line reads.
 *
 * The first byte says where the rest is split. Properties: a body within its cap, a reason for each
 * refusal, an end that is one, and the same result however the bytes come. */
#include "fuzz_target.h"

#include "cli/answer.h"

enum { BODY_MAX = 256 };

static void read_all(struct slice bytes, size_t split, struct cli_answer *answer)
{
    cli_answer_init(answer, BODY_MAX);
    (void)cli_answer_feed(answer, slice_of(bytes.p, split));
    (void)cli_answer_feed(answer, slice_of(bytes.p + split, bytes.len - split));
    enum cli_answer_state state = cli_answer_end(answer);
    ASSERT(state == CLI_ANSWER_DONE || state == CLI_ANSWER_FAILED);
    ASSERT(answer->is_last);
    ASSERT(buf_len(&answer->body) <= BODY_MAX);
    ASSERT(state == CLI_ANSWER_DONE || answer->error.text[0] != '\0');
    ASSERT(state != CLI_ANSWER_DONE || (answer->status >= 200 && answer->status <= 599));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cli_answer whole, split;

    if (size == 0)
        return 0;
    struct slice bytes = slice_of((const char *)data + 1, size - 1);
    read_all(bytes, 0, &whole);
    read_all(bytes, bytes.len == 0 ? 0 : data[0] * bytes.len / 256, &split);
    ASSERT(whole.state == split.state && whole.status == split.status);
    ASSERT(whole.state == CLI_ANSWER_FAILED ||
           slice_eq(buf_slice(&whole.body), buf_slice(&split.body)));
    cli_answer_finish(&whole);
    cli_answer_finish(&split);
    return 0;
}
