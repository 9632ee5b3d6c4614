/* One value against its row: syntax, range, word. Private to config/. What a value refers to is
 * looked at in crosscheck.c, when the whole candidate is there.
 *
 * Every function returns true, or false with the error code and the reason. Reasons may quote the
 * value: whole characters, at most CFG_QUOTE_MAX bytes, so hostile input costs a line, not a page.
 */
#ifndef POSTERN_CONFIG_VALIDATE_H
#define POSTERN_CONFIG_VALIDATE_H

#include "config/schema.h"

enum { CFG_WHY_MAX = 400, CFG_QUOTE_MAX = 80 };

struct cfg_why {
    const char *code; /* literal */
    char text[CFG_WHY_MAX];
    char got[CFG_QUOTE_MAX + 1];       /* empty: not told */
    struct config_error_params params; /* `got` is not set there */
};

/* STR, NAME, HOSTNAME, REF. */
bool cfg_check_text(const struct cfg_row *row, struct slice value, struct cfg_why *ret_why);
/* U32, U64; VALUE is negative only as JSON gave it. */
bool cfg_check_number(const struct cfg_row *row, long long value, struct cfg_why *ret_why);
bool cfg_check_count(const struct cfg_row *row, size_t count, struct cfg_why *ret_why);
/* The text of *ret_pattern is in ARENA. */
bool cfg_read_pattern(const struct cfg_row *row, struct slice value, struct mem_arena *arena,
                      struct cfg_pattern *ret_pattern, struct cfg_why *ret_why);
bool cfg_read_endpoint(const struct cfg_row *row, struct slice value,
                       struct cfg_endpoint *ret_endpoint, struct cfg_why *ret_why);
bool cfg_read_ip(struct slice value, struct ip *ret_ip, struct cfg_why *ret_why);
bool cfg_read_word(const struct cfg_row *row, struct slice value, unsigned *ret_value,
                   struct cfg_why *ret_why);

bool cfg_word_find(const struct cfg_words *words, struct slice word, unsigned *ret_value);

/* The nearest of COUNT words to S if it is near enough to be a slip of the hand (at most
 * CFG_SLIP_MAX letters added, left out or changed), else NULL. */
enum { CFG_SLIP_MAX = 2 };
const char *cfg_nearest(struct slice s, const char *const *words, size_t count);

/* Without params. */
void cfg_why_set(struct cfg_why *why, const char *code, const char *fmt, ...) PRINTF_LIKE(3, 4);
void cfg_why_got(struct cfg_why *why, struct slice value);

/* Row checks named in the .def files. NULL: fine. */
const char *cfg_check_timezone(struct slice value);
const char *cfg_check_spki(struct slice value);
const char *cfg_check_pem(struct slice value);

#endif
