"""One message from a client to the blackhole: by STARTTLS on the way in and on the way out, with each
line of both logs. The clients are those an administrator has: swaks and Python's smtplib."""
import re
import smtplib
import subprocess

import pytest

from harness.client import Client, client_context, send_message
from harness.gateway import Config, Gateway
from harness.sink import read_ledger

ANY_IP = r"127\.0\.0\.1"
CIPHER = r"[A-Z0-9_-]+"
PROTOCOL = r"TLSv1\.[23]"


@pytest.fixture
def required(make_gateway):
    """As the demonstration set-up: the destination must take TLS."""
    return make_gateway(Config().destination("example.test", tls="required"))


def whole_journey(gateway, mid=1):
    """The MID's lines end with `Message finished`; the DCID that took it."""
    gateway.mail_logs.wait_text("Message finished MID %d done" % mid)
    return gateway.mail_json.wait("message_done", mid=mid)["dcid"]


def test_swaks_by_tls_arrives_encrypted(required):
    done = subprocess.run(
        ["swaks", "--server", "127.0.0.1", "--port", str(required.public), "--tls",
         "--from", "you@example.org", "--to", "someone@example.test", "--helo", "client.example",
         "--header", "Subject: first message"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"<~  250 2\.0\.0 ok: Message \d+ accepted", done.stdout), done.stdout
    dcid = whole_journey(required)
    assert required.mail_json.wait("dcid_tls_success", dcid=dcid)["domain"] == "example.test"
    counted = required.mail_json.wait("icid_counted", messages=1, seconds=90)
    assert counted["bytes"] > 100


def test_smtplib_by_tls_and_clear(required):
    for starttls in (True, False):
        with smtplib.SMTP("127.0.0.1", required.public, "client.example", timeout=30) as client:
            client.ehlo()
            if starttls:
                client.starttls(context=client_context())
                client.ehlo()
            assert client.sendmail("you@example.org", ["someone@example.test"],
                                   "Subject: smtplib\r\n\r\nHello.\r\n") == {}
    whole_journey(required, 1)
    whole_journey(required, 2)


def test_every_line_in_order(required):
    content = b"Message-ID: <one@client.example>\r\nSubject: first message\r\n\r\nHello."
    reply = send_message(required.public, content, "you@example.org", "someone@example.test")
    assert reply.lines == ["250 2.0.0 ok: Message 1 accepted"]
    dcid = whole_journey(required)
    next_hop = required.blackhole
    # The same process is at both ends: ICID 1 is the client's, the blackhole's is another one.
    required.mail_logs.in_order(
        r"New SMTP ICID 1 interface Loopback \(%s\) address %s reverse dns host \S+ verified (yes|no)"
        % (ANY_IP, ANY_IP),
        r"ICID 1 ACCEPT SG UNKNOWN match ALL SBRS None",
        r"ICID 1 TLS success protocol %s cipher %s" % (PROTOCOL, CIPHER),
        r"Start MID 1 ICID 1",
        r"MID 1 ICID 1 From: <you@example\.org>",
        r"MID 1 ICID 1 RID 0 To: <someone@example\.test>",
        r"MID 1 Message-ID '<one@client\.example>'",
        r"MID 1 Subject 'first message'",
        r"MID 1 ready \d+ bytes from <you@example\.org>",
        r"MID 1 queued for delivery",
        r"New SMTP DCID %d interface %s address %s port %d" % (dcid, ANY_IP, ANY_IP, next_hop),
        r"DCID %d TLS success protocol %s cipher %s for example\.test" % (dcid, PROTOCOL, CIPHER),
        r"Delivery start DCID %d MID 1 to RID \[0\]" % dcid,
        r"Message done DCID %d MID 1 to RID \[0\]" % dcid,
        r"MID 1 RID \[0\] Response '2\.0\.0 ok'",
        r"Message finished MID 1 done")
    required.mail_logs.wait_text("ICID 1 close")
    required.stop()
    required.mail_logs.wait_text("DCID %d close" % dcid)
    # "Message finished" is the last line of a MID.
    assert required.mail_logs.of("MID", 1)[-1] == "Message finished MID 1 done"


def test_blackhole_gives_no_mid(gateway):
    reply = send_message(gateway.blackhole)
    assert reply.code == 250, reply
    gateway.mail_logs.wait(r"ICID 1 blackhole counted 1 messages \d+ bytes")
    gateway.mail_logs.wait_text("ICID 1 close")
    assert gateway.mail_logs.matching(r"ICID 1 TLS success protocol .*")
    assert not [t for t in gateway.mail_logs.texts() if "MID" in t.split()]
    assert not gateway.mail_json.events("mid_start")


def test_tls_none_is_said_too(gateway):
    send_message(gateway.public, starttls=False)
    event = gateway.mail_json.wait("icid_tls_none", icid=1)
    assert event["tls"] == "none" and event["reason"]


def test_verified_matched_name_why(required):
    """Every outbound handshake is evaluated, though no level here asks for it."""
    send_message(required.public)
    event = required.mail_json.wait("dcid_tls_success")
    assert event["verified"] is False and event["why"] and "matched_name" in event


def test_received_header(make_gateway, sink):
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    send_message(gateway.public)
    head = sink.wait().head.decode()
    first = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")[0]
    assert re.match(r"Received: from client\.example \(.*127\.0\.0\.1.*\) .*by gateway\.example\.test "
                    r".*with ESMTPS.* id ", first), first
    assert re.search(r"\(.*TLSv?1\.[23].*\)", first), first
    assert re.search(r"; [A-Z][a-z]{2}, [ 0-9]?\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$", first)
    assert sink.messages[0].is_tls

    send_message(gateway.public, starttls=False)
    first = re.sub(r"\r\n[ \t]+", " ", sink.wait(2).head.decode()).split("\r\n")[0]
    assert " with ESMTP id " in first and "TLS" not in first, first


def test_loop_limit(gateway):
    hops = b"".join(b"Received: from a by b; Thu, 01 Jan 2026 00:00:00 +0000\r\n" for _ in range(101))
    reply = send_message(gateway.public, hops + b"Subject: loop\r\n\r\nx")
    assert (reply.code, reply.text[:5]) == (554, "5.4.6"), reply
    assert send_message(gateway.public).code == 250


def test_texts_and_enhanced_codes(shared):
    with Client(shared.public) as client:
        assert re.match(r"220 gateway\.example\.test ESMTP", client.greeting.lines[0])
        ehlo = client.ehlo()
        words = [line[4:].split()[0] for line in ehlo.lines[1:]]
        assert set(words) == {"PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "STARTTLS"}
        assert client.command("MAIL FROM:<x@a.example>").lines == ["250 2.1.0 sender <x@a.example> ok"]
        assert client.command("RCPT TO:<y@example.test>").lines == \
            ["250 2.1.5 recipient <y@example.test> ok"]
        assert client.command("RCPT TO:<y@elsewhere.example>").code == 550
        assert client.command("RCPT TO:<Postmaster>").code == 250
        assert client.command("DATA").lines == ["354 go ahead"]
        client.send(b"Subject: t\r\n\r\n.\r\n")
        assert re.fullmatch(r"250 2\.0\.0 ok: Message \d+ accepted", client.read().lines[0])
        for line, code in (("VRFY y@example.test", 252), ("HELP", 214), ("NOOP", 250), ("RSET", 250),
                           ("EXPN list", 502), ("NONSENSE", 500), ("DATA", 503), ("RCPT TO:<a@b>", 503)):
            reply = client.command(line)
            assert reply.code == code, (line, reply)
            assert re.match(r"%d\.\d+\.\d+ " % (code // 100), reply.text), (line, reply)
        assert client.command("QUIT").code == 221
        assert client.is_closed()


@pytest.mark.parametrize("size", [1, 70000, 140000, 3000000])
def test_every_size_unchanged(make_gateway, make_bench_sink, make_load, tmp_path, size):
    """In memory, at the limit to a file of its own, far beyond it."""
    hop = make_bench_sink(tmp_path / "sink")
    gateway = make_gateway(Config(next_hop=("127.0.0.1", hop.port)))
    result = make_load(gateway.public, "--messages", 6, "--sessions", 3, "--size", size, "--starttls",
                       ledger=tmp_path / "load").wait()
    assert result["messages"] == 6, result
    gateway.wait_idle(6)
    assert sorted(hop.entries()) == sorted(read_ledger(tmp_path / "load"))


def test_one_directory_two_starts(make_gateway, tmp_path):
    """Numbers never repeat, the configuration is the stored one."""
    gateway = make_gateway()
    send_message(gateway.public)
    whole_journey(gateway, 1)
    assert gateway.stop() == 0
    again = Gateway(gateway.directory, gateway.config)
    try:
        again.start()
        send_message(again.public)
        last = again.mail_json.wait("mid_start", count=2)
        assert last["mid"] > 1 and last["icid"] > 1
    finally:
        assert again.stop() == 0
