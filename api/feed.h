/* The topics of GET /events, and the door through which the rest of the program tells of them.
 *
 * A feed is what webui/feed.c implements: it numbers the events, keeps the last ones and writes
 * them to every stream that asked for the topic. A stream lives for up to an hour, far longer than
 * the request that opened it: so it carries whose it is, and who may say so asks the feed for the
 * holders every second and ends the streams of those whose rights have changed (api.h). */
#ifndef POSTERN_API_FEED_H
#define POSTERN_API_FEED_H

#include <stddef.h>

enum feed_topic {
    FEED_TOPIC_COMMIT = 1 << 0,   /* a revision went live */
    FEED_TOPIC_DRAFT = 1 << 1,    /* something was staged, discarded or rebased */
    FEED_TOPIC_QUEUE = 1 << 2,    /* the summary of the queue, once a second while it changes */
    FEED_TOPIC_COUNTERS = 1 << 3, /* counters, once a second while they change */
};

enum { FEED_TOPIC_COUNT = 4 };

/* By position of the bit: the event's name on the wire. */
static const char *const feed_topic_names[FEED_TOPIC_COUNT] = {"commit", "draft", "queue",
                                                               "counters"};

enum {
    FEED_STREAMS_MAX = 64,       /* in all */
    FEED_STREAMS_PER_HOLDER = 4, /* of one session or token */
    FEED_HOLDER_SIZE = 176,      /* a kind, and the name of a principal */
};

/* Whose a stream is. */
struct feed_holder {
    char id[FEED_HOLDER_SIZE]; /* session!ID, token!ID or local:UID */
    unsigned scopes;           /* what it might do when the stream was opened */
};

struct feed {
    /* JSON is one line and is copied. Any thread; never blocks. */
    void (*publish)(void *owner, enum feed_topic topic, const char *json);
    /* Writes the holders of open streams to RET, one for each stream; how many. Any thread. */
    size_t (*holders)(void *owner, struct feed_holder ret[FEED_STREAMS_MAX]);
    /* Ends the streams of that id, which hear nothing more, not even what was published before. */
    void (*end)(void *owner, const char *id);
    void *owner;
};

#endif
