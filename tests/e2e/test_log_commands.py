"""`postern grep` and `postern tail` on the log of a gateway that runs."""
import json
import os
import signal
import subprocess

import pytest

from harness import PATIENCE, binary, wait_until
from harness.client import Client, send_message

CLEAN, NOTHING, USAGE, STATE = 0, 1, 2, 4


def run(command, gateway, *arguments):
    return subprocess.run([binary(), command, "--state-dir", gateway.state, *map(str, arguments)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                          env=dict(os.environ, TZ="UTC"), check=False)


def found(command, gateway, *arguments):
    done = run(command, gateway, *arguments)
    assert done.returncode == CLEAN and not done.stderr, done
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def told(shared):
    """A gateway that has taken and delivered two messages, one of them over TLS."""
    send_message(shared.public, b"Subject: Erste Nachricht\r\n\r\nbody", starttls=False)
    send_message(shared.public, b"Subject: second\r\n\r\nbody")
    shared.wait_idle(2)
    shared.mail_json.wait("icid_close", 20 * PATIENCE, count=2)
    shared.settle()
    return shared


def test_grep_shows_a_message_with_its_connections(told):
    mids = [e["mid"] for e in told.mail_json.events("mid_subject", subject="second")]
    assert len(mids) == 1
    lines = found("grep", told, "--mid", mids[0])
    log = told.mail_logs.raw_lines()
    assert [line for line in log if line in lines] == lines, "the lines of mail_logs, in their order"
    texts = [line.split(": ", 1)[1] for line in lines]
    # The connection that delivered it may be older than the one it came by.
    for part in ("New SMTP ICID ", "TLS success protocol ", "Start MID %d " % mids[0], "Subject 'second'",
                 "New SMTP DCID ", "Message done DCID ", "Message finished MID %d done" % mids[0]):
        assert any(part in text for text in texts), (part, texts)
    assert not any("Erste" in text for text in texts)
    assert any(text.startswith("ICID ") and text.endswith(" close") for text in texts)


def test_grep_by_text_and_tls(told):
    lines = found("grep", told, "erste NACH")
    assert len(lines) == 1 and lines[0].endswith("Subject 'Erste Nachricht'")
    assert any("TLS success protocol" in line for line in found("grep", told, "--tls", "success"))
    assert all("TLS none" in line for line in found("grep", told, "--tls", "none"))
    events = [json.loads(line) for line in found("grep", told, "--json", "--", "second")]
    assert [event["subject"] for event in events] == ["second"]
    assert len(found("grep", told, "--json", "--from", "2020-01-01T00:00:00Z")) == len(
        told.mail_json.events())
    done = run("grep", told, "--limit", 3)
    assert done.stdout.splitlines() == found("grep", told)[-3:] and "newest 3 lines" in done.stderr


def test_grep_finds_nothing(told):
    for arguments in (["no such text"], ["--mid", 999999], ["--to", "2020-01-01T00:00:00+09:00"],
                      ["--tls", "failed", "--mid", 1]):
        done = run("grep", told, *arguments)
        assert done.returncode == NOTHING and not done.stdout and not done.stderr, done


@pytest.mark.parametrize("arguments", [
    ["grep"], ["grep", "--state-dir"], ["grep", "--state-dir", "x", "a", "b"],
    ["grep", "--state-dir", "x", "--mid", "0"], ["grep", "--state-dir", "x", "--mid"],
    ["grep", "--state-dir", "x", "--tls", "maybe"], ["grep", "--state-dir", "x", "--from", "today"],
    ["grep", "--state-dir", "x", "--nonsense"], ["grep", "--state-dir", "x", "t" * 257],
    ["tail"], ["tail", "--state-dir", "x", "-n"], ["tail", "--state-dir", "x", "-n", "x"],
    ["tail", "--state-dir", "x", "y"]], ids=lambda v: " ".join(v)[:60])
def test_wrong_command_line(arguments):
    done = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == USAGE and done.stderr and not done.stdout, done


@pytest.mark.parametrize("command", ["grep", "tail"])
def test_no_such_directory(command, tmp_path):
    done = subprocess.run([binary(), command, "--state-dir", str(tmp_path / "none")], check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == STATE and "none/log" in done.stderr, done


def test_tail_shows_the_last_lines(told):
    log = told.mail_logs.raw_lines()
    assert len(log) > 20
    assert found("tail", told) == log[-10:]
    assert found("tail", told, "-n", 3) == log[-3:]
    assert found("tail", told, "-n", 1000) == log
    assert json.loads(found("tail", told, "-n", 1, "--json")[0]) == told.mail_json.events()[-1]


def test_tail_follows_through_a_rotation(make_gateway, tmp_path):
    gateway = make_gateway()
    send_message(gateway.public)
    gateway.wait_idle()
    gateway.settle()
    before = gateway.mail_logs.raw_lines()
    copy = tmp_path / "tail.txt"
    with open(copy, "wb") as out:
        tail = subprocess.Popen([binary(), "tail", "-f", "-n", "2", "--state-dir", gateway.state],
                                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: copy.read_text().splitlines() == before[-2:], 20 * PATIENCE,
                   "the last two lines")
        log = os.path.join(gateway.state, "log", "mail_logs")
        for n in range(2):
            send_message(gateway.public)
            gateway.wait_idle(2 + 2 * n)
            os.rename(log, "%s.%d" % (log, n + 1))
            os.kill(gateway.pid, signal.SIGHUP)
            wait_until(lambda: os.path.exists(log), 20 * PATIENCE, "a new file")
            send_message(gateway.public)
            gateway.wait_idle(3 + 2 * n)

        def whole():
            text = ""
            for name in (log + ".1", log + ".2", log):
                with open(name, encoding="utf-8") as part:
                    text += part.read()
            return text.splitlines()[len(before) - 2:] == copy.read_text().splitlines()
        wait_until(whole, 20 * PATIENCE, "every line once, in its order")
    finally:
        tail.kill()
        assert tail.communicate()[1] == b""


def test_the_configuration_says_when_files_are_rotated(make_gateway):
    """At once, and what is found goes on through all of them."""
    gateway = make_gateway()
    directory = os.path.join(gateway.state, "log")
    for words in (["set", "logs", "rotate_bytes=1048576", "keep_files=2"], ["commit"]):
        done = subprocess.run([binary(), "config", *words, "--state-dir", gateway.state], timeout=60,
                              capture_output=True, text=True, check=False)
        assert done.returncode == CLEAN, done

    def numbers():
        return sorted(int(name[len("mail_json."):]) for name in os.listdir(directory)
                      if name.startswith("mail_json."))
    for _ in range(20):
        with Client(gateway.public, helo="client.example") as client:
            for _ in range(400):
                assert client.message("a@sender.example", "b@example.test", b"Subject: n").code == 250
        if numbers() and numbers()[0] > 1:
            break
    wait_until(lambda: [n > 1 for n in numbers()] == [True] * 2, 20 * PATIENCE, "two files, not the first")
    assert all(os.path.getsize(os.path.join(directory, "mail_json.%d" % n)) <= 1048576
               for n in numbers())


def test_tail_ends_when_nobody_reads(make_gateway):
    gateway = make_gateway()
    tail = subprocess.Popen([binary(), "tail", "-f", "--state-dir", gateway.state],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        tail.stdout.close()
        assert tail.wait(20 * PATIENCE) is not None
    finally:
        tail.kill()
        tail.wait()
