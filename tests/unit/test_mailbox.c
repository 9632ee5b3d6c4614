/* base/mailbox, base/work and idgen between threads: nothing is lost, nothing comes twice, each
 * sender's order stays, a closed box refuses, a full pool refuses. No sleeping: threads wait for
 * each other by joins and conditions alone, so the tests say the same under ThreadSanitizer. */
#include "base/mailbox.h"
#include "base/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/idgen.h"
#include "base/mem.h"

enum { SENDERS = 4, LETTERS = 2000 };

/* The owner's bell, as a loop would have one. */
struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung_cond;
    bool is_rung;
    unsigned times;
};

static void bell_init(struct bell *bell)
{
    *bell = (struct bell){0};
    assert_int_equal(pthread_mutex_init(&bell->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&bell->rung_cond, NULL), 0);
}

static void bell_ring(void *owner)
{
    struct bell *bell = owner;
    (void)pthread_mutex_lock(&bell->mutex);
    bell->is_rung = true;
    bell->times++;
    (void)pthread_cond_signal(&bell->rung_cond);
    (void)pthread_mutex_unlock(&bell->mutex);
}

static void bell_wait(struct bell *bell)
{
    (void)pthread_mutex_lock(&bell->mutex);
    while (!bell->is_rung)
        (void)pthread_cond_wait(&bell->rung_cond, &bell->mutex);
    bell->is_rung = false;
    (void)pthread_mutex_unlock(&bell->mutex);
}

struct counted {
    struct letter letter;
    unsigned sender, number;
    unsigned *next_of_sender;
    struct mailbox *again;
};

static void run_counted(struct letter *letter)
{
    struct counted *c = CONTAINER_OF(letter, struct counted, letter);
    assert_int_equal(c->next_of_sender[c->sender], c->number);
    c->next_of_sender[c->sender]++;
    free(c);
}

struct sender {
    struct mailbox *box;
    unsigned id;
    unsigned *next_of_sender;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;
    for (unsigned i = 0; i < LETTERS; i++) {
        struct counted *c = MEM_NEW(struct counted);
        c->letter.run = run_counted;
        c->sender = s->id;
        c->number = i;
        c->next_of_sender = s->next_of_sender;
        if (!mailbox_post(s->box, &c->letter))
            abort();
    }
    return NULL;
}

static void test_many_senders(void **state)
{
    (void)state;
    struct bell bell;
    struct mailbox box;
    unsigned next_of_sender[SENDERS] = {0};
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    bell_init(&bell);
    mailbox_init(&box, bell_ring, &bell);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.box = &box, .id = i, .next_of_sender = next_of_sender};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    size_t got = 0;
    while (got < SENDERS * LETTERS) {
        bell_wait(&bell);
        got += mailbox_drain(&box);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(next_of_sender[i], LETTERS);
    }
    assert_int_equal(mailbox_drain(&box), 0);
    mailbox_close(&box);
    mailbox_finish(&box);
}

static unsigned runs;

static void run_again(struct letter *letter)
{
    struct counted *c = CONTAINER_OF(letter, struct counted, letter);
    runs++;
    if (runs < 3)
        assert_true(mailbox_post(c->again, letter));
}

static void test_wakes_once_and_drains_what_was_there(void **state)
{
    (void)state;
    struct bell bell;
    struct mailbox box;
    bell_init(&bell);
    mailbox_init(&box, bell_ring, &bell);
    runs = 0;
    struct counted a = {.letter.run = run_again, .again = &box};
    struct counted b = {.letter.run = run_again, .again = &box};
    assert_true(mailbox_post(&box, &a.letter));
    assert_true(mailbox_post(&box, &b.letter));
    assert_int_equal(bell.times, 1);
    /* The first posts itself again: that one waits, and rings again. */
    assert_int_equal(mailbox_drain(&box), 2);
    assert_int_equal(bell.times, 2);
    assert_int_equal(mailbox_drain(&box), 2);
    assert_int_equal(mailbox_drain(&box), 0);
    assert_int_equal(runs, 4);
    mailbox_close(&box);
    assert_false(mailbox_post(&box, &a.letter));
    assert_int_equal(bell.times, 2);
    mailbox_finish(&box);
    mailbox_finish(NULL);
}

