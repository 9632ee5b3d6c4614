/* Which segments are still needed: where each live message and its last state record lie.
 *
 * A segment is needed while it holds a live message, the last state of one, or the DONE of a
 * message whose own record lies in another segment that still exists (else that message would come
 * back at the next start). States and DONEs are small: when they are all that is left, the
 * committer writes them again at the end of the log and the segment goes. So a message that is
 * stuck for days keeps one segment, not all that its retries were written to. Owner thread: the one
 * that replays, then the committer. */
#ifndef POSTERN_QUEUE_LEDGER_H
#define POSTERN_QUEUE_LEDGER_H

#include "base/hmap.h"

struct ledger_entry {
    struct hmap_node node; /* by mid */
    uint32_t message_segment;
    uint32_t state_segment; /* 0: none was written */
    uint32_t state_offset, state_span;
    bool has_body_file;
};

struct ledger_tomb {
    uint64_t mid;
    uint32_t message_segment;
};

struct ledger_segment {
    struct hmap_node node; /* by number */
    uint64_t number;
    uint64_t live_messages, live_states;
    struct ledger_tomb *tombs; /* DONEs in this segment for messages in others */
    size_t tomb_count, tomb_size;
    bool is_sealed; /* nothing is appended any more */
    bool is_kept;   /* could not be emptied or removed: stays for a person to look at */
};

struct ledger {
    struct hmap entries, segments;
    bool is_dirty; /* some sealed segment may have lost its last live message */
};

void ledger_init(struct ledger *ledger);
void ledger_finish(struct ledger *ledger);
struct ledger_segment *ledger_segment_add(struct ledger *ledger, uint64_t number);
void ledger_segment_seal(struct ledger *ledger, uint64_t number);
/* Forgets a segment in which nothing is live. */
void ledger_segment_drop(struct ledger *ledger, struct ledger_segment *segment);
/* A sealed segment without live messages, or NULL (then is_dirty is false). */
struct ledger_segment *ledger_segment_removable(struct ledger *ledger);
bool ledger_segment_exists(const struct ledger *ledger, uint64_t number);

void ledger_message(struct ledger *ledger, uint64_t mid, uint64_t segment, bool has_body_file);
void ledger_state(struct ledger *ledger, uint64_t mid, uint64_t segment, uint64_t offset,
                  uint64_t span);
/* True if the message was live; then *ret_has_body_file says whether its file may go. */
bool ledger_done(struct ledger *ledger, uint64_t mid, uint64_t segment, bool *ret_has_body_file);
void ledger_tomb_add(struct ledger_segment *segment, uint64_t mid, uint32_t message_segment);
struct ledger_entry *ledger_find(const struct ledger *ledger, uint64_t mid);

#endif
