"""kill -9 while mail comes in and goes out, again and again. Sender and next hop live outside and keep
ledgers of (id, SHA-256): what was acknowledged is delivered or still queued, unchanged; what came twice
is counted, and only what was on its way at a kill may have.

KILL_ROUNDS sets the number of rounds: 10 otherwise, 50 in the long suite. Segments of 1 MB make roll-over,
removal and body files fall into the window; every 7th recipient is deferred, every 10th destination is
down until the last round."""
import json
import os
import random
import subprocess
import time

import pytest

from harness import IS_LONG, binary, wait_until
from harness.gateway import Config
from harness.sink import read_ledger, reconcile

ROUNDS = int(os.environ.get("KILL_ROUNDS", "50" if IS_LONG else "10"))
DOMAINS = 10


def waiting(gateway):
    done = subprocess.run([binary(), "queue", "summary", "--json", "--state-dir", gateway.state], timeout=60,
                          capture_output=True, check=True)
    return json.loads(done.stdout)["messages"]


@pytest.mark.parametrize("sizes", ["small", "mixed"])
def test_nothing_acknowledged_is_lost(make_gateway, make_bench_sink, make_load, tmp_path, sizes):
    ledger, sink_ledger, late_ledger = (tmp_path / name for name in ("sent", "received", "late"))
    hop = make_bench_sink(sink_ledger, "--tempfail", 7)
    late_port = make_bench_sink(None)
    down = late_port.port
    late_port.close()
    config = Config(next_hop=("127.0.0.1", hop.port)).bounce(initial_retry_s=1, max_retry_s=2)
    config.accept(".kill.example").route("d9.kill.example", down)
    gateway = make_gateway(config, "--segment-size", "1000000")
    rng = random.Random(ROUNDS)
    connections, restarts = 0, []
    for number in range(ROUNDS):
        loads = [make_load(gateway.public, "--sessions", 8, "--seconds", 600, "--persist", "--quiet",
                           "--rcpt", "r@d%.kill.example", "--domains", DOMAINS, "--fsync",
                           "--run", "s%d" % number, "--size", 4096, ledger=ledger)]
        if sizes == "mixed":
            loads.append(make_load(gateway.public, "--sessions", 2, "--seconds", 600, "--persist",
                                   "--quiet", "--starttls", "--rcpt", "r@d%.kill.example",
                                   "--domains", DOMAINS, "--fsync", "--run", "b%d" % number,
                                   "--size", 200000, ledger=ledger))
        time.sleep(rng.uniform(0.15, 0.6))
        gateway.kill()
        for load in loads:
            connections += load.stop()["connections"]
        began = time.monotonic()
        gateway.start()
        restarts.append(time.monotonic() - began)
    make_bench_sink(late_ledger, port=down)

    sent = read_ledger(ledger)
    assert len(sent) > 20 * ROUNDS, "the generator hardly got anything through: %d" % len(sent)

    def all_seen():
        missing, _, _ = reconcile(sent, read_ledger(sink_ledger) + read_ledger(late_ledger))
        return not missing
    try:
        wait_until(all_seen, 120, "every acknowledged message at a next hop")
    except AssertionError:
        missing = reconcile(sent, read_ledger(sink_ledger) + read_ledger(late_ledger))[0]
        raise AssertionError("%d of %d acknowledged messages were not delivered: %s" %
                             (len(missing), len(sent), sorted(missing)[:10])) from None
    received = read_ledger(sink_ledger) + read_ledger(late_ledger)
    _, changed, copies = reconcile(sent, received)
    assert not changed, sorted(changed)[:10]

    # Twice: delivered, and killed before the record of it was on disk. That is at most what one batch
    # of records and the connections of each kill hold.
    twice = {name: count for name, count in copies.items() if count > 1}
    acknowledged = {name for name, _ in sent}
    extra = [name for name in copies if name not in acknowledged]
    print("%d rounds: %d acknowledged, %d delivered, %d more than once, %d delivered of which the sender "
          "saw no reply, slowest start %.2f s" % (ROUNDS, len(sent), len(copies), len(twice), len(extra),
                                                  max(restarts)))
    assert len(twice) <= max(20 * ROUNDS, len(sent) // 20), len(twice)
    assert len(extra) <= 40 * ROUNDS, len(extra)
    # And nothing is left over when all is delivered, those too whose sender saw no reply.
    wait_until(lambda: waiting(gateway) == 0, 120, "an empty queue")
    assert gateway.stop() == 0
    gateway.start()
    time.sleep(1)
    with open(gateway.stdout, encoding="utf-8") as out:
        last = [line for line in out if "ready" in line][-1]
    assert ", 0 messages in the queue" in last, last