struct job {
    struct work_job job;
    struct bell *started, *may_end;
    _Atomic unsigned *done;
};

static void run_job(struct work_job *work_job)
{
    struct job *job = CONTAINER_OF(work_job, struct job, job);
    if (job->started != NULL) {
        bell_ring(job->started);
        bell_wait(job->may_end);
    }
    (void)atomic_fetch_add(job->done, 1);
}

static void test_work_pool_is_bounded(void **state)
{
    (void)state;
    struct bell started, may_end;
    _Atomic unsigned done = 0;
    bell_init(&started);
    bell_init(&may_end);
    struct work_pool *pool = work_pool_create(1, 2);
    struct job slow = {.job.run = run_job, .started = &started, .may_end = &may_end, .done = &done};
    struct job quick[3];
    for (size_t i = 0; i < ARRAY_LEN(quick); i++)
        quick[i] = (struct job){.job.run = run_job, .done = &done};

    assert_int_equal(work_submit(pool, &slow.job), 0);
    bell_wait(&started);
    assert_int_equal(work_submit(pool, &quick[0].job), 0);
    assert_int_equal(work_submit(pool, &quick[1].job), 0);
    assert_int_equal(work_submit(pool, &quick[2].job), ERR_FULL);
    bell_ring(&may_end);
    work_pool_destroy(pool);
    assert_int_equal(done, 3);
    work_pool_destroy(NULL);
}

static void test_work_pool_runs_everything(void **state)
{
    (void)state;
    enum { JOBS = 1000 };
    _Atomic unsigned done = 0;
    struct job *jobs = mem_array(JOBS, sizeof(*jobs));
    struct work_pool *pool = work_pool_create(4, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.job.run = run_job, .done = &done};
        assert_int_equal(work_submit(pool, &jobs[i].job), 0);
    }
    work_pool_destroy(pool);
    assert_int_equal(done, JOBS);
    free(jobs);
}

/* A dry spell may skip a number a thread, so a few more than are taken may be used up. */
enum { TAKES = 30000, NUMBERS = SENDERS * TAKES + 1000 };

static void extend_at_once(struct idgen *gen, uint64_t new_limit)
{
    idgen_extend(gen, new_limit);
}

struct taker {
    struct idgen *gen;
    uint64_t numbers[TAKES];
};

static void *take_all(void *arg)
{
    struct taker *t = arg;
    for (size_t i = 0; i < TAKES; i++) {
        /* 0: the thread that extends is not on a processor just now. */
        do {
            t->numbers[i] = idgen_take(t->gen);
        } while (t->numbers[i] == 0);
    }
    return NULL;
}

static void test_idgen_never_repeats(void **state)
{
    (void)state;
    struct idgen gen;
    struct taker *takers = mem_array(SENDERS, sizeof(*takers));
    unsigned char *seen = mem_zalloc(NUMBERS + 1);
    pthread_t threads[SENDERS];
    idgen_init(&gen, 1, IDGEN_BLOCK, extend_at_once, NULL);
    for (size_t i = 0; i < SENDERS; i++) {
        takers[i].gen = &gen;
        assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
    }
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < SENDERS; i++) {
        for (size_t k = 0; k < TAKES; k++) {
            uint64_t n = takers[i].numbers[k];
            assert_in_range(n, 1, NUMBERS);
            assert_int_equal(seen[n], 0);
            seen[n] = 1;
            assert_true(k == 0 || n > takers[i].numbers[k - 1]);
        }
    }
    free(seen);
    free(takers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_senders),
        cmocka_unit_test(test_wakes_once_and_drains_what_was_there),
        cmocka_unit_test(test_work_pool_is_bounded),
        cmocka_unit_test(test_work_pool_runs_everything),
        cmocka_unit_test(test_idgen_never_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
