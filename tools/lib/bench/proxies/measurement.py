"""Rounds of a case: every proxy once in each, one after the other, so that what else goes on meets them alike."""

import dataclasses

from tools.lib.bench.proxies import h2load
from tools.lib.bench.proxies.cases import Case
from tools.lib.bench.proxies.h2load import Load
from tools.lib.bench.proxies.processors import Processors
from tools.lib.bench.proxies.own_servers import start_origin
from tools.lib.bench.proxies.proxy import Proxy
from tools.lab import Node

_WARM_UP_ROUNDS = 10
"""How often all streams of a case are used before it is measured."""


@dataclasses.dataclass(frozen=True)
class Sample:
    cpu_us: float
    """Of the proxy, for each request."""
    load: Load


@dataclasses.dataclass(frozen=True)
class Amount:
    """How much is measured: `rounds`, each of `requests` or, without that, of about `seconds`."""

    rounds: int
    seconds: float
    requests: int | None


class Bench:
    """All proxies run from the beginning to the end of the node; those not asked are idle."""

    def __init__(self, node: Node, processors: Processors, proxies: list[Proxy]) -> None:
        self._node = node
        self._proxies = proxies
        origin = start_origin(node)
        for proxy in proxies:
            proxy.start(node, processors, origin)

    def run(self, case: Case, amount: Amount) -> dict[str, list[Sample]]:
        """By the proxies' names, in the order of the rounds."""
        requests = {proxy.name: amount.requests or self._warm_up(proxy, case, amount.seconds)
                    for proxy in self._proxies}
        samples: dict[str, list[Sample]] = {proxy.name: [] for proxy in self._proxies}
        for _ in range(amount.rounds):
            for proxy in self._proxies:
                samples[proxy.name].append(self._measure(proxy, case, requests[proxy.name]))
        return samples

    def _warm_up(self, proxy: Proxy, case: Case, seconds: float) -> int:
        """How many requests take about that long. It is a guess: the first ones are slower."""
        load = self._load(proxy, case, case.at_once * _WARM_UP_ROUNDS)
        return max(case.at_once, round(load.requests / load.seconds * seconds))

    def _measure(self, proxy: Proxy, case: Case, requests: int) -> Sample:
        before = proxy.seconds()
        load = self._load(proxy, case, requests)
        return Sample((proxy.seconds() - before) * 1e6 / requests, load)

    def _load(self, proxy: Proxy, case: Case, requests: int) -> Load:
        body = self._node.directory / f"body-{case.size}"
        if not body.exists():
            body.write_bytes(b"x" * case.size)
        return h2load.run(self._node, case, proxy.target(case.protocol), requests, body)
