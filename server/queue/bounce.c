/* Notices and reports: see bounce.h.
 *
 * A notice holds at most BOUNCE_RCPTS_MAX recipients and short texts, so that a report fits the
 * body cap of a spool record whatever the message was; the queue makes several when there are more.
 * The original is read from its body here, whole when it has at most LIMIT_BOUNCE_COPY_BYTES, else
 * as much of the header section as fits BOUNCE_HEADERS_MAX. Runs on a worker, touches nothing
 * shared. */
#include "queue/bounce.h"

#include "base/limits.h"
#include "base/mem.h"
#include "mail/header.h"
#include "mail/report.h"

enum {
    BOUNCE_TEXT_MAX = 300,      /* of what the peer said */
    BOUNCE_HEADERS_MAX = 32768, /* of the header section that goes back */
    BOUNCE_REPORT_MAX = 262144, /* of the whole report */
};

bool bounce_is_wanted(const struct envelope *env)
{
    return env->sender_len > 0;
}

struct bounce_notice *bounce_notice_create(const struct envelope *env, struct body *body)
{
    struct bounce_notice *notice = MEM_NEW(struct bounce_notice);
    notice->mid = env->mid;
    notice->sender = mem_strndup(env->sender, env->sender_len);
    notice->received_wall_ms = env->received_wall_ms;
    notice->body = body;
    return notice;
}

void bounce_notice_destroy(struct bounce_notice *notice)
{
    if (notice == NULL)
        return;
    for (size_t i = 0; i < notice->rcpt_count; i++) {
        free(notice->rcpts[i].address);
        free(notice->rcpts[i].remote_host);
        free(notice->rcpts[i].remote_text);
    }
    free(notice->rcpts);
    free(notice->sender);
    body_unref(notice->body);
    free(notice);
}

static int cut(struct slice s, size_t max)
{
    return (int)(s.len < max ? s.len : max);
}

void bounce_notice_add(struct bounce_notice *notice, const struct envelope *env, uint16_t rid,
                       const struct outcome *outcome, int code, struct slice enhanced,
                       struct slice text, struct slice remote_host)
{
    ASSERT(notice->rcpt_count < BOUNCE_RCPTS_MAX && rid < env->rcpt_count);
    if (notice->rcpt_count == notice->rcpt_size) {
        notice->rcpt_size = notice->rcpt_size == 0 ? 1 : notice->rcpt_size * 2;
        notice->rcpts = mem_realloc(notice->rcpts, notice->rcpt_size * sizeof(struct bounce_rcpt));
    }
    struct slice address = envelope_rcpt_address(&env->rcpts[rid]);
    const char *said = text.p == NULL ? "" : text.p;
    char *remote_text;
    if (code >= 200)
        remote_text = mem_printf("%d %.*s%s%.*s", code, cut(enhanced, 16),
                                 enhanced.p == NULL ? "" : enhanced.p, enhanced.len > 0 ? " " : "",
                                 cut(text, BOUNCE_TEXT_MAX), said);
    else
        remote_text = mem_strndup(said, (size_t)cut(text, BOUNCE_TEXT_MAX));
    /* RFC 3464 2.3.4: what the peer knew more exactly than its reply code told us. */
    bool is_given =
        code >= 500 && enhanced.len > 0 && enhanced.len < BOUNCE_STATUS_MAX && enhanced.p[0] == '5';
    struct slice status = is_given ? enhanced : slice_str(outcome->enhanced);
    struct bounce_rcpt *rcpt = &notice->rcpts[notice->rcpt_count++];
    *rcpt = (struct bounce_rcpt){
        .rid = rid,
        .address = mem_strndup(address.p, address.len),
        .enhanced = outcome->enhanced,
        .class_text = outcome->text,
        .remote_host = mem_strndup(remote_host.p == NULL ? "" : remote_host.p,
                                   (size_t)cut(remote_host, LIMIT_SMTP_DOMAIN)),
        .remote_text = remote_text,
    };
    (void)snprintf(rcpt->status, sizeof(rcpt->status), "%.*s", SLICE_ARGS(status));
}

