/* `postern serve`: the composition root. Opens the state directory, puts the parts together,
 * commits the first or starts the newest configuration, waits for signals, takes everything apart
 * again.
 *
 * Start   directories, lock -> postern.db -> counters -> log -> workers, loops -> spool (replay)
 *         -> commit (binds, publishes) -> replayed messages into the queue -> ready line
 * Stop    TERM or INT: no new sessions, what is under way may end within LIMIT_DRAIN_MS (a second
 *         signal ends the wait) -> connections closed -> nobody submits -> workers -> spool
 *         -> loops -> log
 *
 * Main owns the store; loops ask for counter blocks by its mailbox. Standard output says where it
 * listens and when it is ready; standard error says what is wrong. Exit codes: cmd.h.
 * Over 600 lines because what start does and stop undoes, step by step, is read together. */
#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "administration.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/work.h"
#include "engine/activate.h"
#include "engine/first_start.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "pki/trust.h"
#include "setup/embedded.h"
#include "trace/trace.h"

enum {
    WORKERS = 4,
    WORK_QUEUED_MAX = 4096,
    DRAIN_POLL_MS = 50,
    TICK_MS = 1000,
    CLOSE_WAIT_MS = 2000, /* for connections that were closed to be gone */
    STOP_ROUNDS = 8,      /* more than any letter is passed on between loops */
};

static const char *const sub_directories[] = {"keys", "spool", "log", "run"};

struct options {
    const char *state_dir;
    const char *setup_file; /* NULL: embedded */
    const char *webroot;    /* the same */
    bool is_demo;
    unsigned loops;
    uint64_t segment_bytes;
};

struct replayed {
    struct envelope *env;
    struct spool_location location;
};

struct server {
    struct options options;
    struct engine engine;
    struct inbound_shared *shared;
    struct activate activate;
    struct commit commit;
    bool has_commit;
    struct administration *administration;
    struct store *store;
    struct mailbox mailbox; /* main's */
    int event_fd, signal_fd, lock_fd;
    struct replayed *replayed;
    size_t replayed_count, replayed_size;
    size_t replayed_given; /* the queue has these */
    size_t started_loops;
};

/* --- the command line --- */

static bool parse_number(const char *text, unsigned long long least, unsigned long long most,
                         unsigned long long *ret_value)
{
    return slice_to_u64(slice_str(text), most, ret_value) && *ret_value >= least;
}

static int parse_options(int argc, char **argv, struct options *o)
{
    for (int i = 0; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--demo") == 0) {
            o->is_demo = true;
            continue;
        }
        bool is_known = strcmp(name, "--state-dir") == 0 || strcmp(name, "--setup") == 0 ||
                        strcmp(name, "--webroot") == 0 || strcmp(name, "--loops") == 0 ||
                        strcmp(name, "--segment-size") == 0;
        if (!is_known)
            return cmd_usage_error("serve", "no option '%s'", name);
        if (i + 1 == argc)
            return cmd_usage_error("serve", "%s needs a value", name);
        const char *value = argv[++i];
        unsigned long long number = 0;
        if (strcmp(name, "--state-dir") == 0) {
            o->state_dir = value;
        } else if (strcmp(name, "--setup") == 0) {
            o->setup_file = value;
        } else if (strcmp(name, "--webroot") == 0) {
            o->webroot = value;
        } else if (strcmp(name, "--loops") == 0) {
            if (!parse_number(value, 1, ENGINE_LOOPS_MAX, &number))
                return cmd_usage_error("serve", "--loops takes 1 to %d, not '%s'", ENGINE_LOOPS_MAX,
                                       value);
            o->loops = (unsigned)number;
        } else {
            if (!parse_number(value, 65536, 1ULL << 32, &number))
                return cmd_usage_error("serve", "--segment-size takes 65536 to 4294967296 bytes");
            o->segment_bytes = number;
        }
    }
    if (o->state_dir == NULL)
        return cmd_usage_error("serve", "--state-dir DIR is needed");
    if (o->is_demo && o->setup_file != NULL)
        return cmd_usage_error("serve", "--demo and --setup exclude each other");
    return EXIT_CODE_CLEAN;
}

/* --- main's mailbox and signals --- */

static void wake_main(void *owner)
{
    const struct server *s = owner;
    const uint64_t one = 1;

    (void)!write(s->event_fd, &one, sizeof one); /* full: main is awake already */
}

