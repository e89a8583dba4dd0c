#!/usr/bin/python3
"""Writes the C++ source that holds the files of the admin page: embed_page.py OUTPUT FILE...

The same files give the same source, whatever their time and place.
"""

import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LONGEST = 65535
"""Of a string literal that every compiler must take."""


def literal(data: bytes) -> str:
    """A line of source for each line of the file. Octal, as it ends after three digits whatever follows."""
    def escaped(line: bytes) -> str:
        return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\?' else f"\\{c:03o}" for c in line)
    return "\n".join(f'    "{escaped(line)}"' for line in data.splitlines(keepends=True)) or '    ""'


def entry(path: pathlib.Path) -> str:
    data = path.read_bytes()
    if len(data) > LONGEST:
        raise SystemExit(f"{path}: {len(data)} bytes; {LONGEST} at most")
    etag = hashlib.sha256(data).hexdigest()[:16]
    return f'    {{"{path.name}", "{TYPES[path.suffix]}", "\\"{etag}\\"",\n{literal(data)}}},\n'


def main() -> None:
    output, *files = map(pathlib.Path, sys.argv[1:])
    entries = "".join(map(entry, sorted(files, key=lambda path: path.name)))
    output.write_text(f"""// Made by embed_page.py of src/admin/page.
#include "page_asset.h"

namespace peerpulse::admin {{

namespace {{

constexpr PageAsset kAssets[] = {{
{entries}}};

}}  // namespace

std::span<const PageAsset> pageAssets() {{ return kAssets; }}

}}  // namespace peerpulse::admin
""", encoding="ascii")


if __name__ == "__main__":
    main()
