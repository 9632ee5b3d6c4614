"""Kinds of what an administrator changes, each there and back, and what must hold of a gateway that was
killed or failed in the middle of one. For the tests that do so at every system call."""
import collections
import glob
import http.client
import json
import os
import re
import sqlite3
import ssl
import subprocess

from client import PASSWORD
from harness import free_port
from harness.client import Client, send_message
from harness.gateway import Config
from harness.strace import Tracer

CONTROL = "/config/destination-controls/under.example"
PASSPHRASE = "a passphrase of some length"
MANY = 150
AUTOCHECKPOINT = 1000  # SQLite's own figure, in pages
# Those that leave something behind: on disk, bound, or told to somebody.
CALLS = ("write", "writev", "pwrite64", "pwritev", "fdatasync", "fsync", "ftruncate", "fallocate", "openat",
         "close", "?rename", "?unlink", "?mkdir", "linkat", "socket", "bind", "listen", "setsockopt", "fcntl",
         "epoll_ctl", "sendmsg", "sendto", "shutdown", "accept4")

Mark = collections.namedtuple("Mark", "state revision audit")


class Scene:
    """A gateway, its administrator, a program with a token, and what can be seen of all."""

    def __init__(self, make_api):
        self.make_api = make_api
        config = Config()
        config.data["bounce-profiles"][0]["initial_retry_s"] = 3600
        self.api = make_api(config)
        self.gateway, self.admin = self.api.gateway, self.api.administrator
        self.token = self.api.token("config:read", "config:draft", "config:commit", "certificates:read",
                                    "certificates:write")
        self.api.user("ann", "read-only")
        self.extra = free_port()
        self.database = os.path.join(self.gateway.state, "postern.db")

    def threads(self, name):
        """Main has the program's name, and so have threads that others began: the lowest is main."""
        found = sorted(number for number, (each, _) in self.gateway.threads().items() if each == name)
        return found[:1] if name == "postern" else found

    def state(self):
        """All that an administrator can have changed."""
        users = self.admin.get("/users").json["items"]
        return {"file": self.token.get("/config-file").json,
                "draft": self.token.get("/drafts/me/diff").json["items"],
                "staged": self.token.get("/drafts/me").json["items"],
                "tokens": sorted(each["name"] for each in self.admin.get("/me/tokens").json["items"]),
                "users": [(each["name"], each["role"], each["disabled"]) for each in users],
                "sessions": len(self.admin.get("/me/sessions").json["items"])}

    def mark(self):
        newest = self.token.get("/revisions", limit=1).json["items"][0]
        assert newest["running"], newest
        return Mark(self.state(), newest["revision"], self.admin.get("/audit", limit=1).json["items"][0])

    def check(self):
        """Whole and at work."""
        database = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True)
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.close()
        keys = os.path.join(self.gateway.state, "keys")
        wanted = {key["spki"] + ".pem" for each in self.state()["file"]["certificates"]
                  for key in each["keys"]}
        assert wanted <= set(os.listdir(keys)), "a certificate without its key"
        for path in glob.glob(os.path.join(keys, "*.pem")):
            with open(path, encoding="ascii") as key:
                assert key.read().rstrip().endswith("-----END PRIVATE KEY-----"), path
        assert send_message(self.gateway.public).code == 250

    def restart(self):
        self.gateway.kill()
        self.api.start(has_administrator=False)


class Change:
    """There (True) and back (False); what prepares is done before, acknowledged."""
    is_commit = True

    def __init__(self, scene):
        self.scene, self.token, self.admin = scene, scene.token, scene.admin

    def prepare(self, is_there):
        """What the change needs."""

    def act(self, is_there):
        raise NotImplementedError

    def check(self, is_there):
        """What shows outside."""


class OneObject(Change):
    def act(self, is_there):
        return self.token.put(CONTROL, {"max_connections": 2 if is_there else 1}, commit="now")


class Drafted(Change):
    def clear(self):
        assert self.token.delete("/drafts/me").status == 204

    def act(self, is_there):
        return self.token.post("/drafts/me/commit", {"comment": "there" if is_there else "back"})


