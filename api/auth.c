/* Who asks, and may they: the local socket, a bearer token (RFC 6750), or a session's cookie with
 * its CSRF header. Every refusal is audited (api.c); none says which part was wrong. */
#include "api/api_priv.h"
#include "api/call_priv.h"
#include "api/cookie.h"
#include "config/sessions.h"
#include "config/tokens.h"
#include "control/control.h"

static void set_name(struct principal *principal, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void set_name(struct principal *principal, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(principal->name, sizeof(principal->name), fmt, args);
    va_end(args);
}

/* A failing database refuses: nobody gets in because it could not be asked. */
static bool refuse(struct api_call *call, int r, const struct error *error)
{
    if (r != ERR_NOT_FOUND && r != ERR_TIMEOUT) {
        problem_failed(call, error);
        return false;
    }
    api_exchange_reply_field(call->exchange, "WWW-Authenticate", SLICE("Bearer"));
    problem(call, 401, r == ERR_TIMEOUT ? "auth.token_expired" : "auth.invalid",
            r == ERR_TIMEOUT ? "this token has expired; make a new one"
                             : "the token or the session is not valid (any more)");
    return false;
}

static bool identify_token(struct api_call *call, struct slice text)
{
    struct principal *p = &call->principal;
    struct token token;
    struct error error;

    int r = tokens_find(call_store(call), call->api->settings.clock, text, &token, &error);
    if (r < 0)
        return refuse(call, r, &error);
    p->kind = PRINCIPAL_TOKEN;
    set_name(p, "%s!%s", token.user, token.name);
    (void)snprintf(p->user, sizeof(p->user), "%s", token.user);
    (void)snprintf(p->id, sizeof(p->id), "%s", token.id);
    p->scopes = token.rights;
    return true;
}

struct slice auth_cookie(const struct api_exchange *exchange)
{
    return cookie_find(api_exchange_field(exchange, "Cookie"), SLICE(AUTH_COOKIE));
}

static bool is_safe(enum api_method method)
{
    return method == API_METHOD_GET || method == API_METHOD_HEAD;
}

/* Whether an unsafe request of a session comes from our own page. */
static bool is_ours(struct api_call *call, struct slice secret)
{
    struct slice site = api_exchange_field(call->exchange, "Sec-Fetch-Site");

    if (is_safe(call->exchange->method))
        return true;
    if (site.len > 0 && !slice_eq(site, SLICE("same-origin"))) {
        problem(call, 403, "auth.foreign_page",
                "the request does not come from this server's page");
        return false;
    }
    if (session_csrf_matches(secret, api_exchange_field(call->exchange, "X-Postern-CSRF")))
        return true;
    problem(call, 403, "auth.csrf",
            "a session's change needs the header X-Postern-CSRF with the value that GET /session "
            "gives");
    return false;
}

static bool identify_session(struct api_call *call, struct slice secret)
{
    struct principal *p = &call->principal;
    struct session session;
    struct error error;

    int r = sessions_find(call_store(call), call->api->settings.clock, secret, &session, &error);
    if (r < 0)
        return refuse(call, r, &error);
    p->kind = PRINCIPAL_SESSION;
    set_name(p, "%s", session.user);
    (void)snprintf(p->user, sizeof(p->user), "%s", session.user);
    (void)snprintf(p->id, sizeof(p->id), "%s", session.id);
    p->role = session.role;
    p->is_proved = session_is_proved(&session, call->api->settings.clock);
    p->scopes = role_scopes(session.role);
    return is_ours(call, secret);
}

bool auth_identify(struct api_call *call)
{
    struct api_exchange *exchange = call->exchange;
    struct slice authorization = api_exchange_field(exchange, "Authorization");
    struct slice cookie = auth_cookie(exchange);
    struct principal *p = &call->principal;

    if (exchange->origin == API_ORIGIN_LOCAL) {
        p->kind = PRINCIPAL_LOCAL;
        set_name(p, "local:%u", (unsigned)exchange->uid);
        p->role = ROLE_ADMINISTRATOR;
        p->is_proved = true;
        p->scopes = role_scopes(ROLE_ADMINISTRATOR);
        return true;
    }
    if (call->route->need == API_NEED_PUBLIC)
        return true; /* who it is makes no difference: an old cookie must not keep out a login */
    if (slice_starts_nocase(authorization, SLICE("Bearer ")))
        return identify_token(call,
                              slice_trim(slice_of(authorization.p + 7, authorization.len - 7)));
    if (authorization.len == 0 && cookie.len > 0)
        return identify_session(call, cookie);
    return true;
}

bool auth_permit(struct api_call *call)
{
    int need = call->route->need;

    if (need == API_NEED_PUBLIC)
        return true;
    if (call->principal.kind == PRINCIPAL_NONE) {
        api_exchange_reply_field(call->exchange, "WWW-Authenticate", SLICE("Bearer"));
        problem(call, 401, "auth.missing",
                "log in at %s/session, or send an API token as `"
                "Authorization: Bearer pst_…`",
                API_BASE);
        return false;
    }
    return need == API_NEED_SELF || auth_require(call, (enum scope)need);
}

bool auth_require(struct api_call *call, enum scope scope)
{
    if (call->principal.scopes & 1U << scope)
        return true;
    problem_with(call, 403, "permission.missing", "permission", json_string(scope_word(scope)),
                 "%s lacks the permission %s", call->principal.name, scope_word(scope));
    return false;
}

/* --- streams of events --- */

#define OF_SESSION "session!"
#define OF_TOKEN   "token!"

void auth_holder(const struct principal *principal, struct feed_holder *ret_holder)
{
    /* The local socket's name says all: its file is the right. */
    const char *kind = principal->kind == PRINCIPAL_SESSION ? OF_SESSION
                       : principal->kind == PRINCIPAL_TOKEN ? OF_TOKEN
                                                            : "";
    const char *id = principal->kind == PRINCIPAL_LOCAL ? principal->name : principal->id;

    (void)snprintf(ret_holder->id, sizeof(ret_holder->id), "%s%s", kind, id);
    ret_holder->scopes = principal->scopes;
}

/* A database that cannot be asked leaves a stream as it is: it is asked again in a second. */
static bool is_still(struct store *store, const struct clock *clock,
                     const struct feed_holder *holder)
{
    struct slice id = slice_str(holder->id), kind = slice_cut(&id, '!');
    struct session session;
    struct token token;
    unsigned scopes = holder->scopes;
    int r = 0;

    if (slice_eq(kind, SLICE("session"))) {
        r = sessions_peek(store, clock, id, &session, NULL);
        scopes = r == 0 ? role_scopes(session.role) : scopes;
    } else if (slice_eq(kind, SLICE("token"))) {
        r = tokens_peek(store, clock, id, &token, NULL);
        scopes = r == 0 ? token.rights : scopes;
    }
    return r != ERR_NOT_FOUND && r != ERR_TIMEOUT && scopes == holder->scopes;
}

void auth_end_streams(struct api *api)
{
    const struct feed *feed = api->settings.feed;
    struct store *store = config_ctl_store(api->settings.control->config);
    struct feed_holder holders[FEED_STREAMS_MAX];
    size_t count = feed->holders(feed->owner, holders);

    for (size_t i = 0; i < count; i++) {
        if (!is_still(store, api->settings.clock, &holders[i]))
            feed->end(feed->owner, holders[i].id);
    }
}
