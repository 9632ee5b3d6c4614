/* A draft over what runs: merged, placed, ordered, compared, and turned back into a configuration.
 */
#include "config_help.h"

#include "base/clock.h"

/* An item that sets one member of listener M. */
static struct overlay_item listener_item(const struct config *base, const char *member,
                                         json_t *value)
{
    struct overlay_item item = {.section = CFG_SECTION_LISTENERS,
                                .listener = SLICE(""),
                                .key = SLICE("M"),
                                .base = help_object(base, CFG_SECTION_LISTENERS, "", "M")};

    item.value = json_deep_copy(item.base);
    (void)json_object_set_new(item.value, member, value);
    return item;
}

static struct overlay_item rat_item(const char *recipient, bool is_gone)
{
    struct overlay_item item = {
        .section = CFG_SECTION_RAT, .listener = SLICE("M"), .key = slice_str(recipient)};
    json_t *object = json_pack("{s:s,s:s,s:s,s:i,s:s}", "listener", "M", "recipient", recipient,
                               "action", strcmp(recipient, "ALL") == 0 ? "reject" : "accept",
                               "reply_code", 550, "reply_text", "");

    if (is_gone)
        item.base = object;
    else
        item.value = object;
    return item;
}

static struct overlay_item order_item(const char *base, const char *value)
{
    return (struct overlay_item){.section = CFG_SECTION_RAT,
                                 .listener = SLICE("M"),
                                 .key = SLICE(""),
                                 .is_order = true,
                                 .base = help_json(base),
                                 .value = help_json(value)};
}

static struct config *candidate_of(const struct overlay *overlay)
{
    struct config_errors errors;

    config_errors_init(&errors);
    struct config *candidate = overlay_candidate(overlay, &errors);
    if (candidate == NULL)
        fail_msg("%s: %s", errors.items[0].pointer, errors.items[0].text);
    config_errors_finish(&errors);
    return candidate;
}

static struct config *commit(const struct config *running, const struct overlay_item *item)
{
    struct overlay *overlay = overlay_create(running, item, 1, NULL);
    struct config *candidate = candidate_of(overlay);

    overlay_destroy(overlay);
    return candidate;
}

static void assert_member(const struct overlay *overlay, const char *member, json_int_t wanted)
{
    const json_t *object = overlay_object(overlay, CFG_SECTION_LISTENERS, SLICE(""), SLICE("M"));

    assert_int_equal(json_integer_value(json_object_get(object, member)), wanted);
}

static void test_merge_with_others(void **state)
{
    struct config *base = help_config();
    struct overlay_item mine = listener_item(base, "port", json_integer(2525));
    struct overlay_item theirs = listener_item(base, "port", json_integer(2526));
    struct overlay_item other = listener_item(base, "max_connections", json_integer(7));
    struct config *other_field = commit(base, &other), *same_field = commit(base, &theirs);

    (void)state;
    struct overlay *overlay = overlay_create(other_field, &mine, 1, NULL);
    assert_int_equal(json_array_size(overlay->conflicts), 0);
    assert_member(overlay, "port", 2525);
    assert_member(overlay, "max_connections", 7);
    json_t *diff = overlay_diff(overlay);
    assert_int_equal(json_array_size(diff), 1); /* and in it only what I changed */
    help_assert_json(json_object_get(json_array_get(diff, 0), "fields"),
                     "[{\"pointer\":\"/port\",\"label\":\"TCP "
                     "port\",\"kind\":\"number\",\"old\":25,\"new\":2525}]");
    json_decref(diff);
    overlay_destroy(overlay);

    overlay = overlay_create(same_field, &mine, 1, NULL);
    help_assert_json(overlay->conflicts,
                     "[{\"section\":\"listeners\",\"listener\":\"\",\"key\":\"M\","
                     "\"pointer\":\"/port\",\"base\":25,\"theirs\":2526,\"mine\":2525}]");
    assert_member(overlay, "port", 2525);
    overlay_destroy(overlay);
    help_item_finish(&mine);
    help_item_finish(&theirs);
    help_item_finish(&other);
    config_unref(base);
    config_unref(other_field);
    config_unref(same_field);
}

