/* See guard.h. The list of what is refused is in tests/api/test_http_raw.py, shape by shape. */
#include "webui/guard.h"

#include "base/ip.h"

enum {
    GUARD_LENGTH_MAX = 15, /* digits of a Content-Length */
    GUARD_HOST_MAX = 253,  /* RFC 1035 2.3.4, as text */
};

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits and what is in OTHERS; something at all. */
static bool is_made_of(struct slice s, const char *others)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr(others, s.p[i]) == NULL))
            return false;
    }
    return s.len > 0;
}

/* RFC 9110 5.6.2 */
static bool is_token(struct slice s)
{
    return is_made_of(s, "!#$%&'*+-.^_`|~");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 2.1 and what this program adds: nothing it would ever be asked for has a NUL. */
static bool is_clean(struct slice s, bool allows_controls)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#')
            return false;
        if (s.p[i] != '%')
            continue;
        if (i + 2 >= s.len)
            return false;
        int high = hex_digit(s.p[i + 1]), low = hex_digit(s.p[i + 2]);
        if (high < 0 || low < 0)
            return false;
        int byte = high * 16 + low;
        if (byte == 0 || (!allows_controls && (byte < ' ' || byte == 0x7f)))
            return false;
    }
    return true;
}

/* "https://HOST" is cut off the front of *URI. */
static bool cut_authority(struct slice *uri, struct slice host)
{
    size_t scheme = slice_starts_nocase(*uri, SLICE("https://"))  ? 8
                    : slice_starts_nocase(*uri, SLICE("http://")) ? 7
                                                                  : 0;
    if (scheme == 0)
        return false;
    struct slice rest = slice_of(uri->p + scheme, uri->len - scheme);
    size_t end = 0;
    while (end < rest.len && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    *uri = slice_of(rest.p + end, rest.len - end);
    return slice_eq_nocase(slice_of(rest.p, end), host);
}

bool guard_uri(struct slice uri, struct slice host, struct slice *ret_path, struct slice *ret_query)
{
    struct slice rest = uri;

    if (uri.len == 0 || uri.len > API_URI_MAX)
        return false;
    if (uri.p[0] != '/' && !slice_eq(uri, SLICE("*"))) {
        if (!cut_authority(&rest, host))
            return false;
        if (rest.len == 0 || rest.p[0] != '/')
            return false; /* RFC 3986 would have it mean "/": nobody sends that */
    }
    size_t mark = slice_find(rest, '?');
    struct slice path = slice_of(rest.p, mark);
    struct slice query = mark == rest.len ? slice_of(rest.p + mark, 0)
                                          : slice_of(rest.p + mark + 1, rest.len - mark - 1);
    if (!is_clean(path, false) || !is_clean(query, true))
        return false;
    *ret_path = path;
    *ret_query = query;
    return true;
}

bool guard_host(struct slice host, struct slice *ret_name)
{
    struct slice name = host, port = {0};
    struct ip ip;

    if (host.len > 0 && host.p[0] == '[') {
        size_t end = slice_find(host, ']');
        if (end == host.len || !ip_parse(slice_of(host.p + 1, end - 1), &ip))
            return false;
        name.len = end + 1;
    } else {
        name.len = slice_find(host, ':');
        if (!is_made_of(name, "-._") || name.len > GUARD_HOST_MAX)
            return false;
    }
    if (name.len < host.len) {
        unsigned long long number;
        port = slice_of(host.p + name.len + 1, host.len - name.len - 1);
        if (host.p[name.len] != ':' || !slice_to_u64(port, 65535, &number))
            return false;
    }
    *ret_name = name;
    return true;
}

bool guard_layout(const struct guard_head *head)
{
    static const char cut[2] = {0}; /* what was CR LF */
    const char *at = head->start, *end = head->start + head->size;

    if (head->method.p != at || head->uri_at != at + head->method.len + 1)
        return false;
    at = head->uri_at + head->uri.len + 1;
    if (head->version.p != at)
        return false;
    at += head->version.len;
    for (size_t i = 0; i <= head->field_count; i++) {
        if (at > end || end - at < 2 || memcmp(at, cut, 2) != 0)
            return false;
        at += 2;
        if (i == head->field_count)
            break;
        struct slice name = head->fields[i].name, value = head->fields[i].value;
        if (name.p != at || name.len >= (size_t)(end - at) || name.p[name.len] != '\0')
            return false;
        at += name.len + 1;
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (value.p != at || value.len > (size_t)(end - at))
            return false;
        at += value.len;
    }
    return end - at == 2 && memcmp(at, cut, 2) == 0;
}

static void refuse(struct guard_verdict *v, unsigned status, const char *code, const char *detail)
{
    v->status = status;
    v->code = code;
    v->detail = detail;
}

/* Name and bytes of every field; the ones with a meaning here are told apart by check_framing. */
static bool check_fields(const struct guard_head *head, struct guard_verdict *v)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct slice value = head->fields[i].value;
        if (!is_token(head->fields[i].name)) {
            refuse(v, 400, "http.field_name",
                   "A header field's name has a character that none may have.");
            return false;
        }
        for (size_t k = 0; k < value.len; k++) {
            unsigned char c = (unsigned char)value.p[k];
            if ((c < ' ' && c != '\t') || c == 0x7f) {
                refuse(v, 400, "http.field_value",
                       "A header field's value has a control character.");
                return false;
            }
        }
    }
    return true;
}

