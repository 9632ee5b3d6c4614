"""The operations of openapi.json, a row each: what to send so that it works, and mistakes with the
answer that each gets. Mistakes that several operations share (MISTAKES) come from the description: its
parameters, its body, its permission.

What is sent may be a function of the world (world.py), which makes what it needs. A mistake is the row's
good call but for what it says itself."""
from sections import SECTIONS


class Call:
    PARTS = ("who", "values", "body", "query", "headers")

    def __init__(self, **parts):
        assert set(parts) <= set(self.PARTS), parts
        self.parts = parts

    def part(self, name, world, otherwise=None):
        value = self.parts.get(name, otherwise)
        return value(world) if callable(value) else value

    def over(self, good):
        """This call, where it says nothing as GOOD."""
        return Call(**dict(good.parts, **self.parts))


class Mistake:
    def __init__(self, status, code, pointer=None, error=None, **parts):
        self.status, self.code, self.pointer, self.error = status, code, pointer, error
        self.call = Call(**parts)

    def __repr__(self):
        return "%d %s %s %s" % (self.status, self.code, self.pointer or "", self.call.parts)


class Row:
    """unknown: the code of 404 when the path names nothing that is there."""

    def __init__(self, good, *mistakes, unknown=None):
        self.good, self.unknown = good, unknown
        self.mistakes = list(mistakes)


def member(pointer, error, body, code="body.invalid", **parts):
    return Mistake(422, code, pointer, error, body=body, **parts)


def good(**parts):
    return Call(**parts)


NOTHING = {}  # of the query
QUERY = {  # parameter: a wrong value, the code
    "draft": ("zz", 404, "draft.unknown"), "commit": ("later", 400, "query.word"),
    "comment": ("x" * 501, 400, "query.length"), "dry_run": ("true", 400, "query.word"),
    "sparse": ("yes", 400, "query.word"), "q": ("x" * 201, 400, "query.length"),
    "limit": ("1001", 400, "query.number"), "cursor": ("-", 400, "query."), "icid": ("0", 400, "query.number"),
    "mid": ("x", 400, "query.number"), "dcid": ("-1", 400, "query.number"), "tls": ("maybe", 400, "query.word"),
    "from": ("today", 400, "query.time"), "mode": ("mix", 400, "query.word"),
    "sections": ("ratt", 400, "query.word"), "topics": ("weather", 400, "events.topic"),
}
FREE = ("listener", "destination", "to")  # any text is one; rows have what is wrong there


def shared(operation, row):
    """What is wrong in the same way wherever it can be."""
    yield Mistake(400, "query.unknown", query={"zz": "1"})
    names = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
    for name in names:
        if name not in FREE:
            value, status, code = QUERY[name]
            query = {k: v for k, v in row.good.parts.get("query", NOTHING).items()}
            yield Mistake(status, code, query=dict(query, **{name: value}))
    if operation.get("x-permission"):
        yield Mistake(401, "auth.missing", who="nobody")
    if row.unknown:
        yield Mistake(404, row.unknown, values=lambda world: world.nothing_there(row.good))
    if "requestBody" in operation:
        yield Mistake(415, "body.media_type", headers={"Content-Type": "text/plain"})
        yield Mistake(400, "json.syntax", body=b'{"a":')


DRAFT = {"draft": "me"}

