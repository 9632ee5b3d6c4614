"""Who may do what: setup, login, sessions, tokens, roles; nothing is told to whoever may not."""
import time

import pytest

from client import PASSWORD, description, quote

SCOPES = ("config:read", "config:draft", "config:commit", "certificates:read", "certificates:write",
          "certificates:export", "queue:read", "queue:write", "logs:read", "metrics:read", "users:write")
ROLES = {"administrator": set(SCOPES),
         "operator": {"config:read", "certificates:read", "queue:read", "queue:write", "logs:read",
                      "metrics:read"},
         "read-only": {"config:read", "certificates:read", "queue:read", "logs:read", "metrics:read"}}


def test_setup_works_once(make_api):
    api = make_api(has_administrator=False)
    code = api.setup_code()
    nobody = api.nobody()
    assert nobody.get("/config/system").status == 401
    wrong = nobody.post("/setup", {"code": "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", "user": "eve",
                                   "password": PASSWORD})
    assert (wrong.status, wrong.code) == (403, "setup.code")
    short = nobody.post("/setup", {"code": code, "user": "kim", "password": "short"})
    assert short.status == 422 and short.pointers() == ["/password"]
    made = nobody.post("/setup", {"code": code, "user": "Kim", "password": PASSWORD})
    assert made.status == 201 and made.json["name"] == "kim" and made.json["role"] == "administrator"
    again = nobody.post("/setup", {"code": code, "user": "eve", "password": PASSWORD})
    assert again.status == 403
    with pytest.raises(FileNotFoundError):
        api.setup_code()
    assert nobody.login("kim").get("/session").json["kind"] == "session"


def test_setup_points_at_its_own_members(make_api):
    api = make_api(has_administrator=False)
    bad = api.nobody().post("/setup", {"code": api.setup_code(), "user": "a b", "password": PASSWORD})
    assert bad.status == 422 and bad.pointers() == ["/user"]


def test_login_is_uniform(make_api):
    """A wrong user and a wrong password: the same answer, about the same time."""
    api = make_api()
    answers = []
    for user in ("kim", "nobody-of-that-name"):
        began = time.monotonic()
        answer = api.nobody().post("/session", {"user": user, "password": "wrong password"})
        answers.append((answer.status, answer.code, answer.json["detail"]))
        assert time.monotonic() - began > 0.005  # a hash was made for either
    assert answers[0] == answers[1] == (401, "auth.login", "user or password is wrong")


def test_login_is_throttled(make_api):
    api = make_api()
    statuses = [api.nobody().post("/session", {"user": "kim", "password": "wrong"}).status
                for _ in range(8)]
    assert statuses[0] == 401 and statuses[-1] == 429
    waiting = api.nobody().post("/session", {"user": "kim", "password": PASSWORD})
    assert waiting.status == 429 and int(waiting.headers["Retry-After"]) >= 1


