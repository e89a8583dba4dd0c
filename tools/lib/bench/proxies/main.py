"""See tools/bench/proxies."""

import argparse
import os
import pathlib
import shutil
import sys

from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.proxies import report
from tools.lib.bench.proxies.cases import CASES
from tools.lib.bench.proxies.envoy import Envoy
from tools.lib.bench.proxies.haproxy import Haproxy
from tools.lib.bench.proxies.measurement import Amount, Bench
from tools.lib.bench.proxies.nghttpx import Nghttpx
from tools.lib.bench.proxies.nginx import Nginx
from tools.lib.bench.proxies.own_servers import Relay
from tools.lib.bench.proxies.peerpulse import PeerpulseProxy
from tools.lib.bench.proxies.processors import Processors
from tools.lib.bench.proxies.proxy import PEERPULSE, Proxy
from tools.lab import Lab

_OTHERS = {proxy.program: proxy for proxy in (Nginx, Haproxy, Nghttpx, Envoy)}
_PEERPULSE = "peerpulse"
_ABOUT = """\
What a proxy costs: peerpulse beside nginx, HAProxy, nghttpx and (where it is installed) Envoy, each with one worker,
without an access log and in its fast configuration; and beside a bare TCP relay, which is the floor. peerpulse is as
it comes but for the worker and the log.

All before one origin, measured in turn (A B C ... A B C ...) by h2load. The proxy has a processor to itself; h2load
and the origin share another one. h1 goes on as h1 and h2 as h2, but for nginx, which has only h1 to an origin.

CPU us/request   Time on a processor of all the proxy's threads, from before h2load starts until after it has ended,
                 divided by the requests. peerpulse's probes are included. Where h2load and the origin are the slower
                 side, throughput and latency are theirs and this is the figure to compare.
x relay, x best  That, as a multiple of the relay's, and of the best proxy of another project in this case.

Medians over the rounds; ratios are made within a round. Everything else on the machine is in the figures too: compare
within a run, and several builds of peerpulse by giving --peerpulse several times.

Exit 1 if a request through peerpulse failed.

Cases:
"""


def _about() -> str:
    return _ABOUT + "\n".join(f"{case.name:10} {case.about}" for case in CASES.values())


def _labelled(text: str) -> tuple[str, pathlib.Path]:
    label, _, path = text.partition("=")
    if not label or not path:
        raise argparse.ArgumentTypeError("LABEL=PATH")
    if label in _OTHERS or label == Relay().name:
        raise argparse.ArgumentTypeError(f"{label} is another proxy's name")
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{path} is no program")
    return label, pathlib.Path(path).resolve()


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return int(text)


def _choose(arguments: argparse.Namespace) -> tuple[list[Proxy], dict[str, str]]:
    """And why some are left out."""
    wanted = arguments.proxy or [_PEERPULSE, *_OTHERS]
    proxies: list[Proxy] = [Relay()]
    if _PEERPULSE in wanted:
        binaries = dict(arguments.peerpulse or [(_PEERPULSE, None)])
        proxies += [PeerpulseProxy(label, path) for label, path in binaries.items()]
    left_out = {}
    for name, kind in _OTHERS.items():
        proxy = kind()
        if name in wanted and proxy.missing():
            left_out[name] = proxy.missing()
            say(f"left out: {proxy.missing()}")
        elif name in wanted:
            proxies.append(proxy)
    return proxies, left_out


def _failures(proxies: list[Proxy], cases: dict[str, dict]) -> list[str]:
    ours = [proxy.name for proxy in proxies if proxy.kind == PEERPULSE]
    counts = [(name, label, case["proxies"][label]["failed"]) for name, case in cases.items() for label in ours]
    return [f"{label}, {name}: {failed} requests failed" for name, label, failed in counts if failed]


def _measure(arguments: argparse.Namespace):
    if shutil.which("h2load") is None:
        raise FileNotFoundError("h2load is not installed (tools/setup does that)")
    amount = Amount(arguments.rounds, arguments.seconds, arguments.requests)
    proxies, left_out = _choose(arguments)
    processors = Processors()
    processors.take_client()
    cases = {}
    with Lab(nodes=1) as lab:
        bench = Bench(lab.node("node1"), processors, proxies)
        for name in arguments.case or CASES:
            cases[name] = report.summary(CASES[name], proxies, bench.run(CASES[name], amount))
            print(report.table(name, cases[name]) + "\n", file=sys.stderr if arguments.json else sys.stdout, flush=True)
    yield {"rounds": amount.rounds, "seconds": amount.seconds, "requests": amount.requests, "cases": cases,
           "left_out": left_out, "load_average": command.load_average()}
    if failures := _failures(proxies, cases):
        raise BenchFailed("; ".join(failures))


def main() -> int:
    parser = command.parser("proxies", _about())
    parser.add_argument("--peerpulse", action="append", type=_labelled, metavar="LABEL=PATH",
                        help="a peerpulse to measure; may be given several times (the build's)")
    parser.add_argument("--proxy", action="append", choices=[_PEERPULSE, *_OTHERS], metavar="NAME",
                        help=f"of {_PEERPULSE}, {', '.join(_OTHERS)}; may be given several times (all). The relay is "
                        "always there")
    parser.add_argument("--case", action="append", choices=list(CASES), metavar="NAME",
                        help="one of those above; may be given several times (all)")
    parser.add_argument("--rounds", type=_positive, default=7, help="measurements of each proxy and case (7)")
    parser.add_argument("--seconds", type=float, default=0.7, help="about how long each of them takes (0.7)")
    parser.add_argument("--requests", type=_positive, metavar="N", help="in each of them, instead of --seconds")
    return command.run(parser.parse_args(), _measure)
