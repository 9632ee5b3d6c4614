/* One HTTP/1.1 response read from bytes, no socket: head, then a body of known length or up to the
 * end of the connection (RFC 9112 6.3).
 *
 * Takes what our own daemon sends and refuses the rest: transfer codings, folded lines, lengths
 * that disagree. Head and body are bounded. Any split of the bytes gives the same. Owner: one
 * thread. */
#ifndef POSTERN_CLI_ANSWER_H
#define POSTERN_CLI_ANSWER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CLI_HEAD_MAX = 65536 };

enum cli_answer_state {
    CLI_ANSWER_HEAD,
    CLI_ANSWER_BODY,
    CLI_ANSWER_DONE,
    CLI_ANSWER_FAILED, /* cli_answer.error says why */
};

struct cli_answer {
    enum cli_answer_state state;
    unsigned status;
    bool is_last; /* the connection ends with it */
    bool has_length;
    uint64_t length;    /* of the body, if has_length */
    size_t body_max;    /* bytes */
    struct buf head;    /* what came of it */
    struct buf body;    /* at most body_max bytes */
    struct error error; /* when FAILED */
};

void cli_answer_init(struct cli_answer *answer, size_t body_max);
void cli_answer_finish(struct cli_answer *answer);
/* Bytes that came; what follows the answer is dropped and ends the connection. */
enum cli_answer_state cli_answer_feed(struct cli_answer *answer, struct slice bytes);
/* The peer has closed. DONE if that was the end of the body, else FAILED. */
enum cli_answer_state cli_answer_end(struct cli_answer *answer);

#endif
