/* Drafts: list, diff, validate, discard, rebase, commit. `me` is one's own, made by its first item.
 */
#include "api/api_priv.h"
#include "api/call_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/target.h"
#include "api/tell.h"
#include "config/validate.h"
#include "control/control.h"

enum { TTL_DEFAULT_S = 7 * 86400, TTL_MIN_S = 60, TTL_MAX_S = 90 * 86400, COMMENT_MAX = 500 };

static json_t *draft_json(const struct draft *d)
{
    json_t *out = json_object();

    json_put(out, "id", json_string(d->id));
    json_put(out, "title", json_slice(slice_str(d->title)));
    json_put(out, "owner", json_slice(slice_str(d->owner)));
    json_put(out, "default", json_boolean(d->is_default));
    json_put(out, "created", json_time(d->created_ms));
    json_put(out, "touched", json_time(d->touched_ms));
    json_put(out, "expires", json_time(d->expires_ms));
    json_put(out, "items", json_u64(d->item_count));
    return out;
}

void api_drafts(struct api_call *call)
{
    struct draft *drafts;
    size_t count;
    struct error error;

    int r = draft_list(call_store(call), call->api->settings.clock, call->principal.name, &drafts,
                       &count, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(items, draft_json(&drafts[i]));
    free(drafts);
    respond_json(call, json_pack("{s:o}", "items", items));
}

void api_draft_create(struct api_call *call)
{
    const char *title = call_text(call, "title", true, DRAFT_TITLE_MAX - 1);
    struct draft draft;
    struct error error;

    if (title == NULL)
        return;
    const json_t *ttl = json_object_get(call->body, "ttl_s");
    json_int_t ttl_s = ttl == NULL ? TTL_DEFAULT_S : json_integer_value(ttl);
    if ((ttl != NULL && !json_is_integer(ttl)) || ttl_s < TTL_MIN_S || ttl_s > TTL_MAX_S) {
        const struct config_error_params range = {
            .has_range = true, .min = TTL_MIN_S, .max = TTL_MAX_S};
        problem_member(call, "/ttl_s", "value.range", &range, "must be %d to %d seconds", TTL_MIN_S,
                       TTL_MAX_S);
        return;
    }
    int64_t expires_ms = clock_wall_ms(call->api->settings.clock) + ttl_s * 1000;
    int r = draft_create(call_store(call), call->api->settings.clock, call->principal.name, title,
                         false, expires_ms, &draft, &error);
    if (r < 0)
        problem_failed(call, &error);
    else
        respond_json(call, draft_json(&draft));
}

/* The draft of the path. `me` without anything staged is an empty one. */
static bool open_draft(struct api_call *call, struct draft *ret_draft, struct overlay **ret_overlay,
                       const json_t *resolve)
{
    bool is_new;

    if (!target_draft(call, call->path_values[0], ret_draft, &is_new))
        return false;
    if (is_new) {
        *ret_draft = (struct draft){.is_default = true};
        (void)snprintf(ret_draft->owner, sizeof ret_draft->owner, "%s", call->principal.name);
    }
    return ret_overlay == NULL ||
           target_overlay(call, is_new ? NULL : ret_draft, resolve, ret_overlay);
}

void api_draft_read(struct api_call *call)
{
    struct draft draft;

    if (open_draft(call, &draft, NULL, NULL))
        respond_json(call, draft_json(&draft));
}

void api_draft_delete(struct api_call *call)
{
    struct draft draft;
    struct error error;

    if (!open_draft(call, &draft, NULL, NULL))
        return;
    int r = draft_delete(call_store(call), draft.id, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    tell_draft(call, draft.id);
    respond_json(call, NULL);
}

void api_draft_diff(struct api_call *call)
{
    struct draft draft;
    struct overlay *overlay;

    if (!open_draft(call, &draft, &overlay, NULL))
        return;
    respond_diff(call, overlay);
    overlay_destroy(overlay);
}

/* What somebody should know before committing, though it is no error. */
static json_t *warnings_of(const struct config *candidate)
{
    json_t *list = json_array();

    for (size_t i = 0; i < candidate->listeners.count; i++) {
        const struct cfg_listener *l = &candidate->listeners.items[i];
        struct buf pointer;
        if (!slice_eq(l->certificate, SLICE("demonstration")) ||
            l->type != CFG_LISTENER_TYPE_PUBLIC)
            continue;
        buf_init(&pointer, 0);
        (void)buf_append_str(&pointer, "/listeners");
        config_pointer_append(&pointer, l->name);
        (void)buf_append_str(&pointer, "/certificate");
        (void)json_array_append_new(list,
                                    json_pack("{s:s,s:s,s:s}", "pointer", buf_cstr(&pointer),
                                              "code", "certificate.demonstration", "detail",
                                              "peers cannot verify the demonstration certificate"));
        buf_finish(&pointer);
    }
    return list;
}

void api_draft_validate(struct api_call *call)
{
    struct draft draft;
    struct overlay *overlay;
    struct config_errors errors;

    if (!open_draft(call, &draft, &overlay, NULL))
        return;
    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    json_t *effects = json_array(), *diff = overlay_diff(overlay);
    for (size_t i = 0; i < json_array_size(diff); i++) {
        const json_t *item = json_array_get(diff, i);
        (void)json_array_append_new(effects, json_pack("{s:O,s:O,s:O,s:O}", "section",
                                                       json_object_get(item, "section"), "listener",
                                                       json_object_get(item, "listener"), "key",
                                                       json_object_get(item, "key"), "when",
                                                       json_object_get(item, "activation")));
    }
    json_decref(diff);
    bool is_ok = candidate != NULL && json_array_size(overlay->conflicts) == 0;
    respond_json(call, json_pack("{s:b,s:o,s:o,s:o,s:O}", "ok", is_ok, "errors",
                                 problem_error_list(&errors), "warnings",
                                 candidate == NULL ? json_array() : warnings_of(candidate),
                                 "effects", effects, "conflicts", overlay->conflicts));
    config_unref(candidate);
    config_errors_finish(&errors);
    overlay_destroy(overlay);
}

static void problem_section(struct api_call *call, const char *section)
{
    const char *names[CFG_SECTION_COUNT];

    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++)
        names[i] = config_section_name((enum cfg_section)i);
    const struct config_error_params params = {
        .got = section,
        .nearest = cfg_nearest(slice_str(section), names, ARRAY_LEN(names)),
        .allowed = names,
        .allowed_count = ARRAY_LEN(names),
    };
    problem_member(call, "/section", "value.enum", &params, "there is no section `%s`", section);
}

/* The item that the body names. */
static bool read_item(struct api_call *call, struct overlay_item *ret_item)
{
    const char *section = call_text(call, "section", true, 64);
    const char *listener = section == NULL ? NULL : call_text(call, "listener", false, 512);
    const char *key = listener == NULL ? NULL : call_text(call, "key", false, 512);

    if (key == NULL)
        return false;
    const json_t *order = json_object_get(call->body, "order");
    if (order != NULL && !json_is_boolean(order)) {
        problem_member(call, "/order", "value.type", NULL, "must be true or false");
        return false;
    }
    *ret_item = (struct overlay_item){
        .section = config_section_find(slice_str(section)),
        .listener = slice_str(listener),
        .key = slice_str(key),
        .is_order = json_is_true(order),
    };
    if (ret_item->section != CFG_SECTION_COUNT)
        return true;
    problem_section(call, section);
    return false;
}

void api_draft_discard(struct api_call *call)
{
    struct draft draft;
    struct overlay_item item;
    struct error error;

    if (!open_draft(call, &draft, NULL, NULL) || !read_item(call, &item))
        return;
    int r = draft_discard(call_store(call), call->api->settings.clock, draft.id, &item, &error);
    if (r == ERR_NOT_FOUND) {
        problem(call, 404, "draft.item_unknown", "the draft has no such item");
    } else if (r < 0) {
        problem_failed(call, &error);
    } else {
        tell_draft(call, draft.id);
        respond_json(call, NULL);
    }
}

/* An answer to a conflict; each of its members is a text. */
static void check_answer(const json_t *answer, size_t index, struct config_errors *errors)
{
    static const struct {
        const char *key;
        bool is_required;
    } members[] = {
        {"section", true}, {"listener", false}, {"key", false}, {"pointer", true}, {"take", true},
    };
    const char *take = json_string_value(json_object_get(answer, "take"));
    size_t known = 0;
    char pointer[64];

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *value = json_object_get(answer, members[i].key);
        (void)snprintf(pointer, sizeof pointer, "/resolve/%zu/%s", index, members[i].key);
        known += value != NULL;
        if (value == NULL && members[i].is_required)
            config_errors_add(errors, pointer, "key.missing", "is missing");
        else if (value != NULL && !json_is_string(value))
            config_errors_add(errors, pointer, "value.type", "must be a text");
    }
    if (take != NULL && strcmp(take, "mine") != 0 && strcmp(take, "theirs") != 0)
        config_errors_add(errors, pointer, "value.enum", "must be mine or theirs");
    (void)snprintf(pointer, sizeof pointer, "/resolve/%zu", index);
    if (json_object_size(answer) > known)
        config_errors_add(errors, pointer, "key.unknown",
                          "has more than section, listener, key, pointer and take");
}

