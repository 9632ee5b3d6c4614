/* Fuzz target: a request up to the end of its admission, "METHOD PATH?QUERY LF CONTENT-TYPE", from
 * the local socket, to which everything is permitted.
 *
 * Properties: the route is the one that a plain walk over the table finds, and its path really
 * meets the request's; 405 names just the methods of that path; what the path and the query hold is
 * decoded once and is UTF-8 without control characters; nothing passes that the route does not
 * take, nothing twice; numbers are in their range, the place in the configuration is the path's;
 * every refusal is a problem document; asked again, the answer is the same.
 *
 * What a refused change leaves in the audit is seen through wrappers: there is no database. */
#include "fuzz_target.h"

#include "api/api_priv.h"
#include "api/call_priv.h"
#include "api/target.h"
#include "config/audit.h"
#include "config/config_priv.h"
#include "config/overlay.h"

struct store *__wrap_call_store(struct api_call *call);
const struct config *__wrap_call_running(struct api_call *call);
int __wrap_audit_append(struct store *store, const struct clock *clock,
                        const struct audit_entry *entry, uint64_t *ret_id, struct error *reterr);
void __wrap_store_set_rider(struct store *store, struct store_rider *rider);

static struct mailbox box;
static struct api *api;
static const struct config *running;
static unsigned done_count, audit_count;

struct store *__wrap_call_store(struct api_call *call)
{
    (void)call;
    return NULL; /* only handed on */
}

const struct config *__wrap_call_running(struct api_call *call)
{
    (void)call;
    return running;
}

int __wrap_audit_append(struct store *store, const struct clock *clock,
                        const struct audit_entry *entry, uint64_t *ret_id, struct error *reterr)
{
    (void)store;
    (void)clock;
    (void)ret_id;
    (void)reterr;
    ASSERT(entry->outcome == AUDIT_FAILED && entry->action[0] != '\0');
    audit_count++;
    return 0;
}

/* Nothing is changed, so nothing rides along. */
void __wrap_store_set_rider(struct store *store, struct store_rider *rider)
{
    (void)store;
    ASSERT(rider == NULL);
}

static void set_up(void)
{
    static const struct clock clock;
    static const char text[] =
        "{\"system\":{\"hostname\":\"gw.test\"},\"destination-controls\":[{\"domain\":\"Default\","
        "\"tls\":\"none\",\"max_connections\":1,\"max_messages_per_connection\":1}]}";
    struct api_settings settings = {.main = &box, .clock = &clock, .version = "0"};
    struct config_errors errors;

    config_errors_init(&errors);
    mailbox_init(&box, NULL, NULL);
    api = api_create(&settings);
    running = config_load(slice_str(text), &errors);
    ASSERT(running != NULL);
    config_errors_finish(&errors);
}

/* --- what must come out, found in another way --- */

/* RFC 3629, and none of the control characters of ASCII. Those of C1 may pass. */
static bool is_text(struct slice s)
{
    while (s.len > 0) {
        size_t n = config_character(s);
        bool is_c1 =
            s.len > 1 && (unsigned char)s.p[0] == 0xc2 && ((unsigned char)s.p[1] & 0xe0) == 0x80;
        if (n == 0 && !is_c1)
            return false;
        n = is_c1 ? 2 : n;
        s = slice_of(s.p + n, s.len - n);
    }
    return true;
}

static bool decode(struct slice raw, bool is_query, struct buf *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    buf_clear(out, 0);
    for (size_t i = 0; i < raw.len; i++) {
        char escape[3] = {0};
        if (raw.p[i] != '%') {
            (void)buf_append_char(out, is_query && raw.p[i] == '+' ? ' ' : raw.p[i]);
            continue;
        }
        memcpy(escape, raw.p + i + 1, raw.len - i - 1 < 2 ? raw.len - i - 1 : 2);
        if (strspn(escape, digits) != 2)
            return false;
        (void)buf_append_char(out, (char)strtoul(escape, NULL, 16));
        i += 2;
    }
    return is_text(buf_slice(out));
}