/* The original, or its header section. A body that cannot be read leaves *ret_text empty. */
static void read_original(const struct bounce_notice *notice, struct buf *text,
                          bool *ret_is_headers_only)
{
    *ret_is_headers_only = false;
    if (notice->body == NULL)
        return;
    uint64_t size = body_size(notice->body);
    bool is_whole = size <= LIMIT_BOUNCE_COPY_BYTES;
    size_t want = is_whole ? (size_t)size : BOUNCE_HEADERS_MAX;
    uint64_t offset = 0;
    while (buf_len(text) < want) {
        char *p = buf_reserve(text, want - buf_len(text));
        if (p == NULL)
            return;
        ssize_t n = body_read(notice->body, offset, p, want - buf_len(text), NULL);
        if (n < 0) {
            /* The report goes out without it: better than none. */
            buf_clear(text, 0);
            return;
        }
        if (n == 0)
            break;
        buf_commit(text, (size_t)n);
        offset += (uint64_t)n;
    }
    if (is_whole)
        return;
    struct header_scan scan;
    header_scan_init(&scan);
    header_scan_feed(&scan, buf_slice(text));
    if (scan.header_bytes < buf_len(text))
        text->end = text->start + (size_t)scan.header_bytes;
    header_scan_finish(&scan);
    *ret_is_headers_only = true;
}

int bounce_compose(const struct bounce_notice *notice, uint64_t mid, struct slice host,
                   int64_t wall_ms, uint64_t salt, struct envelope **ret_env, struct buf *ret_text)
{
    struct buf original, text;
    struct report_rcpt *rcpts = mem_array(notice->rcpt_count, sizeof(struct report_rcpt));
    bool is_headers_only, is_8bit;
    buf_init(&original, LIMIT_BOUNCE_COPY_BYTES + BOUNCE_HEADERS_MAX);
    buf_init(&text, BOUNCE_REPORT_MAX);
    read_original(notice, &original, &is_headers_only);
    for (size_t i = 0; i < notice->rcpt_count; i++) {
        const struct bounce_rcpt *rcpt = &notice->rcpts[i];
        rcpts[i] = (struct report_rcpt){
            .address = slice_str(rcpt->address),
            .enhanced = slice_str(rcpt->enhanced),
            .class_text = slice_str(rcpt->class_text),
            .status = slice_str(rcpt->status),
            .remote_host = slice_str(rcpt->remote_host),
            .remote_text = slice_str(rcpt->remote_text),
        };
    }
    const struct report report = {
        .mid = mid,
        .original_mid = notice->mid,
        .host = host,
        .to = slice_str(notice->sender),
        .wall_ms = wall_ms,
        .arrival_wall_ms = notice->received_wall_ms,
        .salt = salt,
        .rcpts = rcpts,
        .rcpt_count = notice->rcpt_count,
        .original = buf_slice(&original),
        .is_headers_only = is_headers_only,
    };
    /* Cannot fail: 100 recipients with capped texts, and the copy, stay under the cap. */
    bool fits = report_build(&report, &text, &is_8bit);
    ASSERT(fits);
    buf_finish(&original);
    free(rcpts);

    if (!body_memory_acquire(buf_len(&text))) {
        buf_finish(&text);
        return ERR_BUSY;
    }
    /* RFC 5321 4.5.5: the null reverse-path. */
    struct envelope *env = envelope_create(mid, SLICE(""), wall_ms);
    env->bounce_of = notice->mid;
    env->is_8bit = is_8bit;
    env->size_bytes = (uint32_t)buf_len(&text);
    bool is_added = envelope_rcpt_add(env, slice_str(notice->sender));
    ASSERT(is_added);
    *ret_env = env;
    *ret_text = text;
    return 0;
}
