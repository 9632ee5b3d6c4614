/* queue/committer with a disk that does as told: one sync for a batch, letters only after it, a
 * failed sync stops the log for good, a full disk refuses messages and lets the small records
 * through. */
#include "queue/committer.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "queue/segment.h"
#include "spool_help.h"

static struct help_box box;
static char *dir;
static struct committer *committer;

static atomic_int syncs, sync_errno;
static atomic_bool holds_sync, is_full, is_full_for_all;
static atomic_bool has_short_writes;
static sem_t in_sync, go_on;

/* With holds_sync the committer stands inside fdatasync until the test says go. */
static int fake_sync(int fd)
{
    (void)fd;
    atomic_fetch_add(&syncs, 1);
    if (atomic_load(&holds_sync)) {
        (void)sem_post(&in_sync);
        while (sem_wait(&go_on) < 0)
            continue;
    }
    int errnum = atomic_load(&sync_errno);
    if (errnum == 0)
        return 0;
    errno = errnum;
    return -1;
}

static ssize_t fake_pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += iov[i].iov_len;
    if (atomic_load(&is_full_for_all) || (atomic_load(&is_full) && total > 1000)) {
        errno = ENOSPC;
        return -1;
    }
    if (atomic_load(&has_short_writes)) {
        /* Half of the first piece, then one odd byte, and so on. */
        struct iovec part = iov[0];
        part.iov_len = part.iov_len > 1 ? part.iov_len / 2 : 1;
        return pwritev(fd, &part, 1, offset);
    }
    return pwritev(fd, iov, count, offset);
}

static int fake_allocate(int fd, off_t offset, off_t len)
{
    (void)fd;
    (void)offset;
    (void)len;
    return atomic_load(&is_full) || atomic_load(&is_full_for_all) ? ENOSPC : 0;
}

static int set_up(void **state)
{
    (void)state;
    dir = help_spool_dir_make();
    help_box_init(&box);
    syncs = 0;
    sync_errno = 0;
    holds_sync = is_full = is_full_for_all = has_short_writes = false;
    (void)sem_init(&in_sync, 0, 0);
    (void)sem_init(&go_on, 0, 0);
    struct ledger ledger;
    ledger_init(&ledger);
    const struct committer_opts opts = {
        .dir = dir,
        .body_dir = dir,
        .salt = 5,
        .segment_bytes = 1048576,
        .reserve_bytes = 4096,
        .first_segment = 1,
        .first_seq = 1,
        .ledger = &ledger,
        .io = {.pwritev = fake_pwritev, .fdatasync = fake_sync, .allocate = fake_allocate},
    };
    struct error err;
    assert_int_equal(committer_start(&opts, &committer, &err), 0);
    ledger_finish(&ledger);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    committer_stop(committer);
    help_box_finish(&box);
    (void)sem_destroy(&in_sync);
    (void)sem_destroy(&go_on);
    help_spool_dir_remove(dir);
    return 0;
}

static void finish(struct help_request *r, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_finish(&r[i].head);
}

struct seen {
    uint64_t *mids;
    size_t count, max;
};

static void on_record(void *ctx, const struct segment_record *found)
{
    struct seen *seen = ctx;
    if (found->record.type == RECORD_TYPE_SEGMENT)
        return;
    assert_true(seen->count < seen->max);
    seen->mids[seen->count++] = found->record.mid;
}

