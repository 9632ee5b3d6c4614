/* The header scanner: see header.h.
 *
 *   LINE_START --blank--> VALUE (continuation of the field before)
 *       |  |---CR LF----> DONE
 *       |---other-------> NAME --colon--> VALUE --LF--> LINE_START
 *                           |--LF, or a byte no name may have--> DONE (no header line: the body)
 *
 * One pass, a byte looked at once; in the body and in values nobody asked for, memchr skips to the
 * end of the line. Names are compared case-blind in a buffer that holds the longest one we know. A
 * kept value is unfolded by RFC 5322 2.2.3: the CRLF goes, the blank stays. */
#include "mail/header.h"

#include "base/limits.h"

void header_scan_init(struct header_scan *scan)
{
    *scan = (struct header_scan){.state = HEADER_SCAN_LINE_START};
    buf_init(&scan->message_id, HEADER_VALUE_MAX);
    buf_init(&scan->subject, HEADER_VALUE_MAX);
}

void header_scan_finish(struct header_scan *scan)
{
    if (scan == NULL)
        return;
    buf_finish(&scan->message_id);
    buf_finish(&scan->subject);
}

static bool has_high_byte(struct slice s)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= s.len; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s.p + i, sizeof(word));
        if ((word & 0x8080808080808080u) != 0)
            return true;
    }
    for (; i < s.len; i++) {
        if ((s.p[i] & 0x80) != 0)
            return true;
    }
    return false;
}

/* A value ends where the next field or the body begins: blanks around it go. */
static void trim(struct buf *value)
{
    while (buf_len(value) > 0) {
        char c = value->data[value->end - 1];
        if (c != ' ' && c != '\t')
            break;
        value->end--;
    }
}

static void end_value(struct header_scan *scan)
{
    if (scan->keep != NULL)
        trim(scan->keep);
    scan->keep = NULL;
}

static void end_section(struct header_scan *scan)
{
    end_value(scan);
    scan->state = HEADER_SCAN_DONE;
}

static void start_value(struct header_scan *scan)
{
    struct slice name = slice_of(scan->name, scan->is_name_long ? 0 : scan->name_len);
    name = slice_trim(name); /* RFC 5322 4.5: blanks before the colon are obsolete, not unknown */
    scan->state = HEADER_SCAN_VALUE;
    scan->keep = NULL;
    if (slice_eq_nocase(name, SLICE("Received"))) {
        scan->received_count++;
    } else if (slice_eq_nocase(name, SLICE("Message-ID")) && !scan->has_message_id) {
        scan->has_message_id = true;
        scan->keep = &scan->message_id;
    } else if (slice_eq_nocase(name, SLICE("Subject")) && !scan->has_subject) {
        scan->has_subject = true;
        scan->keep = &scan->subject;
    } else if (slice_eq_nocase(name, SLICE("Date"))) {
        scan->has_date = true;
    } else if (slice_eq_nocase(name, SLICE("From"))) {
        scan->has_from = true;
    }
}

static void keep_value(struct header_scan *scan, struct slice part)
{
    struct buf *keep = scan->keep;
    if (keep == NULL)
        return;
    size_t i = 0;
    /* Leading blanks, across folds too. */
    while (buf_len(keep) == 0 && i < part.len && (part.p[i] == ' ' || part.p[i] == '\t'))
        i++;
    size_t room = HEADER_VALUE_MAX - buf_len(keep);
    size_t len = part.len - i < room ? part.len - i : room;
    if (len > 0)
        (void)buf_append(keep, part.p + i, len); /* cannot fail: cut to the room there is */
}

/* Takes the rest of a line of value, or as much as there is. */
static size_t feed_value(struct header_scan *scan, struct slice rest)
{
    const char *end = memchr(rest.p, '\n', rest.len);
    size_t len = end == NULL ? rest.len : (size_t)(end - rest.p);
    struct slice part = slice_of(rest.p, len);
    /* A CR at the end of a chunk may belong to a CRLF whose LF is still to come. */
    if (scan->is_line_cr && (part.len > 0 || end == NULL))
        keep_value(scan, SLICE("\r"));
    scan->is_line_cr = false;
    if (part.len > 0 && part.p[part.len - 1] == '\r') {
        part.len--;
        scan->is_line_cr = end == NULL;
    }
    keep_value(scan, part);
    if (end == NULL)
        return len;
    scan->is_line_cr = false;
    scan->state = HEADER_SCAN_LINE_START;
    return len + 1;
}

static void feed_line_start(struct header_scan *scan, char c)
{
    if (c == '\n' || scan->is_line_cr) {
        end_section(scan);
        return;
    }
    if (c == '\r') {
        scan->is_line_cr = true;
        return;
    }
    if (c == ' ' || c == '\t') {
        /* A fold; in front of the first field it continues nothing, which is harmless. */
        keep_value(scan, slice_of(&c, 1));
        scan->state = HEADER_SCAN_VALUE;
        return;
    }
    end_value(scan);
    scan->name[0] = c;
    scan->name_len = 1;
    scan->is_name_long = false;
    scan->state = HEADER_SCAN_NAME;
    if (c == ':' || (unsigned char)c < 33 || (unsigned char)c > 126)
        end_section(scan);
}

static void feed_name(struct header_scan *scan, char c)
{
    if (c == ':') {
        start_value(scan);
        return;
    }
    /* RFC 5322 2.2: names are printable ASCII; blanks for 4.5. */
    bool is_name = (unsigned char)c > 32 && (unsigned char)c < 127;
    if (!is_name && c != ' ' && c != '\t') {
        end_section(scan);
        return;
    }
    if (scan->name_len < sizeof(scan->name))
        scan->name[scan->name_len++] = c;
    else
        scan->is_name_long = true;
}

void header_scan_feed(struct header_scan *scan, struct slice chunk)
{
    scan->fed_bytes += chunk.len;
    if (!scan->is_8bit && chunk.len > 0)
        scan->is_8bit = has_high_byte(chunk);

    size_t i = 0;
    while (i < chunk.len && scan->state != HEADER_SCAN_DONE) {
        uint64_t at = scan->fed_bytes - (chunk.len - i);
        if (at >= LIMIT_HEADER_BYTES) {
            scan->is_truncated = true;
            scan->header_bytes = LIMIT_HEADER_BYTES;
            end_section(scan);
            return;
        }
        if (scan->state == HEADER_SCAN_VALUE) {
            size_t room = (size_t)(LIMIT_HEADER_BYTES - at);
            size_t len = chunk.len - i < room ? chunk.len - i : room;
            i += feed_value(scan, slice_of(chunk.p + i, len));
            scan->header_bytes = scan->fed_bytes - (chunk.len - i);
            continue;
        }
        if (scan->state == HEADER_SCAN_LINE_START) {
            if (!scan->is_line_cr)
                scan->header_bytes = at;
            feed_line_start(scan, chunk.p[i]);
        } else {
            feed_name(scan, chunk.p[i]);
        }
        i++;
    }
}
