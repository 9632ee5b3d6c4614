"""Commits while mail flows, commits that a kill interrupts, and secrets that must be nowhere."""
import os
import random
import statistics
import threading
import time

import pytest

from client import BASE, PASSWORD, description
from harness import IS_LONG, bench_program
from harness.sink import Load

CONTROL = "/config/destination-controls/under.example"


@pytest.mark.skipif(bench_program("bench_load") is None, reason="tests/bench is not built")
def test_commits_under_load(make_api):
    """Sessions live on: not one of the generator's commands fails."""
    api = make_api()
    token = api.token("config:read", "config:draft", "config:commit")
    count = 200 if IS_LONG else 40
    load = Load(api.gateway.public, "--sessions", 10, "--seconds", 60 if IS_LONG else 15, "--starttls")
    took = []
    for number in range(count):
        began = time.monotonic()
        answer = token.put(CONTROL, {"max_connections": 1 + number}, commit="now")
        took.append(time.monotonic() - began)
        assert answer.status == 200 and answer.json["changed"], answer
    # what binds anew, and goes again
    extra = token.put("/config/listeners/InboundMail", dict(token.get("/config/listeners/InboundMail").json,
                                                            max_connections=5000), commit="now")
    assert extra.status == 200, extra
    result = load.wait()
    print("%d commits, median %.0f ms, longest %.0f ms, beside %.0f messages/s" %
          (count, statistics.median(took) * 1000, max(took) * 1000, result["rate"]))
    assert result["errors"] == 0, result
    assert result["messages"] > 0
    newest = token.get("/revisions", limit=1).json["items"][0]["revision"]
    assert newest == 1 + count + 1


def test_kill_during_commit(make_api):
    """After it either the old revision or the new one, whole; an answered one stays."""
    api = make_api()
    token = api.token("config:read", "config:draft", "config:commit")
    known, was_new, was_old = 1, 0, 0
    assert token.put(CONTROL, {"max_connections": known}, commit="now").status == 200
    for number in range(2, 102 if IS_LONG else 14):
        answers = []

        def change():
            try:
                answers.append(token.put(CONTROL, {"max_connections": number}, commit="now").status)
            except (OSError, ConnectionError):
                pass

        thread = threading.Thread(target=change)
        thread.start()
        time.sleep(random.uniform(0, 0.03))
        api.gateway.kill()
        thread.join()
        api.start(has_administrator=False)
        found = token.get(CONTROL).json["max_connections"]
        assert found in (known, number)
        assert answers != [200] or found == number, "accepted, then lost"
        was_new, was_old = was_new + (found == number), was_old + (found != number)
        known = found
    print("%d kills: %d new, %d old" % (was_new + was_old, was_new, was_old))


def test_staged_changes_survive_a_kill(make_api):
    api = make_api()
    token = api.token("config:read", "config:draft", "config:commit")
    assert token.put(CONTROL, {"tls": "required"}, draft="me").status == 200
    api.gateway.kill()
    api.start(has_administrator=False)
    assert token.get(CONTROL, draft="me").json["tls"] == "required"
    assert api.administrator.get("/session").status == 200  # sessions too


def files(directory):
    for where, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                with open(path, "rb") as content:
                    yield path, content.read()


def test_secrets_are_nowhere(make_api):
    api = make_api(has_administrator=False)
    code = api.setup_code()
    api.set_up()
    admin = api.administrator
    token = api.token("config:read", "config:draft", "config:commit", "metrics:read", "logs:read")
    admin.put("/me/password", {"old": PASSWORD, "new": "canary of a new password"})
    api.nobody().post("/session", {"user": "kim", "password": "canary of a wrong password"})
    keys = [content for path, content in files(os.path.join(api.gateway.state, "keys"))]
    assert keys
    canaries = [code.encode(), PASSWORD.encode(), b"canary of a", admin.cookie.encode(),
                token.token.encode(), token.token.split("_")[2].encode()]
    canaries += [key.splitlines()[2] for key in keys]
    for path, content in files(api.gateway.state):
        if os.sep + "keys" + os.sep in path:
            continue
        for canary in canaries:
            assert canary not in content, "%r in %s" % (canary, path)
    for path, methods in description()["paths"].items():
        if "get" not in methods or "{" in path or path in ("/events", "/session"):
            continue
        body = admin.raw("GET", BASE + path).body
        for canary in canaries:
            assert canary not in body, (canary, path)
