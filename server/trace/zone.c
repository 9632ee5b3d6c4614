/* Local time for text lines: see zone.h.
 *
 * setenv is avoided because it may move `environ` while another thread reads it; putenv hands the
 * environment a static buffer whose first bytes, `TZ=`, never change. */
#include "trace/zone.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char variable[4 + TRACE_ZONE_MAX] = "TZ=UTC";
static _Atomic unsigned epoch;
static bool is_in_environment;

void trace_zone_set(const char *name)
{
    const char *zone = name == NULL || strlen(name) >= TRACE_ZONE_MAX ? "UTC" : name;
    (void)memcpy(variable + 3, zone, strlen(zone) + 1);
    if (!is_in_environment) {
        (void)putenv(variable); /* fails for want of memory only; then the zone stays what it was */
        is_in_environment = true;
    }
    tzset();
    atomic_fetch_add(&epoch, 1);
}

unsigned trace_zone_epoch(void)
{
    return atomic_load(&epoch);
}

int trace_zone_format(int64_t seconds, char out[TRACE_TIME_MAX])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t when = (time_t)seconds;
    struct tm tm;
    if (localtime_r(&when, &tm) == NULL)
        memset(&tm, 0, sizeof(tm)); /* a year that does not fit: no clock shows it */
    return snprintf(out, TRACE_TIME_MAX, "%s %s %2d %02d:%02d:%02d %d ", days[tm.tm_wday % 7],
                    months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                    tm.tm_year + 1900);
}
