"""What the server does with bytes that are no ordinary request.

Two readers that disagree about where a request ends are how one person's request is run in another
one's name. Each row of SHAPES is a way to make them disagree: the request in front carries a second
one, /smuggled, where a lenient reader would find it. Refused means: one reply with that status, the
connection closed, nothing of it run. Handled means: read in one way only, and answered once."""
import re
import socket

import pytest

HOST = b"Host: first.test\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: first.test\r\n\r\n"
FIVE = b"hello"
CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"


def post(fields, body, line=b"POST /front HTTP/1.1\r\n", host=HOST):
    return line + host + fields + b"\r\n" + body


def get(line, fields=HOST):
    return line + fields + b"\r\n" + SMUGGLED


# name: status, bytes. The bytes of the body are counted so that an honest reading leaves SMUGGLED
# behind it.
REFUSED = {
    # two lengths, or none that can be believed
    "length twice, different": (400, post(b"Content-Length: 5\r\nContent-Length: 0\r\n", FIVE + SMUGGLED)),
    "length twice, alike": (400, post(b"Content-Length: 5\r\nContent-Length: 5\r\n", FIVE + SMUGGLED)),
    "length and chunks": (400, post(b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n",
                                    b"0\r\n\r\n" + SMUGGLED)),
    "chunks and length": (400, post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                    CHUNKED + SMUGGLED)),
    "length of 16 digits": (400, post(b"Content-Length: 0000000000000005\r\n", FIVE + SMUGGLED)),
    "length in a folded line": (400, post(b"Content-Length:\r\n 5\r\n", FIVE + SMUGGLED)),
    "length folded away": (400, post(b"X: a\r\n\tContent-Length: 5\r\n", FIVE + SMUGGLED)),
    "length after a bare CR": (400, post(b"X: a\rContent-Length: 5\r\n", SMUGGLED)),
    "length after a bare LF": (400, post(b"X: a\nContent-Length: 5\r\n", FIVE + SMUGGLED)),
    "length after a NUL": (400, post(b"X: a\0\r\nContent-Length: 5\r\n", FIVE + SMUGGLED)),
    "length behind a NUL": (400, post(b"X: a\0Content-Length: 5\r\n", SMUGGLED)),
    "length with a blank before the colon": (400, post(b"Content-Length : 5\r\n", FIVE + SMUGGLED)),
    "length with a tab before the colon": (400, post(b"Content-Length\t: 5\r\n", FIVE + SMUGGLED)),
    "length as the first line, indented": (400, post(b"", FIVE + SMUGGLED, host=b" Content-Length: 5\r\n" + HOST)),
    # transfer codings
    "chunked twice": (400, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                CHUNKED + SMUGGLED)),
    "chunked, then identity": (400, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                                         CHUNKED + SMUGGLED)),
    "gzip, chunked": (400, post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKED + SMUGGLED)),
    "chunked, chunked": (400, post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNKED + SMUGGLED)),
    "identity": (400, post(b"Transfer-Encoding: identity\r\n", SMUGGLED)),
    "an unknown coding": (400, post(b"Transfer-Encoding: xchunked\r\n", CHUNKED + SMUGGLED)),
    "an empty coding": (400, post(b"Transfer-Encoding:\r\n", CHUNKED + SMUGGLED)),
    "chunked with a blank before the colon": (400, post(b"Transfer-Encoding : chunked\r\n",
                                                        CHUNKED + SMUGGLED)),
    "chunked with a blank behind": (400, post(b"Transfer-Encoding: chunked \r\n", CHUNKED + SMUGGLED)),
    "chunked after a vertical tab": (400, post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKED + SMUGGLED)),
    "chunked in a folded line": (400, post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKED + SMUGGLED)),
    "chunked, folded behind": (400, post(b"Transfer-Encoding: chunked\r\n foo\r\n", CHUNKED + SMUGGLED)),
    "chunked in HTTP/1.0": (400, post(b"Transfer-Encoding: chunked\r\n", CHUNKED + SMUGGLED,
                                      line=b"POST /front HTTP/1.0\r\n")),
    # lines and names
    "bare LF throughout": (400, b"POST /front HTTP/1.1\nHost: first.test\nContent-Length: 5\n\nhello" + SMUGGLED),
    "bare LF after the request line": (400, get(b"GET /front HTTP/1.1\n")),
    "bare LF as the empty line": (400, b"GET /front HTTP/1.1\r\n" + HOST + b"\n" + SMUGGLED),
    "CR CR LF": (400, post(b"X: a\r\r\nContent-Length: 5\r\n", FIVE + SMUGGLED)),
    "an empty name": (400, post(b": a\r\n", SMUGGLED)),
    "a name in parentheses": (400, post(b"X(y): a\r\n", SMUGGLED)),
    "a name with a high byte": (400, post(b"X\xff: a\r\n", SMUGGLED)),
    "a value with an escape character": (400, post(b"X: \x1b[2J\r\n", SMUGGLED)),
    "a value with a DEL": (400, post(b"X: a\x7f\r\n", SMUGGLED)),
    # whom it is for
    "no Host": (400, get(b"GET /front HTTP/1.1\r\n", b"")),
    "two Hosts": (400, get(b"GET /front HTTP/1.1\r\n", HOST + b"Host: other.test\r\n")),
    "two Hosts alike": (400, get(b"GET /front HTTP/1.1\r\n", HOST + HOST)),
    "an empty Host": (400, get(b"GET /front HTTP/1.1\r\n", b"Host:\r\n")),
    "a Host with a path": (400, get(b"GET /front HTTP/1.1\r\n", b"Host: first.test/x\r\n")),
    "a Host with a user": (400, get(b"GET /front HTTP/1.1\r\n", b"Host: u@first.test\r\n")),
    "a Host with a list": (400, get(b"GET /front HTTP/1.1\r\n", b"Host: first.test, other.test\r\n")),
    "a Host with a port out of range": (400, get(b"GET /front HTTP/1.1\r\n", b"Host: first.test:99999\r\n")),
    "another authority than Host": (400, get(b"GET https://other.test/front HTTP/1.1\r\n")),
    # the request line
    "an escaped NUL": (400, get(b"GET /fr%00ont HTTP/1.1\r\n")),
    "an escaped NUL in the query": (400, get(b"GET /front?a=%00 HTTP/1.1\r\n")),
    "an escaped line feed in the path": (400, get(b"GET /fr%0aont HTTP/1.1\r\n")),
    "a NUL": (400, get(b"GET /fr\0ont HTTP/1.1\r\n")),
    "a control byte": (400, get(b"GET /fr\x01ont HTTP/1.1\r\n")),
    "a bare CR": (400, get(b"GET /fr\ront HTTP/1.1\r\n")),
    "a high byte": (400, get(b"GET /fr\xc3\xa4nt HTTP/1.1\r\n")),
    "half an escape": (400, get(b"GET /front%4 HTTP/1.1\r\n")),
    "no escape": (400, get(b"GET /fr%zznt HTTP/1.1\r\n")),
    "a fragment": (400, get(b"GET /front#top HTTP/1.1\r\n")),
    "a blank in the target": (400, get(b"GET /front /x HTTP/1.1\r\n")),
    "two blanks before the target": (400, get(b"GET  /front HTTP/1.1\r\n")),
    "a target without a slash": (400, get(b"GET front HTTP/1.1\r\n")),
    "an authority for CONNECT": (400, get(b"CONNECT first.test:443 HTTP/1.1\r\n")),
    "a method with a bracket": (400, get(b"GE[T /front HTTP/1.1\r\n")),
    "HTTP/1.9": (505, get(b"GET /front HTTP/1.9\r\n")),
    "65 fields": (431, get(b"GET /front HTTP/1.1\r\n", HOST + b"X: a\r\n" * 64)),
    "8,193 bytes of path": (414, get(b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n")),
    # what a server may answer so
    "another expectation": (417, post(b"Expect: tea\r\nContent-Length: 5\r\n", FIVE + SMUGGLED)),
    "a compressed body": (415, post(b"Content-Encoding: gzip\r\nContent-Length: 5\r\n", FIVE + SMUGGLED)),
}

# The library refuses these before it asks anybody, so there is no problem document. When a length
# is wrong, the head of its refusal comes a second time where its body should begin (docs/http.md).
REFUSED_BY_LIBRARY = {
    "length with a sign": (400, post(b"Content-Length: +5\r\n", FIVE + SMUGGLED)),
    "length below zero": (400, post(b"Content-Length: -5\r\n", FIVE + SMUGGLED)),
    "length in hexadecimal": (400, post(b"Content-Length: 0x5\r\n", FIVE + SMUGGLED)),
    "length as a list": (400, post(b"Content-Length: 5, 5\r\n", FIVE + SMUGGLED)),
    "length with a blank inside": (400, post(b"Content-Length: 5 5\r\n", FIVE + SMUGGLED)),
    "length with a blank behind": (400, post(b"Content-Length: 5 \r\n", FIVE + SMUGGLED)),
    "length with a NUL in its name": (400, post(b"Content-Length\0: 5\r\n", FIVE + SMUGGLED)),
    "length that is empty": (400, post(b"Content-Length:\r\n", FIVE + SMUGGLED)),
    "length beyond 64 bits": (413, post(b"Content-Length: 99999999999999999999\r\n", FIVE + SMUGGLED)),
    "a field without a colon": (400, post(b"Content-Length 5\r\n", FIVE + SMUGGLED)),
    "HTTP/2.0": (505, get(b"GET /front HTTP/2.0\r\n")),
    "HTTP/0.8": (505, get(b"GET /front HTTP/0.8\r\n")),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "no version": (400, get(b"GET /front\r\n")),
    "the version in small letters": (400, get(b"GET /front http/1.1\r\n")),
    "a blank behind the version": (400, get(b"GET /front HTTP/1.1 \r\n")),
    "more head than there is memory": (431, get(b"GET /front HTTP/1.1\r\n", HOST + b"X: " + b"a" * 40000 + b"\r\n")),
    "more path than there is memory": (414, get(b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n")),
    # chunks
    "a chunk without its length": (400, post(b"Transfer-Encoding: chunked\r\n", b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED)),
    "a chunk length with a blank": (400, post(b"Transfer-Encoding: chunked\r\n", b"5 \r\nhello\r\n0\r\n\r\n" + SMUGGLED)),
    "a chunk length with 0x": (400, post(b"Transfer-Encoding: chunked\r\n", b"0x5\r\nhello\r\n0\r\n\r\n" + SMUGGLED)),
    "a chunk length with a sign": (400, post(b"Transfer-Encoding: chunked\r\n", b"+5\r\nhello\r\n0\r\n\r\n" + SMUGGLED)),
    "a chunk length beyond 64 bits": (413, post(b"Transfer-Encoding: chunked\r\n",
                                                b"10000000000000005\r\nhello\r\n0\r\n\r\n" + SMUGGLED)),
    "a chunk longer than said": (400, post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhelloX\r\n0\r\n\r\n" + SMUGGLED)),
    "a trailer without a colon": (400, post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nX\r\n\r\n" + SMUGGLED)),
}

LAST = b"GET /last HTTP/1.1\r\nHost: first.test\r\nConnection: close\r\n\r\n"

# Read in one way only: the front request is answered, then LAST, which follows it.
HANDLED = {
    "a length": (5, post(b"Content-Length: 5\r\n", FIVE)),
    "a length of 0": (0, post(b"Content-Length: 0\r\n", b"")),
    "a length with zeros before it": (5, post(b"Content-Length: 0005\r\n", FIVE)),
    "a body that looks like a request": (len(SMUGGLED), post(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED)),
    "a body with GET": (5, post(b"Content-Length: 5\r\n", FIVE, line=b"GET /front HTTP/1.1\r\n")),
    "chunks": (5, post(b"Transfer-Encoding: chunked\r\n", CHUNKED)),
    "CHUNKED": (5, post(b"Transfer-Encoding: CHUNKED\r\n", CHUNKED)),
    "chunked after a tab": (5, post(b"Transfer-Encoding:\tchunked\r\n", CHUNKED)),
    # These two the parser cannot be asked about: it has overwritten what stood there (docs/http.md).
    "a NUL in the place of a CR": (5, post(b"X: a\0\nContent-Length: 5\r\n", FIVE)),
    "a NUL as the last line": (5, post(b"Content-Length: 5\n\0", FIVE)),
    "many chunks": (10, post(b"Transfer-Encoding: chunked\r\n", b"1\r\nh\r\n" * 5 + CHUNKED)),
    "a chunk extension": (5, post(b"Transfer-Encoding: chunked\r\n", b"5;a=b\r\nhello\r\n0;c\r\n\r\n")),
    "a trailer": (5, post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nX: y\r\n\r\n")),
    "a trailer with a length": (5, post(b"Transfer-Encoding: chunked\r\n",
                                        b"5\r\nhello\r\n0\r\nContent-Length: 99\r\nHost: x\r\n\r\n")),
    "chunk lines with bare LF": (5, post(b"Transfer-Encoding: chunked\r\n", b"5\nhello\n0\n\n")),
    "an extension with a bare CR": (5, post(b"Transfer-Encoding: chunked\r\n", b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    "a body with a chunk in it": (len(CHUNKED), post(b"Content-Length: %d\r\n" % len(CHUNKED), CHUNKED)),
    "an empty value": (5, post(b"X:\r\nY: \t \r\nContent-Length: 5\r\n", FIVE)),
    "blanks around a value": (5, post(b"X: \t a \t \r\nContent-Length:   5\r\n", FIVE)),
    "a value with high bytes": (5, post(b"X: \xc3\xa4\r\nContent-Length: 5\r\n", FIVE)),
    "an empty line before": (5, b"\r\n" + post(b"Content-Length: 5\r\n", FIVE)),
    "the authority in the target": (5, post(b"Content-Length: 5\r\n", FIVE, line=b"POST https://first.test/front HTTP/1.1\r\n")),
    "a Host with a port": (5, post(b"Content-Length: 5\r\n", FIVE, host=b"Host: first.test:8443\r\n")),
    "an IPv6 Host": (5, post(b"Content-Length: 5\r\n", FIVE, host=b"Host: [::1]:8443\r\n")),
    "64 fields": (5, post(b"Content-Length: 5\r\n" + b"X: a\r\n" * 62, FIVE)),
    "12,000 bytes of fields": (5, post(b"Content-Length: 5\r\n" + b"X: %s\r\n" % (b"a" * 1000) * 12, FIVE)),
    "a query of many arguments": (5, post(b"Content-Length: 5\r\n", FIVE,
                                          line=b"POST /front?" + b"a=%41&" * 50 + b" HTTP/1.1\r\n")),
    "a name for another protocol": (5, post(b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n", FIVE)),
}


def rows(table):
    return [pytest.param(*row, id=name) for name, row in table.items()]


def statuses(data):
    return re.findall(rb"HTTP/1\.1 (\d+)", data)


@pytest.mark.parametrize("status, data", rows(REFUSED))
def test_refused(echo, status, data):
    with echo.tls() as client:
        client.send(data)
        reply = client.reply()
        assert reply.status == status
        assert reply.field("content-type") == "application/problem+json"
        assert reply.field("connection") == "close"
        assert client.is_closed()


@pytest.mark.parametrize("status, data", rows(REFUSED_BY_LIBRARY))
def test_refused_by_library(echo, status, data):
    with echo.tls() as client:
        answer = client.send(data).read_all()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert set(statuses(answer)) == {b"%d" % status}
    assert b"path=" not in answer


@pytest.mark.parametrize("length, data", rows(HANDLED))
def test_handled(echo, length, data):
    with echo.tls() as client:
        client.send(data + LAST)
        front, last = client.reply(), client.reply()
        assert (front.status, last.status) == (200, 200)
        assert " path=/front " in front.text and " length=%d " % length in front.text
        assert " path=/last " in last.text
        assert client.is_closed()


def test_refused_byte_by_byte(echo):
    """The layout is judged by where the bytes lie, so it must not matter how they come."""
    with echo.tls() as client:
        wire = REFUSED["length folded away"][1]
        # no byte behind the head: it may find the connection closed
        for byte in wire[:wire.index(b"\r\n\r\n") + 4]:
            client.send(bytes([byte]))
        assert client.reply().status == 400
    with echo.tls() as client:
        for byte in HANDLED["12,000 bytes of fields"][1][:300]:
            client.send(bytes([byte]))
        client.send(HANDLED["12,000 bytes of fields"][1][300:] + LAST)
        assert client.reply().status == 200
        assert client.reply().status == 200


def test_many_on_one_connection(echo):
    """Later requests lie elsewhere in the parser's memory than the first."""
    with echo.tls() as client:
        for size in (1, 5000, 3, 16000, 0, 9000):
            client.send(post(b"Content-Length: %d\r\n" % size, b"a" * size) * 3)
            for _ in range(3):
                assert " length=%d " % size in client.reply().text


def test_nothing_said(echo):
    with echo.tls() as client:
        client.send(b"\r\n" * 100 + LAST)
        assert client.reply().status == 200
    with echo.tls():
        pass  # it goes away without a word
    assert echo.tell("count")


def test_no_tls(echo):
    """Plain HTTP at the HTTPS port."""
    with socket.create_connection(("127.0.0.1", echo.https), 20) as raw:
        raw.sendall(LAST)
        answer = b""
        while piece := raw.recv(4096):
            answer += piece
    assert b"HTTP" not in answer
