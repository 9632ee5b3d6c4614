"""Text that is no text: what comes in a path, a query or a body never becomes half a character in an answer."""
import json

import pytest

from client import PASSWORD

LONG = "x" + "\u00e9" * 300  # cut at any byte it is no UTF-8 half of the time
PLACES = [
    ("GET", "/config/listeners/%ff"), ("GET", "/config/list%ffeners"), ("GET", "/config/rat/x?listener=%ff"),
    ("GET", "/config/listeners?draft=%ff"), ("GET", "/config/listeners?cursor=%ff"), ("GET", "/config/listeners?q=%ff"),
    ("GET", "/config/listeners?%ff=1"), ("GET", "/config/listeners/%ed%a0%80"), ("GET", "/drafts/%ff/diff"),
    ("GET", "/revisions/%ff"), ("GET", "/revisions/1/diff?to=%ff"), ("GET", "/queue/destinations/%ff"),
    ("GET", "/queue/messages/%ff"), ("GET", "/logs/mail?q=%ff"), ("DELETE", "/me/tokens/%ff"),
    ("DELETE", "/config/listeners/%ff?draft=me"),
]
BODIES = [
    ("PUT", "/config/destination-controls/a.test?draft=me", '{"tls":"%s"}'),
    ("PUT", "/config/destination-controls/a.test?draft=me", '{"%s":1}'),
    ("PUT", "/config/destination-controls/a.test?draft=me", '{"domain":"%s"}'),
    ("PUT", "/config/interfaces/a?draft=me", '{"address":"%s","hostname":"%s"}'),
    ("PUT", "/config/listeners/a?commit=now", '{"interface":"%.40s","type":"private"}'),
    ("POST", "/drafts/me/discard", '{"section":"%.30s"}'),
    ("POST", "/tests/hat", '{"listener":"%.200s","ip":"192.0.2.1"}'),
    ("POST", "/tests/hat", '{"listener":"InboundMail","ip":"%.30s"}'),
]


@pytest.fixture(scope="module")
def token(api):
    return api.token("config:read", "config:draft", "config:commit", "queue:read", "logs:read",
                     name="hostile text")


@pytest.mark.parametrize("method, path", PLACES)
def test_places(token, method, path):
    answer = token.raw(method, "/api/v1" + path)
    assert answer.status in (400, 404) and answer.code, answer


@pytest.mark.parametrize("method, path, body", BODIES)
@pytest.mark.parametrize("shift", range(2))
def test_bodies(token, method, path, body, shift):
    text = body % ((LONG[shift:],) * body.count("%"))
    answer = token.raw(method, "/api/v1" + path, text.encode(), {"Content-Type": "application/json"})
    assert answer.status == 422 and answer.json["detail"], answer


def test_user_agent(api):
    session = api.user("agent", "read-only")
    login = api.nobody().raw("POST", "/api/v1/session",
                             json.dumps({"user": "agent", "password": PASSWORD}).encode(),
                             {"Content-Type": "application/json", "User-Agent": "agent \xff\xfe"})
    assert login.status == 200, login
    assert any(each["agent"].startswith("agent ") for each in session.get("/me/sessions").json["items"])
