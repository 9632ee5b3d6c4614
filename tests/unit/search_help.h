/* For tests of the search: a directory with logs in it, and what a walk through the pages gave. */
#ifndef POSTERN_TESTS_UNIT_SEARCH_HELP_H
#define POSTERN_TESTS_UNIT_SEARCH_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "dir_help.h"
#include "trace/search.h"
#include "trace/trace.h"
#include "trace/walk.h"

#define WHEN 1795521709123 /* 2026-11-24T12:01:49.123Z */

enum { SMALL = 4096, SEEN_MAX = 4000 };

static char dir[64];
static struct trace *trace;

/* What a search or a walk through its pages gave: copies. */
static struct seen {
    char *lines[SEEN_MAX];
    size_t count, pages, empty_pages;
    uint64_t read_bytes;
} seen, other;

static inline int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-test-search-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static inline void forget(struct seen *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->lines[i]);
    *s = (struct seen){.count = 0};
}

static inline int tear_down(void **state)
{
    (void)state;
    forget(&seen);
    forget(&other);
    trace_destroy(trace);
    trace = NULL;
    return help_dir_remove(dir);
}

static inline void start(uint64_t rotate_bytes)
{
    struct error error = {.text = ""};
    const struct trace_settings settings = {
        .dir = dir, .timezone = "UTC", .rotate_bytes = rotate_bytes, .keep_files = 1000};
    if (trace_create(&settings, &trace, &error) < 0)
        fail_msg("%s", error.text);
}

static inline void emit(uint64_t first, size_t count)
{
    for (uint64_t icid = first; icid < first + count; icid++)
        TRACE_EMIT(trace, WHEN, icid_close, .icid = icid);
    trace_flush(trace);
}

/* NAME in the directory gets exactly these bytes. */
static inline void put(const char *name, struct slice bytes)
{
    SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.p, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static inline void search_one(const struct search_query *query, struct search_result *ret_result)
{
    struct error error = {.text = ""};
    if (search_run(dir, "mail_json", clock_system(), query, ret_result, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(ret_result->count <= query->limit);
}

/* One page into S; its cursor is copied to NEXT. */
static inline void page(struct seen *s, struct search_query *query, char next[SEARCH_CURSOR_MAX])
{
    struct search_result result;
    search_one(query, &result);
    for (size_t i = 0; i < result.count; i++) {
        assert_true(s->count < SEEN_MAX);
        s->lines[s->count++] = slice_dup(result.lines[i]);
    }
    s->pages++;
    s->empty_pages += result.count == 0 ? 1 : 0;
    s->read_bytes += result.read_bytes;
    assert_true(!result.is_budget_over || result.next[0] != '\0');
    memcpy(next, result.next, SEARCH_CURSOR_MAX);
    query->cursor = slice_str(next);
    search_result_finish(&result);
}

/* All pages; returns how many lines there are. */
static inline size_t walk_pages(struct seen *s, struct search_query query)
{
    char next[SEARCH_CURSOR_MAX];
    forget(s);
    do {
        page(s, &query, next);
        assert_true(s->pages < 2 * SEEN_MAX);
    } while (next[0] != '\0');
    return s->count;
}

static inline size_t find(struct search_query query)
{
    query.limit = SEARCH_LIMIT_MAX;
    return walk_pages(&seen, query);
}

static inline size_t find_text(const char *text)
{
    return find((struct search_query){.text = slice_str(text)});
}

/* Line I of what was seen is about ICID. */
static inline void check_icid(size_t i, uint64_t icid)
{
    SCOPED(mem_free_at) char *part = mem_printf("\"icid\":%llu}", (unsigned long long)icid);
    assert_true(i < seen.count);
    if (strstr(seen.lines[i], part) == NULL)
        fail_msg("no %s in line %zu: %s", part, i, seen.lines[i]);
}

static inline void check_same(void)
{
    assert_int_equal(seen.count, other.count);
    for (size_t i = 0; i < seen.count; i++)
        assert_string_equal(seen.lines[i], other.lines[i]);
}

#endif
