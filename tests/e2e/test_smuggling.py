"""SMTP smuggling: only CR LF . CR LF ends a message. Each other ending is tried by name, inbound, clear
and by TLS, whole and in two pieces, inside a message that is taken and in one that is skipped for its
size; and what leaves is looked at byte by byte."""
import re

import pytest

from harness import wait_until
from harness.client import Client
from harness.gateway import Config

ENDINGS = {
    "lf dot lf": b"\n.\n",
    "cr dot cr": b"\r.\r",
    "cr dot lf": b"\r.\n",
    "lf dot cr": b"\n.\r",
    "lf dot crlf": b"\n.\r\n",
    "crlf dot lf": b"\r\n.\n",
    "cr dot crlf": b"\r.\r\n",
    "crlf dot cr": b"\r\n.\r",
    "crlf nul dot crlf": b"\r\n\0.\r\n",
    "crlf dot nul crlf": b"\r\n.\0\r\n",
    "crlf dot cr crlf": b"\r\n.\r\r\n",
    "cr crlf dot cr crlf": b"\r\r\n.\r\r\n",
    "cr crlf dot crlf after cr": b"x\r\r\n.\n\r\n",
}
SMUGGLED = (b"MAIL FROM:<smuggled@evil.example>\r\nRCPT TO:<victim@example.test>\r\nDATA\r\n"
            b"Subject: smuggled\r\n\r\nsmuggled\r\n.\r\n")


def in_step(client):
    """No reply is left over, and the session goes on."""
    reply = client.command("NOOP")
    assert reply.code == 250, reply
    assert client.held == b""


@pytest.mark.parametrize("starttls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("name", ENDINGS)
def test_ending_is_none(shared, name, starttls):
    ending = ENDINGS[name]
    before = len(shared.mail_json.events("mid_queued"))
    for split in [None, *range(1, len(ending))]:
        with Client(shared.public, helo="client.example") as client:
            if starttls:
                client.starttls()
                client.ehlo()
            client.envelope("a@a.example", "b@example.test")
            assert client.command("DATA").code == 354
            head = b"Subject: outer\r\n\r\nouter"
            if split is None:
                client.send(head + ending + SMUGGLED)
            else:
                client.send(head + ending[:split])
                client.send(ending[split:] + SMUGGLED)
            reply = client.read()
            assert (reply.code, reply.text[:5]) == (554, "5.6.0"), reply
            in_step(client)
    shared.settle()
    assert len(shared.mail_json.events("mid_queued")) == before
    assert not shared.mail_json.events("mid_from", **{"from": "smuggled@evil.example"})
    assert shared.mail_json.events("icid_receiving_failed")[-1]["code"] == 554
    assert shared.is_alive()


@pytest.mark.parametrize("name", ENDINGS)
def test_ending_is_none_while_skipping(make_gateway, name):
    """The message is too big already: its rest is thrown away, up to the true end."""
    gateway = make_gateway(Config().policy("ACCEPTED", max_message_size=65536))
    with Client(gateway.public, helo="client.example") as client:
        client.envelope("a@a.example", "b@example.test")
        assert client.command("DATA").code == 354
        client.send(b"Subject: big\r\n\r\n" + b"x" * 70 * 1000 + ENDINGS[name] + SMUGGLED)
        assert client.read().code in (552, 554)
        in_step(client)
    gateway.settle()
    assert not gateway.mail_json.events("mid_from", **{"from": "smuggled@evil.example"})
    assert not gateway.mail_json.events("mid_queued")


@pytest.mark.parametrize("bare", [b"\n", b"\r", b"\n\n", b"\r\r"], ids=["lf", "cr", "lflf", "crcr"])
def test_bare_line_ends_are_refused_and_said_why(shared, bare):
    with Client(shared.public, helo="client.example") as client:
        reply = client.message("a@a.example", "b@example.test", b"Subject: x\r\n\r\none" + bare + b"two")
        assert (reply.code, reply.text[:5]) == (554, "5.6.0"), reply
        reply = client.message("a@a.example", "b@example.test", b"Subject: x\r\n\r\nclean")
        assert reply.code == 250, reply
    reasons = shared.mail_json.events("icid_receiving_failed")
    assert re.search(r"bare (CR|LF)|CR or LF", reasons[-1]["reason"], re.I), reasons[-1]


@pytest.mark.parametrize("line", [b"NOOP\n", b"NOOP\r", b"NOOP\rRSET\r\n", b"RSET\nNOOP\r\n", b"NO\0OP\r\n"],
                         ids=lambda v: repr(v))
def test_commands_need_crlf(shared, line):
    with Client(shared.public, helo="client.example") as client:
        client.send(line if line.endswith(b"\r\n") else line + b"\r\n")
        reply = client.read()
        assert 500 <= reply.code < 600, reply


# What clients send properly and a careless relay would damage.
BODIES = {
    "one dot": b".",
    "two dots": b"..",
    "dot and text": b".text",
    "three dots": b"...",
    "dot between lines": b"a\r\n.\r\nb",
    "dots at the end": b"a\r\n.\r\n..\r\n...",
    "empty": b"",
    "empty lines": b"\r\n\r\n\r\n",
    "eight bits": bytes(range(128, 256)),
    "long line": b"x" * 900,
}


def stuffed(body):
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in body.split(b"\r\n"))


@pytest.mark.parametrize("starttls", [False, True], ids=["clear", "tls"])
def test_what_leaves_is_what_came(make_gateway, make_sink, starttls):
    sink = make_sink(starttls=starttls)
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    for number, (name, body) in enumerate(BODIES.items(), 1):
        with Client(gateway.public, helo="client.example") as client:
            content = b"Subject: " + name.encode() + b"\r\n\r\n" + stuffed(body)
            assert client.message("a@a.example", "b@example.test", content).code == 250, name
        received = sink.wait(number)
        assert received.body == body + b"\r\n", (name, received.body[:80])
        bare = re.findall(rb"(?<!\r)\n|\r(?!\n)", received.data)
        assert not bare, (name, bare)


def test_dots_at_every_chunk_edge(make_gateway, sink):
    """Lines of one dot and more, so that they fall on the edges of every buffer on the way."""
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    for count, shift in enumerate((0, 1, 2, 3, 4), 1):
        body = b"y" * shift + b"\r\n" + b"\r\n".join([b".", b"..", b".x", b""] * 20000)
        with Client(gateway.public, helo="client.example") as client:
            reply = client.message("a@a.example", "b@example.test",
                                   b"Subject: d\r\n\r\n" + stuffed(body))
            assert reply.code == 250, reply
        assert sink.wait(count, 30).body == body + b"\r\n"


def test_nothing_smuggled_leaves(make_gateway, sink):
    """All endings once more, with a next hop that shows what it gets."""
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    for ending in ENDINGS.values():
        with Client(gateway.public, helo="client.example") as client:
            client.envelope("a@a.example", "b@example.test")
            client.command("DATA")
            client.send(b"Subject: outer\r\n\r\nouter" + ending + SMUGGLED)
            client.read()
    with Client(gateway.public, helo="client.example") as client:
        client.message("last@a.example", "b@example.test", b"Subject: last\r\n\r\nlast")
    wait_until(lambda: sink.messages, 15)
    assert [m.mail.split(b" ")[0] for m in sink.messages] == [b"FROM:<last@a.example>"]
