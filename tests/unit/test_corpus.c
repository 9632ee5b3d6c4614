/* The codec over the documents of tests/unit/json (base.txt there says how they are written): what
 * is valid comes back equal from its canonical form, what is not is refused with exactly the errors
 * that the case names. argv[1] is that directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "config/config.h"

enum { SECTIONS_MAX = 24, EXPECTED_MAX = 16 };

struct section {
    struct slice name;
    char *text; /* JSON */
};

struct expected {
    char kind;            /* E or V */
    struct slice first;   /* code, or pointer */
    char *rest;           /* pointer, or JSON */
    struct slice nearest; /* of E */
};

struct corpus_case {
    struct slice name;
    struct section sections[SECTIONS_MAX];
    size_t section_count;
    bool is_text; /* made of J lines */
    struct buf text;
    struct expected expected[EXPECTED_MAX];
    size_t expected_count;
};

static const char *directory;
static struct section base[SECTIONS_MAX];
static size_t base_count;

/* --- reading --- */

static void read_file(const char *name, struct buf *out)
{
    char *path = mem_printf("%s/%s", directory, name);
    FILE *file = fopen(path, "r");

    if (file == NULL)
        fail_msg("%s is missing", path);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        (void)buf_append_char(out, (char)c);
    (void)fclose(file);
    free(path);
}

static char *copy(struct slice text)
{
    return slice_dup(text);
}

static void append(struct buf *out, struct slice text, bool has_escapes)
{
    for (size_t i = 0; i < text.len; i++) {
        char digits[3] = {0};
        char *end = digits;
        if (!has_escapes || text.p[i] != '\\') {
            (void)buf_append_char(out, text.p[i]);
            continue;
        }
        if (i + 1 < text.len && text.p[i + 1] == '\\') {
            (void)buf_append_char(out, '\\');
            i++;
            continue;
        }
        if (i + 3 < text.len && text.p[i + 1] == 'x')
            memcpy(digits, text.p + i + 2, 2);
        (void)buf_append_char(out, (char)strtoul(digits, &end, 16));
        if (end != digits + 2)
            fail_msg("escape in %.*s", SLICE_ARGS(text));
        i += 3;
    }
}

static char *unescape(struct slice text, bool has_escapes)
{
    struct buf out;

    buf_init(&out, 0);
    append(&out, text, has_escapes);
    char *copied = copy(buf_slice(&out));
    buf_finish(&out);
    return copied;
}

static struct section *find_section(struct corpus_case *c, struct slice name)
{
    size_t i = 0;

    while (i < c->section_count && !slice_eq(c->sections[i].name, name))
        i++;
    if (i == c->section_count) {
        assert_true(i < SECTIONS_MAX);
        c->sections[c->section_count++] = (struct section){name, mem_strdup("[]")};
    }
    return &c->sections[i];
}

static void set_section(struct corpus_case *c, struct slice line, bool is_more, bool has_escapes)
{
    struct section *section = find_section(c, slice_cut(&line, ' '));
    char *text = unescape(line, has_escapes), *before = section->text;

    if (is_more) {
        size_t len = strlen(before) - 1; /* without its bracket */
        section->text = mem_printf("%.*s%s%s]", (int)len, before, len > 1 ? "," : "", text);
        free(text);
    } else {
        section->text = text;
    }
    free(before);
}

static void append_sections(struct buf *out, const struct section *sections, size_t count)
{
    const char *comma = "";

    for (size_t i = 0; i < count; i++) {
        if (sections[i].text[0] == '\0')
            continue;
        (void)buf_printf(out, "%s\"%.*s\":", comma, SLICE_ARGS(sections[i].name));
        (void)buf_append_str(out, sections[i].text);
        comma = ",";
    }
}

static void append_text(struct corpus_case *c, char how, struct slice line)
{
    unsigned long long times = 1;

    c->is_text = true;
    if (how == '+') {
        append_sections(&c->text, base, base_count);
        return;
    }
    if (how == '*' && !slice_to_u64(slice_cut(&line, ' '), 1000000, &times))
        fail_msg("how often? %.*s", SLICE_ARGS(line));
    while (times-- > 0)
        append(&c->text, line, how != ':');
}