def test_session(api):
    one = api.user("sess", "administrator")
    cookie = api.nobody().post("/session", {"user": "sess", "password": PASSWORD}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-postern=")
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
        assert part in cookie
    assert "Domain" not in cookie
    sessions = one.get("/me/sessions").json["items"]
    assert len(sessions) == 2 and sum(s["current"] for s in sessions) == 1
    other = [s["id"] for s in sessions if not s["current"]][0]
    assert one.delete("/me/sessions/" + other).status == 204
    assert one.delete("/me/sessions/" + other).status == 404
    assert one.get("/session").json["user"] == "sess"
    assert one.delete("/session").status == 204
    assert one.get("/session").status == 401


def test_session_cookie_comes_once(api):
    """Beside others it is found; a second one, planted by a foreign page, makes both worthless."""
    one = api.user("cookies", "administrator")
    ours = "__Host-postern=" + one.cookie
    for cookies, status in ((ours, 200), ("a=b; %s; c=d" % ours, 200), ("%s; %s" % (ours, ours), 401),
                            ("%s; __Host-postern=x" % ours, 401), ("__Host-postern; %s" % ours, 401)):
        assert one.call("GET", "/session", None, {"Cookie": cookies}).status == status, cookies


def test_csrf(api):
    one = api.user("csrf", "administrator")
    path = "/config/destination-controls/csrf.example"
    for headers in ({"X-Postern-CSRF": None}, {"X-Postern-CSRF": "x" * 26},
                    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = one.call("PUT", path, {"tls": "none"}, headers, draft="me")
        assert answer.status == 403 and answer.code.startswith("auth."), headers
    assert one.call("PUT", path, {"tls": "none"}, {"Sec-Fetch-Site": "same-origin"},
                    draft="me").status == 200
    assert one.delete("/drafts/me").status == 204


def test_password(api):
    one = api.user("pass", "administrator")
    two = api.nobody().login("pass")
    assert one.put("/me/password", {"old": "wrong password", "new": "another one 2"}).status == 401
    assert one.put("/me/password", {"old": PASSWORD, "new": "x"}).status == 422
    assert one.put("/me/password", {"old": PASSWORD, "new": "another one 2"}).status == 204
    assert one.get("/session").status == 200
    assert two.get("/session").status == 401
    assert api.nobody().post("/session", {"user": "pass", "password": PASSWORD}).status == 401
    api.nobody().login("pass", "another one 2")


def test_users(api):
    admin = api.administrator
    assert admin.post("/users", {"name": "u1", "role": "operator", "password": PASSWORD}).status == 201
    assert admin.post("/users", {"name": "U1", "role": "operator", "password": PASSWORD}).status == 409
    for bad, pointer in (({"name": "a b", "role": "operator", "password": PASSWORD}, "/name"),
                         ({"name": "u2", "role": "king", "password": PASSWORD}, "/role"),
                         ({"name": "u2", "role": "operator", "password": "short"}, "/password"),
                         ({"name": "u2", "role": "operator"}, "/password"),
                         ({"name": "u2", "role": "operator", "password": PASSWORD, "x": 1}, "/x")):
        answer = admin.post("/users", bad)
        assert answer.status == 422 and answer.pointers() == [pointer], (bad, answer)
    one = api.nobody().login("u1")
    assert admin.patch("/users/u1", {"disabled": True}).json["disabled"] is True
    assert one.get("/session").status == 401
    assert api.nobody().post("/session", {"user": "u1", "password": PASSWORD}).status == 401
    assert admin.patch("/users/u1", {"disabled": False, "role": "read-only"}).json["role"] == "read-only"
    assert admin.patch("/users/u1", {"password": "a new password"}).status == 200
    api.nobody().login("u1", "a new password")
    assert admin.delete("/users/u1").status == 204
    assert admin.get("/users/u1").status == 404
    assert admin.get("/users").json["items"]


def test_last_administrator(make_api):
    admin = make_api().administrator
    for answer in (admin.delete("/users/kim"), admin.patch("/users/kim", {"role": "operator"}),
                   admin.patch("/users/kim", {"disabled": True})):
        assert answer.status == 422 and answer.json["errors"][0]["code"] == "rule.last_administrator"


def test_tokens(api):
    one = api.user("tok", "operator")
    bad = one.post("/me/tokens", {"name": "x", "scopes": ["config:commit"]})
    assert bad.status == 422 and bad.json["errors"][0]["code"] == "rule.not_permitted"
    assert one.post("/me/tokens", {"name": "x", "scopes": ["config:raed"]}).status == 422
    assert one.post("/me/tokens", {"name": "x", "scopes": []}).status == 422
    made = one.post("/me/tokens", {"name": "monitor", "scopes": ["metrics:read"], "days": 30})
    assert made.status == 201 and made.json["token"].startswith("pst_")
    assert one.post("/me/tokens", {"name": "monitor", "scopes": ["metrics:read"]}).status == 409
    listed = one.get("/me/tokens").json["items"]
    assert [t["name"] for t in listed] == ["monitor"] and "token" not in listed[0]
    from client import Api
    program = Api(api.https, made.json["token"])
    assert program.get("/status").status == 200
    assert program.get("/queue/summary").status == 403
    assert program.post("/me/tokens", {"name": "y", "scopes": ["metrics:read"]}).status == 403
    who = program.get("/session").json
    assert (who["kind"], who["name"], who["permissions"]) == ("token", "tok!monitor", ["metrics:read"])
    assert one.delete("/me/tokens/monitor").status == 204
    assert program.get("/status").status == 401


def concrete(path):
    return "/".join("zz" if part.startswith("{") else part for part in path.split("/"))


def operations():
    for path, methods in sorted(description()["paths"].items()):
        for method, operation in sorted(methods.items()):
            yield path, method.upper(), operation


def ended(api):
    """{name: a principal that was one}"""
    session = api.user("matrix-ended", "administrator")
    gone = api.token(*SCOPES, name="gone", api=session)
    resting = api.token(*SCOPES, name="resting", api=api.user("matrix-disabled", "administrator"))
    assert session.delete("/me/tokens/gone").status == 204 and session.delete("/session").status == 204
    assert api.administrator.patch("/users/matrix-disabled", {"disabled": True}).status == 200
    return {"none": api.nobody(), "ended session": session, "revoked token": gone, "disabled owner": resting}


@pytest.fixture(scope="module")
def principals(api):
    """{name: (caller, what it may, None: it is nobody)}"""
    made = {name: (caller, None) for name, caller in ended(api).items()}
    for role, scopes in ROLES.items():
        made[role] = (api.user("matrix-" + role, role), scopes)
        made[role + " token"] = (api.token(*scopes, name="all of it", api=made[role][0]), scopes)
    demoted = api.user("matrix-demoted", "administrator")
    made["demoted"] = (api.token(*SCOPES, name="before", api=demoted), ROLES["read-only"])
    assert api.administrator.patch("/users/matrix-demoted", {"role": "read-only"}).status == 200
    for scope in SCOPES:
        made[scope] = (api.token(scope, name="matrix-" + quote(scope)), {scope})
    return made


@pytest.mark.parametrize("path, method, operation", operations(),
                         ids=lambda value: value if isinstance(value, str) else "")
def test_matrix(principals, path, method, operation):
    """Route x principal: without the permission 401 or 403, never a success; with it the call gets as far as
    its path, its query or its body, which are about nothing that is there."""
    permission = operation.get("x-permission")
    if permission is None or path == "/events":
        return
    body = {} if method in ("POST", "PUT", "PATCH") and "requestBody" in operation else None
    for name, (api, scopes) in principals.items():
        if scopes is None:
            answer = api.call(method, concrete(path), body)
            assert answer.status == 401, (name, answer)
        elif permission != "self":
            answer = api.call(method, concrete(path), body)
            is_refused = answer.status == 403 and answer.code == "permission.missing"
            assert answer.status != 401 and is_refused == (permission not in scopes), (name, answer)
