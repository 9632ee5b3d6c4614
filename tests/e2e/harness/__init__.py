"""What the end-to-end tests stand on: the gateway as a process, its two logs, next hops that
misbehave, raw clients, Debian's Postfix. Standard library only; nothing here asserts about mail."""
import os
import resource
import socket
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
SANITIZER = os.environ.get("POSTERN_SANITIZER", "")
IS_LONG = bool(os.environ.get("POSTERN_LONG"))
# Instrumented binaries are slower: what waits for something to happen waits longer.
PATIENCE = 6.0 if SANITIZER in ("asan", "tsan") else 2.0 if SANITIZER else 1.0

# Suites that run at the same time, and the workers of one, have ports of their own.
PORTS = 5000
FIRST_PORT = (int(os.environ.get("POSTERN_FIRST_PORT", "10000")) +
              PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]))


def binary():
    return os.environ.get("POSTERN_BIN", os.path.join(ROOT, "build", "server", "postern"))


def bench_program(name):
    """Generator and sink stand beside the binary's build, or in the ordinary one."""
    beside = os.path.join(os.path.dirname(binary()), "..", "tests", "bench", name)
    places = [os.path.join(os.environ.get("POSTERN_BENCH", "/nonexistent"), name), beside,
              os.path.join(ROOT, "build", "tests", "bench", name)]
    for path in places:
        if os.access(path, os.X_OK):
            return path
    return None


_ports = set()


def free_port():
    """A port nobody listens on, another one each time; taken from below the ephemeral range so that no
    outgoing connection grabs it in between."""
    while True:
        port = FIRST_PORT + int.from_bytes(os.urandom(2), "big") % PORTS
        if port in _ports:
            continue
        _ports.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def why_no_ipv6():
    """Why nothing can be tested over ::1 on this machine; "" if it can."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return "this machine has no ::1: %s" % error
    return ""


def wait_until(condition, seconds=10.0, what="condition"):
    """Polls; returns the first true value."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %.0f s: %s" % (seconds * PATIENCE, what))
        time.sleep(0.02)


def allow_many_files():
    """An ordinary user begins with 1,024 open files: too few for a test of thousands of clients."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
