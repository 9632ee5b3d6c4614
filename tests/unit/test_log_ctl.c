/* control/log_ctl: a search goes to a worker and comes back as a letter; no more than two at a
 * time, and none when the workers have enough to do. */
#include "control/log_ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <unistd.h>

#include "engine/engine.h"
#include "trace/trace.h"

enum { QUEUED = 4 };

static struct engine engine;
static struct log_ctl *ctl;
static struct mailbox box;
static sem_t arrived;
static char dir[64];

static void wake(void *owner)
{
    (void)sem_post(owner);
}

static int set_up(void **state)
{
    (void)state;
    struct error error;
    const struct trace_settings settings = {.dir = dir, .timezone = "UTC"};
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-test-log-ctl-XXXXXX");
    assert_non_null(mkdtemp(dir));
    engine = (struct engine){.clock = clock_system()};
    assert_int_equal(trace_create(&settings, &engine.trace, &error), 0);
    TRACE_EMIT(engine.trace, 0, icid_close, .icid = 1);
    TRACE_EMIT(engine.trace, 0, icid_close, .icid = 2);
    trace_flush(engine.trace);
    engine.workers = work_pool_create(1, QUEUED);
    assert_int_equal(sem_init(&arrived, 0, 0), 0);
    mailbox_init(&box, wake, &arrived);
    ctl = log_ctl_create(&engine, dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"mail_logs", "mail_json", ""};
    work_pool_destroy(engine.workers);
    log_ctl_destroy(ctl);
    mailbox_close(&box);
    mailbox_finish(&box);
    assert_int_equal(sem_destroy(&arrived), 0);
    trace_destroy(engine.trace);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

struct asked {
    struct log_ctl_search search;
    size_t came;
};

static void come_back(struct letter *letter)
{
    CONTAINER_OF(letter, struct asked, search.letter)->came++;
}

static struct asked ask_for(uint64_t icid)
{
    return (struct asked){.search = {.query = {.icid = icid, .limit = 10},
                                     .box = &box,
                                     .letter = {.run = come_back}}};
}

static void wait_for(size_t letters)
{
    while (letters > 0) {
        while (sem_wait(&arrived) != 0)
            continue;
        letters -= mailbox_drain(&box);
    }
}

static void a_search_comes_back_as_a_letter(void **state)
{
    (void)state;
    struct asked asked = ask_for(2);
    assert_int_equal(log_ctl_search(ctl, &asked.search), 0);
    wait_for(1);
    assert_int_equal(asked.came, 1);
    assert_int_equal(asked.search.status, 0);
    assert_int_equal(asked.search.result.count, 1);
    assert_non_null(strstr(asked.search.result.lines[0].p, "\"icid\":2}"));
    search_result_finish(&asked.search.result);

    asked.search.query.cursor = SLICE("nonsense");
    assert_int_equal(log_ctl_search(ctl, &asked.search), 0);
    wait_for(1);
    assert_int_equal(asked.search.status, ERR_INVALID);
    assert_true(asked.search.error.text[0] != '\0');
}

struct block {
    struct work_job job;
    sem_t begun, go;
};

static void run_block(struct work_job *job)
{
    struct block *block = CONTAINER_OF(job, struct block, job);
    (void)sem_post(&block->begun);
    while (sem_wait(&block->go) != 0)
        continue;
}

static void run_nothing(struct work_job *job)
{
    (void)job;
}

/* The one worker is busy; QUEUED jobs may wait. */
static void the_mail_comes_first(void **state)
{
    (void)state;
    struct block block = {.job = {.run = run_block}};
    struct work_job others[QUEUED];
    struct asked asked[3] = {ask_for(1), ask_for(2), ask_for(1)};
    assert_int_equal(sem_init(&block.begun, 0, 0), 0);
    assert_int_equal(sem_init(&block.go, 0, 0), 0);

    assert_int_equal(work_submit(engine.workers, &block.job), 0);
    while (sem_wait(&block.begun) != 0)
        continue;
    assert_int_equal(log_ctl_search(ctl, &asked[0].search), 0);
    assert_int_equal(log_ctl_search(ctl, &asked[1].search), 0);
    assert_int_equal(log_ctl_search(ctl, &asked[2].search), ERR_BUSY); /* two of ours */
    assert_int_equal(sem_post(&block.go), 0);
    wait_for(2);
    assert_int_equal(asked[0].came + asked[1].came, 2);
    assert_int_equal(asked[2].came, 0);
    for (size_t i = 0; i < 2; i++)
        search_result_finish(&asked[i].search.result);

    assert_int_equal(work_submit(engine.workers, &block.job), 0);
    while (sem_wait(&block.begun) != 0)
        continue;
    for (size_t i = 0; i < QUEUED; i++) {
        others[i] = (struct work_job){.run = run_nothing};
        assert_int_equal(work_submit(engine.workers, &others[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) /* the pool is full, and that leaves nothing behind */
        assert_int_equal(log_ctl_search(ctl, &asked[2].search), ERR_BUSY);
    assert_int_equal(sem_post(&block.go), 0);
    work_pool_destroy(engine.workers);
    engine.workers = work_pool_create(1, QUEUED);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(log_ctl_search(ctl, &asked[2].search), 0);
        wait_for(1);
        search_result_finish(&asked[2].search.result);
    }
    assert_int_equal(sem_destroy(&block.begun), 0);
    assert_int_equal(sem_destroy(&block.go), 0);
}

static void none_begins_at_the_end(void **state)
{
    (void)state;
    struct asked asked = ask_for(1);
    atomic_store(&engine.is_ending, true);
    assert_int_equal(log_ctl_search(ctl, &asked.search), ERR_CLOSED);
    assert_int_equal(asked.came, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_search_comes_back_as_a_letter),
        TEST(the_mail_comes_first),
        TEST(none_begins_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
