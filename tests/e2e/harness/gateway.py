"""The gateway as a child process, its configuration as a dictionary."""
import copy
import json
import os
import re
import signal
import subprocess
import time

from . import PATIENCE, binary, free_port, wait_until
from .logs import JsonLog, TextLog

READY = re.compile(rb"^postern: ready\b.*\n", re.M)


def literal(address):
    """RFC 5321 4.1.3"""
    return "[IPv6:%s]" % address if ":" in address else "[%s]" % address


class Config:
    """A demonstration-like configuration on free ports. `data` is the file that is written; the
    methods change what tests mostly change."""

    def __init__(self, next_hop=None, rat=("example.test",)):
        self.public, self.private, self.blackhole = free_port(), free_port(), free_port()
        host, port = ("127.0.0.1", self.blackhole) if next_hop is None else next_hop
        wide = {"max_messages_per_connection": 1000, "max_recipients_per_message": 1000,
                "max_message_size": 67108864, "max_connections_per_ip": 10000}
        listener = {"interface": "Loopback", "certificate": "demonstration", "max_connections": 10000}
        self.data = {
            "system": {"hostname": "gateway.example.test", "timezone": "UTC"},
            "interfaces": [{"name": "Loopback", "address": "127.0.0.1",
                            "hostname": "gateway.example.test"}],
            "listeners": [
                dict(listener, name="InboundMail", type="public", port=self.public),
                dict(listener, name="OutgoingMail", type="private", port=self.private),
                dict(listener, name="Blackhole", type="blackhole", port=self.blackhole)],
            "sender-groups": [
                {"listener": "InboundMail", "name": "UNKNOWN", "senders": [{"sender": "ALL"}],
                 "policy": "ACCEPTED"},
                {"listener": "OutgoingMail", "name": "RELAYLIST",
                 "senders": [{"sender": "127.0.0.0/8"}], "policy": "RELAYED"},
                {"listener": "OutgoingMail", "name": "ALL", "senders": [{"sender": "ALL"}],
                 "policy": "BLOCKED"},
                {"listener": "Blackhole", "name": "ALL", "senders": [{"sender": "ALL"}],
                 "policy": "ACCEPTED"}],
            "mail-flow-policies": [
                dict(wide, name="ACCEPTED", action="accept", tls="preferred"),
                dict(wide, name="RELAYED", action="relay", tls="preferred"),
                {"name": "BLOCKED", "action": "reject"}],
            "rat": [{"listener": "InboundMail", "recipient": name, "action": "accept"}
                    for name in rat] + [
                {"listener": "InboundMail", "recipient": "ALL", "action": "reject"}],
            "destination-controls": [{"domain": "Default", "tls": "preferred", "max_connections": 100,
                                      "max_messages_per_connection": 100}],
            "smtp-routes": [{"domain": "ALL",
                             "targets": [{"host": literal(host), "port": port}]}],
            "bounce-profiles": [{"name": "Default"}],
        }

    def copy(self):
        return copy.deepcopy(self)

    def route(self, domain, port, host="127.0.0.1"):
        routes = [r for r in self.data["smtp-routes"] if r["domain"] != domain]
        routes.insert(0, {"domain": domain, "targets": [{"host": literal(host), "port": port}]})
        self.data["smtp-routes"] = routes
        return self

    def destination(self, domain, **settings):
        entries = self.data["destination-controls"]
        for entry in entries:
            if entry["domain"] == domain:
                entry.update(settings)
                return self
        entries.insert(0, dict(settings, domain=domain))
        return self

    def policy(self, policy_name, **settings):
        for entry in self.data["mail-flow-policies"]:
            if entry["name"] == policy_name:
                entry.update(settings)
        return self

    def bounce(self, **settings):
        self.data["bounce-profiles"][0].update(settings)
        return self

    def accept(self, recipient):
        self.data["rat"].insert(0, {"listener": "InboundMail", "recipient": recipient,
                                    "action": "accept"})
        return self

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            json.dump(self.data, out, indent=2)
        return path


