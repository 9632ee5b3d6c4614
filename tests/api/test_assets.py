"""The pages' files: which path is answered with what, in which form, and kept for how long."""
import gzip
import os
import re
import shutil
import socket
import subprocess

import pytest

from client import Api
from echo import Client, SECONDS, tls_context
from gateway import Administered
from harness import ROOT

STATIC = os.path.join(ROOT, "static")
FOREVER = "public, max-age=31536000, immutable"
CODINGS = ["identity", "gzip", "br"]


def read(name):
    with open(os.path.join(STATIC, name), "rb") as data:
        return data.read()


def connect(port):
    raw = socket.create_connection(("127.0.0.1", port), SECONDS)
    return Client(tls_context().wrap_socket(raw))


def decoded(body, coding):
    if coding == "br":
        return subprocess.run(["brotli", "-dc"], input=body, stdout=subprocess.PIPE, check=True).stdout
    return gzip.decompress(body) if coding == "gzip" else body


def get(port, path, coding=None, **fields):
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    if coding is not None:
        headers["Accept-Encoding"] = coding
    return Api(port).raw("GET", path, headers=headers)


def page_of(port):
    page = get(port, "/ui/")
    assert page.status == 200
    return page.body.decode()


def named_by(page):
    """The files that a page names."""
    found = re.findall(r'"(/ui/[^"]+)"', page)
    assert found
    return found


@pytest.fixture(scope="module")
def port(api):
    return api.https


# --- the embedded ones ----------------------------------------------------------------------------


def test_page(port):
    page = get(port, "/ui/")
    text = page.body.decode()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    assert "<title>Postern</title>" in text
    assert '<meta name="postern-build" content="%s">' % page.headers["Postern-Build"] in text
    for name in ("en", "ko"):
        assert re.search(r'<meta name="postern-catalogue-%s" content="/ui/assets/%s\.[0-9a-f]{16}\.json">'
                         % (name, name), text)
    assert len(named_by(text)) == 5


def test_no_inline_code(port):
    """The policy forbids it, so the page has none: neither script text nor style."""
    text = page_of(port)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", text) == [""]


def test_every_reply_says_its_build(port):
    builds = {get(port, path).headers["Postern-Build"]
              for path in ("/", "/ui/", "/ui/assets/x", "/api/v1/version", "/nothing")}
    assert len(builds) == 1 and re.fullmatch("[0-9a-f]{16}", builds.pop())


def test_files(port):
    """Each in all its forms: the same bytes, each form with a tag of its own, for ever."""
    for path in named_by(page_of(port)) + ["/favicon.ico", "/ui/licenses.txt"]:
        plain = get(port, path)
        assert plain.status == 200 and plain.body
        tags = set()
        for coding in CODINGS:
            reply = get(port, path, coding)
            used = reply.headers["Content-Encoding"] or "identity"
            assert used in ("identity", coding)
            assert used == coding or len(plain.body) < 300, "%s is not sent as %s" % (path, coding)
            assert decoded(reply.body, used) == plain.body
            assert reply.headers["Content-Type"] == plain.headers["Content-Type"]
            assert reply.headers["Vary"] == "Accept-Encoding"
            assert reply.headers["Cache-Control"] == (FOREVER if "/assets/" in path else "no-cache")
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert "trusted-types lit-html" in reply.headers["Content-Security-Policy"]
            tags.add((reply.headers["ETag"], used))
        assert len({tag for tag, _ in tags}) == len({used for _, used in tags})


def test_content(port):
    files = {path.rsplit("/", 1)[1].split(".")[0] + os.path.splitext(path)[1]: path
             for path in named_by(page_of(port))}
    assert get(port, files["favicon.svg"]).body == read("favicon.svg")
    assert get(port, "/favicon.ico").body == read("favicon.svg")
    assert get(port, "/ui/licenses.txt").body == read("vendor/licenses.txt")
    assert b"trustedTypes" in get(port, files["app.js"]).body
    assert get(port, files["app.js"]).headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert get(port, files["app.css"]).headers["Content-Type"] == "text/css; charset=utf-8"
    assert b"\n  " not in get(port, files["ko.json"]).body


