/* Runs transcripts (*.txt) against smtp/server with no socket, and prints TAP, one line a case.
 *
 *   == name               a case; everything before the first is comment, as are lines of #
 *   > key=value ...       config: tls=off|preferred|required is_tls=1 size=N recipients=N
 * messages=N banner=220|554|421 pipelining=0 C: text               the client says text CRLF C!
 * text               the client says text with \r \n \0 \\ \xHH, nothing added S: line the server
 * says line CRLF B: line               a line of the body as the engine gets it (B! with escapes)
 *   E: text               an event: see note_event, note_mistake
 *   T: tls | wait MS | shutdown
 *
 * Client lines up to the next S or T are a flight: written in one go, output read only at its end.
 * Every case is run in one piece, byte by byte, and with each flight cut in two at every byte, each
 * with answers at once and with answers only after the whole flight was written. All runs must give
 * the same replies, body and events.
 *
 * The engine here says yes, but: an address with `refuse` gets 550, with `later` 451, with `bye`
 * 421; HELO `refuse.test` 550; a sender `nodata` makes DATA get 451, `nomail` DATA_END 554. */
#include "smtp/server.h"

#include <stdint.h>

#include "base/limits.h"
#include "base/mem.h"

enum step_kind {
    STEP_SAY,
    STEP_EXPECT,
    STEP_TIME,
};

struct step {
    enum step_kind kind;
    char *bytes;
    size_t len;
};

struct test_case {
    char name[128];
    struct smtp_server_config config;
    struct step steps[512];
    size_t step_count;
    struct buf body, events;
};

/* One run of a case. */
struct run {
    struct smtp_server *s;
    uint64_t now_ms;
    bool answers_late;
    uint32_t token;
    struct smtp_reply reply;
    bool is_yes;
    char sender[64];
    struct buf output, body, events;
};

/* --- reading --- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void append_escaped(struct buf *b, const char *p)
{
    for (; *p != '\0'; p++) {
        char c = *p;
        if (c == '\\') {
            p++;
            if (*p == 'x' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
                c = (char)(hex(p[1]) * 16 + hex(p[2]));
                p += 2;
            } else {
                c = *p == 'r' ? '\r' : *p == 'n' ? '\n' : *p == '0' ? '\0' : *p;
            }
        }
        ASSERT(buf_append_char(b, c));
    }
}

/* Adds to the last step when it is of the same kind. */
static void add_step(struct test_case *t, enum step_kind kind, const char *text, bool is_raw)
{
    struct buf b;
    buf_init(&b, 0);
    struct step *last = t->step_count > 0 ? &t->steps[t->step_count - 1] : NULL;
    bool joins = last != NULL && last->kind == kind && kind != STEP_TIME;
    if (joins)
        ASSERT(buf_append(&b, last->bytes, last->len));
    if (is_raw)
        append_escaped(&b, text);
    else
        ASSERT(buf_append_str(&b, text));
    if (!is_raw && kind != STEP_TIME)
        ASSERT(buf_append_str(&b, "\r\n"));
    if (joins) {
        free(last->bytes);
    } else {
        ASSERT(t->step_count < ARRAY_LEN(t->steps));
        last = &t->steps[t->step_count++];
    }
    last->kind = kind;
    last->len = buf_len(&b);
    last->bytes = mem_strndup(buf_len(&b) == 0 ? "" : buf_slice(&b).p, buf_len(&b));
    buf_finish(&b);
}

static void read_config(struct test_case *t, struct slice s)
{
    while (s.len > 0) {
        struct slice value = slice_cut(&s, ' ');
        struct slice key = slice_cut(&value, '=');
        unsigned long long n = 0;
        bool is_number = slice_to_u64(value, UINT64_MAX, &n);
        if (slice_eq(key, SLICE("tls")))
            t->config.tls = slice_eq(value, SLICE("off"))        ? SMTP_SERVER_TLS_OFF
                            : slice_eq(value, SLICE("required")) ? SMTP_SERVER_TLS_REQUIRED
                                                                 : SMTP_SERVER_TLS_PREFERRED;
        else if (slice_eq(key, SLICE("is_tls")) && is_number)
            t->config.is_tls = n != 0;
        else if (slice_eq(key, SLICE("size")) && is_number)
            t->config.max_message_bytes = n;
        else if (slice_eq(key, SLICE("recipients")) && is_number)
            t->config.max_recipients = (unsigned)n;
        else if (slice_eq(key, SLICE("messages")) && is_number)
            t->config.max_messages = (unsigned)n;
        else if (slice_eq(key, SLICE("banner")) && is_number)
            t->config.banner_code = (int)n;
        else if (slice_eq(key, SLICE("pipelining")) && is_number)
            t->config.offers_pipelining = n != 0;
        else
            ASSERT(key.len == 0);
    }
}

