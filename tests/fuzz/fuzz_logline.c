/* Any bytes as mail_json and a rotated file: the search never crashes, gives out nothing but JSON
 * objects that stand in the files, and gives the same lines by pages, under any budget, as at once.
 * What the parser takes for an event of ours renders to a line that is read as the same event.
 *
 * Input: a byte that chooses the query, a byte for the limit of a page, then the file; at the first
 * NUL it is cut: what stands before that is the older file. */
#include <stdint.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "fuzz_target.h"
#include "trace/parse.h"
#include "trace/search.h"

static char dir[64];

static void remove_files(void)
{
    static const char *const names[] = {"mail_json", "mail_json.1", ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = mem_printf("%s/%s", dir, names[i]);
        (void)remove(path); /* one that was not made is not there */
        free(path);
    }
}

static void put(const char *name, struct slice bytes)
{
    char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    ASSERT(file != NULL && fwrite(bytes.p, 1, bytes.len, file) == bytes.len);
    ASSERT(fclose(file) == 0);
    free(path);
}

static void check_line(struct slice line)
{
    json_t *object = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    ASSERT(json_is_object(object));
    json_decref(object);
    struct trace_record *record = trace_parse_json(line);
    if (record == NULL)
        return;
    struct buf buf;
    buf_init(&buf, 0);
    trace_render_json(record, &buf);
    struct slice rendered = buf_slice(&buf);
    ASSERT(rendered.len > 0 && memchr(rendered.p, '\n', rendered.len - 1) == NULL);
    struct trace_record *again = trace_parse_json(slice_of(rendered.p, rendered.len - 1));
    ASSERT(again != NULL && again->size_bytes == record->size_bytes &&
           memcmp(again, record, record->size_bytes) == 0);
    buf_finish(&buf);
    trace_record_destroy(record);
    trace_record_destroy(again);
}

/* All lines of QUERY, one behind the other, into BUF. */
static size_t run_pages(struct search_query query, struct buf *buf)
{
    char cursor[SEARCH_CURSOR_MAX] = "";
    size_t count = 0;
    do {
        struct search_result result;
        query.cursor = slice_str(cursor);
        int r = search_run(dir, "mail_json", clock_system(), &query, &result, NULL);
        ASSERT(r == 0 && result.count <= query.limit);
        for (size_t i = 0; i < result.count; i++) {
            check_line(result.lines[i]);
            ASSERT(buf_append_slice(buf, result.lines[i]) && buf_append_char(buf, '\n'));
        }
        count += result.count;
        ASSERT(strcmp(cursor, result.next) != 0 || cursor[0] == '\0'); /* it gets on */
        memcpy(cursor, result.next, sizeof(cursor));
        search_result_finish(&result);
    } while (cursor[0] != '\0');
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct search_query queries[] = {
        {.limit = SEARCH_LIMIT_MAX},
        {.limit = SEARCH_LIMIT_MAX, .text = {"E", 1}},
        {.limit = SEARCH_LIMIT_MAX, .mid = 7},
        {.limit = SEARCH_LIMIT_MAX, .icid = 3},
        {.limit = SEARCH_LIMIT_MAX, .tls = SEARCH_TLS_SUCCESS},
        {.limit = SEARCH_LIMIT_MAX, .from_ms = 1795521709123},
        {.limit = SEARCH_LIMIT_MAX, .to_ms = 1795521709123},
        {.limit = SEARCH_LIMIT_MAX, .mid = 7, .text = {"\"", 1}},
    };
    if (size < 2)
        return 0;
    if (dir[0] == '\0') {
        (void)snprintf(dir, sizeof(dir), "/tmp/postern-fuzz-logline-XXXXXX");
        ASSERT(mkdtemp(dir) != NULL && atexit(remove_files) == 0);
    }
    struct slice bytes = slice_of((const char *)data + 2, size - 2);
    put("mail_json.1", slice_cut(&bytes, '\0'));
    put("mail_json", bytes);
    struct search_query query = queries[data[0] % ARRAY_LEN(queries)];
    struct buf whole, paged;
    buf_init(&whole, 0);
    buf_init(&paged, 0);
    size_t count = run_pages(query, &whole);
    query.limit = 1u + data[1] % 8u;
    query.budget_bytes = data[1] < 128 ? 1 : 0;
    ASSERT(run_pages(query, &paged) == count);
    ASSERT(slice_eq(buf_slice(&whole), buf_slice(&paged)));
    buf_finish(&whole);
    buf_finish(&paged);
    /* And as a cursor. */
    struct search_result result;
    query.cursor = slice_of((const char *)data, size < 200 ? size : 200);
    if (search_run(dir, "mail_json", clock_system(), &query, &result, NULL) == 0)
        search_result_finish(&result);
    return 0;
}
