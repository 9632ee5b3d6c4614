/* See table.h. */
#include "cli/table.h"

#include <stdint.h>

#include "cli/text.h"

enum { GAP = 2, COLUMN_LEAST = 8 };

/* --- values --- */

static void plain_text(const json_t *value, struct buf *out)
{
    if (json_is_string(value)) {
        (void)buf_append(out, json_string_value(value), json_string_length(value));
    } else if (value != NULL && !json_is_null(value)) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)buf_append_str(out, text);
        free(text);
    }
}

static bool is_plain(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

void cli_value_text(const json_t *value, struct buf *out)
{
    bool is_plain_list = json_is_array(value);

    for (size_t i = 0; i < json_array_size(value); i++)
        is_plain_list = is_plain_list && is_plain(json_array_get(value, i));
    if (!is_plain_list) {
        plain_text(value, out);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)buf_append_str(out, i == 0 ? "" : ",");
        plain_text(json_array_get(value, i), out);
    }
}

static const json_t *member_at(const json_t *object, const char *path)
{
    struct slice rest = slice_str(path);

    while (rest.len > 0 && object != NULL) {
        struct slice name = slice_cut(&rest, '/');
        object = json_object_getn(object, name.p, name.len);
    }
    return object;
}

/* --- tables --- */

void cli_table_init(struct cli_table *table, size_t columns)
{
    *table = (struct cli_table){.columns = columns};
    mem_arena_init(&table->arena);
}

void cli_table_finish(struct cli_table *table)
{
    mem_arena_finish(&table->arena);
    free(table->cells);
    table->cells = NULL;
}

void cli_table_cell(struct cli_table *table, struct slice text)
{
    struct buf shown;

    if (table->count == table->size) {
        table->size = table->size == 0 ? 64 : table->size * 2;
        table->cells = mem_realloc(table->cells, table->size * sizeof(*table->cells));
    }
    buf_init(&shown, 0);
    cli_text_show(&shown, text);
    table->cells[table->count++] =
        mem_arena_strndup(&table->arena, buf_cstr(&shown), buf_len(&shown));
    buf_finish(&shown);
}

void cli_table_value(struct cli_table *table, const json_t *value)
{
    struct buf text;

    buf_init(&text, 0);
    cli_value_text(value, &text);
    cli_table_cell(table, buf_slice(&text));
    buf_finish(&text);
}

static struct slice cell(const struct cli_table *table, size_t row, size_t column)
{
    return slice_str(table->cells[row * table->columns + column]);
}

static size_t row_count(const struct cli_table *table)
{
    ASSERT(table->count % table->columns == 0);
    return table->count / table->columns;
}

static bool is_number(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return true;
}

struct layout {
    size_t *widths;
    bool *are_right;
    size_t columns; /* that are shown */
};

static void measure(const struct cli_table *table, struct layout *layout)
{
    size_t rows = row_count(table);

    for (size_t c = 0; c < table->columns; c++) {
        layout->are_right[c] = rows > 1;
        for (size_t r = 0; r < rows; r++) {
            size_t width = cli_text_width(cell(table, r, c));
            if (width > layout->widths[c])
                layout->widths[c] = width;
            if (r > 0 && !is_number(cell(table, r, c)))
                layout->are_right[c] = false;
        }
    }
}

static size_t total(const struct layout *layout)
{
    size_t sum = 0;

    for (size_t c = 0; c < layout->columns; c++)
        sum += layout->widths[c] + (c == 0 ? 0 : GAP);
    return sum;
}

/* The broadest column of words; numbers are never cut. SIZE_MAX: none can give anything. */
static size_t broadest(const struct layout *layout)
{
    size_t found = SIZE_MAX;

    for (size_t c = 0; c < layout->columns; c++)
        if (!layout->are_right[c] && layout->widths[c] > COLUMN_LEAST &&
            (found == SIZE_MAX || layout->widths[c] > layout->widths[found]))
            found = c;
    return found;
}

