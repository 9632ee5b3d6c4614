"""What the lint scripts share: the files that are looked at. Run by itself it checks that there are
any, so that a moved folder does not silence every check."""
import os
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def files(folders, endings):
    """Paths relative to the root, sorted; build directories and hidden ones are not in FOLDERS."""
    found = []
    for folder in folders:
        for where, folders_in, names in os.walk(os.path.join(ROOT, folder)):
            folders_in[:] = [name for name in folders_in
                             if not name.startswith((".", "__")) and name != "node_modules"]
            for name in names:
                if name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(where, name), ROOT))
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as source:
        return source.read()


def c_files():
    return files(("server", "api", "webui", "tests"), (".c", ".h"))


if __name__ == "__main__":
    sys.exit(0 if len(c_files()) > 20 else 1)
