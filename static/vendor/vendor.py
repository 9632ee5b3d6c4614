#!/usr/bin/python3
"""What the browser gets of other projects' code: one readable module a library, made once, committed.

usage: vendor.py check             files, licences and sums are those of VENDOR.json; needs no network
       vendor.py update NAME@X.Y.Z fetch that version from npm, bundle it, write all of this folder

VENDOR.json names for each library what its module exports and from where, and the npm packages it was
made of with the integrity that the registry gave. `update` needs npm and esbuild; the packages' own
scripts are never run. licenses.txt is served at /ui/licenses.txt.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "VENDOR.json")
LICENSES = "licenses.txt"
OWN_FILES = {"VENDOR.json", "vendor.py", LICENSES}
# Only what an Apache-2.0 program may carry along.
LICENSES_TAKEN = {"BSD-3-Clause", "BSD-2-Clause", "MIT", "ISC", "Apache-2.0", "0BSD"}


def read_table():
    with open(TABLE, encoding="utf-8") as table:
        return json.load(table)


def sha256(path):
    with open(path, "rb") as data:
        return hashlib.sha256(data.read()).hexdigest()


# --- check ----------------------------------------------------------------------------------------


def find_problems():
    table = read_table()
    known = set(OWN_FILES)
    for name, library in table["libraries"].items():
        known.add(library["file"])
        path = os.path.join(HERE, library["file"])
        if not os.path.isfile(path):
            yield "%s is not there" % library["file"]
            continue
        if sha256(path) != library["sha256"]:
            yield "%s is not what VENDOR.json says: changed by hand?" % library["file"]
        if library["license"] not in LICENSES_TAKEN:
            yield "%s: licence %s is not one that may be carried along" % (name, library["license"])
        with open(path, encoding="utf-8") as module:
            text = module.read()
        found = sorted(exported_names(text))
        if found != sorted(each for names in library["exports"].values() for each in names):
            yield "%s exports %s" % (library["file"], ", ".join(found))
        for package in library["packages"]:
            if not re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]):
                yield "%s: %s has no sha512 integrity" % (name, package["name"])
    licenses = os.path.join(HERE, LICENSES)
    if not os.path.isfile(licenses) or sha256(licenses) != table["licenses_sha256"]:
        yield "%s is not what VENDOR.json says" % LICENSES
    for found in sorted(set(os.listdir(HERE)) - known - {"__pycache__"}):
        yield "%s is in no library of VENDOR.json" % found


def exported_names(text):
    """Those of the one export list that esbuild writes at the end."""
    lists = re.findall(r"^export \{\n(.*?)\n\};$", text, re.MULTILINE | re.DOTALL)
    for line in ",".join(lists).split(","):
        if line.strip():
            yield line.split(" as ")[-1].strip()


def check():
    problems = list(find_problems())
    for problem in problems:
        print("static/vendor: " + problem)
    return 1 if problems else 0


# --- update ---------------------------------------------------------------------------------------


def npm(*arguments, where=None):
    done = subprocess.run(["npm", *arguments], cwd=where, check=True, capture_output=True)
    return json.loads(done.stdout)


def newest(package, wanted):
    """What the registry says of the newest version of PACKAGE that is within WANTED."""
    found = npm("view", "%s@%s" % (package, wanted), "version", "dist.integrity", "dependencies",
                "license", "--json")
    rows = found if isinstance(found, list) else [found]
    return max(rows, key=lambda row: [int(part) for part in row["version"].split(".")])


def unpack(package, info, modules, download):
    """Fetches a tarball, holds it against its integrity, unpacks it as node_modules/PACKAGE."""
    packed = npm("pack", "%s@%s" % (package, info["version"]), "--json", "--ignore-scripts",
                 where=download)[0]
    path = os.path.join(download, packed["filename"].replace("@", "").replace("/", "-"))
    with open(path, "rb") as data:
        digest = base64.b64encode(hashlib.sha512(data.read()).digest()).decode()
    if "sha512-" + digest != info["dist.integrity"]:
        sys.exit("%s: the tarball is not the one that the registry names" % package)
    target = os.path.join(modules, package)
    os.makedirs(target)
    with tarfile.open(path) as tar:
        for member in tar.getmembers():
            inside = member.name.split("/", 1)[-1]
            if not member.isfile() or inside.startswith("/") or ".." in inside.split("/"):
                continue
            where = os.path.join(target, inside)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "wb") as out:
                out.write(tar.extractfile(member).read())
    return target


def fetch(name, version, modules, download):
    """The library and what it asks for; rows for VENDOR.json, in order of name."""
    rows, wanted = {}, [(name, version)]
    while wanted:
        package, within = wanted.pop()
        if package in rows or package.startswith("@types/"):
            continue
        info = newest(package, within)
        unpack(package, info, modules, download)
        rows[package] = {"name": package, "version": info["version"], "license": info["license"],
                         "integrity": info["dist.integrity"]}
        wanted += info.get("dependencies", {}).items()
    return [rows[package] for package in sorted(rows)]


def bundle(library, where, version):
    """Writes the module; returns the names of the packages that something of is in it."""
    entry = os.path.join(where, "entry.js")
    with open(entry, "w", encoding="utf-8") as out:
        for source, names in library["exports"].items():
            out.write('export { %s } from "%s";\n' % (", ".join(names), source))
    target = os.path.join(HERE, library["file"])
    banner = "// %s %s, bundled by vendor.py; do not edit. Licence: licenses.txt" % (library["file"], version)
    subprocess.run(["esbuild", entry, "--bundle", "--format=esm", "--target=es2022", "--charset=utf8",
                    "--legal-comments=none", "--log-level=warning", "--banner:js=" + banner,
                    "--metafile=meta.json", "--outfile=" + target], cwd=where, check=True)
    with open(target, encoding="utf-8") as made:
        text = made.read()
    with open(target, "w", encoding="utf-8") as out:  # its remarks name paths: keep those inside npm
        out.write(re.sub(r"^(\s*// ).*node_modules/", r"\1", text, flags=re.MULTILINE))
    with open(os.path.join(where, "meta.json"), encoding="utf-8") as meta:
        inputs = json.load(meta)["outputs"].popitem()[1]["inputs"]
    paths = [path.split("node_modules/")[-1] for path, part in inputs.items() if part["bytesInOutput"]]
    return {"/".join(path.split("/")[:2 if path[0] == "@" else 1]) for path in paths}


def license_text(name, package, modules):
    folder = os.path.join(modules, package["name"])
    for candidate in sorted(os.listdir(folder)):
        if candidate.upper().startswith(("LICENSE", "LICENCE")):
            with open(os.path.join(folder, candidate), encoding="utf-8") as text:
                return text.read().strip() + "\n"
    sys.exit("%s: package %s has no licence text" % (name, package["name"]))


def update(what):
    name, _, version = what.rpartition("@")
    table = read_table()
    library = table["libraries"].get(name)
    if library is None:
        sys.exit("VENDOR.json has no library %s" % name)
    with tempfile.TemporaryDirectory() as where:
        modules, download = os.path.join(where, "node_modules"), os.path.join(where, "download")
        os.makedirs(download)
        packages = fetch(name, version, modules, download)
        own = next(row for row in packages if row["name"] == name)
        library.update(version=own["version"], license=own["license"])
        used = bundle(library, where, own["version"]) | {name}
        library["packages"] = [row for row in packages if row["name"] in used]
        texts = {}
        for package in library["packages"]:
            texts.setdefault(license_text(name, package, modules), []).append(
                "%s %s" % (package["name"], package["version"]))
        library["license_text"] = [{"packages": packages, "text": text}
                                   for text, packages in texts.items()]
    library["sha256"] = sha256(os.path.join(HERE, library["file"]))
    write_licenses(table)
    table["licenses_sha256"] = sha256(os.path.join(HERE, LICENSES))
    with open(TABLE, "w", encoding="utf-8") as out:
        json.dump(table, out, indent=1, ensure_ascii=False)
        out.write("\n")
    return check()


def write_licenses(table):
    with open(os.path.join(HERE, LICENSES), "w", encoding="utf-8") as out:
        out.write("Postern's pages contain the following works of others.\n")
        for library in table["libraries"].values():
            for each in library["license_text"]:
                out.write("\n%s\n%s\n\n%s" % ("-" * 72, ", ".join(each["packages"]), each["text"]))


def main():
    if sys.argv[1:] == ["check"]:
        return check()
    if len(sys.argv) == 3 and sys.argv[1] == "update" and "@" in sys.argv[2]:
        return update(sys.argv[2])
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
