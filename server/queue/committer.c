/* The committer: see committer.h and spool.h.
 *
 *   mailbox -> pending -> batch (<= LIMIT_BATCH_BYTES) -> pwritev -> fdatasync -> ledger -> letters
 *                ^ fills up while fdatasync runs: the load makes its own batches
 *
 * FAILED: fdatasync failed, or a write other than for space. For good: after such an error the
 * kernel may have dropped the pages and call the next fsync a success (PostgreSQL's "fsyncgate"),
 * so nothing is tried again on this log. All that waits and comes gets ERR_IO.
 *
 * FULL: no space. The file is cut back, the batch's messages get ERR_FULL, its STATE and DONE
 * records go on from the reserve file, which is given up. It lasts until the reserve can be set
 * aside again: that is tried every second and before each batch with messages. When not even the
 * reserve is enough, patient records stay pending, in order, and are tried as often.
 *
 * A segment is closed after segment_bytes. One without live messages is emptied of what else it
 * keeps and removed (reclaim.c); the directory is synced when a segment comes or goes, never for a
 * message.
 *
 * Owner thread: its own. Others touch the mailbox and the atomic figures only. */
#include "queue/committer.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "base/mem.h"
#include "queue/committer_priv.h"
#include "queue/segment.h"

enum { IOV_PER_RECORD = 4 };

static const char zeros[8];

static struct spool_request *request_of(struct list *node)
{
    return CONTAINER_OF(node, struct spool_request, submitted.node);
}

static uint64_t payload_bytes(const struct spool_request *request)
{
    return request->head.len + request->body.len;
}

uint64_t committer_span(const struct spool_request *request)
{
    return (RECORD_HEADER_BYTES + payload_bytes(request) + 7) / 8 * 8;
}

static void complete(struct spool_request *request, int result)
{
    request->result = result;
    if (request->box == NULL) {
        request->letter.run(&request->letter);
        return;
    }
    /* Boxes stay open until spool_close has returned: spool.h. */
    bool is_posted = mailbox_post(request->box, &request->letter);
    ASSERT(is_posted);
}

static void complete_all(struct list *batch, int result)
{
    for (struct list *node = list_pop(batch); node != NULL; node = list_pop(batch))
        complete(request_of(node), result);
}

/* ---- reserve ---- */

static const char *reserve_path(const struct committer *c, char path[SEGMENT_PATH_MAX])
{
    (void)snprintf(path, SEGMENT_PATH_MAX, "%s/reserve", c->opts.dir); /* dir is capped: spool.c */
    return path;
}

static void reserve_release(struct committer *c)
{
    char path[SEGMENT_PATH_MAX];
    atomic_store(&c->is_full, true);
    if (!c->has_reserve)
        return;
    c->has_reserve = false;
    (void)unlink(reserve_path(c, path)); /* if it fails there is no space to win: the retry tells */
}

