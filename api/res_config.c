/* Any section, drawn from the rows: list, read, put, patch, delete, order. */
#include "api/api_priv.h"
#include "api/certificate_status.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/target.h"
#include "api/tell.h"
#include "config/merge.h"
#include "config/objects.h"
#include "config/uses.h"
#include "control/control.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

static bool is_sparse(const struct api_call *call)
{
    return slice_eq(call->params[API_PARAM_SPARSE], SLICE("1"));
}

/* As an answer has it; a certificate with what it says. */
static json_t *shown(struct api_call *call, const struct api_target *target, json_t *object)
{
    json_t *out;

    if (is_sparse(call))
        out = object_sparse(target->section, object);
    else if (target->section == CFG_SECTION_CERTIFICATES)
        out = json_copy(object);
    else
        return json_incref(object);
    if (target->section == CFG_SECTION_CERTIFICATES)
        json_put(out, "status", certificate_status(call, object, target->view->document));
    return out;
}

/* --- reading --- */

static void give_etag(struct api_call *call, const json_t *value)
{
    char etag[OBJECT_ETAG_MAX], quoted[OBJECT_ETAG_MAX + 2];

    object_etag(value, etag);
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    api_exchange_reply_field(call->exchange, "ETag", slice_str(quoted));
}

static void problem_unknown(struct api_call *call, const struct api_target *target)
{
    problem(call, 404, "config.unknown", "%s has no `%.*s`%s%.*s",
            config_section_name(target->section), SLICE_ARGS(target->key),
            target->listener.len > 0 ? " on listener " : "", SLICE_ARGS(target->listener));
}

static void read_object(struct api_call *call, int key_at)
{
    struct api_target target;

    if (!target_open(call, key_at, &target))
        return;
    json_t *object = overlay_object(target.view, target.section, target.listener, target.key);
    if (object == NULL) {
        problem_unknown(call, &target);
    } else {
        give_etag(call, object);
        respond_json(call, shown(call, &target, object));
    }
    target_close(&target);
}

/* Where an object stands in a list, for the cursor. */
static char *place_of(struct api_call *call, const json_t *object, const char *key)
{
    const char *listener = json_string_value(json_object_get(object, "listener"));
    const char *name = json_string_value(json_object_get(object, key));
    char *text = mem_printf("%s/%s", listener == NULL ? "" : listener, name);
    char *kept = mem_arena_strndup(call_arena(call), text, strlen(text));

    free(text);
    return kept;
}

static bool holds(const json_t *object, struct slice text)
{
    char *whole = json_dumps(object, JSON_COMPACT);
    bool is_found = strcasestr(whole, text.p) != NULL; /* decoded: NUL behind it */

    free(whole);
    return is_found;
}

static void list_objects(struct api_call *call)
{
    struct api_target target;
    uint64_t limit;

    if (!call_number(call, API_PARAM_LIMIT, LIST_DEFAULT, LIST_MAX, &limit) ||
        !target_open(call, -1, &target))
        return;
    const char *key = config_section_traits(target.section).key;
    json_t *all = overlay_objects(target.view, target.section, target.listener);
    json_t *items = json_array(), *next = json_null();
    struct slice cursor = call->params[API_PARAM_CURSOR];
    bool is_begun = !call_has(call, API_PARAM_CURSOR);
    size_t total = 0;
    const char *last = NULL;

    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *object = json_array_get(all, i);
        if (call_has(call, API_PARAM_Q) && !holds(object, call->params[API_PARAM_Q]))
            continue;
        total++;
        const char *place = place_of(call, object, key);
        if (!is_begun) {
            is_begun = slice_eq(cursor, slice_str(place));
        } else if (json_array_size(items) < limit) {
            (void)json_array_append_new(items, shown(call, &target, object));
            last = place;
        } else if (json_is_null(next)) {
            next = json_string(last);
        }
    }
    json_decref(all);
    target_close(&target);
    if (!is_begun) {
        json_decref(items);
        problem(call, 400, "query.cursor",
                "the object that `cursor` named is gone: begin again without it");
        return;
    }
    respond_json(
        call, json_pack("{s:o,s:o,s:o}", "items", items, "next", next, "total", json_u64(total)));
}

/* --- writing --- */

/* If-Match and If-None-Match (RFC 9110 13.1) against what the target's view has. */
static bool check_conditions(struct api_call *call, const json_t *current)
{
    struct slice match = api_exchange_field(call->exchange, "If-Match");
    struct slice none = api_exchange_field(call->exchange, "If-None-Match");
    char etag[OBJECT_ETAG_MAX] = "", quoted[OBJECT_ETAG_MAX + 2];

    if (current != NULL)
        object_etag(current, etag);
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    if (slice_eq(none, SLICE("*")) && current != NULL) {
        problem(call, 412, "object.exists", "it is there already, with the ETag %s", quoted);
        return false;
    }
    if (match.len == 0) {
        if (current == NULL || call->principal.kind != PRINCIPAL_SESSION)
            return true;
        problem(call, 428, "object.if_match",
                "changing what is there needs If-Match with its ETag, now %s", quoted);
        return false;
    }
    if (current != NULL && (slice_eq(match, SLICE("*")) || slice_eq(match, slice_str(quoted))))
        return true;
    problem(call, 412, "object.stale", "it changed meanwhile: its ETag is now %s",
            current == NULL ? "none, it is gone" : quoted);
    return false;
}

