"""What becomes of mail that cannot be delivered: reports to the sender through the same queue, tries
that are spaced and end, nothing ever sent in answer to <>."""
import email
import email.policy
import re
import time

import pytest

from harness import wait_until
from harness.client import Client, send_message
from harness.gateway import Config


def report_of(received):
    """The RFC 3464 report as (message, {field: value} of the first recipient, all parts)."""
    message = email.message_from_bytes(received.content, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    parts = list(message.iter_parts())
    assert [p.get_content_type() for p in parts][:2] == ["text/plain", "message/delivery-status"]
    assert parts[2].get_content_type() in ("message/rfc822", "text/rfc822-headers")
    blocks = parts[1].get_payload()
    return message, [dict(block.items()) for block in blocks], parts


def test_refused_recipient(make_gateway, make_sink):
    sink = make_sink(recipients={"nobody@example.test": b"550-5.1.1 no such\r\n550 5.1.1 user here"})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    send_message(gateway.public, b"Subject: lost\r\nMessage-ID: <1@a>\r\n\r\nbody", "sender@a.example",
                 "nobody@example.test")
    received = sink.wait()
    assert received.mail.split(b" ")[0] == b"FROM:<>"
    assert received.recipients == ["sender@a.example"]
    message, blocks, _ = report_of(received)
    assert "sender@a.example" in message["To"] and message["From"] and message["Date"]
    assert message["Message-ID"] and message["Auto-Submitted"] == "auto-replied"
    assert blocks[0]["Reporting-MTA"] == "dns; gateway.example.test"
    assert blocks[1]["Final-Recipient"].replace("rfc822;nobody", "rfc822; nobody") == \
        "rfc822; nobody@example.test"
    assert blocks[1]["Action"] == "failed"
    assert blocks[1]["Status"] == "5.1.1"
    assert blocks[1]["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user here"
    assert b"Subject: lost" in received.content

    bounced = gateway.mail_logs.wait(r"Bounced: DCID \d+ MID 1 From: <sender@a\.example> To: <nobody@example\.test> "
                                     r"to RID 0 - 5\.1\.0 - Unknown address error "
                                     r"\('550', \['5\.1\.1 no such', '5\.1\.1 user here'\]\) \[\]")
    generated = gateway.mail_logs.wait(r"MID (\d+) was generated for bounce of MID 1")
    number = int(generated.group(1))
    assert bounced and number != 1
    gateway.mail_logs.wait_text("Message finished MID %d done" % number)
    gateway.mail_logs.wait(r"Message finished MID 1 (done|aborted)")
    # ICID 0: generated here. The report goes through the same queue.
    gateway.mail_logs.wait(r"Start MID %d ICID 0" % number)
    gateway.mail_logs.wait(r"MID %d ICID 0 From: <>" % number)
    gateway.mail_logs.wait(r"MID %d queued for delivery" % number)


def test_null_sender_is_never_answered(make_gateway, make_sink):
    sink = make_sink(replies={"RCPT": b"550 5.1.1 no"})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    with Client(gateway.public, helo="client.example") as client:
        assert client.message("", "nobody@example.test", b"Subject: x\r\n\r\nx").code == 250
    gateway.mail_logs.wait(r"Double bounce: MID 1 to RID 0 - 5\.1\.0 - .*")
    gateway.settle(1)
    assert not gateway.mail_json.events("mid_bounce_of")
    assert not sink.messages


def test_bounce_that_bounces(make_gateway, make_sink):
    """The report is refused too: the end, one line says so."""
    sink = make_sink(replies={"RCPT": b"550 5.1.1 no"})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    send_message(gateway.public)
    gateway.mail_logs.wait(r"Double bounce: MID 2 to RID 0 - 5\.1\.0 - .*")
    gateway.settle(1)
    assert len(gateway.mail_json.events("mid_bounce_of")) == 1


def test_some_recipients_only(make_gateway, make_sink):
    sink = make_sink(recipients={"bad@example.test": b"550 5.1.1 no"})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    with Client(gateway.public, helo="client.example") as client:
        reply = client.message("sender@a.example",
                               ["good@example.test", "bad@example.test", "fine@example.test"],
                               b"Subject: x\r\n\r\nx")
        assert reply.code == 250
    wait_until(lambda: len(sink.messages) == 2, 15)
    by_sender = {m.mail.split(b" ")[0]: m for m in sink.messages}
    assert sorted(by_sender[b"FROM:<sender@a.example>"].recipients) == ["fine@example.test",
                                                                      "good@example.test"]
    blocks = report_of(by_sender[b"FROM:<>"])[1]
    assert len(blocks) == 2 and "bad@example.test" in blocks[1]["Final-Recipient"]
    gateway.mail_logs.wait(r"Message done DCID \d+ MID 1 to RID \[0, 2\]")


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_refused_at_each_step(make_gateway, make_sink, verb):
    """5xx at any step bounces; the report itself is taken."""
    refused = []

    def once(_argument, _sink):
        refused.append(1)
        ok = {"DATA": b"354 go"}.get(verb, b"250 ok")
        return b"554 5.7.1 not wanted" if len(refused) == 1 else ok

    sink = make_sink(replies={verb: once}, keywords=())
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    send_message(gateway.public)
    received = sink.wait()
    assert received.mail.split(b" ")[0] == b"FROM:<>"
    fields = report_of(received)[1][1]
    assert fields["Status"] == "5.7.1" and "5.7.1 not wanted" in fields["Diagnostic-Code"]


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
def test_4xx_is_tried_again(make_gateway, make_sink, verb):
    refused = []

    def twice(_argument, _sink):
        refused.append(time.monotonic())
        if len(refused) <= (4 if verb == "EHLO" else 2):
            return b"451 4.3.0 later"
        return {"GREETING": b"220 sink.example", "DATA": b"354 go",
                "EHLO": b"250 sink.example"}.get(verb, b"250 ok")

    sink = make_sink(replies={verb: twice}, starttls=False)
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)).bounce(initial_retry_s=1,
                                                                           max_retry_s=2))
    send_message(gateway.public)
    assert sink.wait(1, 30).mail.split(b" ")[0] == b"FROM:<a@sender.example>"
    gateway.mail_logs.wait(r"Delayed: DCID \d+ MID 1 .*to RID 0 - 4\.\d+\.\d+ - .* \('\d\d\d', \[.*\]\)")
    gateway.mail_logs.wait_text("Message finished MID 1 done")


