/* Giving segments back: the second half of the committer, see committer_priv.h and ledger.h.
 *
 *   sealed, no live message -> its live states and needed DONEs written again at the log's end
 *                           -> fdatasync -> unlink -> directory synced -> forgotten
 *
 * What is written again is small: the last state of a stuck message, 8 bytes for each finished
 * message whose own segment still stands. A segment that cannot be read or removed any more is left
 * alone for a person to look at; it counts as standing, because the next start reads it. Without
 * space it waits for the next batch. Owner thread: the committer's. */
#include "queue/committer_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "queue/segment.h"

enum { REWRITE_BYTES = 1048576 };

/* One record of our own, not yet synced: 0, -errno. */
static int append_own(struct committer *c, struct spool_request *request)
{
    struct list batch;
    uint64_t end = c->end;
    request->payload_crc = crc32c(0, request->head.p, request->head.len);
    list_init(&batch);
    list_append(&batch, &request->submitted.node);
    int r = committer_write(c, &batch, &end);
    if (r < 0)
        return r;
    c->end = end;
    return 0;
}

static int rewrite_state(struct committer *c, struct ledger_segment *from, int fd,
                         struct ledger_entry *entry, char *block)
{
    struct record record;
    if (entry->state_span > REWRITE_BYTES)
        return -EBADMSG;
    ssize_t n = pread(fd, block, entry->state_span, (off_t)entry->state_offset);
    if (n < RECORD_HEADER_BYTES || !record_header_decode(block, &record) ||
        record.type != RECORD_TYPE_STATE || record.mid != entry->node.number ||
        record.salt != record_salt(c->opts.salt, from->number) ||
        RECORD_HEADER_BYTES + record.head_len > (size_t)n ||
        crc32c(0, block + RECORD_HEADER_BYTES, record.head_len) != record.payload_crc)
        return -EBADMSG;
    struct spool_request request = {
        .kind = SPOOL_KIND_STATE,
        .mid = record.mid,
        .head = slice_of(block + RECORD_HEADER_BYTES, record.head_len),
    };
    int r = append_own(c, &request);
    if (r == 0)
        ledger_state(&c->ledger, record.mid, c->segment, request.record_offset,
                     committer_span(&request));
    return r;
}

static int rewrite_states(struct committer *c, struct ledger_segment *from)
{
    char path[SEGMENT_PATH_MAX];
    if (from->live_states == 0)
        return 0;
    int fd = open(segment_path(c->opts.dir, from->number, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -EBADMSG;
    char *block = mem_alloc(REWRITE_BYTES);
    int r = 0;
    for (struct hmap_node *it = hmap_first(&c->ledger.entries); it != NULL && r == 0;
         it = hmap_after(&c->ledger.entries, it)) {
        struct ledger_entry *entry = CONTAINER_OF(it, struct ledger_entry, node);
        if (entry->state_segment == from->number)
            r = rewrite_state(c, from, fd, entry, block);
    }
    free(block);
    (void)close(fd); /* opened for reading */
    return r;
}

static int rewrite_tombs(struct committer *c, struct ledger_segment *from)
{
    struct hmap_node *node = hmap_find_number(&c->ledger.segments, c->segment);
    ASSERT(node != NULL);
    struct ledger_segment *here = CONTAINER_OF(node, struct ledger_segment, node);
    char *block = mem_alloc(REWRITE_BYTES);
    size_t len = 0;
    int r = 0;
    for (size_t i = 0; i <= from->tomb_count && r == 0; i++) {
        bool is_end = i == from->tomb_count;
        if (len > 0 && (is_end || len + 8 > REWRITE_BYTES)) {
            /* SPOOL_KIND has no such thing: it is the committer's own record. */
            struct spool_request request = {
                .kind = (enum spool_kind)RECORD_TYPE_DONE_LIST,
                .head = slice_of(block, len),
            };
            r = append_own(c, &request);
            len = 0;
        }
        if (is_end || !ledger_segment_exists(&c->ledger, from->tombs[i].message_segment) ||
            from->tombs[i].message_segment == from->number)
            continue;
        record_u64_put(block + len, from->tombs[i].mid);
        len += 8;
        ledger_tomb_add(here, from->tombs[i].mid, from->tombs[i].message_segment);
    }
    free(block);
    return r;
}

void committer_reclaim(struct committer *c)
{
    char path[SEGMENT_PATH_MAX];
    while (!atomic_load(&c->is_failed)) {
        struct ledger_segment *dead = ledger_segment_removable(&c->ledger);
        if (dead == NULL)
            break;
        uint64_t before = c->end;
        int r = rewrite_states(c, dead);
        if (r == 0)
            r = rewrite_tombs(c, dead);
        if (r == -EBADMSG) {
            dead->is_kept = true;
            continue;
        }
        if (committer_is_space_error(r))
            break; /* tried again after the next batch */
        if (r == 0 && c->end > before)
            r = c->io.fdatasync(c->fd);
        if (r != 0) {
            committer_fail(c);
            break;
        }
        r = unlink(segment_path(c->opts.dir, dead->number, path));
        if (r < 0 && errno != ENOENT) {
            dead->is_kept = true;
            continue;
        }
        /* A directory that cannot be synced is as bad as a file that cannot. */
        r = fsync(c->dir_fd);
        if (r < 0) {
            committer_fail(c);
            break;
        }
        ledger_segment_drop(&c->ledger, dead);
        (void)atomic_fetch_add(&c->segments_removed, 1);
    }
    atomic_store(&c->segments, c->ledger.segments.count);
    atomic_store(&c->live, c->ledger.entries.count);
}