static void case_init(struct test_case *t, const char *name)
{
    memset(t, 0, sizeof(*t));
    (void)snprintf(t->name, sizeof(t->name), "%s", name);
    t->config = (struct smtp_server_config){
        .hostname = SLICE("mx.test"),
        .banner_code = 220,
        .max_message_bytes = 1000000,
        .tls = SMTP_SERVER_TLS_PREFERRED,
        .offers_pipelining = true,
    };
    buf_init(&t->body, 0);
    buf_init(&t->events, 0);
}

static void case_finish(struct test_case *t)
{
    for (size_t i = 0; i < t->step_count; i++)
        free(t->steps[i].bytes);
    buf_finish(&t->body);
    buf_finish(&t->events);
}

static void case_line(struct test_case *t, const char *line)
{
    const char *text = line[0] != '\0' && line[1] != '\0' ? line + 2 + (line[2] == ' ') : "";
    bool is_raw = line[0] != '\0' && line[1] == '!';
    switch (line[0]) {
    case '>':
        read_config(t, slice_trim(slice_str(line + 1)));
        break;
    case 'C':
        add_step(t, STEP_SAY, text, is_raw);
        break;
    case 'S':
        add_step(t, STEP_EXPECT, text, is_raw);
        break;
    case 'T':
        add_step(t, STEP_TIME, text, false);
        break;
    case 'B':
        if (is_raw)
            append_escaped(&t->body, text);
        else
            ASSERT(buf_printf(&t->body, "%s\r\n", text));
        break;
    case 'E':
        ASSERT(buf_printf(&t->events, "%s\n", text));
        break;
    default:
        ASSERT(line[0] == '#' || line[0] == '\0');
    }
}

/* --- the engine --- */

static bool has(struct slice s, const char *word)
{
    return s.len > 0 && memmem(s.p, s.len, word, strlen(word)) != NULL;
}

static void decide(struct run *r, const struct smtp_server_event *ev)
{
    struct slice sender = slice_str(r->sender);
    struct slice about = ev->type == SMTP_SERVER_EVENT_HELO ? ev->name : ev->path.address;
    r->is_yes = false;
    if (has(about, "refuse"))
        r->reply = smtp_code_reply(SMTP_CODE_ADDRESS_REJECTED);
    else if (has(about, "later"))
        r->reply = smtp_code_reply(SMTP_CODE_TRY_LATER);
    else if (has(about, "bye"))
        r->reply =
            (struct smtp_reply){.code = 421, .enhanced = SLICE("4.3.2"), .text = SLICE("bye")};
    else if (ev->type == SMTP_SERVER_EVENT_DATA && has(sender, "nodata"))
        r->reply = smtp_code_reply(SMTP_CODE_TRY_LATER);
    else if (ev->type == SMTP_SERVER_EVENT_DATA_END && has(sender, "nomail"))
        r->reply = smtp_code_reply(SMTP_CODE_REFUSED);
    else
        r->is_yes = true;
    if (ev->type == SMTP_SERVER_EVENT_MAIL)
        (void)snprintf(r->sender, sizeof(r->sender), "%.*s", SLICE_ARGS(ev->path.address));
}

/* `E: SENDER (no domain) <a>`: control and 8-bit characters as \xHH, backslash too. */
static void note_mistake(struct run *r, const struct smtp_server_event *ev)
{
    static const char *const names[] = {
        [SMTP_SERVER_MISTAKE_UNKNOWN] = "UNKNOWN", [SMTP_SERVER_MISTAKE_SYNTAX] = "SYNTAX",
        [SMTP_SERVER_MISTAKE_SENDER] = "SENDER",   [SMTP_SERVER_MISTAKE_RECIPIENT] = "RECIPIENT",
        [SMTP_SERVER_MISTAKE_SIZE] = "SIZE",
    };
    ASSERT(ev->token == 0 && ev->text.len <= LIMIT_SMTP_SHOWN);
    ASSERT(buf_printf(&r->events, "%s ", names[ev->mistake]));
    if (ev->why != NULL)
        ASSERT(buf_printf(&r->events, "(%s) ", ev->why));
    for (size_t i = 0; i < ev->text.len; i++) {
        unsigned char c = (unsigned char)ev->text.p[i];
        bool is_plain = c >= ' ' && c < 0x7f && c != '\\';
        ASSERT(buf_printf(&r->events, is_plain ? "%c" : "\\x%02x", c));
    }
    ASSERT(buf_append_char(&r->events, '\n'));
}

