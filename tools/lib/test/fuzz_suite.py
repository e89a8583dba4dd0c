"""The fuzz suite: each fuzzer of tests/fuzz for a short while, a test each; and their seeds of the wire catalogue, a test."""

import os
import pathlib
import tempfile

from tools.lib.fuzz import command, fuzzer, wire_seeds
from tools.lib.test.outcome import Outcome
from tools.lib.test.sanitized import ENVIRONMENT

_SECONDS = "60"
_SEED = 1
"""The same inputs in the same order: what fails, fails again, as far as the time reaches. New ones are tools/fuzz's to try."""


def run() -> Outcome:
    """$PEERPULSE_FUZZ_SECONDS says for how long."""
    outcome = _seeds()
    seconds = int(os.environ.get("PEERPULSE_FUZZ_SECONDS", _SECONDS))
    for each in command.run_all(list(fuzzer.NAMES), seconds, os.cpu_count() or 1, _SEED):
        found = "".join(f"\nfinding: {path}" for path in each.findings)
        outcome.add(Outcome(passed=1) if each.good else Outcome(failed=1, failures=[each.trouble + found]))
    return outcome


def _seeds() -> Outcome:
    """The program makes of each the bytes that its case has."""
    with tempfile.TemporaryDirectory(prefix="peerpulse-fuzz-seeds-") as folder:
        wire_seeds.write(pathlib.Path(folder), fuzzer.LONGEST)
        wrong = wire_seeds.wrong(command.start(), {**os.environ, **ENVIRONMENT}, pathlib.Path(folder))
    return Outcome(failed=1, failures=["seeds of the wire catalogue:", *wrong]) if wrong else Outcome(passed=1)
