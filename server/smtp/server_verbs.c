/* The verbs of the server side: what each demands, and what it does.
 *
 *   line -> command.c -> gate() by the flags of verbs.def -> argument rule -> check_VERB()
 *                                                   check: a reply by itself, or a question (token)
 *   answer of the engine -> smtp_server_apply(): state of the session, usual reply
 *
 * Nothing here reads input, looks at the time or decides about addresses: policy is the engine's.
 * A check that returns false has put its reply into the output.
 * RFC 5321 4.1.1 (verbs), 4.1.4 (order), RFC 3207 4, RFC 1870 6.1, RFC 2920 3.1. */
#include "base/limits.h"
#include "base/mem.h"
#include "smtp/params.h"
#include "smtp/server_priv.h"

enum {
    FLAG_CLEAR = 1,    /* before STARTTLS where TLS is required */
    FLAG_JUNK = 2,     /* counts towards LIMIT_SMTP_JUNK */
    FLAG_CONFINED = 4, /* after a 554 greeting */
};

enum argument {
    ARGUMENT_NONE,
    ARGUMENT_OPTIONAL,
    ARGUMENT_REQUIRED,
};

typedef bool check_fn(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event);

#define SMTP_VERB(name, ...) static check_fn check_##name;
#include "smtp/verbs.def"
#undef SMTP_VERB

static const struct {
    enum argument argument;
    unsigned flags;
    check_fn *check;
} verbs[] = {
#define SMTP_VERB(name, argument_, flags_) {ARGUMENT_##argument_, (flags_), check_##name},
#include "smtp/verbs.def"
#undef SMTP_VERB
};

static bool refuse(struct smtp_server *s, enum smtp_code id)
{
    smtp_server_put_code(s, id);
    return false;
}

/* The line itself is wrong, whatever the state of the session. */
static bool refuse_line(struct smtp_server *s, enum smtp_code id)
{
    smtp_server_note_line(s, s->verb, s->line);
    return refuse(s, id);
}

/* --- HELO and EHLO --- */

static bool check_greeting(struct smtp_server *s, struct slice arg, bool is_esmtp,
                           struct smtp_server_event *ret_event)
{
    /* RFC 5321 4.1.1.1, 4.1.3. A wrong name is no ground to refuse mail (4.1.4), a name that is
     * none is a syntax error. Some clients end it with a dot. */
    struct slice name = arg;
    if (name.len > 1 && name.p[name.len - 1] == '.')
        name.len--;
    if (!mailaddr_is_domain(name) && !mailaddr_is_literal(name, NULL))
        return refuse_line(s, SMTP_CODE_BAD_HELO);
    /* RFC 5321 4.1.4: EHLO in the middle acts as RSET. The event says so by itself. */
    smtp_server_reset_transaction(s);
    ret_event->name = smtp_server_ask(s, ret_event, SMTP_SERVER_EVENT_HELO, name);
    ret_event->is_esmtp = is_esmtp;
    return true;
}

static bool check_EHLO(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    return check_greeting(s, arg, true, ret_event);
}

static bool check_HELO(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    return check_greeting(s, arg, false, ret_event);
}

static void put_capabilities(struct smtp_server *s)
{
    struct buf text;
    buf_init(&text, 0);
    bool is_put = buf_append_slice(&text, s->config.hostname);
    if (s->is_esmtp) {
        /* STARTTLS comes last: asyncos clients and logs know it there. */
        is_put = is_put &&
                 buf_printf(&text, "\n8BITMIME\nSIZE %llu%s\nENHANCEDSTATUSCODES%s",
                            (unsigned long long)s->config.max_message_bytes,
                            s->config.offers_pipelining ? "\nPIPELINING" : "",
                            s->config.tls != SMTP_SERVER_TLS_OFF && !s->is_tls ? "\nSTARTTLS" : "");
    }
    ASSERT(is_put);
    /* RFC 2034 4: no enhanced code here */
    smtp_server_put(s, &(struct smtp_reply){.code = 250, .text = buf_slice(&text)});
    buf_finish(&text);
}

/* --- the transaction --- */

