/* See json.h. */
#include "api/json.h"

#include <time.h>

#include "base/buf.h"

json_t *json_slice(struct slice text)
{
    if (text.p == NULL)
        return json_string("");
    json_t *value = json_stringn(text.p, text.len);
    if (value != NULL)
        return value;
    struct buf clean;
    buf_init(&clean, 0);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < 0x80)
            (void)buf_append_char(&clean, text.p[i]);
        else
            (void)buf_append_str(&clean, "\xef\xbf\xbd");
    }
    value = json_stringn(buf_slice(&clean).p, buf_len(&clean));
    buf_finish(&clean);
    return value;
}

json_t *json_time(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[64];

    if (wall_ms == 0 || gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(wall_ms % 1000));
    return json_string(text);
}

json_t *json_ip(const struct ip *ip)
{
    char text[IP_TEXT_MAX];

    return ip->family == 0 ? json_null() : json_string(ip_format(ip, text));
}

json_t *json_u64(uint64_t value)
{
    return json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value));
}

void json_put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}
