#!/usr/bin/python3
"""Checks that clang-format would change no source file (.clang-format).

Prints one line per file that it would change; exit status 1 if there is any, 77 (skipped) if clang-format is not here or
another version than the one the files were written by: versions differ.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

_VERSION = "14"  # Debian 12's
_SKIPPED = 77
_DIRECTORIES = ("include", "src", "tests", "tools")


def _find_formatter() -> str | None:
    for name in (f"clang-format-{_VERSION}", "clang-format"):
        program = shutil.which(name)
        if program is None:
            continue
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if re.search(rf"version {_VERSION}\.", said):
            return program
    return None


def _would_change(program: str, files: list[str]) -> list[str]:
    """Of `files`; raises CalledProcessError when the program fails for another reason."""
    run = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=1", *files], capture_output=True, text=True,
                         check=False)
    found = sorted(set(re.findall(r"^(.+?):\d+:\d+: error: code should be clang-formatted", run.stderr, re.MULTILINE)))
    if run.returncode != 0 and not found:
        raise subprocess.CalledProcessError(run.returncode, run.args, run.stdout, run.stderr)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path("."), metavar="SOURCE_ROOT")
    parser.add_argument("--fix", action="store_true", help="let it change them")
    arguments = parser.parse_args()
    root = arguments.root
    program = _find_formatter()
    if program is None:
        print(f"skipped: no clang-format of version {_VERSION} (tools/setup installs it)")
        return _SKIPPED
    files = [str(path) for top in _DIRECTORIES for path in sorted((root / top).rglob("*"))
             if path.suffix in (".h", ".cc")]
    if not files:
        print(f"no source files under {root}")
        return 1
    if arguments.fix:
        subprocess.run([program, "-i", *files], check=True)
        return 0
    changed = _would_change(program, files)
    for path in changed:
        print(f"{path}: not formatted; run tools/lint/check_format.py --fix")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
