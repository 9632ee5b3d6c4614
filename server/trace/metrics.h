/* Counters that the events feed, and their text form: OpenMetrics 1.0, as Prometheus reads it.
 *
 *   every event -> metrics_feed (trace.c, under its mutex) -> trace_metrics: a copy
 *   copy + gauges of the caller -> metrics_render -> text
 *
 * What is counted follows from event.def: an event with the constant field `tls` counts a TLS
 * result in the direction of its connection (ICID in, DCID out), with `protocol` as version.
 * Dropped log lines count like others: counters are fed before the log's buffer. They start at zero
 * with the process. Pure functions. */
#ifndef POSTERN_TRACE_METRICS_H
#define POSTERN_TRACE_METRICS_H

#include "trace/event.h"

enum metrics_direction { METRICS_DIRECTION_IN, METRICS_DIRECTION_OUT, METRICS_DIRECTION_COUNT };

enum metrics_tls_version {
    METRICS_TLS_VERSION_NONE, /* no TLS, or it failed before one was agreed on */
    METRICS_TLS_VERSION_1_0,
    METRICS_TLS_VERSION_1_1,
    METRICS_TLS_VERSION_1_2,
    METRICS_TLS_VERSION_1_3,
    METRICS_TLS_VERSION_OTHER,
    METRICS_TLS_VERSION_COUNT,
};

enum metrics_tls_result {
    METRICS_TLS_RESULT_SUCCESS,
    METRICS_TLS_RESULT_FAILED,
    METRICS_TLS_RESULT_NONE,
    METRICS_TLS_RESULT_COUNT,
};

/* The words of labels and JSON: `in`, `TLSv1.3` (`none`, `other`), `success`. */
const char *metrics_direction_word(enum metrics_direction direction);
const char *metrics_tls_version_word(enum metrics_tls_version version);
const char *metrics_tls_result_word(enum metrics_tls_result result);

/* Since the start of the process. Our own reports (bounces) are messages too. */
struct metrics_snapshot {
    uint64_t sessions;            /* inbound connections */
    uint64_t connections;         /* outbound connections that came up */
    uint64_t connection_errors;   /* outbound connections that did not, or broke off early */
    uint64_t messages;            /* taken and on disk, or counted by a blackhole listener */
    uint64_t reports;             /* messages among them that are our own */
    uint64_t recipients;          /* accepted by RCPT */
    uint64_t recipients_rejected; /* by the RAT */
    uint64_t bytes;               /* of messages that came in whole */
    uint64_t delivered;           /* recipients that a next hop took */
    uint64_t delayed;             /* failed tries of a recipient */
    uint64_t bounced;             /* recipients given up, double bounces included */
    uint64_t log_dropped;         /* log lines that did not fit the buffer */
    uint64_t tls[METRICS_DIRECTION_COUNT][METRICS_TLS_VERSION_COUNT][METRICS_TLS_RESULT_COUNT];
};

/* Counts one packed event; BYTES as trace_pack makes them, any alignment. */
void metrics_feed(struct metrics_snapshot *metrics, enum trace_event event, const char *bytes);

/* The end of one certificate, by name and what it is used for. */
struct metrics_certificate {
    struct slice name, key_type;
    struct slice use; /* `listener`, `https`, `outbound`, `none` */
    int64_t not_after_s;
};

/* What only the caller knows. */
struct metrics_gauges {
    const char *version;
    int64_t started_wall_ms;
    uint64_t queue_messages, queue_bytes;
    uint64_t queue_ready, queue_active, queue_waiting, queue_bouncing;
    uint64_t destinations_up, destinations_down;
    uint64_t oldest_age_ms; /* 0: the queue is empty */
    uint64_t config_revision;
    bool is_ready;
    const struct metrics_certificate *certificates;
    size_t certificate_count;
};

/* Appends the whole exposition, `# EOF` at its end. */
void metrics_render(const struct metrics_snapshot *metrics, const struct metrics_gauges *gauges,
                    struct buf *buf);

#endif
