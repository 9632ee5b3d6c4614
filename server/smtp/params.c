/* ESMTP parameters: see params.h.
 *
 *   esmtp-param   = esmtp-keyword ["=" esmtp-value]          RFC 5321 4.1.2
 *   esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 *   esmtp-value   = 1*(%d33-60 / %d62-126)
 *
 * A keyword is judged in this order: its syntax (501), whether we offered it (555), its value
 * (501), whether it came before (501). The table below is the whole list; a new parameter is a row
 * and a function. */
#include "smtp/params.h"

#include "base/limits.h"

/* Reads VALUE into P; false: bad. */
typedef bool param_read(struct slice value, struct smtp_params *p);

static bool read_size(struct slice value, struct smtp_params *p)
{
    unsigned long long size;
    /* RFC 1870 5: 1*20DIGIT. Twenty digits may be more than 64 bits hold: over any limit then. */
    if (value.len < 1 || value.len > 20)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
    }
    p->has_size = true;
    p->size = slice_to_u64(value, UINT64_MAX, &size) ? size : UINT64_MAX;
    return true;
}

static bool read_body(struct slice value, struct smtp_params *p)
{
    /* RFC 6152 2 */
    p->is_8bit = slice_eq_nocase(value, SLICE("8BITMIME"));
    return p->is_8bit || slice_eq_nocase(value, SLICE("7BIT"));
}

static const struct {
    struct slice keyword;
    enum smtp_params_for what;
    param_read *read;
} params[] = {
    {{.p = "SIZE", .len = 4}, SMTP_PARAMS_FOR_MAIL, read_size},
    {{.p = "BODY", .len = 4}, SMTP_PARAMS_FOR_MAIL, read_body},
};

static bool is_keyword(struct slice s)
{
    if (s.len == 0 || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return true;
}

static bool is_value(struct slice s)
{
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < 33 || s.p[i] > 126 || s.p[i] == '=')
            return false;
    }
    return true;
}

/* One parameter; SEEN has a bit for each row of the table. */
static enum smtp_params_result read_one(struct slice param, enum smtp_params_for what,
                                        unsigned *seen, struct smtp_params *p)
{
    struct slice value = param;
    struct slice keyword = slice_cut(&value, '=');
    bool has_value = keyword.len < param.len;
    if (!is_keyword(keyword) || (has_value && !is_value(value)))
        return SMTP_PARAMS_BAD;
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        if (params[i].what != what || !slice_eq_nocase(params[i].keyword, keyword))
            continue;
        if (!has_value || (*seen & (1U << i)) != 0 || !params[i].read(value, p))
            return SMTP_PARAMS_BAD;
        *seen |= 1U << i;
        return SMTP_PARAMS_OK;
    }
    /* RFC 5321 4.1.1.11 */
    return SMTP_PARAMS_UNKNOWN;
}

enum smtp_params_result smtp_params_parse(struct slice s, enum smtp_params_for what,
                                          struct smtp_params *ret_params)
{
    struct smtp_params p = {0};
    unsigned seen = 0;
    size_t count = 0;
    for (s = slice_trim(s); s.len > 0; s = slice_trim(s)) {
        struct slice param = slice_cut(&s, ' ');
        if (++count > LIMIT_SMTP_PARAMS)
            return SMTP_PARAMS_BAD;
        enum smtp_params_result r = read_one(slice_trim(param), what, &seen, &p);
        if (r != SMTP_PARAMS_OK)
            return r;
    }
    *ret_params = p;
    return SMTP_PARAMS_OK;
}
