"""Each cause in the table of failed handshakes, made by a handshake that really fails, and the very line
of the mail log. The first column is what the peer does, the second the line's (number, text)."""
import ssl
import subprocess
import time

import pytest

from harness.certificates import certificate
from harness.client import Client, client_context
from harness.tlsraw import (APPLICATION, CHANGE_CIPHER, HANDSHAKE, alert, client_hello, cuts,
                            cuts_after_flight, handshake, last_flight, record, rewrite_hello, sends)

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ONLY12 = {"maximum_version": V12}
ONLY13 = {"minimum_version": V13}
P256 = {"curve": "prime256v1"}


def wraps(**settings):
    """A whole client that fails by itself."""
    def act(sock):
        context = client_context(**settings)
        try:
            context.wrap_socket(sock, server_hostname="gateway.example.test")
        except (ssl.SSLError, OSError):
            pass
    return act


def verifies(version):
    """A client that trusts another authority: it says `unknown ca`."""
    def act(sock):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = context.maximum_version = version
        context.check_hostname = False
        context.load_verify_locations(certificate("ecdsa", "another-ca.example")[0])
        with pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(sock).recv(1)
    return act


def flip_last(all_records):
    damaged = bytearray(all_records[-1])
    damaged[-1] ^= 1
    return b"".join(all_records[:-1]) + bytes(damaged)


def flip_point(all_records):
    """The client's public point is no longer on its curve."""
    damaged = bytearray(all_records[0])
    damaged[-1] ^= 1
    return bytes(damaged) + b"".join(all_records[1:])


def short_point(all_records):
    return handshake(16, b"\x01\x04", version=(3, 3)) + b"".join(all_records[1:])


def hello(**changes):
    settings = changes.pop("settings", ONLY12)
    return lambda: rewrite_hello(client_hello(**settings), **changes)


SSL2_HELLO = b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x01\x00\x80" * 7 + b"c" * 16

READ_BYTES = "SSL routines:SSL3_READ_BYTES:"
HELLO = "SSL routines:SSL3_GET_CLIENT_HELLO:"
HELLO23 = "SSL routines:SSL23_GET_CLIENT_HELLO:"
RECORD = "SSL routines:SSL3_GET_RECORD:"
MESSAGE = "SSL routines:SSL3_GET_MESSAGE:"

