"""h2load as the client: a given number of requests, and what it says of them."""

import dataclasses
import pathlib
import re
import subprocess

from tests.harness.clients import url
from tools.lib.bench.command import BenchFailed
from tools.lib.bench.proxies.cases import Case
from tools.lab import Node

_TIMEOUT_S = 120
_FINISHED = re.compile(r"finished in ([\d.]+)(us|ms|s|m), ")
_REQUESTS = re.compile(r"requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded")
_STATUS = re.compile(r"status codes: (\d+) 2xx")
_TRAFFIC = re.compile(r"traffic: .* headers .*, \S+ \((\d+)\) data")
_LATENCY = re.compile(r"time for request: +\S+ +\S+ +([\d.]+)(us|ms|s|m) ")
_MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


@dataclasses.dataclass(frozen=True)
class Load:
    requests: int
    failed: int
    """Not answered by 2xx, or not at all."""
    seconds: float
    mean_latency_us: float
    received: int
    """Bytes of bodies."""


def _microseconds(match: re.Match) -> float:
    return float(match[1]) * _MICROSECONDS[match[2]]


def parse(output: str, requests: int) -> Load:
    found = [pattern.search(output) for pattern in (_FINISHED, _REQUESTS, _STATUS, _TRAFFIC, _LATENCY)]
    if None in found:
        raise BenchFailed(f"h2load:\n{output[-2000:]}")
    finished, succeeded, status, traffic, latency = found
    return Load(requests, requests - min(int(succeeded[1]), int(status[1])), _microseconds(finished) / 1e6,
                _microseconds(latency), int(traffic[1]))


def run(node: Node, case: Case, target: tuple[str, int], requests: int, body: pathlib.Path) -> Load:
    """`body` is a file of the case's size."""
    clients = min(case.clients, requests)
    argv = ["h2load", "-n", str(requests), "-c", str(clients), "-m", str(case.streams)]
    argv += ["--h1"] if case.protocol == "h1" else []
    argv += ["-d", str(body), "-H", f":method: {case.method}"] if case.method == "PUT" else []
    try:
        done = node.run([*argv, url(target, case.path)], timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise BenchFailed(f"{case.name}: h2load does not end in {_TIMEOUT_S} s") from error
    load = parse(done.stdout.decode() + done.stderr.decode(), requests)
    if case.method == "GET" and load.failed == 0 and load.received != requests * case.size:
        raise BenchFailed(f"{case.name}: {load.received} bytes of {requests} bodies of {case.size}")
    return load
