/* What a spool's directory holds after a stop of any kind. Only spool.c and tests include this. */
#ifndef POSTERN_QUEUE_RECOVER_H
#define POSTERN_QUEUE_RECOVER_H

#include "queue/ledger.h"
#include "queue/segment.h"
#include "queue/spool.h"

struct recover {
    const char *dir, *body_dir;
    uint64_t salt;
    const struct spool_opts *opts; /* replay, damaged, ctx */
};

/* Reads all segments, fills LEDGER, gives the live messages to opts->replay, cuts a torn tail off
 * the newest segment and removes body files nobody names. Blocks. */
int recover_run(const struct recover *recover, struct ledger *ledger, uint64_t *ret_next_segment,
                uint64_t *ret_next_seq, struct error *reterr) MUST_CHECK;

/* The replay itself, record by record, for every kind of spool: in the order of the log. */
struct recover_messages {
    struct hmap by_mid;
    struct list in_order;
};

void recover_messages_init(struct recover_messages *messages);
/* Frees what was not given out. */
void recover_messages_finish(struct recover_messages *messages);
/* False when the record's head is not what its type demands. SEGMENT: where the record lies. */
bool recover_record(struct recover_messages *messages, uint64_t segment,
                    const struct segment_record *record) MUST_CHECK;
void recover_messages_give(struct recover_messages *messages, const struct spool_opts *opts);
bool recover_messages_has(const struct recover_messages *messages, uint64_t mid);

#endif
