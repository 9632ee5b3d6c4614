"""Calls that have no place in Postern, each with what to use instead. Comments and string literals
do not count."""
import re
import sys

import tree

# word: (what instead, path prefixes where it is allowed)
FORBIDDEN = {
    "strcpy": ("mem_strdup, buf_append_str", ()),
    "strcat": ("buf_append_str", ()),
    "strncpy": ("memcpy with a checked length", ()),
    "sprintf": ("snprintf, buf_printf", ()),
    "vsprintf": ("vsnprintf, buf_vprintf", ()),
    "gets": ("a slice", ()),
    "strtok": ("slice_cut", ()),
    "atoi": ("slice_to_u64", ()),
    "atol": ("slice_to_u64", ()),
    "sscanf": ("slice_to_u64, slice_cut", ("tests/",)),
    "system": ("nothing: Postern runs no program", ()),
    "popen": ("nothing: Postern runs no program", ()),
    "execve": ("nothing: Postern runs no program", ("tests/",)),
    "fork": ("nothing: Postern runs no program", ("tests/",)),
    "alloca": ("mem_alloc", ()),
    "rand": ("clock->random", ()),
    "random": ("clock->random", ("server/base/clock",)),
    "getrandom": ("clock->random", ("server/base/clock",)),
    "time": ("clock_wall_ms", ()),
    "gettimeofday": ("clock_wall_ms", ()),
    "clock_gettime": ("clock_mono_ms", ("server/base/clock", "tests/bench/")),
    "getaddrinfo": ("net/resolver", ("tests/bench/",)),
    "gethostbyname": ("net/resolver", ()),
    "strcasecmp": ("slice_eq_nocase: the locale must not matter", ()),
    "strncasecmp": ("slice_starts_nocase: the locale must not matter", ()),
    "tolower": ("slice_eq_nocase: the locale must not matter", ()),
    "isalpha": ("a range of ASCII: the locale must not matter", ()),
    "assert": ("ASSERT, which stays in every build", ()),
}
CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(FORBIDDEN))
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def main():
    bad = 0
    for path in tree.c_files():
        code = NOISE.sub(blank, tree.read(path))
        for number, line in enumerate(code.split("\n"), 1):
            for found in CALL.finditer(line):
                word = found.group(1)
                instead, allowed = FORBIDDEN[word]
                # A pointer named so is declared "(*word)(", never "word(".
                if not path.startswith(allowed or ("-",)):
                    print("%s:%d: %s(): use %s" % (path, number, word, instead))
                    bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
