"""compile_commands.json, and which of our files a unit is made of."""

import dataclasses
import json
import re
import shlex
from pathlib import Path

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Unit:
    """One compiled source file."""

    file: Path
    command: str
    include_directories: tuple[Path, ...]

    def sources(self) -> list[Path]:
        """The file and all it includes in quotes, directly or not. What is not found is not ours, or generated."""
        found: set[Path] = set()
        waiting = [self.file]
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found.add(path)
            for name in _INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace")):
                candidates = (directory / name for directory in (path.parent, *self.include_directories))
                if target := next((candidate for candidate in candidates if candidate.is_file()), None):
                    waiting.append(target.resolve())
        return sorted(found)


def read_units(path: Path) -> list[Unit]:
    """In the database's order; a file that several targets compile is there once."""
    units: dict[Path, Unit] = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        directory = Path(entry["directory"])
        words = shlex.split(entry["command"])
        directories = tuple((directory / word[2:]).resolve() for word in words if re.match(r"-I.", word))
        file = (directory / entry["file"]).resolve()
        units.setdefault(file, Unit(file, entry["command"], directories))
    return list(units.values())
