/* Reading a call: see call.h. */
#include "api/call.h"

#include "api/api_priv.h"
#include "config/config.h"
#include "control/control.h"

bool call_number(struct api_call *call, enum api_param param, uint64_t dflt, uint64_t max,
                 uint64_t *ret_value)
{
    unsigned long long value = 0;

    if (!call_has(call, param)) {
        *ret_value = dflt;
        return true;
    }
    if (slice_to_u64(call->params[param], max, &value) && value >= 1) {
        *ret_value = value;
        return true;
    }
    problem(call, 400, "query.number", "`%s` takes a number from 1 to %llu, not `%.*s`",
            api_param_infos[param].name, (unsigned long long)max, SLICE_ARGS(call->params[param]));
    return false;
}

const char *call_text(struct api_call *call, const char *key, bool is_required, size_t max)
{
    json_t *value = json_object_get(call->body, key);
    const struct config_error_params range = {.has_range = true, .min = is_required, .max = max};
    char pointer[128];

    (void)snprintf(pointer, sizeof pointer, "/%s", key);
    if (value == NULL && !is_required)
        return "";
    if (value == NULL)
        problem_member(call, pointer, "key.missing", NULL, "is missing");
    else if (!json_is_string(value))
        problem_member(call, pointer, "value.type", NULL, "must be a text");
    else if (json_string_length(value) > max ||
             strlen(json_string_value(value)) != json_string_length(value))
        problem_member(call, pointer, "value.length", &range,
                       "must be at most %zu bytes, without NUL", max);
    else if (is_required && json_string_length(value) == 0)
        problem_member(call, pointer, "value.length", &range, "must not be empty");
    else
        return json_string_value(value);
    return NULL;
}

struct store *call_store(struct api_call *call)
{
    return config_ctl_store(call->api->settings.control->config);
}

const struct config *call_running(struct api_call *call)
{
    return config_ctl_running(call->api->settings.control->config);
}