static int open_signals(struct server *s, struct error *reterr)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->event_fd < 0 || s->signal_fd < 0)
        return error_set_errno(reterr, errno, "cannot wait for signals");
    mailbox_init(&s->mailbox, wake_main, s);
    return 0;
}

/* Runs main's letters until a signal or the time is up; the signal's number, or 0. */
static int wait_event(struct server *s, int timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = s->signal_fd, .events = POLLIN},
        {.fd = s->event_fd, .events = POLLIN},
    };
    struct signalfd_siginfo info;
    uint64_t count;

    (void)poll(fds, ARRAY_LEN(fds), timeout_ms);
    (void)!read(s->event_fd, &count, sizeof count);
    (void)mailbox_drain(&s->mailbox);
    if (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        return (int)info.ssi_signo;
    return 0;
}

/* --- counters --- */

struct reserve_letter {
    struct letter letter;
    struct server *server;
    struct idgen *gen;
    uint64_t new_limit;
};

static enum store_counter counter_of(const struct server *s, const struct idgen *gen)
{
    if (gen == &s->engine.mids)
        return STORE_COUNTER_MID;
    return gen == &s->engine.icids ? STORE_COUNTER_ICID : STORE_COUNTER_DCID;
}

static void run_reserve(struct letter *letter)
{
    struct reserve_letter *reserve = CONTAINER_OF(letter, struct reserve_letter, letter);
    struct server *s = reserve->server;
    struct error error;

    int r =
        store_reserve_counter(s->store, counter_of(s, reserve->gen), reserve->new_limit, &error);
    if (r < 0) {
        log_error("%s; no new numbers until it works again", error.text);
        reserve->new_limit -= IDGEN_BLOCK;
    }
    idgen_extend(reserve->gen, reserve->new_limit);
    free(reserve);
}

static void ask_reserve(struct idgen *gen, uint64_t new_limit)
{
    struct server *s = gen->owner;
    struct reserve_letter *reserve = MEM_NEW(struct reserve_letter);

    reserve->letter.run = run_reserve;
    reserve->server = s;
    reserve->gen = gen;
    reserve->new_limit = new_limit;
    if (!mailbox_post(&s->mailbox, &reserve->letter))
        free(reserve);
}

static int open_counters(struct server *s, struct error *reterr)
{
    struct idgen *gens[] = {&s->engine.mids, &s->engine.icids, &s->engine.dcids};

    for (size_t i = 0; i < ARRAY_LEN(gens); i++) {
        enum store_counter kind = counter_of(s, gens[i]);
        uint64_t first = 0;
        int r = store_counter_limit(s->store, kind, &first, reterr);
        if (r == 0)
            r = store_reserve_counter(s->store, kind, first + IDGEN_BLOCK, reterr);
        if (r < 0)
            return r;
        idgen_init(gens[i], first, first + IDGEN_BLOCK, ask_reserve, s);
    }
    return 0;
}

/* --- the state directory --- */

static char *path_in(const struct server *s, const char *name)
{
    return mem_printf("%s/%s", s->options.state_dir, name);
}

static int open_state_dir(struct server *s, struct error *reterr)
{
    int r = file_make_dir(s->options.state_dir, 0750, reterr);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(sub_directories); i++) {
        char *path = path_in(s, sub_directories[i]);
        r = file_make_dir(path, 0700, reterr);
        free(path);
    }
    if (r < 0)
        return r;
    char *path = path_in(s, "run/lock");
    r = file_lock(path, &s->lock_fd, reterr);
    free(path);
    return r;
}

static void keep_replayed(void *ctx, struct envelope *env, const struct spool_location *location)
{
    struct server *s = ctx;

    if (s->replayed_count == s->replayed_size) {
        s->replayed_size = s->replayed_size == 0 ? 64 : s->replayed_size * 2;
        s->replayed = mem_realloc(s->replayed, s->replayed_size * sizeof *s->replayed);
    }
    s->replayed[s->replayed_count++] = (struct replayed){.env = env, .location = *location};
}

static void warn_damaged(void *ctx, const char *text)
{
    (void)ctx;
    log_warning("spool: %s; passed over", text);
}

static int open_spool(struct server *s, struct error *reterr)
{
    struct spool_opts opts = {
        .segment_bytes = s->options.segment_bytes,
        .ctx = s,
        .replay = keep_replayed,
        .damaged = warn_damaged,
    };
    char *path = path_in(s, "spool");

    s->engine.clock->random(s->engine.clock, &opts.salt, sizeof opts.salt);
    int r = spool_open(path, &opts, &s->engine.spool, reterr);
    free(path);
    return r;
}

