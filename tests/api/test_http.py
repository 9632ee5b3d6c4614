"""What every client may count on: two phases, headers, bodies, certificates, the local socket."""
import json
import os
import ssl
import stat
import subprocess
import sys
import tempfile

import pytest

import echo as echo_module
from echo import SECONDS, tls_context
from harness import wait_until

CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
       "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
       "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def check_headers(reply):
    assert reply.field("content-security-policy") == CSP
    assert reply.field("x-content-type-options") == "nosniff"
    assert reply.field("referrer-policy") == "no-referrer"
    assert reply.field("cross-origin-opener-policy") == "same-origin"
    assert reply.field("cross-origin-resource-policy") == "same-origin"
    assert reply.field("server") is None
    assert len(reply.field("x-request-id")) == 16
    int(reply.field("x-request-id"), 16)


# --- requests and replies -------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_method(echo, method):
    with echo.tls() as client:
        reply = client.ask("/a/b?c=d", method)
        assert reply.text.startswith("method=%s path=/a/b query=c=d length=0 " % method)
        assert " from=127.0.0.1 " in reply.text


def test_other_methods(echo):
    with echo.tls() as client:
        for method in ("TRACE", "get", "BREW"):
            assert client.ask("/", method).text.startswith("method=OTHER ")
        assert client.ask("*", "OPTIONS").text.startswith("method=OPTIONS path=* ")


def test_head(echo):
    with echo.tls() as client:
        head, get = client.ask("/x", "HEAD"), client.ask("/x")
        assert head.status == 200
        # HEAD is one letter longer than GET, and so is what its body would be.
        assert int(head.field("content-length")) == int(get.field("content-length")) + 1
        assert client.ask("/admit401", "HEAD").status == 401
        assert client.ask("/admit401", "HEAD", ["Connection: close"]).status == 401
        assert client.is_closed()


@pytest.mark.parametrize("target, status, cache", [
    ("/", 200, "no-store"), ("/cached", 200, "max-age=60"), ("/none", 204, "no-store"),
    ("/admit401", 401, "no-store"), ("/%zz", 400, "no-store")])
def test_headers(echo, target, status, cache):
    with echo.tls() as client:
        reply = client.ask(target)
        assert reply.status == status
        assert reply.field("cache-control") == cache
        check_headers(reply)


def test_request_ids_differ(echo):
    with echo.tls() as client:
        assert len({client.ask().field("x-request-id") for _ in range(50)}) == 50


def test_problem(echo):
    with echo.tls() as client:
        reply = client.ask("/%00")
        problem = json.loads(reply.body)
        assert problem["type"] == "/api/v1/problems/http.uri"
        assert (problem["status"], problem["title"], problem["code"]) == (400, "Bad Request", "http.uri")
        assert problem["request_id"] == reply.field("x-request-id")


@pytest.mark.parametrize("target", ["/now", "/later"])
def test_pipeline(echo, target):
    """Twenty requests in one write, answered in order; /later is done on another thread."""
    with echo.tls() as client:
        request = "GET %s?%d HTTP/1.1\r\nHost: first.test\r\n\r\n"
        client.send("".join(request % (target, i) for i in range(20)).encode())
        for i in range(20):
            assert " path=%s query=%d " % (target, i) in client.reply().text


def test_later_with_body(echo):
    with echo.tls() as client:
        for size in (0, 1, 100000, 7):
            assert " length=%d " % size in client.ask("/later", "PUT", body=b"b" * size).text


def test_http_1_0(echo):
    with echo.tls() as client:
        client.send(b"GET /old HTTP/1.0\r\n\r\n")
        assert " path=/old " in client.reply().text
        assert client.is_closed()


def test_big_reply(echo):
    with echo.tls() as client:
        assert client.ask("/big").body == b"x" * 24000000


# --- bodies ---------------------------------------------------------------------------------------


