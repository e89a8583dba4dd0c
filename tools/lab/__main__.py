"""python3 -m tools.lab selftest [--rounds N]     measures the power switch
   python3 -m tools.lab shell [--nodes N] [NODE]   a shell in a node of a lab of its own"""

import argparse
import json
import os
import subprocess
import sys

from tools.lab import Lab, LabUnavailable, ensure_privileges
from tools.lab.privileges import EXIT_SKIPPED
from tools.lab.selftest import measure


def _selftest(arguments: argparse.Namespace) -> int:
    result = measure(rounds=arguments.rounds)
    print(json.dumps(result))
    if result["effective_us"]["max"] >= 1000:
        print("lab: a cut took effect later than 1 ms after its order", file=sys.stderr)
        return 1
    return 0


def _shell(arguments: argparse.Namespace) -> int:
    with Lab(nodes=arguments.nodes) as lab:
        for node in lab.nodes:
            print(f"{node.name} {node.address} nsenter --net={node.namespace.path}")
        node = lab.node(arguments.node)
        with node.entered():
            shell = subprocess.Popen([os.environ.get("SHELL", "/bin/sh")])
        return shell.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tools.lab", description="Network lab of peerpulse.")
    commands = parser.add_subparsers(required=True)
    selftest = commands.add_parser("selftest", help="measure how fast and how silent a power cut is")
    selftest.add_argument("--rounds", type=int, default=20)
    selftest.set_defaults(run=_selftest)
    shell = commands.add_parser("shell", help="build a lab and open a shell in one of its nodes")
    shell.add_argument("node", nargs="?", default="node1")
    shell.add_argument("--nodes", type=int, default=4)
    shell.set_defaults(run=_shell)
    arguments = parser.parse_args()
    try:
        ensure_privileges()
        return arguments.run(arguments)
    except LabUnavailable as reason:
        print(f"lab: {reason}", file=sys.stderr)
        return EXIT_SKIPPED


if __name__ == "__main__":
    sys.exit(main())