static void test_answers_to_conflicts(void **state)
{
    static const struct {
        const char *take;
        size_t conflicts;
        json_int_t port;
        size_t changes;
    } cases[] = {{"theirs", 0, 2526, 0}, {"mine", 0, 2525, 1}, {"whose", 1, 2525, 1}};
    struct config *base = help_config();
    struct overlay_item mine = listener_item(base, "port", json_integer(2525));
    struct overlay_item theirs = listener_item(base, "port", json_integer(2526));
    struct config *running = commit(base, &theirs);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *resolve = json_pack("[{s:s,s:s,s:s,s:s,s:s}]", "section", "listeners", "listener",
                                    "", "key", "M", "pointer", "/port", "take", cases[i].take);
        struct overlay *overlay = overlay_create(running, &mine, 1, resolve);
        json_t *diff = overlay_diff(overlay);
        assert_int_equal(json_array_size(overlay->conflicts), cases[i].conflicts);
        assert_member(overlay, "port", cases[i].port);
        assert_int_equal(json_array_size(diff), cases[i].changes);
        json_decref(diff);
        json_decref(resolve);
        overlay_destroy(overlay);
    }
    help_item_finish(&mine);
    help_item_finish(&theirs);
    config_unref(base);
    config_unref(running);
}

/* They took it away, I changed it; and the other way round. */
static void test_removal_against_change(void **state)
{
    struct config *base = help_config();
    struct overlay_item gone = rat_item("a.test", true), changed = rat_item("a.test", true);
    json_t *theirs =
        help_json("[{\"section\":\"rat\",\"listener\":\"M\",\"key\":\"a.test\",\"pointer\":\"\","
                  "\"take\":\"theirs\"}]");

    (void)state;
    changed.value = json_deep_copy(changed.base);
    (void)json_object_set_new(changed.value, "reply_code", json_integer(551));
    struct config *without = commit(base, &gone), *with = commit(base, &changed);
    struct overlay *overlay = overlay_create(without, &changed, 1, NULL);
    assert_int_equal(json_array_size(overlay->conflicts), 1);
    assert_true(json_is_null(json_object_get(json_array_get(overlay->conflicts, 0), "theirs")));
    assert_non_null(overlay_object(overlay, CFG_SECTION_RAT, SLICE("M"), SLICE("a.test")));
    overlay_destroy(overlay);
    overlay = overlay_create(without, &changed, 1, theirs);
    assert_int_equal(json_array_size(overlay->conflicts), 0);
    assert_null(overlay_object(overlay, CFG_SECTION_RAT, SLICE("M"), SLICE("a.test")));
    overlay_destroy(overlay);
    overlay = overlay_create(with, &gone, 1, NULL);
    assert_int_equal(json_array_size(overlay->conflicts), 1);
    overlay_destroy(overlay);
    overlay = overlay_create(with, &gone, 1, theirs);
    assert_int_equal(json_array_size(overlay->conflicts), 0);
    help_assert_order(overlay, "M", "[\"a.test\",\"b.test\",\"ALL\"]");
    overlay_destroy(overlay);
    json_decref(theirs);
    help_item_finish(&gone);
    help_item_finish(&changed);
    config_unref(base);
    config_unref(without);
    config_unref(with);
}

static void test_lists_without_order_merge(void **state)
{
    struct config *base = help_config();
    struct overlay_item items[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        items[i] = (struct overlay_item){.section = CFG_SECTION_DELIVERY,
                                         .listener = SLICE(""),
                                         .key = SLICE(""),
                                         .base = help_object(base, CFG_SECTION_DELIVERY, "", "")};
        items[i].value = json_deep_copy(items[i].base);
        (void)json_object_set_new(items[i].value, "next_hop_deny",
                                  json_pack("[s]", i == 0 ? "10.0.0.0/8" : "127.0.0.0/8"));
    }
    struct config *running = commit(base, &items[0]);
    struct overlay *overlay = overlay_create(running, &items[1], 1, NULL);
    assert_int_equal(json_array_size(overlay->conflicts), 0);
    help_assert_json(
        json_object_get(overlay_object(overlay, CFG_SECTION_DELIVERY, SLICE(""), SLICE("")),
                        "next_hop_deny"),
        "[\"10.0.0.0/8\",\"127.0.0.0/8\"]");
    overlay_destroy(overlay);
    help_item_finish(&items[0]);
    help_item_finish(&items[1]);
    config_unref(base);
    config_unref(running);
}

