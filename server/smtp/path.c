/* Reverse-path and forward-path: see path.h.
 *
 *   Path = "<" [ A-d-l ":" ] Mailbox ">"        RFC 5321 4.1.2
 *   A-d-l = At-domain *( "," At-domain )
 *
 * The closing bracket is the first one outside a quoted string; what stands between is checked
 * whole, so nothing can hide behind it. Source routes are accepted and ignored, as RFC 5321
 * appendix C and 4.1.1.3 ask: relaying by them is the oldest form of the open relay. One pass to
 * find the end, one in base/mailaddr; no allocation. */
#include "smtp/path.h"

#include "base/limits.h"

/* Position of the `>` that ends the path at s.p[0] == '<', or s.len. */
static size_t closing_bracket(struct slice s)
{
    bool is_quoted = false;
    for (size_t i = 1; i < s.len; i++) {
        if (is_quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            is_quoted = !is_quoted;
        else if (s.p[i] == '>' && !is_quoted)
            return i;
    }
    return s.len;
}

/* Takes `@a,@b:` from the start; true when there was none. */
static bool skip_source_route(struct slice *s)
{
    if (s->len == 0 || s->p[0] != '@')
        return true;
    /* An address literal of a route may hold colons, so the end is the first colon outside of [].
     */
    for (;;) {
        if (s->len == 0 || s->p[0] != '@')
            return false;
        size_t end = 1;
        bool is_literal = false;
        for (; end < s->len; end++) {
            char c = s->p[end];
            if (c == '[')
                is_literal = true;
            else if (c == ']')
                is_literal = false;
            else if (!is_literal && (c == ',' || c == ':'))
                break;
        }
        if (end == s->len)
            return false;
        struct slice domain = slice_of(s->p + 1, end - 1);
        if (!mailaddr_is_domain(domain) && !mailaddr_is_literal(domain, NULL))
            return false;
        bool is_last = s->p[end] == ':';
        *s = slice_of(s->p + end + 1, s->len - end - 1);
        if (is_last)
            return true;
    }
}

/* In words for a log: what about a mailbox that does not parse. */
static const char *mailbox_fault(struct slice s)
{
    size_t at = s.len;
    while (at > 0 && s.p[at - 1] != '@')
        at--;
    if (at == 0)
        return "no domain";
    struct slice domain = slice_of(s.p + at, s.len - at);
    return mailaddr_is_domain(domain) || mailaddr_is_literal(domain, NULL) ? "bad local part"
                                                                           : "bad domain";
}

/* NULL: *INNER is what stands between the brackets, *REST what follows them. Else what is wrong. */
static const char *take_brackets(struct slice *rest, struct slice *ret_inner)
{
    struct slice s = *rest;
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_of(s.p + 1, s.len - 1);
    if (s.len == 0 || s.p[0] != '<')
        return "no < before it";
    size_t end = closing_bracket(s);
    if (end == s.len)
        return "no > behind it";
    /* RFC 5321 4.5.3.1.3 */
    if (end + 1 > LIMIT_SMTP_PATH)
        return "too long";
    *ret_inner = slice_of(s.p + 1, end - 1);
    *rest = slice_of(s.p + end + 1, s.len - end - 1);
    return rest->len > 0 && rest->p[0] != ' ' && rest->p[0] != '\t' ? "text behind the >" : NULL;
}

static const char *path_fault(struct slice *rest, enum smtp_path_kind kind,
                              struct smtp_path *ret_path)
{
    struct slice inner;
    const char *fault = take_brackets(rest, &inner);
    if (fault != NULL)
        return fault;
    if (inner.len == 0) {
        /* RFC 5321 4.5.5: the null reverse-path */
        *ret_path = (struct smtp_path){.address = inner, .local = inner, .domain = inner};
        return kind == SMTP_PATH_REVERSE ? NULL : "empty";
    }
    bool has_route = inner.p[0] == '@';
    struct mailaddr addr;
    if (!skip_source_route(&inner))
        return "bad source route";
    if (!mailaddr_parse(inner, &addr))
        return mailbox_fault(inner);
    /* RFC 5321 4.5.1: `<Postmaster>` alone, and only as a recipient */
    if (addr.domain.len == 0 && (has_route || kind != SMTP_PATH_FORWARD))
        return "no domain";
    *ret_path = (struct smtp_path){.address = inner, .local = addr.local, .domain = addr.domain};
    return NULL;
}

bool smtp_path_take(struct slice *rest, enum smtp_path_kind kind, struct smtp_path *ret_path,
                    const char **reterr_why)
{
    const char *fault = path_fault(rest, kind, ret_path);
    if (fault != NULL && reterr_why != NULL)
        *reterr_why = fault;
    return fault == NULL;
}
