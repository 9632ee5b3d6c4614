/* One value against its row: see validate.h.
 *
 * Patterns are parsed here once, so that policy and routing compare parsed forms:
 *     NET 192.0.2.0/24 | LITERAL [192.0.2.1] | ADDRESS user@domain | SUBDOMAINS .domain | DOMAIN
 * tried in that order. A row allows some of them; its word (ALL, Default) is the form ALL. A host
 * name must not look like an address: `127.0.0.1` is a valid sequence of labels, but whoever writes
 * it means the address, and that is written in brackets (RFC 5321 4.1.3). */
#include "config/validate.h"

#include <stdarg.h>

#include "base/limits.h"
#include "base/mailaddr.h"
#include "config/config_priv.h"

#define QUOTE(s) SLICE_ARGS(config_cut((s), CFG_QUOTE_MAX))

void cfg_why_set(struct cfg_why *why, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    why->code = code;
    why->got[0] = '\0';
    why->params = (struct config_error_params){0};
    (void)vsnprintf(why->text, sizeof(why->text), fmt, args);
    va_end(args);
}

void cfg_why_got(struct cfg_why *why, struct slice value)
{
    (void)snprintf(why->got, sizeof(why->got), "%.*s", QUOTE(value));
}

/* A number that is not in its range. */
static void why_range(struct cfg_why *why, uint64_t min, uint64_t max, long long got)
{
    why->params.has_range = true;
    why->params.min = min;
    why->params.max = max;
    (void)snprintf(why->got, sizeof(why->got), "%lld", got);
}

bool cfg_word_find(const struct cfg_words *words, struct slice word, unsigned *ret_value)
{
    for (unsigned i = 0; i < words->count; i++) {
        if (slice_eq(slice_str(words->words[i]), word)) {
            *ret_value = i;
            return true;
        }
    }
    return false;
}

/* Edit distance of two short texts, a row at a time. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[CFG_QUOTE_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.p[i - 1] == b.p[j - 1] ? 0 : 1);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

const char *cfg_nearest(struct slice s, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t least = CFG_SLIP_MAX + 1;
    if (s.len == 0 || s.len > CFG_QUOTE_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct slice word = slice_str(words[i]);
        if (word.len > CFG_QUOTE_MAX)
            continue;
        size_t d = distance(s, word);
        if (d < least && d < word.len) {
            least = d;
            nearest = words[i];
        }
    }
    return nearest;
}

/* Control characters: C0, DEL, and C1 in UTF-8 (0xC2 0x80..0x9F). */
static bool has_control(struct slice s, bool is_multiline)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_multiline && (c == '\n' || c == '\r' || c == '\t'))
            continue;
        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < s.len && (unsigned char)s.p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

/* The text is UTF-8 (Jansson checked it): count what is no continuation byte. */
static size_t characters(struct slice s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return count;
}

static bool check_name(struct slice value, struct cfg_why *ret_why)
{
    if (characters(value) > LIMIT_NAME) {
        cfg_why_set(ret_why, "value.length", "a name has at most %d characters", LIMIT_NAME);
        why_range(ret_why, 1, LIMIT_NAME, (long long)characters(value));
        return false;
    }
    if (slice_trim(value).len != value.len) {
        cfg_why_set(ret_why, "value.pattern", "a name neither begins nor ends with a space");
        return false;
    }
    return true;
}

/* Digits and dots only: an address somebody forgot the brackets of. */
static bool looks_like_address(struct slice s)
{
    struct ip ip;
    return ip_parse(s, &ip);
}

static bool check_hostname(struct slice value, struct cfg_why *ret_why)
{
    if (!mailaddr_is_domain(value) || looks_like_address(value)) {
        cfg_why_set(ret_why, "value.pattern", "\"%.*s\" is not a host name", QUOTE(value));
        cfg_why_got(ret_why, value);
        return false;
    }
    return true;
}