static bool decodes_to(struct slice raw, bool is_query, struct slice wanted)
{
    struct buf out;

    buf_init(&out, 0);
    bool is_same = decode(raw, is_query, &out) && slice_eq(buf_slice(&out), wanted);
    buf_finish(&out);
    return is_same;
}

static bool can_decode(struct slice raw, bool is_query)
{
    struct buf out;

    buf_init(&out, 0);
    bool is_good = decode(raw, is_query, &out);
    buf_finish(&out);
    return is_good;
}

/* Letter by letter along the template; the raw values. */
static bool meets(const struct api_route *route, struct slice path,
                  struct slice raw[API_PATH_VALUES_MAX], size_t *ret_count)
{
    const char *template = route->path;
    size_t i = sizeof(API_BASE) - 1, count = 0;

    if (path.len < i || memcmp(path.p, API_BASE, i) != 0)
        return false;
    for (; *template != '\0'; template ++) {
        if (*template != '{') {
            if (i == path.len || path.p[i++] != *template)
                return false;
            continue;
        }
        size_t begin = i;
        while (i < path.len && path.p[i] != '/')
            i++;
        if (i == begin)
            return false;
        ASSERT(count < API_PATH_VALUES_MAX);
        raw[count++] = slice_of(path.p + begin, i - begin);
        template += strcspn(template, "}");
    }
    *ret_count = count;
    return i == path.len && (route->sections == API_SECTIONS_NONE ||
                             api_route_serves(route, config_section_find(raw[0])));
}

struct wanted {
    const struct api_route *route; /* NULL: 404, or 405 if there are methods */
    unsigned allowed;
    struct slice raw[API_PATH_VALUES_MAX];
    size_t count;
};

static struct wanted want(const struct api_exchange *exchange)
{
    struct wanted wanted = {0};
    const char *path = NULL;
    enum api_method method =
        exchange->method == API_METHOD_HEAD ? API_METHOD_GET : exchange->method;

    for (const struct api_route *r = api_routes; r < api_routes + api_route_count; r++) {
        if ((path != NULL && strcmp(path, r->path) != 0) ||
            !meets(r, exchange->path, wanted.raw, &wanted.count))
            continue;
        path = r->path;
        wanted.allowed |= 1U << r->method;
        if (r->method == API_METHOD_GET)
            wanted.allowed |= 1U << API_METHOD_HEAD;
        if (r->method == method)
            wanted.route = r;
    }
    for (size_t i = 0; wanted.route != NULL && i < wanted.count; i++)
        if (!can_decode(wanted.raw[i], false))
            return (struct wanted){0};
    return wanted;
}

/* The first fault of the query, as the code of its problem; NULL: none. */
static const char *query_fault(const struct api_route *route, struct slice query)
{
    unsigned seen = 0;

    while (query.len > 0) {
        struct slice pair = slice_of(query.p, slice_find(query, '&'));
        size_t equals = slice_find(pair, '='),
               skip = pair.len < query.len ? pair.len + 1 : pair.len;
        struct slice name = slice_of(pair.p, equals);
        struct slice value =
            equals < pair.len ? slice_of(pair.p + equals + 1, pair.len - equals - 1) : SLICE("");
        unsigned param = 0;
        query = slice_of(query.p + skip, query.len - skip);
        if (name.len + value.len == 0)
            continue;
        if (!can_decode(name, true) || !can_decode(value, true))
            return "query.syntax";
        while (param < API_PARAM_COUNT &&
               !decodes_to(name, true, slice_str(api_param_infos[param].name)))
            param++;
        if (param == API_PARAM_COUNT || (route->params & 1U << param) == 0)
            return "query.unknown";
        if (seen & 1U << param)
            return "query.twice";
        seen |= 1U << param;
    }
    return NULL;
}

