"""The documents of tests/unit/json as bodies: what is no JSON is refused with the codec's own code and a
problem document, and the daemon goes on. How the files are written is told in their base.txt."""
import os
import re

import pytest

from harness import ROOT

FOLDER = os.path.join(ROOT, "tests", "unit", "json")
PATH = "/config/destination-controls/body.example"


def lines(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8", newline="\n") as text:
        for line in text.read().split("\n"):
            if line and line[0] != "#":
                yield line


def unescape(text):
    return re.sub(rb"\\(?:x([0-9a-f]{2})|\\)", lambda found: bytes.fromhex((found.group(1) or b"5c").decode()),
                  text.encode())


BASE = b",".join(b'"%s":%s' % tuple(line[2:].encode().split(b" ", 1)) for line in lines("base.txt"))


def documents(name):
    """(case, bytes, code) of each case that is made of J lines."""
    case, body, code = None, None, None
    for line in list(lines(name)) + ["== end"]:
        kind, rest = line[:2], line[3:]
        if kind == "==":
            if body is not None:
                yield case, body, code
            case, body, code = rest, None, None
        elif kind == "J:":
            body = (body or b"") + rest.encode()
        elif kind == "J!":
            body = (body or b"") + unescape(rest)
        elif kind == "J+":
            body = (body or b"") + BASE
        elif kind == "J*":
            times, _, text = rest.partition(" ")
            body = (body or b"") + unescape(text) * int(times)
        elif kind == "E:":
            code = rest.split(" ")[0]


def test_bodies_that_are_no_json(api):
    token = api.token("config:read", "config:draft")
    count = 0
    for case, body, code in documents("syntax-invalid.txt"):
        answer = token.send("PUT", PATH, body, {"Content-Type": "application/json"}, draft="me")
        wanted = (422, "config.invalid") if code == "value.type" else (400, code)
        assert (answer.status, answer.code) == wanted, (case, answer)
        if code == "value.type":
            assert [(e["pointer"], e["code"]) for e in answer.json["errors"]] == [("", code)], case
        count += 1
    assert count >= 140
    assert token.get("/healthz").status == 200
    assert token.get("/drafts/me/diff").json["items"] == []


def test_bodies_that_are_something_else(api):
    """JSON in odd forms is read; it is a whole configuration, which this path does not take."""
    token = api.token("config:read", "config:draft")
    count = 0
    for case, body, _ in documents("syntax-valid.txt"):
        answer = token.send("PUT", PATH, body, {"Content-Type": "application/json"}, draft="me")
        assert (answer.status, answer.code) == (422, "config.invalid"), (case, answer)
        assert {e["code"] for e in answer.json["errors"]} == {"key.unknown"}, case
        count += 1
    assert count >= 5
    assert token.put(PATH, {"tls": "none"}, draft="me").status == 200
    assert token.delete("/drafts/me").status == 204


def test_pointers_to_unknown_members(api):
    """RFC 6901: a name is escaped, and whole."""
    nobody = api.nobody()
    token = api.token("config:read", "config:draft")
    for name, pointer in (("a/b~c", "/a~1b~0c"), ("", "/"), ("한" * 100, "/" + "한" * 100),
                          ("x" * 300, "/" + "x" * 300)):
        answer = nobody.post("/session", {"user": "kim", "password": "x", name: 1})
        assert (answer.status, answer.code) == (422, "body.invalid")
        assert answer.pointers() == [pointer]
        answer = token.put(PATH, {name: 1}, draft="me")
        assert answer.status == 422 and answer.pointers() == [pointer]
        answer = token.post("/config-file/load", {"file": {name: 1}}, draft="me", mode="merge")
        assert answer.status == 422 and pointer in answer.pointers(), answer


def test_pointer_of_a_warning(api):
    token = api.token("config:read", "config:draft")
    token.put("/config/listeners/a%2Fb", {"type": "public", "interface": "Loopback", "port": 1025,
                                          "certificate": "demonstration"}, draft="me")
    token.put("/config/sender-groups/ALL", {"policy": "ACCEPTED", "senders": [{"sender": "ALL"}]}, draft="me",
              listener="a/b")
    token.put("/config/rat/ALL", {"action": "reject"}, draft="me", listener="a/b")
    validation = token.post("/drafts/me/validate").json
    assert validation["ok"] and "/listeners/a~1b/certificate" in [w["pointer"] for w in validation["warnings"]]
    assert token.delete("/drafts/me").status == 204


SECTIONS = ["system", "dns", "delivery", "logs", "interfaces", "listeners", "sender-groups", "mail-flow-policies",
            "rat", "destination-controls", "smtp-routes", "bounce-profiles", "certificates", "trust-lists"]
MEMBERS = [
    ("POST", "/drafts", {"title": "t", "ttl_s": 59}, "/ttl_s", "value.range", {"min": 60, "max": 7776000}),
    ("POST", "/drafts", {"title": 5}, "/title", "value.type", None),
    ("POST", "/drafts", {"title": ""}, "/title", "value.length", {"min": 1, "max": 199}),
    ("POST", "/drafts", {"title": "x" * 200}, "/title", "value.length", {"min": 1, "max": 199}),
    ("POST", "/drafts", {}, "/title", "key.missing", None),
    ("POST", "/drafts/me/discard", {"section": "ratt"}, "/section", "value.enum",
     {"got": "ratt", "nearest": "rat", "allowed": SECTIONS}),
    ("POST", "/drafts/me/discard", {"section": "rat", "order": 1}, "/order", "value.type", None),
    ("POST", "/drafts/me/rebase", {"resolve": {}}, "/resolve", "value.type", None),
    ("POST", "/drafts/me/rebase", {"resolve": [5]}, "/resolve/0", "value.type", None),
    ("POST", "/drafts/me/rebase", {"resolve": [{"section": "rat", "pointer": "", "take": "his"}]},
     "/resolve/0/take", "value.enum", None),
    ("POST", "/drafts/me/rebase", [], "", "value.type", None),
    ("POST", "/tests/hat", {"listener": "InboundMail", "ip": "1.2.3"}, "/ip", "value.pattern", {"got": "1.2.3"}),
    ("POST", "/tests/hat", {"listener": "Nix", "ip": "192.0.2.1"}, "/listener", "ref.missing", {"got": "Nix"}),
    ("PUT", "/config-order/rat", ["a"], "", "order.keys", None),
]


@pytest.mark.parametrize("method, path, body, pointer, code, params", MEMBERS)
def test_members_of_bodies(api, method, path, body, pointer, code, params):
    """What is wrong with a form's field is said beside it: one form, whoever checked it."""
    token = api.token("config:read", "config:draft", "config:commit")
    query = {"listener": "InboundMail", "draft": "me"} if "order" in path else {}
    if "order" in path:
        params = {"allowed": token.get(path, listener="InboundMail").json}
    answer = token.call(method, path, body, **query)
    assert (answer.status, answer.code, answer.json["params"]) == (422, "body.invalid", {}), answer
    [error] = answer.json["errors"]
    assert (error["pointer"], error["code"], error.get("params")) == (pointer, code, params)
    assert error["detail"] in answer.json["detail"]


def test_params_of_problems(api):
    """A problem that is about no member has what it speaks of in `params`."""
    token = api.token("config:read")
    answer = token.put(PATH, {}, draft="me")
    assert (answer.status, answer.code, answer.json["params"]) == (
        403, "permission.missing", {"permission": "config:draft"})
    assert token.get("/drafts/zz").json["params"] == {}
