/* The door to the mail log for administrators: a search on a worker thread (trace/search.h).
 *
 *   main: fills query, box, letter -> log_ctl_search -> worker reads the files -> letter in the box
 *
 * Searches read the files alone and hold nobody up; no more than LOG_CTL_SEARCHES_MAX run at a
 * time, because the workers serve the mail first. Owner thread: main. */
#ifndef POSTERN_CONTROL_LOG_CTL_H
#define POSTERN_CONTROL_LOG_CTL_H

#include "base/buf.h"
#include "base/mailbox.h"
#include "base/work.h"
#include "trace/search.h"

struct engine;
struct log_ctl;

enum { LOG_CTL_SEARCHES_MAX = 2 };

/* ENGINE is borrowed; LOG_DIR is copied. */
struct log_ctl *log_ctl_create(struct engine *engine, const char *log_dir) MUST_CHECK;
/* After the workers ended. NULL is allowed. */
void log_ctl_destroy(struct log_ctl *ctl);

/* One search, the caller's: it stays where it is, with what the query's slices point to, until the
 * letter runs; then search_result_finish. */
struct log_ctl_search {
    struct search_query query;
    struct mailbox *box;  /* stays open until the workers ended */
    struct letter letter; /* letter.run is set by the caller */
    /* filled in before the letter runs */
    int status; /* 0; ERR_INVALID: the cursor is none of ours; ERR_IO */
    struct error error;
    struct search_result result; /* status 0 */
    /* private */
    struct work_job job;
    struct log_ctl *ctl;
};

/* ERR_BUSY: as many as may run do, or the workers have enough to do: try again in a second;
 * ERR_CLOSED: the process is ending. Then the letter does not come. */
int log_ctl_search(struct log_ctl *ctl, struct log_ctl_search *search) MUST_CHECK;

/* Appends to BUF what the text log says in the place of this line of the JSON log, without its time
 * and level. Nothing when it is no event of this version of the program. Any thread. */
void log_ctl_text(struct slice line, struct buf *buf);

#endif
