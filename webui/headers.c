/* What every reply carries, whatever it answers, and the problem documents of webui itself.
 * See http_priv.h. RFC 9110, RFC 9457. */
#include <microhttpd.h>

#include "webui/http_priv.h"

/* Nothing may be loaded but what this server serves, no script text, no frame around it. */
#define CONTENT_SECURITY_POLICY                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "   \
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "               \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"

/* clang-format off */
static const struct {
    const char *name, *value;
    bool is_default; /* not when the app has set one of its own */
} common_fields[] = {
    {"Content-Security-Policy",      CONTENT_SECURITY_POLICY, false},
    {"X-Content-Type-Options",       "nosniff",               false},
    {"Referrer-Policy",              "no-referrer",           false},
    {"Cross-Origin-Opener-Policy",   "same-origin",           false},
    {"Cross-Origin-Resource-Policy", "same-origin",           false},
    {"Cache-Control",                "no-store",              true},
};
/* clang-format on */

static bool has_field(const struct api_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->reply_field_count; i++) {
        if (slice_eq_nocase(exchange->reply_fields[i].name, slice_str(name)))
            return true;
    }
    return false;
}

/* It takes NUL-terminated text without line ends: what the app puts in otherwise is a bug. */
static void add(struct MHD_Response *response, const char *name, const char *value)
{
    ASSERT(MHD_add_response_header(response, name, value) == MHD_YES);
}

void http_reply_fields(struct MHD_Response *response, struct http_request *request)
{
    struct api_exchange *exchange = &request->exchange;

    for (size_t i = 0; i < ARRAY_LEN(common_fields); i++) {
        if (!common_fields[i].is_default || !has_field(exchange, common_fields[i].name))
            add(response, common_fields[i].name, common_fields[i].value);
    }
    add(response, "X-Request-Id", exchange->request_id);
    if (request->conn->http->settings.build != NULL)
        add(response, "Postern-Build", request->conn->http->settings.build);
    if (exchange->content_type != NULL)
        add(response, "Content-Type", exchange->content_type);
    for (size_t i = 0; i < exchange->reply_field_count; i++) {
        struct slice value = exchange->reply_fields[i].value;
        add(response, exchange->reply_fields[i].name.p,
            mem_arena_strndup(&exchange->arena, value.p, value.len));
    }
    if (request->must_close)
        add(response, "Connection", "close");
}

void http_problem(struct api_exchange *exchange, unsigned status, const char *code,
                  const char *detail)
{
    buf_clear(&exchange->reply, 0);
    exchange->status = status;
    exchange->content_type = "application/problem+json";
    exchange->reply_field_count = 0;
    exchange->stream_topics = 0;
    exchange->lasting = slice_of(NULL, 0);
    (void)buf_printf(&exchange->reply,
                     "{\"type\":\"/api/v1/problems/%s\",\"title\":\"%s\",\"status\":%u,"
                     "\"detail\":\"%s\",\"code\":\"%s\",\"params\":{},\"request_id\":\"%s\"}\n",
                     code, MHD_get_reason_phrase_for(status), status, detail, code,
                     exchange->request_id); /* no cap */
}