static void fit(struct layout *layout, size_t width)
{
    for (size_t c = 0; c < layout->columns; c++)
        if (layout->widths[c] > width)
            layout->widths[c] = width;
    while (total(layout) > width) {
        size_t at = broadest(layout);
        if (at != SIZE_MAX)
            layout->widths[at]--;
        else if (layout->columns > 1)
            layout->columns--;
        else
            return;
    }
}

static void pad(struct buf *out, size_t columns)
{
    for (; columns > 0; columns--)
        (void)buf_append_char(out, ' ');
}

static void print_cell(struct slice text, size_t width, bool is_right, bool is_last,
                       struct buf *out)
{
    size_t needed = cli_text_width(text);

    if (needed > width) {
        size_t len = cli_text_fit(text, width - 1);
        size_t used = cli_text_width(slice_of(text.p, len)) + 1;
        (void)buf_append(out, text.p, len);
        (void)buf_append_str(out, "…");
        needed = used;
        text.len = 0;
    }
    if (is_right)
        pad(out, width - needed);
    (void)buf_append_slice(out, text);
    if (!is_right && !is_last)
        pad(out, width - needed + GAP);
    else if (!is_last)
        pad(out, GAP);
}

void cli_table_show(const struct cli_table *table, size_t width, struct buf *out)
{
    struct layout layout = {.widths = mem_array(table->columns, sizeof(size_t)),
                            .are_right = mem_array(table->columns, sizeof(bool)),
                            .columns = table->columns};

    measure(table, &layout);
    if (width > 0)
        fit(&layout, width);
    for (size_t r = 0; r < row_count(table); r++) {
        size_t filled = layout.columns; /* no blanks at the end of a line */
        while (filled > 0 && cell(table, r, filled - 1).len == 0)
            filled--;
        for (size_t c = 0; c < filled; c++)
            print_cell(cell(table, r, c), layout.widths[c], layout.are_right[c], c + 1 == filled,
                       out);
        (void)buf_append_char(out, '\n');
    }
    size_t dropped = table->columns - layout.columns;
    if (dropped > 0)
        (void)buf_printf(out, "(no room for %zu more column%s)\n", dropped,
                         dropped == 1 ? "" : "s");
    free(layout.widths);
    free(layout.are_right);
}

void cli_table_of(const json_t *items, const struct cli_column *columns, size_t count, size_t width,
                  struct buf *out)
{
    struct cli_table table;

    cli_table_init(&table, count);
    for (size_t c = 0; c < count; c++)
        cli_table_cell(&table, slice_str(columns[c].title));
    for (size_t i = 0; i < json_array_size(items); i++)
        for (size_t c = 0; c < count; c++)
            cli_table_value(&table, member_at(json_array_get(items, i), columns[c].path));
    cli_table_show(&table, width, out);
    cli_table_finish(&table);
}

/* --- cards --- */

static void card_line(const char *title, size_t title_width, const json_t *value, struct buf *out)
{
    struct buf text;
    size_t width = cli_text_width(slice_str(title));

    buf_init(&text, 0);
    cli_value_text(value, &text);
    (void)buf_append_str(out, title);
    if (buf_len(&text) > 0)
        pad(out, (title_width > width ? title_width - width : 0) + GAP);
    cli_text_show(out, buf_slice(&text));
    (void)buf_append_char(out, '\n');
    buf_finish(&text);
}

void cli_card_line(const char *title, size_t title_width, const json_t *value, struct buf *out)
{
    if (!json_is_object(json_array_get(value, 0))) {
        card_line(title, title_width, value, out);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        card_line(i == 0 ? title : "", title_width, json_array_get(value, i), out);
}

void cli_card_of(const json_t *object, const struct cli_column *columns, size_t count,
                 struct buf *out)
{
    size_t width = 0;

    for (size_t i = 0; i < count; i++) {
        size_t each = cli_text_width(slice_str(columns[i].title));
        width = each > width ? each : width;
    }
    for (size_t i = 0; i < count; i++)
        cli_card_line(columns[i].title, width, member_at(object, columns[i].path), out);
}
