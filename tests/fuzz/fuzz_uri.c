/* Fuzz target: a request target and the Host that came with it, "HOST LF TARGET".
 *
 * Properties: results point into what was given; what is accepted has no control byte, raw or
 * escaped in the path, and no escaped NUL; put together again it is accepted with the same parts.
 */
#include "fuzz_target.h"

#include "base/mem.h"
#include "webui/guard.h"

static void check_inside(struct slice part, struct slice whole)
{
    ASSERT(part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

static void check_host(struct slice host)
{
    struct slice name, again;

    if (!guard_host(host, &name))
        return;
    check_inside(name, host);
    ASSERT(name.len > 0 && guard_host(name, &again) && slice_eq(name, again));
    for (size_t i = 0; i < name.len; i++)
        ASSERT(name.p[i] > ' ' && name.p[i] <= '~' && strchr("/@?#,\\", name.p[i]) == NULL);
}

/* The bytes that an escape stands for. */
static void check_escapes(struct slice s, bool is_path)
{
    for (size_t i = 0; i < s.len; i++) {
        ASSERT(s.p[i] > ' ' && s.p[i] <= '~');
        if (s.p[i] != '%')
            continue;
        ASSERT(i + 2 < s.len);
        char digits[3] = {s.p[i + 1], s.p[i + 2], '\0'};
        unsigned long byte = strtoul(digits, NULL, 16);
        ASSERT(byte != 0 && (!is_path || (byte >= ' ' && byte != 0x7f)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice uri = slice_of((const char *)data, size), path, query, path2, query2;
    struct slice host = slice_cut(&uri, '\n');

    check_host(host);
    if (!guard_uri(uri, host, &path, &query))
        return 0;
    check_inside(path, uri);
    check_inside(query, uri);
    ASSERT(path.len > 0 && (path.p[0] == '/' || slice_eq(path, SLICE("*"))));
    ASSERT(memchr(path.p, '?', path.len) == NULL);
    check_escapes(path, true);
    check_escapes(query, false);
    char *text = mem_printf("%.*s?%.*s", SLICE_ARGS(path), SLICE_ARGS(query));
    if (path.p[0] == '/' && strlen(text) <= API_URI_MAX)
        ASSERT(guard_uri(slice_str(text), SLICE("x"), &path2, &query2) && slice_eq(path, path2) &&
               slice_eq(query, query2));
    free(text);
    return 0;
}
