"""Requests that may ask one more peer when one is late."""

from tools.benchmarking.fanout import load
from tools.benchmarking.fanout.cluster import PEERS, Cluster
from tools.benchmarking.fanout.load import Load
from tools.benchmarking.fanout.measure import Measure, Number, Settings, report

_SLOW = "node4"
_DELAY_S = 0.05
_REQUESTS = 300
_BOUND = 2
_PATH = "/aggregate/health"
_WHAT = "p99 with one slow node and peerpulse-hedge, of that with all fast"


def _known(cluster: Cluster) -> bool:
    """An API that does not know the field passes it over; one that does refuses nonsense."""
    return cluster.ask("GET", _PATH, Peerpulse_Hedge="nonsense").status == 400


def _requests(cluster: Cluster, requests: int) -> Load:
    return load.run(cluster.local, cluster.api, requests, [_PATH], headers={"peerpulse-hedge": "auto"})


def _run(settings: Settings) -> dict:
    requests = settings.count(_REQUESTS)
    with Cluster() as cluster:
        known = _known(cluster)
        if known:
            fast = _requests(cluster, requests)
    if not known:
        return report("hedge", [Number(_WHAT, None, _BOUND, "x")], [], why="this API knows no peerpulse-hedge")
    with Cluster(delay={_SLOW: _DELAY_S}) as cluster:
        slow = _requests(cluster, requests)
    failures = load.only(fast, 200, "all fast") + load.only(slow, 200, "one slow")
    return report("hedge", [Number(_WHAT, round(slow.p99 / fast.p99, 2), _BOUND, "x")], failures,
                  fast_ms=fast.summary(), slow_ms=slow.summary(), peers=len(PEERS))


MEASURES = [Measure("hedge", f"""
    Aggregates with `peerpulse-hedge: auto`, one of five nodes behind a link that adds {_DELAY_S * 2000:g} ms to a round trip,
    against all near. Not measured where the API does not know the field.""", _run)]
