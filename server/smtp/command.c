/* The grammar is RFC 5321's with two kindnesses that every server shows: blanks after the colon of
 * `MAIL FROM:` and around parameters. Nothing else is guessed: a path without brackets is an error. */
#include "smtp/command.h"

#include "base/limits.h"
#include "base/mailaddr.h"

bool smtp_command_parse(struct slice line, struct smtp_command *ret_command)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.p[i] < 0x20 || (unsigned char)line.p[i] > 0x7e)
            return false;
    struct slice rest = line;
    struct slice verb = slice_cut(&rest, ' ');
    if (verb.len == 0 || verb.len > SMTP_VERB_MAX)
        return false;
    ret_command->verb = verb;
    ret_command->argument = slice_trim(rest);
    return true;
}

/* `@a,@b:` in front of a path is read over. RFC 5321 4.1.1.3, appendix C. */
static bool skip_source_route(struct slice *path)
{
    if (path->len == 0 || path->p[0] != '@')
        return true;
    size_t colon = slice_find(*path, ':');
    if (colon == path->len)
        return false;
    struct slice route = slice_of(path->p, colon);
    while (route.len > 0) {
        struct slice hop = slice_cut(&route, ',');
        if (hop.len < 2 || hop.p[0] != '@' || !mailaddr_is_domain(slice_of(hop.p + 1, hop.len - 1)))
            return false;
    }
    path->p += colon + 1;
    path->len -= colon + 1;
    return true;
}

/* The closing bracket of the path: not one inside a quoted local part. */
static size_t find_close(struct slice s)
{
    bool is_quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        if (is_quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && s.p[i] == '>')
            return i;
    }
    return s.len;
}

bool smtp_path_take(struct slice *argument, const char *keyword, bool allows_null,
                    struct smtp_path *ret_path)
{
    struct slice rest = *argument;
    struct slice word = slice_str(keyword);
    struct mailaddr address;

    if (!slice_starts_nocase(rest, word))
        return false;
    rest = slice_trim(slice_of(rest.p + word.len, rest.len - word.len));
    if (rest.len < 2 || rest.p[0] != '<')
        return false;
    size_t close = find_close(rest);
    if (close == rest.len || close + 1 > LIMIT_SMTP_PATH) /* RFC 5321 4.5.3.1.3 */
        return false;
    struct slice path = slice_of(rest.p + 1, close - 1);
    rest = slice_of(rest.p + close + 1, rest.len - close - 1);
    if (rest.len > 0 && rest.p[0] != ' ')
        return false;
    *ret_path = (struct smtp_path){.address = path};
    if (path.len > 0) {
        if (!skip_source_route(&path) || !mailaddr_parse(path, &address))
            return false;
        ret_path->address = path;
        ret_path->is_postmaster = address.domain.len == 0;
        if (ret_path->is_postmaster && allows_null)
            return false; /* RFC 5321 4.1.1.3: only a recipient may be without a domain */
    } else if (!allows_null) {
        return false;
    }
    *argument = slice_trim(rest);
    return true;
}

enum smtp_params smtp_mail_params_parse(struct slice argument, struct smtp_mail_params *ret_params)
{
    size_t count = 0;
    bool has_body = false;

    *ret_params = (struct smtp_mail_params){0};
    while (argument.len > 0) {
        struct slice value = slice_cut(&argument, ' ');
        argument = slice_trim(argument);
        bool has_value = slice_find(value, '=') < value.len;
        struct slice name = slice_cut(&value, '=');
        if (++count > LIMIT_SMTP_PARAMS)
            return SMTP_PARAMS_BAD;
        if (slice_eq_nocase(name, SLICE("SIZE"))) {
            /* RFC 1870 3: up to 20 digits; more than we ever take is "too big", not "bad" */
            if (!has_value || ret_params->has_size || value.len > 20)
                return SMTP_PARAMS_BAD;
            if (!slice_to_u64(value, 9999999999999999999ULL, &ret_params->size_bytes)) {
                for (size_t i = 0; i < value.len; i++)
                    if (value.p[i] < '0' || value.p[i] > '9')
                        return SMTP_PARAMS_BAD;
                if (value.len == 0)
                    return SMTP_PARAMS_BAD;
                ret_params->size_bytes = ~0ULL;
            }
            ret_params->has_size = true;
        } else if (slice_eq_nocase(name, SLICE("BODY"))) {
            /* RFC 6152 2 */
            ret_params->is_8bit = slice_eq_nocase(value, SLICE("8BITMIME"));
            if (has_body || (!ret_params->is_8bit && !slice_eq_nocase(value, SLICE("7BIT"))))
                return SMTP_PARAMS_BAD;
            has_body = true;
        } else {
            return SMTP_PARAMS_UNKNOWN;
        }
    }
    return SMTP_PARAMS_OK;
}