static void note_event(struct run *r, const struct smtp_server_event *ev)
{
    switch (ev->type) {
    case SMTP_SERVER_EVENT_DATA_END:
        ASSERT(buf_printf(&r->events, "DATA_END %llu%s%s%s%s%s%s\n", (unsigned long long)ev->size,
                          ev->has_bare_cr ? " bare_cr" : "", ev->has_bare_lf ? " bare_lf" : "",
                          ev->has_nul ? " nul" : "", ev->has_8bit ? " 8bit" : "",
                          ev->is_oversize ? " oversize" : "", ev->is_refused ? " refused" : ""));
        /* What came before the machine knew is the engine's to drop. */
        if (ev->is_refused)
            buf_clear(&r->body, 0);
        ASSERT((ev->token == 0) == ev->is_refused);
        break;
    case SMTP_SERVER_EVENT_RSET:
        ASSERT(buf_printf(&r->events, "RSET\n"));
        break;
    case SMTP_SERVER_EVENT_MISTAKE:
        note_mistake(r, ev);
        break;
    case SMTP_SERVER_EVENT_CLOSE:
        ASSERT(smtp_server_is_done(r->s));
        ASSERT(buf_printf(&r->events, "CLOSE %s\n", smtp_server_close_name(ev->reason)));
        break;
    case SMTP_SERVER_EVENT_BODY:
        ASSERT(buf_append_slice(&r->body, ev->body));
        break;
    case SMTP_SERVER_EVENT_MAIL:
        ASSERT(buf_printf(&r->events, "MAIL <%.*s>%s", SLICE_ARGS(ev->path.address),
                          ev->is_8bit ? " 8bit" : ""));
        if (ev->has_size)
            ASSERT(buf_printf(&r->events, " size=%llu", (unsigned long long)ev->size));
        ASSERT(buf_printf(&r->events, "\n"));
        break;
    case SMTP_SERVER_EVENT_RCPT:
        ASSERT(buf_printf(&r->events, "RCPT <%.*s> at <%.*s>\n", SLICE_ARGS(ev->path.address),
                          SLICE_ARGS(ev->path.domain)));
        break;
    case SMTP_SERVER_EVENT_HELO:
        ASSERT(buf_printf(&r->events, "%s %.*s\n", ev->is_esmtp ? "EHLO" : "HELO",
                          SLICE_ARGS(ev->name)));
        break;
    case SMTP_SERVER_EVENT_DATA:
    case SMTP_SERVER_EVENT_STARTTLS:
        break;
    }
}

static void answer(struct run *r)
{
    uint32_t token = r->token;
    r->token = 0;
    /* A token that is not open changes nothing. */
    smtp_server_accept(r->s, token + 1, r->now_ms);
    if (r->is_yes)
        smtp_server_accept(r->s, token, r->now_ms);
    else
        smtp_server_reply(r->s, token, &r->reply, r->now_ms);
}

static void pump(struct run *r, bool answers)
{
    struct smtp_server_event ev;
    for (;;) {
        while (smtp_server_next(r->s, &ev)) {
            note_event(r, &ev);
            if (ev.token != 0) {
                ASSERT(r->token == 0);
                r->token = ev.token;
                decide(r, &ev);
            }
        }
        if (r->token == 0 || !answers)
            return;
        answer(r);
    }
}

static void write_piece(struct run *r, const char *p, size_t len)
{
    while (len > 0) {
        size_t n = smtp_server_feed(r->s, slice_of(p, len), r->now_ms);
        pump(r, !r->answers_late || n == 0);
        if (n == 0 && smtp_server_feed(r->s, slice_of(p, 0), r->now_ms) == 0 &&
            !smtp_server_wants_input(r->s))
            return;
        p += n;
        len -= n;
    }
}

static void read_output(struct run *r)
{
    struct slice out = smtp_server_output(r->s);
    ASSERT(buf_append_slice(&r->output, out));
    smtp_server_sent(r->s, out.len);
}

static void pass_time(struct run *r, const char *what)
{
    unsigned long long ms = 0;
    if (strcmp(what, "tls") == 0) {
        smtp_server_tls_started(r->s, r->now_ms);
    } else if (strcmp(what, "shutdown") == 0) {
        smtp_server_shutdown(r->s, r->now_ms);
    } else {
        ASSERT(slice_starts_nocase(slice_str(what), SLICE("wait ")) &&
               slice_to_u64(slice_str(what + 5), UINT32_MAX, &ms));
        r->now_ms += ms;
        if (r->now_ms >= smtp_server_deadline_ms(r->s))
            smtp_server_timed_out(r->s, r->now_ms);
    }
    pump(r, true);
    read_output(r);
}