static void read_line(struct corpus_case *c, struct slice line)
{
    char kind = line.p[0], how = line.len > 1 ? line.p[1] : '\0';
    struct slice rest = slice_of(line.p + 2, line.len - 2);

    if (rest.len > 0 && rest.p[0] == ' ')
        rest = slice_of(rest.p + 1, rest.len - 1);
    if (kind == 'J') {
        append_text(c, how, rest);
    } else if (kind == 'S' || kind == 'A') {
        set_section(c, rest, kind == 'A', how == '!');
    } else if (kind == 'E' || kind == 'V') {
        assert_true(c->expected_count < EXPECTED_MAX);
        struct expected *e = &c->expected[c->expected_count++];
        *e = (struct expected){.kind = kind, .first = slice_cut(&rest, ' ')};
        e->rest = unescape(rest, how == '!');
    } else if (kind == 'N' && c->expected_count > 0) {
        c->expected[c->expected_count - 1].nearest = rest;
    } else {
        fail_msg("what is %.*s?", SLICE_ARGS(line));
    }
}

static void case_init(struct corpus_case *c, struct slice name)
{
    *c = (struct corpus_case){.name = name};
    buf_init(&c->text, 0);
    for (; c->section_count < base_count; c->section_count++)
        c->sections[c->section_count] =
            (struct section){base[c->section_count].name, mem_strdup(base[c->section_count].text)};
}

static void case_finish(struct corpus_case *c)
{
    for (size_t i = 0; i < c->section_count; i++)
        free(c->sections[i].text);
    for (size_t i = 0; i < c->expected_count; i++)
        free(c->expected[i].rest);
    buf_finish(&c->text);
}

/* --- checking --- */

static void fail_with(const struct corpus_case *c, const struct config_errors *errors,
                      const char *what)
{
    struct buf got;

    buf_init(&got, 0);
    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *e = &errors->items[i];
        const char *nearest = e->params.nearest;
        (void)buf_printf(&got, "\n%s %s: %s%s%s", e->code, e->pointer, e->text,
                         nearest == NULL ? "" : ", nearest ", nearest == NULL ? "" : nearest);
    }
    fail_msg("%.*s: %s%s", SLICE_ARGS(c->name), what, buf_cstr(&got));
}

static bool is_expected(const struct expected *e, const struct config_error *error)
{
    const char *nearest = error->params.nearest;

    return slice_eq(e->first, slice_str(error->code)) && strcmp(e->rest, error->pointer) == 0 &&
           slice_eq(e->nearest, slice_str(nearest == NULL ? "" : nearest));
}

static void check_refused(struct corpus_case *c, const struct config_errors *errors)
{
    if (errors->count + errors->dropped != c->expected_count)
        fail_with(c, errors, "not that many errors");
    for (size_t i = 0; i < c->expected_count; i++) {
        size_t found = 0;
        for (size_t j = 0; j < errors->count; j++)
            found += is_expected(&c->expected[i], &errors->items[j]);
        if (found != 1)
            fail_with(c, errors, c->expected[i].rest);
    }
}

/* The value at a JSON Pointer without escapes; NULL: there is none. */
static json_t *value_at(json_t *value, struct slice pointer)
{
    (void)slice_cut(&pointer, '/');
    while (value != NULL && pointer.len > 0) {
        struct slice step = slice_cut(&pointer, '/');
        char *key = copy(step);
        value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
                                     : json_object_get(value, key);
        free(key);
    }
    return value;
}

