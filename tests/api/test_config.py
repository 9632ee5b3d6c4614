"""Sections through the API: read = write, preconditions, drafts, commits, conflicts, revisions."""
import socket
import ssl

import pytest

from client import quote
from harness.client import Client, send_message

CONTROL = "/config/destination-controls/"


def test_read_equals_write(api):
    """What GET gives PUT takes, and then nothing has changed."""
    admin = api.administrator
    for section in ("interfaces", "listeners", "mail-flow-policies", "destination-controls", "smtp-routes",
                    "bounce-profiles"):
        listed = admin.get("/config/" + section).json
        assert listed["total"] == len(listed["items"]) > 0
        for item in listed["items"]:
            key = item.get("name", item.get("domain"))
            path = "/config/%s/%s" % (section, quote(key))
            read = admin.get(path)
            assert read.json == item
            written = admin.call("PUT", path, item, {"If-Match": read.etag}, commit="now")
            assert written.status == 200 and written.json["changed"] is False, written
            assert written.headers["Postern-Changed"] == "false"
            assert "Postern-Revision" not in written.headers
    system = admin.get("/config/system")
    assert admin.call("PUT", "/config/system", system.json, {"If-Match": system.etag},
                      commit="now").json["changed"] is False


def test_life_of_an_object(api):
    token = api.token("config:read", "config:draft", "config:commit")
    path = CONTROL + "life.example"
    before = token.get("/revisions").json["items"][0]["revision"]
    made = token.call("PUT", path, {"tls": "required"}, {"If-None-Match": "*"}, commit="now",
                      comment="made by a test")
    assert made.status == 200 and made.json["changed"], made
    assert made.json["object"]["domain"] == "life.example" and made.json["object"]["tls"] == "required"
    assert int(made.headers["Postern-Revision"]) == before + 1
    again = token.call("PUT", path, {"tls": "required"}, {"If-None-Match": "*"}, commit="now")
    assert (again.status, again.code) == (412, "object.exists")
    assert token.put(path, {"tls": "required"}, commit="now").json["changed"] is False
    newest = token.get("/revisions", limit=1).json["items"][0]
    assert (newest["revision"], newest["comment"], newest["changes"]) == (before + 1, "made by a test", 1)
    patched = token.patch(path, {"tls": None, "max_connections": 7}, commit="now")
    assert patched.json["object"]["max_connections"] == 7
    assert patched.json["object"]["tls"] == "default"
    assert token.get(path, sparse="1").json == {"domain": "life.example", "max_connections": 7}
    assert token.get(CONTROL[:-1], q="life.example").json["total"] == 1
    gone = token.delete(path, commit="now")
    assert gone.status == 200 and gone.json["diff"][0]["op"] == "remove"
    assert token.get(path).status == 404
    assert token.delete(path, commit="now").status == 404


def test_target_is_required(api):
    token = api.token("config:read", "config:draft", "config:commit")
    for query in ({}, {"draft": "me", "commit": "now"}):
        answer = token.put(CONTROL + "x.example", {"tls": "none"}, **query)
        assert (answer.status, answer.code) == (400, "draft.target_required")
        assert "?draft=me" in answer.json["detail"] and "?commit=now" in answer.json["detail"]


def test_sessions_need_if_match(api):
    admin = api.administrator
    path = CONTROL + "Default"
    etag = admin.get(path).etag
    assert admin.patch(path, {"max_connections": 3}, draft="me").status == 428
    stale = admin.call("PATCH", path, {"max_connections": 3}, {"If-Match": '"0123"'}, draft="me")
    assert (stale.status, stale.code) == (412, "object.stale") and etag in stale.json["detail"]


BAD = [
    ({"tls": "always"}, "/tls", "value.enum"),
    ({"tsl": "none"}, "/tsl", "key.unknown"),
    ({"max_connections": -1}, "/max_connections", "value.range"),
    ({"max_connections": "5"}, "/max_connections", "value.type"),
    ({"domain": "other.example"}, "/domain", "key.differs"),
]


@pytest.mark.parametrize("value, pointer, code", BAD)
def test_bad_values(api, value, pointer, code):
    token = api.token("config:read", "config:draft")
    answer = token.put(CONTROL + "bad.example", value, draft="me")
    assert answer.status == 422, answer
    assert [(e["pointer"], e["code"]) for e in answer.json["errors"]] == [(pointer, code)]
    assert token.get("/drafts/me/diff").json["items"] == []