/* `FROM:` or `TO:` at the start of *ARG is taken off. */
static bool take_keyword(struct slice *arg, struct slice keyword)
{
    if (!slice_starts_nocase(*arg, keyword))
        return false;
    *arg = slice_of(arg->p + keyword.len, arg->len - keyword.len);
    return true;
}

static bool take_path(struct smtp_server *s, struct slice *arg, enum smtp_path_kind kind,
                      struct smtp_path *ret_path)
{
    struct slice text = slice_trim(*arg);
    const char *why = NULL;
    bool is_taken = smtp_path_take(arg, kind, ret_path, &why);
    if (!is_taken)
        smtp_server_note(s,
                         kind == SMTP_PATH_REVERSE ? SMTP_SERVER_MISTAKE_SENDER
                                                   : SMTP_SERVER_MISTAKE_RECIPIENT,
                         text, why);
    return is_taken;
}

/* Opens the token and lets the event's path point into the copy that it keeps. */
static bool ask_path(struct smtp_server *s, enum smtp_server_event_type type,
                     const struct smtp_path *path, struct smtp_server_event *ret_event)
{
    struct slice copy = smtp_server_ask(s, ret_event, type, path->address);
    size_t domain_at = copy.len - path->domain.len;
    ret_event->path = (struct smtp_path){
        .address = copy,
        .local = slice_of(copy.p, path->local.len),
        .domain = slice_of(copy.p + domain_at, path->domain.len),
    };
    return true;
}

static bool check_params(struct smtp_server *s, struct slice rest, enum smtp_params_for what,
                         struct smtp_params *ret_params)
{
    switch (smtp_params_parse(rest, what, ret_params)) {
    case SMTP_PARAMS_OK:
        return true;
    case SMTP_PARAMS_UNKNOWN:
        return refuse_line(s, SMTP_CODE_UNKNOWN_PARAMETER);
    case SMTP_PARAMS_BAD:
        break;
    }
    return refuse_line(s, SMTP_CODE_BAD_PARAMETER);
}

static bool check_MAIL(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    struct smtp_path path;
    struct smtp_params params;
    if (!s->has_helo)
        return refuse(s, SMTP_CODE_HELO_FIRST);
    if (s->has_mail)
        return refuse(s, SMTP_CODE_MAIL_ALREADY);
    if (!take_keyword(&arg, SLICE("FROM:")))
        return refuse_line(s, SMTP_CODE_BAD_MAIL_SYNTAX);
    if (!take_path(s, &arg, SMTP_PATH_REVERSE, &path))
        return refuse(s, SMTP_CODE_BAD_SENDER);
    if (!check_params(s, arg, SMTP_PARAMS_FOR_MAIL, &params))
        return false;
    /* RFC 1870 6.1 */
    if (params.has_size && params.size > s->config.max_message_bytes) {
        smtp_server_note(s, SMTP_SERVER_MISTAKE_SIZE, s->line, NULL);
        return refuse(s, SMTP_CODE_TOO_BIG);
    }
    if (s->config.max_messages != 0 && s->messages >= s->config.max_messages) {
        smtp_server_put_close(s, SMTP_CODE_TOO_MANY_MESSAGES, SMTP_SERVER_CLOSE_MESSAGES);
        return false;
    }
    ret_event->has_size = params.has_size;
    ret_event->size = params.size;
    ret_event->is_8bit = params.is_8bit;
    return ask_path(s, SMTP_SERVER_EVENT_MAIL, &path, ret_event);
}

static bool check_RCPT(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    struct smtp_path path;
    struct smtp_params params;
    if (!s->has_mail)
        return refuse(s, SMTP_CODE_MAIL_FIRST);
    s->has_tried_rcpt = true;
    if (!take_keyword(&arg, SLICE("TO:")))
        return refuse_line(s, SMTP_CODE_BAD_RCPT_SYNTAX);
    if (!take_path(s, &arg, SMTP_PATH_FORWARD, &path))
        return refuse(s, SMTP_CODE_BAD_RECIPIENT);
    if (!check_params(s, arg, SMTP_PARAMS_FOR_RCPT, &params))
        return false;
    if (s->recipients >= s->config.max_recipients) {
        /* RFC 5321 4.5.3.1.10. The client did nothing wrong: it is to send the rest in another
         * message. So this is no error, until the excess is as long as what is allowed. */
        if (s->recipients_over < s->config.max_recipients) {
            s->recipients_over++;
            struct smtp_reply reply = smtp_code_reply(SMTP_CODE_TOO_MANY_RECIPIENTS);
            smtp_server_put(s, &reply);
            return false;
        }
        return refuse(s, SMTP_CODE_TOO_MANY_RECIPIENTS);
    }
    return ask_path(s, SMTP_SERVER_EVENT_RCPT, &path, ret_event);
}

