/* See search.h.
 *
 * Most lines are turned away by their raw bytes: what is looked for must stand in them, because our
 * own lines escape nothing that a plain text or a number is made of. What remains is parsed and
 * decided by its values, so bytes in the files can at most hide themselves.
 *
 *   cursor   r.NUMBER.OFFSET[.ICID.DCID...]    reads on from there
 *            c.NUMBER.OFFSET[.ICID.DCID...]    still collects the connections of a message */
#include "trace/search.h"

#include <time.h>

#include <jansson.h>

#include "trace/event_priv.h"
#include "trace/walk.h"

#define HEAD "{\"time\":\""

enum {
    HEAD_LEN = sizeof(HEAD) - 1,
    TIME_LEN = sizeof("2026-11-24T12:01:49.123Z") - 1,
    TIME_END = HEAD_LEN + TIME_LEN, /* where the quote behind the time stands */
    CLOCK_LINES = 256,              /* lines between two looks at the clock */
    JUMP_BYTES = 524288,            /* nearer than this a search for a time reads on instead */
};

struct search {
    const struct search_query *query;
    struct search_result *result;
    const struct clock *clock;
    struct walk walk;
    uint64_t end_mono_ms, budget_bytes;
    size_t lines_seen;
    uint64_t first_number, first_offset;         /* where it began */
    char from[TIME_LEN + 1], to[TIME_LEN + 1];   /* as in our lines; empty: open */
    char stop[TIME_LEN + 1], jump[TIME_LEN + 1]; /* the same with the disorder allowed for */
    char text[SEARCH_TEXT_MAX];                  /* lower case */
    size_t text_len;
    bool is_text_plain; /* stands in our lines as it is */
    bool is_collecting;
    uint64_t icid; /* of the message that is looked for */
    uint64_t dcids[SEARCH_DCIDS_MAX];
    size_t dcid_count;
};

/* --- words --- */

bool search_tls_parse(struct slice word, enum search_tls *ret_tls)
{
    static const char *const words[] = {[SEARCH_TLS_SUCCESS] = "success",
                                        [SEARCH_TLS_FAILED] = "failed",
                                        [SEARCH_TLS_NONE] = "none"};

    for (int tls = SEARCH_TLS_SUCCESS; tls <= SEARCH_TLS_NONE; tls++)
        if (slice_eq(word, slice_str(words[tls]))) {
            *ret_tls = (enum search_tls)tls;
            return true;
        }
    return false;
}

static const char *tls_word(enum search_tls tls)
{
    if (tls == SEARCH_TLS_SUCCESS)
        return "success";
    return tls == SEARCH_TLS_FAILED ? "failed" : "none";
}

/* DIGITS digits as a number from LEAST to MOST. */
static bool take_digits(struct slice *s, size_t digits, int least, int most, int *ret)
{
    unsigned long long n;
    if (s->len < digits || !slice_to_u64(slice_of(s->p, digits), (unsigned)most, &n))
        return false;
    *s = slice_of(s->p + digits, s->len - digits);
    *ret = (int)n;
    return *ret >= least;
}

static bool take_char(struct slice *s, char a, char b)
{
    if (s->len == 0 || (s->p[0] != a && s->p[0] != b))
        return false;
    *s = slice_of(s->p + 1, s->len - 1);
    return true;
}

/* Milliseconds of `.5`, `.123456`, or nothing. */
static bool take_fraction(struct slice *s, int *ret_ms)
{
    int unit = 100;
    *ret_ms = 0;
    if (!take_char(s, '.', '.'))
        return true;
    if (s->len == 0 || s->p[0] < '0' || s->p[0] > '9')
        return false;
    while (s->len > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
        *ret_ms += unit * (s->p[0] - '0');
        unit /= 10;
        *s = slice_of(s->p + 1, s->len - 1);
    }
    return true;
}