/* --- checks --- */

static void check_problem(const struct api_exchange *exchange, unsigned status, const char *code)
{
    struct slice text = buf_slice(&exchange->reply);
    json_t *document = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);

    ASSERT(exchange->status == status && document != NULL);
    ASSERT(strcmp(exchange->content_type, "application/problem+json") == 0);
    ASSERT(json_integer_value(json_object_get(document, "status")) == (json_int_t)status);
    ASSERT(json_string_length(json_object_get(document, "detail")) > 0);
    if (code != NULL)
        ASSERT(strcmp(json_string_value(json_object_get(document, "code")), code) == 0);
    json_decref(document);
}

static void check_allowed(const struct api_exchange *exchange, unsigned wanted)
{
    unsigned allowed = 0;

    ASSERT(exchange->reply_field_count == 1);
    struct slice list = exchange->reply_fields[0].value;
    while (list.len > 0) {
        struct slice word = slice_trim(slice_cut(&list, ','));
        unsigned method = 0;
        while (method < API_METHOD_OTHER &&
               !slice_eq(word, slice_str(api_method_word((enum api_method)method))))
            method++;
        ASSERT(method < API_METHOD_OTHER && (allowed & 1U << method) == 0);
        allowed |= 1U << method;
    }
    ASSERT(allowed == wanted);
}

static void check_call(struct api_call *call, const struct wanted *wanted)
{
    ASSERT(call->route == wanted->route);
    for (size_t i = 0; i < API_PATH_VALUES_MAX; i++) {
        if (i < wanted->count)
            ASSERT(decodes_to(wanted->raw[i], false, call->path_values[i]));
        else
            ASSERT(call->path_values[i].len == 0);
    }
    for (unsigned i = 0; i < API_PARAM_COUNT; i++)
        if (call_has(call, (enum api_param)i))
            ASSERT((call->route->params & 1U << i) && is_text(call->params[i]));
}

/* Answers at most once. */
static void check_number(struct api_call *call, enum api_param param)
{
    unsigned long long wanted = 7;
    uint64_t value = 0;
    bool is_number =
        !call_has(call, param) || (slice_to_u64(call->params[param], 1000, &wanted) && wanted > 0);

    ASSERT(call_number(call, param, 7, 1000, &value) == is_number);
    if (is_number)
        ASSERT(value == wanted);
    else
        check_problem(call->exchange, 400, "query.number");
}

static void check_target(struct api_call *call, const struct wanted *wanted)
{
    enum cfg_section section = config_section_find(wanted->raw[0]);
    const struct config_section_traits traits = config_section_traits(section);
    struct api_target target;
    int key_at = wanted->count > 1 ? 1 : -1;

    if (call_has(call, API_PARAM_DRAFT))
        return; /* asks the database */
    if (!target_open(call, key_at, &target)) {
        check_problem(call->exchange, 400, NULL);
        return;
    }
    ASSERT(target.section == section && api_route_serves(call->route, section));
    ASSERT(slice_eq(target.key, key_at < 0 ? SLICE("") : call->path_values[1]));
    ASSERT(target.listener.len == 0 || traits.is_per_listener);
    if (traits.is_per_listener && key_at > 0)
        ASSERT(target.listener.len > 0);
    if (call->route->params & 1U << API_PARAM_COMMIT) {
        if (target_wants_write(call, &target))
            ASSERT(slice_eq(call->params[API_PARAM_COMMIT], SLICE("now")));
        else
            check_problem(call->exchange, 400, NULL);
    }
    target_close(&target);
}

