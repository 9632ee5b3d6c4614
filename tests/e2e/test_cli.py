"""The command line over a daemon that is not there, or does not behave: a socket and a thread that
answers what it is told to. Over the real one: test_cli_config.py, test_cli_queue.py."""
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import termios
import threading

import pytest

from harness import binary

DONE, REFUSED, USAGE = 0, 1, 2


def run(*arguments, **options):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False, **options)


def answer(body="", status="200 OK", fields=()):
    body = body if isinstance(body, bytes) else body.encode()
    lines = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body), *fields, "", ""]
    return "\r\n".join(lines).encode() + body


class Daemon:
    """Gives ANSWERS, one a request, whole or until it closes; `requests` is what came."""

    def __init__(self, directory, *answers):
        self.state = str(directory)
        os.makedirs(os.path.join(self.state, "run"), exist_ok=True)
        self.path = os.path.join(self.state, "run", "postern.sock")
        self.answers, self.requests, self.connections = list(answers), [], 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.answers:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with peer:
                while self.answers and self.read(peer):
                    given = self.answers.pop(0)
                    peer.sendall(given)
                    if b"Connection: close" in given or b"HTTP/1.1" not in given:
                        break

    def read(self, peer):
        data = b""
        while b"\r\n\r\n" not in data:
            more = peer.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        while len(body) < int(fields.get("Content-Length", 0)):
            body += peer.recv(65536)
        self.requests.append((head.decode().split("\r\n")[0], fields, body))
        return True

    def close(self):
        self.listener.close()


@pytest.fixture
def daemon(tmp_path):
    made = []

    def make(*answers):
        made.append(Daemon(tmp_path / "state", *answers))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_nobody_there(tmp_path):
    done = run("status", "--state-dir", tmp_path)
    assert done.returncode == REFUSED and not done.stdout
    assert done.stderr.count("\n") == 1
    assert "%s/run/postern.sock" % tmp_path in done.stderr
    assert "postern serve --state-dir %s" % tmp_path in done.stderr


def test_socket_left_behind(daemon, tmp_path):
    daemon().close()
    assert "not running" in run("status", "--state-dir", tmp_path / "state").stderr


def test_state_directory_from_the_environment(tmp_path):
    environment = dict(os.environ, POSTERN_STATE_DIR=str(tmp_path / "there"))
    assert "/there/run/postern.sock" in run("status", env=environment).stderr
    assert "/here/run" in run("status", "--state-dir=/here", env=environment).stderr
    assert "/var/lib/postern/run" in run("status", env=dict(environment, POSTERN_STATE_DIR="")).stderr


def test_path_too_long(tmp_path):
    done = run("status", "--state-dir", "/" + "x" * 120)
    assert done.returncode == REFUSED and "longer than" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_not_ours(daemon):
    state = daemon().state
    os.chmod(os.path.join(state, "run", "postern.sock"), 0)
    assert "root and the gateway's own user" in run("status", "--state-dir", state).stderr


@pytest.mark.parametrize("given,words", [
    (b"220 mail.example ESMTP\r\n\r\n", "is not HTTP/1.1"),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{}", "ended before its end"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "transfer coding"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", "longer than"),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + b"a: b\r\n" * 20000 + b"\r\n", "head that is too long"),
    (answer("no JSON"), "is no JSON"),
    (answer("", "503 Service Unavailable"), "status 503"),
    (answer("<html>", "502 Bad Gateway"), "status 502"),
], ids=["smtp", "cut", "chunked", "huge", "head", "text", "empty", "html"])
def test_daemon_talks_nonsense(daemon, given, words):
    done = run("queue", "--state-dir", daemon(given).state)
    assert done.returncode == REFUSED and words in done.stderr and not done.stdout


def test_what_is_sent(daemon):
    fake = daemon(answer("{}"))
    run("hoststatus", "a/b c.example", "--state-dir", fake.state)
    line, fields, body = fake.requests[0]
    assert line == "GET /api/v1/queue/destinations/a%2Fb%20c.example HTTP/1.1"
    assert fields == {"Host": "localhost"} and not body


def test_posts_have_a_length(daemon):
    fake = daemon(b"HTTP/1.1 204 No Content\r\n\r\n")
    done = run("queue", "retry", "7", "--state-dir", fake.state)
    assert done.returncode == DONE and done.stdout == "tried now\n"
    assert fake.requests[0][1]["Content-Length"] == "0"


SCHEMA = json.dumps({"sections": [{"name": "things", "key": "name", "singleton": False, "ordered": False,
                                   "per_listener": False, "rows": [{"key": "name", "kind": "name"},
                                                                   {"key": "size", "kind": "number"}]}]})


