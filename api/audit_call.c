/* What an ended call leaves in the audit: each change, login and refusal, never a value. */
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

static bool is_told(const struct api_call *call)
{
    enum api_method method = call->exchange->method;
    bool is_read = method == API_METHOD_GET || method == API_METHOD_HEAD;
    bool is_dry = slice_eq(call->params[API_PARAM_DRY_RUN], SLICE("1"));

    if (call->route == NULL)
        return false;
    if (outcome_of(call->exchange->status) == AUDIT_REFUSED)
        return true;
    return !is_read && !is_dry;
}

void audit_call(struct api_call *call)
{
    const struct api_exchange *exchange = call->exchange;
    struct slice fields[AUDIT_FIELDS_MAX];
    struct error error;

    if (!is_told(call))
        return;
    const struct audit_entry entry = {
        .principal = slice_str(call->principal.name),
        .address = &exchange->address,
        .action = call->route->id,
        .target = call->audit != NULL ? slice_str(call->audit) : exchange->path,
        .outcome = outcome_of(exchange->status),
        .fields = fields,
        .field_count = fields_of(call, fields),
        .request = slice_str(exchange->request_id),
    };
    int r = audit_append(call_store(call), call->api->settings.clock, &entry, NULL, &error);
    if (r < 0)
        log_error("audit: %s was not recorded: %s", call->route->id, error.text);
}