static void tell_changed(struct api_call *call, bool is_changed)
{
    api_exchange_reply_field(call->exchange, "Postern-Changed",
                             is_changed ? SLICE("true") : SLICE("false"));
}

static void respond_written(struct api_call *call, const struct overlay_item *item, json_t *diff,
                            bool is_changed)
{
    json_t *out = json_object();

    tell_changed(call, is_changed);
    if (item->value != NULL)
        give_etag(call, item->value);
    json_put(out, "changed", json_boolean(is_changed));
    json_put(out, "object", item->value == NULL ? json_null() : json_incref(item->value));
    json_put(out, "diff", diff);
    respond_json(call, out);
}

/* The item alone over what runs: as a commit of its own, or to see what it would do. */
static void write_now(struct api_call *call, const struct overlay_item *item)
{
    struct overlay *overlay = overlay_create(call_running(call), item, 1, NULL);
    struct slice comment = call->params[API_PARAM_COMMENT];
    struct config_errors errors;
    json_t *diff = overlay_diff(overlay);
    bool is_changed = json_array_size(diff) > 0;

    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    if (candidate == NULL) {
        json_decref(diff);
        problem_errors(call, "config.invalid", &errors);
    } else if (call_is_dry(call) || !is_changed) {
        respond_written(call, item, diff, is_changed);
    } else if (commit_candidate(call, overlay, candidate, comment.p == NULL ? "" : comment.p, NULL,
                                NULL)) {
        respond_written(call, item, diff, true);
    } else {
        json_decref(diff);
    }
    config_unref(candidate);
    config_errors_finish(&errors);
    overlay_destroy(overlay);
}

static bool is_same_place(const struct overlay_item *a, const struct overlay_item *b)
{
    return a->section == b->section && a->is_order == b->is_order &&
           slice_eq(a->listener, b->listener) && slice_eq(a->key, b->key);
}

static bool is_of_item(const json_t *entry, const struct overlay_item *item)
{
    const char *op = json_string_value(json_object_get(entry, "op"));
    const char *section = json_string_value(json_object_get(entry, "section"));
    const char *listener = json_string_value(json_object_get(entry, "listener"));
    const char *key = json_string_value(json_object_get(entry, "key"));

    return strcmp(section, config_section_name(item->section)) == 0 &&
           slice_eq(slice_str(listener), item->listener) && slice_eq(slice_str(key), item->key) &&
           (strcmp(op, "order") == 0) == item->is_order;
}

/* What ITEM changes among all that the draft holds: an order may name what only the draft has. */
static json_t *diff_in_draft(const struct overlay *view, const struct overlay_item *item)
{
    struct overlay_item *items = mem_array(view->count + 1, sizeof *items);
    json_t *of_item = json_array();
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++)
        if (!is_same_place(&view->items[i], item))
            items[count++] = view->items[i];
    items[count++] = *item;
    struct overlay *overlay = overlay_create(view->running, items, count, NULL);
    json_t *diff = overlay_diff(overlay);
    for (size_t i = 0; i < json_array_size(diff); i++)
        if (is_of_item(json_array_get(diff, i), item))
            (void)json_array_append(of_item, json_array_get(diff, i));
    json_decref(diff);
    overlay_destroy(overlay);
    free(items);
    return of_item;
}

static void write_draft(struct api_call *call, struct api_target *target,
                        const struct overlay_item *item)
{
    if (!call_is_dry(call) && !target_stage(call, target, item))
        return;
    json_t *diff = diff_in_draft(target->view, item);
    respond_written(call, item, diff, json_array_size(diff) > 0);
}

/* Takes VALUE (a reference; NULL: gone) as what the target is to be. */
static void write_value(struct api_call *call, struct api_target *target, json_t *value,
                        bool is_order)
{
    /* The base is what runs: the view shows that, unless a draft lies over it. */
    struct overlay *bare =
        target->view->count == 0 ? NULL : overlay_create(target->view->running, NULL, 0, NULL);
    const struct overlay *running = bare == NULL ? target->view : bare;
    struct overlay_item item = {.section = target->section,
                                .listener = target->listener,
                                .key = is_order ? SLICE("") : target->key,
                                .is_order = is_order,
                                .value = value};
    json_t *old =
        is_order
            ? overlay_order(running, target->section, target->listener)
            : json_incref(overlay_object(running, target->section, target->listener, target->key));

    item.base = old;
    if (target->has_draft)
        write_draft(call, target, &item);
    else
        write_now(call, &item);
    json_decref(old);
    json_decref(value);
    overlay_destroy(bare);
}

enum write { WRITE_PUT, WRITE_PATCH, WRITE_DELETE };

