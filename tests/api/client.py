"""The API as a program uses it: HTTPS on loopback, JSON both ways. Every answer is held against the
operation's schema in openapi.json, and every call is counted, so that a test can say which operations
were never called."""
import functools
import http.client
import json
import os
import re
import ssl
import urllib.parse

import jsonschema

from harness import ROOT

BASE = "/api/v1"
PASSWORD = "correct horse battery"


@functools.lru_cache(maxsize=1)
def description():
    with open(os.path.join(ROOT, "api", "openapi.json"), encoding="utf-8") as text:
        return json.load(text)


class Operations:
    """The paths of openapi.json, to be found by what was asked."""

    def __init__(self):
        self.rows = []
        for path, methods in description()["paths"].items():
            pattern = re.compile("^" + re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) + "$")
            self.rows += [(pattern, path, method.upper(), operation)
                          for method, operation in methods.items()]
        # The more exact path first, as in the daemon.
        self.rows.sort(key=lambda row: row[1].count("{"))
        self.called = set()

    def find(self, method, path):
        for pattern, _, row_method, operation in self.rows:
            if row_method == ("GET" if method == "HEAD" else method) and pattern.match(path):
                return operation
        return None


OPERATIONS = Operations()


def resolver():
    return jsonschema.RefResolver.from_schema(description())


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]

    @property
    def etag(self):
        return self.headers["ETag"]

    def pointers(self):
        return [error["pointer"] for error in self.json["errors"]]

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:2000])


def check_answer(method, path, answer):
    """The schema of openapi.json for this status; problems for every status that has none."""
    operation = OPERATIONS.find(method, path)
    if operation is None:
        assert answer.status in (404, 405), "an operation that is not described: %s %s" % (method, path)
        return
    OPERATIONS.called.add(operation["operationId"])
    if method == "HEAD" or answer.status == 204:
        assert answer.body == b""
        return
    described = operation["responses"].get(str(answer.status))
    if described is None:
        assert answer.status >= 400, "a status that is not described: %r" % answer
        described = description()["components"]["responses"]["Problem"]
        assert answer.headers["Content-Type"] == "application/problem+json"
    content = described.get("content")
    if not content:
        assert answer.body == b""
        return
    media, entry = next(iter(content.items()))
    assert answer.headers["Content-Type"].split(";")[0] == media
    if media.endswith("json"):
        jsonschema.Draft202012Validator(entry["schema"], resolver=resolver()).validate(answer.json)


class Api:
    """One principal: nobody, a session after login(), or a token."""

    def __init__(self, port, token=None, host="127.0.0.1"):
        self.host, self.port, self.token, self.cookie, self.csrf = host, port, token, None, None

    def raw(self, method, path, body=None, headers=(), timeout=30):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                                 context=context)
        all_headers = {}
        if self.token:
            all_headers["Authorization"] = "Bearer " + self.token
        if self.cookie:
            all_headers["Cookie"] = "__Host-postern=" + self.cookie
            all_headers["X-Postern-CSRF"] = self.csrf
        all_headers.update(headers)
        try:
            connection.request(method, path, body, {k: v for k, v in all_headers.items() if v is not None})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def send(self, method, path, body, headers=(), **query):
        """PATH below /api/v1, its parts already quoted; BODY as it is."""
        full = BASE + path + ("?" + urllib.parse.urlencode(query) if query else "")
        answer = self.raw(method, full, body, headers)
        check_answer(method, path, answer)
        return answer

    def call(self, method, path, value=None, headers=(), **query):
        """The same with VALUE as JSON."""
        headers = dict(headers)
        body = None
        if value is not None:
            body = json.dumps(value)
            headers.setdefault("Content-Type", "application/merge-patch+json" if method == "PATCH"
                               else "application/json")
        return self.send(method, path, body, headers, **query)

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def post(self, path, value=None, **query):
        return self.call("POST", path, value, **query)

    def put(self, path, value, **query):
        return self.call("PUT", path, value, **query)

    def patch(self, path, value, **query):
        return self.call("PATCH", path, value, **query)

    def delete(self, path, **query):
        return self.call("DELETE", path, **query)

    def login(self, user, password=PASSWORD):
        answer = self.post("/session", {"user": user, "password": password})
        assert answer.status == 200, answer
        self.cookie = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
        self.csrf = answer.json["csrf"]
        return self


def quote(text):
    return urllib.parse.quote(text, safe="")
