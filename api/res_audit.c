/* The audit of what all administrators did: its rows, and whether they are what was written.
 *
 * The walk over the chain is cut into pieces that are letters to main's own box: what came in
 * meanwhile has its turn between two of them. One walk at a time: so a turn stays short, and nobody
 * keeps main busy by asking again and again. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "config/audit.h"

enum { AUDIT_DEFAULT = 100, PIECE_ROWS = 1000 };

static json_t *json_hash(const uint8_t hash[SHA256_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * SHA256_BYTES];

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    return json_stringn(text, sizeof text);
}

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
        json_put(out, "hash", json_hash(row->hash));
        (void)json_array_append_new(items, out);
    }
    respond_json(
        call, json_pack("{s:o,s:o}", "items", items, "next",
                        next == 0 ? json_null() : json_sprintf("%llu", (unsigned long long)next)));
}

/* --- the chain --- */

struct verification {
    struct letter letter;
    struct api_call *call;
    struct audit_check check;
};

static void answer_verification(struct verification *self)
{
    struct api_call *call = self->call;
    const struct audit_check *check = &self->check;
    uint8_t hash[SHA256_BYTES];
    uint64_t newest;
    struct error error;

    int r = audit_newest(call_store(call), &newest, hash, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *out =
        json_pack("{s:b,s:o,s:o,s:o}", "ok", check->broken == 0, "rows", json_u64(check->checked),
                  "newest", json_u64(newest), "hash", json_hash(hash));
    json_put(out, "broken_at", check->broken == 0 ? json_null() : json_u64(check->broken));
    respond_json(call, out);
}

static void verify_piece(struct letter *letter)
{
    struct verification *self = CONTAINER_OF(letter, struct verification, letter);
    struct api_call *call = self->call;
    struct error error;

    int r = audit_check(call_store(call), &self->check, PIECE_ROWS, &error);
    if (r == 0 && !self->check.is_done) {
        bool is_posted = mailbox_post(call->api->settings.main, &self->letter);
        ASSERT(is_posted); /* main's box stays open until all calls have ended */
        return;
    }
    call->api->is_verifying = false;
    if (r < 0)
        problem_failed(call, &error);
    else
        answer_verification(self);
    free(self);
}

void api_audit_verify(struct api_call *call)
{
    if (call->api->is_verifying) {
        api_exchange_reply_field(call->exchange, "Retry-After", SLICE("1"));
        problem(call, 503, "audit.busy", "the audit is being verified; try again in a second");
        return;
    }
    struct verification *self = MEM_NEW(struct verification);
    *self =
        (struct verification){.letter.run = verify_piece, .call = call, .check = AUDIT_CHECK_INIT};
    call->api->is_verifying = true;
    verify_piece(&self->letter);
}
