/* Fuzz target: the whole head of a request, cut as the library cuts it, then judged by the guard.
 *
 * Property: what the guard lets through is, in the bytes as they came, a head with one reading:
 * every line ends in CR LF, nothing is folded, there is no NUL and no other CR, each line is a
 * token, a colon and a value, and at most one field says how long the body is. One thing cannot be
 * told from CR LF, because the library overwrites all of them: a NUL at the end of a line, in the
 * place of a CR. */
#include "fuzz_target.h"

#include "cut_head.h"

/* Cuts the next line off *raw. */
static struct slice strict_line(struct slice *raw)
{
    const char *lf = memchr(raw->p, '\n', raw->len);
    ASSERT(lf != NULL && lf > raw->p && lf[-1] == '\r');
    struct slice line = slice_of(raw->p, (size_t)(lf - raw->p) - 1);
    *raw = slice_of(lf + 1, raw->len - line.len - 2);
    ASSERT(memchr(line.p, '\0', line.len) == NULL && memchr(line.p, '\r', line.len) == NULL);
    return line;
}

static void check_raw(struct slice raw, const struct guard_verdict *verdict)
{
    unsigned framings = 0, hosts = 0;
    struct slice line = strict_line(&raw);

    while (line.len == 0) /* empty lines before a request are nobody's */
        line = strict_line(&raw);
    ASSERT(slice_find(line, ' ') < line.len && line.p[line.len - 9] == ' ');
    for (line = strict_line(&raw); line.len > 0; line = strict_line(&raw)) {
        struct slice name = slice_cut(&line, ':');
        ASSERT(name.len > 0 && line.p > name.p + name.len);
        ASSERT(memchr(name.p, ' ', name.len) == NULL && memchr(name.p, '\t', name.len) == NULL);
        framings += slice_eq_nocase(name, SLICE("content-length")) ||
                    slice_eq_nocase(name, SLICE("transfer-encoding"));
        hosts += slice_eq_nocase(name, SLICE("host"));
    }
    ASSERT(framings <= 1 && hosts <= 1);
    ASSERT(verdict->has_body <= framings);
}

static bool has_nul_at_line_end(struct slice raw)
{
    return memmem(raw.p, raw.len, "\0\n", 2) != NULL || memmem(raw.p, raw.len, "\n\0", 2) != NULL ||
           memmem(raw.p, raw.len, "\0\r", 2) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice raw = slice_of((const char *)data, size);
    struct guard_verdict verdict;
    struct cut_head cut;

    if (size < 65536 && cut_head_init(&cut, raw)) {
        guard_check(&cut.head, &verdict);
        ASSERT((verdict.status == 0) == (verdict.code == NULL));
        if (verdict.status == 0 && !has_nul_at_line_end(raw)) {
            /* Empty lines that end in LF alone are skipped before anything is judged. */
            size_t before = (size_t)(cut.head.start - cut.memory);
            check_raw(slice_of(raw.p + before, raw.len - before), &verdict);
        }
    }
    if (size < 65536)
        cut_head_finish(&cut);
    return 0;
}
