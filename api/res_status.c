/* What the gateway says about itself: version, health, counters, schema, events. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/openapi.h"
#include "config/describe.h"
#include "control/control.h"

static const struct control *control_of(struct api_call *call)
{
    return call->api->settings.control;
}

void api_version(struct api_call *call)
{
    respond_json(call, json_pack("{s:s,s:s,s:s}", "product", "postern", "version",
                                 call->api->settings.version, "api", "1.0"));
}

void api_healthz(struct api_call *call)
{
    respond_json(call, json_pack("{s:s}", "status", "ok"));
}

static json_t *readiness_json(const struct stats_readiness *r)
{
    return json_pack("{s:b,s:s,s:o,s:o,s:b}", "ready", r->is_ready, "spool",
                     stats_spool_state_word(r->spool), "loops", json_u64(r->loops), "loops_alive",
                     json_u64(r->loops_alive), "ending", r->is_ending);
}

void api_readyz(struct api_call *call)
{
    struct stats_readiness readiness;

    stats_ctl_readiness(control_of(call)->stats, &readiness);
    respond_status(call, readiness.is_ready ? 200 : 503, readiness_json(&readiness));
}

static json_t *tls_json(const struct metrics_snapshot *m)
{
    json_t *list = json_array();

    for (unsigned d = 0; d < METRICS_DIRECTION_COUNT; d++)
        for (unsigned v = 0; v < METRICS_TLS_VERSION_COUNT; v++)
            for (unsigned r = 0; r < METRICS_TLS_RESULT_COUNT; r++) {
                if (m->tls[d][v][r] == 0)
                    continue;
                (void)json_array_append_new(
                    list, json_pack("{s:s,s:s,s:s,s:o}", "direction",
                                    metrics_direction_word((enum metrics_direction)d), "version",
                                    metrics_tls_version_word((enum metrics_tls_version)v), "result",
                                    metrics_tls_result_word((enum metrics_tls_result)r), "count",
                                    json_u64(m->tls[d][v][r])));
            }
    return list;
}

static json_t *counters_json(const struct metrics_snapshot *m)
{
    json_t *out = json_object();

    json_put(out, "sessions", json_u64(m->sessions));
    json_put(out, "connections", json_u64(m->connections));
    json_put(out, "messages", json_u64(m->messages));
    json_put(out, "reports", json_u64(m->reports));
    json_put(out, "recipients", json_u64(m->recipients));
    json_put(out, "recipients_rejected", json_u64(m->recipients_rejected));
    json_put(out, "bytes", json_u64(m->bytes));
    json_put(out, "delivered", json_u64(m->delivered));
    json_put(out, "delayed", json_u64(m->delayed));
    json_put(out, "bounced", json_u64(m->bounced));
    json_put(out, "connection_errors", json_u64(m->connection_errors));
    json_put(out, "log_dropped", json_u64(m->log_dropped));
    json_put(out, "tls", tls_json(m));
    return out;
}

static json_t *certificates_json(struct api_call *call, const struct config *running)
{
    struct stats_certificates found;
    json_t *list = json_array();

    stats_ctl_certificates(control_of(call)->stats, running, call_arena(call), &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct stats_certificate *c = &found.items[i];
        json_t *listeners = json_array();
        for (size_t j = 0; j < c->listener_count; j++)
            (void)json_array_append_new(listeners, json_slice(c->listeners[j]));
        json_t *out = json_object();
        json_put(out, "name", json_slice(c->name));
        json_put(out, "key_type", json_string(c->key_type));
        json_put(out, "subject", json_slice(c->subject));
        json_put(out, "issuer", json_slice(c->issuer));
        json_put(out, "self_signed", json_boolean(c->is_self_signed));
        json_put(out, "not_before", json_time(c->not_before_s * 1000));
        json_put(out, "not_after", json_time(c->not_after_s * 1000));
        json_put(out, "expired", json_boolean(c->is_expired));
        json_put(out, "listeners", listeners);
        json_put(out, "outbound", json_boolean(c->is_outbound));
        (void)json_array_append_new(list, out);
    }
    return list;
}

void api_status(struct api_call *call)
{
    const struct config *running = call_running(call);
    struct stats_status s;

    stats_ctl_status(control_of(call)->stats, running, &s);
    json_t *out = json_object();
    json_put(out, "version", json_string(s.version));
    json_put(out, "started", json_time(s.started_wall_ms));
    json_put(out, "now", json_time(s.now_wall_ms));
    json_put(out, "uptime_s", json_u64(s.uptime_ms / 1000));
    json_put(out, "revision", json_u64(s.revision));
    json_put(out, "readiness", readiness_json(&s.readiness));
    json_put(out, "counters", counters_json(&s.counters));
    json_put(out, "certificates", certificates_json(call, running));
    respond_json(call, out);
}

void api_metrics(struct api_call *call)
{
    const struct control *control = control_of(call);
    struct queue_summary queue;
    struct buf text;

    if (queue_ctl_summary(control->queue, &queue) < 0) {
        problem(call, 503, "unavailable", "the gateway is going down");
        return;
    }
    buf_init(&text, 0);
    stats_ctl_metrics(control->stats, call_running(call), &queue, &text);
    respond_bytes(call, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                  buf_slice(&text));
    buf_finish(&text);
}

void api_schema(struct api_call *call)
{
    respond_json(call, config_describe());
}

void api_openapi(struct api_call *call)
{
    char *text = openapi_render();

    respond_bytes(call, "application/json", slice_str(text));
    free(text);
}

/* --- events --- */

/* What a topic tells of must be what the principal may read anyway. */
static const struct {
    unsigned topics;
    enum scope scope;
} topic_needs[] = {
    {FEED_TOPIC_COMMIT | FEED_TOPIC_DRAFT, SCOPE_CONFIG_READ},
    {FEED_TOPIC_QUEUE, SCOPE_QUEUE_READ},
    {FEED_TOPIC_COUNTERS, SCOPE_METRICS_READ},
};

static unsigned permitted_topics(const struct principal *principal)
{
    unsigned topics = 0;

    for (size_t i = 0; i < ARRAY_LEN(topic_needs); i++)
        if (principal->scopes & 1U << topic_needs[i].scope)
            topics |= topic_needs[i].topics;
    return topics;
}

/* WANTED of none: all that there is, and none of it may be read. */
static bool may_hear(struct api_call *call, unsigned wanted)
{
    for (size_t i = 0; i < ARRAY_LEN(topic_needs); i++)
        if ((wanted == 0 || (wanted & topic_needs[i].topics) != 0) &&
            !auth_require(call, topic_needs[i].scope))
            return false;
    return true;
}

void api_events(struct api_call *call)
{
    unsigned wanted = 0;
    struct slice list = call->params[API_PARAM_TOPICS];

    if (!call_has(call, API_PARAM_TOPICS))
        wanted = permitted_topics(&call->principal);
    while (list.p != NULL && (list.len > 0 || wanted == 0)) {
        struct slice name = slice_cut(&list, ',');
        unsigned i = 0;
        while (i < FEED_TOPIC_COUNT && !slice_eq(name, slice_str(feed_topic_names[i])))
            i++;
        if (i == FEED_TOPIC_COUNT) {
            problem(call, 400, "events.topic",
                    "no topic `%.*s`; there are commit, draft, queue and counters",
                    SLICE_ARGS(name));
            return;
        }
        wanted |= 1U << i;
    }
    if (may_hear(call, wanted))
        respond_stream(call, wanted);
}