@pytest.mark.parametrize("fields,connections", [((), 1), (("Connection: close",), 3)])
def test_one_connection_while_it_lasts(daemon, fields, connections):
    written = json.dumps({"changed": True, "object": {}, "diff": []})
    fake = daemon(answer(SCHEMA, fields=fields), answer('{"detail":"none"}', "404 Not Found", fields),
                  answer(written, fields=fields))
    done = run("config", "set", "things", "a b", "size=3", "--state-dir", fake.state)
    assert done.returncode == DONE, done
    assert fake.connections == connections
    lines = [request[0] for request in fake.requests]
    assert lines[1:] == ["PATCH /api/v1/config/things/a%20b?draft=me HTTP/1.1",
                         "PUT /api/v1/config/things/a%20b?draft=me HTTP/1.1"]
    assert json.loads(fake.requests[1][2]) == json.loads(fake.requests[2][2]) == {"size": 3}
    assert fake.requests[1][1]["Content-Type"] == "application/merge-patch+json"
    assert fake.requests[2][1]["Content-Type"] == "application/json"


def test_refusal_before_the_body_is_read(daemon):
    """The answer counts, though the connection is gone when the rest of the request is sent."""
    state = daemon().state
    os.unlink(os.path.join(state, "run", "postern.sock"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(state, "run", "postern.sock"))
    listener.listen()

    def refuse():
        peer, _ = listener.accept()
        peer.recv(10)
        peer.sendall(answer('{"detail":"far too long"}', "413 Too large", ["Connection: close"]))
        peer.shutdown(socket.SHUT_RD)
        peer.close()

    thread = threading.Thread(target=refuse)
    thread.start()
    done = run("config", "commit", "-m", "\x01" * 120000, "--state-dir", state)
    thread.join()
    listener.close()
    assert done.returncode == REFUSED and "far too long" in done.stderr


def test_control_characters_are_shown(daemon):
    reply = {"items": [{"mid": 1, "sender": "a\x1b[2Jb@c.example", "destination": "x", "next_try": None,
                        "last_reply": {"text": "one\ntwo\u202e\u009b"}}], "next": "7\x07"}
    done = run("queue", "messages", "--state-dir", daemon(answer(json.dumps(reply))).state)
    assert done.returncode == DONE
    assert "a\\x1b[2Jb@c.example" in done.stdout and "one\\ntwo\\u202e\\x9b" in done.stdout
    assert "--cursor '7\\x07'" in done.stderr
    for text in (done.stdout, done.stderr):
        assert not [c for c in text if c != "\n" and (c < " " or "\x7f" <= c < "\xa0" or c == "\u202e")]


def test_json_is_the_answer_as_it_is(daemon):
    body = '{ "messages" :1,\n"x": "\\u001b" }\n'
    assert run("queue", "--json", "--state-dir", daemon(answer(body)).state).stdout == body


def test_json_of_a_refusal(daemon):
    body = '{"detail":"no","code":"x.y"}'
    done = run("queue", "--json", "--state-dir", daemon(answer(body, "404 Not Found")).state)
    assert done.returncode == REFUSED and done.stdout == body and not done.stderr


def test_output_that_cannot_be_written(daemon):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([binary(), "queue", "--state-dir", daemon(answer("{}")).state], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == REFUSED and "cannot be written" in done.stderr


def on_terminal(columns, *arguments):
    """What a terminal of so many columns is sent."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip("no pseudo terminal here: %s" % error)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([binary(), *arguments], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not more:
            break
        text += more
    os.close(ours)
    assert process.wait(60) == DONE, process.stderr.read()
    process.stderr.close()
    return text.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [20, 40, 80, 132])
def test_tables_fit_the_terminal(daemon, columns):
    item = {"mid": 123456, "sender": "a-long-name@sender.example", "destination": "partner.example",
            "received": "2026-01-01T00:00:00.000Z", "last_reply": {"text": "come back later " * 9}}
    fake = daemon(answer(json.dumps({"items": [item], "next": None})))
    lines = on_terminal(columns, "queue", "messages", "--state-dir", fake.state).splitlines()
    assert "123456" in lines[1] and all(len(line) <= columns for line in lines[:2])
    assert (len(lines) == 3) == (columns < 80)


@pytest.mark.parametrize("line,words", [
    ("config", "config get"), ("config nonsense", "no command `nonsense`"), ("queue show", "needs MID"),
    ("status now", "no argument"), ("status --limit 3", "no option --limit"),
    ("config commit -m", "needs TEXT"), ("queue shwo 3", "queue show MID")])
def test_wrong_command_line(line, words, tmp_path):
    done = run(*line.split(), cwd=tmp_path)
    assert done.returncode == USAGE and words in done.stderr and not done.stdout
    assert "usage:" in done.stderr