/* --- start --- */

static unsigned default_loops(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    if (count < 1)
        return 1;
    return count > ENGINE_LOOPS_MAX ? ENGINE_LOOPS_MAX : (unsigned)count;
}

static int start_threads(struct server *s, struct error *reterr)
{
    struct engine *e = &s->engine;
    const struct resolver_settings settings = {0};
    char name[16];

    e->workers = work_pool_create(WORKERS, WORK_QUEUED_MAX);
    for (size_t i = 0; i < s->options.loops; i++) {
        int r = loop_create(e->clock, &e->loops[i], reterr);
        if (r < 0)
            return r;
        e->loop_count++;
    }
    int r = resolver_create(e->loops[0], &settings, &e->resolver, reterr);
    for (size_t i = 0; r == 0 && i < e->loop_count; i++) {
        (void)snprintf(name, sizeof name, "loop-%zu", i + 1);
        r = loop_start_thread(e->loops[i], name, reterr);
        if (r == 0)
            s->started_loops++;
    }
    return r;
}

static int first_configuration(struct server *s, struct config_errors *errors)
{
    struct buf file;
    struct config *candidate = NULL;
    struct error error = {0};
    struct slice json = s->options.is_demo ? slice_of(embed_demo_json, embed_demo_json_size)
                                           : slice_of(embed_factory_json, embed_factory_json_size);
    const char *comment = s->options.is_demo ? "demonstration set-up" : "factory set-up";
    int code = EXIT_CODE_CLEAN;

    buf_init(&file, LIMIT_JSON_BYTES);
    if (s->options.setup_file != NULL) {
        int r = file_read(s->options.setup_file, &file, &error);
        if (r < 0) {
            config_errors_add(errors, "", "file.unreadable", "%s", error.text);
            buf_finish(&file);
            return EXIT_CODE_CONFIG;
        }
        json = buf_slice(&file);
        comment = "set-up file";
    }
    int r = first_start_candidate(json, s->activate.keys_dir, s->engine.clock, &candidate, errors,
                                  &error);
    if (r == 0)
        r = config_commit(&s->commit, candidate, "system", comment, NULL, errors);
    else if (r != ERR_INVALID)
        config_errors_add(errors, "/certificates", "certificate.unusable", "%s", error.text);
    if (r < 0)
        code = r == ERR_INVALID ? EXIT_CODE_CONFIG : EXIT_CODE_KEY;
    else
        TRACE_EMIT(s->engine.trace, clock_wall_ms(s->engine.clock), config_commit,
                   .pid = (uint64_t)getpid(), .user = SLICE("system"),
                   .comment = slice_str(comment), .revision = candidate->revision);
    config_unref(candidate);
    buf_finish(&file);
    return code;
}

static int start_configuration(struct server *s)
{
    struct config_errors errors;
    struct commit_hooks hooks;
    int code = EXIT_CODE_CLEAN;
    char *keys_dir = path_in(s, "keys");

    config_errors_init(&errors);
    s->shared = MEM_NEW(struct inbound_shared);
    activate_init(&s->activate, &s->engine, keys_dir, s->shared);
    free(keys_dir);
    administration_hooks(s->administration, &hooks);
    commit_init(&s->commit, s->store, s->engine.clock, &hooks);
    s->has_commit = true;
    int r = config_commit_start(&s->commit, &errors);
    if (r == ERR_NOT_FOUND)
        code = first_configuration(s, &errors);
    else if (r < 0)
        code = r == ERR_INVALID ? EXIT_CODE_CONFIG : EXIT_CODE_KEY;
    if (code != EXIT_CODE_CLEAN) {
        if (s->activate.has_port_trouble || administration_has_port_trouble(s->administration))
            code = EXIT_CODE_PORT;
        else if (s->activate.has_key_trouble)
            code = EXIT_CODE_KEY;
        struct buf report;
        buf_init(&report, 0);
        config_check_report(&errors, &report);
        (void)fprintf(stderr, "postern serve: the configuration cannot be used:\n%s",
                      buf_cstr(&report));
        buf_finish(&report);
    }
    config_errors_finish(&errors);
    return code;
}