static void check_values(struct corpus_case *c, struct slice canonical)
{
    json_t *root = json_loadb(canonical.p, canonical.len, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(root);
    for (size_t i = 0; i < c->expected_count; i++) {
        json_t *wanted = json_loads(c->expected[i].rest, JSON_DECODE_ANY, NULL);
        json_t *value = value_at(root, c->expected[i].first);
        if (wanted == NULL || !json_equal(value, wanted))
            fail_msg("%.*s: %.*s is not %s but %s", SLICE_ARGS(c->name),
                     SLICE_ARGS(c->expected[i].first), c->expected[i].rest,
                     json_dumps(value, JSON_ENCODE_ANY));
        json_decref(wanted);
    }
    json_decref(root);
}

static void check_accepted(struct corpus_case *c, struct config *config,
                           struct config_errors *errors)
{
    struct buf first, second;
    struct config_diff diff;

    if (config == NULL)
        fail_with(c, errors, "is refused");
    buf_init(&first, 0);
    buf_init(&second, 0);
    config_render(config, &first);
    struct config *again = config_load(buf_slice(&first), errors);
    if (again == NULL)
        fail_with(c, errors, "its canonical form is refused");
    config_render(again, &second);
    assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));
    config_diff(config, again, &diff);
    assert_int_equal(diff.count, 0);
    config_diff_finish(&diff);
    check_values(c, buf_slice(&first));
    config_unref(again);
    buf_finish(&first);
    buf_finish(&second);
}

static void run_case(struct corpus_case *c, bool is_valid)
{
    struct config_errors errors;

    for (size_t i = 0; i < c->expected_count; i++)
        if (c->expected[i].kind != (is_valid ? 'V' : 'E'))
            fail_msg("%.*s: expects the other thing", SLICE_ARGS(c->name));
    if (!c->is_text) {
        (void)buf_append_char(&c->text, '{');
        append_sections(&c->text, c->sections, c->section_count);
        (void)buf_append_char(&c->text, '}');
    }
    config_errors_init(&errors);
    struct config *config = config_load(buf_slice(&c->text), &errors);
    if (is_valid)
        check_accepted(c, config, &errors);
    else if (config != NULL || c->expected_count == 0)
        fail_with(c, &errors, "is accepted, or nothing is expected");
    else
        check_refused(c, &errors);
    config_unref(config);
    config_errors_finish(&errors);
}

/* At least AT_LEAST cases: a file that is read wrongly must not look like a small one. */
static void run_file(const char *name, bool is_valid, size_t at_least)
{
    struct corpus_case c;
    struct buf text;
    size_t count = 0;

    buf_init(&text, 0);
    read_file(name, &text);
    struct slice rest = buf_slice(&text);
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        bool is_name = line.len > 3 && memcmp(line.p, "== ", 3) == 0;
        if (is_name && count++ > 0) {
            run_case(&c, is_valid);
            case_finish(&c);
        }
        if (is_name)
            case_init(&c, slice_of(line.p + 3, line.len - 3));
        else if (line.len > 0 && line.p[0] != '#')
            read_line(&c, line);
    }
    assert_true(count >= at_least);
    run_case(&c, is_valid);
    case_finish(&c);
    buf_finish(&text);
}

static void test_syntax_valid(void **state)
{
    (void)state;
    run_file("syntax-valid.txt", true, 30);
}

static void test_syntax_invalid(void **state)
{
    (void)state;
    run_file("syntax-invalid.txt", false, 140);
}

static void test_sections_valid(void **state)
{
    (void)state;
    run_file("sections-valid.txt", true, 40);
}

static void test_sections_invalid(void **state)
{
    (void)state;
    run_file("sections-invalid.txt", false, 120);
}

static int read_base(void **state)
{
    static struct buf text;
    struct slice rest;

    (void)state;
    buf_init(&text, 0);
    read_file("base.txt", &text);
    rest = buf_slice(&text);
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len < 2 || line.p[0] != '=')
            continue;
        assert_true(base_count < SECTIONS_MAX);
        line = slice_of(line.p + 2, line.len - 2);
        base[base_count].name = slice_cut(&line, ' ');
        base[base_count++].text = copy(line);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax_valid),
        cmocka_unit_test(test_syntax_invalid),
        cmocka_unit_test(test_sections_valid),
        cmocka_unit_test(test_sections_invalid),
    };

    ASSERT(argc == 2);
    directory = argv[1];
    config_json_init();
    return cmocka_run_group_tests(tests, read_base, NULL);
}
