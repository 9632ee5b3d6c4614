/* control/stats_ctl: is the gateway ready, what does it show, when does that end; a loop that hangs
 * is found without waiting for it. */
#include "control/stats_ctl.h"

#include <semaphore.h>

#include <jansson.h>

#include "control_help.h"
#include "pki/cert.h"
#include "pki/key.h"

enum { WALL_S = 1795520000 };

static struct control_gateway g;
static struct clock_fake fake;
static struct engine engine; /* g's parts on a clock of ours */
static struct stats_ctl *ctl;

static int set_up(void **state)
{
    (void)state;
    control_init(&g);
    clock_fake_init(&fake, (int64_t)WALL_S * 1000);
    engine = (struct engine){.clock = &fake.clock,
                             .trace = g.engine.trace,
                             .spool = g.engine.spool,
                             .loops = {g.engine.loops[0]},
                             .loop_count = 1};
    ctl = stats_ctl_create(&engine, "1.2.3");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    control_stop(&g);
    stats_ctl_destroy(ctl);
    control_finish(&g);
    return 0;
}

static struct stats_readiness look(void)
{
    struct stats_readiness readiness;
    stats_ctl_readiness(ctl, &readiness);
    return readiness;
}

static void status_counts_from_the_start(void **state)
{
    (void)state;
    struct stats_status status;
    clock_fake_advance(&fake, 12345);
    TRACE_EMIT(g.engine.trace, 0, icid_open, .icid = 1);
    stats_ctl_status(ctl, g.config, &status);
    assert_string_equal(status.version, "1.2.3");
    assert_string_equal(stats_ctl_version(ctl), "1.2.3");
    assert_int_equal(status.uptime_ms, 12345);
    assert_int_equal(status.started_wall_ms, (int64_t)WALL_S * 1000);
    assert_int_equal(status.now_wall_ms, (int64_t)WALL_S * 1000 + 12345);
    assert_int_equal(status.counters.sessions, 1);
    assert_true(status.readiness.is_ready);
}

struct block {
    struct letter letter;
    sem_t go;
};

static void run_block(struct letter *letter)
{
    struct block *block = CONTAINER_OF(letter, struct block, letter);
    while (sem_wait(&block->go) != 0)
        continue;
}

static void a_loop_that_hangs_is_found(void **state)
{
    (void)state;
    struct block block = {.letter.run = run_block};
    assert_int_equal(sem_init(&block.go, 0, 0), 0);
    assert_true(look().is_ready);
    control_settle(&g);
    clock_fake_advance(&fake, 10 * STATS_CTL_LOOP_MS); /* nobody looked: that is no fault */
    assert_true(look().is_ready);
    control_settle(&g);
    assert_true(activate_post(engine.loops[0], &block.letter));
    assert_true(look().is_ready);
    clock_fake_advance(&fake, STATS_CTL_LOOP_MS - 1);
    assert_true(look().is_ready);
    clock_fake_advance(&fake, 1);
    struct stats_readiness readiness = look();
    assert_false(readiness.is_ready);
    assert_int_equal(readiness.loops, 1);
    assert_int_equal(readiness.loops_alive, 0);
    assert_int_equal(readiness.spool, STATS_SPOOL_STATE_ACCEPTING);
    assert_int_equal(sem_post(&block.go), 0);
    control_settle(&g);
    assert_true(look().is_ready);
    control_settle(&g);
    assert_int_equal(sem_destroy(&block.go), 0);
}

static void a_loop_that_ended_is_found(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(loop_create(&fake.clock, &engine.loops[1], &error), 0);
    assert_int_equal(loop_start_thread(engine.loops[1], "loop-2", &error), 0);
    engine.loop_count = 2;
    assert_int_equal(look().loops_alive, 2);
    assert_true(activate_call(engine.loops[1], control_no_op, NULL));
    loop_stop(engine.loops[1]);
    loop_join(engine.loops[1]);
    assert_int_equal(look().loops_alive, 1);
    assert_false(look().is_ready);
    control_settle(&g);
    loop_destroy(engine.loops[1]);
    engine.loop_count = 1;
}

static void a_spool_that_takes_no_mail_is_told(void **state)
{
    (void)state;
    static const struct {
        int result;
        enum stats_spool_state state;
        const char *word;
    } rows[] = {{ERR_FULL, STATS_SPOOL_STATE_FULL, "full"},
                {ERR_IO, STATS_SPOOL_STATE_FAILED, "failed"}};
    engine.spool = spool_memory_create();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        spool_memory_fail(engine.spool, rows[i].result, 1);
        struct stats_readiness readiness = look();
        assert_false(readiness.is_ready);
        assert_int_equal(readiness.loops_alive, 1);
        assert_int_equal(readiness.spool, rows[i].state);
        assert_string_equal(stats_spool_state_word(readiness.spool), rows[i].word);
        control_settle(&g);
    }
    spool_close(engine.spool);
}

static void the_end_is_told_and_touches_nothing(void **state)
{
    (void)state;
    atomic_store(&engine.is_ending, true);
    engine.spool = NULL;
    engine.loops[0] = NULL;
    struct stats_readiness readiness = look();
    assert_false(readiness.is_ready);
    assert_true(readiness.is_ending);
}

/* ---- certificates ---- */

