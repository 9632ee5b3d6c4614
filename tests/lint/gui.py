"""What the lint scripts for static/ share: its scripts without their comments. Run by itself it checks
that the entry of the pages is there, so that a moved folder does not silence every check."""
import re
import sys

import tree

# Strings are matched so that what looks like a comment in one is not taken for it.
TOKEN = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|/\*.*?\*/|(?<![:\w])//[^\n]*", re.S)


def blank(found):
    text = found.group(0)
    return text if text[0] in "'\"" else re.sub(r"[^\n]", " ", text)


def modules():
    return tree.files(("static/js",), (".js",))


def code(path):
    """Comments are blank, lines stay where they are."""
    return TOKEN.sub(blank, tree.read(path))


def line_of(text, at):
    return text.count("\n", 0, at) + 1


if __name__ == "__main__":
    sys.exit(0 if "static/js/main.js" in modules() else 1)
