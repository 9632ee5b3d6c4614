/* See target.h. */
#include "api/target.h"

#include "api/api_priv.h"
#include "api/json.h"
#include "api/tell.h"
#include "control/control.h"

bool target_draft(struct api_call *call, struct slice name, struct draft *ret_draft,
                  bool *ret_is_new)
{
    struct store *store = call_store(call);
    const struct clock *clock = call->api->settings.clock;
    struct error error;
    bool is_mine = slice_eq(name, SLICE("me"));

    *ret_is_new = false;
    int r = is_mine ? draft_find_default(store, clock, call->principal.name, ret_draft, &error)
                    : draft_find(store, clock, name, ret_draft, &error);
    if (r == 0 && strcmp(ret_draft->owner, call->principal.name) != 0)
        r = ERR_NOT_FOUND; /* others' drafts are theirs alone */
    if (r == ERR_NOT_FOUND && is_mine) {
        *ret_is_new = true;
        return true;
    }
    if (r == 0)
        return true;
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "draft.unknown", "you have no draft `%.*s`; `me` is your own",
                SLICE_ARGS(name));
    else
        problem_failed(call, &error);
    return false;
}

bool target_overlay(struct api_call *call, const struct draft *draft, const json_t *resolve,
                    struct overlay **ret_overlay)
{
    const struct config *running = call_running(call);
    struct draft_items items;
    struct error error;

    if (draft == NULL) {
        *ret_overlay = overlay_create(running, NULL, 0, NULL);
        return true;
    }
    int r = draft_items_load(call_store(call), draft->id, &items, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return false;
    }
    *ret_overlay = overlay_create(running, items.items, items.count, resolve);
    draft_items_finish(&items);
    return true;
}

void respond_diff(struct api_call *call, const struct overlay *overlay)
{
    respond_json(call,
                 json_pack("{s:o,s:o,s:O}", "base_revision", json_u64(overlay->running->revision),
                           "items", overlay_diff(overlay), "conflicts", overlay->conflicts));
}

/* How items get into a draft: draft_stage or draft_replace. */
typedef int put_items(struct store *store, const struct clock *clock, const char *id,
                      const struct overlay_item *items, size_t count, struct error *reterr);

/* One transaction, with the making of a draft that is new. */
static bool put(struct api_call *call, struct api_target *target, const struct overlay_item *items,
                size_t count, put_items *put_into)
{
    struct store *store = call_store(call);
    const struct clock *clock = call->api->settings.clock;
    struct error error;

    int r = store_begin(store, &error);
    if (r == 0) {
        if (target->is_draft_new)
            r = draft_create(store, clock, call->principal.name, "", true, 0, &target->draft,
                             &error);
        if (r == 0)
            r = put_into(store, clock, target->draft.id, items, count, &error);
        r = store_end(store, r, &error);
    }
    if (r < 0) {
        problem_failed(call, &error);
        return false;
    }
    target->is_draft_new = false;
    tell_draft(call, target->draft.id);
    api_exchange_reply_field(call->exchange, "Postern-Draft", slice_str(target->draft.id));
    return true;
}

bool target_stage(struct api_call *call, struct api_target *target, const struct overlay_item *item)
{
    return put(call, target, item, 1, draft_stage);
}

bool target_replace(struct api_call *call, struct api_target *target,
                    const struct overlay_item *items, size_t count)
{
    return put(call, target, items, count, draft_replace);
}

static bool read_place(struct api_call *call, int key_at, struct api_target *target)
{
    struct config_section_traits traits;

    target->section = call->route->sections == API_SECTIONS_NONE
                          ? CFG_SECTION_CERTIFICATES
                          : config_section_find(call->path_values[0]);
    traits = config_section_traits(target->section);
    target->key = key_at < 0 ? SLICE("") : call->path_values[key_at];
    target->listener = SLICE("");
    if (call_has(call, API_PARAM_LISTENER) && !traits.is_per_listener) {
        problem(call, 400, "query.unknown", "%s are not kept per listener: leave `listener` out",
                config_section_name(target->section));
        return false;
    }
    if (call_has(call, API_PARAM_LISTENER))
        target->listener = call->params[API_PARAM_LISTENER];
    bool needs_listener =
        traits.is_per_listener && (key_at >= 0 || call->route->sections == API_SECTIONS_ORDERED);
    if (needs_listener && target->listener.len == 0) {
        problem(call, 400, "listener.required", "say which listener: `?listener=NAME`");
        return false;
    }
    return true;
}

bool target_open(struct api_call *call, int key_at, struct api_target *ret_target)
{
    struct api_target target = {0};

    if (!read_place(call, key_at, &target))
        return false;
    target.has_draft = call_has(call, API_PARAM_DRAFT);
    if (target.has_draft &&
        !target_draft(call, call->params[API_PARAM_DRAFT], &target.draft, &target.is_draft_new))
        return false;
    bool is_overlaid = target.has_draft && !target.is_draft_new;
    if (!target_overlay(call, is_overlaid ? &target.draft : NULL, NULL, &target.view))
        return false;
    *ret_target = target;
    return true;
}

void target_close(struct api_target *target)
{
    overlay_destroy(target->view);
    target->view = NULL;
}

bool target_wants_write(struct api_call *call, const struct api_target *target)
{
    bool is_now = call_has(call, API_PARAM_COMMIT);

    if (is_now == target->has_draft) {
        problem(
            call, 400, "draft.target_required",
            "say where to: `?draft=me` (or a draft's id) stages it, `?commit=now` makes it live "
            "at once; one of the two");
        return false;
    }
    /* Who may write certificates may deploy them: certbot needs one scope. */
    if (is_now && target->section != CFG_SECTION_CERTIFICATES &&
        !auth_require(call, SCOPE_CONFIG_COMMIT))
        return false;
    return true;
}
