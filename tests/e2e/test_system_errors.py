"""System calls that fail: no space, a broken disk, no descriptor left. The client is told 451, 452 or 421,
its session stays in step, what had its 250 is on disk (shown by kill -9 and a start), and the gateway
recovers where queue/spool.h says that it does.

The next hop is silent until the restart, so that no delivery makes up for what the disk has not. A few
of the cases run always, all of them in the long suite."""
import os
import resource
import shutil
import threading

import pytest

from harness import IS_LONG, SANITIZER, wait_until
from harness.client import Client, Closed
from harness.gateway import Config
from harness.strace import Tracer, prefix, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
LONG = pytest.mark.skipif(not IS_LONG, reason="in the long suite only")

BODIES = {
    "small": b"x",
    "filler": b"\r\n".join([b"f" * 900] * 40),  # two fill a segment of 65,536 bytes
    "large": b"\r\n".join([b"l" * 900] * 200),  # over LIMIT_BODY_IN_MEMORY: a file of its own
}


def cases(always, more):
    return always + (more if IS_LONG else [])


class Bench:
    """A gateway, a next hop that can be silent, and what each message was answered."""

    def __init__(self, make_gateway, make_sink, *arguments):
        self.sink = make_sink(starttls=False, replies={"GREETING": None})
        config = Config(next_hop=("127.0.0.1", self.sink.port)).bounce(initial_retry_s=1, max_retry_s=1)
        self.gateway = make_gateway(config, "--loops", "1", *arguments)
        self.acknowledged = {}
        self.number = 0

    def trace(self, thread, *injections):
        found = sorted(number for number, (name, _) in self.gateway.threads().items() if name == thread)
        return Tracer(found if thread == "worker" else found[:1], *injections)

    def send(self, client, body):
        """The first reply that is no success, or the last one; and NOOP finds the session in step."""
        self.number += 1
        subject = b"Subject: number %d\r\n" % self.number
        content = subject + b"\r\n" + BODIES[body] + b"\r\n"
        reply = None
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@example.test>", "DATA"):
            reply = client.command(line)
            if reply.code not in (250, 354):
                break
        if reply.code == 354:
            client.send(content + b".\r\n")
            reply = client.read()
        if reply.code == 250:
            self.acknowledged[subject] = content
        assert client.command("NOOP").code == 250
        return reply

    def is_taking(self):
        with Client(self.gateway.public, helo="client.example") as client:
            return self.send(client, "small").code == 250

    def restart(self):
        """kill -9, a start, and every message that had its 250 comes out of it, each once."""
        self.gateway.kill()
        self.sink.replies.clear()
        self.gateway.start()
        self.wait_delivered()

    def wait_delivered(self):
        def delivered():
            return {each.content.split(b"\r\n\r\n")[0].rsplit(b"\r\n", 1)[-1] + b"\r\n"
                    for each in list(self.sink.messages)}
        try:
            wait_until(lambda: not set(self.acknowledged) - delivered(), 15)
        except AssertionError:
            raise AssertionError("acknowledged and lost: %r" %
                                 (set(self.acknowledged) - delivered())) from None
        for each in list(self.sink.messages):
            assert not each.mail.startswith(b"FROM:<>"), each.content
        for subject, content in self.acknowledged.items():
            copies = [each for each in self.sink.messages if b"\r\n" + subject in each.content]
            assert [each.content.endswith(b"\r\n" + content) for each in copies] == [True], subject


@pytest.fixture
def bench(make_gateway, make_sink):
    return Bench(make_gateway, make_sink, "--segment-size", "65536")


@pytest.mark.parametrize("thread, injection, body, code", cases(
    [("committer", "pwritev:error=ENOSPC:when=1..2", "small", 452),
     ("worker", "openat:error=EMFILE:when=1", "large", 451),
     ("worker", "fdatasync:error=EIO:when=1", "large", 451)],
    [("committer", "pwritev:error=EDQUOT:when=1..2", "small", 452),
     ("committer", "pwritev:error=ENOSPC:when=1..2", "large", 452),
     ("committer", "pwritev:error=EINTR:when=1..3", "small", 250),
     ("worker", "openat:error=ENFILE:when=1", "large", 451),
     ("worker", "openat:error=ENOSPC:when=1", "large", 452),
     ("worker", "pwrite64:error=ENOSPC:when=1", "large", 452),
     ("worker", "pwrite64:error=EIO:when=1", "large", 451),
     ("worker", "pwrite64:error=EINTR:when=1", "large", 250),
     ("worker", "fdatasync:error=ENOSPC:when=1", "large", 452),
     ("worker", "linkat:error=ENOSPC:when=1", "large", 452),
     ("worker", "linkat:error=EIO:when=1", "large", 451),
     ("worker", "fsync:error=EIO:when=1", "large", 451)]), ids=str)
