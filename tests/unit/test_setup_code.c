/* The setup code: how it looks, which spellings of it are right, that it survives until it is used
 * and no longer, and what a damaged file does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "config/setup_code.h"

static char dir[32], path[64];
static struct clock_fake clock_;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/test_setup_code.XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/setup-code", dir);
    clock_fake_init(&clock_, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void ensure(char ret_code[SETUP_CODE_SIZE])
{
    if (setup_code_ensure(dir, &clock_.clock, ret_code, &error) < 0)
        fail_msg("%s", error.text);
}

static void write_file(struct slice text)
{
    assert_int_equal(file_replace(path, text, 0600, &error), 0);
}

static bool check(const char *given)
{
    return setup_code_check(dir, slice_str(given));
}

static void test_life(void **state)
{
    (void)state;
    char code[SETUP_CODE_SIZE], again[SETUP_CODE_SIZE], other[SETUP_CODE_SIZE];
    struct stat st;
    assert_false(setup_code_exists(dir));
    assert_false(check(""));
    ensure(code);
    assert_true(setup_code_exists(dir));
    assert_int_equal(strlen(code), SETUP_CODE_SIZE - 1);
    for (size_t i = 0; i < SETUP_CODE_SIZE - 1; i++)
        assert_non_null(strchr(i % 6 == 5 ? "-" : "0123456789ABCDEFGHJKMNPQRSTVWXYZ", code[i]));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, SETUP_CODE_SIZE); /* with its newline */
    ensure(again);                                 /* the next start */
    assert_string_equal(code, again);
    assert_true(check(code));
    assert_true(check(code)); /* looking does not use it up */
    assert_int_equal(setup_code_renew(dir, &clock_.clock, other, &error), 0);
    assert_string_not_equal(code, other);
    assert_false(check(code));
    assert_true(check(other));
    assert_int_equal(setup_code_remove(dir, &error), 0);
    assert_false(setup_code_exists(dir));
    assert_false(check(other));
    assert_int_equal(setup_code_remove(dir, &error), 0);
    ensure(again);
    assert_string_not_equal(again, other);
}

static void test_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        bool is_right;
    } cases[] = {
        {"01ABC-DEFGH-JKMNP-QRSTV-WXYZ0", true},
        {"01abc-defgh-jkmnp-qrstv-wxyz0", true},
        {"01ABCDEFGHJKMNPQRSTVWXYZ0", true},
        {" 01ABC DEFGH\tJKMNP--QRSTV-WXYZ0\r\n", true},
        {"OIABC-DEFGH-JKMNP-QRSTV-WXYZO", true},
        {"olabc-defgh-jkmnp-qrstv-wxyzo", true},
        {"0LABC-DEFGH-JKMNP-QRSTV-WXYZ0", true},
        {"01ABC-DEFGH-JKMNP-QRSTV-WXYZ1", false},
        {"11ABC-DEFGH-JKMNP-QRSTV-WXYZ0", false},
        {"01ABC-DEFGH-JKMNP-QRSTV-WXYZ", false},
        {"01ABC-DEFGH-JKMNP-QRSTV-WXYZ00", false},
        {"01ABC-DEFGH-JKMNP-QRSTV-WXYZ0-01ABC", false},
        {"01ABC-DEFGH-JKMNP-QRSTV-WXYZU", false},
        {"01ABC_DEFGH_JKMNP_QRSTV_WXYZ0", false},
        {"", false},
        {"-----", false},
    };
    write_file(SLICE("01ABC-DEFGH-JKMNP-QRSTV-WXYZ0\n"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (check(cases[i].given) != cases[i].is_right)
            fail_msg("%s", cases[i].given);
    }
    assert_false(setup_code_check(dir, SLICE("01ABC-DEFGH-JKMNP-QRSTV-WXYZ\0")));
    assert_false(setup_code_check(dir, SLICE("01ABC-DEFGH-JKMNP-QRSTV-WXYZ0\0")));
    /* However long: only so much is looked at. */
    char wild[1000];
    memset(wild, ' ', sizeof(wild));
    memcpy(wild, "01ABCDEFGHJKMNPQRSTVWXYZ0", 25);
    assert_true(setup_code_check(dir, slice_of(wild, 128)));
    assert_false(setup_code_check(dir, slice_of(wild, 129)));
    memset(wild, '0', sizeof(wild));
    assert_false(setup_code_check(dir, slice_of(wild, sizeof(wild))));
}

/* A file without a code lets nobody in, least of all with nothing, and is replaced. */
static void test_damaged_file(void **state)
{
    (void)state;
    char large[300], code[SETUP_CODE_SIZE];
    memset(large, '0', sizeof(large));
    const struct slice texts[] = {SLICE(""), SLICE("\n"), SLICE("01ABC-DEFGH-JKMNP-QRSTV-WXYZ"),
                                  SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
                                  slice_of(large, sizeof(large))};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file(texts[i]);
        assert_false(setup_code_exists(dir));
        assert_false(setup_code_check(dir, texts[i]));
        assert_false(check(""));
        ensure(code);
        assert_true(check(code));
    }
}

static void test_no_directory(void **state)
{
    (void)state;
    char code[SETUP_CODE_SIZE] = "kept";
    assert_int_equal(setup_code_renew("/nonexistent", &clock_.clock, code, &error), ERR_IO);
    assert_int_equal(setup_code_ensure("/nonexistent", &clock_.clock, code, &error), ERR_IO);
    assert_string_equal(code, "kept");
    assert_false(setup_code_exists("/nonexistent"));
    assert_int_equal(setup_code_remove("/nonexistent", &error), ERR_IO);
    /* A file that cannot be read is not replaced. */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(setup_code_ensure(dir, &clock_.clock, code, &error), ERR_IO);
    assert_int_equal(setup_code_remove(dir, &error), ERR_IO);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("setup-code", path), 0);
    assert_int_equal(setup_code_ensure(dir, &clock_.clock, code, &error), ERR_IO);
    assert_int_equal(readlink(path, code, sizeof(code)), 10);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_life),
        IN_DIR(test_spellings),
        IN_DIR(test_damaged_file),
        IN_DIR(test_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
