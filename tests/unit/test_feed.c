/* webui/feed: what a stream is told, with a clock moved by hand and a waker that only counts. */
#include "webui/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

enum { STREAM_MS = 100000, COMMENT_MS = 15000, WALL_MS = 1700000000 };

struct fixture {
    struct clock_fake fake;
    struct feed_ring *ring;
    struct feed feed;
    struct feed_waker waker;
    int suspended, resumed;
    bool is_gone;
};

static void on_suspend(void *owner)
{
    ((struct fixture *)owner)->suspended++;
}

static void on_resume(void *owner)
{
    ((struct fixture *)owner)->resumed++;
}

static bool is_gone(void *owner)
{
    return ((struct fixture *)owner)->is_gone;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    clock_fake_init(&f->fake, WALL_MS);
    f->ring = feed_ring_create(&f->fake.clock, STREAM_MS, COMMENT_MS);
    f->feed = feed_ring_feed(f->ring);
    f->waker = (struct feed_waker){on_suspend, on_resume, is_gone, f};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    feed_ring_destroy(f->ring);
    free(f);
    return 0;
}

static const struct feed_holder holder_1 = {.id = "session!1", .scopes = 5};

static struct feed_stream *open_stream(struct fixture *f, unsigned topics, const char *last)
{
    return feed_stream_open(f->ring, &f->waker, topics, &holder_1, slice_str(last));
}

/* One read of up to 4096 bytes. */
static void expect(struct feed_stream *stream, const char *text)
{
    char p[4096];
    ssize_t n = feed_stream_read(stream, p, sizeof(p) - 1);
    assert_true(n >= 0);
    p[n] = '\0';
    assert_string_equal(p, text);
}

static void end_and_close(struct fixture *f, struct feed_stream *stream)
{
    char p[8];
    f->feed.end(f->feed.owner, holder_1.id);
    while (feed_stream_read(stream, p, sizeof(p)) != FEED_STREAM_END)
        continue;
    feed_stream_close(stream);
}

static void test_events(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT | FEED_TOPIC_QUEUE, "");

    expect(stream, "retry: 3000\n\n");
    expect(stream, "");
    assert_int_equal(f->suspended, 1);
    f->feed.publish(f->feed.owner, FEED_TOPIC_DRAFT, "1");
    assert_int_equal(f->resumed, 0); /* not asked for */
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "{\"a\":2}");
    f->feed.publish(f->feed.owner, FEED_TOPIC_QUEUE, "3");
    assert_int_equal(f->resumed, 1); /* once, then it is awake */
    expect(stream, "id: 1700000000002\nevent: commit\ndata: {\"a\":2}\n\n"
                   "id: 1700000000003\nevent: queue\ndata: 3\n\n");
    expect(stream, "");
    end_and_close(f, stream);
}

/* Whatever is read at a time, the bytes are the same. */
static void test_pieces(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size < 90; size++) {
        struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT, "");
        char all[512];
        size_t len = 0;
        f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "a");
        f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "b");
        for (;;) {
            ssize_t n = feed_stream_read(stream, all + len, size);
            if (n == 0)
                break;
            assert_true(n > 0 && (size_t)n <= size);
            len += (size_t)n;
        }
        all[len] = '\0';
        unsigned long long first = 1700000000000ULL + 2 * size - 1;
        char want[512];
        (void)snprintf(want, sizeof(want),
                       "retry: 3000\n\nid: %llu\nevent: commit\ndata: a\n\n"
                       "id: %llu\nevent: commit\ndata: b\n\n",
                       first, first + 1);
        assert_string_equal(all, want);
        end_and_close(f, stream);
    }
}

static void test_resume(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *last, *text;
    } rows[] = {
        {"1700000000000", "id: 1700000000001\nevent: commit\ndata: a\n\n"
                          "id: 1700000000002\nevent: commit\ndata: b\n\n"},
        {"1700000000001", "id: 1700000000002\nevent: commit\ndata: b\n\n"},
        {"1700000000002", ""},
        {"1700000000003", "reset"},
        {"1699999999999", "reset"},
        {"0", "reset"},
        {"b", "reset"},
        {"18446744073709551615", "reset"},
        {"18446744073709551616", "reset"},
    };
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "a");
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "b");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT, rows[i].last);
        if (strcmp(rows[i].text, "reset") == 0) {
            expect(stream, "retry: 3000\n\nid: 1700000000002\nevent: reset\ndata: {}\n\n");
            expect(stream, "");
        } else {
            expect(stream, "retry: 3000\n\n");
            expect(stream, rows[i].text);
        }
        end_and_close(f, stream);
    }
}

static void test_ring_goes_round(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT, "");

    expect(stream, "retry: 3000\n\n");
    for (int i = 0; i <= FEED_RING_EVENTS; i++)
        f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "x");
    expect(stream, "id: 1700000004097\nevent: reset\ndata: {}\n\n");
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "y");
    expect(stream, "id: 1700000004098\nevent: commit\ndata: y\n\n");
    end_and_close(f, stream);
}

