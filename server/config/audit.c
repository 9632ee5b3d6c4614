/* The audit in postern.db: see audit.h. Owner thread: main.
 *
 * A row's hash is the SHA-256 of its columns, each with its length before it as 4 bytes,
 * big-endian; numbers are 8 bytes, big-endian. Triggers refuse to change or delete rows: that stops
 * a slip of the hand, not somebody who means it. */
#include "config/audit.h"

#include "config/audit_priv.h"
#include "config/config_priv.h"
#include "config/db.h"

static const char *const outcome_words[AUDIT_OUTCOME_COUNT] = {
    [AUDIT_DONE] = "done",
    [AUDIT_REFUSED] = "refused",
    [AUDIT_FAILED] = "failed",
};

const char *audit_outcome_word(enum audit_outcome outcome)
{
    return outcome < AUDIT_OUTCOME_COUNT ? outcome_words[outcome] : "unknown";
}

enum audit_outcome audit_outcome_find(struct slice word)
{
    unsigned i = 0;
    while (i < AUDIT_OUTCOME_COUNT && !slice_eq(word, slice_str(outcome_words[i])))
        i++;
    return (enum audit_outcome)i;
}

/* --- the chain --- */

static void append_number(struct buf *buf, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        (void)buf_append_char(buf, (char)(number >> (8 * bytes)));
}

static void append_column(struct buf *buf, struct slice column)
{
    append_number(buf, column.len, 4);
    (void)buf_append_slice(buf, column);
}

void audit_columns_hash(const struct audit_columns *columns, uint8_t ret_hash[SHA256_BYTES])
{
    struct buf buf;
    buf_init(&buf, 0);
    append_number(&buf, 8, 4);
    append_number(&buf, (uint64_t)columns->number, 8);
    append_number(&buf, 8, 4);
    append_number(&buf, (uint64_t)columns->at_ms, 8);
    for (size_t i = 0; i < AUDIT_TEXTS; i++)
        append_column(&buf, columns->texts[i]);
    append_column(&buf, columns->previous);
    sha256(buf_slice(&buf), ret_hash);
    buf_finish(&buf);
}