FIXED = {
    # about itself
    "version": Row(good(who="nobody")),
    "healthz": Row(good(who="nobody")),
    "readyz": Row(good(who="nobody")),
    "openapi": Row(good(who="nobody")),
    "schema": Row(good()),
    "status": Row(good()),
    "metrics": Row(good()),
    "events": Row(good(query={"topics": "commit"}), Mistake(400, "events.topic", query={"topics": ""})),
    # people
    "session_create": Row(
        good(who="nobody", body=lambda world: world.login()),
        Mistake(401, "auth.login", body=lambda world: world.login(password="wrong password")),
        member("/user", "key.missing", {"password": "x"}),
        member("/user", "value.type", {"user": 5, "password": "x"}),
        member("/password", "value.length", lambda world: world.login(password="")),
        member("/zz", "key.unknown", lambda world: world.login(zz=1))),
    "session_read": Row(good(who="person")),
    "session_delete": Row(good(who="person"), Mistake(409, "session.none", who="program")),
    "session_reauth": Row(
        good(who="person", body=lambda world: {"password": world.PASSWORD}),
        Mistake(401, "auth.login", body={"password": "wrong password"}),
        Mistake(409, "session.none", who="program"),
        member("/password", "key.missing", {}),
        member("/password", "value.type", {"password": ["x"]})),
    "me_sessions": Row(good(who="person")),
    "me_session_delete": Row(good(who="person", values=lambda world: world.other_session()),
                             unknown="session.unknown"),
    "me_password": Row(
        good(who="person", body=lambda world: {"old": world.PASSWORD, "new": "another password"}),
        Mistake(401, "auth.login", body={"old": "wrong password", "new": "another password"}),
        Mistake(409, "session.none", who="program"),
        member("/new", "value.length", lambda world: {"old": world.PASSWORD, "new": "x"}, "user.invalid"),
        member("/new", "key.missing", {"old": "x"})),
    "me_tokens": Row(good(who="person")),
    "me_token_create": Row(
        good(who="person", body={"name": "one", "scopes": ["config:read"], "days": 1}),
        Mistake(403, "token.from_token", who="program"),
        member("/name", "value.type", {"name": 1, "scopes": ["config:read"]}),
        member("/scopes", "key.missing", {"name": "one"}),
        member("/scopes", "value.type", {"name": "one", "scopes": "config:read"}, "user.invalid"),
        member("/days", "value.range", {"name": "one", "scopes": ["config:read"], "days": 0}, "user.invalid")),
    "me_token_delete": Row(good(who="person", values=lambda world: world.token()), unknown="token.unknown"),
    "users": Row(good()),
    "user_create": Row(
        good(body=lambda world: world.new_user()),
        Mistake(409, "user.exists", "/name", "key.duplicate", body=lambda world: world.new_user(name=world.someone)),
        member("/name", "value.pattern", lambda world: world.new_user(name="a b"), "user.invalid"),
        member("/role", "value.enum", lambda world: world.new_user(role="king"), "user.invalid"),
        member("/password", "value.length", lambda world: world.new_user(password="short"), "user.invalid"),
        member("/zz", "key.unknown", lambda world: world.new_user(zz=1))),
    "user_read": Row(good(values=lambda world: {"name": world.someone}), unknown="user.unknown"),
    "user_update": Row(
        good(values=lambda world: {"name": world.someone}, body={"role": "operator"}),
        member("/role", "value.enum", {"role": "king"}, "user.invalid"),
        member("/role", "value.type", {"role": 1}, "user.invalid"),
        member("/disabled", "value.type", {"disabled": "no"}, "user.invalid"),
        member("/password", "value.length", {"password": "short"}, "user.invalid"),
        member("/name", "key.unknown", {"name": "other"}), unknown="user.unknown"),
    "user_delete": Row(good(values=lambda world: {"name": world.another_user()}), unknown="user.unknown"),
    "user_tokens": Row(good(values=lambda world: {"name": world.someone}), unknown="user.unknown"),
    "user_token_create": Row(
        good(who="administrator", values=lambda world: {"name": world.another_user()},
             body={"name": "one", "scopes": ["queue:read"], "days": 1}),
        Mistake(403, "token.from_token", who="program"),
        member("/name", "value.type", {"name": 1, "scopes": ["queue:read"]}),
        member("/scopes", "key.missing", {"name": "one"}),
        member("/scopes", "rule.not_permitted", {"name": "one", "scopes": ["users:write"]}, "user.invalid"),
        member("/days", "value.range", {"name": "one", "scopes": ["queue:read"], "days": 0}, "user.invalid"),
        unknown="user.unknown"),
    "user_token_delete": Row(
        good(values=lambda world: {"name": world.someone, "token": world.token()["name"]}),
        Mistake(404, "token.unknown", values=lambda world: {"name": world.someone, "token": "none"}),
        unknown="user.unknown"),
    "user_sessions": Row(good(values=lambda world: {"name": world.someone}), unknown="user.unknown"),
    "user_sessions_delete": Row(good(values=lambda world: {"name": world.another_user()}),
                                unknown="user.unknown"),
    "audit": Row(good()),
    "audit_verify": Row(good()),
    # the queue
    "queue_summary": Row(good()),
    "queue_destinations": Row(good()),
    "queue_destination": Row(good(values=lambda world: world.destination()), unknown="queue.not_found"),
    "queue_destination_retry": Row(good(values=lambda world: world.destination()), unknown="queue.not_found"),
    "queue_messages": Row(good()),
    "queue_message": Row(good(values=lambda world: world.message()),
                         Mistake(404, "queue.not_found", values={"mid": "9999999"}), unknown="queue.not_found"),
    "queue_message_retry": Row(good(values=lambda world: world.message()),
                               Mistake(404, "queue.not_found", values={"mid": "9999999"}),
                               unknown="queue.not_found"),
    "queue_message_delete": Row(good(values=lambda world: world.message()),
                                Mistake(404, "queue.not_found", values={"mid": "9999999"}),
                                unknown="queue.not_found"),
    # what would happen?
    "tests_hat": Row(
        good(body={"listener": "InboundMail", "ip": "192.0.2.1"}),
        member("/ip", "value.pattern", {"listener": "InboundMail", "ip": "192.0.2"}),
        member("/ip", "key.missing", {"listener": "InboundMail"}),
        member("/listener", "ref.missing", {"listener": "Nowhere", "ip": "192.0.2.1"})),
    "tests_rat": Row(
        good(body={"listener": "InboundMail", "recipient": "b@example.test"}),
        member("/recipient", "value.type", {"listener": "InboundMail", "recipient": None}),
        member("/listener", "ref.missing", {"listener": "Nowhere", "recipient": "b@example.test"})),
    # drafts and revisions
    "drafts": Row(good()),
    "draft_create": Row(
        good(body={"title": "play", "ttl_s": 600}),
        member("/title", "key.missing", {}),
        member("/title", "key.missing", {"ttl_s": 600}),
        member("/title", "value.length", {"title": "x" * 200}),
        member("/ttl_s", "value.range", {"title": "play", "ttl_s": 59}),
        member("/ttl_s", "value.range", {"title": "play", "ttl_s": "600"})),
    "draft_read": Row(good(values=lambda world: world.draft()), unknown="draft.unknown"),
    "draft_delete": Row(good(values=lambda world: world.draft()), unknown="draft.unknown"),
    "draft_diff": Row(good(values=lambda world: world.draft()), unknown="draft.unknown"),
    "draft_validate": Row(good(values=lambda world: world.draft()), unknown="draft.unknown"),
    "draft_discard": Row(
        good(values=lambda world: world.draft(), body=lambda world: world.STAGED),
        Mistake(404, "draft.item_unknown", body=lambda world: dict(world.STAGED, key="other.example")),
        member("/section", "key.missing", {"key": "x"}),
        member("/section", "value.enum", {"section": "ratt"}),
        member("/key", "value.type", lambda world: dict(world.STAGED, key=5)),
        member("/order", "value.type", lambda world: dict(world.STAGED, order="yes")),
        unknown="draft.unknown"),
    "draft_rebase": Row(
        good(values=lambda world: world.conflicting_draft(), body=lambda world: {"resolve": [world.RESOLVED]}),
        member("/resolve", "value.type", {"resolve": "mine"}),
        member("/resolve/0", "value.type", {"resolve": ["mine"]}),
        member("/resolve/0/take", "key.missing", {"resolve": [{"section": "rat", "pointer": "/action"}]}),
        member("/resolve/1/take", "value.enum",
               lambda world: {"resolve": [world.RESOLVED, dict(world.RESOLVED, take="his")]}),
        member("/resolve/0", "key.unknown", lambda world: {"resolve": [dict(world.RESOLVED, zz=1)]}),
        member("/resolve/0/key", "value.type", lambda world: {"resolve": [dict(world.RESOLVED, key=5)]}),
        unknown="draft.unknown"),
    "draft_commit": Row(
        good(values=lambda world: world.draft(), body={"comment": "one operation after the other"}),
        Mistake(409, "draft.conflict", values=lambda world: world.conflicting_draft()),
        Mistake(422, "config.invalid", "/listeners/Nowhere/interface", "ref.missing",
                values=lambda world: world.invalid_draft()),
        member("/comment", "value.type", {"comment": 5}),
        member("/comment", "value.length", {"comment": "x" * 501}), unknown="draft.unknown"),
    "revisions": Row(good()),
    "revision_read": Row(good(values={"n": "1"}), Mistake(404, "revision.unknown", values={"n": "99999"}),
                         unknown="revision.unknown"),
    "revision_diff": Row(good(values={"n": "1"}, query={"to": "1"}),
                         Mistake(404, "revision.unknown", query={"to": "99999"}), unknown="revision.unknown"),
    "revision_restore": Row(
        good(values={"n": "1"}, query=DRAFT),
        Mistake(409, "draft.not_empty", query=lambda world: {"draft": world.draft()["id"]}),
        unknown="revision.unknown"),
    # the file, the log
    "config_file": Row(good()),
    "config_file_seal": Row(
        good(body={"passphrase": "a passphrase of some length"}),
        member("/passphrase", "key.missing", {}),
        member("/passphrase", "value.length", {"passphrase": ""}),
        member("/passphrase", "value.type", {"passphrase": {}})),
    "config_file_load": Row(
        good(body=lambda world: {"file": world.file()}, query=dict(DRAFT, mode="merge")),
        member("/file", "key.missing", {}),
        member("/passphrase", "value.type", lambda world: {"file": world.file(), "passphrase": 5}),
        member("", "value.type", {"file": [1]}, "file.invalid"),
        member("/ratt", "key.unknown", {"file": {"ratt": []}}, "config.invalid"),
        member("/rat", "value.type", {"file": {"rat": 5}}, "config.invalid")),
    "logs_mail": Row(good(), Mistake(400, "query.time", query={"to": "tomorrow"})),
}

