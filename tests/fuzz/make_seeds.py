#!/usr/bin/env python3
"""Makes the seeds of the SMTP fuzz targets from the transcripts, and of the HTTP ones from the raw
requests of tests/api: run it when those change.

    tests/fuzz/make_seeds.py        writes tests/fuzz/corpus/{server,data,reply,command,head,uri}/

What is there already and was not made so stays."""
import glob
import hashlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SMTP = os.path.join(HERE, "..", "smtp")


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
    for request in requests():
        write("head", request)
        words = request.split(b"\r\n")[0].split(b" ")
        if len(words) == 3:
            host = re.search(rb"\nHost: ([^\r]*)", request)
            write("uri", (host.group(1) if host else b"") + b"\n" + words[1])


if __name__ == "__main__":
    main()
