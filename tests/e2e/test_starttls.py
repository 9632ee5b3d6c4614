"""STARTTLS on the way in: injection, what is forgotten, what is refused, certificates and tickets."""
import socket
import ssl
import subprocess

import pytest

from harness import wait_until
from harness.client import Client, Closed, client_context
from harness.gateway import Config
from harness.tlsraw import Engine

INJECTED = b"STARTTLS\r\nMAIL FROM:<injected@evil.example>\r\n"


def injection(port, first, second):
    """Sends in two segments; all bytes that come back until the end, or until a TLS handshake has
    been tried and lines behind it were read."""
    with Client(port, helo="client.example") as client:
        client.send(first)
        if second:
            # Segments of their own: the first is with the server before the second leaves.
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.send(second)
        got = b""
        client.sock.settimeout(10)
        try:
            while True:
                more = client.sock.recv(4096)
                if not more:
                    return got, True
                got += more
        except ConnectionResetError:
            return got, True
        except socket.timeout:
            return got, False


@pytest.mark.parametrize("split", [0, *range(1, len(INJECTED))])
def test_injection_at_every_split(shared, split):
    """All after the command's CR LF is never run. Where the split falls so that the 220 was sent
    before the rest arrived, the rest is no TLS: the handshake fails. Either way the connection ends."""
    if split == 0:
        got, is_closed = injection(shared.public, INJECTED, b"")
    else:
        got, is_closed = injection(shared.public, INJECTED[:split], INJECTED[split:])
    assert is_closed
    lines = [line for line in got.split(b"\r\n") if line[:3].isdigit()]
    assert not [line for line in lines if line.startswith(b"250")], got
    shared.settle(0.15)
    assert not shared.mail_json.events("mid_from")


def test_injection_is_logged(gateway):
    got, is_closed = injection(gateway.public, INJECTED, b"")
    assert is_closed and b"250" not in got
    event = gateway.mail_json.wait("icid_injection")
    assert event["level"] in ("warning", "Warning") and event["bytes"] == len(INJECTED) - 10
    gateway.mail_logs.wait_text("ICID %d close" % event["icid"])


def test_nothing_is_left_after_the_handshake(shared):
    with Client(shared.public, helo="before.example") as client:
        client.starttls()
        # RFC 3207 4.2: as at the beginning.
        assert client.command("MAIL FROM:<a@a.example>").code == 503
        words = [line[4:].split()[0] for line in client.ehlo().lines[1:]]
        assert "STARTTLS" not in words
        assert client.command("RCPT TO:<b@example.test>").code == 503
        assert client.command("STARTTLS").code in (503, 554)
        assert client.command("NOOP").code == 250


def test_not_inside_a_message(shared):
    with Client(shared.public, helo="client.example") as client:
        client.envelope()
        assert client.command("STARTTLS").code == 503
        assert client.command("DATA").code == 354


def test_takes_no_argument(shared):
    with Client(shared.public, helo="client.example") as client:
        assert client.command("STARTTLS now").code == 501
        assert client.command("NOOP").code == 250


def test_policy_off(make_gateway):
    gateway = make_gateway(Config().policy("ACCEPTED", tls="off"))
    with Client(gateway.public) as client:
        words = [line[4:].split()[0] for line in client.ehlo().lines[1:]]
        assert "STARTTLS" not in words
        assert client.command("STARTTLS").code == 502


def test_policy_required(make_gateway):
    gateway = make_gateway(Config().policy("ACCEPTED", tls="required"))
    with Client(gateway.public) as client:
        client.ehlo()
        reply = client.command("MAIL FROM:<a@a.example>")
        assert reply.lines == ["530 5.7.0 Must issue a STARTTLS command first"]
        assert client.command("HELP").code == 530
        assert client.command("NOOP").code == 250
        client.starttls()
        client.ehlo()
        assert client.message("a@a.example", "b@example.test", b"Subject: x\r\n\r\nx").code == 250
    with Client(gateway.public) as client:
        client.ehlo()
        assert client.command("MAIL FROM:<a@a.example>").code == 530
    gateway.mail_logs.wait(r"ICID \d+ TLS was required but remote host did not initiate it")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("algorithm", ["ECDSA", "RSA"])
