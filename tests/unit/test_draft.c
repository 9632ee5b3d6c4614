/* Drafts: what is staged survives, what others commit meanwhile is merged, what an item says of one
 * object is checked and named. */
#include "config_help.h"

#include <unistd.h>

#include "config/draft.h"

static char path[64];
static struct clock_fake now;

/* An item of a listener's port. */
static struct overlay_item port_item(const struct config *base, int port)
{
    struct overlay_item item = {.section = CFG_SECTION_LISTENERS,
                                .listener = SLICE(""),
                                .key = SLICE("M"),
                                .base = help_object(base, CFG_SECTION_LISTENERS, "", "M")};

    item.value = json_deep_copy(item.base);
    (void)json_object_set_new(item.value, "port", json_integer(port));
    return item;
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
    struct config *base = help_config();
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
    help_item_finish(&item);
    help_item_finish(&back);
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
        cmocka_unit_test(test_stored),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
