"""Debian's Postfix as next hop and as client, clear and by STARTTLS: content arrives unchanged."""
import re

import pytest

from harness.certificates import certificate
from harness.client import Client, send_message
from harness.gateway import Config

BODY = (b"Subject: through Postfix\r\nMessage-ID: <1@client.example>\r\n"
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nFrom: <a@sender.example>\r\n\r\n"
        b"first\r\n..dot\r\n..\r\n" + b"x" * 900 + b"\r\nend")
PLAIN = BODY.replace(b"\r\n..", b"\r\n.") + b"\r\n"


def tls_settings(level):
    cert, key = certificate("ecdsa", "postfix.example")
    return {"smtpd_tls_security_level": level, "smtpd_tls_cert_file": cert, "smtpd_tls_key_file": key,
            "smtpd_tls_loglevel": "1", "smtp_tls_loglevel": "1"}


@pytest.mark.parametrize("level", ["none", "preferred", "required"])
def test_postfix_is_the_next_hop(make_gateway, make_postfix, make_sink, level):
    sink = make_sink()
    postfix = make_postfix(relayhost="[127.0.0.1]:%d" % sink.port, smtp_tls_security_level="may",
                           **tls_settings("may"))
    gateway = make_gateway(Config(next_hop=("127.0.0.1", postfix.port)).destination("example.test",
                                                                                   tls=level))
    for _ in range(3):
        assert send_message(gateway.public, BODY).code == 250
    for number in range(1, 4):
        assert sink.wait(number, 30).content.endswith(PLAIN)
    gateway.wait_idle(3)
    lines = gateway.mail_logs.matching(r"DCID \d+ TLS success protocol TLSv1\.3 cipher TLS_AES_\S+ "
                                       r"for example\.test")
    assert bool(lines) == (level != "none")
    assert ("TLS connection established from" in postfix.read_log()) == (level != "none")
    gateway.mail_logs.wait(r"MID 1 RID \[0\] Response '.*[Oo]k: queued as [0-9A-F]+'")


@pytest.mark.parametrize("level", ["none", "may", "encrypt"])
def test_postfix_is_the_client(make_gateway, make_postfix, sink, level):
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    postfix = make_postfix(relayhost="[127.0.0.1]:%d" % gateway.public, smtp_tls_security_level=level,
                           **tls_settings("may"))
    for _ in range(3):
        assert send_message(postfix.port, BODY).code == 250
    for number in range(1, 4):
        assert sink.wait(number, 30).content.endswith(PLAIN)
    gateway.mail_logs.wait(r"ICID 1 " + ("TLS none reason .*" if level == "none" else
                                         r"TLS success protocol TLSv1\.3 cipher TLS_AES_\S+"))
    assert re.search(r"status=sent \(250 2\.0\.0 ok: Message \d+ accepted\)", postfix.read_log())


def test_postfix_refuses_what_it_does_not_relay(make_gateway, make_postfix, make_sink):
    reports = make_sink()
    postfix = make_postfix(smtpd_relay_restrictions="reject_unauth_destination", mynetworks="192.0.2.0/24",
                           **tls_settings("may"))
    gateway = make_gateway(Config(next_hop=("127.0.0.1", postfix.port)).route("sender.example",
                                                                              reports.port))
    send_message(gateway.public, BODY)
    assert b"554 5.7.1" in reports.wait(1, 30).content
    gateway.mail_logs.wait(r"Bounced: DCID \d+ MID 1 .*- 5\.\d\.\d - .* \('554', \[.*[Rr]elay access denied"
                           r".*\]\) \[\]")


def test_postfix_demands_tls(make_gateway, make_postfix, sink):
    """smtpd_tls_security_level = encrypt: 530 without; preferred on our side is enough."""
    postfix = make_postfix(relayhost="[127.0.0.1]:%d" % sink.port, **tls_settings("encrypt"))
    with Client(postfix.port, helo="x.example") as client:
        assert client.command("MAIL FROM:<a@b.example>").code == 530
    gateway = make_gateway(Config(next_hop=("127.0.0.1", postfix.port)))
    send_message(gateway.public, BODY)
    assert sink.wait(1, 30).content.endswith(PLAIN)