def test_all_errors_at_once(api):
    answer = api.token("config:draft").put(CONTROL + "bad.example",
                                           {"tls": "always", "tsl": 1, "max_connections": 0.5}, draft="me")
    assert sorted(answer.pointers()) == ["/max_connections", "/tls", "/tsl"]
    assert "tls" in answer.json["errors"][[e["pointer"] for e in answer.json["errors"]].index("/tsl")]["detail"]


def test_errors_have_parameters(api):
    """What a program, or a GUI in another language, makes its own words of."""
    token = api.token("config:read", "config:draft", "config:commit")
    answer = token.put(CONTROL + "bad.example", {"tls": "requird", "tsl": 1, "max_connections": 10001}, draft="me")
    params = {e["pointer"]: e["params"] for e in answer.json["errors"]}
    assert params == {
        "/tls": {"got": "requird", "nearest": "required", "allowed": ["default", "none", "preferred", "required"]},
        "/tsl": {"got": "tsl", "nearest": "tls"},
        "/max_connections": {"got": "10001", "min": 0, "max": 10000}}
    answer = token.patch("/config/listeners/InboundMail", {"interface": "Loopbak"}, commit="now")
    assert answer.json["errors"][0]["params"] == {"got": "Loopbak", "nearest": "Loopback"}


def test_references(api):
    token = api.token("config:read", "config:draft", "config:commit")
    answer = token.patch("/config/listeners/InboundMail", {"interface": "Nowhere"}, commit="now")
    assert answer.status == 422 and answer.pointers() == ["/listeners/InboundMail/interface"]
    in_use = token.delete("/config/interfaces/Loopback", commit="now")
    assert in_use.status == 422 and "/listeners/InboundMail/interface" in in_use.pointers()
    assert all(e["code"] == "ref.missing" for e in in_use.json["errors"])


def test_bad_bodies(api):
    token = api.token("config:read", "config:draft", "config:commit")
    path = "/api/v1" + CONTROL + "x.example?draft=me"
    kind = {"Content-Type": "application/json"}
    for body, status, code in (("{", 400, "json.syntax"), ('{"tls":1,"tls":2}', 400, "json.syntax"),
                               ("", 400, "json.syntax"), ("[" * 40 + "]" * 40, 400, "json.depth"),
                               ("\xff", 400, "json.syntax"), ("[]", 422, "config.invalid")):
        answer = token.raw("PUT", path, body.encode("latin-1"), kind)
        assert (answer.status, answer.code) == (status, code), body
    assert token.raw("PUT", path, b"tls=none",
                     {"Content-Type": "application/x-www-form-urlencoded"}).status == 415
    # refused by its length alone, before a byte of it is read
    huge = token.raw("PUT", path, None, dict(kind, **{"Content-Length": "1100000"}))
    assert huge.status == 413


def test_draft_is_mine_alone(api):
    ann, bob = api.user("ann", "administrator"), api.user("bob", "administrator")
    assert ann.put(CONTROL + "draft.example", {"tls": "none"}, draft="me").status == 200
    assert bob.get(CONTROL + "draft.example", draft="me").status == 404
    assert ann.get(CONTROL + "draft.example", draft="me").json["tls"] == "none"
    assert ann.get(CONTROL + "draft.example").status == 404
    draft = ann.get("/drafts/me").json
    assert draft["items"] == 1
    assert bob.get("/drafts/" + draft["id"]).status == 404
    diff = ann.get("/drafts/me/diff").json["items"]
    assert [(i["section"], i["key"], i["op"]) for i in diff] == [
        ("destination-controls", "draft.example", "add")]
    label = [f["label"] for f in diff[0]["fields"] if f["pointer"] == "/tls"]
    assert label and label[0]
    assert ann.post("/drafts/me/discard", {"section": "destination-controls",
                                           "key": "draft.example"}).status == 204
    assert ann.get("/drafts/me/diff").json["items"] == []


