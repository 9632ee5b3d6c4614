/* Drafts: what is staged survives, what others commit meanwhile is merged, what an item says of one
 * object is checked and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/draft.h"

static char path[64];
static struct clock_fake now;

static const char base_text[] =
    "{\"system\":{\"hostname\":\"gw.test\"},"
    "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.test\"}],"
    "\"listeners\":[{\"name\":\"M\",\"type\":\"public\",\"interface\":\"A\"}],"
    "\"mail-flow-policies\":[{\"name\":\"P\",\"action\":\"accept\"}],"
    "\"rat\":[{\"listener\":\"M\",\"recipient\":\"a.test\",\"action\":\"accept\"},"
    "{\"listener\":\"M\",\"recipient\":\"b.test\",\"action\":\"accept\"},"
    "{\"listener\":\"M\",\"recipient\":\"ALL\",\"action\":\"reject\"}],"
    "\"sender-groups\":[{\"listener\":\"M\",\"name\":\"ALL\",\"policy\":\"P\",\"senders\":"
    "[{\"sender\":\"ALL\"}]}],\"bounce-profiles\":[{\"name\":\"Default\"}],"
    "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"none\",\"max_connections\":5,"
    "\"max_messages_per_connection\":5}]}";

static struct config *base_config(void)
{
    struct config_errors errors;

    config_errors_init(&errors);
    struct config *c = config_load(slice_str(base_text), &errors);
    assert_non_null(c);
    config_errors_finish(&errors);
    return c;
}

static json_t *object_of(const struct config *c, enum cfg_section section, const char *listener,
                         const char *key)
{
    struct overlay *plain = overlay_create(c, NULL, 0, NULL);
    json_t *found = overlay_object(plain, section, slice_str(listener), slice_str(key));
    json_t *copied = found == NULL ? NULL : json_deep_copy(found);

    overlay_destroy(plain);
    return copied;
}

/* An item of a listener's port. */
static struct overlay_item port_item(const struct config *base, int port)
{
    struct overlay_item item = {.section = CFG_SECTION_LISTENERS,
                                .listener = SLICE(""),
                                .key = SLICE("M"),
                                .base = object_of(base, CFG_SECTION_LISTENERS, "", "M")};

    item.value = json_deep_copy(item.base);
    (void)json_object_set_new(item.value, "port", json_integer(port));
    return item;
}

static void item_finish(struct overlay_item *item)
{
    json_decref(item->base);
    json_decref(item->value);
}

static struct config *commit(struct config *running, const struct overlay_item *item)
{
    struct config_errors errors;
    struct overlay *overlay = overlay_create(running, item, 1, NULL);

    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    assert_non_null(candidate);
    overlay_destroy(overlay);
    config_errors_finish(&errors);
    return candidate;
}

