"""Rounds of a case: every proxy once in each, one after the other, so that what else goes on meets them alike."""

import dataclasses
import pathlib
import subprocess

from tools.lib.bench.command import MIB, BenchFailed
from tools.lib.bench.proxies import h2load
from tools.lib.bench.tls import proxies
from tools.lib.bench.tls.cases import Case
from tools.lib.bench.tls.credentials import CIPHER

_TIMEOUT_S = 60
_WARM_UP = 64
_MOST_CONNECTIONS = 400
"""At a time, each with a handshake: more would time the accept queue."""


@dataclasses.dataclass(frozen=True)
class Sample:
    cpu_us: float
    """Of the proxy, for each handshake or MiB."""
    per_second: float
    """Handshakes or MiB."""
    requests: int
    failed: int


class Bench:
    def __init__(self, host, started: list) -> None:
        """`started`: the proxies with one way out. Those not asked are idle."""
        self._host = host
        self.proxies = started

    def run(self, case: Case, rounds: int, seconds: float) -> dict[str, list[Sample]]:
        amounts = {proxy.name: self._amount(proxy, case, seconds) for proxy in self.proxies}
        samples: dict[str, list[Sample]] = {proxy.name: [] for proxy in self.proxies}
        for _ in range(rounds):
            for proxy in self.proxies:
                samples[proxy.name].append(self._measure(proxy, case, amounts[proxy.name]))
        return samples

    def _amount(self, proxy, case: Case, seconds: float) -> int:
        """How many requests take about that long. It is a guess: the first ones are slower."""
        load = self._load(proxy, case, _WARM_UP)
        wanted = max(_WARM_UP, round(load.requests / load.seconds * seconds))
        return min(wanted, _MOST_CONNECTIONS) if case.per_connection else wanted

    def _measure(self, proxy, case: Case, requests: int) -> Sample:
        before = proxies.seconds(proxy)
        load = self._load(proxy, case, requests)
        used = proxies.seconds(proxy) - before
        return Sample(used * 1e6 / requests, requests / load.seconds, requests, load.failed)

    def _load(self, proxy, case: Case, requests: int) -> h2load.Load:
        clients = requests if case.per_connection else case.clients
        argv = ["h2load", "--h1", f"--tls13-ciphers={CIPHER}", "-n", str(requests), "-c", str(clients)]
        if case.uploads:
            argv += ["-d", str(self._body()), "-H", ":method: PUT"]
        try:
            done = self._host.run([*argv, f"https://{proxy.address}{case.path}"], timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise BenchFailed(f"{case.name}, {proxy.name}: h2load does not end in {_TIMEOUT_S} s") from error
        output = done.stdout.decode() + done.stderr.decode()
        if f"Cipher: {CIPHER}" not in output:
            raise BenchFailed(f"{case.name}, {proxy.name}: another cipher than {CIPHER}:\n{output[-1500:]}")
        load = h2load.parse(output, requests)
        if load.failed == 0 and load.received != requests * case.answer_size:
            raise BenchFailed(f"{case.name}, {proxy.name}: {load.received} bytes of {requests} answers of {case.answer_size}")
        return load

    def _body(self) -> pathlib.Path:
        body = pathlib.Path(self._host.directory) / "body"
        if not body.exists():
            body.write_bytes(b"x" * MIB)
        return body
