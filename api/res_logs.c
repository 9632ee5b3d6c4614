/* The mail log: a search on a worker, answered when it is back. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "control/control.h"

enum { LINES_DEFAULT = 100, LINES_MAX = 1000 };

struct search_call {
    struct log_ctl_search search;
    struct api_call *call;
};

static json_t *text_json(struct slice line)
{
    struct buf text;

    buf_init(&text, 0);
    log_ctl_text(line, &text);
    json_t *out = json_slice(buf_slice(&text));
    buf_finish(&text);
    return out;
}

static void answer_search(struct letter *letter)
{
    struct log_ctl_search *search = CONTAINER_OF(letter, struct log_ctl_search, letter);
    struct search_call *self = CONTAINER_OF(search, struct search_call, search);
    struct api_call *call = self->call;

    if (search->status == ERR_INVALID) {
        problem(call, 400, "query.cursor", "`cursor` is none that an answer gave");
    } else if (search->status < 0) {
        problem_failed(call, &search->error);
    } else {
        json_t *items = json_array();
        for (size_t i = 0; i < search->result.count; i++) {
            struct slice line = search->result.lines[i];
            json_t *event = json_loadb(line.p, line.len, JSON_ALLOW_NUL, NULL);
            if (event == NULL)
                continue;
            json_put(event, "text", text_json(line));
            (void)json_array_append_new(items, event);
        }
        json_t *out =
            json_pack("{s:o,s:b}", "items", items, "budget_over", search->result.is_budget_over);
        json_put(out, "next",
                 search->result.next[0] == '\0' ? json_null() : json_string(search->result.next));
        search_result_finish(&search->result);
        respond_json(call, out);
    }
    free(self);
}

static bool read_time(struct api_call *call, enum api_param param, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (!call_has(call, param) || search_time_parse(call->params[param], ret_ms))
        return true;
    problem(call, 400, "query.time",
            "`%s` takes a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z",
            api_param_infos[param].name);
    return false;
}

static bool read_query(struct api_call *call, struct search_query *ret_query)
{
    uint64_t limit;

    *ret_query = (struct search_query){
        .text = call->params[API_PARAM_Q],
        .cursor = call->params[API_PARAM_CURSOR],
    };
    if (!call_number(call, API_PARAM_LIMIT, LINES_DEFAULT, LINES_MAX, &limit) ||
        !call_number(call, API_PARAM_ICID, 0, UINT64_MAX, &ret_query->icid) ||
        !call_number(call, API_PARAM_MID, 0, UINT64_MAX, &ret_query->mid) ||
        !call_number(call, API_PARAM_DCID, 0, UINT64_MAX, &ret_query->dcid) ||
        !read_time(call, API_PARAM_FROM, &ret_query->from_ms) ||
        !read_time(call, API_PARAM_TO, &ret_query->to_ms))
        return false;
    ret_query->limit = (size_t)limit;
    if (ret_query->text.len > SEARCH_TEXT_MAX) {
        problem(call, 400, "query.length", "`q` takes at most %d bytes", SEARCH_TEXT_MAX);
        return false;
    }
    if (!call_has(call, API_PARAM_TLS) ||
        search_tls_parse(call->params[API_PARAM_TLS], &ret_query->tls))
        return true;
    problem(call, 400, "query.word", "`tls` takes success, failed or none, not `%.*s`",
            SLICE_ARGS(call->params[API_PARAM_TLS]));
    return false;
}

void api_logs_mail(struct api_call *call)
{
    struct search_call *self = MEM_NEW(struct search_call);

    if (!read_query(call, &self->search.query)) {
        free(self);
        return;
    }
    self->call = call;
    self->search.box = call->api->settings.main;
    self->search.letter.run = answer_search;
    int r = log_ctl_search(call->api->settings.control->log, &self->search);
    if (r == 0)
        return;
    free(self);
    api_exchange_reply_field(call->exchange, "Retry-After", SLICE("1"));
    problem(call, 503, "logs.busy", "as many searches as may run do; try again in a second");
}
