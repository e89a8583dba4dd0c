"""See tools/wire."""

import argparse
import asyncio
import pathlib
import sys
import time

from tests.wire.catalogue import load
from tests.wire.runner import Outcome, Plan, run_all

_TOLD = 40


def _write_seeds(cases, folder: pathlib.Path) -> None:
    for case in cases:
        path = folder / case.side.replace(" ", "_") / case.id.replace("/", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.data)


class _Progress:
    def __init__(self, told: int) -> None:
        self._next, self._told, self._most = time.monotonic() + 10, 0, told

    def __call__(self, outcome: Outcome) -> None:
        for line in outcome.wrong[self._told:self._most]:
            print(line, flush=True)
        self._told = len(outcome.wrong)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 10
            print(f"  {outcome.exact + len(outcome.wrong)} runs, {len(outcome.wrong)} wrong", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/wire", description="Runs the wire catalogue (tests/wire) at the built peerpulse.")
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose id contains this")
    parser.add_argument("--all", action="store_true", help="cut at every boundary, not at a few of each case")
    parser.add_argument("--boundaries", type=int, default=2, help="of each case without --all (2)")
    parser.add_argument("--told", type=int, default=_TOLD, help=f"so many wrong runs are printed ({_TOLD})")
    parser.add_argument("--list", action="store_true", help="print id, side, clause and expectation of each case")
    parser.add_argument("--seeds", type=pathlib.Path, metavar="FOLDER",
                        help="write each case's bytes into a file of FOLDER/<side>, for other programs")
    parser.add_argument("--differential", action="store_true", help="compare with python3-h11 and python3-h2 instead")
    arguments = parser.parse_args()
    cases = load(arguments.pattern)
    if arguments.seeds:
        _write_seeds(cases, arguments.seeds)
        print(f"{len(cases)} cases written to {arguments.seeds}")
        return 0
    if arguments.list:
        for case in cases:
            print(f"{case.id:48} {case.side:12} {case.expect:40} {case.clause}")
        print(f"{len(cases)} cases")
        return 0
    if arguments.differential:
        from tests.wire.differential import compare_all  # the libraries are the tests' alone
        compared = compare_all(cases)
        for line in compared.wrong:
            print(line)
        print(compared.summary())
        return 1 if compared.wrong else 0
    plan = Plan(None if arguments.all else arguments.boundaries)
    progress = _Progress(arguments.told)
    outcome = asyncio.run(run_all(cases, plan, progress))
    progress(outcome)
    if len(outcome.wrong) > arguments.told:
        print(f"... and {len(outcome.wrong) - arguments.told} more")
    print(outcome.summary())
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
