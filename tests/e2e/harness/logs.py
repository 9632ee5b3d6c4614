"""Readers of the two logs. Both read the whole file each time: tests' logs are small."""
import json
import re

from . import wait_until

LINE = re.compile(r"^(?P<day>Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|"
                  r"Sep|Oct|Nov|Dec) (?P<date>[ 0-3]\d) (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{4}) "
                  r"(?P<level>Info|Warning|Critical|Debug|Trace): (?P<text>.*)$")


class TextLog:
    def __init__(self, path):
        self.path = path

    def raw_lines(self):
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape", newline="\n") as log:
                text = log.read()
        except FileNotFoundError:
            return []
        return text[:text.rfind("\n") + 1].split("\n")[:-1]

    def texts(self):
        """Lines without their prefix; a line without one is an error."""
        found = []
        for line in self.raw_lines():
            match = LINE.match(line)
            assert match, "no log line: %r" % line
            found.append(match.group("text"))
        return found

    def matching(self, pattern):
        """Lines that the regular expression matches whole, as match objects."""
        compiled = re.compile(pattern)
        return [m for m in map(compiled.fullmatch, self.texts()) if m]

    def wait(self, pattern, seconds=10.0, count=1):
        """The first COUNT lines that match PATTERN whole; the last of these as a match object."""
        def look():
            found = self.matching(pattern)
            return found if len(found) >= count else None
        try:
            return wait_until(look, seconds)[count - 1]
        except AssertionError:
            raise AssertionError("no line %r in mail_logs; its end:\n%s"
                                 % (pattern, "\n".join(self.texts()[-30:]))) from None

    def wait_text(self, text, seconds=10.0):
        return self.wait(re.escape(text), seconds)

    def of(self, kind, number):
        """Lines of one ICID, MID or DCID, in order."""
        word = re.compile(r"\b%s %d\b" % (kind, number))
        return [text for text in self.texts() if word.search(text)]

    def in_order(self, *patterns):
        """Asserts that lines matching the patterns follow one another, others may be between."""
        lines, at = self.texts(), 0
        for pattern in patterns:
            compiled = re.compile(pattern)
            while at < len(lines) and not compiled.fullmatch(lines[at]):
                at += 1
            assert at < len(lines), "no %r after the lines before it:\n%s" % (pattern,
                                                                             "\n".join(lines))
            at += 1


class JsonLog:
    def __init__(self, path):
        self.path = path

    def events(self, name=None, **fields):
        try:
            with open(self.path, encoding="utf-8", newline="\n") as log:
                text = log.read()
        except FileNotFoundError:
            return []
        found = []
        for line in text[:text.rfind("\n") + 1].split("\n")[:-1]:
            event = json.loads(line)
            if name is not None and event["event"] != name:
                continue
            if all(event.get(key) == value for key, value in fields.items()):
                found.append(event)
        return found

    def wait(self, name, seconds=10.0, count=1, **fields):
        """The COUNT-th event of this name with these fields."""
        def look():
            found = self.events(name, **fields)
            return found if len(found) >= count else None
        try:
            return wait_until(look, seconds)[count - 1]
        except AssertionError:
            raise AssertionError("no event %s %r in mail_json; of that name: %r"
                                 % (name, fields, self.events(name)[-10:])) from None
