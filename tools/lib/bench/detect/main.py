"""See tools/bench/detect."""

import argparse
import textwrap

from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.detect.registry import scenarios
from tools.lib.bench.detect.scenario import Scenario, Settings

_WIDTH, _INDENT = 118, 14
_ABOUT = """\
How fast a dead peer is found, and that no other is: real sockets in a lab of network namespaces, where power is
cut by dropping every frame of a node. One line of JSON per scenario.

n, p50, p99, max   Of the scenario's times, in ms; null where it takes none.
false_dead         Verdicts `dead` that no cut explains, from peerpulse's own counters.
false_guard        Times that its guard acted on a peer whose power was not cut (with HAProxy beside it the guard is off).
suspects           First-stage suspicions, cuts included; cleared: those that were taken back.
peer_seconds       Time of peers that had power, all peers together.
prober_lag_below_ms
                   The prober's loop was never later than this (bound of a histogram's bucket).
target, within_target  Of issue and times; a missed time does not change the exit status.
failures           What makes the exit status 1: a false dead, a cut not found, a reset or refusal where there must
                   be none.
haproxy            n, p50, p99, max, false_dead of HAProxy 2.6, its L4 checks tuned for speed (inter 20ms fastinter
                   10ms fall 3 rise 2, timeout connect and check 15ms), on the same peers and cuts in the same run.
                   Its time ends when its log says DOWN (stamped by the kernel). It carries no traffic.
                   down_before_cut: cuts of peers that it had DOWN already, which have no time; missed: cuts it did
                   not see.

Everything shares this machine's processors: peers, prober, HAProxy and the bench. Exit 77 without a lab.

Scenarios:
"""


def _about(known: dict[str, Scenario]) -> str:
    return _ABOUT + "\n".join(
        textwrap.fill(" ".join(scenario.about.split()), _WIDTH, initial_indent=f"{scenario.name:{_INDENT}}",
                      subsequent_indent=" " * _INDENT) for scenario in known.values())


def _measure(arguments: argparse.Namespace):
    known = scenarios()
    settings = Settings(rounds=arguments.rounds, seconds=arguments.seconds, profile=arguments.profile,
                        haproxy=not arguments.no_haproxy, peers=arguments.peers)
    failed = []
    for name in arguments.scenario or known:
        say(f"{name}, profile {settings.profile}, peers probed by {settings.peers}")
        try:
            result = known[name].run(settings)
        except (BenchFailed, AssertionError, RuntimeError) as error:
            say(f"{name}: FAILED: {error}")
            failed.append(name)
            continue
        say(f"  n {result['n']}, p50 {result['p50']}, p99 {result['p99']}, max {result['max']} ms; false dead "
            f"{result['false_dead']}, suspects {result['suspects']} in {result['peer_seconds']} peer seconds; "
            f"{'within' if result['within_target'] else 'NOT within'} target {result['target']}")
        for failure in result["failures"]:
            say(f"  FAILED: {failure}")
        if result["failures"]:
            failed.append(name)
        yield result
    if failed:
        raise BenchFailed(", ".join(failed))


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return int(text)


def main() -> int:
    known = scenarios()
    parser = command.parser("detect", _about(known))
    parser.add_argument("--scenario", action="append", choices=list(known), metavar="NAME",
                        help="one of those above; may be given several times (all)")
    parser.add_argument("--rounds", type=_positive, help="power cuts (each scenario has its default)")
    parser.add_argument("--seconds", type=float,
                        help="how long to watch without cuts (each scenario has its default)")
    parser.add_argument("--profile", choices=("lan", "fast"), default="lan", help="of peerpulse's probes (lan)")
    parser.add_argument("--peers", choices=("h2", "icmp", "link"), default="h2",
                        help="h2: nghttpd, probed by PINGs; icmp: nginx without h2, probed by echoes and requests; for "
                             "cut_idle, loss1, loss5, gc300 and stop6; link: nginx without h2, and a peerpulse beside it that "
                             "is probed by PINGs over TLS in its stead; for cut_idle (h2)")
    parser.add_argument("--no-haproxy", action="store_true", help="leave HAProxy out")
    return command.run(parser.parse_args(), _measure)
