"""Which units were clean, and what they were made of then."""

import hashlib
import json
import os
from pathlib import Path

from compile_commands import Unit


class Stamps:
    """Kept in a file of the build directory. Written at every change: an interrupted run loses nothing."""

    def __init__(self, path: Path, root: Path, scope: str, program: str) -> None:
        """`scope`: which headers are looked at with a unit. `program`: what looks at it, its version and options."""
        self._path = path
        self._root = root
        self._scope = hashlib.sha256(scope.encode()).hexdigest()[:8]
        self._program = program
        self._contents: dict[Path, bytes] = {}
        self._now: dict[Unit, str] = {}
        try:
            self._digests: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none yet, or not ours
            self._digests = {}

    def is_clean(self, unit: Unit) -> bool:
        return self._digests.get(self._key(unit)) == self._digest(unit)

    def set_clean(self, unit: Unit) -> None:
        """As it was when is_clean() was asked, whatever was written since."""
        self._digests[self._key(unit)] = self._digest(unit)
        whole = self._path.with_suffix(f".{os.getpid()}")
        whole.write_text(json.dumps(self._digests, indent=1), encoding="utf-8")
        whole.replace(self._path)

    def _key(self, unit: Unit) -> str:
        return f"{self._scope} {unit.file.relative_to(self._root)}"

    def _digest(self, unit: Unit) -> str:
        if unit not in self._now:
            digest = hashlib.sha256(f"{self._program}\0{unit.command}\0".encode())
            for path in self._configurations(unit) + unit.sources():
                if path not in self._contents:
                    self._contents[path] = hashlib.sha256(path.read_bytes()).digest()
                digest.update(f"{path}\0".encode() + self._contents[path])
            self._now[unit] = digest.hexdigest()
        return self._now[unit]

    def _configurations(self, unit: Unit) -> list[Path]:
        """The .clang-tidy files that apply to it."""
        folders = [self._root / folder for folder in unit.file.relative_to(self._root).parents]
        return [folder / ".clang-tidy" for folder in folders if (folder / ".clang-tidy").is_file()]
