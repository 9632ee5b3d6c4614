"""Deadlines and caps: what a client may not do for long, or with too many.

A deadline is shown by a client that keeps sending: the library's own timeout begins anew with each
byte. `trickle` paces itself by waiting for an answer that should not come."""
import socket

import pytest

from echo import SECONDS, Closed
from harness import PATIENCE, wait_until

LONG = 3600000


def trickle(client, data, pause=0.02):
    """Sends DATA byte by byte until the server has ended the connection; False: it took it all."""
    client.sock.settimeout(pause)
    for byte in data:
        try:
            client.sock.sendall(bytes([byte]))
            if not client.fill():
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


SLOW_HEAD = b"GET /slow HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 5000


# --- deadlines ------------------------------------------------------------------------------------


def test_silent_handshake(make_echo):
    echo = make_echo(head_ms=300)
    with socket.create_connection(("127.0.0.1", echo.https), SECONDS) as raw:
        assert raw.recv(1) == b""
    with socket.create_connection(("127.0.0.1", echo.https), SECONDS) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01")  # the start of a ClientHello
        assert raw.recv(1) == b""
    assert echo.count()["late"] == 2


def test_slow_head(make_echo):
    echo = make_echo(head_ms=500 * PATIENCE)
    with echo.tls() as client:
        assert trickle(client, SLOW_HEAD)
    assert echo.count()["late"] == 1


def test_slow_head_of_the_second_request(make_echo):
    echo = make_echo(head_ms=500 * PATIENCE, idle_ms=LONG)
    with echo.tls() as client:
        assert client.ask().status == 200
        assert trickle(client, SLOW_HEAD)
    assert echo.count()["late"] == 1


def test_slow_request_line_of_the_second_request(make_echo):
    """Until its line is whole, the time between requests runs on."""
    echo = make_echo(idle_ms=500 * PATIENCE)
    with echo.tls() as client:
        assert client.ask().status == 200
        assert trickle(client, b"GET /" + b"a" * 5000)
    assert echo.count()["late"] == 1


def test_idle(make_echo):
    echo = make_echo(idle_ms=300)
    with echo.tls() as client:
        assert client.ask().status == 200
        assert client.is_closed()
    assert echo.count()["late"] == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 5000", b"Transfer-Encoding: chunked"])