static bool check_DATA(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    (void)arg;
    if (!s->has_mail)
        return refuse(s, SMTP_CODE_MAIL_FIRST);
    /* RFC 2920 3.1: no 354 when nobody would get the message, so that a pipelining client learns
     * it. RFC 5321 3.3 gives 503 or 554. */
    if (s->recipients == 0)
        return refuse(s, s->has_tried_rcpt ? SMTP_CODE_NO_RECIPIENTS : SMTP_CODE_RCPT_FIRST);
    (void)smtp_server_ask(s, ret_event, SMTP_SERVER_EVENT_DATA, SLICE(""));
    return true;
}

static bool check_RSET(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    (void)arg;
    (void)ret_event;
    s->owes_rset = s->has_mail;
    smtp_server_reset_transaction(s);
    return refuse(s, SMTP_CODE_RESET);
}

/* --- the others --- */

static bool check_VRFY(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    /* RFC 5321 7.3: the same answer for everybody tells nothing about anybody */
    (void)arg;
    (void)ret_event;
    return refuse(s, SMTP_CODE_CANNOT_VRFY);
}

static bool check_EXPN(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    (void)arg;
    (void)ret_event;
    return refuse(s, SMTP_CODE_NOT_IMPLEMENTED);
}

static bool check_HELP(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    (void)arg;
    (void)ret_event;
    return refuse(s, SMTP_CODE_HELP);
}

static bool check_NOOP(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    (void)arg;
    (void)ret_event;
    return refuse(s, SMTP_CODE_OK);
}

static bool check_QUIT(struct smtp_server *s, struct slice arg, struct smtp_server_event *ret_event)
{
    (void)arg;
    (void)ret_event;
    smtp_server_put_close(s, SMTP_CODE_BYE, SMTP_SERVER_CLOSE_QUIT);
    return false;
}

static bool check_STARTTLS(struct smtp_server *s, struct slice arg,
                           struct smtp_server_event *ret_event)
{
    (void)arg;
    if (s->is_tls)
        return refuse(s, SMTP_CODE_TLS_ALREADY);
    if (s->config.tls == SMTP_SERVER_TLS_OFF)
        return refuse(s, SMTP_CODE_NOT_IMPLEMENTED);
    /* RFC 3207 4: a client learns of it by EHLO only */
    if (!s->has_helo || !s->is_esmtp)
        return refuse(s, SMTP_CODE_EHLO_FIRST);
    if (s->has_mail)
        return refuse(s, SMTP_CODE_IN_TRANSACTION);
    /* RFC 3207 4.2: what was sent in the same breath was not protected. Bytes that come later,
     * before the 220 is sent, are caught in smtp_server_feed. */
    if (buf_len(&s->in) > 0) {
        smtp_server_end_injected(s);
        return false;
    }
    smtp_server_put_code(s, SMTP_CODE_TLS_GO_AHEAD);
    s->state = SMTP_SERVER_STATE_HANDSHAKE;
    s->wait_since_ms = s->now_ms;
    ret_event->type = SMTP_SERVER_EVENT_STARTTLS;
    return true;
}

/* --- the way in and the way back --- */

