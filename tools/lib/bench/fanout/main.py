"""See tools/bench/fanout."""

import argparse
import importlib
import textwrap

from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.fanout.measure import Measure, Settings, printed

_MODULES = ("quorum", "quorum_lost", "aggregate", "hedge", "notify", "erasure", "claims", "memory", "processor")
_WIDTH, _INDENT = 118, 16
_ABOUT = """\
What the fan-out API does for its callers while nodes fail: five storage nodes and peerpulse with its API on a sixth, real
sockets in a lab of network namespaces, where power is cut by dropping every frame of a node, and a stopped node's kernel
acknowledges everything. One line of JSON per measure.

numbers        Each beside its bound (the most it may be). A missed one does not change the exit status.
failures       What makes the exit status 1: a wrong answer, a write that fails while its quorum lives, a chunk that is not
               where it is said to be, a notification that is lost without a word.
*_ms           n, p50, p99, max of times, and how often each status was answered.

Everything shares this machine's processors: nodes, peerpulse, client. Exit 77 without a lab.

Measures:
"""


def _measures() -> dict[str, Measure]:
    """By name, in the order in which they run. Each module has `MEASURES`, a list."""
    return {measure.name: measure for module in _MODULES
            for measure in importlib.import_module(f"tools.lib.bench.fanout.{module}").MEASURES}


def _about(known: dict[str, Measure]) -> str:
    return _ABOUT + "\n".join(
        textwrap.fill(" ".join(measure.about.split()), _WIDTH, initial_indent=f"{measure.name:{_INDENT}}",
                      subsequent_indent=" " * _INDENT) for measure in known.values())


def _measure(arguments: argparse.Namespace):
    known, failed = _measures(), []
    for name in arguments.measure or known:
        say(name)
        try:
            result = known[name].run(Settings(arguments.scale))
        except (BenchFailed, AssertionError, RuntimeError, OSError) as error:
            say(f"  FAILED: {error}")
            failed.append(name)
            continue
        for number in result["numbers"]:
            say(f"  {printed(number)}")
        for failure in result["failures"]:
            say(f"  FAILED: {failure}")
        if result["failures"]:
            failed.append(name)
        yield result
    if failed:
        raise BenchFailed(", ".join(failed))


def _scale(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError("more than 0, and at most 100")
    return value


def main() -> int:
    known = _measures()
    parser = command.parser("fanout", _about(known))
    parser.add_argument("--measure", action="append", choices=list(known), metavar="NAME",
                        help="one of those above; may be given several times (all)")
    parser.add_argument("--scale", type=_scale, default=1.0, metavar="FACTOR",
                        help="so many times the usual number of requests and rounds (1)")
    return command.run(parser.parse_args(), _measure)