# the first start: a machine of its own, with few guesses at its code before it makes one wait
SETUP = Row(
    good(who="nobody", body=lambda world: world.setup()),
    Mistake(403, "setup.code", body=lambda world: world.setup(code="AAAAA-AAAAA-AAAAA-AAAAA-AAAAA")),
    member("/code", "value.type", lambda world: world.setup(code=5)),
    member("/user", "value.pattern", lambda world: world.setup(user="a b"), "user.invalid"),
    member("/password", "key.missing", {"code": "x", "user": "kim"}),
    member("/zz", "key.unknown", lambda world: world.setup(zz=1)))


# --- the sections ---

def target(section, **query):
    return dict(section.place, **query)


def write_mistakes(section, **there):
    """Of a write to what is THERE."""
    wrong = section.wrong
    yield Mistake(400, "draft.target_required", query=target(section))
    yield Mistake(400, "draft.target_required", query=target(section, draft="me", commit="now"))
    yield Mistake(412, "object.stale", headers={"If-Match": '"0123"'}, **there)
    yield Mistake(428, "object.if_match", who="administrator", **there)
    if section.place:
        yield Mistake(400, "listener.required", query=DRAFT)
    elif section.key:
        yield Mistake(400, "query.unknown", query=dict(DRAFT, listener="InboundMail"))
    if wrong:
        yield member(wrong.pointer, wrong.code, wrong.body, "config.invalid")
        yield member("/zz", "key.unknown", wrong.unknown, "config.invalid")