bool cfg_check_text(const struct cfg_row *row, struct slice value, struct cfg_why *ret_why)
{
    if (value.len == 0) {
        if (row->flags & CFG_REQUIRED)
            cfg_why_set(ret_why, "value.length", "must not be empty");
        return !(row->flags & CFG_REQUIRED);
    }
    if (has_control(value, (row->flags & CFG_MULTILINE) != 0)) {
        cfg_why_set(ret_why, "value.pattern", "control characters are not allowed");
        return false;
    }
    if (row->kind == CFG_KIND_NAME || row->kind == CFG_KIND_REF)
        return check_name(value, ret_why);
    if (row->kind == CFG_KIND_HOSTNAME)
        return check_hostname(value, ret_why);
    size_t max = row->max == 0 ? CFG_STR_MAX : (size_t)row->max;
    if (value.len < row->min || value.len > max) {
        cfg_why_set(ret_why, "value.length", "must have %llu to %zu bytes, has %zu",
                    (unsigned long long)row->min, max, value.len);
        why_range(ret_why, row->min, max, (long long)value.len);
        return false;
    }
    const char *reason = row->check == NULL ? NULL : row->check(value);
    if (reason != NULL)
        cfg_why_set(ret_why, "value.pattern", "%s", reason);
    return reason == NULL;
}

bool cfg_check_number(const struct cfg_row *row, long long value, struct cfg_why *ret_why)
{
    if (value >= 0 && (uint64_t)value >= row->min && (uint64_t)value <= row->max)
        return true;
    cfg_why_set(ret_why, "value.range", "must be %llu to %llu%s%s, is %lld",
                (unsigned long long)row->min, (unsigned long long)row->max,
                row->unit == NULL ? "" : " ", row->unit == NULL ? "" : row->unit, value);
    why_range(ret_why, row->min, row->max, value);
    return false;
}

bool cfg_check_count(const struct cfg_row *row, size_t count, struct cfg_why *ret_why)
{
    if (count >= row->min && count <= row->max)
        return true;
    cfg_why_set(ret_why, "value.length", "must have %llu to %llu items, has %zu",
                (unsigned long long)row->min, (unsigned long long)row->max, count);
    why_range(ret_why, row->min, row->max, (long long)count);
    return false;
}

/* What of S is compared without case becomes lower case. */
static struct slice lower(struct mem_arena *arena, struct slice s, size_t from)
{
    char *copy = mem_arena_strndup(arena, s.p, s.len);
    for (size_t i = from; i < s.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    return slice_of(copy, s.len);
}

/* One spelling for each address: RFC 5321 4.1.3 with RFC 5952 inside. */
static struct slice literal(struct mem_arena *arena, const struct ip *ip)
{
    char address[IP_TEXT_MAX];
    char text[IP_TEXT_MAX + 8];
    int len = snprintf(text, sizeof(text), "[%s%s]", ip->family == 6 ? "IPv6:" : "",
                       ip_format(ip, address));
    return slice_of(mem_arena_strndup(arena, text, (size_t)len), (size_t)len);
}

static void explain_pattern(const struct cfg_row *row, struct slice value, struct cfg_why *ret_why)
{
    static const struct {
        enum cfg_pattern_kind kind;
        const char *text;
    } forms[] = {
        {CFG_PATTERN_ADDRESS, "user@domain"},
        {CFG_PATTERN_DOMAIN, "a domain"},
        {CFG_PATTERN_SUBDOMAINS, ".domain"},
        {CFG_PATTERN_NET, "an address or network (bits behind the prefix zero)"},
        {CFG_PATTERN_LITERAL, "an address in brackets"},
    };
    char wanted[160] = "";
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (row->patterns & (1U << forms[i].kind))
            len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%s",
                                    len == 0 ? "" : ", ", forms[i].text);
    }
    if (row->word != NULL)
        (void)snprintf(wanted + len, sizeof(wanted) - len, ", %s", row->word);
    cfg_why_set(ret_why, "value.pattern", "\"%.*s\" is none of: %s", QUOTE(value), wanted);
    cfg_why_got(ret_why, value);
}

