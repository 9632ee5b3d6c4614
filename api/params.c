/* See params.h. */
#include "api/params.h"

#include "api/json.h"

/* UTF-8, as uri_decode left it. */
static size_t characters(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return count;
}

static bool is_one_of(const json_t *words, struct slice value)
{
    for (size_t i = 0; i < json_array_size(words); i++)
        if (slice_eq(value, slice_str(json_string_value(json_array_get(words, i)))))
            return true;
    return false;
}

static void problem_word(struct api_call *call, const struct api_param_info *info, json_t *words,
                         struct slice value)
{
    struct buf list;

    buf_init(&list, 0);
    for (size_t i = 0; i < json_array_size(words); i++)
        (void)buf_printf(&list, "%s%s", i == 0 ? "" : " or ",
                         json_string_value(json_array_get(words, i)));
    problem_with(call, 400, "query.word", "allowed", json_incref(words),
                 "`%s` takes %s, not `%.*s`", info->name, buf_cstr(&list), SLICE_ARGS(value));
    buf_finish(&list);
}

static bool check(struct api_call *call, const struct api_param_info *info, struct slice value)
{
    json_t *schema = json_loads(info->schema, 0, NULL);
    json_t *words = json_object_get(schema, "enum");
    const json_t *most = json_object_get(schema, "maxLength");
    bool is_word = words == NULL || is_one_of(words, value);
    bool is_short = most == NULL || characters(value) <= (size_t)json_integer_value(most);

    ASSERT(schema != NULL); /* params.def holds JSON */
    if (!is_word)
        problem_word(call, info, words, value);
    else if (!is_short)
        problem_with(call, 400, "query.length", "max", json_u64((uint64_t)json_integer_value(most)),
                     "`%s` takes at most %lld characters", info->name,
                     (long long)json_integer_value(most));
    json_decref(schema);
    return is_word && is_short;
}

bool params_check(struct api_call *call)
{
    for (unsigned i = 0; i < API_PARAM_COUNT; i++)
        if (call_has(call, (enum api_param)i) && !check(call, &api_param_infos[i], call->params[i]))
            return false;
    return true;
}
