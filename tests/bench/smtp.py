"""Measures the gateway beside Debian's Postfix and beside the generator talking straight to the sink.

Each round goes through all servers of a scenario before the next begins, so that a slow minute of the
machine hits all alike; every run starts a server on an empty queue. Printed are medians, and server
CPU (user and system of all its processes, from /proc) for each message. A ratio is what counts, the
figures alone belong to the machine.

accept          the destination takes nothing meanwhile: all stays queued
accept+deliver  from the generator's start to the last message at the sink
"""
import os
import signal
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from harness import bench_program, binary, free_port, wait_until  # noqa: E402
from harness.certificates import certificate  # noqa: E402
from harness.client import send_message  # noqa: E402
from harness.gateway import Config, Gateway  # noqa: E402
from harness.postfix import Postfix, why_not  # noqa: E402
from harness.sink import BenchSink, Load  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
DIRECTORY = os.environ.get("BENCH_DIR", "/var/tmp")
TICK = os.sysconf("SC_CLK_TCK")

# name: (delivers, generator's options, next hop by STARTTLS)
SCENARIOS = {
    "accept, clear, 20 a connection": (False, ("--per-connection", 20), False),
    "accept, clear, 64 KiB": (False, ("--per-connection", 20, "--size", 65536), False),
    "accept, STARTTLS, 20 a connection": (False, ("--per-connection", 20, "--starttls"), False),
    "accept, STARTTLS, a connection each": (False, ("--per-connection", 1, "--starttls"), False),
    "accept, STARTTLS, each with a ticket":
        (False, ("--per-connection", 1, "--starttls", "--resume"), False),
    "accept+deliver, clear": (True, ("--per-connection", 20), False),
    "accept+deliver, STARTTLS both ways": (True, ("--per-connection", 20, "--starttls"), True),
}


def process_cpu(pid, with_reaped):
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    if with_reaped:
        ticks += int(fields[13]) + int(fields[14])
    return ticks / TICK