@pytest.mark.parametrize("coding", CODINGS)
def test_not_modified(port, coding):
    """Over one connection: that a 304 has no body shows in the next reply being whole."""
    paths = ["/ui/", "/ui/queue?sort=-oldest", "/favicon.ico"] + named_by(page_of(port))
    with connect(port) as client:
        for path in paths:
            accept = "Accept-Encoding: " + coding
            whole = client.ask(path, fields=[accept])
            tag = whole.field("etag")
            for sent, status in ((tag, 304), ('"x", W/' + tag, 304), ("*", 304), ('"x"', 200),
                                 (tag[:-1], 200)):
                reply = client.ask(path, fields=[accept, "If-None-Match: " + sent])
                assert (reply.status, reply.body) == (status, whole.body if status == 200 else b"")
                for name in ("etag", "vary", "cache-control", "content-length"):
                    assert reply.field(name) == whole.field(name)


def test_head(port):
    with connect(port) as client:
        for path in ["/", "/ui/", "/ui/a/b", "/ui/assets/none", "/favicon.ico"]:
            head, whole = client.ask(path, "HEAD"), client.ask(path)
            assert (head.status, head.body) == (whole.status, b"")
            for name in ("content-length", "content-type", "etag", "cache-control", "location"):
                if whole.status != 404 or name != "content-length":  # a problem names its request
                    assert head.field(name) == whole.field(name)


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/ui"])
def test_redirect(port, path):
    reply = get(port, path)
    assert (reply.status, reply.headers["Location"], reply.body) == (308, "/ui/", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/ui", "/ui/", "/ui/x", "/ui/assets/x", "/favicon.ico"])
def test_other_methods(port, path, method):
    reply = Api(port).raw(method, path)
    assert (reply.status, reply.headers["Allow"], reply.code) == (405, "GET, HEAD", "method.not_allowed")


VIEWS = ["/ui/x", "/ui/certificates/mx1?tab=chain", "/ui/hat/10.0.0.0%2F8", "/ui/%2e%2e/%2e%2e/etc/passwd",
         "/ui/..%2f..%2fetc%2fpasswd", "/ui/../../etc/passwd", "/ui/./assets/", "/ui//assets/x", "/ui/%ff",
         "/ui/%ED%95%9C%EA%B8%80", "/ui/js/main.js", "/ui/vendor/VENDOR.json", "/ui/bundle.py",
         "/ui/assets", "/ui/Assets/x", "/ui/" + "x" * 8000]


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path[:40])
def test_view(port, path):
    """Every other path below /ui/ is the page, and nothing but the page."""
    with connect(port) as client:
        reply = client.ask(path)
        assert (reply.status, reply.body) == (200, client.ask("/ui/").body)


@pytest.mark.parametrize("path, status", [
    ("/ui/assets/", 404), ("/ui/assets/x.js", 404), ("/ui/assets/app.js", 404),
    ("/ui/assets/../", 404), ("/ui/assets/%2e%2e/index.html", 404), ("/ui/assets/..%2findex.html", 404),
    ("/ui/%00", 400), ("/ui/x%00.js", 400), ("/ui/assets/%00", 400), ("/ui/%0a", 400), ("/ui/%7f", 400),
    ("/ui/%", 400), ("/ui/%zz", 400), ("/ui/" + "x" * 8192, 414),
    ("/UI/", 404), ("/uix", 404), ("//ui/", 404), ("/%75i/", 404), ("/index.html", 404),
    ("/favicon.ico/", 404), ("/assets/x", 404), ("/ui%2f", 404)], ids=lambda value: str(value)[:40])
