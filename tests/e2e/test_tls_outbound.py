"""STARTTLS on the way out: what the next hop can do wrong under None, Preferred and Required, with the
exact lines of the log, and what follows: clear text, another try, or nothing leaves."""
import socket
import ssl

import pytest

from harness import wait_until
from harness.certificates import certificate
from harness.client import send_message
from harness.gateway import Config
from harness.sink import Sink
from harness.tlsraw import HANDSHAKE, alert, record

REFUSAL = b"454 4.7.0 TLS not available at the moment"


def config(port, level):
    """One next hop; tried again soon, so that a test sees the second attempt."""
    return Config(next_hop=("127.0.0.1", port)).destination("example.test", tls=level).bounce(
        initial_retry_s=1, max_retry_s=1)


def server_context(**settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate("ecdsa"))
    context.set_ciphers(settings.pop("ciphers", "DEFAULT:@SECLEVEL=0"))
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def test_required_refused(make_gateway, make_sink):
    sink = make_sink(replies={"STARTTLS": REFUSAL})
    gateway = make_gateway(config(sink.port, "required"))
    send_message(gateway.public)
    error = gateway.mail_logs.wait(
        r"Connection Error: DCID (\d+) domain: example\.test IP: 127\.0\.0\.1 port: %d details: "
        r"454-'4\.7\.0 TLS not available at the moment' interface: 127\.0\.0\.1 "
        r"reason: unexpected SMTP response" % sink.port)
    dcid = int(error.group(1))
    failed = gateway.mail_logs.wait_text("DCID %d TLS failed: STARTTLS unexpected response" % dcid)
    lines = gateway.mail_logs.texts()
    assert lines.index(error.group(0)) < lines.index(failed.group(0))
    gateway.mail_logs.wait(r"Delayed: DCID %d MID 1 .*to RID 0 - 4\.\d\.\d - .*" % dcid)
    wait_until(lambda: sum(1 for _, line in sink.commands if line == b"STARTTLS") >= 2, 15)
    assert not sink.messages
    assert not [line for _, line in sink.commands if line.startswith((b"MAIL", b"RCPT"))]


def test_preferred_refused(make_gateway, make_sink):
    """Before the 220: clear text, on the same connection."""
    sink = make_sink(replies={"STARTTLS": REFUSAL})
    gateway = make_gateway(config(sink.port, "preferred"))
    send_message(gateway.public)
    message = sink.wait()
    assert not message.is_tls
    assert len({number for number, _ in sink.commands}) == 1
    gateway.mail_logs.wait(r"DCID 1 TLS failed: STARTTLS unexpected response")
    gateway.mail_logs.wait_text("Message finished MID 1 done")
    assert not gateway.mail_logs.matching("Connection Error: .*")


@pytest.mark.parametrize("reply", [b"454 x", b"500 x", b"502 x", b"554 x", b"421 x", b"354 x"],
                         ids=lambda v: v[:3].decode())
def test_required_any_refusal(make_gateway, make_sink, reply):
    sink = make_sink(replies={"STARTTLS": reply})
    gateway = make_gateway(config(sink.port, "required"))
    send_message(gateway.public)
    gateway.mail_logs.wait(r"Delayed: DCID \d+ MID 1 .*")
    assert not [line for _, line in sink.commands if line.startswith(b"MAIL")]


@pytest.mark.parametrize("level, leaves", [("none", True), ("preferred", True), ("required", False)])
def test_not_offered(make_gateway, make_sink, level, leaves):
    sink = make_sink(starttls=False)
    gateway = make_gateway(config(sink.port, level))
    send_message(gateway.public)
    if leaves:
        assert not sink.wait().is_tls
    else:
        gateway.mail_logs.wait(r"DCID \d+ IP 127\.0\.0\.1 TLS was required but could not be "
                               r"successfully negotiated")
        assert not [line for _, line in sink.commands if line.startswith(b"MAIL")]
    if level != "none":
        gateway.mail_logs.wait(r"DCID \d+ STARTTLS command not supported")
    else:
        assert gateway.mail_json.wait("dcid_tls_none")["reason"]


