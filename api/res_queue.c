/* The queue: summary, destinations, messages; retry and delete. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "control/control.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };

static struct queue_ctl *queue_of(struct api_call *call)
{
    return call->api->settings.control->queue;
}

static void problem_gone(struct api_call *call, int r, const char *what)
{
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "queue.not_found", "%s is not in the queue", what);
    else if (r == ERR_BUSY)
        problem(call, 409, "queue.busy", "%s is just being reported on; try again later", what);
    else if (r == ERR_INVALID)
        problem(call, 400, "query.cursor", "`cursor` is none that an answer gave");
    else if (r == ERR_IO)
        problem(call, 503, "queue.not_stored",
                "%s is out of the queue, but that could not be stored", what);
    else
        problem(call, 503, "unavailable", "the gateway is going down");
}

void api_queue_summary(struct api_call *call)
{
    struct queue_summary s;

    int r = queue_ctl_summary(queue_of(call), &s);
    if (r < 0) {
        problem_gone(call, r, "the queue");
        return;
    }
    json_t *out = json_object();
    json_put(out, "messages", json_u64(s.messages));
    json_put(out, "recipients_pending", json_u64(s.rcpts_pending));
    json_put(out, "ready", json_u64(s.ready));
    json_put(out, "active", json_u64(s.active));
    json_put(out, "waiting", json_u64(s.waiting));
    json_put(out, "bouncing", json_u64(s.bouncing));
    json_put(out, "bytes", json_u64(s.bytes));
    json_put(out, "delivered", json_u64(s.delivered));
    json_put(out, "delayed", json_u64(s.delayed));
    json_put(out, "bounced", json_u64(s.bounced));
    json_put(out, "destinations", json_u64(s.destinations));
    json_put(out, "destinations_down", json_u64(s.destinations_down));
    json_put(out, "oldest", json_time(s.oldest_wall_ms));
    respond_json(call, out);
}

static json_t *reply_json(const struct queue_view_reply *reply)
{
    json_t *out;

    if (reply->at_wall_ms == 0)
        return json_null();
    out = json_object();
    json_put(out, "code", reply->code == 0 ? json_null() : json_integer(reply->code));
    json_put(out, "enhanced", json_slice(reply->enhanced));
    json_put(out, "text", json_slice(reply->text));
    json_put(out, "at", json_time(reply->at_wall_ms));
    return out;
}

static json_t *destination_json(const struct queue_view_dest *d)
{
    json_t *out = json_object();

    json_put(out, "destination", json_slice(d->destination));
    json_put(out, "state", json_string(queue_dest_state_word(d->state)));
    json_put(out, "messages", json_u64(d->messages));
    json_put(out, "ready", json_u64(d->ready));
    json_put(out, "active", json_u64(d->active));
    json_put(out, "waiting", json_u64(d->waiting));
    json_put(out, "connections", json_u64(d->connections));
    json_put(out, "delivered", json_u64(d->delivered));
    json_put(out, "delayed", json_u64(d->delayed));
    json_put(out, "bounced", json_u64(d->bounced));
    json_put(out, "oldest", json_time(d->oldest_wall_ms));
    json_put(out, "next_try", json_time(d->next_try_wall_ms));
    json_put(out, "last_reply", reply_json(&d->last));
    json_put(out, "tls", json_string(queue_tls_word(d->tls)));
    return out;
}

void api_queue_destinations(struct api_call *call)
{
    uint64_t limit;
    struct queue_view_dests found;

    if (!call_number(call, API_PARAM_LIMIT, LIMIT_DEFAULT, LIMIT_MAX, &limit))
        return;
    const struct queue_view_dests_query query = {
        .text = call->params[API_PARAM_Q],
        .cursor = call->params[API_PARAM_CURSOR],
        .limit = (size_t)limit,
    };
    int r = queue_ctl_destinations(queue_of(call), &query, call_arena(call), &found);
    if (r < 0) {
        problem_gone(call, r, "the queue");
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < found.count; i++)
        (void)json_array_append_new(items, destination_json(&found.items[i]));
    json_t *out = json_pack("{s:o,s:o}", "items", items, "total", json_u64(found.total));
    json_put(out, "next", found.next.len == 0 ? json_null() : json_slice(found.next));
    respond_json(call, out);
}

void api_queue_destination(struct api_call *call)
{
    struct queue_view_dest found;

    int r = queue_ctl_destination(queue_of(call), call->path_values[0], call_arena(call), &found);
    if (r < 0)
        problem_gone(call, r, "this destination");
    else
        respond_json(call, destination_json(&found));
}

void api_queue_destination_retry(struct api_call *call)
{
    int r = queue_ctl_destination_retry(queue_of(call), call->path_values[0]);

    if (r < 0)
        problem_gone(call, r, "this destination");
    else
        respond_json(call, NULL);
}

/* --- messages --- */