/* What audit_head says, or 0 and zeros. */
int audit_head(struct store *store, uint64_t *ret_number, uint8_t ret_hash[SHA256_BYTES],
               struct error *reterr)
{
    sqlite3_stmt *stmt;
    int r = db_prepare(store, "SELECT number, hash FROM audit_head", &stmt, reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(stmt);
    *ret_number = 0;
    memset(ret_hash, 0, SHA256_BYTES);
    if (step == SQLITE_ROW) {
        *ret_number = (uint64_t)sqlite3_column_int64(stmt, 0);
        if (sqlite3_column_bytes(stmt, 1) == SHA256_BYTES)
            memcpy(ret_hash, sqlite3_column_blob(stmt, 1), SHA256_BYTES);
    } else if (step != SQLITE_DONE) {
        r = db_error(store, reterr);
    }
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

/* --- what is written --- */

/* At most MAX bytes of S, every other byte of what is no text as `?`. */
static struct slice clean(struct slice s, size_t max, struct mem_arena *arena)
{
    char *text = mem_arena_alloc(arena, max + 1);
    size_t len = 0;
    while (s.len > 0 && len < max) {
        size_t n = config_character(s);
        if (len + n > max)
            break;
        if (n == 0) {
            text[len++] = '?';
            n = 1;
        } else {
            memcpy(text + len, s.p, n);
            len += n;
        }
        s = slice_of(s.p + n, s.len - n);
    }
    return slice_of(text, len);
}

static bool is_field_name(struct slice name)
{
    if (name.len == 0 || name.len > AUDIT_FIELD_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && c != '/' && c != '_' && c != '-' && c != '.' && c != '~')
            return false;
    }
    return true;
}

/* {"fields":["a","b"],"more":2}: the only JSON there is in the audit. */
static void render_detail(const struct slice *fields, size_t count, struct buf *buf)
{
    size_t shown = 0;
    (void)buf_append_char(buf, '{');
    for (size_t i = 0; i < count && shown < AUDIT_FIELDS_MAX; i++) {
        if (!is_field_name(fields[i]))
            continue;
        (void)buf_printf(buf, "%s\"%.*s\"", shown == 0 ? "\"fields\":[" : ",",
                         SLICE_ARGS(fields[i]));
        shown++;
    }
    (void)buf_append_str(buf, shown > 0 ? "]" : "");
    if (shown < count)
        (void)buf_printf(buf, "%s\"more\":%zu", shown > 0 ? "," : "", count - shown);
    (void)buf_append_char(buf, '}');
}

/* All of GIVEN but number and previous is there. */
static int insert(struct store *store, const struct audit_columns *given, uint64_t *ret_number,
                  struct error *reterr)
{
    struct audit_columns columns = *given;
    uint8_t previous[SHA256_BYTES], hash[SHA256_BYTES];
    uint64_t head = 0;
    int64_t last = 0;
    int r = audit_head(store, &head, previous, reterr);
    if (r == 0)
        r = db_number(store, "SELECT coalesce(max(number), 0) FROM audit", NULL, 0, &last, reterr);
    if (r == 0 && (head > INT64_MAX / 2 || last > INT64_MAX / 2))
        r = error_set(reterr, ERR_INVALID, "postern.db: the audit's numbers are damaged");
    if (r < 0)
        return r;
    /* They differ only if somebody was at one of them: then a number stays out for good, so that
     * the break is seen whatever is appended. */
    if ((int64_t)head == last)
        columns.number = last + 1;
    else
        columns.number = ((int64_t)head > last ? (int64_t)head : last) + 2;
    columns.previous = slice_of((const char *)previous, sizeof(previous));
    audit_columns_hash(&columns, hash);
    const struct slice *t = columns.texts;
    r = db_change(store, "INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                  DB_VALUES(DB_NUMBER(columns.number), DB_NUMBER(columns.at_ms), DB_TEXT(t[0]),
                            DB_TEXT(t[1]), DB_TEXT(t[2]), DB_TEXT(t[3]), DB_TEXT(t[4]),
                            DB_TEXT(t[5]), DB_TEXT(t[6]), DB_BLOB(previous, sizeof(previous)),
                            DB_BLOB(hash, sizeof(hash))),
                  NULL, reterr);
    if (r < 0)
        return r;
    *ret_number = (uint64_t)columns.number;
    return db_change(store, "INSERT OR REPLACE INTO audit_head VALUES(1, ?1, ?2)",
                     DB_VALUES(DB_NUMBER(columns.number), DB_BLOB(hash, sizeof(hash))), NULL,
                     reterr);
}

int audit_append(struct store *store, const struct clock *clock, const struct audit_entry *entry,
                 uint64_t *ret_number, struct error *reterr)
{
    struct mem_arena arena;
    struct buf detail;
    uint64_t number = 0;
    char address[IP_TEXT_MAX] = "";
    mem_arena_init(&arena);
    buf_init(&detail, 0);
    if (entry->address != NULL && entry->address->family != 0)
        (void)ip_format(entry->address, address);
    render_detail(entry->fields, entry->field_count, &detail);
    struct audit_columns columns = {
        .at_ms = clock_wall_ms(clock),
        .texts = {clean(entry->principal, AUDIT_PRINCIPAL_MAX, &arena), slice_str(address),
                  clean(slice_str(entry->action), AUDIT_ACTION_MAX, &arena),
                  clean(entry->target, AUDIT_TARGET_MAX, &arena),
                  slice_str(audit_outcome_word(entry->outcome)), buf_slice(&detail),
                  clean(entry->request, AUDIT_REQUEST_MAX, &arena)},
    };
    int r = db_begin(store, reterr);
    if (r == 0) {
        r = insert(store, &columns, &number, reterr);
        r = db_end(store, r, reterr);
    }
    if (r == 0 && ret_number != NULL)
        *ret_number = number;
    buf_finish(&detail);
    mem_arena_finish(&arena);
    return r;
}
