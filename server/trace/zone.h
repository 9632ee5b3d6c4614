/* The time in front of a text line: `Tue Nov 24 12:01:49 2026 `, in the zone of the gateway.
 *
 * The zone is the process's TZ, read through the C library, which knows the rules of every zone. TZ
 * is put into the environment once and later rewritten in place, so that nobody who reads another
 * variable meanwhile sees the environment move. */
#ifndef POSTERN_TRACE_ZONE_H
#define POSTERN_TRACE_ZONE_H

#include <stdint.h>

enum { TRACE_ZONE_MAX = 64, TRACE_TIME_MAX = 40 };

/* The first call before other threads start; later ones on the log thread. A zone that does not
 * exist is UTC, a longer name than TRACE_ZONE_MAX too. */
void trace_zone_set(const char *name);
/* `Www Mmm dd HH:MM:SS YYYY `, the day padded with a blank; never the locale's words. Returns its
 * length. */
int trace_zone_format(int64_t seconds, char out[TRACE_TIME_MAX]);
/* Changes whenever trace_zone_set was called: for caches of what trace_zone_format gave. */
unsigned trace_zone_epoch(void);

#endif