/* One that could not be understood would be left out, and the conflict with it. */
static bool check_answers(struct api_call *call, const json_t *resolve)
{
    struct config_errors errors;
    char pointer[64];

    config_errors_init(&errors);
    for (size_t i = 0; i < json_array_size(resolve); i++) {
        const json_t *answer = json_array_get(resolve, i);
        (void)snprintf(pointer, sizeof pointer, "/resolve/%zu", i);
        if (json_is_object(answer))
            check_answer(answer, i, &errors);
        else
            config_errors_add(&errors, pointer, "value.type", "must be an object");
    }
    bool is_fine = errors.count == 0;
    if (!is_fine)
        problem_errors(call, "body.invalid", &errors);
    config_errors_finish(&errors);
    return is_fine;
}

void api_draft_rebase(struct api_call *call)
{
    struct draft draft;
    struct overlay *overlay;
    struct error error;
    const json_t *resolve = json_object_get(call->body, "resolve");

    if (resolve != NULL && !json_is_array(resolve)) {
        problem_member(call, "/resolve", "value.type", NULL,
                       "must be a list of {section, listener, key, pointer, take: mine or theirs}");
        return;
    }
    if (!check_answers(call, resolve) || !open_draft(call, &draft, &overlay, resolve))
        return;
    int r = 0;
    /* With conflicts open nothing is taken in: the next rebase still knows all three sides. */
    if (json_array_size(overlay->conflicts) == 0 && draft.id[0] != '\0')
        r = draft_replace(call_store(call), call->api->settings.clock, draft.id, overlay->items,
                          overlay->count, &error);
    if (r < 0) {
        problem_failed(call, &error);
    } else {
        tell_draft(call, draft.id);
        respond_diff(call, overlay);
    }
    overlay_destroy(overlay);
}

