/* The events behind GET /events: numbered, the last ones kept, written to every stream that asked.
 *
 *   publish (any thread) --> ring of FEED_RING_EVENTS --> each stream's own place in it --> text
 *
 * Server-sent events as HTML 9.2 has them. A stream that comes back with the id of the last event
 * it saw goes on behind it; when the ring no longer holds what follows, or the stream is too slow,
 * it gets `event: reset`, which means: load everything anew. Ids rise and are never given twice,
 * also after a restart (they begin with the time), and are exact in a double.
 *
 * A stream with nothing to say is suspended through its waker, and nobody looks at its socket then:
 * a reader that hung up is noticed at the next comment. A page that is loaded again and again would
 * meet its own old streams at the cap, so there each is asked whether somebody still reads it.
 * All calls of the waker come with the ring's mutex held; they may take locks of their own, under
 * which the ring is never called. */
#ifndef POSTERN_WEBUI_FEED_H
#define POSTERN_WEBUI_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/feed.h"
#include "base/slice.h"

struct clock;
struct feed_ring;
struct feed_stream;

enum {
    FEED_RING_EVENTS = 4096,
    FEED_RETRY_MS = 3000, /* what a client waits before it comes back */
};

/* What feed_stream_read gives at the end of a stream. */
#define FEED_STREAM_END ((ssize_t)-1)

struct feed_waker {
    void (*suspend)(void *owner); /* from feed_stream_read only */
    void (*resume)(void *owner);  /* once for each suspend, any thread */
    bool (*is_gone)(void *owner); /* the reader has hung up; any thread */
    void *owner;
};

/* A stream ends after STREAM_MS and says something at least every COMMENT_MS. */
struct feed_ring *feed_ring_create(const struct clock *clock, uint32_t stream_ms,
                                   uint32_t comment_ms);
/* Every stream must be closed. NULL is allowed. */
void feed_ring_destroy(struct feed_ring *ring);
struct feed feed_ring_feed(struct feed_ring *ring);
size_t feed_ring_streams(struct feed_ring *ring);
/* What time brings: comments and ends. Call it several times a second. */
void feed_ring_tick(struct feed_ring *ring);
/* Ends all streams, now and to come. */
void feed_ring_end(struct feed_ring *ring);

/* NULL: there are too many that are read, of HOLDER (copied) or in all. LAST_ID is the header
 * Last-Event-ID, empty: from now on. */
struct feed_stream *feed_stream_open(struct feed_ring *ring, const struct feed_waker *waker,
                                     unsigned topics, const struct feed_holder *holder,
                                     struct slice last_id);
/* Up to SIZE bytes into P; 0: suspended, call again when resumed; FEED_STREAM_END. */
ssize_t feed_stream_read(struct feed_stream *stream, char *p, size_t size);
/* Not while it is suspended. */
void feed_stream_close(struct feed_stream *stream);

#endif