static bool take_offset(struct slice *s, int *ret_minutes)
{
    int sign = s->len > 0 && s->p[0] == '-' ? -1 : 1, hours, minutes;
    *ret_minutes = 0;
    if (take_char(s, 'Z', 'z'))
        return true;
    if (!take_char(s, '+', '-') || !take_digits(s, 2, 0, 23, &hours) || !take_char(s, ':', ':') ||
        !take_digits(s, 2, 0, 59, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool search_time_parse(struct slice text, int64_t *ret_wall_ms)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct tm tm = {0};
    int ms, offset_minutes;
    bool is_ok = take_digits(&text, 4, 1970, 9999, &tm.tm_year) && take_char(&text, '-', '-') &&
                 take_digits(&text, 2, 1, 12, &tm.tm_mon) && take_char(&text, '-', '-') &&
                 take_digits(&text, 2, 1, 31, &tm.tm_mday) && take_char(&text, 'T', 't') &&
                 take_digits(&text, 2, 0, 23, &tm.tm_hour) && take_char(&text, ':', ':') &&
                 take_digits(&text, 2, 0, 59, &tm.tm_min) && take_char(&text, ':', ':') &&
                 take_digits(&text, 2, 0, 60, &tm.tm_sec) && take_fraction(&text, &ms) &&
                 take_offset(&text, &offset_minutes) && text.len == 0;
    if (!is_ok || tm.tm_mday > month_days[tm.tm_mon - 1])
        return false;
    bool is_leap = tm.tm_year % 4 == 0 && (tm.tm_year % 100 != 0 || tm.tm_year % 400 == 0);
    if (tm.tm_mon == 2 && tm.tm_mday == 29 && !is_leap)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_wall_ms = ((int64_t)timegm(&tm) - offset_minutes * 60LL) * 1000 + ms;
    return true;
}

/* As it stands in our lines, so that times compare as texts. WALL_MS is not negative. */
static void time_text(int64_t wall_ms, char out[TIME_LEN + 1])
{
    time_t when = (time_t)(wall_ms / 1000);
    struct tm tm = {0};
    char text[64];
    if (gmtime_r(&when, &tm) == NULL || tm.tm_year > 9999 - 1900)
        tm = (struct tm){.tm_year = 9999 - 1900, .tm_mon = 11, .tm_mday = 31};
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(wall_ms % 1000));
    memcpy(out, text, TIME_LEN);
    out[TIME_LEN] = '\0';
}

/* --- the cursor --- */

static void cursor_write(const struct search *s, char out[SEARCH_CURSOR_MAX])
{
    int len = snprintf(out, SEARCH_CURSOR_MAX, "%c.%llu.%llu", s->is_collecting ? 'c' : 'r',
                       (unsigned long long)s->walk.number, (unsigned long long)s->walk.offset);
    if (s->query->mid == 0)
        return;
    len +=
        snprintf(out + len, SEARCH_CURSOR_MAX - (size_t)len, ".%llu", (unsigned long long)s->icid);
    for (size_t i = 0; i < s->dcid_count; i++)
        len += snprintf(out + len, SEARCH_CURSOR_MAX - (size_t)len, ".%llu",
                        (unsigned long long)s->dcids[i]);
}

static bool cursor_number(struct slice *rest, uint64_t *ret_number)
{
    unsigned long long number;
    if (!slice_to_u64(slice_cut(rest, '.'), UINT64_MAX, &number))
        return false;
    *ret_number = number;
    return true;
}

/* Goes where the cursor says. */
static bool cursor_follow(struct search *s, struct slice cursor)
{
    uint64_t number, offset;
    struct slice kind = slice_cut(&cursor, '.');
    bool is_message = s->query->mid != 0;
    if (kind.len != 1 || (kind.p[0] != 'r' && !(kind.p[0] == 'c' && is_message)))
        return false;
    s->is_collecting = kind.p[0] == 'c';
    if (!cursor_number(&cursor, &number) || !cursor_number(&cursor, &offset))
        return false;
    if (is_message && !cursor_number(&cursor, &s->icid))
        return false;
    while (is_message && cursor.len > 0) {
        if (s->dcid_count == SEARCH_DCIDS_MAX || !cursor_number(&cursor, &s->dcids[s->dcid_count]))
            return false;
        s->dcid_count++;
    }
    walk_seek(&s->walk, number, offset);
    return cursor.len == 0;
}

/* --- one line --- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool contains(const struct search *s, struct slice in)
{
    const char *text = s->text;
    if (s->text_len == 0)
        return true;
    for (size_t i = 0; i + s->text_len <= in.len; i++) {
        size_t n = 0;
        while (n < s->text_len && lower(in.p[i + n]) == text[n])
            n++;
        if (n == s->text_len)
            return true;
    }
    return false;
}

/* The number behind NAME (`"mid":`) in the raw bytes; 0: it does not stand there. */
static uint64_t raw_number(struct slice line, struct slice name)
{
    const char *at = memmem(line.p, line.len, name.p, name.len);
    uint64_t number = 0;
    if (at == NULL)
        return 0;
    for (at += name.len; at < line.p + line.len && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0'); /* may wrap: the values decide */
    return number;
}

static bool has_dcid(const struct search *s, uint64_t dcid)
{
    for (size_t i = 0; i < s->dcid_count; i++)
        if (s->dcids[i] == dcid)
            return true;
    return false;
}

/* The numbers of a line; 0: none. */
struct ids {
    uint64_t icid, mid, dcid, original;
};

static bool is_about_message(const struct search *s, const struct ids *ids)
{
    uint64_t mid = s->query->mid;
    if (ids->mid == mid || ids->original == mid)
        return true;
    if (ids->mid != 0)
        return false; /* another one on the same connection */
    return (ids->icid != 0 && ids->icid == s->icid) || (ids->dcid != 0 && has_dcid(s, ids->dcid));
}

static bool are_ids_asked_for(const struct search *s, const struct ids *ids)
{
    const struct search_query *q = s->query;
    if (q->icid != 0 && ids->icid != q->icid)
        return false;
    if (q->dcid != 0 && ids->dcid != q->dcid)
        return false;
    return q->mid == 0 || is_about_message(s, ids);
}

static struct ids raw_ids(struct slice line)
{
    return (struct ids){
        .icid = raw_number(line, SLICE("\"icid\":")),
        .mid = raw_number(line, SLICE("\"mid\":")),
        .dcid = raw_number(line, SLICE("\"dcid\":")),
        .original = raw_number(line, SLICE("\"original\":")),
    };
}

/* Could the line be asked for, by its bytes? */
static bool is_candidate(const struct search *s, struct slice line)
{
    const struct search_query *q = s->query;
    char tls[32];
    if (q->icid != 0 || q->mid != 0 || q->dcid != 0) {
        struct ids ids = raw_ids(line);
        if (!are_ids_asked_for(s, &ids))
            return false;
    }
    if (q->tls != SEARCH_TLS_ANY) {
        int len = snprintf(tls, sizeof(tls), "\"tls\":\"%s\"", tls_word(q->tls));
        if (memmem(line.p, line.len, tls, (size_t)len) == NULL)
            return false;
    }
    return !s->is_text_plain || contains(s, line);
}

static uint64_t json_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_integer_value(value);
    return number < 0 ? 0 : (uint64_t)number;
}

static struct ids json_ids(const json_t *object)
{
    return (struct ids){
        .icid = json_number(object, "icid"),
        .mid = json_number(object, "mid"),
        .dcid = json_number(object, "dcid"),
        .original = json_number(object, "original"),
    };
}

static bool has_text(const struct search *s, const json_t *value)
{
    if (json_is_string(value))
        return contains(s, slice_of(json_string_value(value), json_string_length(value)));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (json_is_string(item) && has_text(s, item))
            return true;
    }
    return false;
}