static void test_merge_with_others(void **state)
{
    struct config *base = base_config();
    struct overlay_item mine = port_item(base, 2525), theirs = port_item(base, 2526);
    struct overlay_item other = port_item(base, 25);

    (void)state;
    (void)json_object_set_new(other.value, "max_connections", json_integer(7));
    struct config *other_field = commit(base, &other), *same_field = commit(base, &theirs);

    struct overlay *overlay = overlay_create(other_field, &mine, 1, NULL);
    assert_int_equal(json_array_size(overlay->conflicts), 0);
    json_t *merged = overlay_object(overlay, CFG_SECTION_LISTENERS, SLICE(""), SLICE("M"));
    assert_int_equal(json_integer_value(json_object_get(merged, "port")), 2525);
    assert_int_equal(json_integer_value(json_object_get(merged, "max_connections")), 7);
    json_t *diff = overlay_diff(overlay);
    assert_int_equal(json_array_size(diff), 1);
    json_t *fields = json_object_get(json_array_get(diff, 0), "fields");
    assert_int_equal(json_array_size(fields), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(diff, 0), "activation")),
                        "rebind");
    json_decref(diff);
    overlay_destroy(overlay);

    overlay = overlay_create(same_field, &mine, 1, NULL);
    assert_int_equal(json_array_size(overlay->conflicts), 1);
    json_t *conflict = json_array_get(overlay->conflicts, 0);
    assert_string_equal(json_string_value(json_object_get(conflict, "pointer")), "/port");
    assert_int_equal(json_integer_value(json_object_get(conflict, "theirs")), 2526);
    overlay_destroy(overlay);

    json_t *resolve = json_loads("[{\"section\":\"listeners\",\"listener\":\"\",\"key\":\"M\","
                                 "\"pointer\":\"/port\",\"take\":\"theirs\"}]",
                                 0, NULL);
    overlay = overlay_create(same_field, &mine, 1, resolve);
    assert_int_equal(json_array_size(overlay->conflicts), 0);
    diff = overlay_diff(overlay);
    assert_int_equal(json_array_size(diff), 0); /* theirs runs already */
    json_decref(diff);
    json_decref(resolve);
    overlay_destroy(overlay);

    item_finish(&mine);
    item_finish(&theirs);
    item_finish(&other);
    config_unref(base);
    config_unref(other_field);
    config_unref(same_field);
}

static void test_errors_name_objects(void **state)
{
    struct config *base = base_config();
    struct config_errors errors;
    struct overlay_item item = port_item(base, 2525);

    (void)state;
    (void)json_object_set_new(item.value, "interface", json_string("Nowhere"));
    struct overlay *overlay = overlay_create(base, &item, 1, NULL);
    config_errors_init(&errors);
    assert_null(overlay_candidate(overlay, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].pointer, "/listeners/M/interface");
    config_errors_finish(&errors);
    overlay_destroy(overlay);
    item_finish(&item);
    config_unref(base);
}

static void test_new_entries_stand_before_all(void **state)
{
    struct config *base = base_config();
    struct overlay_item items[2] = {
        {.section = CFG_SECTION_RAT, .listener = SLICE("M"), .key = SLICE("c.test")},
        {.section = CFG_SECTION_RAT, .listener = SLICE("M"), .key = SLICE(""), .is_order = true},
    };
    struct config_errors errors;

    (void)state;
    items[0].value =
        json_loads("{\"listener\":\"M\",\"recipient\":\"c.test\",\"action\":\"accept\"}", 0, NULL);
    items[1].base = json_loads("[\"a.test\",\"b.test\",\"ALL\"]", 0, NULL);
    items[1].value = json_loads("[\"b.test\",\"a.test\",\"ALL\"]", 0, NULL);
    struct overlay *overlay = overlay_create(base, items, 2, NULL);
    json_t *order = overlay_order(overlay, CFG_SECTION_RAT, SLICE("M"));
    char *text = json_dumps(order, JSON_COMPACT);
    assert_string_equal(text, "[\"b.test\",\"c.test\",\"a.test\",\"ALL\"]");
    free(text);
    json_decref(order);
    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    assert_non_null(candidate);
    config_unref(candidate);
    config_errors_finish(&errors);
    overlay_destroy(overlay);
    item_finish(&items[0]);
    item_finish(&items[1]);
    config_unref(base);
}

