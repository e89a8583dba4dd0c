"""python3 -m tools.lib.test.unittest_process DIRECTORY RESULT_FILE [--jobs N] [-k PATTERN...]

Runs DIRECTORY's unittest cases, one line each, and writes the counts and what failed as JSON (an Outcome) to
RESULT_FILE. Each case has PEERPULSE_TEST_TIMEOUT seconds (120); one that hangs fails with the stack of where it hung.
With --jobs, so many processes share the classes: their cases wait more than they work.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import os
import pathlib
import signal
import sys
import time
import unittest

from tools.lib.test import shared_work
from tools.lib.test.outcome import Outcome

_TOLD_LINES = 80  # of a case that failed
_TIMEOUT_S = int(os.environ.get("PEERPULSE_TEST_TIMEOUT", "120"))


class _TooSlow(Exception):
    pass


def _on_alarm(_number, _frame):
    raise _TooSlow(f"test not done after {_TIMEOUT_S} s")


class _Result(unittest.TestResult):
    """Prints each case as it ends. A case with failing sub-tests is one failed case."""

    def __init__(self) -> None:
        super().__init__()
        self.outcome = Outcome()
        self._ended = "passed"
        self._texts: list[str] = []

    def startTest(self, test):
        super().startTest(test)
        self._ended, self._texts, self._started = "passed", [], time.monotonic()
        signal.alarm(_TIMEOUT_S)

    def stopTest(self, test):
        signal.alarm(0)
        self._report(test, time.monotonic() - self._started)
        super().stopTest(test)

    def _report(self, test, seconds: float) -> None:
        setattr(self.outcome, self._ended, getattr(self.outcome, self._ended) + 1)
        word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[self._ended]
        told = [f"{word:7} {test.id()} ({seconds:.2f} s)", *(f"  {text.rstrip()}" for text in self._texts)]
        # At once: other processes print as well.
        print("\n".join("  " + text.replace("\n", "\n    ") for text in told), flush=True)
        if self._ended == "failed":
            lines = "\n".join(self._texts).splitlines()[:_TOLD_LINES]
            self.outcome.failures.append("\n".join([test.id(), *lines]))

    def _fail(self, test, error) -> None:
        self._ended = "failed"
        # Without the frames of unittest itself.
        self._texts.append(self._exc_info_to_string(error, test))
        # The harness keeps here what its processes wrote.
        for text in getattr(test, "failure_details", lambda: [])():
            self._texts.append(text)

    def addError(self, test, err):
        if isinstance(test, unittest.TestCase):
            self._fail(test, err)
        else:  # setUpClass or setUpModule: no startTest and stopTest around it
            self._ended, self._texts = "passed", []
            self._fail(test, err)
            self._report(test, 0)

    def addFailure(self, test, err):
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._texts.append(str(subtest))
            self._fail(test, err)

    def addSkip(self, test, reason):
        self._ended = "skipped"
        self._texts.append(reason)
        if not isinstance(test, unittest.TestCase):
            self._report(test, 0)
            self._texts = []

    def addUnexpectedSuccess(self, test):
        self._ended = "failed"


def _classes(suite: unittest.TestSuite) -> list[unittest.TestSuite]:
    """What shares a setUpClass() stays together."""
    def cases(part):
        return itertools.chain.from_iterable(map(cases, part)) if isinstance(part, unittest.TestSuite) else [part]
    return [unittest.TestSuite(group) for _, group in itertools.groupby(cases(suite), type)]


class _Chosen(unittest.TestSuite):
    """One suite for all, whose members are known as it comes to them. (unittest calls tearDownClass() when it sees the next
    class, or the end of the outermost suite.)"""

    _cleanup = False  # there is no list to take the finished ones out of

    def __init__(self, members) -> None:
        super().__init__()
        self._members = members

    def __iter__(self):
        return iter(self._members)


def _run(classes: list[unittest.TestSuite], chosen) -> Outcome:
    result = _Result()

    def on_terminate(number, _frame):
        result.stop()
        sys.exit(128 + number)  # of the case that runs: it cleans up

    signal.signal(signal.SIGALRM, _on_alarm)
    signal.signal(signal.SIGTERM, on_terminate)
    _Chosen(classes[number] for number in chosen).run(result)
    return result.outcome


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("result", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-k", dest="patterns", action="append")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    loader = unittest.TestLoader()
    if arguments.patterns:
        loader.testNamePatterns = [p if "*" in p else f"*{p}*" for p in arguments.patterns]
    classes = _classes(loader.discover(arguments.directory, pattern="test_*.py", top_level_dir="."))
    outcome = shared_work.run(arguments.jobs, len(classes), functools.partial(_run, classes))
    arguments.result.write_text(json.dumps(dataclasses.asdict(outcome)), encoding="utf-8")
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
