/* What an answer means: see outcome.h. The class is ours, by stage and code (RFC 3463); the peer's
 * own enhanced code stays in its text. In prose:
 *
 * 1. Only a 2xx to the final dot delivers. A 2xx anywhere else, or a code no server should send
 *    there (1xx, 3xx), is a protocol error of the peer: later.
 *
 * 2. 421 at any time means "not now" (RFC 5321 3.8): later, and it is the host's trouble.
 *
 * 3. Before MAIL nothing has been said about the message. So whatever happens there, 5xx too, is
 *    the host's trouble: later, until the bounce profile ends it. A demanded TLS that fails is
 *    never worked around, and never a reason to return the message at once.
 *
 * 4. 4xx to MAIL, RCPT, DATA or the dot: later. 5xx there: never.
 *
 * 5. 552 to RCPT means "too many recipients" to old servers and counts as 452:
 *    RFC 5321 4.5.3.1.10.
 *
 * 6. 5xx to DATA after some recipients were taken is still about the message: never.
 *
 * 7. A lost connection or no answer in time: later, also after the dot. The peer may have taken the
 *    message then; a repeat is the lesser evil (RFC 1047).
 *
 * 8. DNS: "no such domain" (5.1.2), the null MX (5.1.10, RFC 7505 3) and a domain whose best host
 *    is this one (5.4.6, RFC 5321 5.1) are final; every other DNS trouble is later.
 *
 * 9. What we cannot do for this message with this host is final: 8-bit text and no 8BITMIME
 *    (RFC 6152 3), or over its SIZE (RFC 1870 6.1). */
#include "queue/outcome.h"

#include "base/buf.h"

struct rule {
    enum outcome_stage first_stage, last_stage;
    int first_code, last_code;
    struct outcome outcome;
};

#define ALL         OUTCOME_STAGE_LOCAL, OUTCOME_STAGE_END
#define HOST        OUTCOME_STAGE_LOCAL, OUTCOME_STAGE_TLS /* before the message was offered */
#define MAIL_       OUTCOME_STAGE_MAIL, OUTCOME_STAGE_END
#define ONLY(stage) OUTCOME_STAGE_##stage, OUTCOME_STAGE_##stage
#define EVENT(name) OUTCOME_EVENT_##name, OUTCOME_EVENT_##name
#define DELIVERED   OUTCOME_VERDICT_DELIVERED
#define RETRY       OUTCOME_VERDICT_RETRY
#define BOUNCE      OUTCOME_VERDICT_BOUNCE

/* The first rule that fits decides. */
/* clang-format off */
static const struct rule rules[] = {
    {ONLY(END),    200, 299,           {DELIVERED, "2.0.0", "Delivered", false}},
    {ALL,          EVENT(NO_DOMAIN),   {BOUNCE, "5.1.2",  "Bad destination host", false}},
    {ALL,          EVENT(NULL_MX),     {BOUNCE, "5.1.10", "Destination takes no mail", false}},
    {ALL,          EVENT(LOOP),        {BOUNCE, "5.4.6",  "Routing loop detected", false}},
    {ALL,          EVENT(NO_8BIT),     {BOUNCE, "5.6.3",  "Conversion required but not supported", false}},
    {ALL,          EVENT(TOO_BIG),     {BOUNCE, "5.3.4",  "Message too big for system", false}},
    {ALL,          EVENT(DNS),         {RETRY,  "4.4.3",  "Directory server failure", true}},
    {ONLY(TLS),    EVENT(ERROR),       {RETRY,  "4.7.5",  "TLS required but not possible", true}},
    {ALL,          EVENT(LOST),        {RETRY,  "4.4.0",  "Other network problem", true}},
    {ALL,          EVENT(TIMEOUT),     {RETRY,  "4.4.1",  "No answer from host", true}},
    {ONLY(LOCAL),  EVENT(ERROR),       {RETRY,  "4.3.0",  "Other mail system problem", false}},
    {ALL,          EVENT(ERROR),       {RETRY,  "4.4.0",  "Other network problem", true}},
    {ALL,          421, 421,           {RETRY,  "4.3.2",  "Not accepting messages at this time", true}},
    {ONLY(TLS),    400, 599,           {RETRY,  "4.7.5",  "TLS required but not possible", true}},
    {HOST,         400, 599,           {RETRY,  "4.3.2",  "Not accepting messages at this time", true}},
    {ONLY(RCPT),   552, 552,           {RETRY,  "4.5.3",  "Too many recipients", false}},
    {ONLY(RCPT),   452, 452,           {RETRY,  "4.5.3",  "Too many recipients", false}},
    {MAIL_,        452, 452,           {RETRY,  "4.3.1",  "Mail system full", false}},
    {MAIL_,        400, 499,           {RETRY,  "4.3.0",  "Other mail system problem", false}},
    {MAIL_,        530, 530,           {BOUNCE, "5.7.0",  "Other security problem", false}},
    {ONLY(RCPT),   551, 551,           {BOUNCE, "5.1.6",  "Destination mailbox has moved", false}},
    {ONLY(RCPT),   553, 553,           {BOUNCE, "5.1.3",  "Bad destination mailbox address syntax", false}},
    {ONLY(RCPT),   500, 599,           {BOUNCE, "5.1.0",  "Unknown address error", false}},
    {ONLY(MAIL),   552, 552,           {BOUNCE, "5.3.4",  "Message too big for system", false}},
    {ONLY(MAIL),   500, 599,           {BOUNCE, "5.1.0",  "Unknown address error", false}},
    {MAIL_,        552, 552,           {BOUNCE, "5.3.4",  "Message too big for system", false}},
    {MAIL_,        500, 599,           {BOUNCE, "5.3.0",  "Other mail system problem", false}},
};
/* clang-format on */

struct outcome outcome_decide(const struct outcome_result *result)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct rule *rule = &rules[i];
        if (result->stage >= rule->first_stage && result->stage <= rule->last_stage &&
            result->code >= rule->first_code && result->code <= rule->last_code)
            return rule->outcome;
    }
    /* Rule 1: nothing a server should have said. */
    return (struct outcome){OUTCOME_VERDICT_RETRY, "4.5.0", "Other protocol problem", true};
}

struct outcome outcome_expired(void)
{
    return (struct outcome){OUTCOME_VERDICT_BOUNCE, "5.4.7", "Delivery expired (message too old)",
                            false};
}

char *outcome_said(struct slice enhanced, struct slice text)
{
    struct buf said;
    struct slice rest = text;
    buf_init(&said, 0);
    do {
        bool is_first = rest.p == text.p;
        struct slice line = slice_cut(&rest, '\n');
        bool fits =
            (is_first || buf_append_char(&said, '\n')) && buf_append_slice(&said, enhanced) &&
            (enhanced.len == 0 || buf_append_char(&said, ' ')) && buf_append_slice(&said, line);
        ASSERT(fits); /* no cap */
    } while (rest.len > 0);
    char *copy = slice_dup(buf_slice(&said));
    buf_finish(&said);
    return copy;
}