def test_refused_once(bench, thread, injection, body, code):
    """And taken again when the cause is gone, in the same session."""
    with Client(bench.gateway.public, helo="client.example") as client:
        assert bench.send(client, "small").code == 250
        with bench.trace(thread, injection):
            assert bench.send(client, body).code == code
        wait_until(lambda: bench.send(client, body).code == 250, 5, "taken again")
        assert bench.send(client, "small").code == 250
    # No body file is left behind by a message that was refused.
    names = [path for path in bench.gateway.spool_files() if path.endswith(".eml")]
    assert len(names) == len([each for each in bench.acknowledged.values() if len(each) > 131072])
    bench.restart()


@pytest.mark.parametrize("injection, bodies", cases(
    [("fdatasync:error=EIO:when=1", ["small"])],
    [("fdatasync:error=ENOSPC:when=1", ["small"]),
     ("pwritev:error=EIO:when=1", ["small"]),
     ("fsync:error=EIO:when=1", ["filler", "filler", "small"])]), ids=str)
def test_refused_for_good(bench, injection, bodies):
    """The log cannot be trusted any more: nothing is tried again on it until a start has read it."""
    with Client(bench.gateway.public, helo="client.example") as client:
        assert bench.send(client, "small").code == 250
        with bench.trace("committer", injection):
            codes = [bench.send(client, body).code for body in bodies]
            assert codes == [250] * (len(bodies) - 1) + [451]
        for body in ("small", "large", "small"):
            reply = bench.send(client, body)
            assert reply.code == 451 and reply.text.startswith("4.3.0"), reply
    bench.restart()
    with Client(bench.gateway.public, helo="client.example") as client:
        assert bench.send(client, "small").code == 250
    bench.wait_delivered()


@pytest.mark.parametrize("injection", cases(
    ["openat:error=EMFILE", "?unlink:error=EIO"],
    ["openat:error=EMFILE:when=2+2",
     "pwrite64:error=ENOSPC",
     "close:error=EIO"]), ids=str)
def test_goes_on(make_gateway, make_sink, injection):
    """Without a new segment the old one gets longer; what cannot be removed stays."""
    bench = Bench(make_gateway, make_sink, "--segment-size", "65536")
    del bench.sink.replies["GREETING"]
    with Client(bench.gateway.public, helo="client.example") as client:
        with bench.trace("committer", injection):
            for _ in range(6):
                assert bench.send(client, "filler").code == 250
            bench.wait_delivered()
        for _ in range(6):
            assert bench.send(client, "filler").code == 250
        bench.wait_delivered()
    assert bench.gateway.stop() == 0
    bench.gateway.start()
    assert b", 0 messages in the queue" in bench.gateway.is_ready().group()
    wait_until(lambda: len([1 for path in bench.gateway.spool_files() if path.endswith(".seg")]) <= 2, 10,
               "what was not removed then is removed now")


@LONG
def test_full_for_a_while(bench):
    """Not even the reserve can be written: 452 before DATA, mail is taken again when there is room; what
    was delivered meanwhile is recorded then, and does not come again."""
    held = threading.Event()

    def hold(*_):
        held.wait(60)
        return b"250 2.0.0 taken"
    bench.sink.replies = {"DOT": hold}
    with Client(bench.gateway.public, helo="client.example") as client:
        assert bench.send(client, "small").code == 250
        wait_until(lambda: [1 for _, line in bench.sink.commands if line == b"DATA"], 10, "on its way")
        with bench.trace("committer", "pwritev:error=ENOSPC", "fallocate:error=ENOSPC"):
            held.set()
            bench.gateway.mail_json.wait("mid_finished")
            assert bench.send(client, "small").code == 452
            for _ in range(3):
                reply = bench.send(client, "small")
                assert reply.code == 452 and reply.text.startswith("4.3.1"), reply
    # A session each time: one does not live through many errors.
    wait_until(bench.is_taking, 5, "taken again")
    bench.wait_delivered()
    assert bench.gateway.stop() == 0
    bench.gateway.start()
    assert b", 0 messages in the queue" in bench.gateway.is_ready().group()


@LONG
@pytest.mark.parametrize("injection", cases(
    ["pread64:error=EIO:when=1"],
    ["openat:error=EMFILE:when=1"]), ids=str)
def test_unreadable_for_a_while(bench, injection):
    """A body that cannot be read now is deferred, not bounced, and no part of it counts as a message."""
    bench.sink.replies.clear()
    bench.sink.replies["RCPT"] = b"451 4.2.1 later"
    with Client(bench.gateway.public, helo="client.example") as client:
        assert bench.send(client, "large").code == 250
    with bench.trace("worker", injection):
        bench.sink.replies.clear()
        bench.gateway.mail_logs.wait("Delayed: .*could not be read from the spool.*")
    bench.wait_delivered()


