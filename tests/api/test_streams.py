"""GET /events of the daemon: who hears what, and that a stream ends with the right to it."""
import http.client
import ssl
import time

import pytest

from client import BASE, PASSWORD
from harness import PATIENCE

SECONDS = 10 * PATIENCE


class Listener:
    """A stream of a principal's (an Api), read line by line."""

    def __init__(self, who, topics="commit"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection("127.0.0.1", who.port, timeout=SECONDS,
                                                      context=context)
        headers = ({"Authorization": "Bearer " + who.token} if who.token
                   else {"Cookie": "__Host-postern=" + who.cookie})
        self.connection.request("GET", BASE + "/events?topics=" + topics, headers=headers)
        self.response = self.connection.getresponse()

    def lines(self):
        """Up to the end of the stream, which must come within SECONDS of the line before."""
        while True:
            line = self.response.readline().decode()
            if line == "":
                return
            yield line.rstrip("\n")

    def event(self, name):
        end = time.monotonic() + SECONDS
        for line in self.lines():
            assert time.monotonic() < end
            if line == "event: " + name:
                return
        raise AssertionError("the stream ended before an event " + name)

    def ends(self):
        """Whether it ends; comments and events may come before."""
        end = time.monotonic() + SECONDS
        return all(time.monotonic() < end for _ in self.lines())

    def close(self):
        self.connection.close()


@pytest.fixture
def listen():
    made = []

    def make(*args):
        made.append(Listener(*args))
        assert made[-1].response.status == 200
        return made[-1]

    yield make
    for each in made:
        each.close()


def commit(api):
    """Something that is not what ran before."""
    path = "/config/destination-controls/stream.test"
    before = api.administrator.get(path)
    value = 1 + before.json["max_connections"] % 9 if before.status == 200 else 1
    answer = api.administrator.put(path, {"max_connections": value}, commit="now",
                                   headers={"If-Match": before.etag} if before.etag else {})
    assert answer.status in (200, 201), answer


def end_session(api, one):
    assert one.delete("/session").status == 204


def revoke_session(api, one):
    mine = [each["id"] for each in one.get("/me/sessions").json["items"] if each["current"]]
    other = api.nobody().login("streamer")
    assert other.delete("/me/sessions/" + mine[0]).status == 204


def change_password(api, one):
    other = api.nobody().login("streamer")
    assert other.call("PUT", "/me/password", {"old": PASSWORD, "new": PASSWORD + "!"}).status == 204


def disable(api, one):
    assert api.administrator.patch("/users/streamer", {"disabled": True}).status == 200


def change_role(api, one):
    assert api.administrator.patch("/users/streamer", {"role": "read-only"}).status == 200


def delete(api, one):
    assert api.administrator.delete("/users/streamer").status == 204


@pytest.mark.parametrize("how", [end_session, revoke_session, change_password, disable, change_role,
                                 delete])
def test_ends_with_the_session(api, listen, how):
    """Within seconds, and nobody else's does."""
    one = api.user("streamer", "operator")
    try:
        his, other = listen(one), listen(api.administrator)
        how(api, one)
        assert his.ends()
        commit(api)
        other.event("commit")
    finally:
        api.administrator.delete("/users/streamer")


@pytest.mark.parametrize("how", ["revoke", "role", "disable"])
def test_ends_with_the_token(api, listen, how):
    owner = api.user("streamer", "operator")
    try:
        token, kept = (api.token("config:read", "queue:write", name=name, api=owner)
                       for name in ("ended", "kept"))
        stream, other = listen(token), listen(kept)
        if how == "revoke":
            assert owner.delete("/me/tokens/ended").status == 204
            commit(api)
            other.event("commit")
        elif how == "role":  # queue:write goes
            change_role(api, owner)
            assert other.ends()
        else:
            disable(api, owner)
            assert other.ends()
        assert stream.ends()
    finally:
        api.administrator.delete("/users/streamer")


def test_a_session_has_its_own_cap(api, listen):
    """Four of each session, whoever else is logged in under the same name."""
    one = api.user("streamer", "operator")
    try:
        for _ in range(4):
            listen(one)
        refused = Listener(one)
        assert refused.response.status == 503
        refused.close()
        listen(api.nobody().login("streamer"))
    finally:
        api.administrator.delete("/users/streamer")


def test_topics(api, listen):
    """Without words: what one may read. With them: all or nothing."""
    token = api.token("config:read", name="topics")
    listen(token)
    for topics, status in (("queue", 403), ("commit,queue", 403), ("weather", 400), ("", 400)):
        refused = Listener(token, topics)
        assert refused.response.status == status, topics
        refused.close()
    stream = listen(token, "commit,draft")
    commit(api)
    stream.event("commit")