def test_waits_double(make_gateway, make_sink):
    """1 s, 2 s, 4 s, give or take 10 % and the time of an attempt."""
    times = []

    def later(_argument, _sink):
        times.append(time.monotonic())
        return b"451 4.3.0 later"

    sink = make_sink(replies={"RCPT": later})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)).bounce(initial_retry_s=1,
                                                                           max_retry_s=3600))
    send_message(gateway.public)
    wait_until(lambda: len(times) >= 4, 30)
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    for wanted, gap in zip((1, 2, 4), gaps):
        assert wanted * 0.85 <= gap <= wanted * 1.15 + 1.0, gaps


def test_too_many_tries(make_gateway, make_sink):
    def only_reports(argument, _sink):
        return b"250 ok" if argument.startswith(b"FROM:<>") else b"451 4.3.0 later"

    sink = make_sink(replies={"MAIL": only_reports})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)).bounce(
        initial_retry_s=1, max_retry_s=1, max_retries=2))
    send_message(gateway.public)
    blocks = report_of(sink.wait(1, 30))[1]
    assert blocks[1]["Action"] == "failed" and re.match(r"[45]\.\d+\.\d+", blocks[1]["Status"])
    gateway.mail_logs.wait(r"Bounced: DCID \d+ MID 1 .*")


def test_too_long_in_the_queue(make_gateway, make_sink):
    """Nobody answers: the message is too old one day; its report has the destination that works."""
    sink = make_sink()
    gateway = make_gateway(Config(next_hop=("127.0.0.1", 1)).route("sender.example", sink.port).bounce(
        initial_retry_s=1, max_retry_s=1, max_time_in_queue_s=3))
    send_message(gateway.public)
    blocks = report_of(sink.wait(1, 30))[1]
    assert blocks[1]["Status"] == "5.4.7", blocks
    gateway.mail_logs.wait(r"Bounced: DCID \d+ MID 1 .* - 5\.4\.7 - .*")
    gateway.mail_logs.wait(r"Connection Error: DCID \d+ domain: example\.test IP: 127\.0\.0\.1 port: 1 "
                           r"details: .* interface: 127\.0\.0\.1 reason: network error")


def test_the_original_is_returned_or_its_head(make_gateway, make_sink):
    def only_reports(argument, _sink):
        return b"250 ok" if argument.startswith(b"FROM:<>") else b"550 5.7.1 no"

    sink = make_sink(replies={"MAIL": only_reports})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    send_message(gateway.public, b"Subject: short\r\n\r\nshort-body")
    send_message(gateway.public, b"Subject: long\r\n\r\n" + b"long-body\r\n" * 5000)
    wait_until(lambda: len(sink.messages) == 2, 15)
    short, long = sorted(sink.messages, key=lambda m: len(m.content))
    if b"Subject: long" in short.content:
        short, long = long, short
    assert b"short-body" in short.content and b"Subject: long" in long.content
    assert len(long.content) < 20000


def test_hostile_text_in_a_report(make_gateway, make_sink):
    sink = make_sink(recipients={"x@example.test": b"550 5.1.1 \x1b[2J\xff <script>\r\n"})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    send_message(gateway.public, recipient="x@example.test")
    received = sink.wait()
    report_of(received)
    status = received.content.split(b"message/delivery-status")[1].split(b"message/rfc822")[0]
    assert b"\x1b" not in status and b"\xff" not in status
