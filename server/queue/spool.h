/* What is on disk: an append-only log of messages and of what became of them.
 *
 *   session   envelope, body -> spool_submit(MESSAGE) -> [committer] batch, fdatasync -> letter
 *   queue     STATE (deferred, some delivered or bounced) or DONE -> spool_submit, not waited for
 *   start     spool_open replays everything and gives back the live messages
 *
 * A body over LIMIT_BODY_IN_MEMORY is written to a file of its own first (spool_body_open, _write,
 * _finish, on a worker), which is durable before the MESSAGE record that names it is submitted.
 * The window in which a crash repeats a delivery: from the next hop's 250 until the batch with the
 * DONE or STATE record is on disk. It is not waited for, so it is about one fdatasync long.
 * An fsync error stops the spool for good (ERR_IO to all that wait and all that come: never a retry
 * on the same descriptor). A full disk refuses messages (ERR_FULL); STATE and DONE go on from a
 * reserve, and wait for space when that is used up too: one that is lost is a delivery that comes
 * again.
 *
 * Threads: spool_submit from any; one committer thread inside owns all else. spool_body_* block and
 * belong on base/work. The memory spool (tests) has no thread: completions come when told. */
#ifndef POSTERN_QUEUE_SPOOL_H
#define POSTERN_QUEUE_SPOOL_H

#include "base/mailbox.h"
#include "mail/envelope.h"
#include "queue/body.h"

struct spool;

enum spool_kind {
    SPOOL_KIND_MESSAGE = 1, /* head: the envelope; body beside it or in its file */
    SPOOL_KIND_STATE = 2,   /* head: state of every recipient (record.h); replaces earlier ones */
    SPOOL_KIND_DONE = 3,    /* no recipient is left: the message may be forgotten */
};

enum { SPOOL_HEADER_BYTES = 48, SPOOL_DIR_MAX = 3500 };

/* One record to be written. The caller fills in the first part and keeps all of it, and what the
 * slices point to, until the letter runs. */
struct spool_request {
    enum spool_kind kind;
    uint64_t mid;
    struct slice head;
    struct slice body; /* MESSAGE only; empty with has_body_file */
    bool has_body_file;
    bool is_patient; /* STATE and DONE: waits for space as long as it takes, instead of ERR_FULL */
    uint64_t body_file_bytes; /* size of that file */
    /* Where the letter goes when the record is durable or refused; the box stays open until
     * spool_close returned. NULL: letter.run is called on the committer's thread; it may free the
     * request and do nothing else. */
    struct mailbox *box;
    struct letter letter; /* letter.run is set by the caller */
    /* filled in before the letter runs */
    int result;                     /* 0; ERR_FULL: no space (452); ERR_IO: spool stopped (451) */
    struct spool_location location; /* MESSAGE with result 0 */
    /* private */
    uint32_t payload_crc;
    char header[SPOOL_HEADER_BYTES];
    uint64_t record_offset;
    struct letter submitted;
    void *committer;
};

struct spool_opts {
    uint64_t segment_bytes; /* a new segment is begun after this many; 0: LIMIT_SEGMENT_BYTES */
    uint64_t reserve_bytes; /* set aside for STATE and DONE on a full disk; 0: 4 MiB */
    uint64_t salt;          /* random, from the caller's clock: makes records unforgeable */
    void *ctx;
    /* Each live message, in order of arrival; the envelope is the callback's from here on.
     * Delivered, bounced and deleted recipients have their status, pending ones attempts and next
     * try. */
    void (*replay)(void *ctx, struct envelope *env, const struct spool_location *location);
    /* Damage found and passed over, a line each; may be NULL. */
    void (*damaged)(void *ctx, const char *text);
};

/* Replays DIR/0/ (made if missing; DIR's parent must exist), removes orphans and starts the
 * committer. Blocks for as long as the log is long. The callbacks run inside. */
int spool_open(const char *dir, const struct spool_opts *opts, struct spool **ret_spool,
               struct error *reterr) MUST_CHECK;
/* Writes what was submitted, ends the committer. Afterwards every letter is in its box. NULL is
 * allowed. */
void spool_close(struct spool *spool);
/* Never blocks, never fails at once: the letter tells. Requests of one thread keep their order. */
void spool_submit(struct spool *spool, struct spool_request *request);

struct spool_stats {
    uint64_t records, batches, bytes, segments_made, segments_removed;
    uint64_t segments, live_messages;
    bool is_failed; /* fsync failed: nothing is taken any more */
    bool is_full;   /* the reserve is in use: messages are refused */
};

/* From any thread; the figures are those after the last batch. */
void spool_stats_get(struct spool *spool, struct spool_stats *ret_stats);
/* Cheap, from any thread: 0, or what a MESSAGE would most likely get now (ERR_FULL, ERR_IO). For an
 * answer before DATA. It does not look at the disk. */
int spool_state(struct spool *spool);
/* Bytes free for messages of SIZE; blocks a little (statvfs). ERR_FULL when bytes or inodes are
 * short. */
int spool_check_space(struct spool *spool, uint64_t size_bytes) MUST_CHECK;

/* Large bodies: one writer, one thread at a time. */
struct spool_body_writer;

int spool_body_open(struct spool *spool, uint64_t mid, struct spool_body_writer **ret_writer,
                    struct error *reterr) MUST_CHECK;
int spool_body_write(struct spool_body_writer *writer, struct slice bytes,
                     struct error *reterr) MUST_CHECK;
/* Makes the file durable and named; frees the writer, also on failure. */
int spool_body_finish(struct spool_body_writer *writer, uint64_t *ret_size_bytes,
                      struct error *reterr) MUST_CHECK;
/* Throws away what was written; NULL is allowed. */
void spool_body_abort(struct spool_body_writer *writer);
/* Removes a finished body file whose MESSAGE record was refused or never submitted. */
void spool_body_discard(struct spool *spool, uint64_t mid);

/* body.c's: reads part of a stored body; ERR_NOT_FOUND when it is gone. */
ssize_t spool_read(struct spool *spool, const struct spool_location *location, uint64_t offset,
                   void *p, size_t len, struct error *reterr) MUST_CHECK;

/* Memory spool, for tests without disk or threads (store_mem.c). One thread only. */
struct spool *spool_memory_create(void);
/* Completes up to MAX waiting requests, oldest first; returns how many. */
size_t spool_memory_complete(struct spool *spool, size_t max);
/* The next COUNT completions of messages fail with RESULT (ERR_FULL, ERR_IO). */
void spool_memory_fail(struct spool *spool, int result, size_t count);
/* After COUNT more calls of spool_body_open, _write and _finish that work the others fail with
 * RESULT; 0: they work again. Not while a worker may be in one. */
void spool_memory_fail_bodies(struct spool *spool, int result, size_t count);
/* What a restart would give: only what was completed. */
void spool_memory_replay(struct spool *spool, const struct spool_opts *opts);

#endif