CAUSES = {
    # not TLS at all
    "a command in clear text": (sends(b"EHLO client.example\r\n"), "140760FC", HELLO23 + "unknown protocol"),
    "noise": (sends(b"\x00\xff\x00\xff\x00\xff\x00\xff"), "140760FC", HELLO23 + "unknown protocol"),
    "http": (sends(b"GET / HTTP/1.1\r\n\r\n"), "1407609C", HELLO23 + "http request"),
    "http post": (sends(b"POST / HTTP/1.1\r\n\r\n"), "1407609C", HELLO23 + "http request"),
    "https proxy": (sends(b"CONNECT a:443 HTTP/1.1\r\n\r\n"), "1407609B", HELLO23 + "https proxy request"),
    "SSL 2.0 hello": (sends(SSL2_HELLO), "14076102", HELLO23 + "unsupported protocol"),
    # nothing in common
    "no shared cipher": (wraps(ciphers="ADH-AES128-SHA256:@SECLEVEL=0", **ONLY12), "1408A0C1",
                         HELLO + "no shared cipher"),
    "no shared cipher, by hand": (sends(hello(suites=b"\x00\x05")), "1408A0C1", HELLO + "no shared cipher"),
    "TLS 1.1": (wraps(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1,
                      ciphers="ALL:@SECLEVEL=0"), "14076102", HELLO23 + "unsupported protocol"),
    "SSL 3.0": (sends(hello(version=b"\x03\x00")), "14076102", HELLO23 + "unsupported protocol"),
    "fallback": (sends(hello(suites=b"\xc0\x2b\xc0\x2f\x56\x00")), "1408A175",
                 HELLO + "inappropriate fallback"),
    # what the client says is wrong with us
    "unknown ca, TLS 1.2": (verifies(V12), "14094418", READ_BYTES + "tlsv1 alert unknown ca"),
    "unknown ca, TLS 1.3": (verifies(V13), "14094418", READ_BYTES + "tlsv1 alert unknown ca"),
    "alert unexpected message": (sends(alert(10)), "140943F2", READ_BYTES + "sslv3 alert unexpected message"),
    "alert bad record mac": (sends(alert(20)), "140943FC", READ_BYTES + "sslv3 alert bad record mac"),
    "alert handshake failure": (sends(alert(40)), "14094410", READ_BYTES + "sslv3 alert handshake failure"),
    "alert bad certificate": (sends(alert(42)), "14094412", READ_BYTES + "sslv3 alert bad certificate"),
    "alert unsupported certificate": (sends(alert(43)), "14094413",
                                      READ_BYTES + "sslv3 alert unsupported certificate"),
    "alert certificate revoked": (sends(alert(44)), "14094414",
                                  READ_BYTES + "sslv3 alert certificate revoked"),
    "alert certificate expired": (sends(alert(45)), "14094415",
                                  READ_BYTES + "sslv3 alert certificate expired"),
    "alert certificate unknown": (sends(alert(46)), "14094416",
                                  READ_BYTES + "sslv3 alert certificate unknown"),
    "alert illegal parameter": (sends(alert(47)), "14094417", READ_BYTES + "sslv3 alert illegal parameter"),
    "alert access denied": (sends(alert(49)), "14094419", READ_BYTES + "tlsv1 alert access denied"),
    "alert decode error": (sends(alert(50)), "1409441A", READ_BYTES + "tlsv1 alert decode error"),
    "alert decrypt error": (sends(alert(51)), "1409441B", READ_BYTES + "tlsv1 alert decrypt error"),
    "alert protocol version": (sends(alert(70)), "1409442E", READ_BYTES + "tlsv1 alert protocol version"),
    "alert insufficient security": (sends(alert(71)), "1409442F",
                                    READ_BYTES + "tlsv1 alert insufficient security"),
    "alert internal error": (sends(alert(80)), "14094438", READ_BYTES + "tlsv1 alert internal error"),
    "alert no renegotiation": (sends(alert(100)), "1409444C", READ_BYTES + "tlsv1 alert no renegotiation"),
    # cut at each flight
    "cut before the first byte": (cuts(), "140780E5", "SSL routines:SSL23_READ:ssl handshake failure"),
    "cut inside the hello": (cuts(lambda: client_hello()[:50]), "140760E5",
                             HELLO23 + "ssl handshake failure"),
    "cut after the hello, TLS 1.2": (cuts(lambda: client_hello(**ONLY12)), "1408B0E5",
                                     "SSL routines:SSL3_GET_CLIENT_KEY_EXCHANGE:ssl handshake failure"),
    "cut after the server's flight, TLS 1.2": (
        cuts_after_flight(**ONLY12), "1408B0E5",
        "SSL routines:SSL3_GET_CLIENT_KEY_EXCHANGE:ssl handshake failure"),
    "cut after the key exchange": (last_flight(lambda r: r[0], True, **ONLY12), "1408C0E5",
                                   "SSL routines:SSL3_GET_FINISHED:ssl handshake failure"),
    "cut after the server's flight, TLS 1.3": (
        cuts_after_flight(**ONLY13), "1408B0E5",
        "SSL routines:SSL3_GET_CLIENT_KEY_EXCHANGE:ssl handshake failure"),
    # records and messages that must not be
    "wrong version in the record": (sends(record(HANDSHAKE, b"\x01\x00\x00\x00", (2, 0))), "1408F10B",
                                    RECORD + "wrong version number"),
    "data before the handshake": (sends(record(APPLICATION, b"hello")), "140940F5",
                                  READ_BYTES + "unexpected record"),
    "change of cipher, then nothing": (cuts(record(CHANGE_CIPHER, b"\x01")), "140760E5",
                                       HELLO23 + "ssl handshake failure"),
    "record too long": (sends(record(HANDSHAKE, b"\x01" * 20000)), "1408F0C6",
                        RECORD + "packet length too long"),
    "another message first": (sends(handshake(2, b"\x03\x03" + b"r" * 36)), "1408E0F4",
                              MESSAGE + "unexpected message"),
    "hello with a wrong length": (sends(handshake(1, b"\x03\x03" + b"r" * 10)), "1408E09F",
                                  MESSAGE + "length mismatch"),
    "hello that promises a lot": (cuts(handshake(1, b"\x03\x03" + b"r" * 100, 0xffffff)), "140760E5",
                                  HELLO23 + "ssl handshake failure"),
    "damaged finished, TLS 1.2": (last_flight(flip_last, **ONLY12), "1408F119",
                                  RECORD + "decryption failed or bad record mac"),
    "damaged finished, TLS 1.3": (last_flight(flip_last, **ONLY13), "1408F119",
                                  RECORD + "decryption failed or bad record mac"),
    "public point off its curve": (last_flight(flip_point, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256",
                                               **P256, **ONLY12), "1408B132",
                                    "SSL routines:SSL3_GET_CLIENT_KEY_EXCHANGE:bad ecpoint"),
    "public point too short": (last_flight(short_point, **P256, **ONLY12), "1408B132",
                               "SSL routines:SSL3_GET_CLIENT_KEY_EXCHANGE:bad ecpoint"),
}


