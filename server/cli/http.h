/* The connection to the daemon: HTTP/1.1 over its local socket, STATE_DIR/run/postern.sock.
 *
 * One connection, opened by the first request and used again while both sides keep it. Every
 * request ends within CLI_ANSWER_MS or with an error that says what to do. Blocks. */
#ifndef POSTERN_CLI_HTTP_H
#define POSTERN_CLI_HTTP_H

#include "cli/answer.h"

enum {
    CLI_ANSWER_MS = 120000,          /* a commit answers when it is live */
    CLI_BODY_MAX = 64 * 1024 * 1024, /* of an answer: a configuration file is the largest */
};

struct cli_http {
    const char *state_dir; /* the caller's */
    int fd;                /* -1: not open */
};

struct cli_http_request {
    const char *method;
    const char *target; /* path and query, encoded */
    const char *type;   /* of the body; NULL: there is none */
    struct slice body;
};

void cli_http_init(struct cli_http *http, const char *state_dir);
void cli_http_close(struct cli_http *http);
/* 0: *ret_answer is whole, whatever its status; the caller finishes it. Else one line for people:
 * ERR_CLOSED nothing listens there, ERR_IO, ERR_TIMEOUT, ERR_INVALID the answer is no HTTP. */
int cli_http_exchange(struct cli_http *http, const struct cli_http_request *request,
                      struct cli_answer *ret_answer, struct error *reterr) MUST_CHECK;

#endif
