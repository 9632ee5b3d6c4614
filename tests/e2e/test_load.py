"""Many at once: slow clients, large messages, destinations that fail or hang. What is asserted here does
not depend on how fast the machine is; rates are compared by `./dev bench neighbours`."""
import os
import re
import threading

import pytest

from harness import IS_LONG, ROOT, SANITIZER, wait_until
from harness.client import Client, send_message
from harness.gateway import Config
from harness.sink import read_ledger
from harness.slow import SlowClients


def limit(name):
    """A figure of server/base/limits.h."""
    with open(os.path.join(ROOT, "server", "base", "limits.h"), encoding="utf-8") as header:
        return int(re.search(r"#define %s\s+(\d+)" % name, header.read()).group(1))


def test_slow_clients_cost_the_others_nothing(make_gateway, make_load, many_files):
    gateway = make_gateway()
    options = ("--sessions", 20, "--seconds", 5 if IS_LONG else 2)
    alone = make_load(gateway.public, *options).wait()
    assert alone["errors"] == 0, alone
    before = gateway.rss_bytes()
    slow = SlowClients(gateway.public, 2000)
    try:
        gateway.settle(3)  # that they have come is not what is measured
        beside = make_load(gateway.public, *options).wait()
        rss = gateway.rss_bytes() - before
    finally:
        slow.close()
    print("20 good clients: %.0f/s alone, %.0f/s beside 2,000 slow ones; %d KiB for each of these" %
          (alone["rate"], beside["rate"], rss / 2000 / 1024))
    assert beside["errors"] == 0, beside
    assert beside["messages"] > 0


@pytest.mark.skipif(SANITIZER in ("asan", "tsan"), reason="instrumented memory says nothing")
def test_50_large_messages_in_bounded_memory(make_gateway, make_load, make_bench_sink, tmp_path):
    """50 sessions, 64 MiB each in the long suite and 16 MiB otherwise, in and out again."""
    size = 67108864 - 4096 if IS_LONG else 16777216
    hop = make_bench_sink(tmp_path / "received")
    gateway = make_gateway(Config(next_hop=("127.0.0.1", hop.port)))
    result = make_load(gateway.public, "--sessions", 50, "--per-connection", 1, "--messages", 50,
                       "--size", size, ledger=tmp_path / "sent").wait(300)
    assert result["messages"] == 50, result
    wait_until(lambda: len(read_ledger(tmp_path / "received")) >= 50, 300)
    peak = gateway.peak_rss_bytes()
    print("50 x %d MiB: peak %.0f MiB" % (size >> 20, peak / 1048576))
    assert sorted(read_ledger(tmp_path / "received")) == sorted(read_ledger(tmp_path / "sent"))
    assert peak < limit("LIMIT_RSS_50_LARGE_SESSIONS")
    gateway.wait_idle(50)
    wait_until(lambda: not [f for f in gateway.spool_files() if os.path.getsize(f) > 1048576 * 8 and
                            not f.endswith((".seg", "reserve"))], 15, "body files removed")


def test_one_endless_line(gateway):
    """64 MiB without a line end: in a command and in DATA; memory stays where it was."""
    send_message(gateway.public)
    before = gateway.rss_bytes()
    with Client(gateway.public, helo="client.example") as client:
        try:
            for _ in range(1024):
                client.send(b"x" * 65536)
            client.send(b"\r\n")
            assert client.read().code in (421, 500)
        except OSError:
            pass  # it may well end the connection
    with Client(gateway.public, helo="client.example") as client:
        client.envelope()
        client.command("DATA")
        for _ in range(512):
            client.send(b"x" * 65536)
        client.send(b"\r\n.\r\n")
        assert client.read().code in (250, 500, 554, 552)
    if not SANITIZER.startswith(("asan", "tsan")):
        assert gateway.rss_bytes() - before < 16 * 1048576
    assert send_message(gateway.public).code == 250


def test_twenty_destinations(make_gateway, make_load, make_bench_sink, make_server, tmp_path):
    """One refuses connections, one never answers: the eighteen others get all of theirs."""
    hop = make_bench_sink(tmp_path / "received")
    silent = make_server(lambda sock: threading.Event().wait(120))
    config = Config(next_hop=("127.0.0.1", hop.port)).accept(".dest.example")
    config.route("d3.dest.example", 1).route("d7.dest.example", silent.port)
    gateway = make_gateway(config)
    count = 4000 if IS_LONG else 1000
    result = make_load(gateway.public, "--messages", count, "--rcpt", "r@d%.dest.example", "--domains",
                       20, ledger=tmp_path / "sent").wait()
    assert result["messages"] == count, result
    wanted = count * 18 // 20
    wait_until(lambda: len(read_ledger(tmp_path / "received")) >= wanted, 30,
               "all messages of the eighteen destinations")
    gateway.settle(0.5)
    assert len(read_ledger(tmp_path / "received")) == wanted
    received = dict(read_ledger(tmp_path / "received"))
    held = [name for name, _ in read_ledger(tmp_path / "sent") if name not in received]
    assert {int(name.rsplit("-", 1)[1]) % 20 for name in held} == {3, 7}
    gateway.mail_logs.wait(r"Connection Error: DCID \d+ domain: d3\.dest\.example IP: 127\.0\.0\.1 port: 1 "
                           r".* reason: network error")
    gateway.kill()  # it would drain for 30 s: two destinations hold mail
    gateway.process = None
