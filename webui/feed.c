/* See feed.h. */
#include "webui/feed.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

enum { FEED_IDS_PER_MS = 1000 }; /* far more than are ever published */

struct feed_event {
    enum feed_topic topic;
    char *json;
};

struct feed_ring {
    const struct clock *clock;
    uint32_t stream_ms, comment_ms;

    pthread_mutex_t mutex;                      /* guards all below, and the streams */
    struct feed_event events[FEED_RING_EVENTS]; /* of id: events[id % FEED_RING_EVENTS] */
    uint64_t first_id, next_id;                 /* those between are kept */
    struct list streams;
    size_t stream_count;
    bool is_ended;
};

struct feed_stream {
    struct list node;
    struct feed_ring *ring;
    struct feed_waker waker;
    unsigned topics;
    struct feed_holder holder;
    uint64_t next_id; /* the first event that it has not seen */
    uint64_t stop_id; /* of an ended one: nothing from here on */
    uint64_t end_ms, comment_ms;
    bool is_waiting; /* suspended */
    bool is_ended;
    struct buf out; /* made and not yet read */
};

static struct feed_stream *stream_of(struct list *node)
{
    return CONTAINER_OF(node, struct feed_stream, node);
}

struct feed_ring *feed_ring_create(const struct clock *clock, uint32_t stream_ms,
                                   uint32_t comment_ms)
{
    struct feed_ring *ring = MEM_NEW(struct feed_ring);
    int64_t wall_ms = clock_wall_ms(clock);

    ring->clock = clock;
    ring->stream_ms = stream_ms;
    ring->comment_ms = comment_ms;
    (void)pthread_mutex_init(&ring->mutex, NULL); /* cannot fail here */
    list_init(&ring->streams);
    ring->first_id = (wall_ms > 0 ? (uint64_t)wall_ms : 0) * FEED_IDS_PER_MS + 1;
    ring->next_id = ring->first_id;
    return ring;
}

void feed_ring_destroy(struct feed_ring *ring)
{
    if (ring == NULL)
        return;
    ASSERT(ring->stream_count == 0);
    for (size_t i = 0; i < FEED_RING_EVENTS; i++)
        free(ring->events[i].json);
    (void)pthread_mutex_destroy(&ring->mutex);
    free(ring);
}

static void resume(struct feed_stream *stream)
{
    if (!stream->is_waiting)
        return;
    stream->is_waiting = false;
    stream->waker.resume(stream->waker.owner);
}

static void publish(void *owner, enum feed_topic topic, const char *json)
{
    struct feed_ring *ring = owner;
    char *copy = mem_strdup(json);

    ASSERT(strpbrk(json, "\r\n") == NULL); /* it would begin another field of the event */
    (void)pthread_mutex_lock(&ring->mutex);
    struct feed_event *event = &ring->events[ring->next_id % FEED_RING_EVENTS];
    char *old = event->json;
    *event = (struct feed_event){.topic = topic, .json = copy};
    ring->next_id++;
    if (ring->next_id - ring->first_id > FEED_RING_EVENTS)
        ring->first_id++;
    LIST_FOREACH(it, next, &ring->streams)
    {
        if ((stream_of(it)->topics & topic) != 0)
            resume(stream_of(it));
    }
    (void)pthread_mutex_unlock(&ring->mutex);
    free(old);
}

size_t feed_ring_streams(struct feed_ring *ring)
{
    (void)pthread_mutex_lock(&ring->mutex);
    size_t count = ring->stream_count;
    (void)pthread_mutex_unlock(&ring->mutex);
    return count;
}

/* What was published before still goes out, unless the stream may not see it any more. */
static void end(struct feed_stream *stream, bool is_revoked)
{
    if (!stream->is_ended || is_revoked)
        stream->stop_id = is_revoked ? 0 : stream->ring->next_id;
    stream->is_ended = true;
    resume(stream);
}

void feed_ring_tick(struct feed_ring *ring)
{
    uint64_t now_ms = clock_mono_ms(ring->clock);

    (void)pthread_mutex_lock(&ring->mutex);
    LIST_FOREACH(it, next, &ring->streams)
    {
        struct feed_stream *stream = stream_of(it);
        if (stream->end_ms <= now_ms)
            end(stream, false);
        else if (stream->comment_ms <= now_ms)
            resume(stream);
    }
    (void)pthread_mutex_unlock(&ring->mutex);
}

void feed_ring_end(struct feed_ring *ring)
{
    (void)pthread_mutex_lock(&ring->mutex);
    ring->is_ended = true;
    LIST_FOREACH(it, next, &ring->streams)
    end(stream_of(it), false);
    (void)pthread_mutex_unlock(&ring->mutex);
}

static bool is_of(const struct feed_stream *stream, const char *id)
{
    return strcmp(stream->holder.id, id) == 0;
}

static void end_holder(void *owner, const char *id)
{
    struct feed_ring *ring = owner;

    (void)pthread_mutex_lock(&ring->mutex);
    LIST_FOREACH(it, next, &ring->streams)
    {
        if (is_of(stream_of(it), id))
            end(stream_of(it), true);
    }
    (void)pthread_mutex_unlock(&ring->mutex);
}

static size_t list_holders(void *owner, struct feed_holder ret[FEED_STREAMS_MAX])
{
    struct feed_ring *ring = owner;
    size_t count = 0;

    (void)pthread_mutex_lock(&ring->mutex);
    LIST_FOREACH(it, next, &ring->streams)
    {
        if (!stream_of(it)->is_ended)
            ret[count++] = stream_of(it)->holder;
    }
    (void)pthread_mutex_unlock(&ring->mutex);
    return count;
}

