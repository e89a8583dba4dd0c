"""See tools/bench/healthy."""

import argparse
import dataclasses
import textwrap

from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed
from tools.lib.bench.healthy.registry import scenarios
from tools.lib.bench.healthy.run import measure
from tools.lib.bench.healthy.scenario import Scenario
from tools.lib.bench.healthy.side import FULL, QUICK

_WIDTH, _INDENT = 118, 18
_ABOUT = """\
What an operator fears of a sidecar: that it harms what was healthy. Scenarios run side by side on this machine's
loopback, each with clients of its own, which use its server at the same time directly and through peerpulse. It is
about correctness: the load is light. One line of JSON.

Of each scenario, for both sides:
exchanges          What clients asked for (for some, a whole upload, tunnel or silence is one).
failed             Not answered as it should be; failed_how: the most frequent reasons.
stalls             Exchanges that took 3 s longer than server and pace explain.
longest_wait_s     The longest of these delays, of failed exchanges too.
actions            How often the server or peerpulse was killed or stopped; action_s: see the scenario.
circuit_opened     Transitions of the peer's circuit to open, from /events; circuit_opened_explained: those where the
                   verdict was true (see the scenario), which do not count.
leaked             What peerpulse still has of this peer up to 20 s after all clients have gone: exchanges in flight
                   and active connections (/peers), sockets in CLOSE-WAIT, sockets of clients, sockets to the peer that
                   no pool knows (/proc).
failures           What makes the exit status 1: more failed through peerpulse than directly, or a wait 10 s longer than
                   the longest direct one (beyond what the scenario explains), a circuit opened, something leaked.

Scenarios:
"""


def _about(known: dict[str, Scenario]) -> str:
    return _ABOUT + "\n".join(
        textwrap.fill(" ".join(scenario.about.split()), _WIDTH, initial_indent=f"{scenario.name:{_INDENT}} ",
                      subsequent_indent=" " * (_INDENT + 1)) for scenario in known.values())


def _measure(arguments: argparse.Namespace):
    known = scenarios()
    lengths = QUICK if arguments.quick else FULL
    if arguments.seconds:
        lengths = dataclasses.replace(lengths, run=arguments.seconds)
    result = measure([known[name] for name in arguments.scenario or known], lengths)
    yield result
    if result["failures"]:
        raise BenchFailed("; ".join(result["failures"]))


def main() -> int:
    known = scenarios()
    parser = command.parser("healthy", _about(known))
    parser.add_argument("--scenario", action="append", choices=list(known), metavar="NAME",
                        help="one of those above; may be given several times (all)")
    parser.add_argument("--seconds", type=float, help=f"how long clients begin new exchanges ({FULL.run:.0f})")
    parser.add_argument("--quick", action="store_true",
                        help=f"{QUICK.run:.0f} s with shorter silences (idle {QUICK.idle:.0f} s instead of "
                        f"{FULL.idle:.0f}), for tests")
    return command.run(parser.parse_args(), _measure, lab=False)