def test_both_certificates(shared, version, algorithm):
    """A client that can only verify one kind of key gets that one."""
    number = getattr(ssl.TLSVersion, version)
    if version == "TLSv1_2":
        context = client_context(minimum_version=number, maximum_version=number,
                                 ciphers="ECDHE-%s-AES256-GCM-SHA384" % algorithm)
        with Client(shared.public, helo="client.example") as client:
            client.starttls(context)
            cipher = client.sock.cipher()[0]
            assert cipher == "ECDHE-%s-AES256-GCM-SHA384" % algorithm
        shared.mail_logs.wait(r"ICID \d+ TLS success protocol TLSv1\.2 cipher " + cipher)
        return
    signatures = {"ECDSA": "ecdsa_secp256r1_sha256", "RSA": "rsa_pss_rsae_sha256"}[algorithm]
    done = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % shared.public, "-starttls", "smtp",
         "-tls1_3", "-sigalgs", signatures], input="QUIT\n", capture_output=True, text=True, check=False)
    assert "Peer signature type: %s" % {"ECDSA": "ECDSA", "RSA": "RSA-PSS"}[algorithm] in done.stdout
    shared.mail_logs.wait(r"ICID \d+ TLS success protocol TLSv1\.3 cipher TLS_AES_\S+")


def test_ecdsa_comes_first(shared):
    """Also when a TLS 1.2 client prefers RSA: signing with it costs twenty times as much."""
    number = ssl.TLSVersion.TLSv1_2
    context = client_context(maximum_version=number,
                             ciphers="ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384")
    with Client(shared.public, helo="client.example") as client:
        client.starttls(context)
        assert client.sock.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tickets(shared, version):
    number = getattr(ssl.TLSVersion, version)
    context = client_context(minimum_version=number, maximum_version=number)

    def session(known):
        client = Client(shared.public, helo="client.example")
        assert client.command("STARTTLS").code == 220
        sock = context.wrap_socket(client.sock, session=known)
        client.sock = sock
        client.ehlo()
        client.command("NOOP")
        found, reused = sock.session, sock.session_reused
        client.command("QUIT")
        client.close()
        return found, reused

    ticket, reused = session(None)
    assert not reused
    _, reused = session(ticket)
    assert reused
    assert shared.mail_json.wait("icid_tls_success", resumed=True)


def test_no_second_hello(shared):
    """The key share of OpenSSL's clients (X25519) is taken: a HelloRetryRequest costs a round trip."""
    with Client(shared.public, helo="client.example") as client:
        client.command("STARTTLS")
        flight, _ = Engine(minimum_version=ssl.TLSVersion.TLSv1_3).step()
        client.send(flight)
        retry_random = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891")  # RFC 8446 4.1.3
        assert retry_random not in client.sock.recv(65536)


def test_old_versions_are_refused(shared):
    with pytest.raises((ssl.SSLError, ConnectionError, Closed)):
        with Client(shared.public, helo="client.example") as client:
            client.starttls(client_context(minimum_version=ssl.TLSVersion.TLSv1,
                                           maximum_version=ssl.TLSVersion.TLSv1_1,
                                           ciphers="ALL:@SECLEVEL=0"))


@pytest.mark.parametrize("how", ["close_notify", "fin", "clear text"])
def test_cut_inside_a_message(gateway, how):
    """The end of TLS inside DATA is no end of the message, and no clear byte is read behind it."""
    with Client(gateway.public, helo="client.example") as client:
        plain = socket.socket(fileno=__import__("os").dup(client.sock.fileno()))
        client.starttls()
        client.ehlo()
        client.envelope()
        assert client.command("DATA").code == 354
        client.send(b"Subject: cut\r\n\r\nhalf")
        if how == "close_notify":
            client.sock.settimeout(2)
            try:
                client.sock.unwrap()
            except (OSError, ssl.SSLError):
                pass
        elif how == "clear text":
            plain.sendall(b"\r\n.\r\n")
        plain.shutdown(socket.SHUT_WR)
        plain.close()
        client.close()
    gateway.mail_logs.wait_text("ICID 1 close")
    assert not gateway.mail_json.events("mid_queued")
    wait_until(gateway.is_alive, 1)
    with Client(gateway.public, helo="client.example") as client:
        assert client.message("a@a.example", "b@example.test", b"Subject: x\r\n\r\nx").code == 250


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
                                   b"CONNECT a:25 HTTP/1.1\r\n\r\n"], ids=["get", "post", "connect"])
def test_web_browsers_are_sent_away(shared, first):
    with Client(shared.public) as client:
        client.send(first + b"MAIL FROM:<a@evil.example>\r\n")
        reply = client.read()
        assert reply.code in (421, 500, 502), reply
        assert client.is_closed()