/* Each parameter is a word of its schema, or no longer than that allows. */
static void check_schemas(const struct api_call *call)
{
    for (unsigned i = 0; i < API_PARAM_COUNT; i++) {
        json_t *schema = json_loads(api_param_infos[i].schema, 0, NULL);
        json_t *words = json_object_get(schema, "enum"),
               *most = json_object_get(schema, "maxLength");
        bool is_word = words == NULL;
        for (size_t j = 0; j < json_array_size(words); j++)
            is_word = is_word || slice_eq(call->params[i],
                                          slice_str(json_string_value(json_array_get(words, j))));
        ASSERT(is_word || !call_has(call, (enum api_param)i));
        ASSERT(most == NULL || call->params[i].len <= 4 * (size_t)json_integer_value(most));
        json_decref(schema);
    }
}

static void check_admitted(struct api_exchange *exchange, const struct wanted *wanted)
{
    struct api_call *call = exchange->api_state;
    size_t body_max = call->route->body == API_BODY_NONE       ? 0
                      : call->route->body == API_BODY_DOCUMENT ? (size_t)API_DOCUMENT_MAX
                                                               : (size_t)API_BODY_MAX;

    ASSERT(exchange->body_max == body_max && buf_len(&exchange->reply) == 0 && audit_count == 0);
    check_call(call, wanted);
    check_schemas(call);
    if (call->route->sections != API_SECTIONS_NONE)
        check_target(call, wanted);
    else
        check_number(call, API_PARAM_LIMIT);
}

static void check(struct api_exchange *exchange, const struct wanted *wanted)
{
    const struct api_route *route = wanted->route;

    ASSERT(done_count == 1 && audit_count <= 1);
    if (route == NULL && wanted->allowed == 0) {
        check_problem(exchange, 404, "route.unknown");
        return;
    }
    if (route == NULL) {
        check_problem(exchange, 405, "method.not_allowed");
        check_allowed(exchange, wanted->allowed);
        return;
    }
    const char *fault = query_fault(route, exchange->query);
    struct slice type = api_exchange_field(exchange, "Content-Type");
    if (fault != NULL) {
        check_problem(exchange, 400, fault);
        return;
    }
    if (exchange->status == 0) {
        ASSERT(route->body == API_BODY_NONE ||
               slice_starts_nocase(slice_trim(type), SLICE("application/")));
        check_admitted(exchange, wanted);
        return;
    }
    if (exchange->status == 400) {
        ASSERT(exchange->query.len > 0);
        check_problem(exchange, 400, NULL);
        return;
    }
    ASSERT(route->body != API_BODY_NONE && !slice_eq(type, SLICE("application/json")));
    check_problem(exchange, 415, "body.media_type");
}

/* --- the request --- */

static void on_done(struct api_exchange *exchange)
{
    (void)exchange;
    done_count++;
}

static void admit(struct api_exchange *exchange, struct slice input)
{
    unsigned method = 0;
    struct slice target = slice_cut(&input, '\n');
    struct slice word = slice_cut(&target, ' ');

    api_exchange_init(exchange);
    while (method < API_METHOD_OTHER &&
           !slice_eq(word, slice_str(api_method_word((enum api_method)method))))
        method++;
    exchange->method = (enum api_method)method;
    exchange->path = slice_cut(&target, '?');
    exchange->query = target;
    exchange->fields[0] = (struct api_field){SLICE("Content-Type"), input};
    exchange->field_count = 1;
    exchange->origin = API_ORIGIN_LOCAL;
    exchange->done = on_done;
    done_count = audit_count = 0;
    api_admit(api, exchange);
    while (mailbox_drain(&box) > 0) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    struct api_exchange first, second;

    if (api == NULL)
        set_up();
    if (size > API_URI_MAX)
        return 0;
    admit(&first, input);
    admit(&second, input);
    ASSERT(first.status == second.status && first.body_max == second.body_max);
    ASSERT(slice_eq(buf_slice(&first.reply), buf_slice(&second.reply)));
    struct wanted wanted = want(&second);
    check(&second, &wanted);
    api_exchange_finish(&first);
    api_exchange_finish(&second);
    return 0;
}
