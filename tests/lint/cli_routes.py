"""What the command line calls is what the API serves: each row of server/cli/routes.def has the id, the
method and the path of a row of api/routes.def, and something in server/cli uses it."""
import re
import sys

import tree

CLI = "server/cli/routes.def"
API = "api/routes.def"
CLI_ROW = re.compile(r'^CLI_ROUTE\((\w+),\s*(\w+),\s*"([^"]*)"\)', re.M)
API_ROW = re.compile(r'^API_(?:SECTION_)?ROUTE\((\w+),(?:\s*[A-Z]+,)??\s*(GET|PUT|POST|PATCH|DELETE),\s*"([^"]*)"',
                     re.M)
COMMAND = re.compile(r"^CLI_COMMAND\(.*$", re.M)


def rows(pattern, path):
    return {found.group(1): (found.group(2), found.group(3)) for found in pattern.finditer(tree.read(path))}


def main():
    served, called = rows(API_ROW, API), rows(CLI_ROW, CLI)
    used = "".join(COMMAND.findall(tree.read("server/cli/commands.def")))
    used += "".join(tree.read(path) for path in tree.files(("server/cli",), (".c",)))
    bad = 0
    for name, row in called.items():
        if served.get(name) != row:
            print("%s: %s is %s %s here, and %s in %s" % (CLI, name, *row, served.get(name, "not there"), API))
            bad += 1
        if not re.search(r"\bCLI_ROUTE_%s\b|, %s, cli_" % (name, name), used):
            print("%s: nothing calls %s" % (CLI, name))
            bad += 1
    return 1 if bad or len(called) < 20 or len(served) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
