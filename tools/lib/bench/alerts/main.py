"""The command line of tools/bench/alerts."""

import argparse

from tests.harness.prometheus import documents, missing
from tools.lib.bench import command
from tools.lib.bench.alerts.fire import CAUSES, GROUPS, fire
from tools.lib.bench.alerts.healthy import healthy
from tools.lib.bench.command import BenchFailed, say

_ABOUT = """\
Debian's Prometheus with the shipped rules and alerts, scraping real peerpulses in a lab of network namespaces.

fire     Each alert by a real cause (power cuts, stopped processes, full disks, firewalls, ...): it must fire within its time,
         name the node and the peer and an entry of the runbook, and no other alert may fire at that peerpulse. Times of
         the rules and intervals (15 s) are divided by --factor; with 1 they are an operator's, and it takes half an hour.
         Causes of failing requests run by themselves, after the others.
         bound_s: for + the window of its rates + three intervals, divided; + what peerpulse needs, + 3 s of the machine.
healthy  A healthy cluster whose links lose some frames at random, under a load of small requests and uploads; the rules
         as they are. Not one alert may fire (exit status 1 if one did); pending: those that were about to.

Without a name: both. Causes of fire:
"""


def _fire(arguments: argparse.Namespace) -> dict:
    fired, failures, unexpected = [], [], []
    for group in GROUPS:
        names = [kind.name for kind in group if not arguments.cause or kind.name in arguments.cause]
        for part, found in zip((fired, failures, unexpected), fire(arguments.factor, names) if names else ((), (), ()),
                               strict=True):
            part += found
    failures += unexpected
    say(f"{'alert':32}{'fired s':>8}{'bound s':>8}  cause")
    for line in sorted(fired, key=lambda one: one["alert"]):
        say(f"{line['alert']:32}{line['fired_s']:8}{line['bound_s']:8}  {line['cause']}")
    if not arguments.cause:
        alerts = {rule["alert"] for document in documents() for group in document["groups"] for rule in group["rules"]
                  if "alert" in rule}
        failures += [f"{alert}: no cause fired it" for alert in sorted(alerts - {line["alert"] for line in fired})]
    return {"factor": arguments.factor, "fired": fired, "failures": failures}


def _healthy(arguments: argparse.Namespace) -> dict:
    result = healthy(arguments.seconds, arguments.loss, arguments.interval)
    say(f"{result['exchanges']['exchanges']} exchanges in {result['seconds']} s; fired: {result['fired'] or 'none'}, "
        f"pending: {result['pending'] or 'none'}")
    return {**result, "failures": [f"{alert} without a cause" for alert in result["fired"]]}


def _measure(arguments: argparse.Namespace):
    if missing():
        raise BenchFailed(missing())
    failures = []
    for name, measure in (("fire", _fire), ("healthy", _healthy)):
        if arguments.what in (None, name):
            result = {"what": name, "load_average": command.load_average(), **measure(arguments)}
            failures += result["failures"]
            yield result
    if failures:
        raise BenchFailed("\n".join(failures))


def main() -> int:
    about = _ABOUT + "\n".join(f"{kind.name:12}{kind.about}" for kind in CAUSES)
    parser = command.parser("alerts", about)
    parser.add_argument("what", nargs="?", choices=("fire", "healthy"), help="only that")
    parser.add_argument("--factor", type=float, default=30, help="of fire: how much faster than an operator's (30)")
    parser.add_argument("--cause", action="append", choices=[kind.name for kind in CAUSES], metavar="NAME",
                        help="of fire: only that; may be given several times")
    parser.add_argument("--seconds", type=float, default=600, help="of healthy: how long (600)")
    parser.add_argument("--loss", type=float, default=1, help="of healthy: percent of the frames in each direction (1)")
    parser.add_argument("--interval", default="5s", help="of healthy: of scrapes and evaluations (5s)")
    return command.run(parser.parse_args(), _measure)
