/* Look-ups, ranges, counting, and what differs between two configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

static struct config *load(const char *groups, const char *rest)
{
    struct config_errors errors;
    struct buf text, report;
    config_errors_init(&errors);
    buf_init(&text, 0);
    buf_init(&report, 0);
    assert_true(buf_printf(
        &text,
        "{\"system\":{\"hostname\":\"gw.test\"},"
        "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.test\"}],"
        "\"listeners\":[{\"name\":\"Z\",\"type\":\"private\",\"interface\":\"A\",\"port\":26},"
        "{\"name\":\"M\",\"type\":\"public\",\"interface\":\"A\",\"port\":25}],"
        "\"mail-flow-policies\":[{\"name\":\"P\",\"action\":\"accept\"}],"
        "\"rat\":[{\"listener\":\"M\",\"recipient\":\"b.test\",\"action\":\"accept\"},"
        "{\"listener\":\"M\",\"recipient\":\"a.test\",\"action\":\"accept\"},"
        "{\"listener\":\"M\",\"recipient\":\"ALL\",\"action\":\"reject\"}],"
        "\"sender-groups\":[%s],\"bounce-profiles\":[{\"name\":\"Default\"}],%s}",
        groups, rest));
    struct config *c = config_load(buf_slice(&text), &errors);
    config_check_report(&errors, &report);
    if (c == NULL)
        fail_msg("%s", buf_cstr(&report));
    config_errors_finish(&errors);
    buf_finish(&text);
    buf_finish(&report);
    return c;
}

#define GROUP(listener, name, sender)                                                              \
    "{\"listener\":\"" listener "\",\"name\":\"" name "\",\"policy\":\"P\",\"senders\":"           \
    "[{\"sender\":\"" sender "\"}]}"
#define GROUPS                                                                                     \
    GROUP("Z", "second", "10.0.0.1")                                                               \
    "," GROUP("M", "ALL", "ALL") "," GROUP("Z", "first", "10.0.0.2") "," GROUP("Z", "ALL", "ALL")
#define DEFAULTS                                                                                   \
    "{\"domain\":\"Default\",\"tls\":\"none\",\"max_connections\":5,"                              \
    "\"max_messages_per_connection\":5}"
#define REST                                                                                       \
    "\"destination-controls\":[{\"domain\":\"b.test\"}," DEFAULTS ",{\"domain\":\".A.test\"}]"

static void test_look_ups(void **state)
{
    (void)state;
    struct config *c = load(GROUPS, REST);
    assert_int_equal(config_find_listener(c, SLICE("M"))->port, 25);
    assert_int_equal(config_find_listener(c, SLICE("Z"))->port, 26);
    assert_null(config_find_listener(c, SLICE("m")));
    assert_null(config_find_listener(c, SLICE("")));
    assert_null(config_find_certificate(c, SLICE("x")));
    assert_non_null(config_find_interface(c, SLICE("A")));
    assert_null(config_find_interface(c, c->delivery.interface));
    assert_non_null(config_find_destination_control(c, SLICE("B.TEST")));
    assert_non_null(config_find_destination_control(c, SLICE(".a.test")));
    assert_null(config_find_destination_control(c, SLICE("a.test")));
    assert_int_equal(config_default_destination_control(c)->max_connections, 5);
    assert_null(config_find_smtp_route(c, SLICE("ALL")));
    struct config_range groups = config_sender_groups(c, SLICE("Z"));
    assert_int_equal(groups.count, 3);
    assert_true(slice_eq(config_sender_group_at(groups, 0)->name, SLICE("second")));
    assert_true(slice_eq(config_sender_group_at(groups, 1)->name, SLICE("first")));
    assert_true(slice_eq(config_sender_group_at(groups, 2)->name, SLICE("ALL")));
    assert_int_equal(config_sender_groups(c, SLICE("M")).count, 1);
    assert_int_equal(config_sender_groups(c, SLICE("Q")).count, 0);
    struct config_range rat = config_rat(c, SLICE("M"));
    assert_int_equal(rat.count, 3);
    assert_true(slice_eq(config_rat_entry_at(rat, 0)->recipient.text, SLICE("b.test")));
    assert_int_equal(config_rat_entry_at(rat, 2)->recipient.kind, CFG_PATTERN_ALL);
    assert_int_equal(config_find_rat_entry(c, SLICE("M"), SLICE("a.test"))->action,
                     CFG_RAT_ACTION_ACCEPT);
    assert_int_equal(config_rat(c, SLICE("Z")).count, 0);
    assert_string_equal(cfg_listener_type_word(CFG_LISTENER_TYPE_BLACKHOLE), "blackhole");
    config_unref(c);
}

static void test_references_keep_it_alive(void **state)
{
    (void)state;
    struct config *c = load(GROUPS, REST);
    const struct config *second = config_ref(c);
    config_unref(c);
    assert_int_equal(config_find_listener(second, SLICE("M"))->port, 25);
    config_unref(second);
    config_unref(NULL);
}

static const struct config_change *find_change(const struct config_diff *diff,
                                               enum config_change_op op, enum cfg_section section,
                                               struct slice key)
{
    for (size_t i = 0; i < diff->count; i++) {
        const struct config_change *change = &diff->items[i];
        if (change->op == op && change->section == section && slice_eq(change->key, key))
            return change;
    }
    return NULL;
}

static void test_diff(void **state)
{
    (void)state;
    struct config_diff diff;
    struct config *a = load(GROUPS, REST);
    struct config *b = load(
        GROUP("Z", "first", "10.0.0.2") "," GROUP("Z", "second", "10.0.0.3") "," GROUP(
            "Z", "new", "10.0.0.4") "," GROUP("M", "ALL", "ALL") "," GROUP("Z", "ALL", "ALL"),
        "\"dns\":{\"forwarders\":[\"9.9.9.9\"]},"
        "\"destination-controls\":[" DEFAULTS ",{\"domain\":\"b.test\",\"tls\":\"required\"}]");
    config_diff(a, a, &diff);
    assert_int_equal(diff.count, 0);
    assert_int_equal(diff.reload, 0);
    config_diff_finish(&diff);

    config_diff(a, b, &diff);
    assert_non_null(find_change(&diff, CONFIG_CHANGE_SET, CFG_SECTION_DNS, SLICE("")));
    assert_non_null(
        find_change(&diff, CONFIG_CHANGE_SET, CFG_SECTION_SENDER_GROUPS, SLICE("second")));
    assert_non_null(find_change(&diff, CONFIG_CHANGE_ADD, CFG_SECTION_SENDER_GROUPS, SLICE("new")));
    const struct config_change *order =
        find_change(&diff, CONFIG_CHANGE_ORDER, CFG_SECTION_SENDER_GROUPS, SLICE(""));
    assert_true(order != NULL && slice_eq(order->listener, SLICE("Z")));
    assert_non_null(
        find_change(&diff, CONFIG_CHANGE_SET, CFG_SECTION_DESTINATION_CONTROLS, SLICE("b.test")));
    assert_non_null(find_change(&diff, CONFIG_CHANGE_REMOVE, CFG_SECTION_DESTINATION_CONTROLS,
                                SLICE(".a.test")));
    assert_int_equal(diff.count, 6);
    assert_int_equal(diff.reload, CFG_RELOAD_DNS);
    config_diff_finish(&diff);

    config_diff(NULL, a, &diff);
    assert_non_null(find_change(&diff, CONFIG_CHANGE_ADD, CFG_SECTION_SYSTEM, SLICE("")));
    assert_non_null(find_change(&diff, CONFIG_CHANGE_ADD, CFG_SECTION_LISTENERS, SLICE("M")));
    assert_true(diff.reload & CFG_RELOAD_LISTENERS);
    config_diff_finish(&diff);
    config_unref(a);
    config_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_references_keep_it_alive),
        cmocka_unit_test(test_diff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
