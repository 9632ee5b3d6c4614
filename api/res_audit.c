/* The audit of what all administrators did: see config/audit.h. */
#include "api/handlers.h"
#include "api/json.h"
#include "config/audit.h"

enum { AUDIT_DEFAULT = 100 };

void api_audit(struct api_call *call)
{
    struct audit_filter filter = {.principal = call->params[API_PARAM_Q]};
    struct audit_row *rows;
    size_t count;
    uint64_t limit, next;
    struct error error;

    if (!call_number(call, API_PARAM_LIMIT, AUDIT_DEFAULT, AUDIT_LIST_MAX, &limit) ||
        !call_number(call, API_PARAM_CURSOR, 0, INT64_MAX, &filter.before))
        return;
    int r = audit_list(call_store(call), &filter, (size_t)limit, call_arena(call), &rows, &count,
                       &next, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct audit_row *row = &rows[i];
        json_t *out = json_object(), *detail = json_loadb(row->detail.p, row->detail.len, 0, NULL);
        json_put(out, "number", json_u64(row->number));
        json_put(out, "at", json_time(row->at_ms));
        json_put(out, "principal", json_slice(row->principal));
        json_put(out, "address", json_slice(row->address));
        json_put(out, "action", json_slice(row->action));
        json_put(out, "target", json_slice(row->target));
        json_put(out, "outcome", json_string(audit_outcome_word(row->outcome)));
        json_put(out, "detail", detail == NULL ? json_object() : detail);
        json_put(out, "request_id", json_slice(row->request));
        (void)json_array_append_new(items, out);
    }
    respond_json(
        call, json_pack("{s:o,s:o}", "items", items, "next",
                        next == 0 ? json_null() : json_sprintf("%llu", (unsigned long long)next)));
}