static json_t *key_pair(enum key_type type, const char *name, unsigned days)
{
    struct key *key = NULL;
    char *pem = NULL;
    const char *const names[] = {name};
    const struct cert_request request = {
        .common_name = name, .names = names, .name_count = 1, .days = days};
    const uint8_t serial[16] = {1};
    assert_int_equal(key_generate(type, &key, NULL), 0);
    assert_int_equal(cert_self_signed(key, &request, (int64_t)WALL_S * 1000, serial, &pem, NULL),
                     0);
    json_t *pair = json_pack("{s:s, s:s, s:s}", "type", type == KEY_TYPE_RSA ? "rsa" : "ecdsa",
                             "spki", key_spki(key), "chain", pem);
    free(pem);
    key_destroy(key);
    return pair;
}

/* `both` has two key pairs and three uses, `spare` none. */
static struct config *load(void)
{
    struct config_errors errors;
    json_t *root = json_loads(CONTROL_CONFIG, 0, NULL);
    json_t *interface = json_array_get(json_object_get(root, "interfaces"), 0);
    json_object_set_new(interface, "https", json_true());
    json_object_set_new(interface, "https_certificate", json_string("both"));
    json_object_set_new(root, "certificates",
                        json_pack("[{s:s, s:[o, o]}, {s:s, s:[o]}]", "name", "both", "keys",
                                  key_pair(KEY_TYPE_ECDSA_P256, "mx.example.test", 10),
                                  key_pair(KEY_TYPE_RSA, "mx.example.test", 20), "name", "spare",
                                  "keys", key_pair(KEY_TYPE_ECDSA_P256, "old.example.test", 1)));
    json_object_set_new(root, "delivery", json_pack("{s:s}", "certificate", "both"));
    json_object_set_new(root, "mail-flow-policies",
                        json_pack("[{s:s, s:s}]", "name", "P", "action", "accept"));
    json_object_set_new(root, "listeners",
                        json_pack("[{s:s, s:s, s:s, s:i, s:s}]", "name", "In", "type", "private",
                                  "interface", "If", "port", 25, "certificate", "both"));
    json_object_set_new(root, "sender-groups",
                        json_pack("[{s:s, s:s, s:s, s:[{s:s}]}]", "listener", "In", "name", "All",
                                  "policy", "P", "senders", "sender", "ALL"));
    char *text = json_dumps(root, 0);
    json_decref(root);
    config_errors_init(&errors);
    struct config *config = config_load(slice_str(text), &errors);
    if (config == NULL)
        fail_msg("%s: %s", errors.items[0].pointer, errors.items[0].text);
    config_errors_finish(&errors);
    free(text);
    return config;
}

static void certificates_say_when_they_end(void **state)
{
    (void)state;
    struct mem_arena arena;
    struct stats_certificates all;
    struct config *config = load();
    mem_arena_init(&arena);
    clock_fake_advance(&fake, 2 * 86400000ULL);
    stats_ctl_certificates(ctl, config, &arena, &all);
    assert_int_equal(all.count, 3);
    static const char *const types[] = {"ecdsa", "rsa", "ecdsa"};
    static const int days[] = {10, 20, 1};
    for (size_t i = 0; i < 3; i++) {
        const struct stats_certificate *c = &all.items[i];
        assert_true(slice_eq(c->name, i < 2 ? SLICE("both") : SLICE("spare")));
        assert_string_equal(c->key_type, types[i]);
        assert_int_equal(c->listener_count, i < 2 ? 1 : 0);
        assert_int_equal(c->interface_count, i < 2 ? 1 : 0);
        assert_int_equal(c->is_outbound, i < 2);
        assert_int_equal(c->is_expired, i == 2);
        assert_true(c->is_self_signed);
        assert_true(c->not_after_s > WALL_S + (days[i] - 1) * 86400 &&
                    c->not_after_s <= WALL_S + days[i] * 86400);
        assert_true(c->not_before_s < WALL_S);
    }
    assert_true(slice_eq(all.items[0].subject, SLICE("CN=mx.example.test")));
    assert_true(slice_eq(all.items[0].listeners[0], SLICE("In")));
    assert_true(slice_eq(all.items[0].interfaces[0], SLICE("If")));

    struct buf buf;
    const struct queue_summary queue = {
        .messages = 5, .destinations = 4, .destinations_down = 1, .oldest_wall_ms = 1};
    buf_init(&buf, 0);
    stats_ctl_metrics(ctl, config, &queue, &buf);
    char line[160];
    static const char *const uses[] = {"listener", "https", "outbound"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(line, sizeof line,
                       "\npostern_certificate_not_after_seconds{name=\"both\",key=\"rsa\","
                       "use=\"%s\"} %lld\n",
                       uses[i], (long long)all.items[1].not_after_s);
        assert_non_null(strstr(buf_cstr(&buf), line));
    }
    assert_non_null(strstr(buf_cstr(&buf), "name=\"spare\",key=\"ecdsa\",use=\"none\"} "));
    assert_non_null(strstr(buf_cstr(&buf), "\npostern_queue_messages 5\n"));
    assert_non_null(strstr(buf_cstr(&buf), "\npostern_queue_destinations{state=\"up\"} 3\n"));
    assert_non_null(strstr(buf_cstr(&buf), "\npostern_queue_oldest_seconds 1795692799.999\n"));
    assert_non_null(strstr(buf_cstr(&buf), "\npostern_ready 1\n"));
    buf_finish(&buf);
    control_settle(&g);
    mem_arena_finish(&arena);
    config_unref(config);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(status_counts_from_the_start),        TEST(a_loop_that_hangs_is_found),
        TEST(a_loop_that_ended_is_found),          TEST(a_spool_that_takes_no_mail_is_told),
        TEST(the_end_is_told_and_touches_nothing), TEST(certificates_say_when_they_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
