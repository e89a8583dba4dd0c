"""See tools/fuzz."""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

from tools.lib.fuzz import fuzzer, wire_seeds
from tools.lib.test.sanitized import ENVIRONMENT, without_randomisation

_ROOT = pathlib.Path(__file__).resolve().parents[3]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/fuzz",
        description="Builds the fuzzers of tests/fuzz and runs them, each for a while; what they find of interest stays in "
                    "build-fuzz/fuzz-work for the next run. Exit status 1 with a finding, whose input is printed.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(fuzzer.NAMES)} (all)")
    parser.add_argument("--seconds", type=int, default=600, metavar="N", help="of each (600)")
    parser.add_argument("--plain", action="store_true",
                        help="without sanitizers: five times as many inputs, judged by the fuzzers' own rules and the assertions "
                             "alone; what is of interest is kept for the sanitized ones")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="at the same time (one for each processor)")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in fuzzer.NAMES:
            parser.error(f"no such fuzzer: {name}; there are {', '.join(fuzzer.NAMES)}")
    if arguments.seconds < 1 or arguments.jobs < 1:
        parser.error("--seconds and --jobs are at least 1")
    kind = "fuzz-plain" if arguments.plain else "fuzz"
    if subprocess.run([_ROOT / "tools" / "build", kind], check=False).returncode != 0:
        return 1
    runs = run_all(arguments.names or list(fuzzer.NAMES), arguments.seconds, arguments.jobs, plain=arguments.plain)
    for run in runs:
        if not run.good:
            print(run.trouble)
            for path in run.findings:
                print(f"finding: {path}\n  again: build-{kind}/tests/fuzz/fuzz --fuzzer={run.name} {path}")
    for run in runs:
        print(run)
    print(f"{'sum':12} {sum(run.executions for run in runs):>12,} executions, "
          f"{sum(len(run.findings) for run in runs)} findings, {sum(not run.good for run in runs)} fuzzers ended badly")
    return 0 if all(run.good for run in runs) else 1


def run_all(names: list[str], seconds: int, jobs: int, seed: int = 0, plain: bool = False) -> list[fuzzer.Run]:
    """`jobs` of them at a time, in the order of `names`; the wire catalogue's cases are seeds of each."""
    program = start(plain)
    with (tempfile.TemporaryDirectory(prefix="peerpulse-fuzz-seeds-") as seeds,
          concurrent.futures.ThreadPoolExecutor(jobs) as pool):
        wire_seeds.write(pathlib.Path(seeds), fuzzer.LONGEST)

        def one(name: str) -> fuzzer.Run:
            run = fuzzer.run(program, _build_directory(), name, seconds, seed, pathlib.Path(seeds), ENVIRONMENT)
            print(f"  {run}", file=sys.stderr, flush=True)
            return run

        return list(pool.map(one, names))


def start(plain: bool = False) -> list[str]:
    """The command of the program that has all fuzzers."""
    program = str(_build_directory(plain) / "tests" / "fuzz" / "fuzz")
    return [program] if plain else [*without_randomisation(), program]


def _build_directory(plain: bool = False) -> pathlib.Path:
    return pathlib.Path(os.environ.get("PEERPULSE_BUILD_ROOT", _ROOT)) / ("build-fuzz-plain" if plain else "build-fuzz")
