"""The power goes while mail comes in and goes out, again and again, on ext4 and on XFS. Sender, next hops
and their ledgers of (id, SHA-256) stay outside: what was acknowledged is delivered or still queued after
each cut, unchanged. Half of the destinations are down until the last round, so that what the cuts could
lose is there.

kill -9 (test_kill.py) leaves what the kernel has; here all that was not synced is gone: bytes, names of
files and directories, lengths. 3 rounds, 25 in the long suite."""
import os
import random
import time

import pytest

from harness import IS_LONG, SANITIZER, free_port, wait_until
from harness.client import Client, send_message
from harness.filesystem import KEEP_JOURNAL, KEEP_NO_JOURNAL, FileSystem, NotPossible, why_not
from harness.gateway import Config
from harness.sink import read_ledger, reconcile

ROUNDS = 25 if IS_LONG else 3
FIRST_ROUNDS = 5 if IS_LONG else 1
DOMAINS = 10

pytestmark = pytest.mark.skipif(SANITIZER in ("asan", "tsan"), reason="a sanitizer sees nothing of what is on disk")


@pytest.fixture(params=["ext4", "xfs"])
def file_system(request, tmp_path):
    if why_not(request.param):
        pytest.skip(why_not(request.param))
    directory = tmp_path / request.param
    directory.mkdir()
    made = None
    try:
        made = FileSystem(directory, request.param)
        yield made
    except NotPossible as refused:
        pytest.skip(str(refused))
    finally:
        if made is not None:
            made.close()


def on(file_system, gateway, name="state"):
    """Its state there, all that a test reads elsewhere."""
    gateway.state = os.path.join(file_system.root, name)
    return gateway


def power_cycle(file_system, gateway, flag=KEEP_NO_JOURNAL):
    """The seconds that the start took."""
    gateway.freeze()
    file_system.cut(flag)
    gateway.kill()
    file_system.restore()
    began = time.monotonic()
    gateway.start()
    return time.monotonic() - began


def test_nothing_acknowledged_is_lost(file_system, make_gateway, make_bench_sink, make_load, tmp_path):
    ledger, sink_ledger, late_ledger = (tmp_path / name for name in ("sent", "received", "late"))
    # Deferred ones come again a second later, each round of them: too long for every change.
    hop, down = make_bench_sink(sink_ledger, *(("--tempfail", 7) if IS_LONG else ())), free_port()
    config = Config(next_hop=("127.0.0.1", hop.port)).bounce(initial_retry_s=1, max_retry_s=1)
    config.accept(".cut.example")
    for number in range(0, DOMAINS, 2):
        config.route("d%d.cut.example" % number, down)
    gateway = on(file_system, make_gateway(config, "--segment-size", "1000000", start=False)).start()
    rng = random.Random(ROUNDS)
    starts = []
    for number in range(ROUNDS):
        before = len(read_ledger(ledger))
        options = ("--seconds", 600, "--persist", "--quiet", "--rcpt", "r@d%.cut.example", "--domains",
                   DOMAINS, "--fsync")
        loads = [make_load(gateway.public, "--sessions", 4, "--size", 4096, "--run", "s%d" % number,
                           *options, ledger=ledger),
                 make_load(gateway.public, "--sessions", 1, "--size", 200000, "--run", "b%d" % number,
                           "--starttls", *options, ledger=ledger)]
        enough = before + rng.randint(20, 200)
        wait_until(lambda: len(read_ledger(ledger)) >= enough, 30, "messages acknowledged")
        flag = rng.choice((KEEP_NO_JOURNAL, KEEP_NO_JOURNAL, KEEP_JOURNAL))
        starts.append(power_cycle(file_system, gateway, flag))
        for load in loads:
            load.stop()
    make_bench_sink(late_ledger, port=down)

    sent = read_ledger(ledger)

    def compare():
        return reconcile(sent, read_ledger(sink_ledger) + read_ledger(late_ledger))
    try:
        wait_until(lambda: not compare()[0], 60, "every acknowledged message at a next hop")
    except AssertionError:
        missing = compare()[0]
        raise AssertionError("%d of %d acknowledged messages were not delivered: %s" %
                             (len(missing), len(sent), sorted(missing)[:10])) from None
    _, changed, copies = compare()
    assert not changed, sorted(changed)[:10]
    twice = len([1 for count in copies.values() if count > 1])
    late = len({name for name, _ in read_ledger(late_ledger)})
    print("%s, %d cuts: %d acknowledged, 0 lost, %d were queued at the last cut, %d came more than once, "
          "slowest start %.2f s" % (os.path.basename(os.path.dirname(file_system.root)), ROUNDS, len(sent),
                                    late, twice, max(starts)))
    # Delivered, and cut before the record of it was on disk: one batch and what is under way at a cut.
    assert twice <= max(20 * ROUNDS, len(sent) // 20), twice
    assert gateway.stop() == 0


def test_the_first_minute(file_system, make_gateway, make_sink):
    """A new state directory, cut when it is ready and cut again behind its first 250: what the first
    start made is there, keys and configuration included, and so is the message."""
    for number in range(FIRST_ROUNDS):
        sink = make_sink(replies={"GREETING": None})  # silent: nothing is delivered, nothing deferred
        config = Config(next_hop=("127.0.0.1", sink.port))
        gateway = on(file_system, make_gateway(config, start=False), "state%d" % number).start()
        keys = sorted(os.listdir(os.path.join(gateway.state, "keys")))
        power_cycle(file_system, gateway)
        assert sorted(os.listdir(os.path.join(gateway.state, "keys"))) == keys
        assert send_message(gateway.public, b"Subject: first %d\r\n\r\nx" % number).code == 250
        sink.replies.clear()
        power_cycle(file_system, gateway)
        assert b"revision 1, 1 messages in the queue" in gateway.is_ready().group()
        assert b"\r\nSubject: first %d\r\n\r\nx\r\n" % number in sink.wait().data
        assert gateway.stop() == 0


def test_the_disk_goes_away(file_system, make_gateway, make_sink):
    """And the process stays: 451 from then on, in sessions that stay in step, a clean end all the same;
    when the disk is back, what had its 250 is there."""
    port = free_port()
    config = Config(next_hop=("127.0.0.1", port)).bounce(initial_retry_s=1, max_retry_s=1)
    gateway = on(file_system, make_gateway(config, start=False)).start()
    with Client(gateway.public, helo="client.example") as client:
        assert client.message("a@sender.example", "b@example.test", b"Subject: kept\r\n\r\nx").code == 250
        client.envelope()
        assert client.command("DATA").code == 354
        file_system.cut()
        client.send(b"Subject: refused\r\n\r\nx\r\n.\r\n")
        assert client.read().text.startswith("4.3.0") and client.command("NOOP").code == 250
        for _ in range(3):
            assert client.command("MAIL FROM:<a@sender.example>").code == 451
        assert client.command("QUIT").code == 221
    assert gateway.stop() == 0
    file_system.restore()
    sink = make_sink(port=port)
    gateway.start()
    assert b"\r\nSubject: kept\r\n" in sink.wait().data
    assert gateway.stop() == 0
    assert not [each for each in sink.messages if b"Subject: refused" in each.data]
