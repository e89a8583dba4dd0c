"""Reads the cases of tests/wire/cases."""

import dataclasses
import pathlib
import re

from tests.wire.frames import encode
from tests.wire.notation import slug, unescape, values

FOLDER = pathlib.Path(__file__).resolve().parent / "cases"
SIDES = ("h1 request", "h1 response", "h2 request", "h2 response")
_NAME = re.compile(r"\{([A-Za-z]\w*)\}")


@dataclasses.dataclass(frozen=True)
class Case:
    id: str
    side: str
    data: bytes
    """What this side sends."""
    end: bool
    """It ends its direction behind that."""
    expect: str
    clause: str
    ask: bytes
    """Of a response: the request that it answers."""
    greets: bool
    """Of an h2 response: the server's SETTINGS came before."""
    where: str


class Malformed(ValueError):
    """A line of the catalogue that says nothing."""


class _File:
    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.names: dict[str, str] = {}
        self.each: dict[str, list[str]] = {}
        self.settings = {"side": "", "clause": "", "ask": "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "greeting": "settings"}
        self.cases: list[Case] = []

    def read(self) -> list[Case]:
        for number, line in enumerate(self.path.read_text(encoding="ascii").splitlines(), 1):
            try:
                self._line(line, f"{self.path.name}:{number}")
            except (ValueError, KeyError) as problem:
                raise Malformed(f"{self.path}:{number}: {problem}") from None
        return self.cases

    def _line(self, line: str, where: str) -> None:
        if not line.strip() or line.startswith("#"):
            return
        if line.startswith("let "):
            name, _, text = line[4:].partition(" = ")
            self.names[name.strip()] = self._expand(text, {})
        elif line.startswith("each "):
            name, _, text = line[5:].partition(":")
            self.each[name.strip()] = values(text)
        elif match := re.match(r"(side|clause|ask|greeting): (.*)", line):
            self.settings[match[1]] = self._expand(match[2], {}) if match[1] == "ask" else match[2]
        else:
            self._case([part.strip() for part in line.split(" | ")], where)

    def _case(self, parts: list[str], where: str) -> None:
        if len(parts) not in (3, 4):
            raise ValueError(f"{len(parts)} fields: id | bytes | expectation | clause")
        if self.settings["side"] not in SIDES:
            raise ValueError(f"no side; one of {SIDES}")
        turns: list[dict[str, str]] = [{}]
        for name in _NAME.findall(parts[0]):
            turns = [{**turn, name: value} for turn in turns for value in self.each[name]]
        for turn in turns:
            text = self._expand(parts[1], turn)
            end = text.endswith("<eof>")
            text = text.removesuffix("<eof>").rstrip()
            h2 = self.settings["side"].startswith("h2")
            prefix = self.path.stem.replace("_", "-")
            name = _NAME.sub(lambda match, turn=turn: slug(turn[match[1]]), parts[0])
            self.cases.append(Case(
                f"{prefix}/{name}", self.settings["side"], encode(text) if h2 else unescape(text), end,
                self._expand(parts[2], turn), parts[3] if len(parts) == 4 else self.settings["clause"],
                unescape(self.settings["ask"]), self.settings["greeting"] == "settings", where))

    def _expand(self, text: str, turn: dict[str, str]) -> str:
        names = {**self.names, **turn}
        return _NAME.sub(lambda match: names[match[1]], text)


def load(pattern: str = "") -> list[Case]:
    """Those whose id contains `pattern`. Ids are unique, and each case names its clause."""
    cases = [case for path in sorted(FOLDER.glob("*.wire")) for case in _File(path).read()]
    seen: dict[str, str] = {}
    for case in cases:
        if case.id in seen:
            raise Malformed(f"{case.where}: {case.id} is also at {seen[case.id]}")
        if not case.clause or not case.expect:
            raise Malformed(f"{case.where}: {case.id} has no clause or no expectation")
        seen[case.id] = case.where
    return [case for case in cases if pattern in case.id]