static void test_errors_name_objects(void **state)
{
    static const struct {
        const char *section, *listener, *key, *json, *pointer;
    } cases[] = {
        {"listeners", "", "M", "{\"interface\":\"Nowhere\"}", "/listeners/M/interface"},
        {"rat", "M", "u@c.test", "{\"action\":\"maybe\"}", "/rat/M/u@c.test/action"},
        {"bounce-profiles", "", "a/b~c", "{\"initial_retry_s\":3700}",
         "/bounce-profiles/a~1b~0c/initial_retry_s"},
        {"sender-groups", "M", "ALL", "{\"senders\":[{\"sender\":\"ALL\"},{\"sender\":\"-\"}]}",
         "/sender-groups/M/ALL/senders/1/sender"},
        {"system", "", "", "{\"timezone\":\"/\"}", "/system/timezone"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *base = help_config();
        struct config_errors errors;
        enum cfg_section section = config_section_find(slice_str(cases[i].section));
        struct config_section_traits traits = config_section_traits(section);
        struct overlay_item item = {
            .section = section,
            .listener = slice_str(cases[i].listener),
            .key = slice_str(cases[i].key),
            .base = help_object(base, section, cases[i].listener, cases[i].key)};
        json_t *patch = help_json(cases[i].json);
        item.value = item.base == NULL ? json_object() : json_deep_copy(item.base);
        (void)json_object_update(item.value, patch);
        if (traits.key != NULL)
            (void)json_object_set_new(item.value, traits.key, json_string(cases[i].key));
        if (traits.is_per_listener)
            (void)json_object_set_new(item.value, "listener", json_string(cases[i].listener));
        struct overlay *overlay = overlay_create(base, &item, 1, NULL);
        config_errors_init(&errors);
        assert_null(overlay_candidate(overlay, &errors));
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.items[0].pointer, cases[i].pointer);
        config_errors_finish(&errors);
        overlay_destroy(overlay);
        help_item_finish(&item);
        json_decref(patch);
        config_unref(base);
    }
}

