/* smtp/client: dialogues as tables, run with the server's bytes cut in every size; then both
 * machines against each other.
 *
 * A line of a dialogue:  `S text` the server says (several in a row: one flight)
 *                        `C text` what the client has written since (lines joined by |)
 *                        `E text` the events since (joined by |)
 *                        `A what` an act of the engine, see act()
 * Output and events that no line asks for are failures too. */
#include "smtp/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "smtp/server.h"

struct dialogue {
    const char *name;
    enum smtp_client_tls tls;
    bool resets_always, is_whole; /* whole: only uncut, the cut is what it is about */
    const char *lines[40];
};

struct talk {
    struct smtp_client *c;
    uint64_t now_ms;
    struct buf events, output, said;
};

/* --- the engine --- */

static void note(struct talk *t, const struct smtp_client_event *ev)
{
    static const char *const names[] = {"GREETING", "EHLO",  "TLS_REFUSED", "TLS_START",
                                        "READY",    "RCPT",  "WANT_BODY",   "MESSAGE_DONE",
                                        "FAILED",   "CLOSED"};
    assert_true(
        buf_printf(&t->events, "%s%s", buf_len(&t->events) > 0 ? "|" : "", names[ev->type]));
    if (ev->type == SMTP_CLIENT_EVENT_RCPT_RESULT)
        assert_true(buf_printf(&t->events, " %zu", ev->index));
    if (ev->type == SMTP_CLIENT_EVENT_FAILED || ev->type == SMTP_CLIENT_EVENT_TLS_REFUSED)
        assert_true(buf_printf(&t->events, " %s: %s%s", smtp_client_stage_name(ev->stage),
                               smtp_client_cause_text(ev->cause),
                               ev->is_connection_lost ? ", over" : ""));
    if (ev->reply.code != 0 && ev->type != SMTP_CLIENT_EVENT_GREETING)
        assert_true(buf_printf(&t->events, " %d/%.*s/%.*s", ev->reply.code,
                               SLICE_ARGS(ev->reply.enhanced), SLICE_ARGS(ev->reply.text)));
    if (ev->type == SMTP_CLIENT_EVENT_EHLO)
        assert_true(buf_printf(&t->events, "%s%s%s%s%s %llu",
                               ev->capabilities->is_esmtp ? " esmtp" : "",
                               ev->capabilities->has_pipelining ? " pipelining" : "",
                               ev->capabilities->has_8bitmime ? " 8bitmime" : "",
                               ev->capabilities->has_starttls ? " starttls" : "",
                               ev->capabilities->has_size ? " size" : "",
                               (unsigned long long)ev->capabilities->max_size));
}

static void pump(struct talk *t)
{
    struct smtp_client_event ev;
    while (smtp_client_next(t->c, &ev))
        note(t, &ev);
    struct slice out = smtp_client_output(t->c);
    assert_true(buf_append_slice(&t->output, out));
    smtp_client_sent(t->c, out.len, t->now_ms);
    while (smtp_client_next(t->c, &ev))
        note(t, &ev);
}

