"""See tools/test."""

import argparse
import functools
import os
import pathlib
import subprocess
import sys
import time

from tools.lib.test import fuzz_suite, one_case, python_suite, unit_suite
from tools.lib.test.build_ahead import BuildAhead
from tools.lib.test.outcome import Outcome
from tools.lib.test.sanitized import ENVIRONMENT, without_randomisation

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_SUITES = ("unit", "integration", "lab", "fuzz")

# Modules with state that threads share: what the thread sanitizer has something to say about.
_THREADED = ("log", "stats", "health", "event", "dns", "net", "upstream", "probe", "guard", "transparent", "proxy", "admin",
             "server")
# What makes a whole process's threads meet: starts, ends, changes of files and addresses, verdicts, drains, the API, the admin. What
# else the integration tests show, one worker does by itself: the address sanitizer has looked at it.
_MEETINGS = ("test_access_log", "test_admin", "test_carry", "test_descriptors", "test_drain", "test_fail_open", "test_fanout",
             "test_hooks", "test_idle_h2", "test_link", "test_metrics", "test_names", "test_own_pause", "test_process_failure",
             "test_signals", "test_stopped_peer", "test_tls_files", "test_tunnels")


class Plan:
    """One build and the suites run with it."""

    def __init__(self, kind: str, suites: tuple[str, ...], quick: bool = False) -> None:
        self.kind = kind
        self.suites = suites
        root = pathlib.Path(os.environ.get("PEERPULSE_BUILD_ROOT", _ROOT))
        self.build = root / ("build" if kind == "gcc" else f"build-{kind}")
        sanitized = kind in ("asan", "tsan")
        self.prefix = without_randomisation() if sanitized else []
        self.without = ("slow",) if quick else ()  # meson's suites of tests that are not for quick runs
        self.unit_names = _THREADED if kind == "tsan" else ()
        self.patterns = _MEETINGS if kind == "tsan" else ()  # of the integration tests; none: all
        self.environment = {**ENVIRONMENT, "PEERPULSE_SANITIZER": kind} if sanitized else {}


def _make_plans(arguments: argparse.Namespace) -> list[Plan]:
    kinds = ["gcc"]
    if arguments.sanitizers:
        kinds = ["asan", "tsan"]
    elif not arguments.quick and not arguments.suite:
        kinds = ["gcc", "asan", "tsan", "fuzz"]
    if arguments.suite and "fuzz" in arguments.suite:
        kinds = [*kinds, "fuzz"] if set(arguments.suite) != {"fuzz"} else ["fuzz"]
    plans = []
    for kind in kinds:
        # The lab measures time, which means nothing in a sanitized build.
        suites = {"gcc": _SUITES[:3], "fuzz": _SUITES[3:]}.get(kind, _SUITES[:2])
        if arguments.quick:
            suites = ("unit",)
        if arguments.suite:
            suites = tuple(suite for suite in arguments.suite if (suite == "fuzz") == (kind == "fuzz"))
        plans.append(Plan(kind, suites, arguments.quick))
    return plans


def _run_suite(plan: Plan, suite: str, patterns: list[str]) -> Outcome:
    if suite == "fuzz":
        return fuzz_suite.run()
    if suite == "unit":
        return unit_suite.run(plan.build, plan.environment, plan.prefix, plan.unit_names, plan.without)
    return python_suite.run(f"tests/{suite}", plan.build, plan.environment, plan.prefix, patterns or [*plan.patterns])


def _build_command(plan: Plan, *targets: str) -> list[str]:
    return [str(_ROOT / "tools" / "build"), plan.kind, *targets]


def _make(plan: Plan, *targets: str) -> bool:
    return subprocess.run(_build_command(plan, *targets), check=False).returncode == 0


def _begin_build(plan: Plan) -> BuildAhead:
    """Of those that want only some programs, what all of these need."""
    return BuildAhead(_build_command(plan, *(["src/server/peerpulse"] if plan.unit_names else [])))


def _build(plan: Plan) -> bool:
    if not plan.unit_names:
        return _make(plan)
    return _make(plan, "src/server/peerpulse") and _make(plan, *unit_suite.programs(plan.build, plan.unit_names))


def _run_plan(plan: Plan, following: Plan | None, patterns: list[str]) -> Outcome:
    total = Outcome()
    ahead = None
    start = time.monotonic()
    print(f"== {plan.kind}: build", flush=True)
    if not _build(plan):
        print(f"== {plan.kind}: the build failed", flush=True)
        return Outcome(failed=1, failures=[f"{plan.kind}: the build failed"])
    print(f"== {plan.kind}: built in {time.monotonic() - start:.0f} s", flush=True)
    try:
        for suite in plan.suites:
            start = time.monotonic()
            print(f"== {plan.kind}: {suite}", flush=True)
            if suite != "unit" and following is not None and ahead is None:
                ahead = _begin_build(following)
            outcome = _run_suite(plan, suite, patterns)
            print(f"== {plan.kind}: {suite}: {outcome} in {time.monotonic() - start:.0f} s", flush=True)
            outcome.failures = [f"{plan.kind}: {suite}: {text}" for text in outcome.failures]
            total.add(outcome)
    finally:
        if ahead is not None:
            ahead.finish()
    return total


def _run_case(name: str, sanitizers: bool) -> Outcome:
    total = Outcome()
    for kind in ("asan", "tsan") if sanitizers else ("gcc",):
        plan = Plan(kind, ())
        total.add(one_case.run(name, plan.build, functools.partial(_make, plan), plan.environment, plan.prefix))
    return total


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/test",
        description="Sets up, builds and tests: all suites with the gcc build, then unit and integration with the "
                    "address, undefined-behaviour and thread sanitizers, then the fuzzers.")
    parser.add_argument("--suite", action="append", choices=_SUITES,
                        help="only this one, gcc build unless --sanitizers (fuzz: its own)")
    parser.add_argument("--sanitizers", action="store_true", help="only the sanitized builds")
    parser.add_argument("--quick", action="store_true", help="only the unit suite of the gcc build, without clang-tidy")
    parser.add_argument("--case", metavar="NAME",
                        help="only the C++ test cases of this name (* and ? as in doctest), whatever program has them; "
                             "builds what they need")
    parser.add_argument("-k", dest="patterns", action="append", default=[], metavar="PATTERN",
                        help="only integration and lab tests whose name contains this")
    arguments = parser.parse_args()
    if arguments.case is not None:
        return 0 if _run_case(arguments.case, arguments.sanitizers).good else 1
    total = Outcome()
    plans = _make_plans(arguments)
    for plan, following in zip(plans, [*plans[1:], None]):
        total.add(_run_plan(plan, following, arguments.patterns))
    for text in total.failures:
        print("== FAILED " + text.rstrip().replace("\n", "\n    "))
    if total.skipped:
        print(f"{total.skipped} skipped (the suites above say which)")
    print(total.counts, flush=True)
    return 0 if total.good else 1


if __name__ == "__main__":
    sys.exit(main())
