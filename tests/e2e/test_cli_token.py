"""API tokens from a shell: made, listed and revoked for the users of a gateway with an HTTPS port."""
import http.client
import os
import re
import ssl
import subprocess

import pytest

from harness import PATIENCE, binary, free_port
from harness.cli import DONE, REFUSED, USAGE, Cli
from harness.gateway import Config

TOKEN = re.compile(r"^pst_\w+\n$")
PASSWORD = "correct horse battery"


class People(Cli):
    """The command line of a gateway whose users log in by HTTPS."""

    def __init__(self, gateway, https):
        super().__init__(gateway.state)
        self.https = https

    def add(self, name, role="operator"):
        status, answer = self.api("POST", "/users", {"name": name, "role": role, "password": PASSWORD})
        assert status == 201, answer

    def names(self, *arguments):
        head, *rows = self.ok("token", "list", *arguments).splitlines()
        assert head.split()[0] == "TOKEN"
        return [row.split()[0] for row in rows]

    def create(self, *arguments):
        """The token, once on standard output; the note beside it."""
        done = self("token", "create", *arguments)
        assert done.returncode == DONE and TOKEN.match(done.stdout), done
        assert done.stderr == "postern token create: this is the token; it is shown once\n"
        return done.stdout.strip()

    def status_with(self, token, path="/api/v1/queue/summary"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, timeout=30, context=context)
        connection.request("GET", path, headers={"Authorization": "Bearer " + token})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def people(make_gateway):
    config, https = Config(), free_port()
    config.data["interfaces"][0].update(https=True, https_port=https, https_certificate="demonstration")
    return People(make_gateway(config), https)


def test_whole_life(people):
    people.add("kim", "administrator")
    people.add("watch")
    token = people.create("pager", "--user", "watch", "--scope", "queue:read", "--scope=logs:read", "--days", "30")
    assert people.status_with(token) == 200
    assert people.status_with(token, "/api/v1/users") == 403
    text = people.ok("token", "list", "--user", "watch")
    assert re.search(r"^pager\s+queue:read,logs:read\s+20\d\d-\S+Z\s+20\d\d-\S+Z\s+20\d\d-", text, re.M), text
    assert token not in text + people.ok("token", "list", "--user", "watch", "--json")
    assert people.json("token", "list", "--user", "watch")["items"][0]["scopes"] == ["queue:read", "logs:read"]
    assert people.names("--user", "kim") == []
    assert people.ok("token", "revoke", "pager", "--user", "watch") == "revoked\n"
    assert people.status_with(token) == 401 and people.names("--user", "watch") == []
    told = [(row["action"], row["target"]) for row in people.api("GET", "/audit?q=local:%d" % os.getuid())[1]["items"]]
    assert told[0][0] == "user_token_delete" and told[1] == ("user_token_create", "watch!pager")


def test_only_user(people):
    """Nobody, one, several: --user may be left out while there is no doubt."""
    assert "no administrator yet" in people.fails(REFUSED, "token", "list")
    people.add("kim", "administrator")
    people.create("t 1", "--scope", "users:write")
    assert people.json("token", "list")["items"][0]["name"] == "t 1"
    assert people.json("token", "list") == people.json("token", "list", "--user", "KIM")
    people.add("ann")
    for line in (["list"], ["create", "x", "--scope", "queue:read"], ["revoke", "t 1"]):
        assert "--user: ann, kim" in people.fails(REFUSED, "token", *line)
    assert people.names("--user", "ann") == [] and len(people.json("token", "list", "--user", "kim")["items"]) == 1
    assert people.ok("token", "revoke", "t 1", "--user", "kim") == "revoked\n"


def test_json(people):
    people.add("kim", "administrator")
    made = people.json("token", "create", "t", "--scope", "queue:read")
    assert TOKEN.match(made["token"] + "\n") and made["name"] == "t" and people.status_with(made["token"]) == 200
    assert people.json("token", "revoke", "t") is None
    assert people.status_with(made["token"]) == 401


def test_token_that_cannot_be_printed(people):
    """A full device: the failure is told, and the name says what is to be revoked."""
    people.add("kim", "administrator")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binary(), "token", "create", "lost", "--scope", "queue:read"], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60 * PATIENCE, check=False,
                              env=people.environment)
    assert done.returncode == REFUSED and "cannot be written" in done.stderr
    assert people.ok("token", "revoke", "lost") == "revoked\n"


@pytest.mark.parametrize("line,code,words", [
    ("token list --user nobody", REFUSED, "no user `nobody`"),
    ("token create x --user nobody --scope queue:read", REFUSED, "no user `nobody`"),
    ("token create x --user ann --scope config:commit", REFUSED, "lacks config:commit"),
    ("token create x --user ann --scope queue:raed", REFUSED, "did you mean \"queue:read\""),
    ("token create x --user ann --scope queue:read --scope queue:read", REFUSED, "given twice"),
    ("token create taken --user ann --scope queue:read", REFUSED, "has a token \"taken\" already"),
    ("token create x --user ann --scope queue:read --days 0", REFUSED, "1 to 1825"),
    ("token create x --user ann --scope queue:read --days 1826", REFUSED, "1 to 1825"),
    ("token revoke x --user ann", REFUSED, "no token `x`"),
    ("token revoke taken --user nobody", REFUSED, "no user `nobody`"),
    ("token create x --user ann --scope queue:read --days soon", USAGE, "a number behind --days"),
    ("token create x --user ann", USAGE, "needs --scope"),
    ("token list --user=", USAGE, "a name behind --user"),
    ("token revoke --user ann", USAGE, "needs NAME"),
    ("token", USAGE, "needs one more word")])
def test_refused(people_shared, line, code, words):
    assert words in people_shared.fails(code, *line.split())
    assert people_shared.names("--user", "ann") == ["taken"]


@pytest.fixture(scope="module")
def people_shared(shared):
    people = People(shared, None)
    people.add("ann")
    people.create("taken", "--user", "ann", "--scope", "queue:read")
    return people
