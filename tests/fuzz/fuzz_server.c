/* Fuzz target: a server session. Byte 0 chooses the settings, byte 1 how the input is cut; the rest
 * is what the client sends.
 *
 * Properties: without TLS, cutting the input changes neither the replies nor the accepted bodies
 * nor what the log is told; a finished session says and takes nothing more; one question is open at
 * a time. With TLS the cut decides what is an injection, so only the other two hold. */
#include "fuzz_target.h"

#include "base/limits.h"
#include "smtp/server.h"

enum setting {
    SETTING_SMALL = 1,   /* 64 bytes a message */
    SETTING_TLS = 6,     /* off, preferred, required */
    SETTING_REFUSES = 8, /* every third question is answered with no */
    SETTING_SHAKES = 16, /* STARTTLS goes through; else what follows it is an injection */
};

struct result {
    struct buf output, body, bodies, mistakes;
    unsigned questions, mistake_count;
    bool is_starttls, is_closed;
};

static void pump(struct smtp_server *s, struct result *r, uint8_t settings)
{
    struct smtp_server_event ev;
    while (smtp_server_next(s, &ev)) {
        ASSERT(!r->is_closed);
        if (ev.type == SMTP_SERVER_EVENT_BODY)
            ASSERT(buf_append_slice(&r->body, ev.body));
        if (ev.type == SMTP_SERVER_EVENT_DATA_END) {
            ASSERT(ev.is_refused || ev.size == buf_len(&r->body));
            if (!ev.is_refused)
                ASSERT(buf_append_slice(&r->bodies, buf_slice(&r->body)));
            buf_clear(&r->body, 0);
        }
        if (ev.type == SMTP_SERVER_EVENT_MISTAKE) {
            ASSERT(ev.text.len <= LIMIT_SMTP_SHOWN && ++r->mistake_count <= LIMIT_SMTP_ERRORS);
            ASSERT(buf_append_slice(&r->mistakes, ev.text));
        }
        r->is_starttls = r->is_starttls || ev.type == SMTP_SERVER_EVENT_STARTTLS;
        r->is_closed = ev.type == SMTP_SERVER_EVENT_CLOSE;
        if (ev.token == 0)
            continue;
        struct smtp_server_event none;
        ASSERT(!smtp_server_next(s, &none));
        if ((settings & SETTING_REFUSES) != 0 && ++r->questions % 3 == 0)
            smtp_server_reply_code(s, ev.token, SMTP_CODE_REFUSED, slice_of("", 0), 2);
        else
            smtp_server_accept(s, ev.token, 2);
    }
}

static void write_out(struct smtp_server *s, struct result *r)
{
    struct slice out = smtp_server_output(s);
    ASSERT(buf_append_slice(&r->output, out));
    smtp_server_sent(s, out.len);
}

static void run(const uint8_t *data, size_t size, uint8_t settings, size_t cut, struct result *r)
{
    const struct smtp_server_config config = {
        .hostname = SLICE("mx.test"),
        .banner_code = 220,
        .max_message_bytes = (settings & SETTING_SMALL) != 0 ? 64 : 0,
        .max_recipients = 3,
        .max_messages = 4,
        .tls = (enum smtp_server_tls)((settings & SETTING_TLS) / 2 % 3),
        .offers_pipelining = true,
    };
    struct smtp_server *s = smtp_server_create(&config, 1);
    *r = (struct result){0};
    buf_init(&r->output, 0);
    buf_init(&r->body, 0);
    buf_init(&r->bodies, 0);
    buf_init(&r->mistakes, 0);
    pump(s, r, settings);
    for (size_t at = 0; at < size && smtp_server_wants_input(s);) {
        size_t len = size - at < cut ? size - at : cut;
        size_t n = smtp_server_feed(s, slice_of((const char *)data + at, len), 2);
        ASSERT(n <= len);
        pump(s, r, settings);
        at += n;
        if (r->is_starttls && (settings & SETTING_SHAKES) == 0)
            continue;
        write_out(s, r);
        if (r->is_starttls)
            smtp_server_tls_started(s, 2);
        r->is_starttls = false;
        pump(s, r, settings);
    }
    write_out(s, r);
    pump(s, r, settings);
    ASSERT(r->is_closed == smtp_server_is_done(s));
    if (r->is_closed)
        ASSERT(smtp_server_feed(s, SLICE("x"), 3) == 0 && !smtp_server_wants_input(s));
    smtp_server_destroy(s);
}

static void finish(struct result *r)
{
    buf_finish(&r->output);
    buf_finish(&r->body);
    buf_finish(&r->bodies);
    buf_finish(&r->mistakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    struct result whole, cut;
    run(data + 2, size - 2, data[0], SIZE_MAX, &whole);
    run(data + 2, size - 2, data[0], data[1] == 0 ? 1 : data[1], &cut);
    if ((data[0] & SETTING_TLS) / 2 % 3 == SMTP_SERVER_TLS_OFF) {
        ASSERT(slice_eq(buf_slice(&whole.output), buf_slice(&cut.output)));
        ASSERT(slice_eq(buf_slice(&whole.bodies), buf_slice(&cut.bodies)));
        ASSERT(slice_eq(buf_slice(&whole.mistakes), buf_slice(&cut.mistakes)));
    }
    finish(&whole);
    finish(&cut);
    return 0;
}
