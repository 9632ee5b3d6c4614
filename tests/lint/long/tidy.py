"""clang-tidy over server/, api/ and webui/ with .clang-tidy, warnings are errors. usage: tidy.py BUILD_DIR"""
import concurrent.futures
import json
import os
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))


def check(build, path):
    r = subprocess.run(["clang-tidy", "--quiet", "-p", build, path], cwd=ROOT, capture_output=True,
                       text=True, check=False)
    return path, r.returncode, r.stdout


def main():
    build = sys.argv[1]
    with open(os.path.join(ROOT, build, "compile_commands.json"), encoding="utf-8") as commands:
        entries = json.load(commands)
    paths = {os.path.normpath(os.path.join(e["directory"], e["file"])) for e in entries}
    folders = tuple(os.path.join(ROOT, each) + os.sep for each in ("server", "api", "webui"))
    paths = sorted(p for p in paths if p.startswith(folders))
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, text in pool.map(lambda p: check(build, p), paths):
            if status != 0:
                print("%s:\n%s" % (os.path.relpath(path, ROOT), text))
                bad += 1
    return 1 if bad or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
