"""Reads that send one more request when one is late."""

from tools.lib.bench.fanout import load
from tools.lib.bench.fanout.cluster import PEERS, Cluster
from tools.lib.bench.fanout.load import Load
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_SLOW = "node4"
_DELAY_S = 0.05
_REQUESTS = 300
_LEARNING = 100
"""More than `timing.samples`: until then `auto` hedges nothing."""
_BOUND = 2
_PATHS = {"quorum": "/quorum/health", "aggregate": "/aggregate/health"}


def _requests(cluster: Cluster, path: str, requests: int) -> Load:
    headers = {"peerpulse-hedge": "auto"}
    load.run(cluster.local, cluster.api, _LEARNING, [path], headers=headers)
    return load.run(cluster.local, cluster.api, requests, [path], headers=headers)


def _all(delay: dict[str, float], requests: int) -> dict[str, Load]:
    with Cluster(delay=delay) as cluster:
        return {name: _requests(cluster, path, requests) for name, path in _PATHS.items()}


def _run(settings: Settings) -> dict:
    requests = settings.count(_REQUESTS)
    fast, slow = _all({}, requests), _all({_SLOW: _DELAY_S}, requests)
    failures = [wrong for name in _PATHS
                for wrong in load.only(fast[name], 200, f"{name}, all fast") + load.only(slow[name], 200, f"{name}, one slow")]
    return report("hedge", [Number(f"{name}: p99 with one slow node, of that with all fast",
                                   round(slow[name].p99 / fast[name].p99, 2), _BOUND, "x") for name in _PATHS], failures,
                  fast_ms={name: one.summary() for name, one in fast.items()},
                  slow_ms={name: one.summary() for name, one in slow.items()}, peers=len(PEERS))


MEASURES = [Measure("hedge", f"""
    Reads with `peerpulse-hedge: auto`, one of five nodes behind a link that adds {_DELAY_S * 2000:g} ms to a round trip, against all
    near, after {_LEARNING} of which each node's times are learnt. A quorum's read leaves the slow one out. An aggregate wants its
    answer all the same, and asking it twice does not bring that sooner: it is reported beside the same bound.""", _run)]
