"""Streams of events: numbers, resuming, reset, comments, caps, ends."""
import time

import pytest

from echo import SECONDS, Closed
from harness import PATIENCE, wait_until

MAX, PER_KEY, RING = 64, 4, 4096


class Stream:
    """GET /events, read event by event."""

    def __init__(self, echo, key=1, last=None, **options):
        self.client = echo.tls(**options)
        fields = "X-Key: %d\r\n" % key + ("Last-Event-ID: %s\r\n" % last if last is not None else "")
        self.client.send(("GET /events HTTP/1.1\r\nHost: a\r\n%s\r\n" % fields).encode())
        self.head = self.client.until(b"\r\n\r\n").decode()
        self.status = int(self.head.split(" ")[1])
        self.text = b""
        if self.status == 200:
            assert "Content-Type: text/event-stream\r\n" in self.head + "\r\n"
            assert "X-Accel-Buffering: no\r\n" in self.head + "\r\n"
            assert "Cache-Control: no-store\r\n" in self.head + "\r\n"
            assert self.block() == "retry: 3000"

    def block(self):
        """The next block of lines; None at the proper end of the stream."""
        while b"\n\n" not in self.text:
            size = int(self.client.until(b"\r\n"), 16)
            self.text += self.client.take(size)
            assert self.client.take(2) == b"\r\n"
            if size == 0:
                assert self.text == b"" and self.client.is_closed()
                return None
        block, _, self.text = self.text.partition(b"\n\n")
        return block.decode()

    def event(self):
        """The next event as (id, name, data), past comments."""
        end = time.monotonic() + SECONDS  # comments come for ever
        block = self.block()
        while block == ":" and time.monotonic() < end:
            block = self.block()
        if block is None:
            return None
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        return int(lines["id"]), lines["event"], lines["data"]

    def close(self):
        self.client.close()