def generic(section):
    """Rows of what every section has, by the first part of the operationId."""
    staged = target(section, draft="me")
    if section.key is None:
        yield "config_single_read", Row(good())
        yield "config_single_put", Row(good(body=section.body, query=staged), *write_mistakes(section))
        yield "config_single_patch", Row(good(body=section.patch, query=staged), *write_mistakes(section))
        return
    there = {"values": {section.path_value: section.there}}
    new = {"values": {section.path_value: section.key}}
    names = section.names
    yield names + "_list", Row(good())
    yield names + "_read", Row(good(query=section.place, **there), unknown="config.unknown")
    yield names + "_put", Row(good(query=staged, body=section.body, **new), *write_mistakes(section, **there),
                              Mistake(412, "object.exists", headers={"If-None-Match": "*"}, **there))
    yield names + "_patch", Row(good(query=staged, body=section.patch, **there), *write_mistakes(section, **there),
                                unknown="config.unknown")
    yield names + "_delete", Row(good(query=staged, **there), *write_mistakes(section.bare(), **there),
                                 unknown="config.unknown")
    if names == "config":
        yield "config_uses", Row(good(query=section.place, **there), unknown="config.unknown")
    if section.is_ordered:
        order = dict(body=lambda world: world.order(section), query=staged)
        yield "config_order_read", Row(good(query=section.place), Mistake(400, "listener.required", query=NOTHING))
        yield "config_order_put", Row(
            good(**order), *write_mistakes(section.bare()),
            member("", "order.keys", []), member("", "order.keys", {"a": 1}),
            member("", "order.keys", lambda world: world.order(section) + ["zz"]),
            member("", "order.keys", lambda world: [5] + world.order(section)[1:]))


def rows():
    """{operationId: Row}"""
    made = dict(FIXED)
    for section in SECTIONS:
        for name, row in generic(section):
            made[name if section.names == "certificates" else "%s.%s" % (name, section.name)] = row
    return made
