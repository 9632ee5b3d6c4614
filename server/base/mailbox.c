/* Letters from any thread to one owner: see mailbox.h.
 *
 *   sender:  lock, append, (was empty: wake), unlock
 *   owner:   lock, take the whole list, unlock, run each letter
 *
 * `wake` is called with the mutex held. That is what makes shutting down safe: once mailbox_close
 * has returned, no thread is inside `wake` any more or will be, so its owner (a uv_async, an
 * eventfd) may go. The price: `wake` must neither block nor touch the box.
 * Letters run outside the lock and may post to their own box again; such letters wait for the next
 * drain, so a letter that re-posts itself cannot hold the loop for ever. */
#include "base/mailbox.h"

void mailbox_init(struct mailbox *box, void (*wake)(void *owner), void *owner)
{
    int r = pthread_mutex_init(&box->mutex, NULL);
    ASSERT(r == 0);
    list_init(&box->letters);
    box->is_closed = false;
    box->wake = wake;
    box->owner = owner;
}

void mailbox_finish(struct mailbox *box)
{
    if (box == NULL)
        return;
    /* A letter left behind would be lost: close, then drain, then finish. */
    ASSERT(list_is_empty(&box->letters));
    int r = pthread_mutex_destroy(&box->mutex);
    ASSERT(r == 0);
}

static void lock(struct mailbox *box)
{
    int r = pthread_mutex_lock(&box->mutex);
    ASSERT(r == 0);
}

static void unlock(struct mailbox *box)
{
    int r = pthread_mutex_unlock(&box->mutex);
    ASSERT(r == 0);
}

bool mailbox_post(struct mailbox *box, struct letter *letter)
{
    lock(box);
    bool is_open = !box->is_closed;
    if (is_open) {
        bool was_empty = list_is_empty(&box->letters);
        list_append(&box->letters, &letter->node);
        if (was_empty && box->wake != NULL)
            box->wake(box->owner);
    }
    unlock(box);
    return is_open;
}

size_t mailbox_drain(struct mailbox *box)
{
    struct list taken;
    list_init(&taken);
    lock(box);
    if (!list_is_empty(&box->letters)) {
        /* The head changes places: TAKEN goes in, the box's own head comes out. */
        list_append(&box->letters, &taken);
        list_remove(&box->letters);
    }
    unlock(box);

    size_t count = 0;
    for (;;) {
        struct list *node = list_pop(&taken);
        if (node == NULL)
            break;
        struct letter *letter = CONTAINER_OF(node, struct letter, node);
        letter->run(letter);
        count++;
    }
    return count;
}

void mailbox_close(struct mailbox *box)
{
    lock(box);
    box->is_closed = true;
    unlock(box);
}
