"""The queue and the gateway's state from a shell: a next hop that says `later` until it is asked again."""
import re

import pytest

from harness import wait_until
from harness.cli import REFUSED, Cli
from harness.client import send_message
from harness.gateway import Config


class Later:
    """A next hop that puts off each recipient until `is_open`."""

    def __init__(self, make_sink):
        self.is_open = False
        self.sink = make_sink(replies={"RCPT": self.reply})

    def reply(self, _argument, _sink):
        return b"250 ok" if self.is_open else b"451 4.7.1 come back \x1b[31mlater"


@pytest.fixture
def later(make_sink):
    return Later(make_sink)


@pytest.fixture
def waiting(make_gateway, later):
    """Two messages wait for a.test, one of them for b.test too."""
    config = Config(next_hop=("127.0.0.1", later.sink.port), rat=("a.test", "b.test"))
    gateway = make_gateway(config.bounce(initial_retry_s=3600, max_retry_s=3600))
    send_message(gateway.public, b"Subject: one\r\n\r\nbody", "one@sender.example", "x@a.test")
    send_message(gateway.public, b"Subject: two\r\n\r\nbody", "two@sender.example", ["y@a.test", "z@b.test"])
    cli = Cli(gateway.state)
    wait_until(lambda: cli.json("queue")["waiting"] == 3, 15, "all three put off")
    return gateway


def card(text):
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in text.splitlines() if "  " in line)


def lines(text):
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def test_shown(waiting):
    cli = Cli(waiting.state)
    summary = card(cli.ok("queue"))
    assert summary["messages"] == "2" and summary["waiting for a retry"] == "3"
    assert cli.ok("queue", "summary") == cli.ok("queue")
    head, *rows = lines(cli.ok("queue", "destinations"))
    assert head[:3] == ["DESTINATION", "STATE", "MESSAGES"]
    assert {row[0]: row[2] for row in rows} == {"a.test": "2", "b.test": "1"}
    assert all(row[-1] == "come back \\x1b[31mlater" for row in rows)
    assert [row[0] for row in lines(cli.ok("queue", "destinations", "--find", "b."))[1:]] == ["b.test"]
    assert [row[2] for row in lines(cli.ok("queue", "messages"))[1:]] == ["one@sender.example", "two@sender.example"]
    assert [row[0] for row in lines(cli.ok("queue", "messages", "--destination", "b.test"))[1:]] == ["2"]
    text = cli.ok("queue", "show", "2")
    assert card(text)["sender"] == "two@sender.example" and card(text)["recipients not delivered"] == "2"
    assert re.search(r"0\s+waiting\s+y@a\.test\s+a\.test\s+1", text), text
    assert card(cli.ok("hoststatus", "a.test"))["last reply"] == "come back \\x1b[31mlater"
    for line in ("queue", "queue destinations", "queue messages", "queue show 2", "hoststatus a.test"):
        assert "\x1b" not in cli.ok(*line.split()) + cli.ok(*line.split(), "--json")


def test_pages(waiting):
    cli = Cli(waiting.state)
    first = cli("queue", "messages", "--limit", "1")
    cursor = re.search(r"--cursor '([^']+)'", first.stderr).group(1)
    assert lines(first.stdout)[1][0] == "1"
    assert [row[0] for row in lines(cli.ok("queue", "messages", "--cursor", cursor))[1:]] == ["2"]


def test_retry_a_message(waiting, later):
    cli = Cli(waiting.state)
    later.is_open = True
    assert cli.ok("queue", "retry", "2") == "tried now\n"
    assert later.sink.wait().mail.startswith(b"FROM:<two@sender.example>")
    wait_until(lambda: cli.json("queue")["messages"] == 1, 15, "message 2 gone")
    assert "not in the queue" in cli.fails(REFUSED, "queue", "show", "2")


def test_retry_a_destination(waiting, later):
    cli = Cli(waiting.state)
    later.is_open = True
    assert cli.ok("queue", "retry-destination", "a.test") == "tried now\n"
    wait_until(lambda: cli.json("queue")["recipients_pending"] == 1, 15, "a.test has its mail")
    assert [row["destination"] for row in cli.json("queue", "destinations")["items"] if row["messages"]] == ["b.test"]


def test_delete(waiting):
    cli = Cli(waiting.state)
    assert cli.ok("queue", "delete", "1") == "deleted\n"
    assert [row[0] for row in lines(cli.ok("queue", "messages"))[1:]] == ["2"]
    assert "not in the queue" in cli.fails(REFUSED, "queue", "delete", "1")


@pytest.mark.parametrize("line,words", [
    ("queue show 99", "not in the queue"), ("queue show x", "a number"), ("queue retry 99", "not in the queue"),
    ("queue delete 0", "a number"), ("queue retry-destination nowhere.test", "not in the queue"),
    ("hoststatus nowhere.test", "not in the queue"), ("queue messages --limit 0", "from 1 to 1000"),
    ("queue messages --cursor x", "cursor")])
def test_refused(shared, line, words):
    assert words in Cli(shared.state).fails(REFUSED, *line.split())


def test_status(gateway):
    cli = Cli(gateway.state)
    send_message(gateway.public)
    gateway.wait_idle()
    wait_until(lambda: cli.json("status")["counters"]["delivered"] == 1, 15, "the counter")
    text = cli.ok("status")
    assert card(text)["takes mail"] == "true" and card(text)["messages taken"] == "1"
    assert re.search(r"^demonstration\s+ecdsa\s+20\d\d-", text, re.M), text
    assert re.search(r"^out\s+success\s+TLSv1\.3\s+1$", text, re.M), text
