/* A delivery connection's lines in the mail log, and its machine's words in those of the queue.
 * Under TLS Required each failure of TLS ends with a warning that names the domain: alerts hang on
 * it. */
#include "engine/outbound_priv.h"

enum outcome_stage outbound_outcome_stage(enum smtp_client_stage stage)
{
    switch (stage) {
    case SMTP_CLIENT_STAGE_GREETING:
        return OUTCOME_STAGE_GREETING;
    case SMTP_CLIENT_STAGE_EHLO:
        return OUTCOME_STAGE_EHLO;
    case SMTP_CLIENT_STAGE_TLS:
        return OUTCOME_STAGE_TLS;
    case SMTP_CLIENT_STAGE_IDLE:
    case SMTP_CLIENT_STAGE_MAIL:
    case SMTP_CLIENT_STAGE_QUIT:
        return OUTCOME_STAGE_MAIL;
    case SMTP_CLIENT_STAGE_RCPT:
        return OUTCOME_STAGE_RCPT;
    case SMTP_CLIENT_STAGE_DATA:
        return OUTCOME_STAGE_DATA;
    case SMTP_CLIENT_STAGE_END:
        return OUTCOME_STAGE_END;
    }
    return OUTCOME_STAGE_LOCAL;
}

int outbound_outcome_code(const struct smtp_client_event *event)
{
    switch (event->cause) {
    case SMTP_CLIENT_CAUSE_REPLY:
        return event->reply.code;
    case SMTP_CLIENT_CAUSE_LOST:
        return OUTCOME_EVENT_LOST;
    case SMTP_CLIENT_CAUSE_TIMEOUT:
        return OUTCOME_EVENT_TIMEOUT;
    case SMTP_CLIENT_CAUSE_NO_8BIT:
        return OUTCOME_EVENT_NO_8BIT;
    case SMTP_CLIENT_CAUSE_TOO_BIG:
        return OUTCOME_EVENT_TOO_BIG;
    case SMTP_CLIENT_CAUSE_PROTOCOL:
    case SMTP_CLIENT_CAUSE_NO_ESMTP:
    case SMTP_CLIENT_CAUSE_NOT_OFFERED:
    case SMTP_CLIENT_CAUSE_INJECTION:
    case SMTP_CLIENT_CAUSE_HANDSHAKE:
    case SMTP_CLIENT_CAUSE_BAD_ARGUMENT:
    case SMTP_CLIENT_CAUSE_NO_RECIPIENTS:
        break;
    }
    return OUTCOME_EVENT_ERROR;
}

static void tell_connection_error(struct outbound *o, const struct smtp_client_event *event)
{
    const struct hop *hop = outbound_hop(o);
    const struct ip *local = conn_local_ip(o->conn);

    if (event->cause == SMTP_CLIENT_CAUSE_REPLY) {
        char *said = outcome_said(event->reply.enhanced, event->reply.text);
        OUTBOUND_EMIT(o, connection_error_reply, .dcid = o->dcid, .domain = outbound_domain(o),
                      .ip = hop->ip, .port = hop->port, .code = (uint64_t)event->reply.code,
                      .reply = slice_str(said), .interface = *local,
                      .reason = SLICE("unexpected SMTP response"));
        free(said);
        return;
    }
    OUTBOUND_EMIT(o, connection_error, .dcid = o->dcid, .domain = outbound_domain(o), .ip = hop->ip,
                  .port = hop->port,
                  .details = event->cause == SMTP_CLIENT_CAUSE_LOST ? SLICE("EOF")
                             : event->cause == SMTP_CLIENT_CAUSE_TIMEOUT
                                 ? SLICE("timeout")
                                 : slice_str(smtp_client_cause_text(event->cause)),
                  .interface = *local,
                  .reason = event->cause == SMTP_CLIENT_CAUSE_TIMEOUT
                                ? SLICE("connection timed out")
                                : SLICE("network error"));
}

void outbound_tell_tls_none(struct outbound *o, const char *reason)
{
    o->is_tls_told = true;
    o->tls = QUEUE_TLS_NONE;
    OUTBOUND_EMIT(o, dcid_tls_none, .dcid = o->dcid, .domain = outbound_domain(o),
                  .reason = slice_str(reason));
}

void outbound_tell_tls_refused(struct outbound *o, const struct smtp_client_event *event)
{
    o->is_tls_told = true;
    o->tls = event->cause == SMTP_CLIENT_CAUSE_REPLY ? QUEUE_TLS_FAILED : QUEUE_TLS_NONE;
    if (event->cause != SMTP_CLIENT_CAUSE_REPLY) {
        OUTBOUND_EMIT(o, dcid_starttls_unsupported, .dcid = o->dcid, .domain = outbound_domain(o));
        return;
    }
    char *said = outcome_said(event->reply.enhanced, event->reply.text);
    OUTBOUND_EMIT(o, dcid_tls_unexpected, .dcid = o->dcid, .code = (uint64_t)event->reply.code,
                  .reply = slice_str(said), .domain = outbound_domain(o));
    free(said);
}

/* A failure before any message was offered: what the log says of it. */
void outbound_tell_failure(struct outbound *o, const struct smtp_client_event *event)
{
    bool is_refused =
        event->stage == SMTP_CLIENT_STAGE_TLS && event->cause == SMTP_CLIENT_CAUSE_REPLY;
    bool is_missing =
        event->cause == SMTP_CLIENT_CAUSE_NO_ESMTP || event->cause == SMTP_CLIENT_CAUSE_NOT_OFFERED;

    if (!is_missing && event->cause != SMTP_CLIENT_CAUSE_HANDSHAKE)
        tell_connection_error(o, event);
    if (is_refused || is_missing)
        outbound_tell_tls_refused(o, event);
    if (event->cause == SMTP_CLIENT_CAUSE_INJECTION) {
        o->is_tls_told = true;
        o->tls = QUEUE_TLS_FAILED;
        OUTBOUND_EMIT(o, dcid_tls_failed, .dcid = o->dcid, .domain = outbound_domain(o),
                      .reason = SLICE("error:00000000:SSL routines:POSTERN:response injection"));
    }
    if (o->link->tls == CFG_DEST_TLS_REQUIRED && event->stage >= SMTP_CLIENT_STAGE_EHLO &&
        (event->stage == SMTP_CLIENT_STAGE_TLS || is_missing))
        OUTBOUND_EMIT(o, dcid_tls_required_failed, .dcid = o->dcid, .ip = outbound_hop(o)->ip,
                      .domain = outbound_domain(o),
                      .cause = slice_str(smtp_client_cause_text(event->cause)));
}