def test_no_file(port, path, status):
    with connect(port) as client:
        reply = client.ask(path)
        assert reply.status == status
        assert reply.field("content-type") == "application/problem+json"


def test_hashed_name_is_exact(port):
    for path in named_by(page_of(port)):
        for other in (path + "x", path[:-1], path.upper(), path.replace(".", "%2E", 1), path + "/", path + "%20"):
            assert get(port, other).status == 404
        assert get(port, path + "?x").status == 200  # a query says nothing here


def test_local_socket_has_no_pages(api):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(SECONDS)
        raw.connect(os.path.join(api.gateway.state, "run", "postern.sock"))
        client = Client(raw)
        for path in ("/", "/ui/", "/favicon.ico"):
            assert client.ask(path).status == 404


# --- from a folder, while developing ----------------------------------------------------------------


class FromFolder(Administered):
    def __init__(self, directory, webroot):
        super().__init__(directory)
        self.gateway.arguments += ["--webroot", str(webroot)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of static/ and hostile things in it."""
    where = tmp_path_factory.mktemp("webroot")
    root = where / "static"
    shutil.copytree(STATIC, root)
    (where / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(where / "secret.txt")
    (root / "up").symlink_to("..")
    (root / "inside.js").symlink_to("js/main.js")
    (root / "hole.js").symlink_to("nowhere")
    (root / "folder.js").mkdir()
    (root / "bundle.py").write_text("secret")
    (root / "large.txt").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    os.mkfifo(root / "pipe.js")
    return root


@pytest.fixture(scope="module")
def from_folder(folder, tmp_path_factory):
    each = FromFolder(tmp_path_factory.mktemp("gateway"), folder).start()
    yield each.https
    assert each.stop() == 0, each.gateway.describe()


def test_folder_serves_modules(from_folder):
    page = get(from_folder, "/ui/")
    assert page.body == read("index.html")
    for path in named_by(page.body.decode()):
        reply = get(from_folder, path)
        assert (reply.status, reply.body) == (200, read(path[len("/ui/"):]))
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Postern-Build"] == "webroot"
    module = get(from_folder, "/ui/vendor/lit.js")
    assert module.body == read("vendor/lit.js")
    assert module.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert get(from_folder, "/favicon.ico").body == read("favicon.svg")
    assert get(from_folder, "/ui/certificates/mx1").body == page.body


def test_folder_shows_changes(from_folder, folder):
    (folder / "js" / "new.js").write_text("1")
    assert get(from_folder, "/ui/js/new.js").body == b"1"
    (folder / "js" / "new.js").write_text("2")
    assert get(from_folder, "/ui/js/new.js").body == b"2"


@pytest.mark.parametrize("path", [
    "link.txt", "up/secret.txt", "../secret.txt", "%2e%2e/secret.txt", "js/../../secret.txt",
    "..%2fsecret.txt", "/etc/hosts.txt", "inside.js", "hole.js", "folder.js", "pipe.js", "large.txt",
    "js/none.js", "js", "bundle.py", "vendor/vendor.py", "proc/self/environ", "js/main.js/", "x" * 300 + ".js"],
    ids=lambda path: path[:30])
def test_folder_keeps_to_itself(from_folder, path):
    """What is no file of it is the page, or nothing."""
    with connect(from_folder) as client:
        reply = client.ask("/ui/" + path)
        assert b"secret" not in reply.body and b"x" * 64 not in reply.body
        assert reply.status == 404 or reply.body == read("index.html")


def test_folder_methods(from_folder):
    assert Api(from_folder).raw("PUT", "/ui/js/main.js").status == 405


def test_folder_that_is_none(tmp_path):
    each = FromFolder(tmp_path, tmp_path / "nowhere")
    each.gateway.start(is_ready=False)
    assert each.gateway.wait_exit() == 1
    assert "cannot serve the pages in" in each.gateway.read_stderr()
