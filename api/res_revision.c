/* Revisions: list, diff of any two, restore as a draft; and what one asks of the policy. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/target.h"
#include "api/tell.h"
#include "control/control.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000 };

static json_t *revision_json(struct api_call *call, const struct store_revision *r)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:b}", "revision", json_u64(r->revision), "created",
                     json_time(r->created_ms), "author", json_slice(slice_str(r->author)),
                     "comment", json_slice(slice_str(r->comment)), "changes",
                     json_u64(r->change_count), "running",
                     r->revision == call_running(call)->revision);
}

void api_revisions(struct api_call *call)
{
    uint64_t limit, before;
    struct error error;

    if (!call_number(call, API_PARAM_LIMIT, LIST_DEFAULT, LIST_MAX, &limit) ||
        !call_number(call, API_PARAM_CURSOR, 0, INT64_MAX, &before))
        return;
    struct store_revision *found = mem_array((size_t)limit + 1, sizeof *found);
    int count = store_list_revisions(call_store(call), before, (size_t)limit + 1, found, &error);
    if (count < 0) {
        free(found);
        problem_failed(call, &error);
        return;
    }
    bool has_more = (uint64_t)count > limit;
    size_t shown = has_more ? (size_t)limit : (size_t)count;
    json_t *items = json_array(), *next = json_null();
    for (size_t i = 0; i < shown; i++)
        (void)json_array_append_new(items, revision_json(call, &found[i]));
    if (has_more)
        next = json_sprintf("%llu", (unsigned long long)found[shown - 1].revision);
    free(found);
    respond_json(call, json_pack("{s:o,s:o}", "items", items, "next", next));
}

/* A revision by its number in TEXT; false: answered. */
static bool read_number(struct api_call *call, struct slice text, struct store_revision *ret_found)
{
    unsigned long long number = 0;
    struct error error;

    int r = ERR_NOT_FOUND;
    if (slice_to_u64(text, INT64_MAX - 1, &number) && number > 0)
        r = store_read_revision(call_store(call), number, ret_found, &error);
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "revision.unknown", "there is no revision `%.*s`", SLICE_ARGS(text));
    else if (r < 0)
        problem_failed(call, &error);
    return r == 0;
}

void api_revision_read(struct api_call *call)
{
    struct store_revision found;

    if (read_number(call, call->path_values[0], &found))
        respond_json(call, revision_json(call, &found));
}

/* The configuration of a revision, sealed. One that this program no longer takes is a problem. */
static struct config *load(struct api_call *call, struct slice text)
{
    struct store_revision found;
    struct config_errors errors;
    struct config *config = NULL;
    struct error error;

    if (!read_number(call, text, &found))
        return NULL;
    config_errors_init(&errors);
    int r = store_load_revision(call_store(call), found.revision, &errors, &config, &error);
    if (r < 0) {
        problem_failed(call, &error);
    } else if (!config_validate(config, &errors)) {
        problem_errors(call, "revision.invalid", &errors);
        config_unref(config);
        config = NULL;
    }
    config_errors_finish(&errors);
    return config;
}

/* FROM with what leads to TO over it. */
static struct overlay *overlay_between(struct api_call *call, const struct config *from,
                                       const struct config *to)
{
    struct overlay_item *items;
    size_t count;

    overlay_items_between(from, to, call_arena(call), &items, &count);
    struct overlay *overlay = overlay_create(from, items, count, NULL);
    overlay_items_finish(items, count);
    return overlay;
}

void api_revision_diff(struct api_call *call)
{
    struct config *from = load(call, call->path_values[0]);
    const struct config *to;

    if (from == NULL)
        return;
    to = call_has(call, API_PARAM_TO) ? load(call, call->params[API_PARAM_TO])
                                      : config_ref(call_running(call));
    if (to != NULL) {
        struct overlay *overlay = overlay_between(call, from, to);
        respond_diff(call, overlay);
        overlay_destroy(overlay);
        config_unref(to);
    }
    config_unref(from);
}

