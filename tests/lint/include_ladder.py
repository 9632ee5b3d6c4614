"""A folder may include itself and what its row in ladder.txt names, nothing else.

Folders are those of server/, besides api and webui. Also: quoted includes are relative to server/ or
to the top (api, webui) and exist, x.c includes its own header first, and a
folder's private header (x_priv.h) stays in its folder.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
SERVER = os.path.join(ROOT, "server")
AT_THE_TOP = ("api", "webui")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def read_ladder():
    rows = {}
    with open(os.path.join(HERE, "ladder.txt"), encoding="utf-8") as lines:
        for line in lines:
            line = line.split("#", 1)[0].strip()
            if line:
                folder, _, allowed = line.partition(":")
                rows[folder.strip()] = set(allowed.split())
    return rows


def place(path):
    """Where "api/x.h" or "base/x.h" lies."""
    return os.path.join(ROOT if path.split("/")[0] in AT_THE_TOP else SERVER, path)


def sources():
    for top in (SERVER,) + tuple(os.path.join(ROOT, each) for each in AT_THE_TOP):
        base = SERVER if top == SERVER else ROOT
        for where, _, names in sorted(os.walk(top)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def")):
                    yield os.path.relpath(os.path.join(where, name), base)


def includes(path):
    with open(place(path), encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1)


def check(path, ladder):
    folder = os.path.dirname(path)
    own_header = path[:-2] + ".h"
    wants_own = path.endswith(".c") and os.path.exists(place(own_header))
    if folder and folder not in ladder:
        yield 1, "folder %s has no row in ladder.txt" % folder
        return
    for number, name in includes(path):
        target = os.path.dirname(name)
        if wants_own:
            wants_own = False
            if name != own_header:
                yield number, "the first include must be \"%s\"" % own_header
        if not os.path.exists(place(name)) and not name.endswith("_embed.h"):
            yield number, "\"%s\" is not relative to server/ or the top, or is not there" % name
        elif folder and target != folder and target not in ladder[folder]:
            yield number, "%s may not include \"%s\"" % (folder, name)
        elif target != folder and name.endswith("_priv.h"):
            yield number, "\"%s\" is private to %s" % (name, target)


def main():
    ladder = read_ladder()
    bad = 0
    for path in sources():
        for number, text in check(path, ladder):
            print("%s:%d: %s" % (os.path.relpath(place(path), ROOT), number, text))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
