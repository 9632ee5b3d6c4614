"""Over 800 lines fails; over 600 fails too unless the file's opening comment gives the reason with
the word "lines" ("over 600 lines because ..."). C files open with a comment of purpose."""
import re
import sys

import tree

FAIL, EXPLAIN = 800, 600


def main():
    bad = 0
    for path in tree.files(("server", "api", "webui", "static", "tests"), (".c", ".h", ".def", ".py", ".sh", ".mjs")) + ["dev"]:
        text = tree.read(path)
        count = text.count("\n")
        head = text[:4000].split("*/", 1)[0]
        if count > FAIL:
            print("%s: %d lines, more than %d" % (path, count, FAIL))
            bad += 1
        elif count > EXPLAIN and not re.search(r"\blines\b", head):
            print("%s: %d lines, and its head gives no reason" % (path, count))
            bad += 1
        if path.endswith((".c", ".h")):
            if not text.startswith("/*"):
                print("%s:1: does not open with a comment that says what it is for" % path)
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
