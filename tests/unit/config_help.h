/* A small configuration for the tests of objects, overlays and drafts: one public listener M with a
 * RAT of a.test, b.test and ALL. Each test links what it uses. */
#ifndef POSTERN_TESTS_UNIT_CONFIG_HELP_H
#define POSTERN_TESTS_UNIT_CONFIG_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/overlay.h"

#define HELP_ACCEPT(listener, recipient)                                                           \
    "{\"listener\":\"" listener "\",\"recipient\":\"" recipient "\",\"action\":\"accept\"},"
#define HELP_ALL(listener)                                                                         \
    "{\"listener\":\"" listener "\",\"recipient\":\"ALL\",\"action\":\"reject\"}"

/* RAT: entries of M (and of N) between brackets; MORE: further sections, each with a comma before
 * it. */
static inline struct config *help_config_with(const char *rat, const char *more)
{
    struct config_errors errors;
    struct buf text;

    buf_init(&text, 0);
    config_errors_init(&errors);
    (void)buf_printf(
        &text,
        "{\"system\":{\"hostname\":\"gw.test\"},"
        "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.test\"}],"
        "\"listeners\":[{\"name\":\"M\",\"type\":\"public\",\"interface\":\"A\"},"
        "{\"name\":\"N\",\"type\":\"public\",\"interface\":\"A\",\"port\":10025}],"
        "\"mail-flow-policies\":[{\"name\":\"P\",\"action\":\"accept\"}],\"rat\":[%s],"
        "\"sender-groups\":[{\"listener\":\"M\",\"name\":\"ALL\",\"policy\":\"P\",\"senders\":"
        "[{\"sender\":\"ALL\"}]},{\"listener\":\"N\",\"name\":\"ALL\",\"policy\":\"P\",\"senders\":"
        "[{\"sender\":\"ALL\"}]}],\"bounce-profiles\":[{\"name\":\"Default\"}]%s}",
        rat, more);
    struct config *config = config_load(buf_slice(&text), &errors);
    if (config == NULL)
        fail_msg("%s: %s", errors.items[0].pointer, errors.items[0].text);
    config_errors_finish(&errors);
    buf_finish(&text);
    return config;
}

#define HELP_DEFAULT                                                                               \
    "{\"domain\":\"Default\",\"tls\":\"none\",\"max_connections\":5,"                              \
    "\"max_messages_per_connection\":5}"
#define HELP_CONTROLS ",\"destination-controls\":[" HELP_DEFAULT "]"

static inline struct config *help_config(void)
{
    return help_config_with(HELP_ACCEPT("M", "a.test") HELP_ACCEPT("M", "b.test")
                                HELP_ALL("M") "," HELP_ALL("N"),
                            HELP_CONTROLS);
}

/* A copy of one object; NULL: there is none. */
static inline json_t *help_object(const struct config *config, enum cfg_section section,
                                  const char *listener, const char *key)
{
    struct overlay *plain = overlay_create(config, NULL, 0, NULL);
    json_t *found = overlay_object(plain, section, slice_str(listener), slice_str(key));
    json_t *copied = found == NULL ? NULL : json_deep_copy(found);

    overlay_destroy(plain);
    return copied;
}

static inline json_t *help_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    if (value == NULL)
        fail_msg("no JSON: %s", text);
    return value;
}

static inline void help_assert_json(const json_t *got, const char *wanted)
{
    json_t *want = help_json(wanted);

    if (!json_equal(got, want))
        fail_msg("%s instead of %s", json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT), wanted);
    json_decref(want);
}

static inline void help_assert_order(const struct overlay *overlay, const char *listener,
                                     const char *wanted)
{
    json_t *order = overlay_order(overlay, CFG_SECTION_RAT, slice_str(listener));

    help_assert_json(order, wanted);
    json_decref(order);
}

static inline void help_item_finish(struct overlay_item *item)
{
    json_decref(item->base);
    json_decref(item->value);
}

#endif