@pytest.fixture
def open_stream():
    made = []

    def make(*args, **options):
        made.append(Stream(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def publish(echo, *rows):
    for row in rows:
        assert echo.tell("publish " + row) == "ok"


def test_events(make_echo, open_stream):
    """In order, rising numbers, only the topics that were asked for (commit and draft)."""
    echo = make_echo()
    first, second = open_stream(echo), open_stream(echo, key=2)
    publish(echo, 'commit {"revision":7}', "queue {}", 'draft {"a":"b c"}')
    for stream in (first, second):
        one, two = stream.event(), stream.event()
        assert one[1:] == ("commit", '{"revision":7}')
        assert two[1:] == ("draft", '{"a":"b c"}')
        assert two[0] == one[0] + 2
    assert one[0] < 2 ** 53, "exact in a browser's number"


def test_events_of_before_are_not_sent(make_echo, open_stream):
    echo = make_echo()
    publish(echo, "commit 1")
    stream = open_stream(echo)
    publish(echo, "commit 2")
    assert stream.event()[1:] == ("commit", "2")


def test_resume(make_echo, open_stream):
    echo = make_echo()
    stream = open_stream(echo)
    publish(echo, *("commit %d" % i for i in range(10)))
    ids = [stream.event()[0] for _ in range(10)]
    again = open_stream(echo, last=ids[4])
    assert [again.event()[0] for _ in range(5)] == ids[5:]
    publish(echo, "commit 10")
    assert again.event()[2] == "10"
    newest = open_stream(echo, last=ids[9] + 1)
    publish(echo, "commit 11")
    assert newest.event()[2] == "11"


@pytest.mark.parametrize("last", [lambda first: "1", lambda first: "x", lambda first: "-1",
                                  lambda first: str(first + 10 ** 6), lambda first: "18446744073709551615"])
def test_reset(make_echo, open_stream, last):
    """A number that was never given, or not by this process."""
    echo = make_echo()
    stream = open_stream(echo)
    publish(echo, "commit 0")
    number = stream.event()[0]
    again = open_stream(echo, last=last(number))
    assert again.event() == (number, "reset", "{}")
    publish(echo, "commit 1")
    assert again.event()[1:] == ("commit", "1")


def test_reset_when_too_old(make_echo, open_stream):
    echo = make_echo()
    stream = open_stream(echo)
    publish(echo, "commit first")
    oldest = stream.event()[0]
    publish(echo, *("commit %d" % i for i in range(RING)))
    kept, lost = open_stream(echo, last=oldest), open_stream(echo, last=oldest - 1)
    assert kept.event()[1:] == ("commit", "0")
    assert lost.event() == (oldest + RING, "reset", "{}")
    assert [stream.event()[2] for _ in range(RING)] == [str(i) for i in range(RING)]


def test_slow_reader_is_reset(make_echo, open_stream):
    """It does not read while the ring goes round under it."""
    echo = make_echo()
    stream = open_stream(echo, receive_bytes=4096)
    text = "x" * 3000
    publish(echo, *("commit %d%s" % (i, text) for i in range(3 * RING)))
    seen, event = 0, stream.event()
    while event[1] == "commit":
        assert event[2] == "%d%s" % (seen, text)
        seen, event = seen + 1, stream.event()
    assert event[1] == "reset" and 0 < seen < 3 * RING
    publish(echo, "commit last")
    assert stream.event()[2] == "last"


def test_comments(make_echo, open_stream):
    echo = make_echo(stream_comment_ms=50)
    stream = open_stream(echo)
    assert [stream.block() for _ in range(5)] == [":"] * 5
    publish(echo, "commit 1")
    assert stream.event()[2] == "1"


def test_end_by_time(make_echo, open_stream):
    """A stream is older than a connection may be, and ends properly at its own cap."""
    echo = make_echo(age_ms=100, idle_ms=100, head_ms=20000, reply_ms=100, stream_comment_ms=50,
                     stream_ms=500 * PATIENCE)
    stream = open_stream(echo)
    assert stream.event() is None
    assert echo.count()["late"] == 0


def test_stalled_reader(make_echo, open_stream):
    """Nothing is read although something waits: the connection is given up."""
    echo = make_echo(reply_ms=200, stream_comment_ms=100)
    stream = open_stream(echo, receive_bytes=4096)
    publish(echo, *("commit %s" % ("x" * 4000) for _ in range(RING)))
    wait_until(lambda: echo.count()["late"] == 1, 30, "the end of the stream")
    wait_until(lambda: echo.count()["streams"] == 0, 30, "the end of the stream")
    with pytest.raises(Closed):
        while True:
            stream.event()


def test_cap_of_a_key(make_echo, open_stream):
    echo = make_echo()
    streams = [open_stream(echo, key=5) for _ in range(PER_KEY)]
    assert open_stream(echo, key=5).status == 503
    assert open_stream(echo, key=6).status == 200
    streams[0].close()
    wait_until(lambda: (publish(echo, "commit {}"), echo.count()["streams"] == PER_KEY)[1],
               what="the end of one")
    assert open_stream(echo, key=5).status == 200


def test_cap_of_a_key_and_who_has_left(make_echo, open_stream):
    """A page that is loaded again and again, with nothing said meanwhile: each time it left a stream."""
    echo = make_echo()
    for _ in range(3 * PER_KEY):
        stream = open_stream(echo, key=5)
        assert stream.status == 200
        stream.close()


def test_cap_in_all(make_echo, open_stream):
    echo = make_echo()
    for i in range(MAX):
        assert open_stream(echo, key=i).status == 200
    assert open_stream(echo, key=MAX).status == 503
    with echo.tls() as client:
        assert client.ask().status == 200


def test_end_of_a_key(make_echo, open_stream):
    echo = make_echo()
    ended, other = open_stream(echo, key=1), open_stream(echo, key=2)
    assert echo.tell("endkey 1") == "ok"
    assert ended.event() is None
    publish(echo, "commit 1")
    assert other.event()[2] == "1"


def test_end_of_the_server(make_echo, open_stream):
    echo = make_echo()
    streams = [open_stream(echo, key=i) for i in range(10)]
    publish(echo, "commit 1")
    assert echo.stop() == 0
    for stream in streams:
        assert stream.event()[2] == "1"
        assert stream.event() is None


def test_head(make_echo):
    echo = make_echo()
    with echo.tls() as client:
        reply = client.ask("/events", "HEAD")
        assert reply.status == 200
        assert client.ask().status == 200
    assert echo.count()["streams"] == 0
