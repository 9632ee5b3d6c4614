/* A queue of letters from any thread to one owner thread (MPSC), with a wake-up call.
 *
 * This is how threads talk: the sender gives up the letter with mailbox_post, the owner takes all
 * that came with mailbox_drain. `wake` is called by the posting thread, and only when the box was
 * empty, so a burst costs one wake-up; it must be thread-safe (uv_async_send, eventfd, cond
 * signal), and since it runs under the box's mutex it may neither block nor touch the box. NULL:
 * nobody to wake (tests). Once mailbox_close has returned `wake` is never called again. The mutex
 * inside guards the list and `is_closed`, nothing else. */
#ifndef POSTERN_BASE_MAILBOX_H
#define POSTERN_BASE_MAILBOX_H

#include <pthread.h>

#include "base/list.h"

struct letter {
    struct list node;
    void (*run)(
        struct letter *letter); /* called on the owner's thread; frees or reuses the letter */
};

struct mailbox {
    pthread_mutex_t mutex;
    struct list letters;
    bool is_closed;
    void (*wake)(void *owner);
    void *owner;
};

void mailbox_init(struct mailbox *box, void (*wake)(void *owner), void *owner);
/* The box must be empty: close, drain, finish. */
void mailbox_finish(struct mailbox *box);
/* False when the box is closed: the letter stays the caller's. Letters of one sender keep order. */
bool mailbox_post(struct mailbox *box, struct letter *letter) MUST_CHECK;
/* Runs every letter that was in the box at the call; returns how many. Owner thread only. */
size_t mailbox_drain(struct mailbox *box);
/* From now on posts are refused. */
void mailbox_close(struct mailbox *box);

#endif
