"""Tokens and sessions of others, by who may write users: at once, within the owner's role, told."""
import pytest

from client import PASSWORD, Api, quote
from test_streams import listen  # noqa: F401 (a fixture)


@pytest.fixture
def owner(api):
    """A session of an operator of this test."""
    yield api.user("owner", "operator")
    api.administrator.delete("/users/owner")


def make(api, user, name, *scopes, **more):
    return api.administrator.post("/users/%s/tokens" % user, {"name": name, "scopes": list(scopes), **more})


def names(answer):
    return [token["name"] for token in answer.json["items"]]


def told(api):
    """The newest row of the audit."""
    return api.administrator.get("/audit", limit=1).json["items"][0]


def test_token_of_another(api, owner):
    made = make(api, "owner", "pump", "queue:read", "queue:write", days=3)
    assert made.status == 201 and made.json["scopes"] == ["queue:read", "queue:write"]
    row = told(api)
    assert (row["principal"], row["action"], row["target"], row["outcome"]) == \
        ("kim", "user_token_create", "owner!pump", "done")
    program = Api(api.https, made.json["token"])
    assert program.get("/session").json["name"] == "owner!pump"
    assert program.get("/queue/summary").status == 200
    listed = api.administrator.get("/users/owner/tokens")
    assert listed.json == owner.get("/me/tokens").json and names(listed) == ["pump"]
    assert made.json["token"].encode() not in listed.body
    assert api.administrator.delete("/users/owner/tokens/pump").status == 204
    row = told(api)
    assert (row["principal"], row["action"], row["outcome"]) == ("kim", "user_token_delete", "done")
    assert row["target"].endswith("/users/owner/tokens/pump")
    assert program.get("/queue/summary").status == 401
    assert names(api.administrator.get("/users/owner/tokens")) == []


def test_a_name_in_the_path_is_decoded(api, owner):
    assert make(api, "OWNER", "a b/ü", "queue:read").status == 201
    assert names(owner.get("/me/tokens")) == ["a b/ü"]
    assert api.administrator.delete("/users/Owner/tokens/" + quote("a b/ü")).status == 204
    assert names(owner.get("/me/tokens")) == []


def test_token_is_bounded_by_its_owner(api, owner):
    """The maker may commit, the owner may not: nor may the token, now or after the role has changed."""
    refused = make(api, "owner", "big", "queue:read", "config:commit")
    assert refused.status == 422 and refused.pointers() == ["/scopes"]
    assert refused.json["errors"][0]["code"] == "rule.not_permitted"
    assert "config:commit" in str(refused.json["errors"][0])
    assert told(api)["outcome"] == "failed" and names(owner.get("/me/tokens")) == []
    program = Api(api.https, make(api, "owner", "pump", "queue:read", "queue:write").json["token"])
    assert api.administrator.patch("/users/owner", {"role": "read-only"}).status == 200
    assert program.get("/session").json["permissions"] == ["queue:read"]


def test_token_body(api, owner):
    for body, pointer in (({"name": "x", "scopes": []}, "/scopes"), ({"name": "x", "scopes": ["nothing"]}, "/scopes/0"),
                          ({"name": "x"}, "/scopes"), ({"scopes": ["queue:read"]}, "/name"),
                          ({"name": "x", "scopes": ["queue:read"], "days": 0}, "/days"),
                          ({"name": "x", "scopes": ["queue:read"], "days": 1826}, "/days"),
                          ({"name": "x", "scopes": ["queue:read"], "user": "kim"}, "/user")):
        answer = api.administrator.post("/users/owner/tokens", body)
        assert answer.status == 422 and answer.pointers() == [pointer], (body, answer)
    assert names(owner.get("/me/tokens")) == []
    assert make(api, "owner", "x", "queue:read", days=1825).status == 201


def test_token_name_is_taken(api, owner):
    assert owner.post("/me/tokens", {"name": "pump", "scopes": ["queue:read"]}).status == 201
    assert make(api, "owner", "pump", "queue:read").status == 409
    assert make(api, "kim", "pump", "queue:read").status == 201  # taken by one user, free for another
    assert api.administrator.delete("/users/owner/tokens/pump").status == 204
    assert names(api.administrator.get("/users/kim/tokens")).count("pump") == 1
    assert api.administrator.delete("/users/kim/tokens/pump").status == 204


def test_unknown(api, owner):
    admin = api.administrator
    body = {"name": "x", "scopes": ["queue:read"]}
    for method, path, value in (("GET", "/users/nobody/tokens", None), ("POST", "/users/nobody/tokens", body),
                                ("DELETE", "/users/nobody/tokens/x", None), ("GET", "/users/nobody/sessions", None),
                                ("DELETE", "/users/nobody/sessions", None), ("GET", "/users/%20/tokens", None)):
        answer = admin.call(method, path, value)
        assert (answer.status, answer.code) == (404, "user.unknown"), (method, path, answer)
    assert owner.post("/me/tokens", body).status == 201
    for path in ("/users/owner/tokens/y", "/users/owner/tokens/X", "/users/kim/tokens/x"):
        answer = admin.delete(path)
        assert (answer.status, answer.code) == (404, "token.unknown"), (path, answer)
    assert names(owner.get("/me/tokens")) == ["x"]


