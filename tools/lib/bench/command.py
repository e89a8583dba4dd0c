"""What the benches' command lines have in common."""

import argparse
import json
import os
import pathlib
import resource
import sys

from tools.lab import LabUnavailable, ensure_privileges
from tools.lab.privileges import EXIT_SKIPPED

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
MIB = 1 << 20


class BenchFailed(RuntimeError):
    """A correctness property does not hold. A missed time or size is no such thing unless the bench says so."""


def size(text: str) -> int:
    for unit, factor in _UNITS.items():
        if text.endswith(unit) and text.removesuffix(unit).isdigit():
            return int(text.removesuffix(unit)) * factor
    raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512MiB")


def parser(name: str, description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog=f"tools/bench/{name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="end with one line of JSON on stdout")
    made.add_argument("--build", type=pathlib.Path, metavar="DIR",
                      help="build directory (default: $PEERPULSE_BUILD, else build/)")
    return made


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def load_average() -> float:
    """Of the last minute: what the numbers were measured under."""
    return round(os.getloadavg()[0], 2)


def raise_descriptor_limit(wanted: int) -> None:
    """For this process and those it starts. Raises BenchFailed where this user may not have so many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (ValueError, OSError) as error:
        raise BenchFailed(f"{wanted} open files are needed, the hard limit is {hard}: {error}") from error


def run(arguments: argparse.Namespace, measure, *, lab: bool = True) -> int:
    """`measure(arguments)` yields a dict per line of JSON; it needs a lab unless `lab` says no. The exit status: 1 if
    it raises BenchFailed, or a harness's assertion fails."""
    name = f"bench/{pathlib.Path(sys.argv[0]).name}"
    build = arguments.build or pathlib.Path(os.environ.get("PEERPULSE_BUILD", _ROOT / "build"))
    os.environ["PEERPULSE_BUILD"] = str(build.resolve())
    try:
        if lab:
            ensure_privileges()
    except LabUnavailable as reason:
        say(f"{name}: {reason}")
        return EXIT_SKIPPED
    try:
        for result in measure(arguments):
            if arguments.json:
                print(json.dumps(result), flush=True)
    except FileNotFoundError as error:
        say(f"{name}: {error}")
        return 2
    except (BenchFailed, AssertionError, RuntimeError) as error:
        say(f"{name}: FAILED: {error}")
        return 1
    return 0
