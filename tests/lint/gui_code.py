"""The pages' scripts and styles keep the rules of server/DESIGN.md: markup comes from templates alone,
two modules talk to the server, modules are short, texts come from the catalogues, styles have no ids and
nothing !important, and the styles of two pages do not speak of the same class: all pages are one style sheet."""
import os
import re
import sys

import gui
import tree

MODULE_MAX, PAGE_MAX = 250, 200

# pattern: (what to do instead, modules that may)
BANNED = {
    r"unsafeHTML|unsafeSVG|unsafeCSS|unsafeStatic": ("a template", ()),
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|parseHTMLUnsafe|setHTMLUnsafe"
    r"|document\.write|DOMParser": ("a template", ()),
    r"\bstyle=[\"'$]": ("a class, or the element's style object by ref: the policy refuses it", ()),
    r"styleMap": ("a class, or the element's style object by ref: the policy refuses it", ()),
    r"\.cssText|setAttribute\(\s*['\"]style": ("element.style.setProperty", ()),
    r"<style|<script|javascript:|\bon[a-z]+=[\"']": ("a listener: @click=${...}", ()),
    r"\beval\(|new Function|setTimeout\(\s*['\"]": ("a function", ()),
    r"\bfetch\(": ("static/js/api.js", ("static/js/api.js",)),
    r"EventSource\(": ("static/js/live.js", ("static/js/api.js", "static/js/live.js")),
    r"XMLHttpRequest|WebSocket|sendBeacon|\.write\(\s*`<": ("static/js/api.js", ()),
    r"https?://": ("nothing: the pages know no other host", ()),
    r"window\.(?:alert|confirm|prompt)\(|(?<![\w.$])(?:alert|prompt)\(": ("a <dialog>", ()),
}
# Namespaces are names, and an address may be shown as an example of what to type.
ADDRESS_TAKEN = re.compile(r"https?://(www\.w3\.org/|[\w.-]*\.?example\b)")
TEXT_ATTRIBUTE = re.compile(r"\b(aria-label|aria-description|title|alt|placeholder|label)=\"([^\"$]*[^\W\d_]{2}[^\"]*)\"")
EXAMPLE = re.compile(r"[\w@:/-]*\.[\w.@:/-]*")  # of what to type: example.com
WORD = re.compile(r"[^\W\d_]{2,}")


def templates(text):
    """(position, text) of what html`...` holds besides its ${...}, which become one blank."""
    for found in re.finditer(r"\bhtml`", text):
        yield found.start(), template_at(text, found.end())[0]


def template_at(text, at):
    """What the template that begins at AT holds, and where it ends."""
    out = []
    while at < len(text) and text[at] != "`":
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at):
            at = expression_end(text, at + 2)
            out.append(" ")
        else:
            out.append(text[at])
            at += 1
    return "".join(out), at + 1


def expression_end(text, at):
    depth = 1
    while at < len(text):
        char = text[at]
        if char == "`":
            at = template_at(text, at + 1)[1]
            continue
        if char in "'\"":
            at += 1
            while at < len(text) and text[at] not in (char, "\n"):
                at += 2 if text[at] == "\\" else 1
        depth += (char == "{") - (char == "}")
        at += 1
        if depth == 0:
            return at
    return at


def check_banned(path, text):
    for pattern, (instead, allowed) in BANNED.items():
        if path in allowed:
            continue
        for found in re.finditer(pattern, text):
            if found.group().startswith("http") and ADDRESS_TAKEN.match(text, found.start()):
                continue
            yield gui.line_of(text, found.start()), "%s: use %s" % (found.group(), instead)


def check_texts(text):
    """Bar: no text of a template that no catalogue knows. Words in <code> are not language."""
    for at, inside in templates(text):
        for name, value in TEXT_ATTRIBUTE.findall(inside):
            if name == "placeholder" and EXAMPLE.fullmatch(value):
                continue
            yield gui.line_of(text, at), "%s=\"%s\" is a text: use t()" % (name, value)
        inside = re.sub(r"<(code|kbd|pre)\b[^>]*>.*?</\1>", " ", inside, flags=re.S)
        inside = re.sub(r"<!--.*?-->|<[^>]*>|&\w+;", " ", inside, flags=re.S)
        for word in WORD.findall(inside):
            yield gui.line_of(text, at), "\"%s\" in a template is a text: use t()" % word


def check_module(path):
    text = gui.code(path)
    most = PAGE_MAX if path.startswith("static/js/pages/") else MODULE_MAX
    if text.count("\n") > most:
        yield 1, "%d lines, more than %d" % (text.count("\n"), most)
    if not tree.read(path).startswith("/*"):
        yield 1, "does not open with a comment that says what it is for"
    yield from check_banned(path, text)
    yield from check_texts(text)


def check_style(path):
    text = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found.group()), tree.read(path), flags=re.S)
    for found in re.finditer(r"!important|https?:|\burl\((?!['\"]?/ui/)|@import(?!\s+['\"]\./)|layer\(", text):
        yield gui.line_of(text, found.start()), "%s has no place here" % found.group()
    for found in re.finditer(r"(?:^|[}\s,>+~)])#[a-zA-Z][\w-]*(?=[^;{}]*\{)", text):
        yield gui.line_of(text, found.start()), "%s: a class, not an id" % found.group().strip()


def check_owners():
    """(path, line, text) of a rule for nothing but a class that another page's styles have a rule for."""
    owners = {}
    for path in tree.files(("static/css/pages",), (".css",)):
        for number, line in enumerate(tree.read(path).split("\n"), 1):
            for name in re.findall(r"^ {2}(\.[\w-]+) \{", line):
                owner = owners.setdefault(name, path)
                if owner != path:
                    yield path, number, "%s is a class of %s: another name" % (name, owner)


def main():
    bad = 0
    for path, line, text in check_owners():
        print("%s:%d: %s" % (path.replace(os.sep, "/"), line, text))
        bad += 1
    checks = [(path, check_module) for path in gui.modules()]
    checks += [(path, check_style) for path in tree.files(("static/css",), (".css",))]
    for path, check in checks:
        for line, text in check(path):
            print("%s:%d: %s" % (path.replace(os.sep, "/"), line, text))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
