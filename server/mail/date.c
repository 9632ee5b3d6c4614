/* RFC 5322 dates: see date.h.
 *
 * The calendar is computed here (days since 1970 to year, month, day, after Howard Hinnant's civil
 * calendar algorithm) because strftime follows the locale and gmtime_r is one call more than the
 * arithmetic. No state. RFC 5322 3.3: names in English, four-digit year, numeric zone. */
#include "mail/date.h"

#include <stdio.h>

static const char day_names[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char *mail_date_format(int64_t wall_ms, char out[MAIL_DATE_MAX])
{
    const int64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */
    int64_t seconds = wall_ms / 1000;
    if (wall_ms < 0)
        seconds = 0;
    if (seconds > last_second)
        seconds = last_second;
    uint32_t days = (uint32_t)(seconds / 86400);
    uint32_t rest = (uint32_t)(seconds % 86400);

    /* Years begin in March in this reckoning, so that the leap day is the last of its year. */
    uint32_t shifted = days + 719468; /* days since 0000-03-01 */
    uint32_t era = shifted / 146097;
    uint32_t day_of_era = shifted % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t march_month = (5 * day_of_year + 2) / 153;
    uint32_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    uint32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

    (void)snprintf(out, MAIL_DATE_MAX, "%s, %u %s %04u %02u:%02u:%02u +0000", day_names[days % 7],
                   day % 32, month_names[(month - 1) % 12], year % 10000, rest / 3600 % 24,
                   rest / 60 % 60, rest % 60); /* always fits: the remainders bound every number */
    return out;
}
