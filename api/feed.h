/* The topics of GET /events, and the door through which the rest of the program tells of them.
 *
 * A feed is what webui/feed.c implements: it numbers the events, keeps the last ones and writes
 * them to every stream that asked for the topic. */
#ifndef POSTERN_API_FEED_H
#define POSTERN_API_FEED_H

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

struct feed {
    /* JSON is one line and is copied. Any thread; never blocks. */
    void (*publish)(void *owner, enum feed_topic topic, const char *json);
    void *owner;
};

#endif
