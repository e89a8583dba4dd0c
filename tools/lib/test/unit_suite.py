"""The unit suite: what meson runs (doctest programs, the tools' unittests, lint), counted by test case."""

import json
import os
import pathlib
import re
import subprocess

from tools.lib.test.outcome import Outcome

_DOCTEST = re.compile(
    r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed(?:\s*\|\s*(\d+) skipped)?")
_UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_UNITTEST_BAD = re.compile(r"(?:failures|errors|unexpected successes)=(\d+)")
_TOLD_LINES = 60  # of a program that failed
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _count(test: dict) -> Outcome:
    if test["result"] == "SKIP":
        return Outcome(skipped=1)
    output = _COLOUR.sub("", (test.get("stdout") or "") + (test.get("stderr") or ""))
    outcome = _count_cases(output, test["result"] in ("OK", "EXPECTEDFAIL"))
    if outcome.failed > 0:
        lines = output.splitlines()[-_TOLD_LINES:]
        outcome.failures.append("\n".join([f"{test['name']} ({test['result']})", *lines]))
    return outcome


def _count_cases(output: str, good: bool) -> Outcome:
    """A program that counts no cases, or that ended before its summary, is one case."""
    if ran := _UNITTEST.search(output):
        bad = sum(int(count) for count in _UNITTEST_BAD.findall(output[ran.end():]))
        failed = bad if good else max(bad, 1)
        return Outcome(max(int(ran[1]) - failed, 0), failed)
    summary = _DOCTEST.search(output)
    if summary is None:
        return Outcome(passed=1) if good else Outcome(failed=1)
    _, passed, failed, skipped = (int(text or 0) for text in summary.groups())
    if not good and failed == 0:
        failed = 1  # a sanitizer's report, or a crash at exit
    return Outcome(passed, failed, skipped)


def programs(build: pathlib.Path, names: tuple[str, ...]) -> list[str]:
    """The ninja targets of these tests of a configured build directory."""
    output = subprocess.run(["meson", "introspect", "--tests", str(build)], check=True, stdout=subprocess.PIPE).stdout
    return [os.path.relpath(test["cmd"][0], build) for test in json.loads(output) if test["name"] in names]


def run(build: pathlib.Path, environment: dict[str, str], prefix: list[str], names: tuple[str, ...],
        without: tuple[str, ...]) -> Outcome:
    """Only the tests called `names`, or all when there are none; not those of the meson suites `without`."""
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    # Sanitized programs are several times slower.
    command = [*prefix, "meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs",
               "--timeout-multiplier", "5", *(f"--no-suite={suite}" for suite in without), *names]
    status = subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
    outcome = Outcome()
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            test = json.loads(line)
            counted = _count(test)
            outcome.add(counted)
            print(f"  {test['name']}: {counted}", flush=True)
    if status != 0 and outcome.failed == 0:
        print(f"  meson test: exit {status}")
        outcome.add(Outcome(failed=1, failures=[f"meson test: exit {status}"]))
    return outcome
