/* queue/spool, queue/recover, queue/ledger on a real directory: what is found after a stop, with
 * torn and damaged segments, body files, and segments that come and go without bringing finished
 * mail back. */
#include "queue/recover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "spool_help.h"

static struct help_box box;
static char *dir;

static int set_up(void **state)
{
    (void)state;
    dir = help_spool_dir_make();
    help_box_init(&box);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    help_box_finish(&box);
    help_spool_dir_remove(dir);
    return 0;
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    struct help_live live;
    struct spool *spool = help_open(dir, 0, &live);
    assert_int_equal(live.count, 0);
    assert_int_equal(help_do_message(spool, &box, 1, SLICE("one")), 0);
    assert_int_equal(help_do_message(spool, &box, 2, SLICE("second body")), 0);
    assert_int_equal(help_do_message(spool, &box, 3, SLICE("")), 0);
    assert_int_equal(help_do_state(spool, &box, 2, 7), 0);
    assert_int_equal(help_do_done(spool, &box, 1), 0);
    spool_close(spool);

    spool = help_open(dir, 0, &live);
    assert_int_equal(live.count, 2);
    assert_int_equal(live.damages, 0);
    assert_int_equal(live.envs[0]->mid, 2);
    assert_int_equal(live.envs[1]->mid, 3);
    const struct envelope *env = live.envs[0];
    assert_string_equal(env->sender, "s@example.org");
    assert_int_equal(env->rcpts[0].status, ENVELOPE_STATUS_DELIVERED);
    assert_int_equal(env->rcpts[1].status, ENVELOPE_STATUS_PENDING);
    assert_int_equal(env->rcpts[1].attempts, 7);
    assert_int_equal(env->rcpts[1].next_try_wall_ms, 1795520135007);
    struct body *body = body_create_spooled(spool, &live.locations[0]);
    char text[32];
    struct error err;
    assert_int_equal(body_read(body, 0, text, sizeof(text), &err), 11);
    assert_memory_equal(text, "second body", 11);
    assert_int_equal(body_read(body, 7, text, sizeof(text), &err), 4);
    assert_memory_equal(text, "body", 4);
    assert_int_equal(body_read(body, 11, text, sizeof(text), &err), 0);
    body_unref(body);
    help_live_finish(&live);

    /* A second stop and start changes nothing. */
    spool_close(spool);
    spool = help_open(dir, 0, &live);
    assert_int_equal(live.count, 2);
    assert_int_equal(live.envs[0]->rcpts[1].attempts, 7);
    help_live_finish(&live);
    spool_close(spool);
}

static int segment_open(uint64_t number)
{
    char path[SEGMENT_PATH_MAX];
    SCOPED(mem_free_at) char *sub = mem_printf("%s/0", dir);
    return open(segment_path(sub, number, path), O_RDWR | O_CLOEXEC);
}

/* The newest segment cut at every length: no damage is told, no record half-read. */
static void test_torn_tail(void **state)
{
    (void)state;
    struct help_live live;
    struct spool *spool = help_open(dir, 0, &live);
    assert_int_equal(help_do_message(spool, &box, 1, SLICE("one")), 0);
    assert_int_equal(help_do_message(spool, &box, 2, SLICE("two")), 0);
    spool_close(spool);
    int fd = segment_open(1);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    size_t least = 3;
    for (off_t len = st.st_size; len >= 0; len -= 3) {
        assert_int_equal(ftruncate(fd, len), 0);
        spool = help_open(dir, 0, &live);
        assert_int_equal(live.damages, 0);
        assert_true(live.count <= least && live.count <= 2);
        least = live.count;
        help_live_finish(&live);
        spool_close(spool);
        /* It was cut off for good: as an old segment it holds no damage either. */
        spool = help_open(dir, 0, &live);
        assert_int_equal(live.damages, 0);
        assert_int_equal(live.count, least);
        help_live_finish(&live);
        spool_close(spool);
        /* Newer, empty segments would make it an old one. */
        for (uint64_t number = 2; number < 4; number++) {
            char path[SEGMENT_PATH_MAX];
            SCOPED(mem_free_at) char *sub = mem_printf("%s/0", dir);
            (void)unlink(segment_path(sub, number, path));
        }
        if (least == 0)
            break;
    }
    assert_int_equal(least, 0);
    (void)close(fd);
}