/* How many fields of that name there are; the last one's value. */
static size_t count_fields(const struct guard_head *head, struct slice name, struct slice *value)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++) {
        if (slice_eq_nocase(head->fields[i].name, name)) {
            *value = head->fields[i].value;
            count++;
        }
    }
    return count;
}

/* RFC 9112 6.1, 6.3: one way to know where the body ends, or none. */
static bool check_framing(const struct guard_head *head, struct guard_verdict *v)
{
    struct slice length = {0}, coding = {0};
    size_t lengths = count_fields(head, SLICE("Content-Length"), &length);
    size_t codings = count_fields(head, SLICE("Transfer-Encoding"), &coding);

    if (lengths + codings > 1) {
        refuse(v, 400, "http.framing", "The length of the body is given more than once.");
        return false;
    }
    if (codings == 1) {
        /* With a blank behind it the parser would not take it for chunked. */
        if (!slice_eq_nocase(coding, SLICE("chunked")) ||
            !slice_eq(head->version, SLICE("HTTP/1.1"))) {
            refuse(v, 400, "http.transfer_encoding",
                   "The only transfer coding is chunked, in HTTP/1.1.");
            return false;
        }
        v->has_body = v->is_chunked = true;
    }
    if (lengths == 1) {
        if (length.len > GUARD_LENGTH_MAX || !slice_to_u64(length, ~0ULL, &v->content_length)) {
            refuse(v, 400, "http.content_length", "Content-Length is not a number of bytes.");
            return false;
        }
        v->has_body = v->content_length > 0;
    }
    return true;
}

static bool check_target(const struct guard_head *head, struct guard_verdict *v)
{
    struct slice host = {0}, name;
    size_t hosts = count_fields(head, SLICE("Host"), &host);

    host = slice_trim(host);
    if (hosts > 1 || (hosts == 1 && !guard_host(host, &name)) ||
        (hosts == 0 && slice_eq(head->version, SLICE("HTTP/1.1")))) {
        refuse(v, 400, "http.host", "There must be one Host, a name or an address.");
        return false;
    }
    if (head->uri.len > API_URI_MAX) {
        refuse(v, 414, "http.uri_too_long", "The path and query are too long.");
        return false;
    }
    if (!guard_uri(head->uri, host, &v->path, &v->query)) {
        refuse(v, 400, "http.uri",
               "The path or query has a character or an escape that none may have.");
        return false;
    }
    return true;
}

/* RFC 9110 10.1.1, 15.5.16 */
static bool check_wishes(const struct guard_head *head, struct guard_verdict *v)
{
    struct slice value = {0};

    if (count_fields(head, SLICE("Expect"), &value) > 0) {
        v->expects_continue = slice_eq_nocase(slice_trim(value), SLICE("100-continue"));
        if (!v->expects_continue) {
            refuse(v, 417, "http.expect", "The only expectation is 100-continue.");
            return false;
        }
    }
    if (count_fields(head, SLICE("Content-Encoding"), &value) > 0 &&
        !slice_eq_nocase(slice_trim(value), SLICE("identity"))) {
        refuse(v, 415, "http.content_encoding", "A request body must not be compressed.");
        return false;
    }
    return true;
}

void guard_check(const struct guard_head *head, struct guard_verdict *ret_verdict)
{
    struct guard_verdict v = {0};

    if (head->has_more_fields)
        refuse(&v, 431, "http.too_many_fields", "There are too many header fields.");
    else if (!guard_layout(head))
        refuse(&v, 400, "http.layout", "A line does not end in CR LF, is folded, or has a NUL.");
    else if (!slice_eq(head->version, SLICE("HTTP/1.1")) &&
             !slice_eq(head->version, SLICE("HTTP/1.0")))
        refuse(&v, 505, "http.version", "The versions are HTTP/1.1 and HTTP/1.0.");
    else if (!is_token(head->method))
        refuse(&v, 400, "http.method", "The method has a character that none may have.");
    else if (check_fields(head, &v) && check_framing(head, &v) && check_target(head, &v))
        (void)check_wishes(head, &v); /* its refusal is in the verdict */
    *ret_verdict = v;
}