static void act(struct talk *t, const char *what)
{
    static const struct slice recipients[] = {{"r1@d.test", 9}, {"r2@d.test", 9}};
    static const struct slice bad[] = {{"r1@d.test", 9}, {"r2>\r\nDATA@d.test", 16}};
    struct smtp_client_tx tx = {
        .sender = SLICE("s@b.test"), .recipients = recipients, .recipient_count = 2, .size = 1000};
    if (strcmp(what, "send") == 0) {
        smtp_client_send(t->c, &tx, t->now_ms);
    } else if (strcmp(what, "send one") == 0) {
        tx.recipient_count = 1;
        tx.sender = SLICE("");
        tx.size = 0;
        smtp_client_send(t->c, &tx, t->now_ms);
    } else if (strcmp(what, "send 8bit") == 0) {
        tx.has_8bit = true;
        smtp_client_send(t->c, &tx, t->now_ms);
    } else if (strcmp(what, "send bad recipient") == 0) {
        tx.recipients = bad;
        smtp_client_send(t->c, &tx, t->now_ms);
    } else if (strcmp(what, "send bad sender") == 0) {
        tx.sender = SLICE("a\0@b.test");
        smtp_client_send(t->c, &tx, t->now_ms);
    } else if (strcmp(what, "quit") == 0) {
        smtp_client_quit(t->c, t->now_ms);
    } else if (strcmp(what, "tls") == 0) {
        smtp_client_tls_started(t->c, t->now_ms);
    } else if (strcmp(what, "tls failed") == 0) {
        smtp_client_tls_failed(t->c);
    } else if (strcmp(what, "lost") == 0) {
        smtp_client_lost(t->c);
    } else if (strcmp(what, "timeout") == 0) {
        assert_true(smtp_client_deadline_ms(t->c) != SMTP_DEADLINE_NONE);
        smtp_client_timed_out(t->c);
    } else if (strcmp(what, "done") == 0) {
        assert_true(smtp_client_is_done(t->c));
    } else if (strncmp(what, "body ", 5) == 0) {
        smtp_client_body(t->c, slice_str(what + 5), false, t->now_ms);
    } else if (strncmp(what, "last ", 5) == 0) {
        smtp_client_body(t->c, slice_str(what + 5), true, t->now_ms);
    } else {
        fail_msg("no act '%s'", what);
    }
    pump(t);
}

/* The server's flight, CUT bytes at a time. */
static void hear(struct talk *t, size_t cut)
{
    struct slice said = buf_slice(&t->said);
    while (said.len > 0) {
        struct slice piece = slice_of(said.p, said.len < cut ? said.len : cut);
        said = slice_of(said.p + piece.len, said.len - piece.len);
        while (piece.len > 0) {
            size_t n = smtp_client_feed(t->c, piece, t->now_ms);
            struct smtp_client_event ev;
            while (smtp_client_next(t->c, &ev))
                note(t, &ev);
            if (n == 0)
                break;
            piece = slice_of(piece.p + n, piece.len - n);
        }
    }
    buf_clear(&t->said, 0);
    pump(t);
}

static void expect(const struct dialogue *d, size_t line, struct buf *got, const char *want)
{
    for (size_t i = 0; i < buf_len(got); i++) {
        if (got->data[got->start + i] == '\r')
            got->data[got->start + i] = '|';
    }
    struct buf flat;
    buf_init(&flat, 0);
    struct slice s = buf_slice(got);
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != '\n')
            assert_true(buf_append_char(&flat, s.p[i]));
    }
    if (strcmp(buf_cstr(&flat), want) != 0)
        fail_msg("%s, line %zu:\nwant %s\ngot  %s", d->name, line, want, buf_cstr(&flat));
    buf_finish(&flat);
    buf_clear(got, 0);
}

static void run_dialogue(const struct dialogue *d, size_t cut)
{
    struct talk t = {.now_ms = 5000};
    const struct smtp_client_config config = {
        .helo_name = SLICE("out.test"), .tls = d->tls, .resets_always = d->resets_always};
    t.c = smtp_client_create(&config, t.now_ms);
    buf_init(&t.events, 0);
    buf_init(&t.output, 0);
    buf_init(&t.said, 0);
    for (size_t i = 0; i < ARRAY_LEN(d->lines) && d->lines[i] != NULL; i++) {
        const char *text = d->lines[i] + 2;
        switch (d->lines[i][0]) {
        case 'S':
            assert_true(buf_printf(&t.said, "%s\r\n", text));
            if (i + 1 == ARRAY_LEN(d->lines) || d->lines[i + 1] == NULL ||
                d->lines[i + 1][0] != 'S')
                hear(&t, cut);
            break;
        case 'C':
            expect(d, i, &t.output, text);
            break;
        case 'E':
            expect(d, i, &t.events, text);
            break;
        default:
            act(&t, text);
            break;
        }
    }
    expect(d, 99, &t.output, "");
    expect(d, 99, &t.events, "");
    smtp_client_destroy(t.c);
    buf_finish(&t.events);
    buf_finish(&t.output);
    buf_finish(&t.said);
}