static void announce(const struct server *s)
{
    const struct config *c = s->commit.running;

    for (size_t i = 0; i < c->listeners.count; i++) {
        const struct cfg_listener *l = &c->listeners.items[i];
        const struct cfg_interface *interface = config_find_interface(c, l->interface);
        char ip[IP_TEXT_MAX];
        (void)printf("postern: listener %.*s (%s) on %s port %u\n", SLICE_ARGS(l->name),
                     cfg_listener_type_word(l->type), ip_format(&interface->address, ip), l->port);
    }
    administration_announce(s->administration);
    if (s->options.is_demo)
        (void)printf("postern: send a first message:\n"
                     "  swaks --server 127.0.0.1:2525 --tls --from you@example.org --to "
                     "someone@example.test\n"
                     "postern: then look at %s/log/mail_logs\n",
                     s->options.state_dir);
    (void)printf("postern: ready, revision %llu, %zu messages in the queue\n",
                 (unsigned long long)c->revision, s->replayed_count);
    (void)fflush(stdout);
}

static int create_administration(struct server *s, struct error *reterr)
{
    const struct administration_settings settings = {
        .engine = &s->engine,
        .activate = &s->activate,
        .commit = &s->commit,
        .main = &s->mailbox,
        .state_dir = s->options.state_dir,
        .version = POSTERN_VERSION,
        .webroot = s->options.webroot,
    };

    return administration_create(&settings, &s->administration, reterr);
}

static int start(struct server *s)
{
    struct error error = {0};
    char *path;

    int r = open_state_dir(s, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern serve: %s\n",
                      r == ERR_EXISTS ? "another process works on this state directory"
                                      : error.text);
        return EXIT_CODE_STATE;
    }
    path = path_in(s, "postern.db");
    r = store_open(path, &s->store, &error);
    free(path);
    if (r == 0)
        r = open_counters(s, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern serve: %s\n", error.text);
        return EXIT_CODE_KEY;
    }
    path = path_in(s, "log");
    const struct trace_settings settings = {.dir = path, .timezone = "UTC"};
    r = trace_create(&settings, &s->engine.trace, &error);
    free(path);
    if (r == 0)
        r = open_spool(s, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern serve: %s\n", error.text);
        return EXIT_CODE_STATE;
    }
    r = start_threads(s, &error);
    if (r == 0)
        r = create_administration(s, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern serve: %s\n", error.text);
        return EXIT_CODE_OTHER;
    }
    int code = start_configuration(s);
    if (code != EXIT_CODE_CLEAN)
        return code;
    for (; s->replayed_given < s->replayed_count; s->replayed_given++) {
        const struct replayed *each = &s->replayed[s->replayed_given];
        delivery_add(s->activate.delivery, each->env, &each->location, NULL);
    }
    r = administration_start(s->administration, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern serve: %s\n", error.text);
        return EXIT_CODE_OTHER;
    }
    announce(s);
    return EXIT_CODE_CLEAN;
}

/* --- stop --- */

static void drain_inbound(void *arg)
{
    inbound_drain(arg);
}

static void abort_inbound(void *arg)
{
    inbound_abort_all(arg);
}

struct outbound_abort {
    struct delivery *delivery;
    struct loop *loop;
    bool is_only_unready;
};

static void abort_outbound(void *arg)
{
    const struct outbound_abort *abort = arg;

    delivery_abort(abort->delivery, abort->loop, abort->is_only_unready);
}

static void abort_deliveries(struct server *s, bool is_only_unready)
{
    for (size_t i = 0; i < s->started_loops; i++) {
        struct outbound_abort abort = {
            .delivery = s->activate.delivery,
            .loop = s->engine.loops[i],
            .is_only_unready = is_only_unready,
        };
        (void)activate_call(s->engine.loops[i], abort_outbound, &abort);
    }
}

static bool has_connections(const struct server *s)
{
    return atomic_load(&s->shared->sessions) > 0 || delivery_link_count(s->activate.delivery) > 0;
}

static void destroy_resolver(void *arg)
{
    resolver_destroy(arg);
}

static void on_all_loops(struct server *s, void (*fn)(void *arg))
{
    for (size_t i = 0; i < s->engine.loop_count; i++)
        if (s->activate.inbounds[i] != NULL)
            (void)activate_call(s->engine.loops[i], fn, s->activate.inbounds[i]);
}

