"""Many at once: slow clients, large messages, destinations that fail or hang. What is asserted here does
not depend on how fast the machine is; comparisons of rates are made in the long suite only."""
import os
import re
import selectors
import socket
import threading
import time

import pytest

from harness import IS_LONG, ROOT, SANITIZER, wait_until
from harness.client import Client, send_message
from harness.gateway import Config
from harness.sink import read_ledger


def limit(name):
    """A figure of server/base/limits.h."""
    with open(os.path.join(ROOT, "server", "base", "limits.h"), encoding="utf-8") as header:
        return int(re.search(r"#define %s\s+(\d+)" % name, header.read()).group(1))


class SlowClients:
    """COUNT connections, each of which sends one byte every INTERVAL seconds, some in the greeting's
    wait, some in a command, some in DATA."""

    SCRIPT = b"EHLO slow.example\r\nMAIL FROM:<slow@a.example>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n"

    def __init__(self, port, count, interval=1.0):
        self.socks, self.selector = [], selectors.DefaultSelector()
        self.closed, self.is_over, self.interval = 0, False, interval
        for number in range(count):
            sock = socket.create_connection(("127.0.0.1", port), 30)
            sock.setblocking(False)
            self.socks.append(sock)
            self.selector.register(sock, selectors.EVENT_READ)
            if number % 3 == 2:
                sock.send(self.SCRIPT)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        at = 0
        while not self.is_over:
            for number, sock in enumerate(self.socks):
                try:
                    if number % 3 == 1:
                        sock.send(self.SCRIPT[at % 17:at % 17 + 1])
                    elif number % 3 == 2:
                        sock.send(b"x")
                except OSError:
                    pass
            at += 1
            for key, _ in self.selector.select(0):
                try:
                    if not key.fileobj.recv(65536):
                        self.closed += 1
                        self.selector.unregister(key.fileobj)
                except OSError:
                    pass
            time.sleep(self.interval)

    def close(self):
        self.is_over = True
        self.thread.join()
        for sock in self.socks:
            sock.close()


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
    if IS_LONG and not SANITIZER.startswith(("asan", "tsan")):
        assert beside["rate"] >= 0.8 * alone["rate"]


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


@pytest.mark.skipif(not IS_LONG, reason="compares rates: in the long suite only")
def test_others_keep_their_rate(make_gateway, make_load, make_bench_sink, make_server, tmp_path):
    rates = []
    for bad in (False, True):
        hop = make_bench_sink(tmp_path / ("received%d" % bad))
        silent = make_server(lambda sock: threading.Event().wait(600))
        config = Config(next_hop=("127.0.0.1", hop.port)).accept(".dest.example")
        if bad:
            config.route("d3.dest.example", 1).route("d7.dest.example", silent.port)
        gateway = make_gateway(config)
        began = time.monotonic()
        result = make_load(gateway.public, "--messages", 10000, "--rcpt", "r@d%.dest.example",
                           "--domains", 20).wait(300)
        assert result["messages"] == 10000, result
        wanted = 9000 if bad else 10000
        wait_until(lambda: len(hop.entries()) >= wanted, 120)
        rates.append(wanted * (20 / 18 if bad else 1) / (time.monotonic() - began))
        gateway.kill()
        gateway.process = None
    print("eighteen destinations: %.0f/s, %.0f/s beside two bad ones" % tuple(rates))
    assert rates[1] >= 0.9 * rates[0]