static void test_canonical(void **state)
{
    static const struct {
        const char *json, *pointer, *code;
    } cases[] = {
        {"{\"type\":\"public\",\"interface\":\"A\"}", NULL, NULL},
        {"{\"name\":\"M\",\"type\":\"public\",\"interface\":\"A\",\"port\":26}", NULL, NULL},
        {"{\"name\":\"N\",\"type\":\"public\",\"interface\":\"A\"}", "/name", "key.differs"},
        {"{\"type\":\"public\",\"interface\":\"A\",\"prot\":26}", "/prot", "key.unknown"},
        {"{\"type\":\"public\",\"interface\":\"A\",\"port\":0}", "/port", "value.range"},
        {"{\"type\":\"open\",\"interface\":\"A\"}", "/type", "value.enum"},
        {"{\"interface\":\"A\"}", "/type", "key.missing"},
        {"[]", "", "value.type"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config_errors errors;
        json_t *object = json_loads(cases[i].json, 0, NULL);
        config_errors_init(&errors);
        json_t *canonical =
            overlay_canonical(CFG_SECTION_LISTENERS, SLICE(""), SLICE("M"), object, &errors);
        if (cases[i].code == NULL) {
            assert_non_null(canonical);
            assert_non_null(json_object_get(canonical, "max_connections"));
        } else {
            assert_null(canonical);
            assert_int_equal(errors.count, 1);
            assert_string_equal(errors.items[0].pointer, cases[i].pointer);
            assert_string_equal(errors.items[0].code, cases[i].code);
        }
        json_decref(canonical);
        json_decref(object);
        config_errors_finish(&errors);
    }
}

static struct store *open_store(void)
{
    struct store *store;
    struct error error;

    if (store_open(path, &store, &error) < 0)
        fail_msg("%s", error.text);
    return store;
}

static void test_stored(void **state)
{
    struct config *base = base_config();
    struct overlay_item item = port_item(base, 2525), back = port_item(base, 25);
    struct store *store = open_store();
    const struct clock *clock = &now.clock;
    struct draft draft, again;
    struct draft_items items;
    struct error error;

    (void)state;
    assert_int_equal(draft_find_default(store, clock, "ann", &draft, &error), ERR_NOT_FOUND);
    assert_int_equal(draft_create(store, clock, "ann", "", true, 0, &draft, &error), 0);
    assert_int_equal(draft_create(store, clock, "ann", "", true, 0, &again, &error), ERR_EXISTS);
    assert_int_equal(draft_stage(store, clock, draft.id, &item, 1, &error), 0);
    store_close(store);
    store = open_store();
    assert_int_equal(draft_find_default(store, clock, "ann", &again, &error), 0);
    assert_string_equal(again.id, draft.id);
    assert_int_equal(again.item_count, 1);
    assert_int_equal(draft_items_load(store, draft.id, &items, &error), 0);
    assert_int_equal(items.count, 1);
    assert_true(json_equal(items.items[0].value, item.value));
    struct overlay *overlay = overlay_create(base, items.items, items.count, NULL);
    draft_items_finish(&items); /* the overlay needs none of it */
    json_t *diff = overlay_diff(overlay);
    assert_string_equal(json_string_value(json_object_get(json_array_get(diff, 0), "key")), "M");
    json_decref(diff);
    overlay_destroy(overlay);
    /* what goes back to what it was is no change */
    assert_int_equal(draft_stage(store, clock, draft.id, &back, 1, &error), 0);
    assert_int_equal(draft_find(store, clock, slice_str(draft.id), &again, &error), 0);
    assert_int_equal(again.item_count, 0);
    assert_int_equal(draft_discard(store, clock, draft.id, &item, &error), ERR_NOT_FOUND);
    assert_int_equal(draft_delete(store, draft.id, &error), 0);
    /* named ones end by themselves */
    int64_t end = clock_wall_ms(clock) + 1000;
    assert_int_equal(draft_create(store, clock, "ann", "play", false, end, &draft, &error), 0);
    clock_fake_advance(&now, 1000);
    assert_int_equal(draft_find(store, clock, slice_str(draft.id), &again, &error), ERR_NOT_FOUND);
    store_close(store);
    item_finish(&item);
    item_finish(&back);
    config_unref(base);
}

static int set_up(void **state)
{
    static char dir[] = "/tmp/test_draft.XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/postern.db", dir);
    clock_fake_init(&now, 1700000000000);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char name[80];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void)unlink(name);
    }
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_with_others),
        cmocka_unit_test(test_errors_name_objects),
        cmocka_unit_test(test_new_entries_stand_before_all),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_stored),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
