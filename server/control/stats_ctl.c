/* See stats_ctl.h. A loop is asked by a letter that only notes that it ran; while it is out no
 * other is sent. What is asked with it (how long is it out?) is main's alone. */
#include "control/stats_ctl.h"

#include "config/config.h"
#include "engine/activate.h"
#include "pki/cert.h"
#include "queue/spool.h"
#include "trace/trace.h"

struct beat {
    struct letter letter;
    _Atomic bool is_out;
    uint64_t sent_mono_ms;
    bool is_gone; /* the loop takes no letters any more */
};

struct stats_ctl {
    struct engine *engine;
    const char *version;
    int64_t started_wall_ms;
    uint64_t started_mono_ms;
    struct beat beats[ENGINE_LOOPS_MAX];
};

static void run_beat(struct letter *letter)
{
    struct beat *beat = CONTAINER_OF(letter, struct beat, letter);

    atomic_store(&beat->is_out, false);
}

struct stats_ctl *stats_ctl_create(struct engine *engine, const char *version)
{
    struct stats_ctl *ctl = MEM_NEW(struct stats_ctl);

    ctl->engine = engine;
    ctl->version = version;
    ctl->started_wall_ms = clock_wall_ms(engine->clock);
    ctl->started_mono_ms = clock_mono_ms(engine->clock);
    for (size_t i = 0; i < ENGINE_LOOPS_MAX; i++) {
        ctl->beats[i].letter.run = run_beat;
        list_init(&ctl->beats[i].letter.node);
        atomic_init(&ctl->beats[i].is_out, false);
    }
    return ctl;
}

void stats_ctl_destroy(struct stats_ctl *ctl)
{
    free(ctl);
}

const char *stats_ctl_version(const struct stats_ctl *ctl)
{
    return ctl->version;
}

/* --- readiness --- */

const char *stats_spool_state_word(enum stats_spool_state state)
{
    switch (state) {
    case STATS_SPOOL_STATE_ACCEPTING:
        return "accepting";
    case STATS_SPOOL_STATE_FULL:
        return "full";
    case STATS_SPOOL_STATE_FAILED:
        return "failed";
    }
    return "";
}

static bool is_alive(struct stats_ctl *ctl, size_t loop)
{
    struct beat *beat = &ctl->beats[loop];
    uint64_t now = clock_mono_ms(ctl->engine->clock);

    if (beat->is_gone)
        return false;
    if (atomic_load(&beat->is_out))
        return now - beat->sent_mono_ms < STATS_CTL_LOOP_MS;
    beat->sent_mono_ms = now;
    atomic_store(&beat->is_out, true);
    beat->is_gone = !activate_post(ctl->engine->loops[loop], &beat->letter);
    return !beat->is_gone;
}

void stats_ctl_readiness(struct stats_ctl *ctl, struct stats_readiness *ret_readiness)
{
    struct engine *engine = ctl->engine;
    struct stats_readiness readiness = {
        .loops = engine->loop_count,
        .is_ending = atomic_load(&engine->is_ending),
    };

    if (readiness.is_ending) { /* spool and loops may be gone any moment */
        readiness.spool = STATS_SPOOL_STATE_FAILED;
        *ret_readiness = readiness;
        return;
    }
    for (size_t i = 0; i < engine->loop_count; i++)
        readiness.loops_alive += is_alive(ctl, i) ? 1 : 0;
    int r = spool_state(engine->spool);
    if (r != 0)
        readiness.spool = r == ERR_FULL ? STATS_SPOOL_STATE_FULL : STATS_SPOOL_STATE_FAILED;
    readiness.is_ready = r == 0 && readiness.loops_alive == readiness.loops;
    *ret_readiness = readiness;
}

void stats_ctl_status(struct stats_ctl *ctl, const struct config *running,
                      struct stats_status *ret_status)
{
    const struct clock *clock = ctl->engine->clock;

    *ret_status = (struct stats_status){
        .version = ctl->version,
        .started_wall_ms = ctl->started_wall_ms,
        .now_wall_ms = clock_wall_ms(clock),
        .uptime_ms = clock_mono_ms(clock) - ctl->started_mono_ms,
        .revision = running->revision,
    };
    stats_ctl_readiness(ctl, &ret_status->readiness);
    trace_metrics(ctl->engine->trace, &ret_status->counters);
}

/* --- certificates --- */

static struct slice copy(struct mem_arena *arena, struct slice s)
{
    return slice_of(mem_arena_strndup(arena, s.len == 0 ? "" : s.p, s.len), s.len);
}