static void test_damage_is_told(void **state)
{
    (void)state;
    struct help_live live;
    struct spool *spool = help_open(dir, 0, &live);
    assert_int_equal(help_do_message(spool, &box, 1, SLICE("one")), 0);
    assert_int_equal(help_do_message(spool, &box, 2, SLICE("two")), 0);
    assert_int_equal(help_do_message(spool, &box, 3, SLICE("three")), 0);
    spool_close(spool);
    int fd = segment_open(1);
    char c;
    /* In the middle of the first message: behind the segment's own record and a header. */
    assert_int_equal(pread(fd, &c, 1, 56 + 48 + 3), 1);
    c = (char)(c ^ 1);
    assert_int_equal(pwrite(fd, &c, 1, 56 + 48 + 3), 1);
    (void)close(fd);
    spool = help_open(dir, 0, &live);
    assert_int_equal(live.count, 2);
    assert_int_equal(live.envs[0]->mid, 2);
    assert_int_equal(live.damages, 1);
    assert_non_null(strstr(live.damage, "segment 1: bytes 56 to "));
    help_live_finish(&live);
    spool_close(spool);
}

static uint64_t write_body(struct spool *spool, uint64_t mid, const char *text)
{
    struct spool_body_writer *writer;
    struct error err;
    uint64_t size = 0;
    assert_int_equal(spool_body_open(spool, mid, &writer, &err), 0);
    assert_int_equal(spool_body_write(writer, slice_str(text), &err), 0);
    assert_int_equal(spool_body_write(writer, slice_str(text), &err), 0);
    assert_int_equal(spool_body_finish(writer, &size, &err), 0);
    return size;
}

static bool body_exists(uint64_t mid)
{
    SCOPED(mem_free_at)
    char *path = mem_printf("%s/0/body/%llu.eml", dir, (unsigned long long)mid);
    return access(path, F_OK) == 0;
}

static void test_body_files(void **state)
{
    (void)state;
    struct help_live live;
    struct spool *spool = help_open(dir, 0, &live);
    for (uint64_t mid = 1; mid <= 4; mid++) {
        uint64_t size = write_body(spool, mid, "large");
        assert_int_equal(size, 10);
        if (mid == 3)
            continue; /* never logged: a crash came in between */
        struct help_request r;
        help_message(&r, &box, mid, SLICE(""));
        r.request.has_body_file = true;
        r.request.body_file_bytes = size;
        assert_int_equal(help_do(spool, &r), 0);
        assert_int_equal(r.request.location.segment, 0);
        assert_int_equal(r.request.location.size_bytes, 10);
    }
    struct spool_body_writer *writer;
    assert_int_equal(spool_body_open(spool, 9, &writer, NULL), 0);
    spool_body_abort(writer);
    assert_false(body_exists(9));
    (void)write_body(spool, 10, "x");
    assert_true(body_exists(10));
    spool_body_discard(spool, 10);
    assert_false(body_exists(10));

    assert_int_equal(help_do_done(spool, &box, 1), 0);
    spool_close(spool);
    assert_false(body_exists(1)); /* gone with its message */
    assert_true(body_exists(2));
    assert_true(body_exists(3));
    SCOPED(mem_free_at) char *lost = mem_printf("%s/0/body/4.eml", dir);
    assert_int_equal(unlink(lost), 0);

    spool = help_open(dir, 0, &live);
    assert_false(body_exists(3)); /* swept */
    assert_int_equal(live.count, 1);
    assert_int_equal(live.envs[0]->mid, 2);
    assert_int_equal(live.damages, 1);
    assert_non_null(strstr(live.damage, "message 4"));
    struct body *body = body_create_spooled(spool, &live.locations[0]);
    char text[16];
    assert_int_equal(body_read(body, 3, text, sizeof(text), NULL), 7);
    assert_memory_equal(text, "gelarge", 7);
    assert_int_equal(help_do_done(spool, &box, 2), 0);
    help_live_finish(&live);
    spool_close(spool);
    spool = help_open(dir, 0, &live);
    struct error err;
    assert_int_equal(body_size(body), 10);
    const struct spool_location gone = {.mid = 2, .size_bytes = 10};
    body_unref(body);
    body = body_create_spooled(spool, &gone);
    assert_int_equal(body_read(body, 0, text, sizeof(text), &err), ERR_NOT_FOUND);
    body_unref(body);
    spool_close(spool);
}

/* Small segments, a message that stays through all of it: its state moves on, finished mail never
 * comes back, and the number of segments stays small. */