def session(port, act):
    with Client(port, helo="client.example") as client:
        assert client.command("STARTTLS").code == 220
        act(client.sock)


def last_icid(gateway):
    return max((e["icid"] for e in gateway.mail_json.events("icid_open")), default=0)


@pytest.mark.parametrize("name", CAUSES)
def test_inbound(shared, name):
    act, code, text = CAUSES[name]
    before = last_icid(shared)
    session(shared.public, act)
    icid = shared.mail_json.wait("icid_tls_failed", count=1, icid=before + 1)["icid"]
    shared.mail_logs.wait_text("ICID %d close" % icid)
    lines = shared.mail_logs.of("ICID", icid)
    wanted = "ICID %d TLS failed: (%d, 'error:%s:%s')" % (icid, int(code or "0", 16), code, text)
    assert lines[-3:] == [wanted, "ICID %d lost" % icid, "ICID %d close" % icid]


def test_silence_ends_at_the_deadline(make_gateway):
    """LIMIT_SMTP_HANDSHAKE_MS, whatever trickles in: a promise of 16 MiB is not waited for longer."""
    gateway = make_gateway()
    with Client(gateway.public, helo="a.example") as silent, Client(gateway.public, helo="b.example") as busy:
        for client in (silent, busy):
            assert client.command("STARTTLS").code == 220
        busy.send(handshake(1, b"\x03\x03" + b"r" * 100, 0xffffff))
        end = time.monotonic() + 29
        while time.monotonic() < end and len(gateway.mail_json.events("icid_tls_failed")) == 0:
            busy.send(record(HANDSHAKE, b"r" * 100))
            time.sleep(0.5)
        for icid in (1, 2):
            gateway.mail_logs.wait_text("ICID %d TLS failed: (0, 'error:00000000:SSL routines:GNUTLS:"
                                        "handshake timed out')" % icid, 10)


def test_the_number_is_the_code():
    """As the vendor's example has it."""
    assert int("1408A0C1", 16) == 336109761


def test_s_client_without_a_shared_cipher(shared):
    """The same by openssl's own client, the one that administrators have."""
    before = last_icid(shared)
    subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % shared.public, "-starttls", "smtp",
                    "-tls1_2", "-cipher", "ADH-AES128-SHA256:@SECLEVEL=0"], input=b"", check=False,
                   capture_output=True, timeout=30)
    shared.mail_logs.wait_text("ICID %d TLS failed: (336109761, 'error:1408A0C1:SSL routines:"
                               "SSL3_GET_CLIENT_HELLO:no shared cipher')" % (before + 1))


def test_gnutls_cli_that_verifies(shared):
    before = last_icid(shared)
    subprocess.run(["gnutls-cli", "--starttls-proto=smtp", "--port", str(shared.public), "127.0.0.1",
                    "--x509cafile", certificate("ecdsa", "another-ca.example")[0]], input=b"",
                   check=False, capture_output=True, timeout=30)
    event = shared.mail_json.wait("icid_tls_failed", icid=before + 1)
    assert event["tls"] == "failed" and event["reason"].startswith("error:"), event
