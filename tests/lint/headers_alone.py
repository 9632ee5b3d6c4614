"""Each header compiles by itself and has an include guard, so nothing depends on the order of
includes."""
import concurrent.futures
import os
import re
import subprocess
import sys

import tree

CFLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Wstrict-prototypes",
          "-Werror", "-fsyntax-only", "-Iserver", "-I.", "-Itests", "-Itests/lib"]


def pkg_config_flags():
    r = subprocess.run(["pkg-config", "--cflags", "libuv", "gnutls", "jansson", "sqlite3",
                        "libunbound", "libmicrohttpd", "cmocka"], capture_output=True, text=True, check=False)
    return r.stdout.split()


def compile_alone(path, flags):
    # A translation unit that includes it twice also shows a missing guard.
    text = '#include "%s"\n#include "%s"\ntypedef int is_not_empty;\n' % (path, path)
    r = subprocess.run(["gcc", *CFLAGS, *flags, "-I.", "-x", "c", "-"], input=text, text=True,
                       cwd=tree.ROOT, capture_output=True, check=False)
    return path, r.returncode, r.stderr


def main():
    bad = 0
    headers = tree.files(("server", "api", "webui", "tests"), (".h",))
    for path in headers:
        if not re.search(r"#ifndef POSTERN_\w+_H\n#define POSTERN_\w+_H\n", tree.read(path)):
            print("%s: no include guard POSTERN_..._H" % path)
            bad += 1
    flags = pkg_config_flags()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, text in pool.map(lambda p: compile_alone(p, flags), headers):
            if status != 0:
                print("%s does not compile alone:\n%s" % (path, text))
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