static bool has_any_text(const struct search *s, json_t *object)
{
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it))
        if (strcmp(json_object_iter_key(it), "time") != 0 &&
            has_text(s, json_object_iter_value(it)))
            return true;
    return s->text_len == 0;
}

static bool is_asked_for(const struct search *s, json_t *object)
{
    const struct ids ids = json_ids(object);
    if (!are_ids_asked_for(s, &ids))
        return false;
    if (s->query->tls != SEARCH_TLS_ANY) {
        const char *tls = json_string_value(json_object_get(object, "tls"));
        if (tls == NULL || strcmp(tls, tls_word(s->query->tls)) != 0)
            return false;
    }
    return has_any_text(s, object);
}

/* NULL: no JSON object. */
static json_t *parse(struct slice line)
{
    json_t *object = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* --- the two passes --- */

/* True: the Start line was it. */
static bool collect(struct search *s, struct slice line)
{
    if (raw_number(line, SLICE("\"mid\":")) != s->query->mid)
        return false;
    json_t *object = parse(line);
    const struct ids ids = json_ids(object);
    bool is_start = false;
    if (ids.mid == s->query->mid) {
        const char *event = json_string_value(json_object_get(object, "event"));
        is_start = event != NULL && strcmp(event, "mid_start") == 0;
        if (ids.icid != 0)
            s->icid = ids.icid;
        if (ids.dcid != 0 && !has_dcid(s, ids.dcid) && s->dcid_count < SEARCH_DCIDS_MAX)
            s->dcids[s->dcid_count++] = ids.dcid;
    }
    json_decref(object);
    return is_start;
}

static void keep(struct search *s, struct slice line)
{
    struct search_result *result = s->result;
    char *copy = mem_arena_strndup(&result->arena, line.p, line.len);
    result->lines[result->count++] = slice_of(copy, line.len);
}

static bool is_time_before(const char *time, const char *limit)
{
    return limit[0] != '\0' && memcmp(time, limit, TIME_LEN) < 0;
}

static bool is_time_after(const char *time, const char *limit)
{
    return limit[0] != '\0' && memcmp(time, limit, TIME_LEN) > 0;
}

/* The time in a line that begins as ours do, or NULL. */
static const char *line_time(struct slice line)
{
    if (line.len <= TIME_END || memcmp(line.p, HEAD, HEAD_LEN) != 0 || line.p[TIME_END] != '"')
        return NULL;
    return line.p + HEAD_LEN;
}

/* In a file of which nothing was read: passes over what is certainly too young, by halves. */
static void jump(struct search *s)
{
    char head[TIME_END + 1];
    uint64_t low = 0, high = s->walk.offset;
    if (s->jump[0] == '\0' || s->is_collecting || s->walk.fd < 0)
        return;
    if (walk_peek(&s->walk, 0, head, sizeof(head)) == 0 &&
        line_time(slice_of(head, sizeof(head))) != NULL &&
        is_time_after(head + HEAD_LEN, s->jump)) {
        walk_cut(&s->walk, 0);
        return;
    }
    while (high - low > JUMP_BYTES) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t at = walk_peek(&s->walk, middle, head, sizeof(head));
        if (at >= high || line_time(slice_of(head, sizeof(head))) == NULL)
            return; /* what stands here is not ours: read on */
        if (is_time_after(head + HEAD_LEN, s->jump)) {
            walk_cut(&s->walk, at);
            high = middle;
        } else {
            low = middle;
        }
    }
}

