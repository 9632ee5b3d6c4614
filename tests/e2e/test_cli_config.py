"""Configuration from a shell, on a running gateway: what is staged, shown, committed and brought back."""
import json
import os
import re

import pytest

from harness.cli import REFUSED, USAGE, Cli
from harness.client import Client, send_message
from harness import free_port

STAGED = "in your draft; `postern commit` makes it live\n"


@pytest.fixture
def cli(gateway):
    return Cli(gateway.state)


def fields(text):
    """{field: value} of a card."""
    return dict(re.match(r"(\S+)\s*(.*)", line).groups() for line in text.splitlines() if line[0] != " ")


def rows(text):
    """The lines of a table as dictionaries; columns stand at least two blanks apart."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


# --- reading ---

def test_get(cli, gateway):
    sections = {row["SECTION"]: row["HOLDS"] for row in rows(cli.ok("config", "get"))}
    assert sections["system"] == "one object" and sections["rat"] == "objects of a listener"
    assert fields(cli.ok("config", "get", "system"))["hostname"] == "gateway.example.test"
    listeners = rows(cli.ok("config", "get", "listeners"))
    assert [row["name"] for row in listeners] == ["Blackhole", "InboundMail", "OutgoingMail"]
    one = fields(cli.ok("config", "get", "listeners", "InboundMail"))
    assert one["port"] == str(gateway.public) and one["type"] == "public"
    assert cli.json("config", "get", "listeners", "InboundMail") == cli.api("GET", "/config/listeners/InboundMail")[1]
    groups = rows(cli.ok("config", "get", "sender-groups", "--listener", "OutgoingMail"))
    assert [row["senders"] for row in groups] == ["127.0.0.0/8", "ALL"]


def test_every_section_is_shown(cli):
    """Lists, each of their objects, and single ones: whatever the schema has."""
    for section in cli.json("config", "get")["sections"]:
        name = section["name"]
        assert cli("config", "get", name).returncode == 0
        for item in cli.json("config", "get", name).get("items", []):
            listener = ["--listener", item["listener"]] if section["per_listener"] else []
            shown = fields(cli.ok("config", "get", name, item[section["key"]], *listener))
            assert shown[section["key"]] == item[section["key"]]


def test_pages(cli):
    first = cli("config", "get", "listeners", "--limit", "2")
    assert len(rows(first.stdout)) == 2
    cursor = re.search(r"--cursor '([^']+)'", first.stderr).group(1)
    assert [row["name"] for row in rows(cli.ok("config", "get", "listeners", "--cursor", cursor))] == ["OutgoingMail"]
    assert [row["name"] for row in rows(cli.ok("config", "get", "listeners", "--find", "private"))] == ["OutgoingMail"]


@pytest.mark.parametrize("line,code,words", [
    ("get nowhere", USAGE, "there are: system, dns"),
    ("get listeners Nowhere", REFUSED, "listeners has no `Nowhere`"),
    ("get system x", USAGE, "one object, without a key"),
    ("get rat ALL", USAGE, "say --listener NAME"),
    ("get rat ALL --listener Nowhere", REFUSED, "on listener Nowhere"),
    ("get listeners --listener x", USAGE, "leave --listener out"),
    ("get listeners --limit 0", REFUSED, "a number from 1 to 1000"),
    ("set listeners", USAGE, "say which one, its name"),
    ("set listeners port=25", USAGE, "say which of the listeners first"),
    ("set listeners InboundMail colour=blue", USAGE, "there is no field `colour`; there are: name, type"),
    ("set listeners InboundMail port", USAGE, "`port` is not FIELD=VALUE"),
    ("set listeners InboundMail port=many", USAGE, "port must be a number, not `many`"),
    ("set listeners InboundMail port=0", REFUSED, "/port"),
    ("set listeners New", REFUSED, "/type"),
    ("delete system", USAGE, "needs SECTION KEY"),
    ("delete system x", USAGE, "always there"),
    ("delete listeners Nowhere", REFUSED, "listeners has no `Nowhere`"),
    ("order listeners", USAGE, "means nothing"),
    ("order rat", USAGE, "say --listener NAME"),
    ("order rat --listener InboundMail ALL", REFUSED, "each of the listener's 2 entries once"),
    ("discard listeners InboundMail", REFUSED, "no such item"),
    ("discard nowhere", REFUSED, "no section `nowhere`"),
    ("discard --listener x", USAGE, "needs a SECTION"),
    ("restore 99", REFUSED, "no revision `99`"),
    ("restore x", REFUSED, "no revision `x`"),
    ("rebase --take ours", USAGE, "mine or theirs"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_refused(shared, line, code, words):
    cli = Cli(shared.state)
    assert words in cli.fails(code, "config", *line.split())
    assert cli.ok("config", "diff") == "no change\n"


def test_several_errors(shared):
    text = Cli(shared.state).fails(REFUSED, "config", "set", "mail-flow-policies", "NEW", "action=jump",
                                   "max_message_size=1")
    assert text.startswith("postern config set: ") and "/action: " in text and "/max_message_size: " in text
    assert len(text.splitlines()) == 3


# --- the way of a change ---

def test_change_goes_live_by_commit(cli, gateway):
    port = free_port()
    before = gateway.public
    text = cli.ok("config", "set", "listeners", "InboundMail", "port=%d" % port)
    assert text == "update listeners InboundMail\n    port: %d -> %d\n%s" % (before, port, STAGED)
    assert fields(cli.ok("config", "get", "listeners", "InboundMail"))["port"] == str(before)
    assert fields(cli.ok("config", "get", "listeners", "InboundMail", "--draft"))["port"] == str(port)
    assert cli.ok("config", "diff") == "update listeners InboundMail\n    port: %d -> %d\n" % (before, port)
    with Client(before):
        pass
    assert "revision 2 is live" in cli.ok("config", "commit", "-m", "another port")
    with Client(port) as client:
        assert client.command("NOOP").code == 250
    assert cli.ok("config", "diff") == "no change\n"
    assert cli.ok("commit") == "no change: revision 2 stays\n"
    first, second = rows(cli.ok("config", "history"))
    assert first["REVISION"] == "2" and first["LIVE"] == "true" and first["COMMENT"] == "another port"
    assert first["AUTHOR"] == "local:%d" % os.geteuid()
    assert second["REVISION"] == "1" and second["LIVE"] == "false"


def test_no_change(cli, gateway):
    assert cli.ok("config", "set", "listeners", "InboundMail", "port=%d" % gateway.public).startswith("no change")
    assert "no change" in cli.ok("commit")
    assert len(rows(cli.ok("config", "history"))) == 1


def test_make_and_delete(cli):
    assert cli.ok("config", "set", "bounce-profiles", "My profile", "max_retries=5",
                  "send_bounces=no", "max_retry_s=").startswith("add bounce-profiles My profile\n")
    assert cli.ok("config", "set", "destination-controls", "partner.example", "tls=required",
                  "bounce_profile=My profile").endswith(STAGED)
    assert cli.ok("config", "set", "smtp-routes", "partner.example",
                  "targets=mx1.partner.example,[192.0.2.1]").endswith(STAGED)
    cli.ok("commit")
    assert fields(cli.ok("config", "get", "bounce-profiles", "My profile"))["send_bounces"] == "false"
    targets = cli.json("config", "get", "smtp-routes", "partner.example")["targets"]
    assert [target["host"] for target in targets] == ["mx1.partner.example", "[192.0.2.1]"]
    cli.ok("config", "delete", "bounce-profiles", "My profile")
    text = cli.fails(REFUSED, "commit")
    assert "/destination-controls/partner.example/bounce_profile" in text
    assert "remove bounce-profiles My profile" in cli.ok("config", "diff")
    cli.ok("config", "set", "destination-controls", "partner.example", "bounce_profile=")
    assert "revision 3 is live" in cli.ok("commit")
    assert "My profile" not in cli.ok("config", "get", "bounce-profiles")


def test_certificates_have_paths_of_their_own(cli):
    keys = json.dumps(cli.json("config", "get", "certificates", "demonstration")["keys"])
    assert cli.ok("config", "set", "certificates", "second", "keys=" + keys).startswith("add certificates second\n")
    cli.ok("config", "set", "listeners", "InboundMail", "certificate=second")
    cli.ok("commit")
    assert [row["keys"] for row in rows(cli.ok("config", "get", "certificates"))] == ["ecdsa,rsa", "ecdsa,rsa"]
    assert cli.ok("config", "delete", "certificates", "second").startswith("remove certificates second\n")
    assert "/listeners/InboundMail/certificate" in cli.fails(REFUSED, "commit")
    assert cli.ok("config", "discard", "certificates", "second") == "1 change dropped\n"


def test_what_get_shows_set_takes(cli):
    """Every object of the gateway, field by field as `get` prints it, is no change."""
    for section in cli.json("config", "get")["sections"]:
        name = section["name"]
        answer = cli.json("config", "get", name)
        for item in answer.get("items", [answer]):
            where = [name] + ([item[section["key"]]] if not section["singleton"] else [])
            if section["per_listener"]:
                where += ["--listener", item["listener"]]
            words = ["%s=%s" % (key, "" if value == "" else json.dumps(value) if isinstance(value, list)
                                else str(value).lower() if isinstance(value, bool) else value)
                     for key, value in item.items() if value != "" and key != "status"]  # only read
            assert cli.ok("config", "set", *where, *words).startswith("no change"), where


def test_hat_order(cli):
    where = ["sender-groups", "--listener", "InboundMail"]
    cli.ok("config", "set", "sender-groups", "ONE", *where[1:], "senders=192.0.2.1", "policy=BLOCKED")
    cli.ok("config", "set", "sender-groups", "TWO", *where[1:], "senders=192.0.2.0/24,198.51.100.0/24",
           "policy=ACCEPTED")
    assert cli.ok("config", "order", *where) == "UNKNOWN\n"
    assert cli.ok("config", "order", *where, "--draft") == "ONE\nTWO\nUNKNOWN\n"
    assert cli.ok("config", "order", *where, "TWO", "ONE", "UNKNOWN").endswith(STAGED)
    assert cli.ok("config", "discard", *where) == "1 change dropped\n"
    assert cli.ok("config", "order", *where, "--draft") == "ONE\nTWO\nUNKNOWN\n"
    cli.ok("config", "order", *where, "TWO", "ONE", "UNKNOWN")
    cli.ok("commit")
    assert cli.json("config", "order", *where) == ["TWO", "ONE", "UNKNOWN"]


def test_discard(cli):
    cli.ok("config", "set", "system", "timezone=Asia/Seoul")
    cli.ok("config", "set", "rat", "one.example", "--listener", "InboundMail", "action=accept")
    cli.ok("config", "set", "rat", "two.example", "--listener", "InboundMail", "action=accept")
    assert cli.ok("config", "discard", "rat", "one.example", "--listener", "InboundMail") == "1 change dropped\n"
    assert "no such item" in cli.fails(REFUSED, "config", "discard", "rat", "one.example",
                                       "--listener", "InboundMail")
    assert "two.example" in cli.ok("config", "diff")
    assert cli.ok("config", "discard", "system") == "1 change dropped\n"
    assert cli.ok("clearchanges") == "1 change dropped\n"
    assert cli.ok("clearchanges") == "0 changes dropped\n"
    assert cli.ok("config", "diff") == "no change\n"


def test_restore(cli):
    cli.ok("sethostname", "one.example.org")
    cli.ok("commit")
    cli.ok("config", "set", "system", "timezone=Asia/Seoul")
    text = cli.fails(REFUSED, "config", "restore", "1")
    assert "1 change that this would replace" in text
    assert "timezone" in cli.ok("config", "diff")
    cli.ok("clearchanges")
    text = cli.ok("config", "restore", "1")
    assert text == "update system\n    hostname: one.example.org -> gateway.example.test\n" + STAGED
    cli.ok("commit")
    assert cli.ok("config", "restore", "3") == "no change\n"


@pytest.mark.parametrize("take,result", [("mine", "mine.example.org"), ("theirs", "theirs.example.org")])
def test_conflict(cli, take, result):
    cli.ok("sethostname", "mine.example.org")
    status, _ = cli.api("PATCH", "/config/system?commit=now", {"hostname": "theirs.example.org",
                                                               "timezone": "Asia/Seoul"})
    assert status == 200
    text = cli.fails(REFUSED, "commit")
    assert "system /hostname: base `gateway.example.test`, theirs `theirs.example.org`, mine `mine.example.org`" in text
    assert "--take mine" in cli("config", "diff").stderr
    assert "/hostname" in cli("config", "rebase").stderr
    done = cli("config", "rebase", "--take", take)
    assert done.returncode == 0 and not done.stderr
    cli.ok("commit")
    system = cli.json("config", "get", "system")
    assert system["hostname"] == result and system["timezone"] == "Asia/Seoul"


def test_names_of_any_letters(cli):
    """Blanks, signs of URLs, Hangul: in paths, queries and tables."""
    name = "a?b&c#%41+ 한글"
    cli.ok("config", "set", "bounce-profiles", name, "max_retries=1")
    cli.ok("commit", "-m", "이름")
    assert fields(cli.ok("config", "get", "bounce-profiles", name))["name"] == name
    assert rows(cli.ok("config", "get", "bounce-profiles", "--find", "한글"))[0]["name"] == name
    cli.ok("config", "delete", "bounce-profiles", name)
    cli.ok("commit")
    assert "이름" in cli.ok("config", "history")


def test_nothing_staged_is_lost_by_a_restart(cli, gateway):
    cli.ok("sethostname", "later.example.org")
    gateway.kill()
    assert "not running" in cli.fails(REFUSED, "config", "diff")
    gateway.start()
    assert "later.example.org" in cli.ok("config", "diff")
    cli.ok("commit")


# --- the configuration file ---

def test_file(cli, make_gateway, tmp_path):
    plain, sealed, passphrase = tmp_path / "plain", tmp_path / "sealed", tmp_path / "passphrase"
    passphrase.write_text("correct horse\nnot this line\n")
    cli.ok("sethostname", "moved.example.org")
    cli.ok("commit")
    assert cli.ok("saveconfig", plain) == "saved to %s\n" % plain
    assert plain.read_text() == cli.ok("saveconfig") == cli.ok("saveconfig", "-")
    assert plain.stat().st_mode & 0o777 == 0o600
    cli.ok("saveconfig", sealed, "--passphrase-file", passphrase)
    assert sealed.stat().st_mode & 0o777 == 0o600
    assert "moved.example.org" in plain.read_text() and "moved.example.org" not in sealed.read_text()

    assert cli.ok("loadconfig", plain) == "no change\n"
    other = make_gateway()
    there = Cli(other.state)
    assert "passphrase" in there.fails(REFUSED, "loadconfig", sealed)
    passphrase.write_text("wrong horse\n")
    assert "passphrase" in there.fails(REFUSED, "loadconfig", sealed, "--passphrase-file", passphrase)
    text = there.ok("loadconfig", sealed, "--passphrase-file", "-", "--sections", "system",
                    stdin="correct horse\n")
    assert text == "update system\n    hostname: gateway.example.test -> moved.example.org\n" + STAGED
    there.ok("commit")
    assert there.json("config", "get", "system")["hostname"] == "moved.example.org"


def test_file_over_part_of_it(cli, tmp_path):
    path = tmp_path / "part"
    path.write_text(json.dumps({"bounce-profiles": [{"name": "New"}]}))
    text = cli.ok("loadconfig", "--merge", path)
    assert text.startswith("add bounce-profiles New\n") and "remove" not in text
    cli.ok("clearchanges")
    assert "/bounce_profile" in cli.fails(REFUSED, "loadconfig", path)


def test_file_refused(cli, tmp_path):
    path = tmp_path / "file"
    assert "no such file" in cli.fails(REFUSED, "loadconfig", path)
    path.write_text("{\n\"a\": 1,\n}")
    assert "line 3" in cli.fails(REFUSED, "loadconfig", path)
    path.write_text('{"colour": "blue"}')
    assert "/colour" in cli.fails(REFUSED, "loadconfig", path)
    path.write_text("{}")
    assert "no passphrase" in cli.fails(REFUSED, "loadconfig", path, "--passphrase-file", "/dev/null")
    assert "cannot create" in cli.fails(REFUSED, "saveconfig", tmp_path / "nowhere" / "file")


def test_commit_under_traffic(cli, gateway):
    with Client(gateway.public, helo="client.example") as client:
        client.envelope()
        cli.ok("sethostname", "live.example.org")
        cli.ok("commit")
        assert client.command("DATA").code == 354
        client.send(b"Subject: x\r\n\r\nbody\r\n.\r\n")
        assert client.read().code == 250
    send_message(gateway.public)
    gateway.wait_idle(2)
