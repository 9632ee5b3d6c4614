"""What the mail log says of a client's mistakes, in the vendor's words, and how each message that was
begun and not accepted ends there: one line that says why, then `Message finished`, and no more."""
import socket
import struct

import pytest

from harness.client import Client
from harness.gateway import Config

FORGED = "Message finished MID 4711 done"


def test_wrong_commands(gateway):
    with Client(gateway.public, helo="client.example") as client:
        for line in (b"XFOO bar", b"AUTH PLAIN AGEAc2VjcmV0", b"EHLO -bad-", b"QUIT now", b"DATA now"):
            client.send(line + b"\r\n")
            assert client.read().code in (500, 501)
        client.command("QUIT")
    gateway.mail_logs.wait(r"ICID 1 close")
    for text in ("ICID 1 Unknown command: XFOO", "ICID 1 Unknown command: AUTH",
                 "ICID 1 Bad syntax for command: EHLO -bad-", "ICID 1 Bad syntax for command: QUIT now",
                 "ICID 1 Bad syntax for command: DATA now"):
        gateway.mail_logs.wait_text(text)
    assert len(gateway.mail_json.events("icid_unknown_command")) == 2
    assert not any("AGEAc2VjcmV0" in text for text in gateway.mail_logs.raw_lines())


def test_wrong_addresses(gateway):
    with Client(gateway.public, helo="client.example") as client:
        assert client.command("MAIL FROM:<a@b..example>").code == 501
        client.envelope()
        assert client.command("RCPT TO:<>").code == 501
        assert client.command("RCPT TO:<%s>" % ("x" * 300)).code == 501
        client.command("QUIT")
    gateway.mail_logs.wait_text("ICID 1 Invalid sender address: bad domain: '<a@b..example>'")
    gateway.mail_logs.wait_text("ICID 1 MID 1 Invalid recipient address: empty: '<>'")
    gateway.mail_logs.wait_text("ICID 1 MID 1 Invalid recipient address: too long: '<%s'" % ("x" * 127))


def test_hostile_bytes_stay_in_their_line(gateway):
    hostile = b"\r" + FORGED.encode() + b"'\"\\\x1b[2J\xff\x00\xe2\x80\xae"
    with Client(gateway.public, helo="client.example") as client:
        for line in (b"NOOP " + hostile, hostile, b"XFOO" + hostile[1:], b"MAIL FROM:<" + hostile[1:],
                     b"NOOP" + b"\x00" * 5000, b"\x16\x03\x01\x02\x00\x01\n" + FORGED.encode() + b"\n"):
            client.send(line + b"\r\n")
            assert client.read().code in (500, 501)
        client.send(b"RSET\r\n")
        # Each line of the record by itself, as the bytes held two line ends.
        while client.read().code != 250:
            pass
    gateway.mail_logs.wait(r"ICID 1 Bad syntax for command: NOOP \\x0DMessage finished MID 4711 done.*")
    gateway.mail_logs.wait(r"ICID 1 Bad syntax for command: \\x16\\x03\\x01\\x02\\x00\\x01")
    for text in gateway.mail_logs.texts():
        assert not text.startswith("Message finished MID 4711")
        assert all(" " <= each and each != "\x7f" for each in text), repr(text)
        assert len(text) < 1000
    for event in gateway.mail_json.events():
        assert "4711" not in str(event.get("mid", ""))


def test_a_session_has_so_many_mistakes(gateway):
    with Client(gateway.public, helo="client.example") as client:
        client.envelope()
        client.send(b"X\r\n" * 30)
        codes = []
        while not codes or codes[-1] != 421:
            codes.append(client.read().code)
        assert codes == [500] * 20 + [421]
    gateway.mail_logs.wait(r"ICID 1 close")
    gateway.mail_logs.in_order(r"ICID 1 Unknown command: X", r"Message aborted MID 1 Receiving aborted",
                               r"Message finished MID 1 aborted",
                               r"ICID 1 Receiving Failed: Too many errors", r"ICID 1 close")
    assert len(gateway.mail_json.events("icid_unknown_command")) == 20


def rset(client):
    assert client.command("RSET").code == 250


def again(client):
    assert client.command("EHLO again").code == 250


def leave(client):
    assert client.command("QUIT").code == 221


def hang_up(client):
    client.close()


def reset(client):
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def hang_up_in_data(client):
    assert client.command("DATA").code == 354
    client.send(b"Subject: never\r\n\r\nwhole")
    client.close()


@pytest.mark.parametrize("end, reason, cause", [
    (rset, "Receiving aborted by sender", "RSET"),
    (again, "Receiving aborted by sender", "EHLO"),
    (leave, "Receiving aborted by sender", "QUIT"),
    (hang_up, "Receiving aborted", None),
    (reset, "Receiving aborted", None),
    (hang_up_in_data, "Receiving aborted", None),
])
def test_a_message_that_is_given_up(gateway, end, reason, cause):
    client = Client(gateway.public, helo="client.example")
    client.envelope()
    end(client)
    client.close()
    gateway.mail_logs.wait(r"ICID 1 close")
    ends = [text for text in gateway.mail_logs.of("MID", 1) if not text.startswith(("Start", "MID 1 ICID"))]
    assert ends == ["Message aborted MID 1 " + reason, "Message finished MID 1 aborted"]
    event = gateway.mail_json.events("mid_aborted")[0]
    assert event["cause"] == cause if cause else event["cause"]


@pytest.mark.parametrize("content, code, reason", [
    (b"bare\nLF", 554, "bare LF in the message"),
    (b"bare\rCR", 554, "bare CR in the message"),
    (b"a \x00 in it", 554, "NUL in the message"),
    (b"x" * 70000, 552, "Message size exceeds limit"),
    (b"Received: by a\r\n" * 101 + b"\r\nx", 554, "Message loop"),
], ids=["lf", "cr", "nul", "size", "loop"])
def test_a_message_that_is_refused(make_gateway, content, code, reason):
    gateway = make_gateway(Config().policy("ACCEPTED", max_message_size=65536))
    with Client(gateway.public, helo="client.example") as client:
        assert client.message("a@sender.example", "b@example.test", content).code == code
        client.command("QUIT")
    gateway.mail_logs.wait(r"ICID 1 close")
    gateway.mail_logs.in_order("MID 1 ICID 1 RID 0 To: .*", "ICID 1 Receiving Failed: " + reason,
                               "Message finished MID 1 aborted")
    assert [e["mid"] for e in gateway.mail_json.events("icid_receiving_failed", reason=reason, code=code)] == [1]
    assert not gateway.mail_json.events("mid_aborted")
    assert len(gateway.mail_json.events("mid_finished")) == 1


def test_a_size_that_is_announced_is_refused_with_a_line(make_gateway):
    gateway = make_gateway(Config().policy("ACCEPTED", max_message_size=65536))
    with Client(gateway.public, helo="client.example") as client:
        assert client.command("MAIL FROM:<a@sender.example> SIZE=65537").code == 552
    gateway.mail_logs.wait_text("ICID 1 Receiving Failed: Message size exceeds limit")
    assert not gateway.mail_json.events("mid_start")