bool cfg_read_pattern(const struct cfg_row *row, struct slice value, struct mem_arena *arena,
                      struct cfg_pattern *ret_pattern, struct cfg_why *ret_why)
{
    struct cfg_pattern p = {.kind = CFG_PATTERN_NONE, .text = value};
    struct mailaddr addr;
    struct slice below = value.len > 0 ? slice_of(value.p + 1, value.len - 1) : value;
    bool is_domain = mailaddr_is_domain(value) && !looks_like_address(value);
    if (row->word != NULL && slice_eq_nocase(value, slice_str(row->word))) {
        p.kind = CFG_PATTERN_ALL;
        p.text = slice_str(row->word);
    } else if ((row->patterns & CFG_ALLOW(NET)) && ip_net_parse(value, &p.net)) {
        p.kind = CFG_PATTERN_NET;
        p.text = lower(arena, value, 0);
    } else if ((row->patterns & CFG_ALLOW(LITERAL)) && mailaddr_is_literal(value, &p.net.ip)) {
        p.kind = CFG_PATTERN_LITERAL;
        p.net.prefix = p.net.ip.family == 4 ? 32 : 128;
        p.text = literal(arena, &p.net.ip);
    } else if ((row->patterns & CFG_ALLOW(ADDRESS)) && mailaddr_parse(value, &addr) &&
               addr.domain.len > 0) {
        p.kind = CFG_PATTERN_ADDRESS;
        p.text = lower(arena, value, addr.local.len);
    } else if ((row->patterns & CFG_ALLOW(SUBDOMAINS)) && value.len > 1 && value.p[0] == '.' &&
               mailaddr_is_domain(below)) {
        p.kind = CFG_PATTERN_SUBDOMAINS;
        p.text = lower(arena, value, 0);
    } else if ((row->patterns & CFG_ALLOW(DOMAIN)) && is_domain) {
        p.kind = CFG_PATTERN_DOMAIN;
        p.text = lower(arena, value, 0);
    } else {
        explain_pattern(row, value, ret_why);
        return false;
    }
    *ret_pattern = p;
    return true;
}

bool cfg_read_endpoint(const struct cfg_row *row, struct slice value,
                       struct cfg_endpoint *ret_endpoint, struct cfg_why *ret_why)
{
    struct cfg_endpoint endpoint = {.port = row->port};
    bool has_port = slice_find(value, '@') < value.len;
    struct slice port = value;
    struct slice address = slice_cut(&port, '@');
    unsigned long long number = row->port;
    if (!ip_parse(address, &endpoint.ip) ||
        (has_port && (!slice_to_u64(port, 65535, &number) || number == 0))) {
        cfg_why_set(ret_why, "value.pattern", "\"%.*s\" is not an address or address@port",
                    QUOTE(value));
        cfg_why_got(ret_why, value);
        return false;
    }
    endpoint.port = (uint16_t)number;
    *ret_endpoint = endpoint;
    return true;
}

bool cfg_read_ip(struct slice value, struct ip *ret_ip, struct cfg_why *ret_why)
{
    if (ip_parse(value, ret_ip))
        return true;
    cfg_why_set(ret_why, "value.pattern", "\"%.*s\" is not an IP address", QUOTE(value));
    cfg_why_got(ret_why, value);
    return false;
}

bool cfg_read_word(const struct cfg_row *row, struct slice value, unsigned *ret_value,
                   struct cfg_why *ret_why)
{
    if (cfg_word_find(row->words, value, ret_value))
        return true;
    char allowed[200] = "";
    size_t len = 0;
    for (unsigned i = 0; i < row->words->count; i++)
        len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len == 0 ? "" : ", ",
                                row->words->words[i]);
    const char *nearest = cfg_nearest(value, row->words->words, row->words->count);
    cfg_why_set(ret_why, "value.enum", "\"%.*s\" is none of: %s%s%s%s", QUOTE(value), allowed,
                nearest == NULL ? "" : "; did you mean \"", nearest == NULL ? "" : nearest,
                nearest == NULL ? "" : "\"?");
    cfg_why_got(ret_why, value);
    ret_why->params.nearest = nearest;
    ret_why->params.allowed = row->words->words;
    ret_why->params.allowed_count = row->words->count;
    return false;
}

const char *cfg_check_timezone(struct slice value)
{
    /* It becomes the name of a file below /usr/share/zoneinfo. */
    bool has_dots = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.p[i];
        bool is_ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("_+-/.", c) != NULL;
        if (!is_ok)
            return "is not the name of a time zone";
        has_dots = has_dots || (c == '.' && i > 0 && value.p[i - 1] == '.');
    }
    return has_dots || value.p[0] == '/' ? "is not the name of a time zone" : NULL;
}

const char *cfg_check_spki(struct slice value)
{
    /* One spelling only: it is compared byte by byte with what the key store says. */
    for (size_t i = 0; i < value.len; i++) {
        char c = value.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return "must be lower-case hexadecimal digits";
    }
    return NULL;
}

const char *cfg_check_pem(struct slice value)
{
    /* Whether the certificates are good is decided by who can read them; this catches the wrong
     * file, and above all a private key, which must not get into the configuration. */
    if (memmem(value.p, value.len, "PRIVATE KEY", 11) != NULL)
        return "holds a private key: import it into the key store instead";
    if (memmem(value.p, value.len, "-----BEGIN CERTIFICATE-----", 27) == NULL)
        return "holds no PEM certificate";
    return NULL;
}