/* The second pass, or the only one. */
static void begin_reading(struct search *s)
{
    s->is_collecting = false;
    walk_seek(&s->walk, UINT64_MAX, UINT64_MAX);
    jump(s);
}

/* False: nothing older is asked for. */
static bool take(struct search *s, struct slice line)
{
    const char *time = line_time(line);
    if (time == NULL)
        return true;
    if (s->is_collecting) {
        if (collect(s, line))
            begin_reading(s);
        return true;
    }
    if (is_time_before(time, s->stop))
        return false;
    if (is_time_before(time, s->from) || is_time_after(time, s->to) || !is_candidate(s, line))
        return true;
    json_t *object = parse(line);
    if (object != NULL && is_asked_for(s, object))
        keep(s, line);
    json_decref(object);
    return true;
}

/* Never before the place has moved: whoever comes with the cursor again must get on. */
static bool is_budget_over(struct search *s, enum walk_step step)
{
    if (s->walk.number == s->first_number && s->walk.offset == s->first_offset)
        return false;
    if (s->walk.read_bytes > s->budget_bytes)
        return true;
    if (step == WALK_STEP_LINE && ++s->lines_seen % CLOCK_LINES != 0)
        return false;
    return clock_mono_ms(s->clock) >= s->end_mono_ms;
}