class Listener(Drafted):
    """Binds a port, releases it."""

    def prepare(self, is_there):
        self.clear()
        listener = {"type": "public", "interface": "Loopback", "certificate": "demonstration",
                    "port": self.scene.extra}
        group = {"senders": [{"sender": "ALL"}], "policy": "ACCEPTED"}
        entries = [("/config/listeners/Extra", listener, {}),
                   ("/config/sender-groups/ALL", group, {"listener": "Extra"}),
                   ("/config/rat/ALL", {"action": "reject"}, {"listener": "Extra"})]
        for path, value, query in entries:
            answer = self.token.put(path, value, draft="me", **query) if is_there else \
                self.token.delete(path, draft="me", **query)
            assert answer.status == 200, answer

    def check(self, is_there):
        try:
            Client(self.scene.extra, helo="client.example").close()
            is_open = True
        except OSError:
            is_open = False
        assert is_open == is_there


class Certificate(Drafted):
    """Another one for HTTPS and for a listener; its key came from another gateway."""

    def __init__(self, scene):
        super().__init__(scene)
        other = scene.make_api()
        sealed = other.administrator.post("/config-file/seal", {"passphrase": PASSPHRASE}).json
        chains = other.administrator.get("/certificates/demonstration").json
        assert other.stop() == 0
        answer = self.token.post("/config-file/load", {"file": sealed, "passphrase": PASSPHRASE}, draft="me",
                                 mode="merge", sections="certificates")
        assert answer.status == 200, answer
        self.clear()  # its keys stay
        answer = self.token.put("/certificates/second", dict(chains, name="second"), commit="now")
        assert answer.status == 200, answer
        self.leaves = {}

    def prepare(self, is_there):
        self.clear()
        name = "second" if is_there else "demonstration"
        for path, field in (("/config/interfaces/Loopback", "https_certificate"),
                            ("/config/listeners/InboundMail", "certificate")):
            answer = self.token.patch(path, {field: name}, draft="me")
            assert answer.status == 200, answer

    def check(self, is_there):
        https = ssl.get_server_certificate(("127.0.0.1", self.scene.api.https))
        with Client(self.scene.gateway.public, helo="client.example") as client:
            client.starttls()
            smtp = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(True))
        assert https == smtp == self.leaves.setdefault(is_there, https)
        assert self.leaves.get(not is_there) != https


def many():
    return {"rat": [{"listener": "InboundMail", "recipient": "many%d.example" % number, "action": "accept"}
                    for number in range(MANY)]}


class File(Drafted):
    """Many objects from a file; gone again by an older revision that is restored."""

    def __init__(self, scene):
        super().__init__(scene)
        self.first = scene.token.get("/revisions", limit=1).json["items"][0]["revision"]

    def stage(self, is_there):
        if is_there:
            return self.token.post("/config-file/load", {"file": many()}, draft="me", mode="merge")
        return self.token.post("/revisions/%d/restore" % self.first, draft="me")

    def prepare(self, is_there):
        self.clear()
        answer = self.stage(is_there)
        assert answer.status == 200 and len(answer.json["items"]) >= MANY, answer


class Checkpoint(OneObject):
    """The commit after which SQLite moves its log, by then long enough, into the database."""

    def prepare(self, is_there):
        other = sqlite3.connect(self.scene.database, isolation_level=None)
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("INSERT INTO objects VALUES(x'00', ?)", ("x" * 4096 * AUTOCHECKPOINT,))
        other.execute("DELETE FROM objects WHERE hash = x'00'")
        other.close()


class DraftItem(Change):
    is_commit = False

    def act(self, is_there):
        if is_there:
            return self.token.put(CONTROL, {"max_connections": 3}, draft="me")
        return self.token.delete("/drafts/me")


class DraftDiscard(DraftItem):
    def act(self, is_there):
        if is_there:
            return super().act(is_there)
        return self.token.post("/drafts/me/discard",
                               {"section": "destination-controls", "key": "under.example"})


class DraftFile(File):
    is_commit = False

    def prepare(self, is_there):
        pass

    def act(self, is_there):
        return self.stage(True) if is_there else self.token.delete("/drafts/me")


class Token(Change):
    is_commit = False

    def act(self, is_there):
        if is_there:
            return self.admin.post("/me/tokens", {"name": "other", "scopes": ["config:read"]})
        return self.admin.delete("/me/tokens/other")