/* What is staged is somebody's work: it is not dropped by the way. */
static bool is_free(struct api_call *call, const struct api_target *target)
{
    size_t count = target->is_draft_new ? 0 : target->draft.item_count;

    if (count == 0)
        return true;
    problem_with(call, 409, "draft.not_empty", "changes", json_u64(count),
                 "the draft has %zu change%s that this would replace: commit or discard first",
                 count, count == 1 ? "" : "s");
    return false;
}

void api_revision_restore(struct api_call *call)
{
    struct api_target target = {0};
    struct slice name =
        call_has(call, API_PARAM_DRAFT) ? call->params[API_PARAM_DRAFT] : SLICE("me");

    if (!target_draft(call, name, &target.draft, &target.is_draft_new) || !is_free(call, &target))
        return;
    struct config *wanted = load(call, call->path_values[0]);
    if (wanted == NULL)
        return;
    struct overlay *overlay = overlay_between(call, call_running(call), wanted);
    config_unref(wanted);
    if (target_replace(call, &target, overlay->items, overlay->count))
        respond_diff(call, overlay);
    overlay_destroy(overlay);
}

/* --- what would happen? --- */

/* What runs, or a draft over it, as a configuration; NULL: answered. */
static const struct config *asked_config(struct api_call *call)
{
    struct draft draft;
    struct overlay *overlay;
    struct config_errors errors;
    bool is_new;

    if (!call_has(call, API_PARAM_DRAFT))
        return config_ref(call_running(call));
    if (!target_draft(call, call->params[API_PARAM_DRAFT], &draft, &is_new) ||
        !target_overlay(call, is_new ? NULL : &draft, NULL, &overlay))
        return NULL;
    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    if (candidate == NULL)
        problem_errors(call, "config.invalid", &errors);
    config_errors_finish(&errors);
    overlay_destroy(overlay);
    return candidate;
}

static bool check_listener(struct api_call *call, const struct config *config, const char *name)
{
    if (config_find_listener(config, slice_str(name)) != NULL)
        return true;
    const struct config_error_params params = {.got = name};
    problem_member(call, "/listener", "ref.missing", &params, "there is no listener `%s`", name);
    return false;
}

void api_tests_hat(struct api_call *call)
{
    const char *listener = call_text(call, "listener", true, 512);
    const char *text = listener == NULL ? NULL : call_text(call, "ip", true, 64);
    struct ip ip;

    if (text == NULL)
        return;
    if (!ip_parse(slice_str(text), &ip)) {
        const struct config_error_params params = {.got = text};
        problem_member(call, "/ip", "value.pattern", &params, "`%s` is no IPv4 or IPv6 address",
                       text);
        return;
    }
    const struct config *config = asked_config(call);
    if (config == NULL)
        return;
    if (check_listener(call, config, listener)) {
        struct config_ctl_hat hat = config_ctl_test_hat(config, slice_str(listener), &ip);
        json_t *out = json_object();
        json_put(out, "found", json_boolean(hat.is_found));
        json_put(out, "group", json_slice(hat.group));
        json_put(out, "pattern", json_slice(hat.pattern));
        json_put(out, "policy", json_slice(hat.policy));
        json_put(out, "action", json_slice(hat.action));
        json_put(out, "tls", json_slice(hat.tls));
        respond_json(call, out);
    }
    config_unref(config);
}

void api_tests_rat(struct api_call *call)
{
    const char *listener = call_text(call, "listener", true, 512);
    const char *recipient = listener == NULL ? NULL : call_text(call, "recipient", true, 512);

    if (recipient == NULL)
        return;
    const struct config *config = asked_config(call);
    if (config == NULL)
        return;
    if (check_listener(call, config, listener)) {
        struct config_ctl_rat rat =
            config_ctl_test_rat(config, slice_str(listener), slice_str(recipient));
        respond_json(call, json_pack("{s:b,s:o}", "accepted", rat.is_accepted, "entry",
                                     json_slice(rat.entry)));
    }
    config_unref(config);
}