def test_none_never_tries(make_gateway, sink):
    gateway = make_gateway(config(sink.port, "none"))
    send_message(gateway.public)
    assert not sink.wait().is_tls
    assert not [line for _, line in sink.commands if line == b"STARTTLS"]


@pytest.mark.parametrize("level", ["preferred", "required"])
def test_offered_is_taken(make_gateway, sink, level):
    gateway = make_gateway(config(sink.port, level))
    send_message(gateway.public, starttls=False)
    assert sink.wait().is_tls
    ehlos = [line for _, line in sink.commands if line.startswith(b"EHLO")]
    assert len(ehlos) == 2 and ehlos[0] == b"EHLO gateway.example.test"


@pytest.mark.parametrize("level", ["preferred", "required"])
def test_no_ehlo(make_gateway, make_sink, level):
    sink = make_sink(replies={"EHLO": b"502 what"})
    gateway = make_gateway(config(sink.port, level))
    send_message(gateway.public)
    if level == "preferred":
        assert not sink.wait().is_tls
        assert [line for _, line in sink.commands if line.startswith(b"HELO")]
    else:
        gateway.mail_logs.wait(r"DCID \d+ IP 127\.0\.0\.1 TLS was required but .*")
        assert not [line for _, line in sink.commands if line.startswith(b"MAIL")]


# After the 220: never clear text because of this failure; deferred, and STARTTLS again.
def raw_after_220(data):
    def act(sock):
        sock.sendall(b"220 sink.example ESMTP\r\n")
        buffer = b""
        while b"STARTTLS\r\n" not in buffer:
            more = sock.recv(4096)
            if not more:
                return
            buffer += more
            if buffer.endswith(b"\r\n") and b"STARTTLS" not in buffer:
                sock.sendall(b"250-sink.example\r\n250 STARTTLS\r\n")
        sock.sendall(b"220 go\r\n")
        sock.recv(4096)
        if data:
            sock.sendall(data)
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            return
        while sock.recv(4096):
            pass
        sock.close()
    return act


FAILURES = {
    "alert handshake failure": (alert(40), "14094410", "SSL3_READ_BYTES:sslv3 alert handshake failure"),
    "alert internal error": (alert(80), "14094438", "SSL3_READ_BYTES:tlsv1 alert internal error"),
    "alert protocol version": (alert(70), "1409442E", "SSL3_READ_BYTES:tlsv1 alert protocol version"),
    "clear text": (b"250 ok, all in clear\r\n", "140770FC", "SSL23_GET_SERVER_HELLO:unknown protocol"),
    "closed": (b"", "140780E5", "SSL23_READ:ssl handshake failure"),
    "wrong record version": (record(HANDSHAKE, b"\2\0\0\0", (2, 0)), "1408F10B",
                             "SSL3_GET_RECORD:wrong version number"),
}


@pytest.mark.parametrize("level", ["preferred", "required"])
@pytest.mark.parametrize("name", FAILURES)
def test_handshake_fails(make_gateway, make_server, level, name):
    data, code, text = FAILURES[name]
    server = make_server(raw_after_220(data))
    gateway = make_gateway(config(server.port, level))
    send_message(gateway.public)
    wanted = "DCID 1 TLS failed: (%d, 'error:%s:SSL routines:%s')" % (int(code, 16), code, text)
    gateway.mail_logs.wait_text(wanted)
    gateway.mail_logs.wait(r"Delayed: DCID 1 MID 1 .*")
    wait_until(lambda: server.accepted >= 2, 15, "a second attempt")
    gateway.mail_logs.wait(r"DCID 2 TLS failed: .*")
    assert not gateway.mail_json.events("message_done")


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ecdsa-p384", "ed25519"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_every_kind_of_certificate(make_gateway, make_sink, kind, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(kind))
    context.maximum_version = getattr(ssl.TLSVersion, version)
    sink = make_sink(context=context)
    gateway = make_gateway(config(sink.port, "required"))
    send_message(gateway.public)
    assert sink.wait().is_tls
    gateway.mail_logs.wait(r"DCID 1 TLS success protocol %s cipher [A-Z0-9_-]+ for example\.test( .*)?"
                           % version.replace("_", r"\."))