/* A draft that changes nothing has done its work as well. */
static void forget_draft(struct api_call *call, const struct draft *draft)
{
    struct error error;

    int r = draft_delete(call_store(call), draft->id, &error);
    if (r < 0) /* what is left shows as no change */
        log_warning("api: draft %s changes nothing, but stays: %s", draft->id, error.text);
}

static void commit_overlay(struct api_call *call, const struct draft *draft,
                           const struct overlay *overlay, const char *comment)
{
    struct config_errors errors;
    struct commit_result result = {.revision = overlay->running->revision};
    const char *id =
        draft->id[0] == '\0' ? NULL : draft->id; /* NULL: `me` without anything in it */
    json_t *items = overlay_diff(overlay);
    bool is_changed = json_array_size(items) > 0;

    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    if (candidate == NULL) {
        problem_errors(call, "config.invalid", &errors);
    } else if (!is_changed || call_is_dry(call) ||
               commit_candidate(call, overlay, candidate, comment, id, &result)) {
        if (!call_is_dry(call) && id != NULL) {
            if (!is_changed)
                forget_draft(call, draft);
            tell_draft(call, id);
        }
        api_exchange_reply_field(call->exchange, "Postern-Changed",
                                 is_changed ? SLICE("true") : SLICE("false"));
        respond_json(call, json_pack("{s:o,s:b,s:o,s:O}", "revision", json_u64(result.revision),
                                     "changed", is_changed, "took_ms", json_u64(result.took_ms),
                                     "items", items));
    }
    json_decref(items);
    config_unref(candidate);
    config_errors_finish(&errors);
}

void api_draft_commit(struct api_call *call)
{
    struct draft draft;
    struct overlay *overlay;
    const char *comment = call_text(call, "comment", false, COMMENT_MAX);

    if (comment == NULL || !open_draft(call, &draft, &overlay, NULL))
        return;
    if (json_array_size(overlay->conflicts) > 0)
        problem_with(call, 409, "draft.conflict", "conflicts", json_incref(overlay->conflicts),
                     "others changed the same meanwhile: rebase, taking theirs or mine for each");
    else
        commit_overlay(call, &draft, overlay, comment);
    overlay_destroy(overlay);
}
