/* Small words for building answers. */
#ifndef POSTERN_API_JSON_H
#define POSTERN_API_JSON_H

#include <jansson.h>

#include "base/ip.h"
#include "base/slice.h"

/* Bytes that are no UTF-8 become U+FFFD: mail is hostile, an answer stays JSON. Never NULL. */
json_t *json_slice(struct slice text);
/* Wall time as RFC 3339 in UTC with milliseconds; null for 0. */
json_t *json_time(int64_t wall_ms);
/* null for family 0. */
json_t *json_ip(const struct ip *ip);
json_t *json_u64(uint64_t value);
void json_put(json_t *object, const char *key, json_t *value);

#endif
