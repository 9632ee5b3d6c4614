/* Looking at bytes that belong to somebody else: see slice.h.
 *
 * Nothing here allocates (but slice_dup), nothing reads past the length, everything is linear. Case
 * is ASCII's alone: in a Turkish locale tolower('I') is no 'i', and SMTP keywords must not care.
 * An empty slice may have a NULL pointer. */
#include "base/slice.h"

#include "base/mem.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && slice_starts_nocase(a, b);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
    if (s.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        if (lower(s.p[i]) != lower(prefix.p[i]))
            return false;
    }
    return true;
}

bool slice_ends_nocase(struct slice s, struct slice suffix)
{
    if (s.len < suffix.len)
        return false;
    if (suffix.len == 0)
        return true;
    return slice_starts_nocase(slice_of(s.p + (s.len - suffix.len), suffix.len), suffix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

size_t slice_find(struct slice s, char c)
{
    const char *at = s.len == 0 ? NULL : memchr(s.p, c, s.len);
    return at == NULL ? s.len : (size_t)(at - s.p);
}

struct slice slice_cut(struct slice *s, char c)
{
    size_t at = slice_find(*s, c);
    struct slice before = slice_of(s->p, at);
    size_t skip = at < s->len ? at + 1 : at;
    if (skip > 0)
        s->p += skip;
    s->len -= skip;
    return before;
}

bool slice_to_u64(struct slice s, unsigned long long max, unsigned long long *ret_value)
{
    unsigned long long value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

char *slice_dup(struct slice s)
{
    return mem_strndup(s.p, s.len);
}