/* The MIDs in segment 1, in order. */
static size_t count_records(uint64_t *ret_mids, size_t max)
{
    char path[SEGMENT_PATH_MAX];
    struct seen seen = {ret_mids, 0, max};
    int fd = open(segment_path(dir, 1, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    uint64_t end;
    const struct segment_scan scan = {.salt = record_salt(5, 1), .ctx = &seen, .record = on_record};
    assert_int_equal(segment_scan(fd, &scan, &end, NULL), 0);
    (void)close(fd);
    return seen.count;
}

static void test_batch_shares_a_sync(void **state)
{
    (void)state;
    enum { COUNT = 600 }; /* more pieces than one pwritev takes */
    static struct help_request r[COUNT];
    static uint64_t mids[COUNT];
    holds_sync = true;
    help_message(&r[0], &box, 1, SLICE("body"));
    committer_submit(committer, &r[0].request);
    (void)sem_wait(&in_sync);
    for (size_t i = 1; i < COUNT; i++) {
        help_message(&r[i], &box, i + 1, SLICE("body"));
        committer_submit(committer, &r[i].request);
    }
    /* The first is written and being synced: nobody has been told anything. */
    (void)mailbox_drain(&box.box);
    assert_false(r[0].is_back);
    holds_sync = false;
    (void)sem_post(&go_on);
    help_wait(&box, COUNT);
    assert_int_equal(syncs, 2);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(r[i].is_back && r[i].request.result == 0);
    assert_int_equal(count_records(mids, COUNT), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(mids[i], i + 1);
    finish(r, COUNT);
}

static void test_short_writes(void **state)
{
    (void)state;
    struct help_request r;
    uint64_t mid;
    has_short_writes = true;
    help_message(&r, &box, 1, SLICE("a body of some length"));
    committer_submit(committer, &r.request);
    help_wait(&box, 1);
    assert_int_equal(r.request.result, 0);
    assert_int_equal(count_records(&mid, 1), 1);
    finish(&r, 1);
}

static void test_failed_sync_is_final(void **state)
{
    (void)state;
    struct help_request r[4];
    for (size_t i = 0; i < 4; i++)
        help_message(&r[i], &box, i + 1, SLICE("body"));
    committer_submit(committer, &r[0].request);
    help_wait(&box, 1);
    holds_sync = true;
    sync_errno = EIO;
    committer_submit(committer, &r[1].request);
    (void)sem_wait(&in_sync);
    committer_submit(committer, &r[2].request); /* waits behind it */
    (void)sem_post(&go_on);
    help_wait(&box, 2);
    int before = syncs;
    /* The disk says it is well again: too late, nothing may be believed. */
    sync_errno = 0;
    holds_sync = false;
    committer_submit(committer, &r[3].request);
    help_wait(&box, 1);
    assert_int_equal(r[0].request.result, 0);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(r[i].request.result, ERR_IO);
    assert_int_equal(syncs, before);
    assert_int_equal(committer_state(committer), ERR_IO);
    finish(r, 4);
}

static void test_full_disk(void **state)
{
    (void)state;
    char text[4000] = {0};
    struct help_request r[6];
    uint64_t mids[6];
    struct stat st;
    SCOPED(mem_free_at) char *reserve = mem_printf("%s/reserve", dir);
    assert_int_equal(stat(reserve, &st), 0);
    help_message(&r[0], &box, 1, SLICE("small"));
    committer_submit(committer, &r[0].request);
    help_wait(&box, 1);

    /* One batch with a message and two small records. */
    holds_sync = true;
    help_state(&r[1], &box, 1, 1);
    committer_submit(committer, &r[1].request);
    (void)sem_wait(&in_sync);
    help_message(&r[2], &box, 2, slice_of(text, sizeof(text)));
    help_state(&r[3], &box, 1, 2);
    help_init(&r[4], &box, SPOOL_KIND_DONE, 1);
    for (size_t i = 2; i < 5; i++)
        committer_submit(committer, &r[i].request);
    is_full = true;
    holds_sync = false;
    (void)sem_post(&go_on);
    help_wait(&box, 4);
    assert_int_equal(r[2].request.result, ERR_FULL);
    assert_int_equal(r[3].request.result, 0);
    assert_int_equal(r[4].request.result, 0);
    assert_int_equal(committer_state(committer), ERR_FULL);
    /* The idle committer tries once to make it again, and gives it up again. */
    for (unsigned i = 0; i < 1000000 && stat(reserve, &st) == 0; i++)
        (void)sched_yield();
    assert_int_equal(stat(reserve, &st), -1);

    /* As long as the reserve cannot be set aside again, even a message that would fit is refused.
     */
    help_message(&r[5], &box, 3, SLICE("small"));
    committer_submit(committer, &r[5].request);
    help_wait(&box, 1);
    assert_int_equal(r[5].request.result, ERR_FULL);
    is_full = false;
    committer_submit(committer, &r[5].request);
    help_wait(&box, 1);
    assert_int_equal(r[5].request.result, 0);
    assert_int_equal(committer_state(committer), 0);
    assert_int_equal(stat(reserve, &st), 0);
    assert_int_equal(count_records(mids, 6), 5);
    assert_int_equal(mids[4], 3);

    is_full_for_all = true;
    struct help_request last;
    help_state(&last, &box, 3, 1);
    committer_submit(committer, &last.request);
    help_wait(&box, 1);
    assert_int_equal(last.request.result, ERR_FULL);
    is_full_for_all = false;
    finish(r, 6);
    finish(&last, 1);
}

/* What nobody waits for is not lost when there is no space at all: it is written when there is. */
static void test_patience(void **state)
{
    (void)state;
    uint64_t mids[4];
    struct help_request message, patient, other, asked;
    help_message(&message, &box, 1, SLICE("body"));
    committer_submit(committer, &message.request);
    help_wait(&box, 1);

    is_full_for_all = true;
    help_state(&patient, &box, 1, 1);
    help_state(&asked, &box, 2, 1);
    patient.request.is_patient = true;
    committer_submit(committer, &patient.request);
    committer_submit(committer, &asked.request);
    help_wait(&box, 1);
    assert_int_equal(asked.request.result, ERR_FULL);
    assert_false(patient.is_back);
    help_message(&other, &box, 3, SLICE("body"));
    committer_submit(committer, &other.request);
    help_wait(&box, 1);
    assert_int_equal(other.request.result, ERR_FULL);
    assert_false(patient.is_back);

    is_full_for_all = false;
    finish(&asked, 1);
    help_state(&asked, &box, 4, 1);
    committer_submit(committer, &asked.request);
    help_wait(&box, 2);
    assert_int_equal(patient.request.result, 0);
    assert_int_equal(asked.request.result, 0);
    assert_int_equal(count_records(mids, 4), 3);
    assert_int_equal(mids[1], 1);
    assert_int_equal(mids[2], 4);
    finish(&message, 1);
    finish(&patient, 1);
    finish(&other, 1);
    finish(&asked, 1);
}

static size_t freed;

static void on_free(struct letter *letter)
{
    struct help_request *r = CONTAINER_OF(letter, struct help_request, request.letter);
    buf_finish(&r->head);
    free(r);
    freed++;
}

static void test_nobody_waits(void **state)
{
    (void)state;
    freed = 0;
    for (size_t i = 0; i < 10; i++) {
        struct help_request *r = MEM_NEW(struct help_request);
        help_message(r, &box, i + 1, SLICE("body"));
        r->request.box = NULL;
        r->request.letter.run = on_free;
        committer_submit(committer, &r->request);
    }
    struct help_request last;
    help_message(&last, &box, 11, SLICE("body"));
    committer_submit(committer, &last.request);
    help_wait(&box, 1);
    assert_int_equal(freed, 10); /* order of one sender: all before the last */
    finish(&last, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_batch_shares_a_sync, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_sync_is_final, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patience, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_waits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
