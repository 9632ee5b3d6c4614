"""The audit from a shell: in order, and after somebody was at the database."""
import contextlib
import json
import os
import re
import sqlite3

from harness.cli import REFUSED, Cli


def test_verify(make_gateway):
    gateway = make_gateway()
    cli = Cli(gateway.state)
    empty = cli.json("audit", "verify")
    assert (empty["ok"], empty["rows"], empty["hash"]) == (True, 0, "0" * 64)
    for name in ("one", "two"):
        assert cli.api("POST", "/users", {"name": name, "role": "operator", "password": "long enough it is"})[0] == 201
    right = cli.json("audit", "verify")
    assert right["ok"] and right["newest"] == 2
    text = cli.ok("audit", "verify")
    assert re.search(r"^in order +true$", text, re.M) and re.search(r"^its hash +%s$" % right["hash"], text, re.M)
    with contextlib.closing(sqlite3.connect(os.path.join(gateway.state, "postern.db"), timeout=30)) as database, database:
        database.execute("DROP TRIGGER audit_keeps")
        database.execute("UPDATE audit SET target = 'three' WHERE number = 2")
    for line in (["audit", "verify"], ["audit", "verify", "--json"]):
        done = cli(*line)
        assert (done.returncode, done.stderr) == \
            (REFUSED, "postern audit verify: row 2 is not what was written, or is missing\n")
    assert json.loads(done.stdout) == dict(right, ok=False, rows=1, broken_at=2)
