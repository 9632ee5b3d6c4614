/* Fuzz target: the Cookie fields of a request, a line each, and which of them is the session's.
 *
 * Properties: a value stands in the one field that came, behind our name and "=", between
 * semicolons and blanks, and has none at its end; it is found exactly when our name is there once,
 * told by a search of another kind; cookies of others before and behind it change nothing, a second
 * of ours takes it away.
 */
#include "fuzz_target.h"

#include "api/call_priv.h"
#include "base/mem.h"

static const struct slice ours = {.p = AUTH_COOKIE, .len = sizeof(AUTH_COOKIE) - 1};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether our name begins at AT, as the name of a cookie. */
static bool is_name_at(struct slice header, size_t at)
{
    size_t before = at;

    if (header.len - at < ours.len || memcmp(header.p + at, ours.p, ours.len) != 0)
        return false;
    while (before > 0 && is_blank(header.p[before - 1]))
        before--;
    if (before > 0 && header.p[before - 1] != ';')
        return false;
    size_t behind = at + ours.len;
    if (behind < header.len && header.p[behind] == '=')
        return true;
    while (behind < header.len && is_blank(header.p[behind]))
        behind++;
    return behind == header.len || header.p[behind] == ';';
}

/* How often it is there; *ret_behind: what follows the last one. */
static size_t count_names(struct slice header, struct slice *ret_behind)
{
    size_t count = 0;

    for (size_t at = 0; at < header.len; at++) {
        if (!is_name_at(header, at))
            continue;
        count++;
        *ret_behind = slice_of(header.p + at + ours.len, header.len - at - ours.len);
    }
    return count;
}

static void check_value(struct slice header, struct slice value)
{
    struct slice behind = SLICE("");
    size_t count = count_names(header, &behind);

    if (count != 1) {
        ASSERT(value.len == 0);
        return;
    }
    struct slice wanted = slice_of(behind.p, slice_find(behind, ';'));
    while (wanted.len > 0 && is_blank(wanted.p[wanted.len - 1]))
        wanted.len--;
    if (wanted.len > 0) /* the "=" */
        wanted = slice_of(wanted.p + 1, wanted.len - 1);
    ASSERT(slice_eq(value, wanted));
    ASSERT(value.len == 0 || value.p == wanted.p);
}

static struct slice find_in(const char *header)
{
    struct api_exchange exchange = {.field_count = 1};

    exchange.fields[0] = (struct api_field){SLICE("cookie"), slice_str(header)};
    return auth_cookie(&exchange);
}

/* VALUE among other cookies. NUL cannot come here: the text is the harness's own. */
static void check_company(struct slice value)
{
    char *one = mem_printf("a=b;%s=%.*s ; c=", AUTH_COOKIE, SLICE_ARGS(value));
    char *two = mem_printf("%s; %s=x", one, AUTH_COOKIE);

    ASSERT(slice_eq(find_in(one), value));
    ASSERT(find_in(two).len == 0);
    free(one);
    free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of((const char *)data, size);
    struct api_exchange exchange;

    api_exchange_init(&exchange);
    while (rest.len > 0 && exchange.field_count < API_FIELDS_MAX)
        exchange.fields[exchange.field_count++] =
            (struct api_field){SLICE("Cookie"), slice_cut(&rest, '\n')};
    struct slice value = auth_cookie(&exchange);
    if (exchange.field_count == 1)
        check_value(exchange.fields[0].value, value);
    else
        ASSERT(value.len == 0);
    if (value.len > 0 && memchr(value.p, '\0', value.len) == NULL)
        check_company(value);
    api_exchange_finish(&exchange);
    return 0;
}
