#!/usr/bin/python3
"""Makes of static/ what the binary holds: one script, one style sheet, the catalogues, the page.

usage: bundle.py ESBUILD BROTLI SOURCE OUTPUT.S OUTPUT.c DEPFILE

index.html stands in SOURCE as it works unbundled: it names each file by its absolute path below /ui/.
Here js/main.js and css/main.css become bundles, JSON loses its blanks, and each of them gets a name
with its hash in it, which the page then has in the old one's place. So a name's content never
changes and may be kept for ever; only the page is asked for again. The page also gets the build's
name, which every reply has in Postern-Build: an open tab can see that it is of an older one.

Each file is embedded as it is, gzipped and as brotli, where that is smaller. OUTPUT.S includes the
bytes (made into files beside it), OUTPUT.c has the table of webui/assets.h. What esbuild 0.17 cannot:
`@import ... layer(x)`, and `@import` without a leading `./`.
"""
import concurrent.futures
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# name in the page: name of the bundle
BUNDLES = {"js/main.js": "app.js", "css/main.css": "app.css"}
LICENSES = "vendor/licenses.txt"
FAVICON = "favicon.svg"
PAGE = "index.html"


def run(command, data=None):
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit("bundle.py: %s failed" % command[0])
    return done.stdout


def short_hash(data):
    return hashlib.sha256(data).hexdigest()[:16]


class Site:
    def __init__(self, esbuild, source):
        self.esbuild, self.source = esbuild, source
        self.inputs = [os.path.abspath(__file__)]
        self.assets = []  # (path, type, is immutable, content)
        self.renamed = {}  # path in the source: URL

    def path(self, name):
        return os.path.join(self.source, name)

    def read(self, name):
        with open(self.path(name), "rb") as data:
            return data.read()

    def note_inputs(self):
        for where, folders, names in os.walk(self.source):
            folders[:] = [name for name in folders if name != "__pycache__"]
            self.inputs += [where] + [os.path.join(where, name) for name in names
                                      if os.path.splitext(name)[1] in TYPES]

    def content(self, name):
        if name in BUNDLES:
            return run([self.esbuild, self.path(name), "--bundle", "--minify", "--format=esm",
                        "--target=es2022", "--charset=utf8", "--legal-comments=none",
                        "--log-level=warning"])
        if name.endswith(".json"):
            value = json.loads(self.read(name))
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return self.read(name)

    def add_hashed(self, name):
        data = self.content(name)
        stem, ending = os.path.splitext(os.path.basename(BUNDLES.get(name, name)))
        url = "/ui/assets/%s.%s%s" % (stem, short_hash(data), ending)
        self.assets.append((url, TYPES[ending], True, data))
        self.renamed[name] = url

    def add_page(self):
        page = self.read(PAGE).decode()
        names = sorted(set(re.findall(r'"/ui/([^"]+)"', page)))
        missing = sorted(set(BUNDLES) - set(names))
        if missing:
            sys.exit("bundle.py: index.html does not name /ui/%s" % missing[0])
        for name in names:
            if os.path.splitext(name)[1] not in TYPES or not os.path.isfile(self.path(name)):
                sys.exit("bundle.py: index.html names /ui/%s, which is not there" % name)
            self.add_hashed(name)
        page = re.sub(r'"/ui/([^"]+)"', lambda found: '"%s"' % self.renamed[found.group(1)], page)
        build = short_hash("".join(sorted(self.renamed.values())).encode() + page.encode())
        if page.count("\n</head>") != 1:
            sys.exit("bundle.py: index.html has no </head>")
        page = page.replace("\n</head>", '\n  <meta name="postern-build" content="%s">\n</head>' % build)
        self.assets.append(("/ui/", TYPES[".html"], False, page.encode()))
        return build

    def build(self):
        self.note_inputs()
        build = self.add_page()
        self.assets.append(("/ui/licenses.txt", TYPES[".txt"], False, self.read(LICENSES)))
        # Asked for by browsers that show something else than our page.
        self.assets.append(("/favicon.ico", TYPES[".svg"], False, self.read(FAVICON)))
        self.assets.sort()
        return build


def compressed(brotli, data):
    """(name, bytes) of the forms to embed; an empty one is no gain."""
    forms = [("identity", data), ("gzip", gzip.compress(data, 9, mtime=0)),
             ("br", run([brotli, "-q", "11", "-c"], data))]
    return [(name, form if name == "identity" or len(form) < len(data) else b"") for name, form in forms]


def write_if_changed(path, data):
    try:
        with open(path, "rb") as old:
            if old.read() == data:
                return
    except OSError:
        pass
    with open(path, "wb") as out:
        out.write(data)


def main():
    if len(sys.argv) != 7:
        sys.stderr.write(__doc__)
        return 2
    esbuild, brotli, source, assembly, table, depfile = sys.argv[1:]
    site = Site(esbuild, source)
    build = site.build()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        forms = list(pool.map(lambda asset: compressed(brotli, asset[3]), site.assets))

    blobs = os.path.abspath(os.path.splitext(assembly)[0] + ".d")
    os.makedirs(blobs, exist_ok=True)
    lines = ["/* Made by bundle.py. */", "    .section .rodata"]
    declared, rows = [], []
    for i, (asset, each) in enumerate(zip(site.assets, forms)):
        bodies = []
        for name, data in each:
            if not data:
                continue
            symbol = "asset_%d_%s" % (i, name)
            path = os.path.join(blobs, "%d.%s" % (i, name))
            write_if_changed(path, data)
            lines += ["    .globl %s" % symbol, "%s:" % symbol, '    .incbin "%s"' % path]
            declared.append("extern const char %s[];" % symbol)
            bodies.append("[ASSET_%s] = {%s, %d}" % (name.upper(), symbol, len(data)))
        url, media, is_immutable, data = asset
        rows.append('    {"%s", "%s", "%s", %s,\n     {%s}},' % (
            url, media, short_hash(data), "true" if is_immutable else "false", ", ".join(bodies)))
    lines += ['    .section .note.GNU-stack,"",%progbits', ""]
    with open(assembly, "w", encoding="ascii") as out:
        out.write("\n".join(lines))
    with open(table, "w", encoding="ascii") as out:
        out.write('/* Made by bundle.py. */\n#include "webui/assets.h"\n\n%s\n\n' % "\n".join(declared))
        out.write("static const struct asset rows[] = {\n%s\n};\n\n" % "\n".join(rows))
        out.write('const struct asset_table assets_embedded = {rows, %d, "%s"};\n' % (len(rows), build))
    with open(depfile, "w", encoding="utf-8") as out:
        out.write("%s %s: %s\n" % (assembly, table, " ".join(path.replace(" ", "\\ ")
                                                            for path in site.inputs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
