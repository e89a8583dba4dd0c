"""See tools/conformance."""

import argparse
import os
import pathlib
import sys

from tools.lib.conformance import connect, grpc, h2spec
from tools.lib.conformance.modules import Unavailable

_SUITES = {"h2spec": h2spec.run, "grpc": grpc.run, "connect": connect.run}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/conformance",
        description="Third-party suites against a server, direct and through peerpulse: what passes, what fails, and where. "
                    "Exit status 1 if peerpulse fails what the server alone does not, and no reason is on record; 0 where "
                    "there is no Go, or its modules are not to be had: the suite is skipped, and says so.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{', '.join(_SUITES)} (all)")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR",
                        help="build directory of peerpulse (default: $PEERPULSE_BUILD, else build/)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.suites if name not in _SUITES]
    if unknown:
        parser.error(f"no such suite: {', '.join(unknown)}; there are {', '.join(_SUITES)}")
    if arguments.build is not None:
        os.environ["PEERPULSE_BUILD"] = str(arguments.build.resolve())
    failures = 0
    for name in arguments.suites or _SUITES:
        try:
            failures += _SUITES[name]()
        except Unavailable as reason:
            print(f"{name}: skipped: {reason}")
        sys.stdout.flush()
    return 1 if failures else 0