struct feed feed_ring_feed(struct feed_ring *ring)
{
    return (struct feed){
        .publish = publish, .holders = list_holders, .end = end_holder, .owner = ring};
}

/* The stream does not know what it missed. */
static void reset(struct feed_stream *stream)
{
    stream->next_id = stream->ring->next_id;
    (void)buf_printf(&stream->out, "id: %llu\nevent: reset\ndata: {}\n\n",
                     (unsigned long long)stream->next_id - 1); /* no cap */
}

static bool is_full(const struct feed_ring *ring, const char *id)
{
    size_t same = 0, all = 0;

    LIST_FOREACH(it, next, &ring->streams)
    {
        all += !stream_of(it)->is_ended;
        same += !stream_of(it)->is_ended && is_of(stream_of(it), id);
    }
    return same >= FEED_STREAMS_PER_HOLDER || all >= FEED_STREAMS_MAX;
}

static void end_gone(struct feed_ring *ring)
{
    LIST_FOREACH(it, next, &ring->streams)
    {
        struct feed_stream *stream = stream_of(it);
        if (!stream->is_ended && stream->waker.is_gone(stream->waker.owner))
            end(stream, true);
    }
}

struct feed_stream *feed_stream_open(struct feed_ring *ring, const struct feed_waker *waker,
                                     unsigned topics, const struct feed_holder *holder,
                                     struct slice last_id)
{
    unsigned long long seen = 0;

    (void)pthread_mutex_lock(&ring->mutex);
    if (is_full(ring, holder->id))
        end_gone(ring);
    if (is_full(ring, holder->id)) {
        (void)pthread_mutex_unlock(&ring->mutex);
        return NULL;
    }
    struct feed_stream *stream = MEM_NEW(struct feed_stream);
    stream->ring = ring;
    stream->waker = *waker;
    stream->topics = topics;
    stream->holder = *holder;
    stream->end_ms = clock_mono_ms(ring->clock) + ring->stream_ms;
    stream->comment_ms = clock_mono_ms(ring->clock) + ring->comment_ms;
    buf_init(&stream->out, 0);
    (void)buf_printf(&stream->out, "retry: %d\n\n", FEED_RETRY_MS);
    stream->next_id = ring->next_id;
    if (last_id.len > 0) {
        bool is_number = slice_to_u64(last_id, UINT64_MAX - 1, &seen);
        if (is_number && seen + 1 >= ring->first_id && seen < ring->next_id)
            stream->next_id = seen + 1;
        else
            reset(stream);
    }
    list_append(&ring->streams, &stream->node);
    ring->stream_count++;
    if (ring->is_ended)
        end(stream, false);
    (void)pthread_mutex_unlock(&ring->mutex);
    return stream;
}

static const char *topic_name(enum feed_topic topic)
{
    size_t bit = 0;

    while ((1U << bit) != (unsigned)topic)
        bit++;
    ASSERT(bit < FEED_TOPIC_COUNT);
    return feed_topic_names[bit];
}

/* Writes what the stream has not seen, about SIZE bytes of it. */
static void fill(struct feed_stream *stream, size_t size)
{
    struct feed_ring *ring = stream->ring;
    uint64_t stop_id = stream->is_ended ? stream->stop_id : ring->next_id;

    if (stream->next_id < ring->first_id && !stream->is_ended)
        reset(stream);
    while (stream->next_id >= ring->first_id && stream->next_id < stop_id &&
           buf_len(&stream->out) < size) {
        const struct feed_event *event = &ring->events[stream->next_id % FEED_RING_EVENTS];
        if ((stream->topics & event->topic) != 0)
            (void)buf_printf(&stream->out, "id: %llu\nevent: %s\ndata: %s\n\n",
                             (unsigned long long)stream->next_id, topic_name(event->topic),
                             event->json); /* no cap */
        stream->next_id++;
    }
    if (buf_len(&stream->out) == 0 && !stream->is_ended &&
        stream->comment_ms <= clock_mono_ms(ring->clock))
        (void)buf_append_str(&stream->out, ":\n\n"); /* no cap */
}

ssize_t feed_stream_read(struct feed_stream *stream, char *p, size_t size)
{
    struct feed_ring *ring = stream->ring;
    ssize_t result = 0;

    (void)pthread_mutex_lock(&ring->mutex);
    if (buf_len(&stream->out) == 0)
        fill(stream, size);
    struct slice out = buf_slice(&stream->out);
    if (out.len > 0) {
        result = (ssize_t)(out.len < size ? out.len : size);
        memcpy(p, out.p, (size_t)result);
        buf_consume(&stream->out, (size_t)result);
        stream->comment_ms = clock_mono_ms(ring->clock) + ring->comment_ms;
    } else if (stream->is_ended) {
        result = FEED_STREAM_END;
    } else {
        stream->is_waiting = true;
        stream->waker.suspend(stream->waker.owner);
    }
    (void)pthread_mutex_unlock(&ring->mutex);
    return result;
}

void feed_stream_close(struct feed_stream *stream)
{
    struct feed_ring *ring = stream->ring;

    (void)pthread_mutex_lock(&ring->mutex);
    ASSERT(!stream->is_waiting);
    list_remove(&stream->node);
    ring->stream_count--;
    (void)pthread_mutex_unlock(&ring->mutex);
    buf_finish(&stream->out);
    free(stream);
}
