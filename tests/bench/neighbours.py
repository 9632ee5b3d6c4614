"""Measures what bad neighbours cost the good ones: slow clients, and destinations that fail.

Rounds alternate between the good ones alone and the same beside the bad ones, so that a slow minute
of the machine hits both; what is printed are medians and their ratio. bars.md asks for >= 0.8 beside
2,000 slow clients, issue 3 for >= 0.9 beside two bad destinations of twenty.
"""
import os
import statistics
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from harness import allow_many_files, wait_until  # noqa: E402
from harness.client import send_message  # noqa: E402
from harness.gateway import Config, Gateway  # noqa: E402
from harness.sink import BenchSink, Load, RawServer  # noqa: E402
from harness.slow import SlowClients  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
DIRECTORY = os.environ.get("BENCH_DIR", "/var/tmp")
SLOW_CLIENTS = 2000
MESSAGES = 10000


def good_clients(has_bad, directory):
    """Messages a second that 20 sessions get in."""
    gateway = Gateway(directory, Config()).start()
    slow = SlowClients(gateway.public, SLOW_CLIENTS) if has_bad else None
    try:
        gateway.settle(2)
        result = Load(gateway.public, "--sessions", 20, "--seconds", SECONDS).wait()
        assert not result["errors"], result
        return result["rate"]
    finally:
        if slow:
            slow.close()
        gateway.kill()


def good_destinations(has_bad, directory):
    """Messages a second that reach the eighteen destinations which work."""
    sink = BenchSink(os.path.join(directory, "received"))
    silent = RawServer(lambda sock: threading.Event().wait(600))
    config = Config(next_hop=("127.0.0.1", sink.port)).accept(".dest.example")
    if has_bad:
        config.route("d3.dest.example", 1).route("d7.dest.example", silent.port)
    gateway = Gateway(directory, config).start()
    try:
        send_message(gateway.public, recipient="warm@d0.dest.example")
        wait_until(lambda: len(sink.entries()) >= 1, 30, "the first message")
        began = time.monotonic()
        Load(gateway.public, "--messages", MESSAGES, "--rcpt", "r@d%.dest.example", "--domains",
             20).wait(300)
        wanted = 1 + (MESSAGES * 18 // 20 if has_bad else MESSAGES)
        wait_until(lambda: len(sink.entries()) >= wanted, 120, "all messages of the good ones")
        return MESSAGES * 18 / 20 / (time.monotonic() - began)
    finally:
        gateway.kill()
        sink.close()
        silent.close()


def measure(title, run):
    rates = {False: [], True: []}
    for _ in range(ROUNDS):
        for has_bad in (False, True):
            with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=DIRECTORY) as directory:
                rates[has_bad].append(run(has_bad, directory))
    alone, beside = (statistics.median(rates[has_bad]) for has_bad in (False, True))
    print("%-46s %8.0f/s alone (%.0f .. %.0f), %8.0f/s beside (%.0f .. %.0f): %.2f" %
          (title, alone, min(rates[False]), max(rates[False]), beside, min(rates[True]),
           max(rates[True]), beside / alone))
    sys.stdout.flush()


def main():
    allow_many_files()
    print("%d rounds, alternating; medians" % ROUNDS)
    measure("20 clients beside %d slow ones" % SLOW_CLIENTS, good_clients)
    measure("18 destinations beside 2 that fail or hang", good_destinations)


if __name__ == "__main__":
    main()
