"""One answer out of five, with a dead node and with a stopped one."""

from tools.lib.bench.detect.scenario import summary
from tools.lib.bench.fanout import load
from tools.lib.bench.fanout.cluster import DEAD, PEERS, STOPPED, Cluster
from tools.lib.bench.fanout.load import Load
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_ROUNDS = 5
_REQUESTS = 1000
_STOPPED_REQUESTS = 3
_DEAD_BOUND_MS = 1
_PEER_TIMEOUT_MS = 2000
_TIMER_MS = 5
_PATH = "/aggregate/health"


def _wrong(found: dict, missing: dict[str, str]) -> list[str]:
    states = {peer["peer"]: peer["state"] for peer in found["peers"]}
    expected = {**dict.fromkeys(PEERS, "ok"), **missing}
    if states == expected and found["partial"] == bool(missing) and found["answered"] == len(PEERS) - len(missing):
        return []
    return [f"expected {expected}, found {states}, partial {found['partial']}, answered {found['answered']}"]


def _stopped(cluster: Cluster, missing: dict[str, str]) -> tuple[float, list[str]]:
    found = cluster.ask("GET", _PATH)
    took = max(peer["took_ms"] for peer in found.json()["peers"])
    return took, _wrong(found.json(), missing)


def _run(settings: Settings) -> dict:
    alive, dead, stopped, failures = Load(), Load(), [], []
    requests = settings.count(_REQUESTS)
    with Cluster() as cluster:
        for _ in range(settings.count(_ROUNDS)):
            alive.add(load.run(cluster.local, cluster.api, requests, [_PATH]))
            failures += _wrong(cluster.ask("GET", _PATH).json(), {})
            cluster.degrade(stopped=False)
            dead.add(load.run(cluster.local, cluster.api, requests, [_PATH]))
            failures += _wrong(cluster.ask("GET", _PATH).json(), {DEAD: "offline"})
            cluster.mend()
        cluster.degrade()
        for _ in range(settings.count(_STOPPED_REQUESTS)):
            took, wrong = _stopped(cluster, {DEAD: "offline", STOPPED: "timeout"})
            stopped.append(took)
            failures += wrong
        cluster.mend()
    failures += load.only(alive, 200, "all alive") + load.only(dead, 200, "one dead")
    return report("aggregate", [
        Number("p50: what a dead node adds", round(dead.p50 - alive.p50, 2), _DEAD_BOUND_MS, "ms"),
        Number("p99: what a dead node adds", round(dead.p99 - alive.p99, 2), _DEAD_BOUND_MS, "ms"),
        Number("a dead node and a stopped one, max", round(max(stopped), 2), _PEER_TIMEOUT_MS + _TIMER_MS, "ms"),
    ], failures, alive_ms=alive.summary(), dead_ms=dead.summary(), stopped_ms=summary(stopped))


MEASURES = [Measure("aggregate", f"""
    Small JSON of five nodes, one request after the other: what one dead node adds; and with a dead node and a stopped one
    beside it the longest time, which api.peer_timeout ({_PEER_TIMEOUT_MS} ms, and {_TIMER_MS} for its timer) bounds.
    Every node must be listed with its state, and `partial` true exactly while one is missing.""", _run)]
