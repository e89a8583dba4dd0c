"""h2load as the client of the API: what each request took, and how it was answered."""

import collections
import dataclasses
import pathlib
import subprocess

from tests.harness.clients import url
from tools.lib.bench.command import BenchFailed
from tools.lib.bench.detect.scenario import summary
from tools.lab import Node

_TIMEOUT_S = 120


@dataclasses.dataclass
class Load:
    times_ms: list[float] = dataclasses.field(default_factory=list)
    statuses: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, other: "Load") -> None:
        self.times_ms += other.times_ms
        self.statuses += other.statuses

    def summary(self) -> dict:
        return {**summary(self.times_ms), "statuses": {str(status): n for status, n in sorted(self.statuses.items())}}

    @property
    def p99(self) -> float:
        return summary(self.times_ms)["p99"]

    @property
    def p50(self) -> float:
        return summary(self.times_ms)["p50"]


def run(node: Node, target: tuple[str, int], requests: int, paths: list[str], *, method: str = "GET", body: bytes = b"",
        headers: dict[str, str] | None = None, protocol: str = "h1", clients: int = 1, per_second: int = 0) -> Load:
    """`paths` in turn, one request of each client at a time; `per_second`: of each client, 0: as fast as answered."""
    log, uris = node.directory / "h2load.log", node.directory / "h2load.uris"
    log.write_text("", encoding="ascii")
    uris.write_text("".join(url(target, path) + "\n" for path in paths), encoding="ascii")
    argv = ["h2load", "-n", str(requests), "-c", str(clients), "-m", "1", "-i", str(uris), f"--log-file={log}"]
    argv += ["--h1"] if protocol == "h1" else []
    argv += [f"--rps={per_second}"] if per_second else []
    argv += ["-H", f":method: {method}"] if method != "GET" else []
    for name, value in (headers or {}).items():
        argv += ["-H", f"{name}: {value}"]
    if body:
        file = node.directory / f"body-{len(body)}"
        file.write_bytes(body)
        argv += ["-d", str(file)]
    try:
        done = node.run(argv, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise BenchFailed(f"h2load does not end in {_TIMEOUT_S} s") from error
    return _parse(log, requests, done.stdout.decode())


def _parse(log: pathlib.Path, requests: int, output: str) -> Load:
    load = Load()
    for line in log.read_text(encoding="ascii").splitlines():
        _start_us, status, took_us = line.split("\t")[:3]
        load.statuses[int(status)] += 1
        load.times_ms.append(int(took_us) / 1000)
    if len(load.times_ms) != requests:
        raise BenchFailed(f"h2load: {len(load.times_ms)} of {requests} requests were answered:\n{output[-2000:]}")
    return load


def only(load: Load, status: int, what: str) -> list[str]:
    """What to say where another status was answered."""
    return [] if set(load.statuses) == {status} else [f"{what}: statuses {dict(load.statuses)}"]