#define NONE      SMTP_CLIENT_TLS_NONE
#define PREFERRED SMTP_CLIENT_TLS_PREFERRED
#define REQUIRED  SMTP_CLIENT_TLS_REQUIRED

/* Up to READY, without and with extensions. */
#define PLAIN "S 220 mx", "C EHLO out.test|", "S 250 mx", "E GREETING|EHLO esmtp 0|READY"
#define FULL                                                                                       \
    "S 220 mx ESMTP", "C EHLO out.test|", "S 250-mx", "S 250-PIPELINING", "S 250-SIZE 2000",       \
        "S 250 8BITMIME", "E GREETING|EHLO esmtp pipelining 8bitmime size 2000|READY"
#define SENT_ALL "C MAIL FROM:<s@b.test> SIZE=1000|RCPT TO:<r1@d.test>|RCPT TO:<r2@d.test>|DATA|"

/* clang-format off */
static const struct dialogue dialogues[] = {
    {"one by one", NONE, false, false, {PLAIN, "A send", "C MAIL FROM:<s@b.test>|",
        "S 250 2.1.0 ok", "C RCPT TO:<r1@d.test>|", "S 250 2.1.5 one", "E RCPT 0 250/2.1.5/one",
        "C RCPT TO:<r2@d.test>|", "S 550 5.1.1 two", "E RCPT 1 550/5.1.1/two", "C DATA|",
        "S 354 go", "E WANT_BODY", "A body a\r\n.b\r\n", "C a|..b|", "E WANT_BODY", "A last c", "C c|.|",
        "S 250 2.0.0 took it", "E MESSAGE_DONE 250/2.0.0/took it|READY", "A quit", "C QUIT|",
        "S 221 bye", "E CLOSED", "A done"}},
    {"pipelined", NONE, false, false, {FULL, "A send", SENT_ALL,
        "S 250 ok", "S 250 ok", "S 451 4.2.0 later", "S 354 go",
        "E RCPT 0 250//ok|RCPT 1 451/4.2.0/later|WANT_BODY", "A last x\r\n", "C x|.|",
        "S 250 done", "E MESSAGE_DONE 250//done|READY",
        "A send one", "C MAIL FROM:<>|RCPT TO:<r1@d.test>|DATA|", "S 250 ok", "S 250 ok", "S 354 go",
        "E RCPT 0 250//ok|WANT_BODY", "A last ", "C .|", "S 554 5.6.0 no",
        "E MESSAGE_DONE 554/5.6.0/no|READY",
        "A send one", "C RSET|MAIL FROM:<>|RCPT TO:<r1@d.test>|DATA|"}},
    {"RSET always, but not before the first", NONE, true, false, {PLAIN, "A send one",
        "C MAIL FROM:<>|", "S 250 ok", "C RCPT TO:<r1@d.test>|", "S 250 ok", "C DATA|", "S 354 go",
        "E RCPT 0 250//ok|WANT_BODY", "A last x", "C x|.|", "S 250 ok", "E MESSAGE_DONE 250//ok|READY",
        "A send one", "C RSET|", "S 250 ok", "C MAIL FROM:<>|"}},
    {"MAIL refused, one by one", NONE, false, false, {PLAIN, "A send", "C MAIL FROM:<s@b.test>|",
        "S 550 5.7.1 go away", "E FAILED MAIL: unexpected SMTP response 550/5.7.1/go away|READY",
        "A send one", "C RSET|"}},
    {"MAIL refused, pipelined: the rest is read", NONE, false, false, {FULL, "A send", SENT_ALL,
        "S 451-4.7.1 slow", "S 451 4.7.1 down", "S 503 no", "S 503 no", "S 503 no",
        "E FAILED MAIL: unexpected SMTP response 451/4.7.1/slowdown|READY"}},
    {"MAIL refused, but DATA gets 354", NONE, false, false, {FULL, "A send", SENT_ALL,
        "S 550 no", "S 250 ok", "S 250 ok", "S 354 go", "C .|", "S 554 no",
        "E FAILED MAIL: unexpected SMTP response 550//no|READY"}},
    {"all recipients refused, one by one", NONE, false, false, {PLAIN, "A send one", "C MAIL FROM:<>|",
        "S 250 ok", "C RCPT TO:<r1@d.test>|", "S 550 5.1.1 no",
        "E RCPT 0 550/5.1.1/no|FAILED RCPT: all recipients refused|READY"}},
    {"all recipients refused, pipelined, 354", NONE, false, false, {FULL, "A send", SENT_ALL,
        "S 250 ok", "S 550 a", "S 451 b", "S 354 go", "C .|", "S 554 no",
        "E RCPT 0 550//a|RCPT 1 451//b|FAILED RCPT: all recipients refused|READY"}},
    {"all recipients refused, pipelined, 554", NONE, false, false, {FULL, "A send", SENT_ALL,
        "S 250 ok", "S 550 a", "S 451 b", "S 554 no",
        "E RCPT 0 550//a|RCPT 1 451//b|FAILED RCPT: all recipients refused|READY"}},
    {"DATA refused", NONE, false, false, {FULL, "A send", SENT_ALL, "S 250 ok", "S 250 a", "S 250 b",
        "S 452 4.3.1 full",
        "E RCPT 0 250//a|RCPT 1 250//b|FAILED DATA: unexpected SMTP response 452/4.3.1/full|READY"}},
    {"answer in the middle of the text", NONE, false, false, {FULL, "A send", SENT_ALL, "S 250 ok",
        "S 250 a", "S 250 b", "S 354 go", "E RCPT 0 250//a|RCPT 1 250//b|WANT_BODY",
        "A body x\r\n", "C x|", "E WANT_BODY", "S 552 5.3.4 big",
        "E FAILED DATA: unexpected SMTP response, over 552/5.3.4/big", "A last y", "A done"}},
    {"421 to RCPT", NONE, false, false, {PLAIN, "A send", "C MAIL FROM:<s@b.test>|", "S 250 ok",
        "C RCPT TO:<r1@d.test>|", "S 421 4.3.2 bye",
        "E RCPT 0 421/4.3.2/bye|FAILED RCPT: unexpected SMTP response, over 421/4.3.2/bye", "A done"}},
    {"421 to the dot", NONE, false, false, {PLAIN, "A send one", "C MAIL FROM:<>|", "S 250 ok",
        "C RCPT TO:<r1@d.test>|", "S 250 a", "C DATA|", "S 354 go", "E RCPT 0 250//a|WANT_BODY",
        "A last x", "C x|.|", "S 421 4.3.0 no",
        "E MESSAGE_DONE 421/4.3.0/no|FAILED IDLE: unexpected SMTP response, over 421/4.3.0/no"}},
    {"421 while idle", NONE, false, false, {PLAIN, "S 421 4.4.2 slow",
        "E FAILED IDLE: unexpected SMTP response, over 421/4.4.2/slow", "A send", "A done"}},
    {"greeting 554", NONE, false, false, {"S 554 5.7.1 no",
        "E FAILED GREETING: unexpected SMTP response, over 554/5.7.1/no", "C QUIT|", "A done"}},
    {"greeting 421", NONE, false, false, {"S 421 later",
        "E FAILED GREETING: unexpected SMTP response, over 421//later", "A done"}},
    {"no SMTP", NONE, false, false, {"S SSH-2.0-OpenSSH_9.2",
        "E FAILED GREETING: bytes that are no answer, over", "A done"}},
    {"EHLO refused: HELO", NONE, false, false, {"S 220 mx", "C EHLO out.test|", "S 502 what",
        "C HELO out.test|", "S 250 mx", "E GREETING|EHLO 0|READY", "A send 8bit",
        "E FAILED MAIL: 8BITMIME not offered|READY", "A send one", "C MAIL FROM:<>|"}},
    {"EHLO and HELO refused", NONE, false, false, {"S 220 mx", "C EHLO out.test|", "S 550 what",
        "C HELO out.test|", "S 550 5.7.1 no",
        "E GREETING|FAILED EHLO: unexpected SMTP response, over 550/5.7.1/no", "C QUIT|"}},
    {"EHLO 451", NONE, false, false, {"S 220 mx", "C EHLO out.test|", "S 451 later",
        "E GREETING|FAILED EHLO: unexpected SMTP response, over 451//later", "C QUIT|"}},
    {"8 bits and size", NONE, false, false, {FULL, "A send 8bit",
        "C MAIL FROM:<s@b.test> SIZE=1000 BODY=8BITMIME|RCPT TO:<r1@d.test>|RCPT TO:<r2@d.test>|DATA|"}},
    {"too big", NONE, false, false, {"S 220 mx", "C EHLO out.test|", "S 250-mx", "S 250 SIZE 999",
        "E GREETING|EHLO esmtp size 999|READY", "A send",
        "E FAILED MAIL: message larger than the size it takes|READY", "A send one", "C MAIL FROM:<>|"}},
    {"an address cannot carry a command", NONE, false, false, {FULL, "A send bad recipient",
        "E FAILED MAIL: address or name not fit for a command|READY", "A send bad sender",
        "E FAILED MAIL: address or name not fit for a command|READY", "A send", SENT_ALL}},
    {"STARTTLS", PREFERRED, false, false, {"S 220 mx", "C EHLO out.test|", "S 250-mx",
        "S 250-PIPELINING", "S 250 STARTTLS", "C STARTTLS|", "S 220 go",
        "E GREETING|EHLO esmtp pipelining starttls 0|TLS_START", "A tls", "C EHLO out.test|",
        "S 250 mx", "E EHLO esmtp 0|READY", "A send one", "C MAIL FROM:<>|"}},
    {"STARTTLS not offered, preferred", PREFERRED, false, false, {"S 220 mx", "C EHLO out.test|",
        "S 250 mx", "E GREETING|EHLO esmtp 0|TLS_REFUSED STARTTLS: STARTTLS not offered|READY"}},
    {"STARTTLS not offered, required", REQUIRED, false, false, {"S 220 mx", "C EHLO out.test|",
        "S 250 mx", "E GREETING|EHLO esmtp 0|FAILED STARTTLS: STARTTLS not offered, over", "C QUIT|"}},
    {"STARTTLS refused, preferred", PREFERRED, false, false, {"S 220 mx", "C EHLO out.test|",
        "S 250-mx", "S 250 STARTTLS", "C STARTTLS|", "S 454 4.7.0 not now",
        "E GREETING|EHLO esmtp starttls 0|TLS_REFUSED STARTTLS: unexpected SMTP response 454/4.7.0/not now|READY",
        "A send one", "C MAIL FROM:<>|"}},
    {"STARTTLS refused, required", REQUIRED, false, false, {"S 220 mx", "C EHLO out.test|",
        "S 250-mx", "S 250 STARTTLS", "C STARTTLS|", "S 454 4.7.0 not now",
        "E GREETING|EHLO esmtp starttls 0|FAILED STARTTLS: unexpected SMTP response, over 454/4.7.0/not now",
        "C QUIT|"}},
    {"no ESMTP, preferred", PREFERRED, false, false, {"S 220 mx", "C EHLO out.test|", "S 500 what",
        "C HELO out.test|", "S 250 mx",
        "E GREETING|TLS_REFUSED STARTTLS: EHLO refused 500//what|EHLO 0|READY"}},
    {"no ESMTP, required", REQUIRED, false, false, {"S 220 mx", "C EHLO out.test|", "S 500 what",
        "E GREETING|FAILED STARTTLS: EHLO refused, over 500//what", "C QUIT|"}},
    {"handshake fails: never clear text", PREFERRED, false, false, {"S 220 mx", "C EHLO out.test|",
        "S 250-mx", "S 250 STARTTLS", "C STARTTLS|", "S 220 go",
        "E GREETING|EHLO esmtp starttls 0|TLS_START", "A tls failed",
        "E FAILED STARTTLS: TLS handshake failed, over", "A done"}},
    {"connection lost before the 220", PREFERRED, false, false, {"S 220 mx", "C EHLO out.test|",
        "S 250-mx", "S 250 STARTTLS", "C STARTTLS|", "E GREETING|EHLO esmtp starttls 0", "A lost",
        "E FAILED STARTTLS: connection lost, over", "A done"}},
    {"response injection behind the 220", PREFERRED, false, true, {"S 220 mx", "C EHLO out.test|",
        "S 250-mx", "S 250 STARTTLS", "C STARTTLS|", "E GREETING|EHLO esmtp starttls 0",
        "S 220 go", "S 250-evil", "S 250 8BITMIME",
        "E FAILED STARTTLS: data behind the response to STARTTLS, over", "A done"}},
    {"a reply to nothing", NONE, false, true, {"S 220 mx", "S 250 too early",
        "E GREETING|FAILED GREETING: bytes that are no answer, over", "A done"}},
    {"a reply too many", NONE, false, true, {PLAIN, "A send one", "C MAIL FROM:<>|", "S 250 ok",
        "S 250 too much", "E FAILED MAIL: bytes that are no answer, over", "A done"}},
    {"a reply behind the last", NONE, false, true, {PLAIN, "A send one", "C MAIL FROM:<>|", "S 250 ok",
        "C RCPT TO:<r1@d.test>|", "S 250 a", "C DATA|", "S 354 go", "E RCPT 0 250//a|WANT_BODY",
        "A last x", "C x|.|", "S 250 ok", "S 250 more",
        "E MESSAGE_DONE 250//ok|FAILED IDLE: bytes that are no answer, over"}},
    {"lost at each stage: before the greeting", NONE, false, false, {"A lost",
        "E FAILED GREETING: connection lost, over"}},
    {"lost while idle", NONE, false, false, {PLAIN, "A lost", "E FAILED IDLE: connection lost, over"}},
    {"lost behind the dot", NONE, false, false, {FULL, "A send", SENT_ALL, "S 250 ok", "S 250 a",
        "S 250 b", "S 354 go", "E RCPT 0 250//a|RCPT 1 250//b|WANT_BODY", "A last x", "C x|.|",
        "A timeout", "E FAILED END: timeout, over", "A done"}},
    {"lost after MAIL was refused", NONE, false, false, {FULL, "A send", SENT_ALL, "S 550 no",
        "A lost", "E FAILED MAIL: unexpected SMTP response, over 550//no"}},
    {"lost in QUIT is no failure", NONE, false, false, {PLAIN, "A quit", "C QUIT|", "A lost",
        "E CLOSED", "A done"}},
};
/* clang-format on */

