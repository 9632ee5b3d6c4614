/* Fuzz target: what a server says to the client. Byte 0 chooses TLS mode, byte 1 how the input is
 * cut.
 *
 * The engine sends one message whenever it may, and shakes hands when told to. Properties: the caps
 * hold, no command line has a stray CR, LF or NUL, exactly one end for each message, nothing after
 * the end of the connection. */
#include "fuzz_target.h"

#include "base/limits.h"
#include "smtp/client.h"

struct engine {
    struct smtp_client *c;
    unsigned open_messages, sent;
    bool is_over;
};

static void check_output(struct smtp_client *c)
{
    struct slice out = smtp_client_output(c);
    for (size_t i = 0; i < out.len; i++) {
        ASSERT(out.p[i] != '\0');
        ASSERT(out.p[i] != '\r' || (i + 1 < out.len && out.p[i + 1] == '\n'));
        ASSERT(out.p[i] != '\n' || (i > 0 && out.p[i - 1] == '\r'));
    }
    smtp_client_sent(c, out.len, 2);
}

static void pump(struct engine *e)
{
    static const struct slice recipients[] = {{"a@b.test", 8}, {"postmaster", 10}};
    const struct smtp_client_tx tx = {
        .sender = SLICE("s@b.test"), .recipients = recipients, .recipient_count = 2, .size = 100};
    struct smtp_client_event ev;
    while (smtp_client_next(e->c, &ev)) {
        ASSERT(!e->is_over);
        if (ev.type == SMTP_CLIENT_EVENT_READY) {
            ASSERT(e->open_messages == 0);
            if (++e->sent > 20) {
                smtp_client_quit(e->c, 2);
            } else {
                e->open_messages = 1;
                smtp_client_send(e->c, &tx, 2);
            }
        } else if (ev.type == SMTP_CLIENT_EVENT_WANT_BODY) {
            smtp_client_body(e->c, SLICE(".\n"), true, 2);
        } else if (ev.type == SMTP_CLIENT_EVENT_TLS_START) {
            smtp_client_tls_started(e->c, 2);
        } else if (ev.type == SMTP_CLIENT_EVENT_MESSAGE_DONE) {
            ASSERT(e->open_messages == 1);
            e->open_messages = 0;
        } else if (ev.type == SMTP_CLIENT_EVENT_RCPT_RESULT) {
            ASSERT(ev.index < 2 && e->open_messages == 1);
        } else if (ev.type == SMTP_CLIENT_EVENT_FAILED) {
            e->open_messages = 0;
            e->is_over = ev.is_connection_lost;
            ASSERT(!e->is_over || smtp_client_is_done(e->c));
        } else if (ev.type == SMTP_CLIENT_EVENT_CLOSED) {
            e->is_over = true;
        }
        check_output(e->c);
    }
    check_output(e->c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct smtp_client_config config = {
        .helo_name = SLICE("out.test"),
        .tls = (enum smtp_client_tls)(data[0] % 3),
        .resets_always = (data[0] & 4) != 0,
    };
    struct engine e = {.c = smtp_client_create(&config, 1)};
    size_t cut = data[1] == 0 ? SIZE_MAX : data[1];
    for (size_t at = 2; at < size;) {
        size_t len = size - at < cut ? size - at : cut;
        size_t n = smtp_client_feed(e.c, slice_of((const char *)data + at, len), 2);
        pump(&e);
        if (n == 0)
            break;
        at += n;
    }
    if (!smtp_client_is_done(e.c)) {
        smtp_client_lost(e.c);
        pump(&e);
        ASSERT(e.is_over);
    }
    smtp_client_destroy(e.c);
    return 0;
}
