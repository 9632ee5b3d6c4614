/* Tables and cards for people, made from the API's answers.
 *
 * A table has a head and rows; columns whose cells are all numbers stand to the right. Over the
 * width of the terminal its broadest columns are cut, then its last ones are left out: a card shows
 * all of one object. Cells go through cli_text_show: nothing from outside reaches the terminal as
 * it came. */
#ifndef POSTERN_CLI_TABLE_H
#define POSTERN_CLI_TABLE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"

struct cli_column {
    const char *title;
    const char *path; /* a member of the object, or one within: `last_reply/text` */
};

struct cli_table {
    size_t columns;
    struct mem_arena arena; /* the texts of the cells */
    const char **cells;     /* row by row, the titles first */
    size_t count, size;
};

/* A value as people read it, and as `config set` takes it: texts as they are, lists of plain values
 * with commas between, objects as JSON, null as nothing. Not yet fit for a terminal. */
void cli_value_text(const json_t *value, struct buf *out);

void cli_table_init(struct cli_table *table, size_t columns);
void cli_table_finish(struct cli_table *table);
/* The next cell; titles are the first. */
void cli_table_cell(struct cli_table *table, struct slice text);
void cli_table_value(struct cli_table *table, const json_t *value);
/* Rows, then how many columns had no room, if any; width 0: there is room for all. */
void cli_table_show(const struct cli_table *table, size_t width, struct buf *out);

/* The whole: one row for each object of ITEMS. */
void cli_table_of(const json_t *items, const struct cli_column *columns, size_t count, size_t width,
                  struct buf *out);
/* One line for each, `title  value`; values are never cut. */
void cli_card_of(const json_t *object, const struct cli_column *columns, size_t count,
                 struct buf *out);
/* One line of a card whose titles take TITLE_WIDTH columns; of a list of objects, a line for each.
 */
void cli_card_line(const char *title, size_t title_width, const json_t *value, struct buf *out);

#endif