def test_continue(echo):
    with echo.tls() as client:
        client.send(b"PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.reply().status == 100
        client.send(b"hello")
        assert " length=5 " in client.reply().text
        assert client.ask().status == 200


@pytest.mark.parametrize("target, length, status", [
    ("/admit401", 5, 401), ("/small", 17, 413), ("/x", 1048577, 413)])
def test_no_continue(echo, target, length, status):
    """Who asks first is told at once and sends no body."""
    with echo.tls() as client:
        client.send(b"PUT %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                    % (target.encode(), length))
        assert client.reply().status == status
        assert client.is_closed()


def test_length_over_the_cap(echo):
    """Answered before any of it comes."""
    with echo.tls() as client:
        client.send(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
        reply = client.reply()
        assert (reply.status, reply.field("connection")) == (413, "close")
        check_headers(reply)
        assert client.is_closed()


def test_length_at_the_cap(echo):
    with echo.tls() as client:
        assert " length=1048576 " in client.ask("/x", "PUT", body=b"a" * 1048576).text
        assert " length=16 " in client.ask("/small", "PUT", body=b"a" * 16).text


def chunked(client, target, sizes):
    client.send(b"PUT %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % target.encode())
    for size in sizes:
        client.send(b"%x\r\n%s\r\n" % (size, b"c" * size))
    return client.send(b"0\r\n\r\n").reply()


def test_chunked(echo):
    with echo.tls() as client:
        assert " length=16 " in chunked(client, "/small", [1, 15]).text
        assert " length=1048576 " in chunked(client, "/x", [65536] * 16).text
        reply = chunked(client, "/small", [16, 1])
        assert (reply.status, reply.field("connection")) == (413, "close")
        assert client.is_closed()


def test_chunked_without_end(echo):
    """One reply or none, and an end, however much comes."""
    with echo.tls() as client:
        client.send(b"PUT /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises((OSError, ssl.SSLError)):
            for _ in range(10000):
                client.send(b"10000\r\n" + b"c" * 65536 + b"\r\n")


@pytest.mark.parametrize("size", [5, 1000, 65536])
def test_refused_with_its_body(echo, size):
    """A short body nobody wants is read before anything is said, so that the reply is not lost to a
    reset."""
    with echo.tls() as client:
        client.send(b"PUT /admit401 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        client.send(b"a" * (size - 1))
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.fill()
        client.sock.settimeout(SECONDS)
        reply = client.send(b"a").reply()
        assert (reply.status, reply.field("connection")) == (401, "close")
        assert client.is_closed()


def test_refused_without_body_keeps_the_connection(echo):
    with echo.tls() as client:
        for _ in range(3):
            assert client.ask("/admit401").status == 401
        assert client.ask("/x").status == 200


# --- the app's time -------------------------------------------------------------------------------


def test_held_requests_do_not_block(make_echo):
    echo = make_echo()
    held = [echo.tls() for _ in range(20)]
    for client in held:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: echo.tell("held") == "20", what="held requests")
    with echo.tls() as client:
        assert client.ask().status == 200
    assert echo.tell("release") == "ok"
    for client in held:
        assert " path=/held " in client.reply().text
        client.close()


def test_end_with_held_requests(make_echo):
    """The program's end waits for the app, and the reply still leaves."""
    echo = make_echo()
    with echo.tls() as client:
        client.send(b"GET /held?big HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: echo.tell("held") == "1", what="held request")
        echo.process.stdin.close()
        assert client.reply().body == b"x" * 24000000
        assert echo.stop() == 0


def test_client_leaves_while_held(make_echo):
    echo = make_echo()
    with echo.tls() as client:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: echo.tell("held") == "1", what="held request")
    echo.tell("release")
    wait_until(lambda: echo.count()["connections"] == 0, what="the connection's end")


# --- TLS ------------------------------------------------------------------------------------------


def only(version, ciphers=None):
    context = tls_context()
    context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context


def test_versions(echo):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with echo.tls(context=only(version)) as client:
            assert client.ask().status == 200
    old = tls_context()
    old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((OSError, ssl.SSLError)):
        echo.tls(context=old)
    with pytest.raises((OSError, ssl.SSLError)):
        echo.tls(context=only(ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"))  # RSA key transport


def test_key_by_client(echo):
    """ECDSA for who can, RSA for who cannot."""
    version = ssl.TLSVersion.TLSv1_2
    with echo.tls(context=only(version)) as client:
        assert "ECDSA" in client.sock.cipher()[0]
    with echo.tls(context=only(version, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")) as client:
        assert "ECDSA" in client.sock.cipher()[0]
    with echo.tls(context=only(version, "ECDHE-RSA-AES128-GCM-SHA256")) as client:
        assert "RSA" in client.sock.cipher()[0]


def certificate(client):
    der = client.sock.getpeercert(True)
    return "second" if b"second.test" in der else "first" if b"first.test" in der else "none"


def test_swap(make_echo):
    echo = make_echo()
    with echo.tls() as old:
        assert (certificate(old), old.ask().status) == ("first", 200)
        assert echo.tell("swap") == "ok"
        with echo.tls() as new:
            assert (certificate(new), new.ask().status) == ("second", 200)
        assert old.ask().status == 200


def test_listeners_come_and_go(make_echo):
    echo = make_echo()
    port = int(echo.tell("listen"))
    with echo.tls(port) as client:
        assert certificate(client) == "second"
        assert client.ask().status == 200
        assert echo.tell("unlisten") == "ok"
        with pytest.raises(ConnectionRefusedError):
            echo.tls(port)
        assert client.ask().status == 200, "a connection outlives its listener"
    with echo.tls() as client:
        assert client.ask().status == 200


# --- redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host, target, location", [
    ("first.test", "/", "https://first.test:{port}/"),
    ("first.test:80", "/ui/x?y=%20z", "https://first.test:{port}/ui/x?y=%20z"),
    ("[::1]:80", "/", "https://[::1]:{port}/")])
def test_redirect(echo, host, target, location):
    with echo.plain() as client:
        client.send(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target.encode(), host.encode()))
        reply = client.reply()
        assert reply.status == 308
        assert reply.field("location") == location.format(port=echo.https)
        check_headers(reply)
        assert client.is_closed()


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    b"GET //x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
def test_no_redirect(echo, request_bytes):
    with echo.plain() as client:
        reply = client.send(request_bytes).reply()
        assert (reply.status, reply.field("location")) == (400, None)
        assert client.is_closed()


# --- the local socket -----------------------------------------------------------------------------


def test_local(echo):
    assert stat.S_IMODE(os.stat(echo.local).st_mode) == 0o600
    with echo.unix() as client:
        reply = client.ask("/cli", "POST", body=b"hello")
        assert " path=/cli " in reply.text and " length=5 " in reply.text
        assert " from=local uid=%d" % os.geteuid() in reply.text
        assert client.ask("/again").status == 200


STRANGER = """
import os, socket, sys
if sys.argv[2] != "0":
    os.setuid(int(sys.argv[2]))
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
s.sendall(b"GET /cli HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
while piece := s.recv(4096):
    sys.stdout.buffer.write(piece)
"""


def test_local_stranger():
    """Neither root nor the daemon's own user. Root becomes nobody for it; an ordinary user is told
    that the daemon's own user is another one."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        echo = echo_module.Echo(directory, local_uid=os.geteuid() if is_root else os.geteuid() + 1)
        os.chmod(echo.local, 0o666)
        answer = subprocess.run([sys.executable, "-c", STRANGER, echo.local, "65534" if is_root else "0"],
                                capture_output=True, check=True, timeout=120).stdout
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"path=" not in answer
        assert echo.stop() == 0
        assert not os.path.exists(echo.local)