static void test_dialogues(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dialogues); i++) {
        run_dialogue(&dialogues[i], SIZE_MAX);
        for (size_t cut = 1; cut < 40 && !dialogues[i].is_whole; cut++)
            run_dialogue(&dialogues[i], cut);
    }
}

/* --- deadlines --- */

static void feed_all(struct smtp_client *c, const char *text, uint64_t now_ms)
{
    struct smtp_client_event ev;
    struct slice in = slice_str(text);
    while (in.len > 0) {
        size_t n = smtp_client_feed(c, in, now_ms);
        assert_true(n > 0);
        in = slice_of(in.p + n, in.len - n);
        while (smtp_client_next(c, &ev))
            ;
    }
}

static void send_all(struct smtp_client *c, uint64_t now_ms)
{
    smtp_client_sent(c, smtp_client_output(c).len, now_ms);
}

static void test_deadlines(void **state)
{
    (void)state;
    static const struct slice recipient = {"r@d.test", 8};
    const struct smtp_client_config config = {.helo_name = SLICE("x"), .tls = NONE};
    const struct smtp_client_tx tx = {.recipients = &recipient, .recipient_count = 1};
    static char block[100000];
    struct smtp_client_event ev;
    struct smtp_client *c = smtp_client_create(&config, 1000);
    assert_true(smtp_client_deadline_ms(c) == 1000 + LIMIT_SMTP_GREETING_MS);
    /* Bytes alone move nothing. */
    feed_all(c, "220 m", 5000);
    assert_true(smtp_client_deadline_ms(c) == 1000 + LIMIT_SMTP_GREETING_MS);
    feed_all(c, "x\r\n", 6000);
    assert_true(smtp_client_deadline_ms(c) == 6000 + LIMIT_SMTP_MAIL_MS);
    send_all(c, 7000);
    feed_all(c, "250-x\r\n250 PIPELINING\r\n", 7000);
    assert_true(smtp_client_deadline_ms(c) == SMTP_DEADLINE_NONE);
    smtp_client_send(c, &tx, 8000);
    assert_true(smtp_client_deadline_ms(c) == 8000 + LIMIT_SMTP_MAIL_MS);
    send_all(c, 8000);
    feed_all(c, "250 ok\r\n", 9000);
    assert_true(smtp_client_deadline_ms(c) == 9000 + LIMIT_SMTP_RCPT_MS);
    feed_all(c, "250 ok\r\n", 10000);
    assert_true(smtp_client_deadline_ms(c) == 10000 + LIMIT_SMTP_DATA_INIT_MS);
    feed_all(c, "354 ok\r\n", 11000);
    assert_true(smtp_client_deadline_ms(c) == SMTP_DEADLINE_NONE);

    memset(block, 'x', sizeof(block));
    smtp_client_body(c, slice_of(block, sizeof(block)), false, 12000);
    assert_true(smtp_client_deadline_ms(c) == 12000 + LIMIT_SMTP_DATA_BLOCK_MS);
    assert_false(smtp_client_next(c, &ev)); /* enough is waiting */
    smtp_client_sent(c, 1, 100000);
    assert_true(smtp_client_deadline_ms(c) == 12000 + LIMIT_SMTP_DATA_BLOCK_MS);
    smtp_client_sent(c, 65535, 110000);
    assert_true(smtp_client_deadline_ms(c) == 110000 + LIMIT_SMTP_DATA_BLOCK_MS);
    assert_true(smtp_client_next(c, &ev));
    assert_int_equal(ev.type, SMTP_CLIENT_EVENT_WANT_BODY);
    assert_false(smtp_client_next(c, &ev)); /* asked once */
    smtp_client_body(c, slice_of(block, 0), true, 120000);
    send_all(c, 130000);
    assert_true(smtp_client_deadline_ms(c) == 130000 + LIMIT_SMTP_DATA_END_MS);
    smtp_client_timed_out(c);
    assert_true(smtp_client_next(c, &ev));
    assert_int_equal(ev.type, SMTP_CLIENT_EVENT_FAILED);
    assert_int_equal(ev.stage, SMTP_CLIENT_STAGE_END);
    assert_int_equal(ev.cause, SMTP_CLIENT_CAUSE_TIMEOUT);
    assert_true(ev.is_connection_lost && smtp_client_is_done(c));
    smtp_client_destroy(c);
}

