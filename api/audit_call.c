/* What a call leaves in the audit: each change, login and refusal, never a value.
 *
 * What the database keeps is told in the transaction that changes it, so that neither a kill nor a
 * full disk leaves an action without its row, or a row without its action. Refusals, failures, and
 * what is done elsewhere (the queue) get their row when the call ends. */
#include "api/api_priv.h"
#include "api/call_priv.h"
#include "config/audit.h"
#include "control/control.h"

static enum audit_outcome outcome_of(unsigned status)
{
    if (status < 400)
        return AUDIT_DONE;
    return status == 401 || status == 403 || status == 429 ? AUDIT_REFUSED : AUDIT_FAILED;
}

/* The names of the body's members. */
static size_t fields_of(struct api_call *call, struct slice fields[AUDIT_FIELDS_MAX])
{
    size_t count = 0;

    for (void *it = json_object_iter(call->body); it != NULL && count < AUDIT_FIELDS_MAX;
         it = json_object_iter_next(call->body, it))
        fields[count++] = slice_str(json_object_iter_key(it));
    return count;
}

static bool is_change(const struct api_call *call)
{
    enum api_method method = call->exchange->method;
    bool is_read = method == API_METHOD_GET || method == API_METHOD_HEAD;

    return call->route != NULL && !is_read && !call_is_dry(call);
}

static int append(struct api_call *call, enum audit_outcome outcome, struct error *reterr)
{
    const struct api_exchange *exchange = call->exchange;
    struct slice fields[AUDIT_FIELDS_MAX];
    const struct audit_entry entry = {
        .principal = slice_str(call->principal.name),
        .address = &exchange->address,
        .action = call->route->id,
        .target = call->audit != NULL ? slice_str(call->audit) : exchange->path,
        .outcome = outcome,
        .fields = fields,
        .field_count = fields_of(call, fields),
        .request = slice_str(exchange->request_id),
    };
    return audit_append(call_store(call), call->api->settings.clock, &entry, NULL, reterr);
}

static int write_rider(struct store_rider *rider, struct error *reterr)
{
    return append(CONTAINER_OF(rider, struct api_call, rider), AUDIT_DONE, reterr);
}

void audit_run(struct api_call *call, void (*run)(void *owner), void *owner)
{
    struct store *store = call_store(call);

    call->rider.write = write_rider;
    store_set_rider(store, is_change(call) ? &call->rider : NULL);
    run(owner);
    store_set_rider(store, NULL); /* an answered call is gone, one that waits comes back here */
}

void audit_call(struct api_call *call)
{
    enum audit_outcome outcome = outcome_of(call->exchange->status);
    struct error error;

    store_set_rider(call_store(call), NULL);
    if (call->route == NULL || (outcome != AUDIT_REFUSED && !is_change(call)))
        return;
    if (outcome == AUDIT_DONE && call->rider.is_stored)
        return;
    int r = append(call, outcome, &error);
    if (r < 0)
        log_error("audit: %s was not recorded: %s", call->route->id, error.text);
}
