"""The catalogues static/i18n/*.json say the same in both languages.

Same keys, but for schema.*: of those the English is in the schema itself (GET /schema). No key twice, no
empty text, the same {variables}, no key that nothing asks for, none that is asked for and not there.
Korean has every label and help of the configuration and a text for every code that the server's problems
have, and never a particle behind a variable: which one it must be depends on the word's last sound.
"""
import json
import re
import sys

import gui
import tree

LANGUAGES = ("en", "ko")
ONLY_KOREAN = ("schema.",)
KEY = r"[a-z][\w-]*(?:\.[\w-]+)+"
LITERAL = re.compile(r"['\"`](%s)['\"`]" % KEY)
PREFIX = re.compile(r"['\"`]([a-z][\w-]*(?:\.[\w-]+)*\.)(?:\$\{|['\"]\s*\+)")
ASKED = re.compile(r"\bt\(\s*['\"](%s)['\"]" % KEY)
ROUTE_TITLE = re.compile(r"\btitle:\s*['\"](%s)['\"]" % KEY)
VARIABLE = re.compile(r"\{(\w+)\}")
PARTICLE = re.compile(r"\}['\"’”」』)\]]*(?:을|를|이|가|은|는|과|와|으로|로|이나|나|이라|라|이며|며|아|야)(?=[\s.,:;!?…()]|$)")
BOTH_PARTICLES = re.compile(r"을\(를\)|를\(을\)|이\(가\)|가\(이\)|은\(는\)|는\(은\)|와\(과\)|과\(와\)|\(으\)로|\(이\)")

# Where codes of problems come from. What else has a dot in it there is a file's name.
SOURCES = ("api", "webui", "server/config", "server/control", "server/engine", "server/pki")
CODE = re.compile(r"\"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\"")
PLAIN_CODE = re.compile(r"\bproblem(?:_with)?\([^\"]*?\b[45]\d\d, \"([a-z_]+)\"")
FILE_NAME = re.compile(r"\.(h|c|def|db|html|svg|json|txt|js|css)$")
# Of requests that no page of ours makes: heads that a browser does not write, names of older builds.
NOT_FOR_PAGES = re.compile(r"^http\.(?!body_too_large|too_many_streams|no_room)|^asset\.")


def read_catalogue(language):
    twice = []

    def pairs(rows):
        keys = [key for key, _ in rows]
        twice.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return dict(rows)
    return json.loads(tree.read("static/i18n/%s.json" % language), object_pairs_hook=pairs), twice


def texts_of(value):
    return list(value.values()) if isinstance(value, dict) else [value]


def check_entry(language, key, value):
    forms = set(value) if isinstance(value, dict) else set()
    if forms and (not forms <= {"one", "other"} or "other" not in forms):
        yield "%s: forms are one and other" % key
    for text in texts_of(value):
        if not isinstance(text, str) or text.strip() == "":
            yield "%s is empty" % key
            continue
        if text != text.strip() or "  " in text:
            yield "%s has blanks too many" % key
        if language == "ko" and (PARTICLE.search(text) or BOTH_PARTICLES.search(text)):
            yield "%s has a particle behind a variable: %s" % (key, text)


def check_pair(catalogues):
    english, korean = (catalogues[language] for language in LANGUAGES)
    for key in sorted(set(english) - set(korean)):
        yield "ko.json: %s is missing" % key
    for key in sorted(set(korean) - set(english)):
        if not key.startswith(ONLY_KOREAN):
            yield "en.json: %s is missing" % key
    for key in sorted(set(korean) & set(english)):
        if key.startswith(ONLY_KOREAN):
            yield "en.json: %s: the English is the schema's" % key
        here, there = (set(VARIABLE.findall(" ".join(map(str, texts_of(each[key]))))) for each in (english, korean))
        if here != there:
            yield "%s has {%s} in English, {%s} in Korean" % (key, ", ".join(sorted(here)), ", ".join(sorted(there)))


# --- what must be there -----------------------------------------------------------------------------


def schema_keys():
    """schema.<section>.<row>.label and .help of every row, those of a list's structs as well."""
    schemas = json.loads(tree.read("api/openapi.json"))["components"]["schemas"]
    sections = re.findall(r"^CFG_(?:SINGLETON|OBJECTS)\(\w+,\s*\w+,\s*\"([\w-]+)\"", tree.read("server/config/sections.def"), re.M)
    found = set()

    def walk(path, schema):
        for name, row in schema["properties"].items():
            if "title" in row:
                found.update("schema.%s.%s.%s" % (path, name, what) for what in ("label", "help"))
            if "properties" in row.get("items", {}):
                walk("%s.%s" % (path, name), row["items"])
    for section in sections:
        walk(section, schemas["".join(part.capitalize() for part in section.split("-"))])
    return found


def problem_codes():
    found = set()
    for path in tree.files(SOURCES, (".c",)):
        text = re.sub(r"^\s*#.*$", "", tree.read(path), flags=re.M)
        found.update(code for code in CODE.findall(text) if not FILE_NAME.search(code))
        found.update(PLAIN_CODE.findall(text))
    return {code for code in found if not NOT_FOR_PAGES.match(code)}


def check_use(catalogues):
    text = "\n".join(gui.code(path) for path in gui.modules())
    literals, prefixes = set(LITERAL.findall(text)), set(PREFIX.findall(text))
    asked = set(ASKED.findall(text))
    if "static/js/routes.js" in gui.modules():
        asked |= set(ROUTE_TITLE.findall(gui.code("static/js/routes.js")))
    for key in sorted(asked - set(catalogues["en"])):
        yield "%s is asked for and in no catalogue" % key

    schema, codes = schema_keys(), problem_codes()
    own_codes = set(re.findall(r"['\"]([a-z_]+(?:\.\w+)?)['\"]", text))
    for key in sorted(set(catalogues["en"]) | set(catalogues["ko"])):
        if key.startswith("schema."):
            is_used = key in schema
        elif key.startswith("problem."):
            code = key[len("problem."):]
            is_used = code in codes or code in own_codes or key in literals
        else:
            is_used = key in literals or key.startswith(tuple(prefixes) or ("\0",))
        if not is_used:
            yield "%s: nothing asks for it" % key
    if "schema." in prefixes:
        for key in sorted(schema - set(catalogues["ko"])):
            yield "ko.json: %s is missing: it is a row of the configuration" % key
    if "problem." in prefixes:
        for code in sorted(codes):
            if "problem." + code not in catalogues["ko"]:
                yield "ko.json: problem.%s is missing: the server answers with it" % code


def main():
    bad, catalogues = [], {}
    for language in LANGUAGES:
        catalogues[language], twice = read_catalogue(language)
        bad += ["%s.json: %s comes twice" % (language, key) for key in twice]
        for key, value in catalogues[language].items():
            bad += ["%s.json: %s" % (language, text) for text in check_entry(language, key, value)]
    bad += list(check_pair(catalogues)) + list(check_use(catalogues))
    for line in bad:
        print("static/i18n: " + line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