static void test_segments_come_and_go(void **state)
{
    (void)state;
    struct help_live live;
    struct spool_stats stats;
    char text[3000];
    memset(text, 't', sizeof(text));
    struct slice body = slice_of(text, sizeof(text));
    struct spool *spool = help_open(dir, 16384, &live);
    uint64_t mid = 1;
    assert_int_equal(help_do_message(spool, &box, mid++, body), 0); /* stuck: MID 1 */
    for (uint16_t round = 1; round <= 12; round++) {
        assert_int_equal(help_do_state(spool, &box, 1, round), 0);
        uint64_t first = mid;
        for (size_t i = 0; i < 7; i++)
            assert_int_equal(help_do_message(spool, &box, mid++, body), 0);
        for (uint64_t done = first; done < mid; done++)
            assert_int_equal(help_do_done(spool, &box, done), 0);
        if (round % 4 != 0)
            continue;
        spool_stats_get(spool, &stats);
        assert_true(stats.segments_removed > 0);
        assert_true(stats.segments <= 5);
        spool_close(spool);
        spool = help_open(dir, 16384, &live);
        assert_int_equal(live.damages, 0);
        assert_int_equal(live.count, 1);
        assert_int_equal(live.envs[0]->mid, 1);
        assert_int_equal(live.envs[0]->rcpts[1].attempts, round);
        help_live_finish(&live);
    }
    /* DONE in a later segment than the message's own, and that later one removed before it. */
    assert_int_equal(help_do_message(spool, &box, 1000, body), 0);
    assert_int_equal(help_do_message(spool, &box, 1001, body), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(help_do_message(spool, &box, 1002 + i, body), 0);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(help_do_done(spool, &box, 1001 + i), 0);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 7; i++)
            assert_int_equal(help_do_message(spool, &box, mid + i, body), 0);
        for (size_t i = 0; i < 7; i++)
            assert_int_equal(help_do_done(spool, &box, mid + i), 0);
        mid += 7;
        spool_close(spool);
        spool = help_open(dir, 16384, &live);
        assert_int_equal(live.count, 2);
        assert_non_null(help_live_find(&live, 1));
        assert_non_null(help_live_find(&live, 1000));
        help_live_finish(&live);
    }
    /* Nothing live: one segment, the one being written. */
    assert_int_equal(help_do_done(spool, &box, 1), 0);
    assert_int_equal(help_do_done(spool, &box, 1000), 0);
    spool_close(spool);
    spool = help_open(dir, 16384, &live);
    assert_int_equal(live.count, 0);
    spool_close(spool);
    spool = help_open(dir, 16384, &live);
    spool_close(spool);
    int fd = segment_open(1);
    assert_true(fd < 0);
}

static void test_memory_spool(void **state)
{
    (void)state;
    struct spool *spool = spool_memory_create();
    struct help_request a, b, c;
    struct help_live live = {0};
    const struct spool_opts opts = {.ctx = &live, .replay = help_on_live};
    help_message(&a, &box, 1, SLICE("one"));
    help_message(&b, &box, 2, SLICE("two"));
    help_message(&c, &box, 3, SLICE("three"));
    spool_submit(spool, &a.request);
    spool_submit(spool, &b.request);
    spool_submit(spool, &c.request);
    (void)mailbox_drain(&box.box);
    assert_false(a.is_back);
    assert_int_equal(spool_memory_complete(spool, 1), 1);
    spool_memory_fail(spool, ERR_FULL, 1);
    assert_int_equal(spool_state(spool), ERR_FULL);
    assert_int_equal(spool_memory_complete(spool, 1), 1);
    (void)mailbox_drain(&box.box);
    assert_true(a.is_back && b.is_back && !c.is_back);
    assert_int_equal(a.request.result, 0);
    assert_int_equal(b.request.result, ERR_FULL);
    spool_memory_replay(spool, &opts);
    assert_int_equal(live.count, 1);
    struct body *body = body_create_spooled(spool, &live.locations[0]);
    char text[8];
    assert_int_equal(body_read(body, 1, text, sizeof(text), NULL), 2);
    assert_memory_equal(text, "ne", 2);
    body_unref(body);
    help_live_finish(&live);
    spool_close(spool);
    (void)mailbox_drain(&box.box);
    assert_true(c.is_back);
    box.back = 0;
    buf_finish(&a.head);
    buf_finish(&b.head);
    buf_finish(&c.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_body_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segments_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_spool, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
