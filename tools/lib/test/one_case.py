"""tools/test --case NAME: the doctest cases of that name, wherever they are.

Names are matched as doctest does: the whole name, any case of letters, `*` and `?` stand for others. Only programs with
such a name in their sources are built; which cases really match is asked of the programs.
"""

import json
import os
import pathlib
import re
import subprocess
from typing import Callable

from tools.lib.test.outcome import Outcome

_NAME = re.compile(r'\bTEST_CASE\w*\(\s*(?:[\w:]+\s*,\s*)?((?:"(?:[^"\\]|\\.)*"\s*)+)')
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_MATCHING = re.compile(r"unskipped test cases passing the current filters: (\d+)")


def _pattern(name: str) -> re.Pattern:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(character, re.escape(character)) for character in name), re.IGNORECASE)


def _names(source: pathlib.Path) -> list[str]:
    text = source.read_text(encoding="utf-8", errors="replace")
    return ["".join(re.sub(r"\\(.)", r"\1", part) for part in _LITERAL.findall(match)) for match in _NAME.findall(text)]


def _introspect(build: pathlib.Path, what: str) -> list[dict]:
    return json.loads(subprocess.run(["meson", "introspect", what, str(build)], check=True,
                                     stdout=subprocess.PIPE).stdout)


def _programs(build: pathlib.Path, name: str) -> list[pathlib.Path]:
    """The unit suite's programs whose sources have such a case."""
    pattern = _pattern(name)
    units = {test["cmd"][0] for test in _introspect(build, "--tests") if test["suite"][0].endswith(":unit")}
    found = []
    for target in _introspect(build, "--targets"):
        program = target["filename"][0]
        sources = [pathlib.Path(path) for part in target["target_sources"] for path in part.get("sources", [])]
        if program in units and any(pattern.fullmatch(case) for source in sources for case in _names(source)):
            found.append(pathlib.Path(program))
    return found


def run(name: str, build: pathlib.Path, make: Callable[..., bool], environment: dict[str, str],
        prefix: list[str]) -> Outcome:
    """`make(*targets)` builds ninja targets. The programs' output goes to stdout."""
    # "build.ninja": configured, and nothing built.
    if not make("build.ninja"):
        return Outcome(failed=1)
    programs = _programs(build, name)
    if programs and not make(*(os.path.relpath(program, build) for program in programs)):
        return Outcome(failed=1)
    # doctest takes a comma for the end of a name.
    words = "--test-case=" + name.replace("\\", "\\\\").replace(",", "\\,")
    outcome = Outcome()
    for program in programs:
        listing = subprocess.run([*prefix, program, words, "--list-test-cases"], capture_output=True, text=True,
                                 check=False)
        matching = _MATCHING.search(listing.stdout)
        if matching is None or int(matching[1]) == 0:
            continue
        print(f"== {os.path.relpath(program)}", flush=True)
        status = subprocess.run([*prefix, program, words], env={**os.environ, **environment}, check=False).returncode
        outcome.add(Outcome(passed=int(matching[1])) if status == 0 else Outcome(failed=1))
    if outcome == Outcome():
        print(f"no C++ test case is called {name!r} (a whole name; * stands for any part of it)", flush=True)
        return Outcome(failed=1)
    return outcome
