/* See tell.h. */
#include "api/tell.h"

#include "api/api_priv.h"
#include "api/json.h"
#include "config/overlay.h"
#include "control/control.h"

static void publish(struct api_call *call, enum feed_topic topic, json_t *value)
{
    const struct feed *feed = call->api->settings.feed;
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

    if (feed != NULL)
        feed->publish(feed->owner, topic, text);
    free(text);
    json_decref(value);
}

void tell_draft(struct api_call *call, const char *id)
{
    publish(call, FEED_TOPIC_DRAFT,
            json_pack("{s:s,s:s}", "draft", id, "owner", call->principal.name));
}

bool commit_candidate(struct api_call *call, const struct overlay *overlay,
                      struct config *candidate, const char *comment, const char *draft,
                      struct commit_result *ret_result)
{
    struct config_ctl *config = call->api->settings.control->config;
    struct config_errors found, errors;
    struct commit_result result = {0};
    uint64_t before = config_ctl_running(config)->revision;
    char revision[32];

    config_errors_init(&found);
    config_errors_init(&errors);
    int r = config_ctl_commit(config, candidate, call->principal.name, comment, draft, &found,
                              &result.took_ms);
    if (r == ERR_INVALID) {
        overlay_name_errors(overlay->document, &found, &errors);
        problem_errors(call, "commit.refused", &errors);
    } else if (r < 0) {
        problem(call, 503, "commit.not_stored", "%s; nothing has changed",
                found.count > 0 ? found.items[0].text : "it could not be stored");
    } else {
        result.revision = candidate->revision;
        (void)snprintf(revision, sizeof revision, "%llu", (unsigned long long)result.revision);
        api_exchange_reply_field(call->exchange, "Postern-Revision", slice_str(revision));
        if (result.revision != before)
            publish(call, FEED_TOPIC_COMMIT,
                    json_pack("{s:o,s:s,s:s}", "revision", json_u64(result.revision), "author",
                              call->principal.name, "comment", comment));
        if (ret_result != NULL)
            *ret_result = result;
    }
    config_errors_finish(&found);
    config_errors_finish(&errors);
    return r == 0;
}
