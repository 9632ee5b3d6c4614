/* Cuts the head of a request into pieces the way libmicrohttpd 0.9.75 does, mistakes included: a
 * line may end in LF alone, a NUL ends a line's text but not the line, a folded line is glued to
 * the name of the field before it. What the guard is given in tests and by the fuzzer.
 *
 * The memory is freed by cut_head_finish. */
#ifndef POSTERN_TESTS_CUT_HEAD_H
#define POSTERN_TESTS_CUT_HEAD_H

#include "base/mem.h"
#include "webui/guard.h"

struct cut_head {
    struct guard_head head;
    struct api_field fields[API_FIELDS_MAX];
    char *memory, *folded; /* the head; where folded lines were moved to */
    char *uri;
};

/* The next line, NULs in the place of its end; NULL: there is no whole line. */
static inline char *cut_line(char **at, const char *end)
{
    char *line = *at;
    char *lf = memchr(line, '\n', (size_t)(end - line));

    if (lf == NULL)
        return NULL;
    *at = lf + 1;
    *lf = '\0';
    if (lf > line && lf[-1] == '\r')
        lf[-1] = '\0';
    return line;
}

static inline bool cut_request_line(struct cut_head *cut, char *line, size_t len)
{
    char *uri = memchr(line, ' ', len), *version = line + len - 1;

    if (uri == NULL)
        return false;
    *uri++ = '\0';
    while (*uri == ' ')
        uri++;
    while (version > uri && *version == ' ')
        version--;
    while (version > uri && *version != ' ')
        version--;
    if (version <= uri)
        return false;
    *version++ = '\0';
    if ((size_t)(line + len - version) != 8)
        return false; /* it wants "HTTP/d.d" and nothing behind it */
    cut->head.start = line;
    cut->head.method = slice_str(line);
    cut->head.uri_at = uri;
    cut->uri = mem_strdup(uri);
    cut->head.uri = slice_str(cut->uri);
    cut->head.version = slice_str(version);
    for (char *p = uri; *p != '\0'; p++) {
        if (*p == '?' || *p == '&' || *p == '=')
            *p = '\0'; /* it does so in the query only: the guard must not look here again */
    }
    return true;
}

static inline bool cut_field(struct cut_head *cut, char *line)
{
    char *colon = strchr(line, ':');

    if (colon == NULL)
        return false;
    if (cut->head.field_count == API_FIELDS_MAX) {
        cut->head.has_more_fields = true;
        return true;
    }
    *colon++ = '\0';
    while (*colon == ' ' || *colon == '\t')
        colon++;
    cut->fields[cut->head.field_count++] =
        (struct api_field){.name = slice_str(line), .value = slice_str(colon)};
    return true;
}

/* The name moves, the value stays. */
static inline void cut_fold(struct cut_head *cut, const char *line)
{
    struct slice *name = &cut->fields[cut->head.field_count - 1].name;

    while (*line == ' ' || *line == '\t')
        line++;
    char *moved = mem_printf("%.*s%s", SLICE_ARGS(*name), line);
    free(cut->folded);
    cut->folded = moved;
    *name = slice_str(moved);
}

/* False: the library itself would refuse it, or wait for more. */
static inline bool cut_head_init(struct cut_head *cut, struct slice raw)
{
    *cut = (struct cut_head){.head.fields = cut->fields};
    cut->memory = mem_alloc(raw.len + 1);
    memcpy(cut->memory, raw.p, raw.len);
    cut->memory[raw.len] = '\0';
    char *at = cut->memory, *end = cut->memory + raw.len;
    char *line = cut_line(&at, end);
    while (line != NULL && *line == '\0')
        line = cut_line(&at, end);
    if (line == NULL)
        return false;
    size_t len = (size_t)(at - line) - 1; /* without LF; a CR has become a NUL */
    if (len > 0 && line[len - 1] == '\0')
        len--;
    if (!cut_request_line(cut, line, len))
        return false;
    for (line = cut_line(&at, end); line != NULL && *line != '\0'; line = cut_line(&at, end)) {
        bool is_folded = (*line == ' ' || *line == '\t') && cut->head.field_count > 0;
        if (is_folded)
            cut_fold(cut, line);
        else if (!cut_field(cut, line))
            return false;
    }
    cut->head.size = (size_t)(at - cut->head.start);
    return line != NULL;
}

static inline void cut_head_finish(struct cut_head *cut)
{
    free(cut->memory);
    free(cut->folded);
    free(cut->uri);
}

#endif
