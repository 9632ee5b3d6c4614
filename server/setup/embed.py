#!/usr/bin/python3
"""Turn files into one C source that holds them as byte arrays.

usage: embed.py OUTPUT.c HEADER.h NAME=FILE...
HEADER.h declares them.
Each NAME becomes `const char embed_NAME[]` (NUL-terminated) and `const size_t embed_NAME_size`
(without the NUL).
"""
import sys


def main() -> int:
    if len(sys.argv) < 4:
        sys.stderr.write(__doc__)
        return 2
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write(f'#include <stddef.h>\n\n#include "{sys.argv[2]}"\n')
        for pair in sys.argv[3:]:
            name, _, path = pair.partition("=")
            with open(path, "rb") as source:
                data = source.read()
            out.write(f"\nconst char embed_{name}[] = {{\n")
            for start in range(0, len(data), 16):
                row = ", ".join(f"0x{b:02x}" if b < 128 else f"(char)0x{b:02x}" for b in data[start:start + 16])
                out.write(f"    {row},\n")
            out.write("    0,\n};\n")
            out.write(f"const size_t embed_{name}_size = {len(data)};\n")
    return 0


sys.exit(main())