/* False: nothing more is to be had. */
static bool step_on(struct search *s, enum walk_step *ret_step)
{
    struct slice line = SLICE("");
    *ret_step = walk_next(&s->walk, &line);
    switch (*ret_step) {
    case WALK_STEP_LINE:
        return take(s, line);
    case WALK_STEP_BLOCK:
        return true;
    case WALK_STEP_FILE:
        jump(s);
        return true;
    case WALK_STEP_END:
        break;
    }
    if (!s->is_collecting)
        return false;
    begin_reading(s); /* no Start line: what was found must do */
    return true;
}

static void run(struct search *s, size_t limit)
{
    struct search_result *result = s->result;
    enum walk_step step;
    while (step_on(s, &step)) {
        bool is_full = result->count == limit || result->arena.used_bytes > SEARCH_RESULT_BYTES;
        bool is_over = !is_full && is_budget_over(s, step);
        if (!is_full && !is_over)
            continue;
        if (!s->is_collecting && walk_is_at_end(&s->walk))
            return;
        result->is_budget_over = is_over;
        cursor_write(s, result->next);
        return;
    }
}

/* --- the door --- */

static bool is_plain(struct slice text)
{
    while (text.len > 0) {
        uint32_t c;
        size_t len = trace_utf8_decode(text, &c);
        if (len == 0 || c < 0x20 || c == '"' || c == '\\' || c == 0x7f ||
            (c >= 0xf780 && c <= 0xf7ff) || trace_char_is_hidden(c))
            return false;
        text = slice_of(text.p + len, text.len - len);
    }
    return true;
}

static void prepare(struct search *s)
{
    const struct search_query *q = s->query;
    s->text_len = q->text.len < SEARCH_TEXT_MAX ? q->text.len : SEARCH_TEXT_MAX;
    for (size_t i = 0; i < s->text_len; i++)
        s->text[i] = lower(q->text.p[i]);
    s->is_text_plain = is_plain(slice_of(s->text, s->text_len));
    if (q->from_ms > 0) {
        time_text(q->from_ms, s->from);
        time_text(q->from_ms > SEARCH_DISORDER_MS ? q->from_ms - SEARCH_DISORDER_MS : 0, s->stop);
    }
    if (q->to_ms > 0) {
        time_text(q->to_ms, s->to);
        time_text(q->to_ms < INT64_MAX - SEARCH_DISORDER_MS ? q->to_ms + SEARCH_DISORDER_MS
                                                            : q->to_ms,
                  s->jump);
    }
    s->is_collecting = q->mid != 0;
    s->budget_bytes = q->budget_bytes == 0 ? SEARCH_BUDGET_BYTES : q->budget_bytes;
    s->end_mono_ms =
        clock_mono_ms(s->clock) + (q->budget_ms == 0 ? SEARCH_BUDGET_MS : q->budget_ms);
}

int search_run(const char *dir, const char *name, const struct clock *clock,
               const struct search_query *query, struct search_result *ret_result,
               struct error *reterr)
{
    struct search_result result = {.next = ""};
    struct search s = {.query = query, .result = &result, .clock = clock};
    size_t limit = query->limit < SEARCH_LIMIT_MAX ? query->limit : SEARCH_LIMIT_MAX;
    limit = limit == 0 ? 1 : limit;
    int r = walk_open(&s.walk, dir, name, reterr);
    if (r < 0)
        return r;
    prepare(&s);
    if (query->cursor.len > 0 && !cursor_follow(&s, query->cursor)) {
        walk_close(&s.walk);
        return error_set(reterr, ERR_INVALID, "the cursor is none of ours");
    }
    mem_arena_init(&result.arena);
    result.lines = mem_arena_alloc(&result.arena, limit * sizeof(*result.lines));
    if (query->cursor.len == 0)
        jump(&s);
    s.first_number = s.walk.number;
    s.first_offset = s.walk.offset;
    run(&s, limit);
    result.read_bytes = s.walk.read_bytes;
    walk_close(&s.walk);
    *ret_result = result;
    return 0;
}

void search_result_finish(struct search_result *result)
{
    mem_arena_finish(&result->arena);
    *result = (struct search_result){.next = ""};
}
