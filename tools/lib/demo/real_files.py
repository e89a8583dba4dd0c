"""Real files of this machine to upload."""

import os
import pathlib
import stat

_DIRECTORIES = ("/usr/lib", "/usr/bin", "/usr/share", "/usr/libexec")
_SMALLEST = 256 * 1024
_ENOUGH = 64 << 20


def choose(total: int) -> list[pathlib.Path]:
    """Regular files, in the same order every time, that have at least `total` bytes together, or all there are.

    Shared libraries, mostly: large, and no two alike.
    """
    chosen, size, seen = [], 0, set()
    for top in _DIRECTORIES:
        for directory, subdirectories, names in os.walk(top):
            subdirectories.sort()
            for name in sorted(names):
                path = pathlib.Path(directory, name)
                status = path.lstat()
                if not stat.S_ISREG(status.st_mode) or status.st_size < _SMALLEST or status.st_ino in seen:
                    continue
                if not os.access(path, os.R_OK):
                    continue
                seen.add(status.st_ino)
                chosen.append(path)
                size += status.st_size
                if size >= total:
                    return chosen
    # A small machine: a power cut fits into less.
    if size >= _ENOUGH:
        return chosen
    raise RuntimeError(f"only {size >> 20} MiB of files under {', '.join(_DIRECTORIES)}; {_ENOUGH >> 20} are needed")


def warm(files: list[pathlib.Path]) -> None:
    """Reads them, so that what is measured later is not the disk that they are on."""
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(1 << 20):
                pass