/* The new value; false: answered. */
static bool make_value(struct api_call *call, struct api_target *target, enum write write,
                       const json_t *current, json_t **ret_value)
{
    struct config_errors errors;
    json_t *wanted;

    *ret_value = NULL;
    if (current == NULL && write != WRITE_PUT) {
        problem_unknown(call, target);
        return false;
    }
    if (write == WRITE_DELETE)
        return true;
    if (target->section == CFG_SECTION_CERTIFICATES) /* read = write: it came with the answer */
        (void)json_object_del(call->body, "status");
    wanted = write == WRITE_PUT ? json_incref(call->body) : merge_patch(current, call->body);
    config_errors_init(&errors);
    *ret_value = object_canonical(target->section, target->listener, target->key, wanted, &errors);
    json_decref(wanted);
    if (*ret_value == NULL)
        problem_errors(call, "config.invalid", &errors);
    config_errors_finish(&errors);
    return *ret_value != NULL;
}

static void write_object(struct api_call *call, int key_at, enum write write)
{
    struct api_target target;
    json_t *value;

    if (!target_open(call, key_at, &target))
        return;
    const json_t *current =
        overlay_object(target.view, target.section, target.listener, target.key);
    if (target_wants_write(call, &target) && check_conditions(call, current) &&
        make_value(call, &target, write, current, &value)) {
        const char *key = config_section_traits(target.section).key;
        const json_t *name = key == NULL ? NULL : json_object_get(value, key);
        if (name != NULL) /* as the rows write it: domains in lower case */
            target.key = slice_str(json_string_value(name));
        write_value(call, &target, value, false);
    }
    target_close(&target);
}

/* --- uses --- */

void api_config_uses(struct api_call *call)
{
    struct api_target target;

    if (!target_open(call, 1, &target))
        return;
    struct slice key = object_key(target.section, target.key, call_arena(call));
    if (overlay_object(target.view, target.section, target.listener, key) == NULL)
        problem_unknown(call, &target);
    else
        respond_json(call, config_uses(target.view->document, target.section, key));
    target_close(&target);
}

/* --- orders --- */

static void problem_order(struct api_call *call, const json_t *current)
{
    size_t count = json_array_size(current);
    const char **keys = mem_arena_alloc(call_arena(call), (count + 1) * sizeof *keys);

    for (size_t i = 0; i < count; i++)
        keys[i] = json_string_value(json_array_get(current, i));
    const struct config_error_params params = {.allowed = keys, .allowed_count = count};
    problem_member(call, "", "order.keys", &params,
                   "must be a list that names each of the listener's %zu entries once", count);
}

/* The body names each of the listener's objects once. */
static bool check_order(struct api_call *call, const json_t *current, const json_t *wanted)
{
    json_t *left = json_object(); /* a set: what has not been named yet */
    bool is_same = json_is_array(wanted) && json_array_size(wanted) == json_array_size(current);

    for (size_t i = 0; i < json_array_size(current); i++)
        json_put(left, json_string_value(json_array_get(current, i)), json_true());
    for (size_t i = 0; is_same && i < json_array_size(wanted); i++) {
        const char *key = json_string_value(json_array_get(wanted, i));
        is_same = key != NULL && json_object_del(left, key) == 0;
    }
    json_decref(left);
    if (is_same)
        return true;
    problem_order(call, current);
    return false;
}

void api_config_order_read(struct api_call *call)
{
    struct api_target target;

    if (!target_open(call, -1, &target))
        return;
    json_t *order = overlay_order(target.view, target.section, target.listener);
    give_etag(call, order);
    respond_json(call, order);
    target_close(&target);
}

void api_config_order_put(struct api_call *call)
{
    struct api_target target;

    if (!target_open(call, -1, &target))
        return;
    json_t *current = overlay_order(target.view, target.section, target.listener);
    if (target_wants_write(call, &target) && check_conditions(call, current) &&
        check_order(call, current, call->body))
        write_value(call, &target, json_incref(call->body), true);
    json_decref(current);
    target_close(&target);
}

/* --- the routes --- */

void api_config_list(struct api_call *call)
{
    list_objects(call);
}

void api_config_single_read(struct api_call *call)
{
    read_object(call, -1);
}

void api_config_single_put(struct api_call *call)
{
    write_object(call, -1, WRITE_PUT);
}

void api_config_single_patch(struct api_call *call)
{
    write_object(call, -1, WRITE_PATCH);
}

void api_config_read(struct api_call *call)
{
    read_object(call, 1);
}

void api_config_put(struct api_call *call)
{
    write_object(call, 1, WRITE_PUT);
}

void api_config_patch(struct api_call *call)
{
    write_object(call, 1, WRITE_PATCH);
}

void api_config_delete(struct api_call *call)
{
    write_object(call, 1, WRITE_DELETE);
}

void api_certificates_list(struct api_call *call)
{
    list_objects(call);
}

void api_certificates_read(struct api_call *call)
{
    read_object(call, 0);
}

void api_certificates_put(struct api_call *call)
{
    write_object(call, 0, WRITE_PUT);
}

void api_certificates_patch(struct api_call *call)
{
    write_object(call, 0, WRITE_PATCH);
}

void api_certificates_delete(struct api_call *call)
{
    write_object(call, 0, WRITE_DELETE);
}