/* --- both machines --- */

struct pair {
    struct smtp_client *c;
    struct smtp_server *s;
    struct buf up, down, got; /* client to server, server to client, bodies */
    unsigned messages, recipients, sent_pieces;
    bool is_ready, is_closed, wants_body, is_tls_due;
};

static void pump_server(struct pair *p)
{
    struct smtp_server_event ev;
    while (smtp_server_next(p->s, &ev)) {
        if (ev.type == SMTP_SERVER_EVENT_BODY)
            assert_true(buf_append_slice(&p->got, ev.body));
        p->recipients += ev.type == SMTP_SERVER_EVENT_RCPT;
        p->messages += ev.type == SMTP_SERVER_EVENT_DATA_END && !ev.is_refused;
        if (ev.token != 0)
            smtp_server_accept(p->s, ev.token, 0);
    }
    struct slice out = smtp_server_output(p->s);
    assert_true(buf_append_slice(&p->down, out));
    smtp_server_sent(p->s, out.len);
}

static void pump_client(struct pair *p)
{
    struct smtp_client_event ev;
    while (smtp_client_next(p->c, &ev)) {
        assert_int_not_equal(ev.type, SMTP_CLIENT_EVENT_FAILED);
        p->is_ready = p->is_ready || ev.type == SMTP_CLIENT_EVENT_READY;
        p->wants_body = p->wants_body || ev.type == SMTP_CLIENT_EVENT_WANT_BODY;
        p->is_closed = p->is_closed || ev.type == SMTP_CLIENT_EVENT_CLOSED;
        p->is_tls_due = p->is_tls_due || ev.type == SMTP_CLIENT_EVENT_TLS_START;
    }
    struct slice out = smtp_client_output(p->c);
    assert_true(buf_append_slice(&p->up, out));
    smtp_client_sent(p->c, out.len, 0);
}

