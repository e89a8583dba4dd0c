"""See tools/bench/instructions."""

import argparse
import os
import pathlib
import re
import shutil

from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.waiting import wait_for
from tools.lab import Lab, Node
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say

_ABOUT = """\
Instructions per request, counted by valgrind's callgrind: the same on a busy machine as on an idle one, so that a cost
of a few per cent can be seen. peerpulse carries GETs of 300 bytes over h1 and over h2 to one origin; twice, with few
requests and with many, and what those in between took is divided by their number: starting and ending are not counted,
probes (once a second here) hardly. User instructions of all threads; the kernel's are not seen.

Variants: each is peerpulse as it comes, but for one part of its configuration."""

_VARIANTS = {
    "as it comes": {},
    "governor off": {"governor": {"mode": "off"}},
    "governor enforce": {"governor": {"mode": "enforce"}},
    "without access log": {"log": {"access": {"mode": "off"}}},
}
_CASES = {"h1": ("--h1", "-c", "8"), "h2": ("-c", "2", "-m", "16")}
_START_S = 60  # of a program that runs fifty times slower
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)$", re.MULTILINE)
_LISTENING = re.compile(r"^listening (\S+)$", re.MULTILINE)


def _start_origin(node: Node) -> str:
    path = pathlib.Path(os.environ["PEERPULSE_BUILD"]) / "tools/bench/origin/origin"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built (--build or PEERPULSE_BUILD names the build directory)")
    process = node.spawn([str(path), f"{node.address}:0"])
    return wait_for(lambda: _LISTENING.search(process.output()), 10, "the origin listens")[1]


def _load(node: Node, target: tuple[str, int], options: tuple[str, ...], requests: int) -> None:
    url = "http://{}:{}/bytes/300".format(*target)
    done = node.run(["h2load", *options, "-n", str(requests), url], 300, text=True)
    if f"{requests} succeeded" not in done.stdout:
        raise BenchFailed(f"not all of {requests} requests succeeded:\n{done.stdout[-800:]}{done.stderr[-400:]}")


def _counted(config: dict, options: tuple[str, ...], requests: int) -> int:
    with Lab(nodes=2) as lab:
        node = lab.node("node1")
        peers = [Peer("origin", _start_origin(lab.node("node2")))]
        counts = node.directory / "callgrind.out"
        peerpulse = Peerpulse(node, peers, workers=1, probe={"profile": "wan"}, **config)
        valgrind = ("valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={counts}")
        try:
            peerpulse.start(_START_S, valgrind)
            peerpulse.wait_verdict("origin", "alive", _START_S)
            _load(node, peerpulse.listen["origin"], options, requests)
        finally:
            peerpulse.check_end()
        total = _TOTAL.search(counts.read_text(encoding="utf-8", errors="replace"))
        if total is None:
            raise BenchFailed("callgrind counted nothing")
        return int(total[1])


def _measure(arguments: argparse.Namespace):
    if shutil.which("valgrind") is None:
        raise BenchFailed("valgrind is not installed (apt-get install valgrind)")
    result: dict = {"requests": arguments.requests}
    for case, options in _CASES.items():
        result[case] = {}
        for variant in arguments.variant or _VARIANTS:
            few = _counted(_VARIANTS[variant], options, arguments.requests)
            many = _counted(_VARIANTS[variant], options, 3 * arguments.requests)
            result[case][variant] = round((many - few) / (2 * arguments.requests))
            base = next(iter(result[case].values()))
            say(f"{case}: {variant}: {result[case][variant]} a request, x {result[case][variant] / base:.3f}")
    yield result


def main() -> int:
    parser = command.parser("instructions", _ABOUT)
    parser.add_argument("--requests", type=int, default=2000, help="of the shorter load; the longer has three times that")
    parser.add_argument("--variant", action="append", choices=_VARIANTS, help="may be given several times (all)")
    return command.run(parser.parse_args(), _measure)