static void test_time(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT, "");

    expect(stream, "retry: 3000\n\n");
    expect(stream, "");
    clock_fake_advance(&f->fake, COMMENT_MS - 1);
    feed_ring_tick(f->ring);
    assert_int_equal(f->resumed, 0);
    clock_fake_advance(&f->fake, 1);
    feed_ring_tick(f->ring);
    assert_int_equal(f->resumed, 1);
    expect(stream, ":\n\n");
    expect(stream, "");
    clock_fake_advance(&f->fake, STREAM_MS - COMMENT_MS);
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "last");
    feed_ring_tick(f->ring);
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "too late");
    expect(stream, "id: 1700000000001\nevent: commit\ndata: last\n\n");
    char p[8];
    assert_int_equal(feed_stream_read(stream, p, sizeof(p)), FEED_STREAM_END);
    feed_stream_close(stream);
}

/* A revoked key hears nothing more, not even what was published before. */
static void test_revoked(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT, "");
    char p[8];

    expect(stream, "retry: 3000\n\n");
    f->feed.publish(f->feed.owner, FEED_TOPIC_COMMIT, "secret");
    f->feed.end(f->feed.owner, "session!11");
    f->feed.end(f->feed.owner, holder_1.id);
    assert_int_equal(feed_stream_read(stream, p, sizeof(p)), FEED_STREAM_END);
    feed_stream_close(stream);
}

static void test_end(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *stream = open_stream(f, FEED_TOPIC_COMMIT, "");
    char p[8];

    expect(stream, "retry: 3000\n\n");
    expect(stream, "");
    feed_ring_end(f->ring);
    assert_int_equal(f->resumed, 1);
    assert_int_equal(feed_stream_read(stream, p, sizeof(p)), FEED_STREAM_END);
    feed_stream_close(stream);
    stream = open_stream(f, FEED_TOPIC_COMMIT, "");
    expect(stream, "retry: 3000\n\n");
    assert_int_equal(feed_stream_read(stream, p, sizeof(p)), FEED_STREAM_END);
    feed_stream_close(stream);
}

static struct feed_stream *open_of(struct fixture *f, size_t number)
{
    struct feed_holder holder = {.scopes = 1};

    (void)snprintf(holder.id, sizeof holder.id, "token!%zu", number);
    return feed_stream_open(f->ring, &f->waker, 1, &holder, SLICE(""));
}

/* Those who have an open stream, with what they might do then. */
static void test_holders(void **state)
{
    struct fixture *f = *state;
    struct feed_holder holders[FEED_STREAMS_MAX];

    assert_int_equal(f->feed.holders(f->feed.owner, holders), 0);
    struct feed_stream *one = open_stream(f, FEED_TOPIC_COMMIT, ""), *two = open_of(f, 2);
    assert_int_equal(f->feed.holders(f->feed.owner, holders), 2);
    assert_string_equal(holders[0].id, "session!1");
    assert_int_equal(holders[0].scopes, 5);
    assert_string_equal(holders[1].id, "token!2");
    f->feed.end(f->feed.owner, "token!2");
    assert_int_equal(f->feed.holders(f->feed.owner, holders), 1);
    feed_stream_close(two);
    feed_stream_close(one);
    assert_int_equal(f->feed.holders(f->feed.owner, holders), 0);
}

/* Whoever hung up makes room at the cap, and only there. */
static void test_gone(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *streams[FEED_STREAMS_PER_HOLDER], *late;

    for (size_t i = 0; i < FEED_STREAMS_PER_HOLDER; i++) {
        streams[i] = open_stream(f, FEED_TOPIC_COMMIT, "");
        expect(streams[i], "retry: 3000\n\n");
    }
    assert_null(open_stream(f, FEED_TOPIC_COMMIT, ""));
    f->is_gone = true;
    late = open_stream(f, FEED_TOPIC_COMMIT, "");
    assert_non_null(late);
    for (size_t i = 0; i < FEED_STREAMS_PER_HOLDER; i++) {
        char p[8];
        assert_int_equal(feed_stream_read(streams[i], p, sizeof(p)), FEED_STREAM_END);
        feed_stream_close(streams[i]);
    }
    expect(late, "retry: 3000\n\n");
    feed_stream_close(late);
}

static void test_caps(void **state)
{
    struct fixture *f = *state;
    struct feed_stream *streams[FEED_STREAMS_MAX];

    for (size_t i = 0; i < FEED_STREAMS_MAX; i++) {
        streams[i] = open_of(f, i / FEED_STREAMS_PER_HOLDER);
        assert_non_null(streams[i]);
        if (i == FEED_STREAMS_PER_HOLDER - 1)
            assert_null(open_of(f, 0));
    }
    assert_null(open_of(f, 1000));
    feed_stream_close(streams[0]);
    assert_int_equal(feed_ring_streams(f->ring), FEED_STREAMS_MAX - 1);
    streams[0] = open_of(f, 0);
    assert_non_null(streams[0]);
    for (size_t i = 0; i < FEED_STREAMS_MAX; i++)
        feed_stream_close(streams[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events), TEST(pieces),  TEST(resume), TEST(ring_goes_round),
        TEST(time),   TEST(revoked), TEST(end),    TEST(holders),
        TEST(caps),   TEST(gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