/* --- comparing --- */

static bool is_same(const struct test_case *t, const char *how, const char *what, struct slice want,
                    struct slice got)
{
    if (slice_eq(want, got))
        return true;
    printf("# %s, %s: %s differ\n# want: ", t->name, how, what);
    for (size_t i = 0; i < want.len; i++)
        printf(want.p[i] == '\n' ? "\n#       " : "%c", want.p[i]);
    printf("\n# got:  ");
    for (size_t i = 0; i < got.len; i++)
        printf(got.p[i] == '\n' ? "\n#       " : "%c", got.p[i]);
    printf("\n");
    return false;
}

/* CUT_STEP's flight is cut at CUT_AT; CUT_STEP SIZE_MAX: every flight byte by byte. */
static bool run_case(const struct test_case *t, size_t cut_step, size_t cut_at, bool answers_late)
{
    char how[96];
    struct run r = {.now_ms = 1000, .answers_late = answers_late};
    bool is_ok = true;
    (void)snprintf(how, sizeof(how), "cut step %zu at %zu, answers %s", cut_step, cut_at,
                   answers_late ? "late" : "at once");
    r.s = smtp_server_create(&t->config, r.now_ms);
    buf_init(&r.output, 0);
    buf_init(&r.body, 0);
    buf_init(&r.events, 0);
    pump(&r, true);
    read_output(&r);
    for (size_t i = 0; i < t->step_count && is_ok; i++) {
        const struct step *step = &t->steps[i];
        bool is_next_expect = step->kind == STEP_EXPECT;
        if (step->kind == STEP_TIME) {
            pass_time(&r, step->bytes);
        } else if (step->kind == STEP_SAY) {
            size_t piece = cut_step == SIZE_MAX ? 1 : cut_step == i ? cut_at : step->len;
            for (size_t at = 0; at < step->len;) {
                size_t len = step->len - at < piece ? step->len - at : piece;
                write_piece(&r, step->bytes + at, len);
                at += len;
                piece = cut_step == SIZE_MAX ? 1 : step->len;
            }
            pump(&r, true);
            read_output(&r);
        }
        /* What was not expected shows at the next step that is no expectation, and at the end. */
        if (is_next_expect) {
            is_ok =
                is_same(t, how, "replies", slice_of(step->bytes, step->len), buf_slice(&r.output));
            buf_clear(&r.output, 0);
        } else if (i + 1 == t->step_count || t->steps[i + 1].kind != STEP_EXPECT) {
            is_ok = is_same(t, how, "replies", slice_of("", 0), buf_slice(&r.output));
        }
    }
    is_ok = is_ok && is_same(t, how, "bodies", buf_slice(&t->body), buf_slice(&r.body));
    /* A case that lists no event does not care for them. */
    if (is_ok && buf_len(&t->events) > 0)
        is_ok = is_same(t, how, "events", buf_slice(&t->events), buf_slice(&r.events));
    smtp_server_destroy(r.s);
    buf_finish(&r.output);
    buf_finish(&r.body);
    buf_finish(&r.events);
    return is_ok;
}

static bool run_all_ways(const struct test_case *t)
{
    for (int late = 0; late < 2; late++) {
        if (!run_case(t, SIZE_MAX, 1, late != 0))
            return false;
        for (size_t i = 0; i < t->step_count; i++) {
            if (t->steps[i].kind != STEP_SAY)
                continue;
            for (size_t at = 1; at <= t->steps[i].len; at++) {
                if (!run_case(t, i, at, late != 0))
                    return false;
            }
        }
    }
    return t->step_count > 0;
}

/* --- main --- */

static unsigned test_count, failures;

static void end_case(struct test_case *t)
{
    if (t->name[0] == '\0')
        return;
    bool is_ok = run_all_ways(t);
    printf("%s %u - %s\n", is_ok ? "ok" : "not ok", ++test_count, t->name);
    failures += is_ok ? 0 : 1;
    case_finish(t);
    t->name[0] = '\0';
}

static void run_file(const char *path)
{
    static struct test_case t;
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    ASSERT(file != NULL);
    for (ssize_t len = getline(&line, &size, file); len >= 0; len = getline(&line, &size, file)) {
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (line[0] == '=' && line[1] == '=') {
            end_case(&t);
            case_init(&t, line + 3);
        } else if (t.name[0] != '\0') {
            case_line(&t, line);
        }
    }
    end_case(&t);
    free(line);
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    printf("1..%u\n", test_count);
    return failures == 0 && test_count > 0 ? 0 : 1;
}
