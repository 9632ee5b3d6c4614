"""Shell scripts are clean for shellcheck, Python files compile."""
import os
import shutil
import subprocess
import sys

import tree


def main():
    bad = 0
    for path in tree.files(("server", "static", "tests"), (".py",)):
        try:
            compile(tree.read(path), path, "exec")
        except SyntaxError as error:
            print("%s:%s: %s" % (path, error.lineno, error.msg))
            bad += 1
    if shutil.which("shellcheck") is None:
        print("shellcheck is not installed")
        return 1 if bad else 77
    scripts = ["dev", os.path.join(".ci", "run")] + tree.files(("tests",), (".sh",))
    r = subprocess.run(["shellcheck", "-f", "gcc", *scripts], cwd=tree.ROOT, check=False)
    return 1 if bad or r.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