/* Rules that hold before a verb's own; false: answered. */
static bool gate(struct smtp_server *s, const struct smtp_command *command)
{
    unsigned flags = command->verb < SMTP_VERB_UNKNOWN ? verbs[command->verb].flags : 0;
    if (s->is_confined && (flags & FLAG_CONFINED) == 0)
        return refuse(s, SMTP_CODE_REFUSED_SESSION);
    if (s->config.tls == SMTP_SERVER_TLS_REQUIRED && !s->is_tls && (flags & FLAG_CLEAR) == 0)
        return refuse(s, SMTP_CODE_TLS_REQUIRED);
    if (command->verb >= SMTP_VERB_UNKNOWN) {
        struct slice rest = s->line;
        smtp_server_note(s, SMTP_SERVER_MISTAKE_UNKNOWN, slice_cut(&rest, ' '), NULL);
        return refuse(s, SMTP_CODE_UNKNOWN_COMMAND);
    }
    if ((flags & FLAG_JUNK) != 0 && ++s->junk > LIMIT_SMTP_JUNK) {
        smtp_server_put_close(s, SMTP_CODE_TOO_MUCH_JUNK, SMTP_SERVER_CLOSE_JUNK);
        return false;
    }
    if (verbs[command->verb].argument == ARGUMENT_NONE && command->arg.len > 0)
        return refuse_line(s, SMTP_CODE_TAKES_NO_ARGUMENT);
    if (verbs[command->verb].argument == ARGUMENT_REQUIRED && command->arg.len == 0)
        return refuse_line(s, SMTP_CODE_NEEDS_ARGUMENT);
    return true;
}

bool smtp_server_command(struct smtp_server *s, struct slice line,
                         struct smtp_server_event *ret_event)
{
    struct smtp_command command;
    bool is_first = !s->has_spoken;
    s->has_spoken = true;
    /* A browser's line may end in LF alone: it is looked at before the line end is judged. */
    bool has_cr = line.len > 0 && line.p[line.len - 1] == '\r';
    line.len -= has_cr ? 1 : 0;
    bool is_clean = smtp_command_parse(line, &command);
    s->line = line;
    s->verb = command.verb;
    if (!is_clean)
        return refuse_line(s, SMTP_CODE_BAD_CHARACTER);
    if (is_first && command.verb == SMTP_VERB_HTTP) {
        smtp_server_put_close(s, SMTP_CODE_NOT_HTTP, SMTP_SERVER_CLOSE_HTTP);
        return false;
    }
    /* RFC 5321 2.3.8 */
    if (!has_cr)
        return refuse_line(s, SMTP_CODE_BAD_LINE_END);
    if (!gate(s, &command))
        return false;
    return verbs[command.verb].check(s, command.arg, ret_event);
}

/* The usual reply of a yes, or the engine's own. */
static void put_yes(struct smtp_server *s, const struct smtp_reply *reply, enum smtp_code id)
{
    if (reply != NULL) {
        smtp_server_put(s, reply);
        return;
    }
    struct buf scratch;
    buf_init(&scratch, 0);
    struct smtp_reply usual = smtp_code_format(id, slice_str(s->argument), &scratch);
    smtp_server_put(s, &usual);
    buf_finish(&scratch);
}

void smtp_server_apply(struct smtp_server *s, const struct smtp_reply *reply)
{
    switch (s->token_for) {
    case SMTP_SERVER_EVENT_HELO:
        s->has_helo = true;
        s->is_esmtp = s->verb == SMTP_VERB_EHLO;
        put_capabilities(s);
        break;
    case SMTP_SERVER_EVENT_MAIL:
        s->has_mail = true;
        put_yes(s, reply, SMTP_CODE_SENDER_OK);
        break;
    case SMTP_SERVER_EVENT_RCPT:
        s->recipients++;
        put_yes(s, reply, SMTP_CODE_RECIPIENT_OK);
        break;
    case SMTP_SERVER_EVENT_DATA:
        s->messages++;
        s->state = SMTP_SERVER_STATE_DATA;
        s->data_bytes = 0;
        smtp_data_decoder_init(&s->decoder);
        smtp_server_put_code(s, SMTP_CODE_GO_AHEAD);
        break;
    case SMTP_SERVER_EVENT_DATA_END:
        s->junk = 0;
        put_yes(s, reply, SMTP_CODE_MESSAGE_COUNTED);
        break;
    case SMTP_SERVER_EVENT_BODY:
    case SMTP_SERVER_EVENT_RSET:
    case SMTP_SERVER_EVENT_MISTAKE:
    case SMTP_SERVER_EVENT_STARTTLS:
    case SMTP_SERVER_EVENT_CLOSE:
        ASSERT(false);
    }
}