@pytest.mark.parametrize("error, is_dropped", cases(
    [("EMFILE", True)],
    [("ENFILE", True),
     ("ECONNABORTED", False),
     ("ENOMEM", False),
     ("EINTR", False)]))
def test_a_connection_that_cannot_be_taken(bench, error, is_dropped):
    """No descriptor: this one is dropped, so that the rest does not wait behind it; the sessions that are
    there go on, the next client is served."""
    with Client(bench.gateway.public, helo="client.example") as there:
        with bench.trace("loop-1", "accept4:error=%s:when=1" % error):
            try:
                with Client(bench.gateway.public) as client:
                    assert not is_dropped or client.greeting.code == 421
            except (Closed, OSError):
                assert is_dropped
            with Client(bench.gateway.public, helo="client.example") as client:
                assert bench.send(client, "small").code == 250
        assert bench.send(there, "small").code == 250
    bench.restart()


@LONG
@pytest.mark.parametrize("injection", cases(
    ["socket:error=EMFILE:when=1"],
    ["connect:error=ENETUNREACH:when=1",
     "connect:error=EADDRNOTAVAIL:when=1"]), ids=str)
def test_a_connection_that_cannot_be_made(bench, injection):
    """Deferred and tried again."""
    bench.sink.replies.clear()
    with Client(bench.gateway.public, helo="client.example") as client, \
            bench.trace("loop-1", injection):
        assert bench.send(client, "small").code == 250
        bench.wait_delivered()
    assert len(bench.sink.messages) == 1


def test_no_descriptor_left(bench):
    """Really none: the limit of the running process is lowered to what it has open."""
    gateway = bench.gateway
    with Client(gateway.public, helo="client.example") as there:
        assert bench.send(there, "small").code == 250
        limits = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE,
                         (len(os.listdir("/proc/%d/fd" % gateway.pid)), limits[1]))
        for _ in range(5):
            with pytest.raises((Closed, OSError)):
                Client(gateway.public)
            assert bench.send(there, "small").code == 250
            assert bench.send(there, "large").code == 451
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, limits)
        assert bench.send(there, "large").code == 250
        with Client(gateway.public, helo="client.example") as client:
            assert bench.send(client, "small").code == 250
    bench.restart()


@LONG
@pytest.mark.skipif(SANITIZER in ("asan", "tsan"), reason="a sanitizer does not end well under a tracer")
@pytest.mark.parametrize("is_first", cases([True], [False]), ids=["first", "again"][:1 + IS_LONG])
@pytest.mark.parametrize("call, error", cases(
    [("openat", "EMFILE")],
    [("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO"), ("fsync", "EIO"),
     ("ftruncate", "EIO"), ("fallocate", "ENOSPC"), ("?mkdir", "EACCES"), ("?rename", "EIO"),
     ("?unlink", "EIO"), ("pread64", "EIO"), ("flock", "ENOLCK")]))
def test_a_start_that_fails(make_gateway, make_sink, tmp_path, call, error, is_first):
    """At each of its calls in turn: a defined exit code and a clear line, or a start all the same; the
    next start finds everything."""
    bench = Bench(make_gateway, make_sink)
    gateway = bench.gateway
    if is_first:
        assert gateway.stop() == 0
    else:
        with Client(gateway.public, helo="client.example") as client:
            assert bench.send(client, "large").code == 250
            assert bench.send(client, "small").code == 250
        gateway.kill()
    output = tmp_path / "strace"
    for number in range(1, 200):
        if is_first:
            shutil.rmtree(gateway.state)
        said = len(gateway.read_stderr())
        gateway.prefix = prefix("%s:error=%s:when=%d" % (call, error, number), output=output)
        gateway.start(is_ready=False)
        gateway.prefix = []
        wait_until(lambda: not gateway.is_alive() or gateway.is_ready(), 20, "ready, or an end")
        is_ready = gateway.is_ready()
        code, text = gateway.stop(), gateway.read_stderr()[said:]
        what = "%s at call %d: exit %d, %r" % (error, number, code, text)
        if is_ready:
            assert code == 0, what
        elif "shared libraries" in text:
            assert code == 127, what  # the loader's own
        else:
            assert 1 <= code <= 6 and "postern" in text and len(text.splitlines()) <= 3, what
        gateway.start()
        waiting = 0 if is_first else len(bench.acknowledged)
        assert b"revision 1, %d messages in the queue" % waiting in gateway.is_ready().group(), what
        assert gateway.stop() == 0
        if "INJECTED" not in output.read_text(encoding="utf-8"):
            break
    else:
        raise AssertionError("no end of it")
    gateway.start()
    bench.restart()
