/* Text from outside on a terminal: nothing in it may move the cursor, hide or reverse what stands
 * beside it, or pretend to be a line of ours; and how many columns it takes.
 *
 * Pure; UTF-8 by its own rules (RFC 3629 3), never the locale's. */
#ifndef POSTERN_CLI_TEXT_H
#define POSTERN_CLI_TEXT_H

#include "base/buf.h"

/* Appends TEXT as it may be shown: control characters (C0, DEL, C1), line and paragraph separators,
 * what has no width or turns the direction of writing, and bytes that are no UTF-8 become \n, \t,
 * \xHH or \uHHHH. All else stays as it is. */
void cli_text_show(struct buf *out, struct slice text);
/* The same, but lines stay lines: for texts that are made of several. */
void cli_text_show_lines(struct buf *out, struct slice text);
/* Columns that a text of cli_text_show takes: 2 for the wide letters of East Asia, 0 for marks. */
size_t cli_text_width(struct slice shown);
/* The longest beginning of a shown text that takes at most WIDTH columns, in bytes. */
size_t cli_text_fit(struct slice shown, size_t width);
bool cli_text_is_utf8(struct slice text);

#endif
