"""The fuzz suite: each fuzzer of tests/fuzz for a short while, a test each."""

import os

from tools.lib.fuzz import command, fuzzer
from tools.lib.test.outcome import Outcome

_SECONDS = "60"
_SEED = 1
"""The same inputs in the same order: what fails, fails again, as far as the time reaches. New ones are tools/fuzz's to try."""


def run() -> Outcome:
    """$PEERPULSE_FUZZ_SECONDS says for how long."""
    outcome = Outcome()
    seconds = int(os.environ.get("PEERPULSE_FUZZ_SECONDS", _SECONDS))
    for each in command.run_all(list(fuzzer.NAMES), seconds, os.cpu_count() or 1, _SEED):
        found = "".join(f"\nfinding: {path}" for path in each.findings)
        outcome.add(Outcome(passed=1) if each.good else Outcome(failed=1, failures=[each.trouble + found]))
    return outcome