class User(Change):
    """Two settings at once."""
    is_commit = False

    def act(self, is_there):
        return self.admin.patch("/users/ann", {"role": "operator" if is_there else "read-only",
                                               "disabled": is_there})


class Session(Change):
    is_commit = False

    def act(self, is_there):
        if is_there:
            return self.scene.api.nobody().post("/session", {"user": "kim", "password": PASSWORD})
        other = [each for each in self.admin.get("/me/sessions").json["items"] if not each["current"]]
        return self.admin.delete("/me/sessions/" + other[0]["id"])


def unlike(state, other):
    """What a failed test shows of two of them."""
    pairs = [(key, state[key], other[key]) for key in state if key != "file"]
    pairs += [(key, state["file"][key], other["file"].get(key)) for key in state["file"]]
    return [pair for pair in pairs if pair[1] != pair[2]]


class Walk:
    """One kind on one gateway. What each side looks like is learnt from changes that nothing disturbs."""

    def __init__(self, make_api, kind):
        self.scene = Scene(make_api)
        self.change = kind(self.scene)
        self.is_there, self.sides = False, {}
        self.name = kind.__name__
        for is_there in (True, False, True, False):
            self.go(is_there)

    def go(self, is_there):
        self.change.prepare(is_there)
        answer = self.change.act(is_there)
        assert answer.status < 300, answer
        self.is_there = is_there
        state = self.scene.state()
        assert self.sides.setdefault(is_there, state) == state
        self.change.check(is_there)

    def count(self, is_there):
        """{(thread, call): how often} of one change. The gateway is where it was then."""
        self.change.prepare(is_there)
        names = {number: name for number, (name, _) in self.scene.gateway.threads().items()}
        main = self.scene.threads("postern")
        output = os.path.join(self.scene.gateway.directory, "calls")
        command = ["strace", "-o", output, "-e", "trace=" + ",".join(CALLS)]
        command += ["-p", ",".join(str(number) for number in names)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer:
            attached = [tracer.stderr.readline() for _ in names]
            assert all("attached" in line for line in attached), attached
            answer = self.change.act(is_there)
            tracer.terminate()
        assert answer.status < 300, answer
        self.is_there = is_there
        found = collections.Counter()
        with open(output, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                match = re.match(r"(\d+) +([a-z0-9_]+)\(", line)
                number = int(match.group(1)) if match else None
                if number in names and (names[number] != "postern" or number in main):
                    found[names[number], match.group(2)] += 1
        return found

    def disturb(self, thread, injection):
        """The answer to a change under INJECTION, None if none came; and what was before it."""
        is_there = not self.is_there
        self.change.prepare(is_there)
        before = self.scene.mark()
        with Tracer(self.scene.threads(thread), injection):
            try:
                answer = self.change.act(is_there)
            except (OSError, http.client.HTTPException):
                answer = None
        return answer, before

    def settle(self, answer, before, what):
        """Exactly the old or the new, with a row in the audit for the new only, and new if it was
        answered so. True: it is the new."""
        after = self.scene.mark()
        is_new = after.state == self.sides[not self.is_there]
        assert is_new or after.state == before.state, "%s: neither old nor new: %r" % (
            what, unlike(after.state, before.state) + unlike(after.state, self.sides[not self.is_there]))
        assert is_new or answer is None or answer.status >= 300, "%s: accepted, then lost" % what
        assert after.revision == before.revision + (is_new and self.change.is_commit), what
        told = after.audit["number"] - before.audit["number"]
        if answer is None or answer.status < 300:
            assert told == is_new, "%s: %d rows in the audit" % (what, told)
        if told:
            assert (after.audit["outcome"] == "done") == is_new, (what, after.audit)
        self.is_there = self.is_there ^ is_new
        self.scene.check()
        self.change.check(self.is_there)
        return is_new

    def kill_at(self, thread, call, number):
        """None: nothing was killed; else whether it is the new."""
        what = "%s, killed at %s %d of %s" % (self.name, call, number, thread)
        answer, before = self.disturb(thread, "%s:signal=KILL:when=%d" % (call, number))
        if answer is None:
            assert self.scene.gateway.wait_exit() == -9
        is_killed = not self.scene.gateway.is_alive()
        self.scene.restart()
        is_new = self.settle(answer, before, what)
        return is_new if is_killed else None
