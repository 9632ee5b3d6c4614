/* Dates in header fields: `Tue, 24 Nov 2026 11:35:35 +0000`, always in UTC.
 * RFC 5322 3.3. No locale, no time zone data base, no clock. */
#ifndef POSTERN_MAIL_DATE_H
#define POSTERN_MAIL_DATE_H

#include <stdint.h>

enum { MAIL_DATE_MAX = 64 };

/* WALL_MS is clipped to the years 1970..9999. Returns OUT. */
const char *mail_date_format(int64_t wall_ms, char out[MAIL_DATE_MAX]);

#endif
