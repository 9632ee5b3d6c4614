/* The delivery report: see report.h.
 *
 *   headers | text for people | message/delivery-status | message/rfc822 or text/rfc822-headers
 *
 * The boundary is made from the caller's random salt and the two MIDs, so a sender cannot put
 * it into the original. The original is copied as it is but for line ends: a bare CR or LF becomes
 * CRLF, because what leaves here has to be a proper message whatever came in. RFC 3464 2 (fields in
 * this order), RFC 6522 3 (parts), RFC 3834 5 (Auto-Submitted), RFC 5321 4.5.5 (null sender: the
 * envelope is the caller's). Pure. */
#include "mail/report.h"

#include "base/limits.h"
#include "mail/date.h"

enum {
    REPORT_VALUE_MAX = 800, /* bytes of a value on a line: 998 with its name, RFC 5322 2.1.1 */
};

/* One value from outside on one line of 7-bit text. */
static bool put_clean(struct buf *buf, struct slice s)
{
    size_t len = s.len < REPORT_VALUE_MAX ? s.len : REPORT_VALUE_MAX;
    char *out = buf_reserve(buf, len);
    if (out == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_blank = c == '\n' || c == '\t'; /* between the lines of a reply, or in one */
        out[i] = is_blank ? ' ' : c >= 32 && c < 127 ? (char)c : '?';
    }
    buf_commit(buf, len);
    return true;
}

static bool put_field(struct buf *buf, const char *name, struct slice value)
{
    return buf_append_str(buf, name) && put_clean(buf, value) && buf_append_str(buf, "\r\n");
}

static bool put_headers(struct buf *buf, const struct report *r, const char *boundary)
{
    char date[MAIL_DATE_MAX];
    return buf_printf(buf, "Date: %s\r\n", mail_date_format(r->wall_ms, date)) &&
           buf_append_str(buf, "From: Mail Delivery System <MAILER-DAEMON@") &&
           put_clean(buf, r->host) && buf_append_str(buf, ">\r\nTo: <") && put_clean(buf, r->to) &&
           buf_append_str(buf, ">\r\nSubject: Delivery Status Notification (Failure)\r\n") &&
           buf_printf(buf, "Message-ID: <%llu.%08llx@", (unsigned long long)r->mid,
                      (unsigned long long)(r->salt & 0xffffffffu)) &&
           put_clean(buf, r->host) &&
           buf_append_str(buf,
                          ">\r\n"
                          "Auto-Submitted: auto-replied\r\n" /* RFC 3834 5 */
                          "MIME-Version: 1.0\r\n"
                          "Content-Type: multipart/report; report-type=delivery-status;\r\n") &&
           buf_printf(buf, "\tboundary=\"%s\"\r\n\r\n", boundary);
}

static bool put_human_part(struct buf *buf, const struct report *r, const char *boundary)
{
    bool fits =
        buf_printf(buf, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary) &&
        buf_append_str(buf, "This is the mail system at ") && put_clean(buf, r->host) &&
        buf_append_str(buf, ".\r\n\r\n"
                            "Your message could not be delivered to the recipients below."
                            "\r\nIt will not be tried again for them.\r\n\r\n");
    for (size_t i = 0; fits && i < r->rcpt_count; i++) {
        const struct report_rcpt *rcpt = &r->rcpts[i];
        fits = buf_append_str(buf, "<") && put_clean(buf, rcpt->address) &&
               buf_append_str(buf, ">:\r\n    ") && put_clean(buf, rcpt->enhanced) &&
               buf_append_str(buf, " - ") && put_clean(buf, rcpt->class_text) &&
               buf_append_str(buf, "\r\n");
        if (fits && rcpt->remote_text.len > 0) {
            fits = buf_append_str(buf, "    ") &&
                   (rcpt->remote_host.len == 0 ||
                    (put_clean(buf, rcpt->remote_host) && buf_append_str(buf, " said:\r\n    "))) &&
                   put_clean(buf, rcpt->remote_text) && buf_append_str(buf, "\r\n");
        }
    }
    return fits && buf_append_str(buf, "\r\n");
}

/* RFC 3464 2.2 and 2.3: first the message, then a group of fields for each recipient. */
static bool put_status_part(struct buf *buf, const struct report *r, const char *boundary)
{
    char date[MAIL_DATE_MAX];
    bool fits =
        buf_printf(buf, "--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary) &&
        put_field(buf, "Reporting-MTA: dns; ", r->host) &&
        buf_printf(buf, "X-Postern-MID: %llu\r\n", (unsigned long long)r->original_mid) &&
        buf_printf(buf, "Arrival-Date: %s\r\n", mail_date_format(r->arrival_wall_ms, date));
    for (size_t i = 0; fits && i < r->rcpt_count; i++) {
        const struct report_rcpt *rcpt = &r->rcpts[i];
        fits = buf_append_str(buf, "\r\n") &&
               put_field(buf, "Final-Recipient: rfc822; ", rcpt->address) &&
               buf_append_str(buf, "Action: failed\r\n") &&
               put_field(buf, "Status: ", rcpt->status);
        if (fits && rcpt->remote_host.len > 0)
            fits = put_field(buf, "Remote-MTA: dns; ", rcpt->remote_host);
        /* RFC 3464 2.3.6: what an SMTP server said; our own findings are not that. */
        if (fits && rcpt->remote_text.len > 0) {
            bool is_reply = rcpt->remote_text.p[0] >= '2' && rcpt->remote_text.p[0] <= '5';
            fits = put_field(buf,
                             is_reply ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-postern; ",
                             rcpt->remote_text);
        }
    }
    return fits && buf_append_str(buf, "\r\n");
}

static bool put_original(struct buf *buf, struct slice original)
{
    char last = '\n';
    for (size_t i = 0; i < original.len;) {
        size_t run = i;
        while (run < original.len && original.p[run] != '\r' && original.p[run] != '\n')
            run++;
        if (!buf_append(buf, original.p + i, run - i))
            return false;
        if (run == original.len) {
            last = 'x';
            break;
        }
        if (!buf_append_str(buf, "\r\n"))
            return false;
        bool is_crlf =
            original.p[run] == '\r' && run + 1 < original.len && original.p[run + 1] == '\n';
        i = run + (is_crlf ? 2 : 1);
        last = '\n';
    }
    return last == '\n' || buf_append_str(buf, "\r\n");
}

static bool is_8bit(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((s.p[i] & 0x80) != 0)
            return true;
    }
    return false;
}

bool report_build(const struct report *report, struct buf *buf, bool *ret_is_8bit)
{
    char boundary[64];
    (void)snprintf(boundary, sizeof(boundary), "=_%016llx.%llx.%llx",
                   (unsigned long long)report->salt, (unsigned long long)report->mid,
                   (unsigned long long)report->original_mid); /* at most 52 characters */
    bool has_8bit = is_8bit(report->original);
    bool fits = put_headers(buf, report, boundary) && put_human_part(buf, report, boundary) &&
                put_status_part(buf, report, boundary);
    if (fits && report->original.len > 0) {
        fits = buf_printf(buf, "--%s\r\nContent-Type: %s\r\n%s\r\n", boundary,
                          report->is_headers_only ? "text/rfc822-headers" : "message/rfc822",
                          has_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "") &&
               put_original(buf, report->original) && buf_append_str(buf, "\r\n");
    }
    fits = fits && buf_printf(buf, "--%s--\r\n", boundary);
    if (fits)
        *ret_is_8bit = has_8bit;
    return fits;
}
