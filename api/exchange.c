/* See exchange.h. */
#include "api/exchange.h"

void api_exchange_init(struct api_exchange *exchange)
{
    *exchange = (struct api_exchange){.method = API_METHOD_OTHER};
    mem_arena_init(&exchange->arena);
    buf_init(&exchange->reply, 0);
}

void api_exchange_finish(struct api_exchange *exchange)
{
    buf_finish(&exchange->reply);
    mem_arena_finish(&exchange->arena);
}

struct slice api_exchange_field(const struct api_exchange *exchange, const char *name)
{
    struct slice found = {0};

    for (size_t i = 0; i < exchange->field_count; i++) {
        if (!slice_eq_nocase(exchange->fields[i].name, slice_str(name)))
            continue;
        if (found.p != NULL)
            return slice_str("");
        found = exchange->fields[i].value;
    }
    return found.p == NULL ? slice_str("") : found;
}

void api_exchange_reply_field(struct api_exchange *exchange, const char *name, struct slice value)
{
    ASSERT(exchange->reply_field_count < API_REPLY_FIELDS_MAX);
    exchange->reply_fields[exchange->reply_field_count++] = (struct api_field){
        .name = slice_str(name),
        .value = slice_of(mem_arena_strndup(&exchange->arena, value.p, value.len), value.len),
    };
}