static bool reserve_restore(struct committer *c)
{
    char path[SEGMENT_PATH_MAX];
    if (c->has_reserve)
        return true;
    int fd = open(reserve_path(c, path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    int r = c->io.allocate(fd, 0, (off_t)c->opts.reserve_bytes);
    (void)close(fd); /* nothing was written through it */
    if (r != 0) {
        (void)unlink(path); /* gives back the part that was allocated */
        return false;
    }
    c->has_reserve = true;
    atomic_store(&c->is_full, false);
    return true;
}

/* ---- writing ---- */

static void encode(struct committer *c, struct spool_request *request, uint64_t offset)
{
    const struct record record = {
        .type = (enum record_type)request->kind,
        .flags = request->has_body_file ? RECORD_FLAG_BODY_FILE : 0,
        .head_len = (uint32_t)request->head.len,
        .body_len =
            (uint32_t)(request->has_body_file ? request->body_file_bytes : request->body.len),
        .payload_crc = request->payload_crc,
        .mid = request->mid,
        .seq = c->seq++,
        .salt = record_salt(c->opts.salt, c->segment),
    };
    record_header_encode(&record, request->header);
    request->record_offset = offset;
}

/* 0 or -errno. */
static int write_iov(struct committer *c, size_t count, uint64_t offset)
{
    struct iovec *iov = c->iov;
    while (count > 0) {
        ssize_t n = c->io.pwritev(c->fd, iov, (int)count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENOSPC;
        offset += (uint64_t)n;
        size_t done = (size_t)n;
        while (count > 0 && done >= iov->iov_len) {
            done -= iov->iov_len;
            iov++;
            count--;
        }
        if (count > 0) {
            iov->iov_base = (char *)iov->iov_base + done;
            iov->iov_len -= done;
        }
    }
    return 0;
}

static void iov_put(struct committer *c, size_t *count, const char *p, size_t len)
{
    if (len == 0)
        return;
    /* iovec is not const-correct: pwritev only reads. */
    c->iov[(*count)++] = (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = len};
}

/* Appends the records at c->end, unsynced; *ret_end is what c->end becomes once they are durable.
 */
int committer_write(struct committer *c, struct list *batch, uint64_t *ret_end)
{
    uint64_t offset = c->end;
    uint64_t from = offset;
    size_t count = 0;
    LIST_FOREACH(it, next, batch)
    {
        struct spool_request *request = request_of(it);
        encode(c, request, offset);
        iov_put(c, &count, request->header, RECORD_HEADER_BYTES);
        iov_put(c, &count, request->head.p, request->head.len);
        iov_put(c, &count, request->body.p, request->body.len);
        uint64_t span = committer_span(request);
        iov_put(c, &count, zeros, (size_t)(span - RECORD_HEADER_BYTES - payload_bytes(request)));
        offset += span;
        if (count > IOV_MAX_BATCH - IOV_PER_RECORD || next == batch) {
            int r = write_iov(c, count, from);
            if (r < 0)
                return r;
            from = offset;
            count = 0;
        }
    }
    *ret_end = offset;
    return 0;
}

void committer_fail(struct committer *c)
{
    atomic_store(&c->is_failed, true);
}

/* Begins the next segment when this one is long enough. Without it (no inode, no descriptor) the
 * old one goes on: its size is a wish, not a rule. */
static void roll(struct committer *c)
{
    if (c->end < c->opts.segment_bytes)
        return;
    int fd;
    uint64_t end;
    uint64_t number = c->segment + 1;
    int r = segment_create(c->opts.dir, number, c->opts.salt, &fd, &end, NULL);
    if (r < 0)
        return;
    r = fsync(c->dir_fd);
    if (r < 0) {
        (void)close(fd); /* given up with the whole log */
        committer_fail(c);
        return;
    }
    (void)ledger_segment_add(&c->ledger, number); /* found again by its number */
    ledger_segment_seal(&c->ledger, c->segment);
    (void)close(c->fd); /* every byte in it was synced */
    c->fd = fd;
    c->segment = number;
    c->end = end;
    (void)atomic_fetch_add(&c->segments_made, 1);
}

/* ---- a batch ---- */

static void account(struct committer *c, struct spool_request *request)
{
    bool has_body_file;
    char path[SEGMENT_PATH_MAX];
    switch (request->kind) {
    case SPOOL_KIND_MESSAGE:
        ledger_message(&c->ledger, request->mid, c->segment, request->has_body_file);
        request->location = (struct spool_location){
            .mid = request->mid,
            .segment = request->has_body_file ? 0 : c->segment,
            .offset = request->has_body_file
                          ? 0
                          : request->record_offset + RECORD_HEADER_BYTES + request->head.len,
            .size_bytes = request->has_body_file ? request->body_file_bytes : request->body.len,
        };
        break;
    case SPOOL_KIND_STATE:
        ledger_state(&c->ledger, request->mid, c->segment, request->record_offset,
                     committer_span(request));
        break;
    case SPOOL_KIND_DONE:
        if (ledger_done(&c->ledger, request->mid, c->segment, &has_body_file) && has_body_file) {
            (void)snprintf(path, sizeof(path), "%s/%llu.eml", c->opts.body_dir,
                           (unsigned long long)request->mid); /* body_dir is capped: spool.c */
            (void)unlink(path); /* left behind, it goes with the sweep at the next start */
        }
        break;
    }
}

static void refuse_messages(struct list *batch)
{
    LIST_FOREACH(it, next, batch)
    {
        struct spool_request *request = request_of(it);
        if (request->kind != SPOOL_KIND_MESSAGE)
            continue;
        list_remove(it);
        complete(request, ERR_FULL);
    }
}

static int write_with_reserve(struct committer *c, struct list *batch, uint64_t *ret_end)
{
    int r = committer_write(c, batch, ret_end);
    if (!committer_is_space_error(r))
        return r;
    (void)ftruncate(c->fd, (off_t)c->end); /* else the next batch overwrites what is there */
    refuse_messages(batch);
    reserve_release(c);
    if (list_is_empty(batch)) {
        *ret_end = c->end;
        return 0;
    }
    r = committer_write(c, batch, ret_end);
    if (committer_is_space_error(r))
        (void)ftruncate(c->fd, (off_t)c->end);
    return r;
}

static void take_batch(struct committer *c, struct list *batch)
{
    uint64_t bytes = 0;
    list_init(batch);
    while (!list_is_empty(&c->pending)) {
        struct spool_request *request = request_of(c->pending.next);
        uint64_t span = committer_span(request);
        if (bytes > 0 && bytes + span > LIMIT_BATCH_BYTES)
            break;
        list_remove(&request->submitted.node);
        list_append(batch, &request->submitted.node);
        bytes += span;
    }
}

/* No space for what is left of the batch, STATE and DONE: who is patient stands first in line. */
static void put_back(struct committer *c, struct list *batch)
{
    LIST_FOREACH(it, next, batch)
    {
        if (request_of(it)->is_patient)
            continue;
        list_remove(it);
        complete(request_of(it), ERR_FULL);
    }
    refuse_messages(&c->pending); /* they would wait behind what is put back */
    while (!list_is_empty(batch)) {
        struct list *last = batch->prev;
        list_remove(last);
        list_prepend(&c->pending, last);
    }
}

/* False when there is nothing to be done before there is space. */
static bool commit_batch(struct committer *c)
{
    struct list batch;
    take_batch(c, &batch);
    if (!atomic_load(&c->is_failed))
        roll(c);
    if (atomic_load(&c->is_failed)) {
        complete_all(&batch, ERR_IO);
        return true;
    }
    if (atomic_load(&c->is_full) && !reserve_restore(c))
        refuse_messages(&batch);

    uint64_t end = c->end;
    int r = list_is_empty(&batch) ? 0 : write_with_reserve(c, &batch, &end);
    if (committer_is_space_error(r)) {
        put_back(c, &batch);
        return false;
    }
    if (r == 0 && end > c->end)
        r = c->io.fdatasync(c->fd);
    if (r != 0) {
        committer_fail(c);
        complete_all(&batch, ERR_IO);
        return true;
    }

    uint64_t count = 0;
    LIST_FOREACH(it, next, &batch)
    {
        account(c, request_of(it));
        count++;
    }
    (void)atomic_fetch_add(&c->records, count);
    (void)atomic_fetch_add(&c->batches, count > 0 ? 1 : 0);
    (void)atomic_fetch_add(&c->bytes, end - c->end);
    c->end = end;
    complete_all(&batch, 0);
    return true;
}

/* ---- the thread ---- */

static void on_submitted(struct letter *letter)
{
    struct spool_request *request = CONTAINER_OF(letter, struct spool_request, submitted);
    struct committer *c = request->committer;
    list_append(&c->pending, &letter->node);
}

static void on_stop(struct letter *letter)
{
    CONTAINER_OF(letter, struct committer, stop)->is_stopping = true;
}

static void wake(void *owner)
{
    struct committer *c = owner;
    (void)sem_post(&c->wake); /* overflow would mean that it is awake anyway */
}

static void wait_for_work(struct committer *c)
{
    if (!atomic_load(&c->is_full)) {
        (void)sem_wait(&c->wake); /* EINTR: an idle round costs nothing */
        return;
    }
    int64_t now_ms = clock_wall_ms(clock_system()); /* sem_timedwait knows no other clock */
    struct timespec until = {.tv_sec = now_ms / 1000 + 1, .tv_nsec = now_ms % 1000 * 1000000};
    (void)sem_timedwait(&c->wake, &until);
}

static void *run(void *arg)
{
    struct committer *c = arg;
    committer_reclaim(c);
    while (!c->is_stopping) {
        wait_for_work(c);
        (void)mailbox_drain(&c->box);
        while (!list_is_empty(&c->pending) && commit_batch(c)) {
            committer_reclaim(c);
            (void)mailbox_drain(&c->box);
        }
        if (atomic_load(&c->is_full) && !atomic_load(&c->is_failed))
            (void)reserve_restore(c); /* is_full tells */
    }
    complete_all(&c->pending, ERR_FULL); /* patient to the last */
    return NULL;
}

int committer_start(const struct committer_opts *opts, struct committer **ret_committer,
                    struct error *reterr)
{
    struct committer *c = MEM_NEW(struct committer);
    c->opts = *opts;
    c->io = opts->io;
    if (c->io.pwritev == NULL)
        c->io.pwritev = pwritev;
    if (c->io.fdatasync == NULL)
        c->io.fdatasync = fdatasync;
    if (c->io.allocate == NULL)
        c->io.allocate = posix_fallocate;
    c->segment = opts->first_segment;
    c->seq = opts->first_seq;
    list_init(&c->pending);
    c->stop.run = on_stop;

    int r = 0;
    c->dir_fd = open(opts->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir_fd < 0) {
        r = error_set_errno(reterr, errno, "cannot open directory %s", opts->dir);
        goto free_committer;
    }
    r = segment_create(opts->dir, c->segment, opts->salt, &c->fd, &c->end, reterr);
    if (r < 0)
        goto close_dir;
    r = fsync(c->dir_fd);
    if (r < 0) {
        r = error_set_errno(reterr, errno, "cannot sync directory %s", opts->dir);
        goto close_segment;
    }
    c->ledger = *opts->ledger;
    ledger_init(opts->ledger);
    (void)ledger_segment_add(&c->ledger, c->segment); /* found again by its number */
    c->ledger.is_dirty = true;
    c->segments = c->ledger.segments.count;
    c->live = c->ledger.entries.count;
    if (!reserve_restore(c))
        atomic_store(&c->is_full, true);

    mailbox_init(&c->box, wake, c);
    r = sem_init(&c->wake, 0, 0);
    ASSERT(r == 0);
    r = pthread_create(&c->thread, NULL, run, c);
    ASSERT(r == 0);
    (void)pthread_setname_np(c->thread, "committer"); /* for ps and strace only */
    *ret_committer = c;
    return 0;

close_segment:
    (void)close(c->fd); /* nothing was promised yet */
close_dir:
    (void)close(c->dir_fd); /* opened for reading */
free_committer:
    free(c);
    return r;
}

void committer_stop(struct committer *c)
{
    if (c == NULL)
        return;
    bool is_posted = mailbox_post(&c->box, &c->stop);
    ASSERT(is_posted);
    int r = pthread_join(c->thread, NULL);
    ASSERT(r == 0);
    mailbox_close(&c->box);
    mailbox_finish(&c->box);
    (void)sem_destroy(&c->wake); /* nobody waits on it */
    (void)close(c->fd);          /* every byte that was promised is synced */
    (void)close(c->dir_fd);      /* opened for reading */
    ledger_finish(&c->ledger);
    free(c);
}

void committer_submit(struct committer *c, struct spool_request *request)
{
    ASSERT(payload_bytes(request) <= RECORD_PAYLOAD_MAX);
    ASSERT(!request->has_body_file || request->body.len == 0);
    request->committer = c;
    request->payload_crc =
        crc32c(crc32c(0, request->head.p, request->head.len), request->body.p, request->body.len);
    request->submitted.run = on_submitted;
    list_init(&request->submitted.node);
    bool is_posted = mailbox_post(&c->box, &request->submitted);
    ASSERT(is_posted);
}

void committer_stats(struct committer *c, struct spool_stats *ret_stats)
{
    *ret_stats = (struct spool_stats){
        .records = atomic_load(&c->records),
        .batches = atomic_load(&c->batches),
        .bytes = atomic_load(&c->bytes),
        .segments_made = atomic_load(&c->segments_made),
        .segments_removed = atomic_load(&c->segments_removed),
        .segments = atomic_load(&c->segments),
        .live_messages = atomic_load(&c->live),
        .is_failed = atomic_load(&c->is_failed),
        .is_full = atomic_load(&c->is_full),
    };
}

int committer_state(struct committer *c)
{
    if (atomic_load(&c->is_failed))
        return ERR_IO;
    return atomic_load(&c->is_full) ? ERR_FULL : 0;
}
