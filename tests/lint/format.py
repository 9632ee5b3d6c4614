"""Every C file is as clang-format would write it (./dev format does), plus what version 14 of it
cannot check: no tab, no blank at a line's end, `else if` chains with braces on all arms or none."""
import re
import shutil
import subprocess
import sys

import tree

CHUNK = 40


def main():
    bad = 0
    paths = tree.c_files()
    for path in paths:
        for number, line in enumerate(tree.read(path).split("\n"), 1):
            if "\t" in line or line != line.rstrip():
                print("%s:%d: tab, or blank at the end" % (path, number))
                bad += 1
            # `} else` wants braces on both sides, as does `else {`.
            if re.match(r"\s*} else(?! \{| if )", line) or re.match(r"\s*else( if .*\))? \{$", line):
                print("%s:%d: one arm has braces, the other has none" % (path, number))
                bad += 1
    tool = shutil.which("clang-format")
    if tool is None:
        print("clang-format is not installed")
        return 1 if bad else 77
    for at in range(0, len(paths), CHUNK):
        r = subprocess.run([tool, "--dry-run", "-Werror", *paths[at:at + CHUNK]], cwd=tree.ROOT,
                           capture_output=True, text=True, check=False)
        if r.returncode != 0:
            names = sorted({line.split(":", 1)[0] for line in r.stderr.split("\n") if ": error:" in line})
            print("\n".join("%s: ./dev format writes it differently" % name for name in names)
                  or r.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