def test_two_principals(api):
    """Different objects and other fields of one object both commit; the same field conflicts."""
    token = api.token("config:read", "config:draft", "config:commit")
    cat, dan = api.user("cat", "administrator"), api.user("dan", "administrator")
    path = CONTROL + "two.example"
    token.put(path, {"tls": "none", "max_connections": 5}, commit="now")
    etag = token.get(path).etag
    match = {"If-Match": etag}
    for api_user, change in ((cat, {"tls": "required"}), (dan, {"max_connections": 9})):
        assert api_user.call("PATCH", path, change, match, draft="me").status == 200
    assert cat.post("/drafts/me/commit", {"comment": "cat"}).json["changed"]
    seen = dan.get(path, draft="me").json
    assert (seen["tls"], seen["max_connections"]) == ("required", 9)
    assert dan.post("/drafts/me/commit", {"comment": "dan"}).status == 200
    both = token.get(path).json
    assert (both["tls"], both["max_connections"]) == ("required", 9)
    # the same field
    match = {"If-Match": token.get(path).etag}
    assert cat.call("PATCH", path, {"max_connections": 20}, match, draft="me").status == 200
    assert dan.call("PATCH", path, {"max_connections": 30}, match, draft="me").status == 200
    assert cat.post("/drafts/me/commit", {}).status == 200
    refused = dan.post("/drafts/me/commit", {})
    assert (refused.status, refused.code) == (409, "draft.conflict")
    assert refused.json["params"]["conflicts"] == [{
        "section": "destination-controls", "listener": "", "key": "two.example",
        "pointer": "/max_connections", "base": 9, "theirs": 20, "mine": 30}]
    assert token.get(path).json["max_connections"] == 20
    answer = {"section": "destination-controls", "key": "two.example", "pointer": "/max_connections",
              "listener": "", "take": "mine"}
    assert dan.post("/drafts/me/rebase", {"resolve": [answer]}).json["conflicts"] == []
    assert dan.post("/drafts/me/commit", {}).status == 200
    assert token.get(path).json["max_connections"] == 30


def test_order(api):
    token = api.token("config:read", "config:draft", "config:commit")
    entries = {"listener": "InboundMail"}
    for name in ("one.example", "two.example"):
        answer = token.put("/config/rat/" + name, {"action": "accept"}, commit="now", **entries)
        assert answer.status == 200, answer
    order = token.get("/config-order/rat", **entries).json
    assert order[-1] == "ALL" and order.index("one.example") < order.index("two.example")
    wanted = ["two.example", "one.example"] + [k for k in order if k not in ("one.example", "two.example")]
    assert token.put("/config-order/rat", wanted, commit="now", **entries).json["changed"]
    assert token.get("/config-order/rat", **entries).json == wanted
    for wrong in (wanted[1:], wanted + ["zz"], {"a": 1}, [1, 2]):
        assert token.put("/config-order/rat", wrong, commit="now", **entries).status == 422
    assert token.put("/config-order/rat", ["ALL"] + wanted[:-1], commit="now", **entries).status == 422


def test_order_of_what_only_the_draft_has(api):
    token = api.token("config:read", "config:draft")
    entries = {"listener": "OutgoingMail", "draft": "me"}
    for name in ("DRAFT1", "DRAFT2"):
        token.put("/config/sender-groups/" + name, {"policy": "BLOCKED", "senders": [{"sender": "192.0.2.1"}]},
                  **entries)
    order = token.get("/config-order/sender-groups", **entries).json
    wanted = ["DRAFT2", "DRAFT1"] + [key for key in order if not key.startswith("DRAFT")]
    written = token.put("/config-order/sender-groups", wanted, **entries)
    assert written.json["changed"] and [i["op"] for i in written.json["diff"]] == ["order"]
    assert token.get("/config-order/sender-groups", **entries).json == wanted
    assert token.delete("/drafts/me").status == 204


def test_revisions(api):
    token = api.token("config:read", "config:draft", "config:commit")
    path = CONTROL + "back.example"
    first = int(token.put(path, {"tls": "none"}, commit="now").headers["Postern-Revision"])
    token.patch(path, {"tls": "required"}, commit="now")
    diff = token.get("/revisions/%d/diff" % first).json
    assert diff["items"][0]["fields"] == [
        {"pointer": "/tls", "label": "TLS support", "kind": "word", "old": "none", "new": "required"}]
    assert token.get("/revisions/%d/diff" % first, to=first).json["items"] == []
    token.put(CONTROL + "staged.example", {"tls": "required"}, draft="me")
    refused = token.post("/revisions/%d/restore" % first, draft="me")
    assert (refused.status, refused.code) == (409, "draft.not_empty")
    assert refused.json["params"] == {"changes": 1}
    assert [i["key"] for i in token.get("/drafts/me/diff").json["items"]] == ["staged.example"]
    assert token.delete("/drafts/me").status == 204
    restored = token.post("/revisions/%d/restore" % first, draft="me")
    assert restored.status == 200, restored
    assert token.post("/drafts/me/commit", {"comment": "back"}).status == 200
    assert token.get(path).json["tls"] == "none"
    assert token.get("/revisions/99999").status == 404
    page = token.get("/revisions", limit=2).json
    assert len(page["items"]) == 2
    older = token.get("/revisions", limit=2, cursor=page["next"]).json
    assert older["items"][0]["revision"] == page["items"][1]["revision"] - 1