class Gateway:
    """One state directory and the process on it. start() returns when it is ready."""

    def __init__(self, directory, config=None, arguments=(), prefix=()):
        self.directory = str(directory)
        self.state = os.path.join(self.directory, "state")
        self.config = config or Config()
        self.arguments, self.prefix = list(arguments), list(prefix)
        self.process, self.mark = None, 0
        self.stdout = os.path.join(self.directory, "stdout")
        self.stderr = os.path.join(self.directory, "stderr")
        self.setup = self.config.write(os.path.join(self.directory, "setup.json"))
        self.mail_logs = TextLog(os.path.join(self.state, "log", "mail_logs"))
        self.mail_json = JsonLog(os.path.join(self.state, "log", "mail_json"))

    @property
    def public(self):
        return self.config.public

    @property
    def private(self):
        return self.config.private

    @property
    def blackhole(self):
        return self.config.blackhole

    @property
    def pid(self):
        return self.process.pid

    def command(self):
        return self.prefix + [binary(), "serve", "--state-dir", self.state, "--setup", self.setup,
                              *self.arguments]

    def start(self, is_ready=True, seconds=20.0):
        with open(self.stdout, "ab") as out, open(self.stderr, "ab") as err:
            self.mark = out.tell()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, start_new_session=True)
        if is_ready:
            def look():
                if self.process.poll() is not None:
                    raise AssertionError("the gateway ended with %s:\n%s"
                                         % (self.process.returncode, self.read_stderr()))
                return self.is_ready()
            wait_until(look, seconds, "ready line on standard output")
        return self

    def is_ready(self):
        """The ready line of the last start, or None."""
        with open(self.stdout, "rb") as out:
            out.seek(self.mark)
            return READY.search(out.read())

    def stop(self, seconds=40.0):
        """TERM; returns the exit code."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.terminate()
        try:
            return self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the gateway did not end within %.0f s of TERM" % seconds)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def threads(self):
        """{id: (name, state letter)}, see proc(5)."""
        found, tasks = {}, "/proc/%d/task" % self.pid
        for number in os.listdir(tasks):
            with open(os.path.join(tasks, number, "stat"), encoding="utf-8") as stat:
                name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
            found[int(number)] = (name, rest.split()[0])
        return found

    def freeze(self):
        """Not one instruction more, but for kill(): a call that waits for the disk stays in the kernel
        (D), what it returns is seen by nobody."""
        os.kill(self.process.pid, signal.SIGSTOP)
        wait_until(lambda: all(state in "TD" for _, state in self.threads().values()), 10, "stopped")

    def wait_exit(self, seconds=20.0):
        return self.process.wait(seconds * PATIENCE)

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def read_stderr(self):
        with open(self.stderr, encoding="utf-8", errors="replace") as err:
            return err.read()

    def rss_bytes(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def peak_rss_bytes(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def spool_files(self):
        found = []
        for where, _, names in os.walk(os.path.join(self.state, "spool")):
            found += [os.path.join(where, name) for name in names]
        return found

    def wait_idle(self, count=1, seconds=30.0):
        """Until at least COUNT messages were queued and all that were are finished."""
        def look():
            events = self.mail_json.events()
            queued = {e["mid"] for e in events if e["event"] == "mid_queued"}
            ended = {e["mid"] for e in events if e["event"] in ("mid_finished", "mid_aborted")}
            return len(queued) >= count and not queued - ended
        wait_until(look, seconds, "%d messages queued, and all of them finished" % count)

    def describe(self):
        """What helps when a test has failed."""
        text = ["--- standard error", self.read_stderr()[-4000:]]
        for name in ("mail_logs", "mail_json"):
            path = os.path.join(self.state, "log", name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as log:
                    text += ["--- the end of " + name, log.read()[-6000:]]
        return "\n".join(text)

    def settle(self, seconds=0.3):
        """The log thread writes at least every 100 ms; for tests that look for what is not there."""
        time.sleep(seconds * PATIENCE)
