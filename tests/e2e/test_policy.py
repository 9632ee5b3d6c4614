"""What a mail flow policy says to a client: refusals of any code, the postmaster everywhere, and an
end in time that nobody can hold up."""
import socket
import time

import pytest

from harness.client import Client
from harness.gateway import Config


@pytest.mark.parametrize("code", [554, 550, 500, 599, 421, 450, 400])
def test_reject_with_any_code(make_gateway, code):
    config = Config().policy("ACCEPTED", action="reject", reject_code=code)
    gateway = make_gateway(config)
    with Client(gateway.public, greet=False) as client:
        assert client.read().code == code
        if code < 500:
            assert client.is_closed()
        else:  # RFC 5321 3.1: QUIT and nothing else
            assert client.command("EHLO client.example").code == 503
            assert client.command("MAIL FROM:<a@b.example>").code == 503
            assert client.command("QUIT").code == 221
    with Client(gateway.private, helo="client.example") as client:
        assert client.command("NOOP").code == 250


def test_postmaster_on_a_private_listener_that_accepts(make_gateway):
    config = Config().policy("RELAYED", action="accept")
    gateway = make_gateway(config)
    with Client(gateway.private, helo="client.example") as client:
        assert client.command("MAIL FROM:<>").code == 250
        assert client.command("RCPT TO:<postMaster>").code == 250
        for other in ("a@example.test", "postmaster@victim.example", '"postmaster"@victim.example'):
            assert client.command("RCPT TO:<%s>" % other).code == 550, other


def test_term_does_not_wait_for_a_next_hop_that_is_silent(make_gateway):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = make_gateway(Config(next_hop=silent.getsockname()))
        with Client(gateway.public, helo="client.example") as client:
            assert client.message("a@b.example", "c@example.test", b"Subject: x\r\n\r\nx").code == 250
        gateway.mail_logs.wait(r"New SMTP DCID 1 .*")
        begun = time.monotonic()
        gateway.stop()
        assert time.monotonic() - begun < 10
    gateway.mail_logs.wait(r"DCID 1 TLS none reason .*")
    gateway.mail_logs.wait(r"DCID 1 close")
    gateway.start()
    gateway.mail_logs.wait(r"Connection Error: DCID \d+ domain: example\.test .*")