static json_t *rcpt_json(const struct queue_view_rcpt *rcpt)
{
    json_t *out = json_object();

    json_put(out, "rid", json_integer(rcpt->rid));
    json_put(out, "state", json_string(queue_rcpt_state_word(rcpt->state)));
    json_put(out, "address", json_slice(rcpt->address));
    json_put(out, "destination", json_slice(rcpt->destination));
    json_put(out, "tries", json_integer(rcpt->tries));
    json_put(out, "next_try", json_time(rcpt->next_try_wall_ms));
    json_put(out, "last_reply", reply_json(&rcpt->last));
    return out;
}

static json_t *message_json(const struct queue_view_message *m)
{
    json_t *out = json_object();

    json_put(out, "mid", json_u64(m->mid));
    json_put(out, "icid", m->icid == 0 ? json_null() : json_u64(m->icid));
    json_put(out, "bounce_of", m->bounce_of == 0 ? json_null() : json_u64(m->bounce_of));
    json_put(out, "sender", json_slice(m->sender));
    json_put(out, "client", json_ip(&m->client_ip));
    json_put(out, "size_bytes", json_u64(m->size_bytes));
    json_put(out, "received", json_time(m->received_wall_ms));
    json_put(out, "recipients", json_integer(m->rcpt_count));
    json_put(out, "recipients_pending", json_integer(m->pending_count));
    json_put(out, "tries", json_integer(m->tries));
    json_put(out, "next_try", json_time(m->next_try_wall_ms));
    json_put(out, "active", json_boolean(m->is_active));
    json_put(out, "destination", json_slice(m->destination));
    json_put(out, "destinations", json_u64(m->destination_count));
    json_put(out, "last_reply", reply_json(&m->last));
    return out;
}

void api_queue_messages(struct api_call *call)
{
    uint64_t limit, after;
    struct queue_view_messages found;

    if (!call_number(call, API_PARAM_LIMIT, LIMIT_DEFAULT, LIMIT_MAX, &limit) ||
        !call_number(call, API_PARAM_CURSOR, 0, UINT64_MAX, &after))
        return;
    const struct queue_view_messages_query query = {
        .destination = call->params[API_PARAM_DESTINATION],
        .after_mid = after,
        .limit = (size_t)limit,
    };
    int r = queue_ctl_messages(queue_of(call), &query, call_arena(call), &found);
    if (r < 0) {
        problem_gone(call, r, "the queue");
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < found.count; i++)
        (void)json_array_append_new(items, message_json(&found.items[i]));
    json_t *out = json_pack("{s:o}", "items", items);
    json_put(out, "next",
             found.next_after_mid == 0
                 ? json_null()
                 : json_sprintf("%llu", (unsigned long long)found.next_after_mid));
    respond_json(call, out);
}

/* The {mid} of the path; 0 with a problem answered. */
static uint64_t mid_of(struct api_call *call)
{
    unsigned long long mid = 0;

    if (slice_to_u64(call->path_values[0], UINT64_MAX, &mid) && mid > 0)
        return mid;
    problem(call, 404, "queue.not_found", "a message is named by its MID, a number");
    return 0;
}

void api_queue_message(struct api_call *call)
{
    struct queue_view_message found;
    uint64_t mid = mid_of(call);

    if (mid == 0)
        return;
    int r = queue_ctl_message(queue_of(call), mid, call_arena(call), &found);
    if (r < 0) {
        problem_gone(call, r, "this message");
        return;
    }
    json_t *out = message_json(&found), *rcpts = json_array();
    for (size_t i = 0; i < found.rcpt_count && found.rcpts != NULL; i++)
        (void)json_array_append_new(rcpts, rcpt_json(&found.rcpts[i]));
    json_put(out, "recipient_list", rcpts);
    respond_json(call, out);
}

void api_queue_message_retry(struct api_call *call)
{
    uint64_t mid = mid_of(call);

    if (mid == 0)
        return;
    int r = queue_ctl_message_retry(queue_of(call), mid);
    if (r < 0)
        problem_gone(call, r, "this message");
    else
        respond_json(call, NULL);
}

void api_queue_message_delete(struct api_call *call)
{
    enum queue_ctl_deleted deleted;
    uint64_t mid = mid_of(call);

    if (mid == 0)
        return;
    int r =
        queue_ctl_message_delete(queue_of(call), mid, slice_str(call->principal.name), &deleted);
    if (r < 0)
        problem_gone(call, r, "this message");
    else
        respond_json(call, json_pack("{s:b}", "complete", deleted == QUEUE_CTL_DELETED_NOW));
}