def test_own_token_by_this_path(api):
    """The same tokens as /me's; to make one still takes a session."""
    one = api.user("other-admin", "administrator")
    made = one.post("/users/other-admin/tokens", {"name": "mine", "scopes": ["users:write", "queue:read"]})
    assert made.status == 201 and names(one.get("/me/tokens")) == ["mine"]
    program = Api(api.https, made.json["token"])
    for path in ("/me/tokens", "/users/other-admin/tokens", "/users/kim/tokens"):
        refused = program.post(path, {"name": "child", "scopes": ["queue:read"]})
        assert (refused.status, refused.code) == (403, "token.from_token"), path
        assert (told(api)["principal"], told(api)["outcome"]) == ("other-admin!mine", "refused")
    assert program.delete("/users/other-admin/tokens/mine").status == 204
    assert program.get("/session").status == 401
    assert api.administrator.delete("/users/other-admin").status == 204


def test_disabled_owner(api, owner):
    """A token may be made for later: it rests with the others."""
    first = Api(api.https, make(api, "owner", "first", "queue:read").json["token"])
    assert api.administrator.patch("/users/owner", {"disabled": True}).status == 200
    second = Api(api.https, make(api, "owner", "second", "queue:read").json["token"])
    assert names(api.administrator.get("/users/owner/tokens")) == ["first", "second"]
    assert api.administrator.get("/users/owner/sessions").json["items"] == []
    assert api.administrator.delete("/users/owner/tokens/first").status == 204
    assert (first.get("/session").status, second.get("/session").status) == (401, 401)
    assert api.administrator.patch("/users/owner", {"disabled": False}).status == 200
    assert (first.get("/session").status, second.get("/session").status) == (401, 200)


def test_revoked_token_hears_nothing(api, owner, listen):  # noqa: F811
    ended, kept = (listen(Api(api.https, make(api, "owner", name, "config:read").json["token"]))
                   for name in ("ended", "kept"))
    assert api.administrator.delete("/users/owner/tokens/ended").status == 204
    assert ended.ends()
    answer = api.administrator.put("/config/destination-controls/people.test", {"tls": "none"}, commit="now")
    assert answer.status in (200, 201), answer
    kept.event("commit")


def test_sessions_of_another(api, owner, listen):  # noqa: F811
    second = api.nobody().login("owner")
    items = api.administrator.get("/users/owner/sessions").json["items"]
    assert len(items) == 2 and not any(each["current"] for each in items)
    assert {each["id"] for each in items} == {each["id"] for each in owner.get("/me/sessions").json["items"]}
    program = Api(api.https, make(api, "owner", "pump", "queue:read").json["token"])
    stream = listen(owner)
    assert api.administrator.delete("/users/owner/sessions").status == 204
    row = told(api)
    assert (row["principal"], row["action"], row["outcome"]) == ("kim", "user_sessions_delete", "done")
    assert (owner.get("/session").status, second.get("/session").status) == (401, 401)
    assert stream.ends()
    assert api.administrator.get("/users/owner/sessions").json["items"] == []
    assert api.administrator.get("/session").status == 200 and program.get("/session").status == 200
    assert api.administrator.delete("/users/owner/sessions").status == 204  # there is none left
    api.nobody().login("owner")


def test_own_sessions_by_this_path(api):
    one = api.user("other-admin", "administrator")
    items = one.get("/users/other-admin/sessions").json["items"]
    assert [each["current"] for each in items] == [True]
    assert one.delete("/users/other-admin/sessions").status == 204
    assert one.get("/session").status == 401
    assert api.administrator.delete("/users/other-admin").status == 204


def test_change_without_a_recent_password(make_api):
    """What a stolen session must not do, five minutes after its login."""
    api = make_api()
    api.user("owner", "operator")
    assert make(api, "owner", "kept", "queue:read").status == 201
    api.database("UPDATE sessions SET proved_ms = proved_ms - 6 * 60 * 1000 WHERE user = 'kim'")
    admin = api.administrator
    for method, path, body in (("POST", "/users/owner/tokens", {"name": "x", "scopes": ["queue:read"]}),
                               ("DELETE", "/users/owner/tokens/kept", None), ("DELETE", "/users/owner/sessions", None)):
        answer = admin.call(method, path, body)
        assert (answer.status, answer.code) == (403, "auth.reauth"), (method, path)
    assert names(admin.get("/users/owner/tokens")) == ["kept"]
    assert len(admin.get("/users/owner/sessions").json["items"]) == 1
    assert admin.post("/session/reauth", {"password": PASSWORD}).status == 200
    assert admin.delete("/users/owner/tokens/kept").status == 204
