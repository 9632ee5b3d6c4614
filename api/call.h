/* One call of a route, on the main thread: what handlers see.
 *
 * A handler reads the call, calls control/ and config/, and answers with exactly one respond_* or
 * problem_*. The answer gives the call back, and another thread frees it, perhaps before the
 * function that answered returns: nothing of it may be looked at any more. One that must wait (a
 * password's hash, a search) returns without an answer, keeps the call, and answers later from a
 * letter on the main thread. */
#ifndef POSTERN_API_CALL_H
#define POSTERN_API_CALL_H

#include <jansson.h>

#include "api/exchange.h"
#include "api/route.h"
#include "base/err.h"
#include "config/store.h"

struct api;

enum principal_kind {
    PRINCIPAL_NONE,    /* nobody: public routes only */
    PRINCIPAL_SESSION, /* an administrator in a browser */
    PRINCIPAL_TOKEN,   /* a program with an API token */
    PRINCIPAL_LOCAL,   /* root or our own user at the local socket */
};

enum { PRINCIPAL_NAME_MAX = 160 };

struct principal {
    enum principal_kind kind;
    char name[PRINCIPAL_NAME_MAX]; /* as in audit and drafts: a user, user!token, local:<uid> */
    char user[64];                 /* whose rights they are; empty for LOCAL */
    char id[64];                   /* of the session or the token */
    unsigned scopes;               /* bits 1 << enum scope */
    enum role role;                /* of SESSION and LOCAL */
    bool is_proved;                /* the password was entered within minutes, or need not be */
};

struct api_call {
    struct api *api;
    struct api_exchange *exchange;
    const struct api_route *route;
    struct slice path_values[API_PATH_VALUES_MAX]; /* decoded, in the order of the path */
    struct slice params[API_PARAM_COUNT];          /* decoded; .p NULL: not given */
    struct principal principal;
    json_t *body;             /* of routes with JSON or PATCH; owned by the call */
    const char *audit;        /* target for the audit, in the arena; NULL: the path */
    const char *problem;      /* the code of the answer, if it is a problem */
    struct store_rider rider; /* puts the audit's row into the transaction of what is done */
    bool is_answered;
};

static inline struct mem_arena *call_arena(struct api_call *call)
{
    return &call->exchange->arena;
}
static inline bool call_has(const struct api_call *call, enum api_param param)
{
    return call->params[param].p != NULL;
}
static inline bool call_is_dry(const struct api_call *call)
{
    return slice_eq(call->params[API_PARAM_DRY_RUN], SLICE("1"));
}
/* A parameter as a number: DFLT if it is not given; false, with a problem answered, if it is none
 * or not in 1..MAX. */
bool call_number(struct api_call *call, enum api_param param, uint64_t dflt, uint64_t max,
                 uint64_t *ret_value) MUST_CHECK;
/* Members of the JSON body. Text: NULL, with a problem answered, if a REQUIRED one is missing, or
 * one is no text, or longer than MAX bytes; "" if it is not given. */
const char *call_text(struct api_call *call, const char *key, bool is_required, size_t max);

/* False: answered with 403. For what depends on more than the route. */
bool auth_require(struct api_call *call, enum scope scope) MUST_CHECK;

struct store *call_store(struct api_call *call);
/* The running configuration, until the next commit. */
const struct config *call_running(struct api_call *call);

/* --- answers (respond.c) --- */

/* The route's status with VALUE, whose reference is taken; NULL: no body. */
void respond_json(struct api_call *call, json_t *value);
void respond_status(struct api_call *call, unsigned status, json_t *value);
/* Bytes as they are; TYPE is a literal. */
void respond_bytes(struct api_call *call, const char *type, struct slice bytes);
/* Events instead of an answer. */
void respond_stream(struct api_call *call, unsigned topics);

struct config_error_params;
struct config_errors;

/* application/problem+json (RFC 9457). CODE is stable and names the problem; the text is English,
 * one line, ends with what is allowed. */
void problem(struct api_call *call, unsigned status, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same with a parameter for programs and other languages: NAME and VALUE, whose reference is
 * taken. */
void problem_with(struct api_call *call, unsigned status, const char *code, const char *name,
                  json_t *value, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* 422 body.invalid about a member of the body at POINTER ("": the body itself): one error with its
 * own CODE, as problem_errors gives them. PARAMS may be NULL; the text reads on from the name. */
void problem_member(struct api_call *call, const char *pointer, const char *code,
                    const struct config_error_params *params, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* 422 with every error and its pointer. */
void problem_errors(struct api_call *call, const char *code, const struct config_errors *errors);
/* 409: something of that name is there already. */
void problem_exists(struct api_call *call, const char *code, const struct config_errors *errors);
/* Something of ours failed: 503 when it may work again later, else 500; the text goes to the log
 * and to the caller. */
void problem_failed(struct api_call *call, const struct error *error);

#endif
