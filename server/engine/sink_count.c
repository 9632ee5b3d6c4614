/* The blackhole's sink: nothing is kept, nothing is written, the session itself counts the bytes.
 * `done` comes in a later turn like everywhere else, so that a session knows one order of events.
 */
#include "engine/inbound_sink.h"

#include "base/mem.h"
#include "net/loop.h"

struct count_message {
    struct inbound_message base;
    struct inbound_message_handler handler;
    struct loop *home;
    struct letter letter;
    bool is_finished, is_aborted;
};

static void run_done(struct letter *letter)
{
    struct count_message *m = CONTAINER_OF(letter, struct count_message, letter);

    if (!m->is_aborted)
        m->handler.done(m->handler.user, 0);
    free(m);
}

static bool count_write(struct inbound_message *message, struct slice bytes)
{
    (void)message;
    (void)bytes;
    return true;
}

static void count_finish(struct inbound_message *message, bool is_8bit)
{
    struct count_message *m = CONTAINER_OF(message, struct count_message, base);

    (void)is_8bit;
    m->is_finished = true;
    m->letter.run = run_done;
    loop_defer(m->home, &m->letter);
}

static void count_abort(struct inbound_message *message)
{
    struct count_message *m = CONTAINER_OF(message, struct count_message, base);

    m->is_aborted = true;
    if (!m->is_finished)
        free(m);
}

static const struct inbound_message_ops count_ops = {
    .write = count_write,
    .finish = count_finish,
    .abort = count_abort,
};

static struct inbound_message *count_open(struct inbound_sink *sink, struct loop *home,
                                          struct envelope *env,
                                          const struct inbound_message_handler *handler)
{
    struct count_message *m = MEM_NEW(struct count_message);

    (void)sink;
    envelope_destroy(env);
    m->base.ops = &count_ops;
    m->handler = *handler;
    m->home = home;
    list_init(&m->letter.node);
    return &m->base;
}

void sink_count_init(struct sink_count *count)
{
    count->sink.open = count_open;
}