static void find_users(const struct config *c, struct slice name, struct mem_arena *arena,
                       struct stats_certificate *ret)
{
    ret->listeners = mem_arena_alloc(arena, c->listeners.count * sizeof *ret->listeners);
    for (size_t i = 0; i < c->listeners.count; i++)
        if (slice_eq(c->listeners.items[i].certificate, name))
            ret->listeners[ret->listener_count++] = copy(arena, c->listeners.items[i].name);
    ret->interfaces = mem_arena_alloc(arena, c->interfaces.count * sizeof *ret->interfaces);
    for (size_t i = 0; i < c->interfaces.count; i++)
        if (c->interfaces.items[i].https &&
            slice_eq(c->interfaces.items[i].https_certificate, name))
            ret->interfaces[ret->interface_count++] = copy(arena, c->interfaces.items[i].name);
    ret->is_outbound = slice_eq(c->delivery.certificate, name);
}

static bool describe(struct stats_ctl *ctl, const struct cfg_certificate_key *key,
                     struct mem_arena *arena, struct stats_certificate *ret)
{
    struct cert_info *info;

    if (cert_info_parse(key->chain, &info, NULL) < 0)
        return false;
    *ret = (struct stats_certificate){
        .key_type = cfg_key_type_word(key->type),
        .subject = copy(arena, slice_str(info->subject)),
        .issuer = copy(arena, slice_str(info->issuer)),
        .is_self_signed = info->is_self_signed,
        .not_before_s = info->not_before_s,
        .not_after_s = info->not_after_s,
        .is_expired = info->not_after_s * 1000 < clock_wall_ms(ctl->engine->clock),
    };
    cert_info_destroy(info);
    return true;
}

void stats_ctl_certificates(struct stats_ctl *ctl, const struct config *running,
                            struct mem_arena *arena, struct stats_certificates *ret_certificates)
{
    size_t most = 0;

    for (size_t i = 0; i < running->certificates.count; i++)
        most += running->certificates.items[i].keys.count;
    *ret_certificates = (struct stats_certificates){
        .items = mem_arena_alloc(arena, most * sizeof *ret_certificates->items),
    };
    for (size_t i = 0; i < running->certificates.count; i++) {
        const struct cfg_certificate *certificate = &running->certificates.items[i];
        for (size_t j = 0; j < certificate->keys.count; j++) {
            struct stats_certificate *each = &ret_certificates->items[ret_certificates->count];
            if (!describe(ctl, &certificate->keys.items[j], arena, each))
                continue;
            each->name = copy(arena, certificate->name);
            find_users(running, certificate->name, arena, each);
            ret_certificates->count++;
        }
    }
}

/* --- metrics --- */

/* One for each use of each key pair. */
static size_t certificate_gauges(const struct stats_certificates *certificates,
                                 struct metrics_certificate *gauges)
{
    size_t count = 0;

    for (size_t i = 0; i < certificates->count; i++) {
        const struct stats_certificate *c = &certificates->items[i];
        struct metrics_certificate gauge = {
            .name = c->name, .key_type = slice_str(c->key_type), .not_after_s = c->not_after_s};
        const struct {
            bool is_so;
            struct slice word;
        } uses[] = {
            {c->listener_count > 0, SLICE("listener")},
            {c->interface_count > 0, SLICE("https")},
            {c->is_outbound, SLICE("outbound")},
            {c->listener_count + c->interface_count == 0 && !c->is_outbound, SLICE("none")},
        };
        for (size_t use = 0; use < ARRAY_LEN(uses); use++) {
            if (!uses[use].is_so)
                continue;
            gauge.use = uses[use].word;
            gauges[count++] = gauge;
        }
    }
    return count;
}

void stats_ctl_metrics(struct stats_ctl *ctl, const struct config *running,
                       const struct queue_summary *queue, struct buf *buf)
{
    enum { USES = 4 };
    struct stats_certificates certificates;
    struct stats_status status;
    struct mem_arena arena;

    mem_arena_init(&arena);
    stats_ctl_status(ctl, running, &status);
    stats_ctl_certificates(ctl, running, &arena, &certificates);
    struct metrics_certificate *gauges =
        mem_arena_alloc(&arena, certificates.count * USES * sizeof *gauges);
    uint64_t oldest_age_ms = 0;
    if (queue->oldest_wall_ms != 0 && queue->oldest_wall_ms < status.now_wall_ms)
        oldest_age_ms = (uint64_t)(status.now_wall_ms - queue->oldest_wall_ms);
    const struct metrics_gauges all = {
        .version = ctl->version,
        .started_wall_ms = ctl->started_wall_ms,
        .queue_messages = queue->messages,
        .queue_bytes = queue->bytes,
        .queue_ready = queue->ready,
        .queue_active = queue->active,
        .queue_waiting = queue->waiting,
        .queue_bouncing = queue->bouncing,
        .destinations_up = queue->destinations - queue->destinations_down,
        .destinations_down = queue->destinations_down,
        .oldest_age_ms = oldest_age_ms,
        .config_revision = running->revision,
        .is_ready = status.readiness.is_ready,
        .certificates = gauges,
        .certificate_count = certificate_gauges(&certificates, gauges),
    };
    metrics_render(&status.counters, &all, buf);
    mem_arena_finish(&arena);
}
