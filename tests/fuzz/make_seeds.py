#!/usr/bin/env python3
"""Makes the seeds of the SMTP fuzz targets from the transcripts, of the HTTP ones from the raw
requests of tests/api, of the router's from openapi.json: run it when those change.

    tests/fuzz/make_seeds.py   writes tests/fuzz/corpus/{server,data,reply,command,head,uri,route,cookie}/

What is there already and was not made so stays."""
import glob
import hashlib
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SMTP = os.path.join(HERE, "..", "smtp")
OPENAPI = os.path.join(HERE, "..", "..", "api", "openapi.json")

BASE = b"/api/v1"
OURS = b"__Host-postern"
VALUES = {"section": b"rat", "key": b"%2Ea.test", "n": b"7", "mid": b"17"}  # of {name} in a path
PARAMS = {"commit": b"now", "limit": b"10", "listener": b"Data+1", "dry_run": b"1"}

# What no route and no parameter takes, and what is nearly taken.
ODD_ROUTES = [
    b"GET " + BASE + b"\n", b"GET " + BASE + b"/\n", b"GET /version\n", b"\n", b"GET\n",
    b"GET " + BASE + b"/version/\n", b"GET " + BASE + b"//version\n", b"GET " + BASE + b"/%76ersion\n",
    b"OPTIONS " + BASE + b"/config/rat\n", b"PUT " + BASE + b"/config/%72at\n",
    b"GET " + BASE + b"/config/certificates/a\n", b"GET " + BASE + b"/config/system/a\n",
    b"GET " + BASE + b"/config/listeners/a%00b\n", b"GET " + BASE + b"/config/listeners/%c0%af\n",
    b"GET " + BASE + b"/config/listeners/%2570\n", b"GET " + BASE + b"/config/listeners/%ED%A0%80\n",
    b"GET " + BASE + b"/config/listeners/%C2%85?sparse=1\n", b"GET " + BASE + b"/config/listeners/a%2\n",
    b"GET " + BASE + b"/config/listeners/a+b%2B\n", b"GET " + BASE + b"/config/listeners/%7f\n",
    b"GET " + BASE + b"/queue/messages?limit=0\n", b"GET " + BASE + b"/queue/messages?limit=18446744073709551617\n",
    b"GET " + BASE + b"/audit?limit=1&limit=1\n", b"GET " + BASE + b"/audit?%6cimit=1&li%6Dit=2\n",
    b"GET " + BASE + b"/audit?&&q=a=b%26c+d&\n", b"GET " + BASE + b"/audit?q=%\n", b"GET " + BASE + b"/audit?LIMIT=1\n",
    b"PUT " + BASE + b"/config/system?commit=now&draft=me\napplication/json",
    b"PUT " + BASE + b"/config/system?commit=later\nAPPLICATION/JSON ; charset=utf-8",
    b"PUT " + BASE + b"/config/system?commit=now\ntext/plain",
    b"PUT " + BASE + b"/config/rat/ALL?commit=now\napplication/json",
    b"PUT " + BASE + b"/config/listeners/a?commit=now&listener=b\napplication/json",
    b"PATCH " + BASE + b"/users/ann\napplication/merge-patch+json;x",
]

COOKIES = [
    OURS + b"=aaaabbbbccccddddeeeeffffgg", b"a=b; " + OURS + b"=x; c=d", b"a=b;" + OURS + b"=x ;", OURS + b"=",
    OURS, OURS + b"=x; " + OURS + b"=y", OURS + b"=x\n" + OURS + b"=y", b"a=b\n" + OURS + b"=x",
    b"=" + OURS + b"=x", b"a=" + OURS + b"=x", OURS + b" =x", OURS.lower() + b"=x", b"x" + OURS + b"=x",
    OURS + b"s=x", OURS + b"=x, " + OURS + b"=y", OURS + b'="x;y"', b'a="; ' + OURS + b"=x", b";;; ;",
    OURS + b"=x\0; " + OURS + b"\0=y", b"\t" + OURS + b"=\tx\t;\t" + OURS, b"", b"\n",
]


def unescape(text):
    """The bytes of a `C!` line."""
    def one(found):
        code = found.group(1)
        if code[0] == "x":
            return chr(int(code[1:], 16))
        return {"r": "\r", "n": "\n", "0": "\0"}.get(code, code)
    return re.sub(r"\\(x[0-9a-f]{2}|.)", one, text).encode("latin-1")


def cases():
    """Yields (client bytes, server bytes, client pieces) of each case."""
    for path in sorted(glob.glob(os.path.join(SMTP, "*.txt"))):
        said, heard, pieces = b"", b"", []
        with open(path, encoding="utf-8") as lines:
            for line in lines.read().split("\n") + ["=="]:
                if line.startswith("=="):
                    if said:
                        yield said, heard, pieces
                    said, heard, pieces = b"", b"", []
                elif line[:2] in ("C:", "C!"):
                    text = line[3:]
                    piece = unescape(text) if line[1] == "!" else text.encode() + b"\r\n"
                    said += piece
                    pieces.append(piece)
                elif line.startswith("S:"):
                    heard += line[3:].encode() + b"\r\n"


def write(target, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    name = "t-" + hashlib.sha256(data).hexdigest()[:12]
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def requests():
    """The raw requests of test_http_raw.py."""
    sys.path.insert(0, os.path.join(HERE, "..", "api"))
    import test_http_raw as raw  # pylint: disable=import-outside-toplevel
    for table in (raw.REFUSED, raw.REFUSED_BY_LIBRARY, raw.HANDLED):
        for _, request in table.values():
            if len(request) < 3000:
                yield request


def routes():
    """Each operation, with the parameters it takes; a draft would need a database."""
    with open(OPENAPI, encoding="utf-8") as text:
        paths = json.load(text)["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            filled = re.sub(rb"\{(\w+)\}", lambda name: VALUES.get(name.group(1).decode(), b"a"), path.encode())
            names = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p["name"] != "draft"]
            query = b"&".join(name.encode() + b"=" + PARAMS.get(name, b"1") for name in names)
            media = b",".join(kind.encode() for kind in operation.get("requestBody", {}).get("content", ()))
            target = filled + (b"?" + query if query else b"")
            yield method.upper().encode() + b" " + BASE + target + b"\n" + media


def main():
    for old in glob.glob(os.path.join(HERE, "corpus", "*", "t-*")):
        os.unlink(old)
    for said, heard, pieces in cases():
        if len(said) > 3000:
            continue
        write("server", b"\x12\x03" + said)
        write("server", b"\x00\x01" + said)
        write("reply", b"\x01\x00" + heard)
        write("reply", b"\x00\x05" + heard)
        for piece in pieces:
            if piece.count(b"\n") > 1 and len(piece) < 300:
                write("data", b"\x03" + piece)
            elif len(piece) < 100:
                write("command", piece.rstrip(b"\r\n"))
    for route in list(routes()) + ODD_ROUTES:
        write("route", route)
    for cookie in COOKIES:
        write("cookie", cookie)
    for request in requests():
        write("head", request)
        words = request.split(b"\r\n")[0].split(b" ")
        if len(words) == 3:
            host = re.search(rb"\nHost: ([^\r]*)", request)
            write("uri", (host.group(1) if host else b"") + b"\n" + words[1])


if __name__ == "__main__":
    main()