def tree_cpu(pid):
    """Seconds used by PID, its living descendants and those it has reaped."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="ascii") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    total, todo = process_cpu(pid, True), list(children.get(pid, []))
    while todo:
        each = todo.pop()
        todo += children.get(each, [])
        try:
            total += process_cpu(each, True)
        except OSError:
            pass
    return total


class PosternServer:
    def __init__(self, directory, next_hop, tls_out):
        os.mkdir(directory)
        config = Config(next_hop=("127.0.0.1", next_hop))
        config.destination("Default", tls="required" if tls_out else "none", max_connections=100,
                           max_messages_per_connection=100)
        self.gateway = Gateway(directory, config).start()
        self.port, self.pid = self.gateway.public, self.gateway.pid

    def stop(self):
        self.gateway.kill()


class PostfixServer:
    def __init__(self, directory, next_hop, tls_out):
        cert, key = certificate("ecdsa", "postfix.example")
        settings = {"relayhost": "[127.0.0.1]:%d" % (next_hop or 1),
                    "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": cert,
                    "smtpd_tls_key_file": key,
                    "smtp_tls_security_level": "encrypt" if tls_out else "none"}
        if next_hop is None or next_hop == CLOSED_PORT:
            settings["defer_transports"] = "smtp"
        self.postfix = Postfix(directory, settings, os.path.join(HERE, "postfix-main.cf")).start()
        self.port, self.pid = self.postfix.port, self.postfix.process.pid

    def stop(self):
        self.postfix.stop()


CLOSED_PORT = free_port()  # nobody listens: what goes there stays queued
SERVERS = {"postern": PosternServer, "postfix": PostfixServer, "ceiling": None}


def run_ceiling(options):
    sink = BenchSink(None)
    try:
        result = Load(sink.port, "--seconds", SECONDS, *options).wait()
    finally:
        counts = sink.close()
    cpu = (counts["cpu_user_s"] + counts["cpu_sys_s"]) / max(1, counts["messages"])
    return result, result["rate"], cpu


def run_server(make, scenario, directory):
    delivers, options, tls_out = scenario
    sink = BenchSink(os.path.join(directory, "sink")) if delivers else None
    server = make(os.path.join(directory, "server"), sink.port if sink else CLOSED_PORT, tls_out)
    try:
        for _ in range(3):  # caches, first processes
            send_message(server.port, b"Subject: warm\r\n\r\nup", starttls="--starttls" in options)
        if sink:
            wait_until(lambda: len(sink.entries()) >= 3, 30, "the first messages at the sink")
        before = tree_cpu(server.pid)
        result = Load(server.port, "--seconds", SECONDS, *options).wait()
        count, rate = result["messages"], result["rate"]
        if sink:
            # Cheap to look at, so that looking does not disturb: the size of the ledger.
            wanted = count + 3
            wait_until(lambda: len(sink.entries()) >= wanted, 120, "all messages at the sink")
        cpu = (tree_cpu(server.pid) - before) / max(1, count)
        if sink:
            counts = sink.close()
            rate = count / ((counts["last_us"] - result["started_us"]) / 1e6)
        return result, rate, cpu
    finally:
        server.stop()
        if sink:
            sink.close()


def measure(name, servers):
    """{server: [(rate, cpu, p50), ...]}, interleaved."""
    rows = {server: [] for server in servers}
    for number in range(ROUNDS):
        for server in servers:
            with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=DIRECTORY) as directory:
                if SERVERS[server] is None:
                    result, rate, cpu = run_ceiling(SCENARIOS[name][1])
                else:
                    result, rate, cpu = run_server(SERVERS[server], SCENARIOS[name], directory)
            rows[server].append((rate, cpu, result["p50_ms"]))
            if result["errors"]:
                print("  %s, round %d: %d errors: %s" % (server, number + 1, result["errors"],
                                                         result["stderr"].strip()))
            time.sleep(0.2)
    return rows


def median(rows, column):
    return statistics.median(row[column] for row in rows)


def ratio(numerator, denominator):
    return "%9s" % ("-" if not denominator else "%.2f" % (numerator / denominator))


def show(name, rows):
    print("\n%s" % name)
    print("  %-9s %10s %19s %12s %10s" % ("server", "messages/s", "least .. most", "CPU ms each",
                                          "p50 ms"))
    for server, results in rows.items():
        rates = [row[0] for row in results]
        print("  %-9s %10.0f %8.0f .. %7.0f %12.3f %10.2f" %
              (server, median(results, 0), min(rates), max(rates), median(results, 1) * 1000,
               median(results, 2)))


def summary(all_rows):
    print("\nratios of medians (rate of postern / peer; CPU of postern / postfix)")
    print("  %-40s %9s %9s %9s" % ("scenario", "postfix", "ceiling", "CPU"))
    for name, rows in all_rows.items():
        if "postern" not in rows:
            continue
        ours = rows["postern"]
        cells = [ratio(median(ours, 0), median(rows[peer], 0)) if peer in rows else "%9s" % "-"
                 for peer in ("postfix", "ceiling")]
        cells.append(ratio(median(ours, 1), median(rows["postfix"], 1)) if "postfix" in rows
                     else "%9s" % "-")
        print("  %-40s %s" % (name, " ".join(cells)))


def main():
    # So that a run that is stopped ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    servers = os.environ.get("BENCH_SERVERS", "postern postfix ceiling").split()
    wanted = os.environ.get("BENCH_ONLY", "")
    if bench_program("bench_load") is None:
        sys.exit("tests/bench is not built")
    if "postern" in servers and not os.access(binary(), os.X_OK):
        sys.exit("no binary at " + binary())
    if "postfix" in servers and why_not():
        print("without Postfix: " + why_not())
        servers.remove("postfix")
    print("%d rounds of %d s, 20 sessions, 4 KiB unless said otherwise, queues below %s, %d processors"
          % (ROUNDS, SECONDS, DIRECTORY, os.cpu_count()))
    all_rows = {}
    for name in SCENARIOS:
        if wanted and wanted not in name:
            continue
        all_rows[name] = measure(name, servers)
        show(name, all_rows[name])
        sys.stdout.flush()
    summary(all_rows)


if __name__ == "__main__":
    main()
