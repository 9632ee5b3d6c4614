"""Values from outside stay values: no line of either log is made by a peer."""
import json

from harness.client import Client, send_message
from harness.gateway import Config

FORGED = "Message finished MID 4711 done"
HOSTILE = ["x\n" + FORGED, "x\r\n" + FORGED, "x\x1b[2J", "x\x7f\x00y", "x\u2028" + FORGED, "a'b\\c\"d",
           "x\x85" + FORGED, "x\udc80\udcff"]


def check(gateway):
    gateway.settle()
    for text in gateway.mail_logs.texts():
        assert not text.startswith("Message finished MID 4711")
        assert all(ch >= " " and ch != "\x7f" for ch in text), repr(text)
    with open(gateway.mail_json.path, "rb") as log:
        for line in log.read().split(b"\n")[:-1]:
            event = json.loads(line)
            assert event["event"] and "4711" not in str(event.get("mid", ""))


def test_subject_and_message_id(gateway):
    sent = 0
    for value in HOSTILE:
        raw = value.encode("utf-8", "surrogateescape")
        folded = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n ").replace(b"\x00", b"")
        content = b"Subject: " + folded + b"\r\nMessage-ID: <" + folded + b">\r\n\r\nbody"
        if b"\r" in folded.replace(b"\r\n", b""):
            continue
        assert send_message(gateway.public, content).code == 250
        sent += 1
    gateway.wait_idle(sent)
    check(gateway)


def test_commands(gateway):
    for value in HOSTILE:
        raw = value.encode("utf-8", "surrogateescape").replace(b"\r\n", b"\r").replace(b"\n", b"\r")
        with Client(gateway.public, helo="client.example") as client:
            client.send(b"MAIL FROM:<" + raw + b"@a.example>\r\n")
            client.read()
            client.send(b"XX" + raw + b"\r\n")
            client.read()
            client.send(b"EHLO " + raw + b"\r\n")
            client.read()
    check(gateway)


def test_replies_of_a_next_hop(make_gateway, make_sink):
    reply = b"550-5.1.1 '" + FORGED.encode() + b"\x1b[2J\xff\r\n550 5.1.1 \"\\\x00\r\n"
    sink = make_sink(replies={"RCPT": reply, "EHLO": b"250 x\x1b\n" + FORGED.encode()})
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)).bounce(send_bounces=False))
    send_message(gateway.public)
    gateway.mail_json.wait("mid_start")
    gateway.settle(1.0)
    check(gateway)
