/* base/file and base/err, in a directory of their own under TMPDIR: what is replaced is whole, has
 * its mode and leaves no temporary; errors have the right kind and say which file. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static char *dir;

static int make_dir(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    dir = mem_printf("%s/postern-file-XXXXXX", base == NULL ? "/tmp" : base);
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    static const char *names[] = {"a", "a.tmp", "a.tmp.tmp", "lock", "sub"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, names[i]);
        (void)remove(path);
    }
    int r = rmdir(dir);
    free(dir);
    return r;
}

static void test_replace_and_read(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *path = mem_printf("%s/a", dir);
    SCOPED(mem_free_at) char *temporary = mem_printf("%s/a.tmp", dir);
    struct error error = {0};
    struct buf b;
    struct stat st;

    buf_init(&b, 0);
    assert_int_equal(file_read(path, &b, &error), ERR_NOT_FOUND);
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, path));

    assert_int_equal(file_replace(path, SLICE("first, longer"), 0644, &error), 0);
    assert_int_equal(file_replace(path, SLICE("second\n"), 0600, &error), 0);
    assert_int_equal(file_read(path, &b, &error), 0);
    assert_string_equal(buf_cstr(&b), "second\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(access(temporary, F_OK), -1);

    /* What a crash left behind does not leak into the next one. */
    assert_int_equal(file_replace(temporary, SLICE("rubbish that is much longer"), 0644, NULL), 0);
    assert_int_equal(file_replace(path, SLICE("x"), 0640, &error), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    buf_clear(&b, 0);
    assert_int_equal(file_read(path, &b, &error), 0);
    assert_string_equal(buf_cstr(&b), "x");
    buf_finish(&b);
}

static void test_read_respects_the_cap(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *path = mem_printf("%s/a", dir);
    struct error error;
    struct buf b;
    buf_init(&b, 4);
    assert_int_equal(file_replace(path, SLICE("1234"), 0600, NULL), 0);
    assert_int_equal(file_read(path, &b, &error), 0);
    buf_clear(&b, 0);
    assert_int_equal(file_replace(path, SLICE("12345"), 0600, NULL), 0);
    assert_int_equal(file_read(path, &b, &error), ERR_FULL);
    buf_finish(&b);
}

static void test_failures_leave_the_old_file(void **state)
{
    (void)state;
    struct error error = {0};
    SCOPED(mem_free_at) char *path = mem_printf("%s/missing/a", dir);
    assert_int_equal(file_replace(path, SLICE("x"), 0600, &error), ERR_IO);
    assert_non_null(strstr(error.text, "No such file"));

    /* The new name is a directory: the rename fails, no temporary stays. */
    SCOPED(mem_free_at) char *sub = mem_printf("%s/sub", dir);
    SCOPED(mem_free_at) char *temporary = mem_printf("%s/sub.tmp", dir);
    assert_int_equal(file_make_dir(sub, 0700, NULL), 0);
    assert_int_equal(file_replace(sub, SLICE("x"), 0600, &error), ERR_IO);
    assert_int_equal(access(temporary, F_OK), -1);
}

static void test_make_dir(void **state)
{
    (void)state;
    struct error error;
    SCOPED(mem_free_at) char *sub = mem_printf("%s/sub", dir);
    SCOPED(mem_free_at) char *file = mem_printf("%s/a", dir);
    SCOPED(mem_free_at) char *deep = mem_printf("%s/no/sub", dir);
    assert_int_equal(file_make_dir(sub, 0700, &error), 0);
    assert_int_equal(file_make_dir(sub, 0700, &error), 0);
    assert_int_equal(file_sync_dir(sub, &error), 0);
    assert_int_equal(file_replace(file, SLICE(""), 0600, &error), 0);
    assert_int_equal(file_make_dir(file, 0700, &error), ERR_IO);
    assert_non_null(strstr(error.text, "Not a directory"));
    assert_int_equal(file_make_dir(deep, 0700, &error), ERR_IO);
    assert_int_equal(file_sync_dir(deep, &error), ERR_IO);
}

static void test_lock(void **state)
{
    (void)state;
    struct error error;
    int first = -1, second = -1;
    SCOPED(mem_free_at) char *path = mem_printf("%s/lock", dir);
    assert_int_equal(file_lock(path, &first, &error), 0);
    assert_true(first >= 0);
    assert_int_equal(file_lock(path, &second, &error), ERR_EXISTS);
    assert_int_equal(second, -1);
    assert_non_null(strstr(error.text, "another process"));
    assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(first);
    assert_int_equal(file_lock(path, &second, &error), 0);
    (void)close(second);
}

static void test_pwrite(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *path = mem_printf("%s/a", dir);
    struct buf b;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_pwrite_all(fd, "world", 5, 6), 0);
    assert_int_equal(file_pwrite_all(fd, "hello ", 6, 0), 0);
    (void)close(fd);
    buf_init(&b, 0);
    assert_int_equal(file_read(path, &b, NULL), 0);
    assert_string_equal(buf_cstr(&b), "hello world");
    buf_finish(&b);
    assert_int_equal(file_pwrite_all(-1, "x", 1, 0), -EBADF);
    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        assert_int_equal(file_pwrite_all(fd, "x", 1, 0), -ENOSPC);
        (void)close(fd);
    }
}

static void test_error_kinds(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(error_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
    assert_int_equal(error_set(&error, ERR_INVALID, "row %d", 3), ERR_INVALID);
    assert_string_equal(error.text, "row 3");
    assert_int_equal(error_set_errno(&error, ENOSPC, "cannot write %s", "f"), ERR_FULL);
    assert_string_equal(error.text, "cannot write f: No space left on device");
    assert_int_equal(error_set_errno(&error, EDQUOT, "x"), ERR_FULL);
    assert_int_equal(error_set_errno(NULL, EACCES, "x"), ERR_IO);

    char longer[2 * ERROR_TEXT_MAX];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(error_set_errno(&error, EIO, "%s", longer), ERR_IO);
    assert_int_equal(strlen(error.text), ERROR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_and_read),
        cmocka_unit_test(test_read_respects_the_cap),
        cmocka_unit_test(test_failures_leave_the_old_file),
        cmocka_unit_test(test_make_dir),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_pwrite),
        cmocka_unit_test(test_error_kinds),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