def test_port_is_taken(api):
    """A failing prepare changes nothing and says why."""
    token = api.token("config:read", "config:draft", "config:commit")
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = foreign.getsockname()[1]
        before = token.get("/revisions", limit=1).json["items"][0]["revision"]
        answer = token.patch("/config/listeners/InboundMail", {"port": port}, commit="now")
        assert (answer.status, answer.code) == (422, "commit.refused")
        assert answer.pointers() == ["/listeners/InboundMail/port"]
        assert token.get("/revisions", limit=1).json["items"][0]["revision"] == before
    assert send_message(api.gateway.public).code == 250
    not_here = token.put("/config/interfaces/Elsewhere", {"address": "192.0.2.77", "hostname": "x.example",
                                                          "https": True, "https_port": port,
                                                          "https_certificate": "demonstration"}, commit="now")
    assert not_here.status == 422 and not_here.pointers() == ["/interfaces/Elsewhere/https_port"]


def test_dry_run(api):
    token = api.token("config:read", "config:draft", "config:commit")
    before = token.get("/revisions", limit=1).json["items"][0]["revision"]
    answer = token.put(CONTROL + "dry.example", {"tls": "none"}, commit="now", dry_run="1")
    assert answer.json["changed"] and answer.json["diff"][0]["op"] == "add"
    assert token.put(CONTROL + "dry.example", {"tls": "none"}, draft="me", dry_run="1").json["changed"]
    assert token.get(CONTROL + "dry.example").status == 404
    unclear = token.put(CONTROL + "dry.example", {"tls": "none"}, commit="now", dry_run="true")
    assert (unclear.status, unclear.code, unclear.json["params"]) == (400, "query.word", {"allowed": ["0", "1"]})
    long = token.put(CONTROL + "dry.example", {"tls": "none"}, commit="now", comment="한" * 501)
    assert (long.status, long.code, long.json["params"]) == (400, "query.length", {"max": 500})
    assert token.get(CONTROL + "dry.example").status == 404
    assert token.get("/drafts/me/diff").json["items"] == []
    assert token.get("/revisions", limit=1).json["items"][0]["revision"] == before


def test_tests(api):
    token = api.token("config:read", "config:draft")
    hat = token.post("/tests/hat", {"listener": "OutgoingMail", "ip": "127.0.0.1"}).json
    assert (hat["group"], hat["action"]) == ("RELAYLIST", "relay")
    assert token.post("/tests/hat", {"listener": "OutgoingMail", "ip": "192.0.2.1"}).json["group"] == "ALL"
    assert token.post("/tests/hat", {"listener": "Nowhere", "ip": "192.0.2.1"}).status == 422
    assert token.post("/tests/hat", {"listener": "OutgoingMail", "ip": "x"}).status == 422
    rat = {"listener": "InboundMail", "recipient": "b@new.example"}
    assert token.post("/tests/rat", rat).json["accepted"] is False
    token.put("/config/rat/new.example", {"action": "accept"}, draft="me", listener="InboundMail")
    assert token.post("/tests/rat", rat, draft="me").json == {"accepted": True, "entry": "new.example"}
    assert token.post("/tests/rat", rat).json["accepted"] is False


def test_configuration_file(api, make_api):
    """What is downloaded can be loaded: nothing has changed; on another machine it is the same."""
    token = api.token("config:read", "config:draft", "config:commit")
    downloaded = token.get("/config-file")
    assert downloaded.body == token.get("/config-file").body
    assert "attachment" in downloaded.headers["Content-Disposition"]
    assert b"PRIVATE KEY" not in downloaded.body
    loaded = token.post("/config-file/load", {"file": downloaded.json}, draft="me")
    assert loaded.status == 200 and loaded.json["items"] == []
    part = {"bounce-profiles": [{"name": "Loaded", "initial_retry_s": 90}]}
    merged = token.post("/config-file/load", {"file": part}, draft="me", mode="merge")
    assert [(i["key"], i["op"]) for i in merged.json["items"]] == [("Loaded", "add")]
    part = {"rat": [{"listener": "InboundMail", "recipient": "Loaded.example", "action": "accept"}]}
    merged = token.post("/config-file/load", {"file": part}, draft="me", mode="merge")
    assert sorted((i["key"], i["op"]) for i in merged.json["items"]) == [("Loaded", "add"),
                                                                        ("loaded.example", "add")]
    order = token.get("/config-order/rat", draft="me", listener="InboundMail").json
    assert order[-2:] == ["loaded.example", "ALL"]
    wrong = token.post("/config-file/load", {"file": {"rat": 5}}, draft="me", mode="merge")
    assert wrong.status == 422 and wrong.pointers() == ["/rat", "/listeners/InboundMail"]
    part = {"listeners": [{"name": "Loaded", "type": "private", "interface": "Nowhere"}, {"port": 0}]}
    wrong = token.post("/config-file/load", {"file": part}, draft="me", mode="merge")
    assert "/listeners/Loaded/interface" in wrong.pointers()
    assert any(p.startswith("/listeners/") and p.split("/")[2].isdigit() for p in wrong.pointers())
    assert token.delete("/drafts/me").status == 204
    bad = token.post("/config-file/load", {"file": {"listenerz": []}}, draft="me")
    assert bad.status == 422 and bad.pointers() == ["/listenerz"]
    assert token.post("/config-file/load", {"file": [1]}, draft="me").status == 422


