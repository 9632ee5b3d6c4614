"""Every row of event.def is emitted somewhere in server/, and so is each of its fields: a line that
nothing can write is a promise to whoever searches the log for it. What has a row before its source
has one stands in EXPECTED, by name, with the reason."""
import re
import sys

import tree

EVENTS = "server/trace/event.def"
EXPECTED = {}  # "event" or "event.field": why nothing emits it
FIELD = re.compile(r"\bF_(?!CONST)\w+\((\w+)\)")
# A call of a macro that packs an event, or the struct that a trace_pack_x() is given.
MACRO = re.compile(r"\b(?:TRACE_EMIT|TRACE_PACK|SESSION_LINE|OUTBOUND_EMIT)\s*\(")
STRUCT = re.compile(r"\bstruct trace_(\w+) \w+ = \{")
SET = re.compile(r"\.(\w+) =")
NOISE = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def declared():
    rows = {}
    text = NOISE.sub("", tree.read(EVENTS))
    for row in text.split("TRACE_EVENT(")[1:]:
        name = row.split(",", 2)[1].strip()
        rows[name] = set(FIELD.findall(row))
    return rows


def balanced(text, start):
    """From the bracket that opens at START - 1 to the one that closes it; strings are skipped."""
    depth, at = 1, start
    while depth > 0:
        char = text[at]
        if char == '"':
            at = re.compile(r'"(?:\\.|[^"\\])*"').match(text, at).end()
            continue
        depth += (char in "({") - (char in ")}")
        at += 1
    return text[start:at - 1]


def emitted(rows):
    """{event: fields that somebody sets}"""
    found = {}
    for path in tree.files(("server",), (".c", ".h")):
        text = NOISE.sub("", tree.read(path))
        for call in MACRO.finditer(text):
            inside = balanced(text, call.end())
            words = [word.strip() for word in inside.split(",")]
            name = next((word for word in words if word in rows), None)
            if name is not None:
                found.setdefault(name, set()).update(SET.findall(inside))
        for struct in STRUCT.finditer(text):
            if struct.group(1) in rows:
                inside = balanced(text, struct.end())
                found.setdefault(struct.group(1), set()).update(SET.findall(inside))
    return found


def main():
    rows = declared()
    found = emitted(rows)
    missing = set()
    for name, fields in sorted(rows.items()):
        if name not in found:
            missing.add(name)
        else:
            missing.update("%s.%s" % (name, field) for field in fields - found[name])
    for each in sorted(missing - EXPECTED.keys()):
        print("%s: nothing in server/ sets %s" % (EVENTS, each))
    for each in sorted(EXPECTED.keys() - missing):
        print("%s: %s is set now, take it off the list" % (__file__, each))
    if len(rows) < 20 or missing != EXPECTED.keys():
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
