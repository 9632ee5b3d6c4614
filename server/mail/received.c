/* The Received field: see received.h.
 *
 * Every part is cleaned into a bounded copy first, so the lines below can be written without a
 * thought to what a client may have said. A part that would break the line length at the place
 * where it stands goes on a line of its own (RFC 5322 2.1.1: 78 should, 998 must). */
#include "mail/received.h"

#include "base/limits.h"
#include "mail/date.h"

enum {
    RECEIVED_NAME_MAX = 255, /* HELO and reverse name: LIMIT_SMTP_DOMAIN */
    RECEIVED_TOKEN_MAX = 64, /* protocol and cipher */
    RECEIVED_LINE_SHOULD = 78,
};

/* Printable ASCII stays; what could end a comment, an address or a line does not. RFC 5321 4.4 */
static const char *clean(struct slice s, size_t max, char *out)
{
    size_t len = s.len < max ? s.len : max;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_plain = c > 32 && c < 127 && strchr("()<>\\\";,", c) == NULL;
        out[i] = is_plain ? (char)c : '?';
    }
    out[len] = '\0';
    return out;
}

/* Quoted local parts may hold anything printable: only what breaks lines or brackets goes. */
static const char *clean_address(struct slice s, char *out)
{
    size_t len = s.len < LIMIT_SMTP_PATH ? s.len : LIMIT_SMTP_PATH;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        out[i] = c >= 32 && c < 127 && c != '<' && c != '>' ? (char)c : '?';
    }
    out[len] = '\0';
    return out;
}

/* RFC 3848 1: the letters say what protected the hop. */
static const char *with_keyword(const struct received *r)
{
    if (!r->is_esmtp)
        return "SMTP";
    if (r->is_tls)
        return r->is_authenticated ? "ESMTPSA" : "ESMTPS";
    return r->is_authenticated ? "ESMTPA" : "ESMTP";
}

static bool append_from(struct buf *buf, const struct received *r)
{
    char helo[RECEIVED_NAME_MAX + 1], name[RECEIVED_NAME_MAX + 1], ip[IP_TEXT_MAX];
    clean(r->helo.len == 0 ? SLICE("unknown") : r->helo, RECEIVED_NAME_MAX, helo);
    clean(r->reverse_name.len == 0 ? SLICE("unknown") : r->reverse_name, RECEIVED_NAME_MAX, name);
    if (r->client_ip.family == 0)
        return buf_printf(buf, "Received: from %s\r\n", helo);
    ip_format(&r->client_ip, ip);
    const char *tag = r->client_ip.family == 6 ? "IPv6:" : ""; /* RFC 5321 4.1.3 */
    size_t line =
        strlen("Received: from  ( [])") + strlen(helo) + strlen(name) + strlen(tag) + strlen(ip);
    const char *fold = line > RECEIVED_LINE_SHOULD ? "\r\n\t" : " ";
    return buf_printf(buf, "Received: from %s%s(%s [%s%s])\r\n", helo, fold, name, tag, ip);
}

bool received_append(struct buf *buf, const struct received *r)
{
    size_t before = buf_len(buf);
    char text[RECEIVED_NAME_MAX + 1], cipher[RECEIVED_TOKEN_MAX + 1];
    char address[LIMIT_SMTP_PATH + 1], date[MAIL_DATE_MAX];
    const char *with = with_keyword(r);
    clean(r->by_host, RECEIVED_NAME_MAX, text);
    size_t by_line = strlen("by  with  id 18446744073709551615") + strlen(text) + strlen(with) + 8;
    bool fits = append_from(buf, r) && buf_printf(buf, "\tby %s%swith %s id %llu", text,
                                                  by_line > RECEIVED_LINE_SHOULD ? "\r\n\t" : " ",
                                                  with, (unsigned long long)r->mid);
    if (fits && r->is_tls) {
        clean(r->tls_protocol, RECEIVED_TOKEN_MAX, text);
        clean(r->tls_cipher, RECEIVED_TOKEN_MAX, cipher);
        fits = buf_printf(buf, "\r\n\t(%s %s)", text, cipher);
    }
    mail_date_format(r->wall_ms, date);
    if (fits && r->for_address.len > 0) {
        clean_address(r->for_address, address);
        size_t line = strlen("for <>; ") + strlen(address) + strlen(date) + 8;
        fits = buf_printf(buf, "\r\n\tfor <%s>;%s%s\r\n", address,
                          line > RECEIVED_LINE_SHOULD ? "\r\n\t" : " ", date);
    } else if (fits) {
        fits = buf_printf(buf, ";\r\n\t%s\r\n", date);
    }
    if (!fits)
        buf->end = buf->start + before; /* nothing half-appended */
    return fits;
}