static void drain(struct server *s)
{
    uint64_t end_ms = clock_mono_ms(s->engine.clock) + LIMIT_DRAIN_MS;

    on_all_loops(s, drain_inbound);
    delivery_stop(s->activate.delivery);
    while (clock_mono_ms(s->engine.clock) < end_ms && has_connections(s)) {
        abort_deliveries(s, true); /* who never answers a greeting is not waited for */
        int signo = wait_event(s, DRAIN_POLL_MS);
        if (signo == SIGTERM || signo == SIGINT)
            break;
    }
}

static void run(struct server *s)
{
    uint64_t ticked_ms = 0;

    for (;;) {
        int signo = wait_event(s, TICK_MS);
        uint64_t now_ms = clock_mono_ms(s->engine.clock);
        if (now_ms - ticked_ms >= TICK_MS) {
            administration_tick(s->administration);
            ticked_ms = now_ms;
        }
        if (signo == SIGHUP)
            trace_reopen(s->engine.trace);
        if (signo == SIGTERM || signo == SIGINT)
            break;
    }
    drain(s);
}

static void no_op(void *arg)
{
    (void)arg;
}

/* Lets what is in the loops' boxes run, and what that brings about. */
static void run_letters(struct server *s)
{
    for (size_t round = 0; round < STOP_ROUNDS; round++)
        for (size_t i = 0; i < s->started_loops; i++)
            (void)activate_call(s->engine.loops[i], no_op, NULL);
}

static void close_connections(struct server *s)
{
    uint64_t end_ms = clock_mono_ms(s->engine.clock) + CLOSE_WAIT_MS;

    delivery_stop(s->activate.delivery);
    do {
        on_all_loops(s, abort_inbound);
        abort_deliveries(s, false);
        run_letters(s);
        if (has_connections(s))
            (void)wait_event(s, 1);
    } while (has_connections(s) && clock_mono_ms(s->engine.clock) < end_ms);
}

static void stop(struct server *s)
{
    struct engine *e = &s->engine;

    if (s->administration != NULL)
        administration_stop(s->administration);
    if (s->activate.delivery != NULL)
        close_connections(s);
    /* The loops still run: nobody may submit to what is about to go. The round sees to it that
     * whoever looked before is through. */
    atomic_store(&e->is_ending, true);
    run_letters(s);
    work_pool_destroy(e->workers);
    run_letters(s);
    spool_close(e->spool);
    run_letters(s);
    if (e->resolver != NULL && s->started_loops > 0)
        (void)activate_call(e->loops[0], destroy_resolver, e->resolver);
    for (size_t i = s->started_loops; i-- > 0;) {
        loop_stop(e->loops[i]);
        loop_join(e->loops[i]);
    }
    for (size_t i = 0; i < e->loop_count; i++)
        inbound_destroy(s->activate.inbounds[i]);
    delivery_destroy(s->activate.delivery);
    for (size_t i = 0; i < e->loop_count; i++)
        loop_destroy(e->loops[i]);
    administration_destroy(s->administration);
    activate_finish(&s->activate);
    if (s->has_commit)
        commit_finish(&s->commit);
    trace_destroy(e->trace);
    mailbox_close(&s->mailbox);
    (void)mailbox_drain(&s->mailbox);
    store_close(s->store);
    free(s->shared);
    for (size_t i = s->replayed_given; i < s->replayed_count; i++)
        envelope_destroy(s->replayed[i].env);
    free(s->replayed);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
}

/* Each session is a descriptor: as many as the system gives. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    limit.rlim_cur = limit.rlim_max = 0; /* no core dumps: keys are in memory */
    (void)setrlimit(RLIMIT_CORE, &limit);
}

int cmd_serve(int argc, char **argv)
{
    struct server *s = MEM_NEW(struct server);
    struct error error = {0};

    s->event_fd = s->signal_fd = s->lock_fd = -1;
    s->options.loops = default_loops();
    s->engine.clock = clock_system();
    int code = parse_options(argc, argv, &s->options);
    if (code == EXIT_CODE_CLEAN) {
        raise_descriptor_limit();
        config_json_init();
        trust_use_clock(s->engine.clock);
        if (open_signals(s, &error) < 0) {
            (void)fprintf(stderr, "postern serve: %s\n", error.text);
            code = EXIT_CODE_OTHER;
        } else {
            code = start(s);
            if (code == EXIT_CODE_CLEAN)
                run(s);
            stop(s);
            mailbox_finish(&s->mailbox);
            (void)close(s->event_fd);
            (void)close(s->signal_fd);
        }
    }
    free(s);
    return code;
}