def test_slow_body(make_echo, framing):
    echo = make_echo(body_ms=500 * PATIENCE, body_rate=1000000)
    with echo.tls() as client:
        client.send(b"PUT /x HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
        assert trickle(client, b"1000\r\n" + b"a" * 4000)
    assert echo.count()["late"] == 1


def test_body_at_the_rate(make_echo):
    """What comes in time buys time: the body takes longer than body_ms alone."""
    echo = make_echo(body_ms=500 * PATIENCE, body_rate=100)
    with echo.tls() as client:
        client.send(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5001\r\n\r\n" + b"a" * 4900)
        assert not trickle(client, b"a" * 100)
        client.sock.settimeout(SECONDS)
        assert " length=5001 " in client.send(b"a").reply().text


def test_slow_unwanted_body(make_echo):
    echo = make_echo(body_ms=500 * PATIENCE, body_rate=1000000)
    with echo.tls() as client:
        client.send(b"PUT /admit401 HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        assert trickle(client, b"a" * 4999)
    assert echo.count()["late"] == 1


def test_unread_reply(make_echo):
    echo = make_echo(reply_ms=500 * PATIENCE, body_rate=100000000)
    with echo.tls(receive_bytes=4096) as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: echo.count()["late"] == 1, 30, "the end of the reply's time")
        with pytest.raises(Closed):
            client.reply()


def test_age(make_echo):
    """The reply that follows says close; nothing is cut off."""
    echo = make_echo(age_ms=500, idle_ms=LONG)
    with echo.tls() as client:
        wait_until(lambda: client.ask().field("connection") == "close", 10, "the last reply")
        assert client.is_closed()
    assert echo.count()["late"] == 0


def test_no_deadline_in_the_app(make_echo):
    echo = make_echo(head_ms=300, idle_ms=300, body_ms=300, age_ms=300, reply_ms=LONG)
    with echo.tls() as client:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: echo.tell("held") == "1", what="held request")
        with socket.create_connection(("127.0.0.1", echo.https), SECONDS) as raw:
            assert raw.recv(1) == b""  # as long as a deadline takes
        assert echo.count()["late"] == 1
        echo.tell("release")
        reply = client.reply()
        assert (reply.status, reply.field("connection")) == (200, "close")


# --- caps -----------------------------------------------------------------------------------------


def test_500_slow_clients(make_echo):
    """They stay, for their time is not over, and a good client is served beside them."""
    echo = make_echo(head_ms=LONG, per_address_max=600, connections_max=600)
    slow = [echo.tls() for _ in range(500)]
    for client in slow:
        client.send(SLOW_HEAD[:40])
    with echo.tls() as good:
        for turn in range(50):
            assert good.ask("/good").status == 200
            for client in slow[turn * 10:turn * 10 + 10]:
                client.send(b"a")
    with echo.tls() as good:
        assert good.ask("/big").status == 200
    counters = echo.count()
    assert counters["connections"] >= 500
    assert counters["late"] == counters["pushed_out"] == counters["refused"] == 0
    for client in slow:
        client.close()
    wait_until(lambda: echo.count()["connections"] == 0, what="their end")


def test_500_slow_clients_of_one_address(make_echo):
    """With the ordinary caps they push out one another, and the good one from the same address, in
    the middle of them, keeps its place."""
    echo = make_echo(head_ms=LONG)
    slow = []
    with echo.tls() as good:
        assert good.ask().status == 200
        for turn in range(500):
            client = echo.tls()
            client.send(SLOW_HEAD[:40])
            slow.append(client)
            if turn % 10 == 0:
                assert good.ask().status == 200
    counters = echo.count()
    assert counters["connections"] <= 256 + 128
    assert counters["pushed_out"] >= 500 + 1 - 256
    assert counters["refused"] == 0
    for client in slow:
        client.close()


def test_cap_of_an_address(make_echo):
    """All busy: the next one from there is closed, one from elsewhere is served."""
    echo = make_echo(per_address_max=4)
    busy = [echo.tls() for _ in range(4)]
    for client in busy:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: echo.tell("held") == "4", what="held requests")
    with pytest.raises(OSError):
        echo.tls()
    assert echo.count()["refused"] == 1
    with echo.tls(source="127.0.0.2") as other:
        assert " from=127.0.0.2 " in other.ask().text
    with echo.unix() as local:
        assert local.ask().status == 200
    echo.tell("release")
    for client in busy:
        assert client.reply().status == 200
    with echo.tls() as client:  # in the place of an idle one
        assert client.ask().status == 200
    assert echo.count()["pushed_out"] == 1
    for client in busy:
        client.close()


def test_cap_in_all(make_echo):
    echo = make_echo(connections_max=4)
    local = echo.unix()
    assert local.ask().status == 200
    busy = [echo.tls(source="127.0.0.%d" % (i + 1)) for i in range(4)]
    for client in busy:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: echo.tell("held") == "4", what="held requests")
    for connect in (lambda: echo.tls(source="127.0.0.9"), lambda: echo.plain("127.0.0.9").read_all()):
        try:
            assert connect() == b""
        except OSError:
            pass
    assert echo.count()["refused"] == 2
    assert local.ask().status == 200, "it is not counted with the others"
    local.close()
    echo.tell("release")
    for client in busy:
        assert client.reply().status == 200
        client.close()


def test_flood(make_echo):
    """Connections that come and go as fast as they can; nothing is left of them."""
    echo = make_echo(per_address_max=16)
    for _ in range(2000):
        socket.create_connection(("127.0.0.1", echo.https), SECONDS).close()
    with echo.tls(source="127.0.0.2") as client:
        assert client.ask().status == 200
    wait_until(lambda: echo.count()["connections"] == 0, 30, "their end")
