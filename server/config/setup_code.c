/* The one-time setup code: see setup_code.h. */
#include "config/setup_code.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/base32.h"

enum {
    GROUPS = 5,
    GROUP_LEN = 5,
    SIGNS = GROUPS * GROUP_LEN,
    RANDOM_BYTES = 16,
    FILE_MAX = 256,  /* bytes that are read; a code is much shorter */
    GIVEN_MAX = 128, /* the same for what somebody typed */
};

_Static_assert(BASE32_LEN(RANDOM_BYTES) >= SIGNS, "enough signs");
_Static_assert(SIGNS + GROUPS == SETUP_CODE_SIZE, "dashes between groups, and a NUL");

static char *path_in(const char *state_dir)
{
    return mem_printf("%s/setup-code", state_dir);
}

/* The sign that is meant; '\0': none. */
static char sign_of(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    bool is_sign = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    return is_sign ? c : '\0';
}

/* The bare signs of a code as somebody typed it. */
static bool read_signs(struct slice text, char ret_signs[SIGNS])
{
    char signs[SIGNS];
    size_t count = 0;
    bool is_code = text.len <= GIVEN_MAX;
    for (size_t i = 0; i < text.len && is_code; i++) {
        char c = text.p[i];
        if (c == '-' || c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        is_code = count < SIGNS && sign_of(c) != '\0';
        if (is_code)
            signs[count++] = sign_of(c);
    }
    is_code = is_code && count == SIGNS;
    if (is_code)
        memcpy(ret_signs, signs, SIGNS);
    mem_wipe(signs, sizeof(signs));
    return is_code;
}

static void format(const char signs[SIGNS], char ret_code[SETUP_CODE_SIZE])
{
    for (size_t i = 0; i < SIGNS; i++) {
        *ret_code++ = signs[i];
        if (i % GROUP_LEN == GROUP_LEN - 1)
            *ret_code++ = i + 1 < SIGNS ? '-' : '\0';
    }
}

/* ERR_NOT_FOUND: there is no file, or no code in it. */
static int load(const char *state_dir, char ret_signs[SIGNS], struct error *reterr)
{
    char *path = path_in(state_dir);
    struct buf buf;
    buf_init(&buf, FILE_MAX);
    int r = file_read(path, &buf, reterr);
    if (r == ERR_FULL || (r == 0 && !read_signs(buf_slice(&buf), ret_signs)))
        r = error_set(reterr, ERR_NOT_FOUND, "%s holds no setup code", path);
    mem_wipe(buf.data, buf.size_bytes);
    buf_finish(&buf);
    free(path);
    return r;
}

int setup_code_renew(const char *state_dir, const struct clock *clock,
                     char ret_code[SETUP_CODE_SIZE], struct error *reterr)
{
    uint8_t random[RANDOM_BYTES];
    char signs[BASE32_LEN(RANDOM_BYTES) + 1], line[SETUP_CODE_SIZE + 1];
    char *path = path_in(state_dir);
    clock->random(clock, random, sizeof(random));
    base32_encode(random, sizeof(random), signs);
    for (size_t i = 0; i < SIGNS; i++)
        signs[i] = sign_of(signs[i]);
    format(signs, line);
    line[SETUP_CODE_SIZE - 1] = '\n';
    int r = file_replace(path, slice_of(line, SETUP_CODE_SIZE), 0600, reterr);
    if (r == 0)
        format(signs, ret_code);
    mem_wipe(random, sizeof(random));
    mem_wipe(signs, sizeof(signs));
    mem_wipe(line, sizeof(line));
    free(path);
    return r;
}

int setup_code_ensure(const char *state_dir, const struct clock *clock,
                      char ret_code[SETUP_CODE_SIZE], struct error *reterr)
{
    char signs[SIGNS];
    int r = load(state_dir, signs, reterr);
    if (r == ERR_NOT_FOUND)
        return setup_code_renew(state_dir, clock, ret_code, reterr);
    if (r == 0)
        format(signs, ret_code);
    mem_wipe(signs, sizeof(signs));
    return r;
}

bool setup_code_exists(const char *state_dir)
{
    char signs[SIGNS];
    bool exists = load(state_dir, signs, NULL) == 0;
    mem_wipe(signs, sizeof(signs));
    return exists;
}

bool setup_code_check(const char *state_dir, struct slice given)
{
    char signs[SIGNS], typed[SIGNS];
    bool is_right = load(state_dir, signs, NULL) == 0 && read_signs(given, typed) &&
                    mem_eq_secret(signs, typed, SIGNS);
    mem_wipe(signs, sizeof(signs));
    mem_wipe(typed, sizeof(typed));
    return is_right;
}

int setup_code_remove(const char *state_dir, struct error *reterr)
{
    char *path = path_in(state_dir);
    int r = 0;
    if (unlink(path) != 0 && errno != ENOENT)
        r = error_set_errno(reterr, errno, "cannot remove %s", path);
    free(path);
    return r == 0 ? file_sync_dir(state_dir, reterr) : r;
}
