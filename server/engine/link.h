/* A slot of a destination: what delivery and one connection hand back and forth.
 *
 *   delivery (home loop)                      outbound (the connection's loop)
 *     fills job, posts `run` ------------------> connects, or reuses; sends; fills the report
 *     takes the report  <------------------------ posts `report`
 *     gives the next job, or leaves it idle, or asks it to quit: `run` with wants_quit
 *     is_closed; frees when no job is out <------ posts `closed`, once: the connection is gone
 *
 * A link belongs to whoever its letter last went to; `closed` alone may come while delivery holds
 * it. A job that meets a closed connection comes back as RETURNED. Results and texts live in the
 * arena until the next job. */
#ifndef POSTERN_ENGINE_LINK_H
#define POSTERN_ENGINE_LINK_H

#include "base/mailbox.h"
#include "base/mem.h"
#include "engine/hops.h"
#include "queue/queue.h"

struct delivery;
struct outbound;

enum link_report {
    LINK_REPORT_DONE,     /* results[i] for job.rids[i] */
    LINK_REPORT_FAILED,   /* the connection failed before the message was offered: results[0] */
    LINK_REPORT_RETURNED, /* not tried: the connection was gone */
    LINK_REPORT_QUIT,     /* the answer to wants_quit: there was no job */
};

struct link {
    struct list node; /* delivery's: all links, or the idle ones */
    struct delivery *delivery;
    struct queue_dest *dest;
    struct snapshot *snapshot; /* a reference: the connection keeps the settings it began with */
    struct hops hops;
    struct hops_search *search; /* delivery's, while hops are looked for */
    char domain[QUEUE_KEY_MAX];
    enum cfg_dest_tls tls; /* NONE, PREFERRED or REQUIRED */
    struct ip source;      /* family 0: the system chooses */
    char helo[TLS_NAME_MAX];
    struct loop *loop;         /* where the connection lives */
    struct outbound *outbound; /* that loop's; NULL: not begun, or gone */
    bool is_gone;              /* that loop's: `closed` was posted */

    struct queue_job job;
    bool wants_quit; /* `run` brings no job: end the connection */
    struct letter run, report, closed;
    enum link_report outcome;
    struct outcome_result *results;
    struct mem_arena arena;
    uint64_t dcid;           /* of the connection that tried the job; 0: none */
    bool works;              /* greeting, EHLO and TLS came through */
    enum queue_tls last_tls; /* of the last connection that came as far */
    bool is_closing;         /* the connection takes no further job */

    bool is_out, is_closed; /* delivery's */
};

#endif
