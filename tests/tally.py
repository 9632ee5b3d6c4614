"""Turns what test runners wrote into the lines and the sum that `./dev test` prints.

usage: tally.py meson PREFIX TESTLOG.JSON RESULTS    one JSON object a line, by `meson test`
       tally.py junit PREFIX JUNIT.XML RESULTS       by pytest; the figures that long tests print too
       tally.py sum RESULTS                          the last line; exit 1 when anything failed

RESULTS collects "STATUS<tab>NAME<tab>REASON". A suite that ran nothing counts as failed: a test that
is not found any more must not look like one that passes.
"""
import json
import os
import sys
import xml.etree.ElementTree as ElementTree

MESON_STATUS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def one_line(text):
    return " ".join((text or "").split())[:300]


def tap_skip_reason(output):
    for line in (output or "").splitlines():
        if "# SKIP" in line:
            return one_line(line.split("# SKIP", 1)[1])
    return "no reason given"


def read_meson(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if not line.strip():
                continue
            test = json.loads(line)
            status = MESON_STATUS.get(test["result"], "failed")
            reason = ""
            if status == "failed":
                reason = "%s, exit %s" % (test["result"], test.get("returncode"))
            elif status == "skipped":
                reason = tap_skip_reason(test.get("stdout"))
            yield status, test["name"].rsplit(" / ", 1)[-1], reason


def read_junit(path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "%s::%s" % (case.get("classname", "").rsplit(".", 1)[-1], case.get("name"))
        status, reason = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                status, reason = "failed", one_line(child.get("message"))
            elif child.tag == "skipped" and status == "passed":
                status, reason = "skipped", one_line(child.get("message"))
        yield status, name, reason


def show_figures(prefix, path):
    """What passing tests of the long suite have printed: what they counted and measured."""
    if not prefix.startswith("long") or not os.path.exists(path):
        return
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        for line in (case.findtext("system-out") or "").splitlines():
            if line.strip() and not line.startswith("---"):
                print("FIGURE  %s/%s: %s" % (prefix, case.get("name").split("[")[0], one_line(line)))


def collect(reader, prefix, path, results):
    rows = []
    if os.path.exists(path):
        rows = list(reader(path))
    if not rows:
        rows = [("failed", "(none)", "the suite ran no test")]
    with open(results, "a", encoding="utf-8") as out:
        for status, name, reason in rows:
            out.write("%s\t%s/%s\t%s\n" % (status, prefix, name, reason))
            if status != "passed":
                print("%-7s %s/%s: %s" % (status.upper(), prefix, name, reason))
    counts = [sum(1 for row in rows if row[0] == want) for want in ("passed", "failed", "skipped")]
    # Not the form of the closing line: there is exactly one of those.
    print("suite %s: %d ok, %d bad, %d left out" % (prefix, *counts))


def add_up(results):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with open(results, encoding="utf-8") as lines:
        for line in lines:
            counts[line.split("\t", 1)[0]] += 1
    if sum(counts.values()) == 0:
        counts["failed"] = 1
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


def main():
    if sys.argv[1] == "sum":
        return add_up(sys.argv[2])
    readers = {"meson": read_meson, "junit": read_junit}
    collect(readers[sys.argv[1]], sys.argv[2], sys.argv[3], sys.argv[4])
    if sys.argv[1] == "junit":
        show_figures(sys.argv[2], sys.argv[3])
    return 0


if __name__ == "__main__":
    sys.exit(main())
