"""The audit: its list, and the walk over its chain of hashes, on a database that others were at."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import sqlite3
import struct
import time

import pytest

from harness import PATIENCE

ROWS = 3500  # several pieces of a walk


def connect(api):
    return contextlib.closing(sqlite3.connect(os.path.join(api.gateway.state, "postern.db"), timeout=30))


def row_hash(number, at_ms, texts, previous):
    """As server/config/audit.c says it: each column behind its length."""
    columns = [struct.pack(">q", number), struct.pack(">q", at_ms), *(text.encode() for text in texts), previous]
    return hashlib.sha256(b"".join(struct.pack(">I", len(column)) + column for column in columns)).digest()


def lengthen(api, count):
    """Appends COUNT right rows, as one would who had the program's rules."""
    with connect(api) as database, database:
        number, digest = database.execute("SELECT number, hash FROM audit_head").fetchone()
        rows = []
        for _ in range(count):
            texts = ["kim", "192.0.2.1", "user_read", "/api/v1/users/kim", "done", "{}", "request"]
            previous, number = digest, number + 1
            digest = row_hash(number, 1700000000000, texts, previous)
            rows.append([number, 1700000000000, *texts, previous, digest])
        database.executemany("INSERT INTO audit VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("UPDATE audit_head SET number = ?, hash = ?", (number, digest))


@pytest.fixture
def api(make_api):
    """One of its own: what is done here cannot be undone."""
    return make_api()


@pytest.fixture
def long(api):
    lengthen(api, ROWS)
    return api


def verify(api):
    answer = api.administrator.get("/audit/verify")
    assert answer.status == 200, answer
    return answer.json


def test_whole(api):
    """What is answered is the newest row's, as the list has it and as the file has it."""
    first = verify(api)
    newest = api.administrator.get("/audit", limit=1).json["items"][0]
    assert first == {"ok": True, "rows": newest["number"], "newest": newest["number"], "hash": newest["hash"],
                     "broken_at": None}
    with connect(api) as database:
        *columns, digest = database.execute("SELECT * FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, at_ms, *texts, previous = columns
    assert row_hash(number, at_ms, texts, previous) == digest and digest.hex() == first["hash"]
    assert verify(api) == first  # to look is no deed
    api.user("one", "operator")
    second = verify(api)
    assert second["ok"] and second["rows"] > first["rows"] and second["hash"] != first["hash"]
    kept = api.administrator.get("/audit", limit=1, cursor=first["newest"] + 1).json["items"][0]
    assert kept["hash"] == first["hash"]


def test_long(long):
    assert verify(long)["rows"] > ROWS and verify(long)["ok"]


UNGUARDED = ("DROP TRIGGER audit_keeps", "DROP TRIGGER audit_stays")


@pytest.mark.parametrize("statement, broken_at", [
    ("UPDATE audit SET principal = 'eve' WHERE number = 1", 1),
    ("UPDATE audit SET at_ms = at_ms + 1 WHERE number = 3000", 3000),
    ("UPDATE audit SET detail = '{\"fields\":[]}' WHERE number = 1000", 1000),
    ("UPDATE audit SET hash = zeroblob(32) WHERE number = 1001", 1001),
    ("UPDATE audit SET hash = x'' WHERE number = 1001", 1001),
    ("DELETE FROM audit WHERE number = 2000", 2000),
    ("DELETE FROM audit WHERE number >= 2000", 2000),
    ("UPDATE audit SET number = -1 WHERE number = 7", 1),
    ("DELETE FROM audit", 1)], ids=lambda value: str(value)[:45])
def test_changed_behind_its_back(long, statement, broken_at):
    before = verify(long)
    long.database(*UNGUARDED, statement)
    after = verify(long)
    assert after == {"ok": False, "rows": broken_at - 1, "newest": before["newest"], "hash": before["hash"],
                     "broken_at": broken_at}
    long.user("later", "operator")  # what is appended mends nothing
    later = verify(long)
    assert (later["ok"], later["broken_at"]) == (False, broken_at)


def test_kept_elsewhere(long):
    """Whoever redoes the chain deceives the walk, not who kept a hash."""
    kept = verify(long)
    with connect(long) as database, database:
        for statement in UNGUARDED:
            database.execute(statement)
        previous = database.execute("SELECT previous FROM audit WHERE number = 3000").fetchone()[0]
        database.execute("UPDATE audit SET principal = 'eve' WHERE number = 3000")
        for number, at_ms, *texts, _, _ in database.execute("SELECT * FROM audit WHERE number >= 3000").fetchall():
            digest = row_hash(number, at_ms, texts, previous)
            database.execute("UPDATE audit SET previous = ?, hash = ? WHERE number = ?", (previous, digest, number))
            previous = digest
        database.execute("UPDATE audit_head SET hash = ?", (previous,))
    now = verify(long)
    assert now["ok"] and now["newest"] == kept["newest"] and now["hash"] != kept["hash"]


def test_one_walk_at_a_time(api):
    """While one is under way others are answered, and told to come again."""
    lengthen(api, 20000)
    end = time.monotonic() + 60 * PATIENCE
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        busy = []
        while not busy and time.monotonic() < end:
            answers = list(pool.map(lambda _: api.administrator.get("/audit/verify"), range(8)))
            assert all(each.json["ok"] for each in answers if each.status == 200)
            assert any(each.status == 200 for each in answers)
            busy = [each for each in answers if each.status != 200]
    assert busy and {(each.status, each.code, each.headers["Retry-After"]) for each in busy} == \
        {(503, "audit.busy", "1")}
    assert verify(api)["ok"]


def test_who_may(api):
    for role in ("operator", "read-only"):
        assert api.user(role, role).get("/audit/verify").status == 403
    assert api.token("users:write").get("/audit/verify").json["ok"]
    assert api.administrator.get("/audit/verify", limit=1).code == "query.unknown"


def test_stop_while_it_walks(api):
    """It ends cleanly, and the call is answered or its connection closed."""
    lengthen(api, 20000)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        walk = pool.submit(api.administrator.get, "/audit/verify")
        api.administrator.get("/session")
        assert api.stop() == 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert walk.result().status == 200
