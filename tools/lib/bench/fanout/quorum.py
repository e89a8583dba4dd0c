"""Writes to a quorum of three of five: with all nodes, and with one powered off and one stopped."""

from tools.lib.bench.fanout import load
from tools.lib.bench.fanout.cluster import QUORUM, Cluster
from tools.lib.bench.fanout.load import Load
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_SIZE = 4096
_ROUNDS = 4
_WRITES = 1000
_BOUND = 1.5


def _writes(cluster: Cluster, protocol: str, writes: int) -> Load:
    return load.run(cluster.local, cluster.api, writes, ["/quorum/chunks/disk1/quorum?overwrite=1"], method="PUT",
                    body=bytes(_SIZE), headers={"peerpulse-quorum": str(QUORUM)}, protocol=protocol)


def _run(settings: Settings) -> dict:
    alive, degraded = {"h1": Load(), "h2": Load()}, {"h1": Load(), "h2": Load()}
    writes = settings.count(_WRITES)
    with Cluster() as cluster:
        for protocol in alive:
            _writes(cluster, protocol, min(writes, 100))  # connections
        for _ in range(settings.count(_ROUNDS)):
            for protocol in alive:
                alive[protocol].add(_writes(cluster, protocol, writes))
                cluster.wait_idle()
                cluster.degrade()
                degraded[protocol].add(_writes(cluster, protocol, writes))
                cluster.mend()
    failures, numbers = [], []
    for protocol in alive:
        failures += load.only(alive[protocol], 200, f"{protocol}, all alive")
        failures += load.only(degraded[protocol], 200, f"{protocol}, one dead and one stopped")
        numbers.append(Number(f"{protocol}: p99 with one dead and one stopped, of that with all alive",
                              round(degraded[protocol].p99 / alive[protocol].p99, 2), _BOUND, "x"))
    return report("quorum_write", numbers, failures, **{
        f"{protocol}_{name}_ms": loads[protocol].summary()
        for protocol in alive for name, loads in (("alive", alive), ("degraded", degraded))})


MEASURES = [Measure("quorum_write", f"""
    Writes of {_SIZE} bytes to {QUORUM} of five, one after the other, h1 and h2: the p99 with one node powered off (and found
    dead) and one stopped, against the p99 with all alive, in turn. Every write must succeed.""", _run)]
