"""cppcheck's warnings, performance and portability checks over the C of server/, api/ and webui/, none allowed."""
import os
import shutil
import subprocess
import sys

import tree


def main():
    if shutil.which("cppcheck") is None:
        print("cppcheck is not installed")
        return 77
    r = subprocess.run(
        ["cppcheck", "--quiet", "--std=c11", "--language=c", "-j", str(os.cpu_count()),
         "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1",
         # a literal handed to a macro that asks for NULL
         "--suppress=literalWithCharPtrCompare", "--suppress=missingInclude", "--suppress=missingIncludeSystem", "-D_GNU_SOURCE",
         "--template={file}:{line}: {severity}: {message} [{id}]", "-Iserver", "-I.", "server", "api", "webui"],
        cwd=tree.ROOT, check=False)
    return 1 if r.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