def test_old_next_hop_under_required(make_gateway, make_sink):
    sink = make_sink(context=server_context(minimum_version=ssl.TLSVersion.TLSv1,
                                            maximum_version=ssl.TLSVersion.TLSv1_1,
                                            ciphers="ALL:@SECLEVEL=0"))
    gateway = make_gateway(config(sink.port, "required"))
    send_message(gateway.public)
    gateway.mail_logs.wait(r"DCID 1 TLS failed: \(\d+, 'error:[0-9A-F]{8}:SSL routines:\w+:.*'\)")
    gateway.mail_logs.wait(r"Delayed: DCID 1 MID 1 .*")
    assert not sink.messages


@pytest.mark.parametrize("level", ["preferred", "required"])
def test_reply_injection(make_gateway, make_sink, level):
    """Bytes behind the 220 in clear are no replies: the attempt fails, and nothing of it is used."""
    sink = make_sink(replies={"STARTTLS": b"220 go\r\n250 injected\r\n"})
    gateway = make_gateway(config(sink.port, level))
    send_message(gateway.public)
    gateway.mail_logs.wait(r"Delayed: DCID \d+ MID 1 .*")
    assert not sink.messages


def test_ehlo_again_after_the_handshake(make_gateway, make_sink):
    """What was announced before it counts no more: SIZE below the message is only said in clear."""
    def ehlo(_argument, hop):
        is_first = sum(1 for _, line in hop.commands if line.startswith(b"EHLO")) == 1
        return b"250-sink\r\n250-STARTTLS\r\n250 SIZE 10" if is_first else b"250-sink\r\n250 SIZE 100000"
    sink = make_sink(replies={"EHLO": ehlo})
    gateway = make_gateway(config(sink.port, "required"))
    send_message(gateway.public)
    assert sink.wait().is_tls


def test_two_requirements_share_no_connection(make_gateway, sink):
    """Same host, one domain Required, the other None: each on its own connection."""
    settings = Config(next_hop=("127.0.0.1", sink.port)).accept("clear.example")
    settings.destination("example.test", tls="required").destination("clear.example", tls="none")
    gateway = make_gateway(settings)
    for _ in range(2):
        send_message(gateway.public, recipient="a@example.test")
        send_message(gateway.public, recipient="a@clear.example")
    sink.wait(4)
    by_connection = {}
    for message in sink.messages:
        by_connection.setdefault(message.connection, set()).add(message.recipients[0].split("@")[1])
    assert all(len(domains) == 1 for domains in by_connection.values()), by_connection
    assert all(m.is_tls == (m.recipients == ["a@example.test"]) for m in sink.messages)


def test_connection_is_reused(make_gateway, sink):
    gateway = make_gateway(config(sink.port, "required").destination(
        "Default", tls="preferred", max_connections=1, max_messages_per_connection=3))
    for number in range(6):
        send_message(gateway.public, b"Subject: %d\r\n\r\nx" % number)
    sink.wait(6)
    connections = [m.connection for m in sink.messages]
    assert max(connections.count(each) for each in connections) > 1, connections
    assert max(connections.count(each) for each in connections) <= 3, connections


def test_lost_before_the_220(make_gateway, make_sink):
    """Preferred: the next host is asked, where there is one; a host that answers takes it by TLS."""
    bad = make_sink(replies={"STARTTLS": b""})
    good = Sink()
    try:
        settings = config(bad.port, "preferred")
        settings.data["smtp-routes"][0]["targets"] = [
            {"host": "[127.0.0.1]", "port": bad.port, "priority": 0},
            {"host": "[127.0.0.1]", "port": good.port, "priority": 10}]
        gateway = make_gateway(settings)
        send_message(gateway.public)
        assert good.wait().is_tls
        assert not bad.messages
    finally:
        good.close()