def test_sealed_file_on_an_empty_machine(make_api):
    """Loaded and committed there, it serves the same chain."""
    first, second = make_api(), make_api()
    passphrase = "a passphrase of some length"
    sealed = first.administrator.post("/config-file/seal", {"passphrase": passphrase})
    assert sealed.status == 200 and b"PRIVATE KEY" not in sealed.body and b"BEGIN" not in sealed.body
    wrong = second.administrator.post("/config-file/load", {"file": sealed.json,
                                                            "passphrase": "another passphrase"})
    assert wrong.status == 422
    missing = second.administrator.post("/config-file/load", {"file": sealed.json})
    assert missing.status == 422 and missing.json["errors"][0]["code"] == "file.passphrase"
    loaded = second.administrator.post("/config-file/load", {"file": sealed.json, "passphrase": passphrase},
                                       sections="certificates")
    assert loaded.status == 200, loaded
    assert [i["key"] for i in loaded.json["items"]] == ["demonstration"]
    assert second.administrator.post("/drafts/me/commit", {"comment": "moved"}).status == 200
    assert first.administrator.get("/certificates/demonstration").json == \
        second.administrator.get("/certificates/demonstration").json
    assert served(first) == served(second)


def served(api):
    """The leaf that a listener and HTTPS show."""
    leaves = [ssl.get_server_certificate(("127.0.0.1", api.https))]
    with Client(api.gateway.public, helo="client.example") as client:
        client.starttls()
        leaves.append(ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(True)))
    return leaves


def test_certificates_say_what_they_are(api):
    token = api.token("certificates:read", "certificates:write", "config:read", "config:draft")
    read = token.get("/certificates/demonstration")
    status = read.json["status"]
    assert status["health"] == "ok" and status["days_left"] > 3000
    assert {pair["type"] for pair in status["pairs"]} == {"ecdsa", "rsa"}
    for pair in status["pairs"]:
        assert pair["demonstration"] and pair["chain"][0]["self_signed"]
        assert "localhost" in pair["chain"][0]["names"]
    users = {(use["section"], use["key"]) for use in status["used_by"]["items"]}
    assert {("listeners", "InboundMail"), ("interfaces", "Loopback")} <= users
    assert token.get("/certificates").json["items"][0]["status"] == status
    # What was read can be written back; what it says is not asked.
    same = token.put("/certificates/demonstration", dict(read.json, status={"health": "splendid"}),
                     draft="me", headers={"If-Match": read.etag})
    assert same.status == 200 and not same.json["changed"], same
    assert token.patch("/certificates/demonstration", {"status": None}, draft="me",
                       headers={"If-Match": read.etag}).json["changed"] is False


def test_uses(api):
    token = api.token("config:read", "config:draft")
    uses = token.get("/config-uses/mail-flow-policies/ACCEPTED").json
    assert {"section": "sender-groups", "listener": "InboundMail", "key": "UNKNOWN",
            "pointer": "/policy", "label": "Policy"} in uses["items"]
    assert uses["total"] == len(uses["items"])
    assert token.get("/config-uses/mail-flow-policies/NONE").code == "config.unknown"
    token.put("/config/mail-flow-policies/FRESH", {"action": "accept"}, draft="me")
    assert token.get("/config-uses/mail-flow-policies/FRESH").status == 404
    assert token.get("/config-uses/mail-flow-policies/FRESH", draft="me").json == \
        {"items": [], "total": 0}
    assert token.delete("/drafts/me").status == 204