/* A name is found as the rows write it, and no other is. */
static void test_keys(void **state)
{
    static const struct {
        const char *key;
        bool is_there;
    } cases[] = {{"a.test", true},         {"A.Test", true}, {"User@b.test", true},
                 {"User@B.Test", true},    {"all", true},    {"user@b.test", false},
                 {"c.test", false},        {"", false},      {"-- no pattern", false},
                 {"a.test\xc3\xa9", false}};
    struct config *config = help_config_with(
        HELP_ACCEPT("M", "a.test") HELP_ACCEPT("M", "User@b.test") HELP_ALL("M") "," HELP_ALL("N"),
        HELP_CONTROLS);
    struct overlay *overlay = overlay_create(config, NULL, 0, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if ((overlay_object(overlay, CFG_SECTION_RAT, SLICE("M"), slice_str(cases[i].key)) !=
             NULL) != cases[i].is_there)
            fail_msg("%s", cases[i].key);
    assert_null(overlay_object(overlay, CFG_SECTION_RAT, SLICE("N"), SLICE("a.test")));
    assert_non_null(overlay_object(overlay, CFG_SECTION_SYSTEM, SLICE(""), SLICE("")));
    json_t *all = overlay_objects(overlay, CFG_SECTION_RAT, SLICE(""));
    assert_int_equal(json_array_size(all), 4);
    json_decref(all);
    all = overlay_objects(overlay, CFG_SECTION_RAT, SLICE("N"));
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    overlay_destroy(overlay);
    config_unref(config);
}

/* What comes and goes, and where it stands then. `+x` adds, `-x` takes away. */
static void test_places(void **state)
{
    static const struct {
        const char *changes;
        const char *base, *value; /* of an order item; NULL: none */
        const char *wanted;
    } cases[] = {
        {"+c.test", NULL, NULL, "[\"a.test\",\"b.test\",\"c.test\",\"ALL\"]"},
        {"+z.test +c.test", NULL, NULL, "[\"a.test\",\"b.test\",\"z.test\",\"c.test\",\"ALL\"]"},
        {"-a.test +c.test", NULL, NULL, "[\"b.test\",\"c.test\",\"ALL\"]"},
        {"-ALL +c.test", NULL, NULL, "[\"a.test\",\"b.test\",\"c.test\"]"},
        {"-a.test -b.test -ALL", NULL, NULL, "[]"},
        {"+c.test", "[\"a.test\",\"b.test\",\"ALL\"]", "[\"b.test\",\"a.test\",\"ALL\"]",
         "[\"b.test\",\"c.test\",\"a.test\",\"ALL\"]"},
        {"+c.test", "[\"a.test\",\"b.test\",\"ALL\"]", "[\"c.test\",\"a.test\",\"b.test\",\"ALL\"]",
         "[\"c.test\",\"a.test\",\"b.test\",\"ALL\"]"},
        /* what the order names is gone, or never came */
        {"-a.test", "[\"a.test\",\"b.test\",\"ALL\"]", "[\"b.test\",\"a.test\",\"ALL\"]",
         "[\"b.test\",\"ALL\"]"},
        {"", "[\"a.test\",\"b.test\",\"ALL\"]", "[\"x.test\",\"b.test\",\"a.test\",\"ALL\"]",
         "[\"b.test\",\"a.test\",\"ALL\"]"},
        /* what is there is not named: it stays behind its neighbour */
        {"", "[\"a.test\",\"b.test\",\"ALL\"]", "[\"ALL\",\"a.test\"]",
         "[\"ALL\",\"a.test\",\"b.test\"]"},
        {"", "[\"a.test\",\"b.test\",\"ALL\"]", "[]", "[\"a.test\",\"b.test\",\"ALL\"]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *base = help_config();
        struct overlay_item items[4];
        char names[4][16];
        size_t count = 0;
        struct slice rest = slice_str(cases[i].changes);
        while (rest.len > 0) {
            struct slice change = slice_cut(&rest, ' ');
            (void)snprintf(names[count], sizeof(names[count]), "%.*s", (int)change.len - 1,
                           change.p + 1);
            items[count] = rat_item(names[count], change.p[0] == '-');
            count++;
        }
        if (cases[i].value != NULL)
            items[count++] = order_item(cases[i].base, cases[i].value);
        struct overlay *overlay = overlay_create(base, items, count, NULL);
        help_assert_order(overlay, "M", cases[i].wanted);
        help_assert_order(overlay, "N", "[\"ALL\"]");
        if (cases[i].value != NULL)
            help_assert_json(overlay->items[count - 1].value, cases[i].wanted);
        for (size_t j = 0; j < count; j++) {
            const json_t *object =
                overlay_object(overlay, CFG_SECTION_RAT, SLICE("M"), items[j].key);
            assert_true(items[j].is_order || (object == NULL) == (items[j].value == NULL));
            help_item_finish(&items[j]);
        }
        overlay_destroy(overlay);
        config_unref(base);
    }
}

/* A listener that comes with all its entries: ALL is last, whatever came first. */
static void test_new_listener(void **state)
{
    struct config *base = help_config();
    struct overlay_item items[3] = {rat_item("ALL", false), rat_item("z.test", false),
                                    rat_item("c.test", false)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        items[i].listener = SLICE("O");
        (void)json_object_set_new(items[i].value, "listener", json_string("O"));
    }
    struct overlay *overlay = overlay_create(base, items, ARRAY_LEN(items), NULL);
    help_assert_order(overlay, "O", "[\"z.test\",\"c.test\",\"ALL\"]");
    help_assert_order(overlay, "M", "[\"a.test\",\"b.test\",\"ALL\"]");
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        help_item_finish(&items[i]);
    overlay_destroy(overlay);
    config_unref(base);
}

static void test_lay_over(void **state)
{
#define ENTRY(listener, recipient) "{\"listener\":\"" listener "\",\"recipient\":\"" recipient "\"}"
#define SEEN(listener, recipient)                                                                  \
    "{\"listener\":\"" listener "\",\"recipient\":\"" recipient "\",\"new\":1}"
    static const struct {
        enum cfg_section section;
        const char *all, *more, *wanted;
    } cases[] = {
        {CFG_SECTION_RAT, "[" ENTRY("M", "a.test") "," ENTRY("M", "ALL") "," ENTRY("N", "ALL") "]",
         "[" SEEN("N", "b.test") "," SEEN("M", "b.test") "," SEEN("M", "A.Test") "]",
         "[" SEEN("M", "A.Test") "," SEEN("M", "b.test") "," ENTRY("M", "ALL") "," SEEN(
             "N", "b.test") "," ENTRY("N", "ALL") "]"},
        {CFG_SECTION_RAT, "[]", "[" SEEN("M", "ALL") "," SEEN("M", "b.test") "]",
         "[" SEEN("M", "b.test") "," SEEN("M", "ALL") "]"},
        {CFG_SECTION_SMTP_ROUTES, "[{\"domain\":\"a.test\"},{\"domain\":\"ALL\"}]",
         "[{\"domain\":\"b.test\"},{\"domain\":\"A.TEST\"},{\"domain\":\"b.test\",\"x\":1}]",
         "[{\"domain\":\"A.TEST\"},{\"domain\":\"ALL\"},{\"domain\":\"b.test\",\"x\":1}]"},
        /* what is none stays, to be refused */
        {CFG_SECTION_LISTENERS, "[{\"name\":\"a\"}]", "[5,{},{\"name\":7}]",
         "[{\"name\":\"a\"},{\"name\":7}]"},
        {CFG_SECTION_LISTENERS, "[{\"name\":\"a\"}]", "[]", "[{\"name\":\"a\"}]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *all = help_json(cases[i].all), *more = help_json(cases[i].more);
        json_t *out = overlay_lay_over(cases[i].section, all, more);
        help_assert_json(out, cases[i].wanted);
        help_assert_json(all, cases[i].all);
        json_decref(out);
        json_decref(all);
        json_decref(more);
    }
#undef ENTRY
#undef SEEN
}

static unsigned below(unsigned *seed, unsigned limit)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % limit;
}

/* Any RATs of M and N, any destination controls. */
static struct config *random_config(unsigned *seed)
{
    struct buf rat, more;
    unsigned codes = 550 + below(seed, 2);

    buf_init(&rat, 0);
    buf_init(&more, 0);
    (void)buf_append_str(&more, ",\"destination-controls\":[" HELP_DEFAULT);
    for (unsigned i = 0; i < 6; i++)
        if (below(seed, 2) == 0)
            (void)buf_printf(&more, ",{\"domain\":\"d%u.test\",\"max_connections\":%u}", i,
                             below(seed, 3));
    (void)buf_append_char(&more, ']');
    for (const char *listener = "M"; listener != NULL; listener = listener[0] == 'M' ? "N" : NULL) {
        unsigned first = below(seed, 7), step = 1 + below(seed, 6);
        for (unsigned i = 0; i < 7; i++)
            if (below(seed, 3) != 0)
                (void)buf_printf(&rat,
                                 "{\"listener\":\"%s\",\"recipient\":\"r%u.test\","
                                 "\"action\":\"accept\",\"reply_code\":%u},",
                                 listener, (first + i * step) % 7, codes);
        (void)buf_printf(&rat,
                         "{\"listener\":\"%s\",\"recipient\":\"ALL\",\"action\":\"reject\"}%s",
                         listener, listener[0] == 'M' ? "," : "");
    }
    struct config *config = help_config_with(buf_cstr(&rat), buf_cstr(&more));
    buf_finish(&rat);
    buf_finish(&more);
    return config;
}

static void assert_same_order(const struct overlay *got, const struct config *wanted)
{
    struct overlay *plain = overlay_create(wanted, NULL, 0, NULL);

    for (const char *listener = "M"; listener != NULL; listener = listener[0] == 'M' ? "N" : NULL) {
        json_t *order = overlay_order(plain, CFG_SECTION_RAT, slice_str(listener));
        char *text = json_dumps(order, 0);
        help_assert_order(got, listener, text);
        free(text);
        json_decref(order);
    }
    overlay_destroy(plain);
}

/* Whatever two configurations there are: the items between them lead from one to the other, with
 * every entry in its place. */
static void test_items_between(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct config *from = random_config(&seed), *to = random_config(&seed);
        struct overlay_item *items;
        struct mem_arena arena;
        struct config_diff diff;
        size_t count;
        mem_arena_init(&arena);
        overlay_items_between(from, to, &arena, &items, &count);
        struct overlay *overlay = overlay_create(from, items, count, NULL);
        assert_int_equal(json_array_size(overlay->conflicts), 0);
        struct config *led = candidate_of(overlay);
        config_diff(led, to, &diff);
        assert_int_equal(diff.count, 0);
        assert_same_order(overlay, to);
        config_diff_finish(&diff);
        config_unref(led);
        overlay_destroy(overlay);
        overlay_items_finish(items, count);
        overlay_items_between(to, to, &arena, &items, &count);
        assert_int_equal(count, 0);
        overlay_items_finish(items, count);
        mem_arena_finish(&arena);
        config_unref(from);
        config_unref(to);
    }
}

/* 10,000 objects and as many items: looked up, not searched. What one change costs is printed. */
static void test_many(void **state)
{
    enum { COUNT = 10000 };
    struct buf more;
    struct overlay_item *items;
    struct mem_arena arena;
    size_t count;

    (void)state;
    buf_init(&more, 0);
    (void)buf_append_str(&more, ",\"destination-controls\":[" HELP_DEFAULT);
    for (unsigned i = 0; i < COUNT; i++)
        (void)buf_printf(&more, ",{\"domain\":\"d%u.test\"}", i);
    (void)buf_append_char(&more, ']');
    struct config *few = help_config();
    struct config *many = help_config_with(HELP_ALL("M") "," HELP_ALL("N"), buf_cstr(&more));
    mem_arena_init(&arena);
    overlay_items_between(few, many, &arena, &items, &count);
    assert_int_equal(count, COUNT + 2);
    struct overlay *overlay = overlay_create(few, items, count, NULL);
    struct config *led = candidate_of(overlay);
    assert_int_equal(led->destination_controls.count, COUNT + 1);
    config_unref(led);
    overlay_destroy(overlay);
    overlay_items_finish(items, count);

    struct overlay_item item = {
        .section = CFG_SECTION_DESTINATION_CONTROLS,
        .listener = SLICE(""),
        .key = SLICE("d9999.test"),
        .base = help_object(many, CFG_SECTION_DESTINATION_CONTROLS, "", "d9999.test")};
    item.value = json_deep_copy(item.base);
    (void)json_object_set_new(item.value, "max_connections", json_integer(7));
    uint64_t began_ms = clock_mono_ms(clock_system());
    overlay = overlay_create(many, &item, 1, NULL);
    led = candidate_of(overlay);
    print_message("one change among %d objects: candidate in %llu ms\n", COUNT,
                  (unsigned long long)(clock_mono_ms(clock_system()) - began_ms));
    config_unref(led);
    overlay_destroy(overlay);
    help_item_finish(&item);
    mem_arena_finish(&arena);
    buf_finish(&more);
    config_unref(few);
    config_unref(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_with_others),
        cmocka_unit_test(test_answers_to_conflicts),
        cmocka_unit_test(test_removal_against_change),
        cmocka_unit_test(test_lists_without_order_merge),
        cmocka_unit_test(test_errors_name_objects),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_new_listener),
        cmocka_unit_test(test_lay_over),
        cmocka_unit_test(test_items_between),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
