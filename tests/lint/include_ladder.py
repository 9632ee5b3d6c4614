"""A folder of server/ may include itself and what its row in ladder.txt names, nothing else.

Also: quoted includes are relative to server/ and exist, x.c includes its own header first, and a
folder's private header (x_priv.h) stays in its folder.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = os.path.normpath(os.path.join(HERE, "..", "..", "server"))
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


def sources():
    for where, _, names in sorted(os.walk(SERVER)):
        for name in sorted(names):
            if name.endswith((".c", ".h", ".def")):
                yield os.path.relpath(os.path.join(where, name), SERVER)


def includes(path):
    with open(os.path.join(SERVER, path), encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1)


def check(path, ladder):
    folder = os.path.dirname(path)
    own_header = path[:-2] + ".h"
    wants_own = path.endswith(".c") and os.path.exists(os.path.join(SERVER, own_header))
    if folder and folder not in ladder:
        yield 1, "folder %s has no row in ladder.txt" % folder
        return
    for number, name in includes(path):
        target = os.path.dirname(name)
        if wants_own:
            wants_own = False
            if name != own_header:
                yield number, "the first include must be \"%s\"" % own_header
        if not os.path.exists(os.path.join(SERVER, name)) and not name.endswith("_embed.h"):
            yield number, "\"%s\" is not relative to server/, or is not there" % name
        elif folder and target != folder and target not in ladder[folder]:
            yield number, "%s may not include \"%s\"" % (folder, name)
        elif target != folder and name.endswith("_priv.h"):
            yield number, "\"%s\" is private to %s" % (name, target)


def main():
    ladder = read_ladder()
    bad = 0
    for path in sources():
        for number, text in check(path, ladder):
            print("server/%s:%d: %s" % (path, number, text))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
