/* Syntax of domains, address literals and mailboxes: see mailaddr.h.
 *
 *   Mailbox       = Local-part "@" ( Domain / address-literal )     RFC 5321 4.1.2
 *   Local-part    = Dot-string / Quoted-string
 *   Dot-string    = Atom *("." Atom)
 *   Quoted-string = DQUOTE *( qtextSMTP / quoted-pairSMTP ) DQUOTE
 *
 * Seven-bit only: SMTPUTF8 is not offered, so 8-bit bytes never belong here (RFC 5321 2.4). One
 * pass, no allocation, results point into the input. It does not unquote: the local part is the
 * business of the host that owns it and travels as it was written (RFC 5321 2.3.11). Paths (angle
 * brackets, source routes, the null path) are smtp/'s. */
#include "base/mailaddr.h"

#include "base/limits.h"

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322 3.2.3 atext, by way of RFC 5321 4.1.2 Atom. */
static bool is_atext(char c)
{
    return is_letter_or_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_label(struct slice s)
{
    /* RFC 1035 2.3.4 */
    if (s.len < 1 || s.len > 63)
        return false;
    /* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str], and Ldh-str ends in Let-dig */
    if (s.p[0] == '-' || s.p[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_letter_or_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    }
    return true;
}

bool mailaddr_is_domain(struct slice s)
{
    /* RFC 5321 4.5.3.1.2 */
    if (s.len < 1 || s.len > LIMIT_SMTP_DOMAIN)
        return false;
    for (;;) {
        size_t before = s.len;
        struct slice label = slice_cut(&s, '.');
        if (!is_label(label))
            return false;
        if (label.len == before)
            return true;
    }
}

bool mailaddr_is_literal(struct slice s, struct ip *ret_ip)
{
    static const struct slice tag = {.p = "IPv6:", .len = 5};
    struct ip ip;
    if (s.len < 2 || s.p[0] != '[' || s.p[s.len - 1] != ']')
        return false;
    struct slice inner = slice_of(s.p + 1, s.len - 2);
    /* RFC 5321 4.1.3: IPv6 needs its tag, IPv4 has none. */
    bool is_v6 = slice_starts_nocase(inner, tag);
    if (is_v6)
        inner = slice_of(inner.p + tag.len, inner.len - tag.len);
    if ((slice_find(inner, ':') < inner.len) != is_v6)
        return false;
    if (!ip_parse(inner, &ip))
        return false;
    if (ret_ip != NULL)
        *ret_ip = ip;
    return true;
}

/* Length of the dot-string at the start of S, 0 when there is none. */
static size_t dot_string_len(struct slice s)
{
    size_t i = 0;
    bool wants_atom = true;
    for (; i < s.len; i++) {
        if (is_atext(s.p[i]))
            wants_atom = false;
        else if (s.p[i] == '.' && !wants_atom)
            wants_atom = true;
        else
            break;
    }
    return wants_atom ? 0 : i;
}

/* Length of the quoted-string at the start of S, quotes included; 0 when there is none. */
static size_t quoted_string_len(struct slice s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.p[i] == '"')
            return i + 1;
        if (s.p[i] == '\\') {
            i++;
            if (i == s.len)
                return 0;
        }
        /* qtextSMTP and quoted-pairSMTP both end at printable ASCII. */
        if (s.p[i] < ' ' || s.p[i] > '~')
            return 0;
    }
    return 0;
}

bool mailaddr_parse(struct slice s, struct mailaddr *ret_addr)
{
    static const struct slice postmaster = {.p = "postmaster", .len = 10};
    if (s.len == 0)
        return false;
    size_t local_len = s.p[0] == '"' ? quoted_string_len(s) : dot_string_len(s);
    /* RFC 5321 4.5.3.1.1 */
    if (local_len == 0 || local_len > LIMIT_SMTP_LOCAL_PART)
        return false;
    struct slice local = slice_of(s.p, local_len);
    if (local_len == s.len) {
        /* RFC 5321 4.5.1: the one mailbox without a domain */
        if (!slice_eq_nocase(local, postmaster))
            return false;
        *ret_addr = (struct mailaddr){.local = local, .domain = slice_of(s.p + s.len, 0)};
        return true;
    }
    if (s.p[local_len] != '@')
        return false;
    struct slice domain = slice_of(s.p + local_len + 1, s.len - local_len - 1);
    if (!mailaddr_is_domain(domain) && !mailaddr_is_literal(domain, NULL))
        return false;
    *ret_addr = (struct mailaddr){.local = local, .domain = domain};
    return true;
}
