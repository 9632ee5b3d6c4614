/* Known messages and the ledger: what the generator sends, what generator and sink write down.
 *
 * A message begins with its X-Postern-Id line and is hashed from there to its end, in plain form
 * (no doubled dots, CRLF line ends). A server on the way puts its trace lines in front; the sink
 * leaves out everything before the id line. So generator and sink write the same line
 *   ID SHA256-HEX LF
 * for the same message exactly when not one byte of it changed.
 *
 * Bodies come from a fixed text of CONTENT_LINES lines; each message starts at another line of it.
 * Some lines begin with a dot, alone, doubled or followed by text, so that dot-stuffing shows. */
#ifndef POSTERN_BENCH_CONTENT_H
#define POSTERN_BENCH_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { CONTENT_ID_MAX = 64, CONTENT_HASH_HEX = 64 };

#define CONTENT_ID_HEADER "X-Postern-Id: "

/* One message being written out in pieces. */
struct content {
    char id[CONTENT_ID_MAX];
    size_t next_line;  /* in the fixed text */
    size_t left_bytes; /* of the plain form still to come */
    bool is_started, is_done;
    void *hash; /* NULL when nobody asks for it */
};

/* SIZE_BYTES counts headers and body in plain form, without the ending dot. */
void content_start(struct content *c, const char *run, uint64_t number, size_t size_bytes,
                   bool wants_hash);
/* Appends about MAX_BYTES of wire form to OUT, the ending dot included; is_done then. */
void content_write(struct content *c, const char *from, const char *to, struct buf *out,
                   size_t max_bytes);
/* Hash in hex, once; the message must be done. */
void content_hash(struct content *c, char ret_hex[CONTENT_HASH_HEX + 1]);
void content_finish(struct content *c);

struct ledger;

/* Appends to PATH; NULL and a line on standard error when it cannot. */
struct ledger *ledger_open(const char *path, bool wants_sync);
void ledger_add(struct ledger *ledger, const char *id, const char *hash_hex);
/* What was added is with the kernel, on disk if wants_sync. */
void ledger_flush(struct ledger *ledger);
void ledger_close(struct ledger *ledger);

void content_hex(const unsigned char *digest, size_t len, char *ret_hex);

#endif