static void carry(struct pair *p, size_t cut)
{
    for (;;) {
        pump_server(p);
        pump_client(p);
        struct slice up = buf_slice(&p->up);
        struct slice down = buf_slice(&p->down);
        if (up.len > 0 && smtp_server_wants_input(p->s)) {
            up.len = up.len < cut ? up.len : cut;
            size_t n = smtp_server_feed(p->s, up, 0);
            pump_server(p);
            buf_consume(&p->up, n);
        } else if (down.len > 0) {
            down.len = down.len < cut ? down.len : cut;
            size_t n = smtp_client_feed(p->c, down, 0);
            pump_client(p);
            buf_consume(&p->down, n);
        } else if (p->is_tls_due) {
            p->is_tls_due = false;
            smtp_server_tls_started(p->s, 0);
            smtp_client_tls_started(p->c, 0);
        } else {
            return;
        }
    }
}

static void run_pair(size_t cut, bool has_pipelining, enum smtp_client_tls tls)
{
    static const char body[] = "a\r\n.\r\n..\r\n\r\n.x\r\nend\r\n";
    static const struct slice recipients[] = {{"r1@d.test", 9}, {"Postmaster", 10}};
    const struct smtp_server_config server = {.hostname = SLICE("mx.test"),
                                              .banner_code = 220,
                                              .tls = (enum smtp_server_tls)tls,
                                              .offers_pipelining = has_pipelining};
    const struct smtp_client_config client = {.helo_name = SLICE("out.test"), .tls = tls};
    const struct smtp_client_tx tx = {
        .recipients = recipients, .recipient_count = 2, .size = sizeof(body) - 1, .has_8bit = true};
    struct pair p = {.s = smtp_server_create(&server, 0), .c = smtp_client_create(&client, 0)};
    buf_init(&p.up, 0);
    buf_init(&p.down, 0);
    buf_init(&p.got, 0);
    for (unsigned i = 1; i <= 3; i++) {
        carry(&p, cut);
        assert_true(p.is_ready);
        p.is_ready = false;
        smtp_client_send(p.c, &tx, 0);
        carry(&p, cut);
        for (size_t at = 0; at < sizeof(body) - 1; at++) {
            assert_true(p.wants_body);
            p.wants_body = false;
            smtp_client_body(p.c, slice_of(body + at, 1), at + 2 == sizeof(body), 0);
            carry(&p, cut);
        }
        assert_int_equal(p.messages, i);
        assert_int_equal(p.recipients, 2 * i);
        assert_true(slice_eq(buf_slice(&p.got), slice_of(body, sizeof(body) - 1)));
        buf_clear(&p.got, 0);
    }
    assert_int_equal(smtp_server_is_tls(p.s), tls != NONE);
    assert_int_equal(smtp_client_is_tls(p.c), tls != NONE);
    smtp_client_quit(p.c, 0);
    carry(&p, cut);
    assert_true(p.is_closed && smtp_server_is_done(p.s) && smtp_client_is_done(p.c));
    smtp_server_destroy(p.s);
    smtp_client_destroy(p.c);
    buf_finish(&p.up);
    buf_finish(&p.down);
    buf_finish(&p.got);
}

static void test_both_machines(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < 60; cut++) {
        for (int tls = 0; tls < 3; tls++) {
            run_pair(cut, false, (enum smtp_client_tls)tls);
            run_pair(cut, true, (enum smtp_client_tls)tls);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_both_machines),
    };
    return cmocka_run_group_tests_name("smtp/client", tests, NULL, NULL);
}
