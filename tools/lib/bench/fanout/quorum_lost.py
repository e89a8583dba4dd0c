"""A quorum that is lost while a write waits for it, and one that is not there to begin with."""

import time

from tests.harness.waiting import wait_for
from tools.lib.bench.detect.scenario import summary
from tools.lib.bench.fanout import load
from tools.lib.bench.fanout.cluster import QUORUM, Cluster
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_ROUNDS = 10
_WRITES = 500
_BOUND_MS = 5
_LAST, _LOST_BEFORE = "node4", ("node5", "node6")
_PATH = "/quorum/chunks/disk1/lost?overwrite=1"
_BODY = bytes(4096)


def _last_failure(cluster: Cluster) -> tuple[float, int]:
    """Milliseconds from the verdict of the node that mattered to the answer, and the answer's status."""
    # It is stopped first, or it would have acknowledged before its power could be cut.
    cluster.servers[_LAST].stop()
    with cluster.client() as client:
        client.send_head("PUT", _PATH, {"Content-Length": str(len(_BODY)), "Peerpulse-Quorum": str(QUORUM)})
        client.send(_BODY)
        wait_for(lambda: cluster.peerpulse.peer(_LAST)["in_flight"] == 1, 5, "the write waits for it")
        cut = cluster.cut(_LAST)
        response = client.read_response("PUT")
        answered_ns = time.monotonic_ns()

    def dead() -> dict | None:
        return next((event for event in cluster.peerpulse.events() if event["peer"] == _LAST and
                     event["to"] == "dead" and event["monotonic_ns"] > cut.ordered_ns), None)
    verdict = wait_for(dead, 5, f"{_LAST} found dead")
    return (answered_ns - verdict["monotonic_ns"]) / 1e6, response.status


def _run(settings: Settings) -> dict:
    times, failures = [], []
    with Cluster() as cluster:
        for _ in range(settings.count(_ROUNDS)):
            cluster.cut(*_LOST_BEFORE)
            for name in _LOST_BEFORE:
                cluster.peerpulse.wait_verdict(name, "dead")
            took, status = _last_failure(cluster)
            times.append(took)
            if status != 503:
                failures.append(f"the quorum was lost, and the answer is {status}")
            lost = load.run(cluster.local, cluster.api, settings.count(_WRITES), [_PATH], method="PUT", body=_BODY,
                            headers={"peerpulse-quorum": str(QUORUM)})
            failures += load.only(lost, 503, "without a quorum")
            cluster.mend()
    waited = summary(times)
    return report("quorum_lost", [
        Number("503 after the verdict that lost it, max", waited["max"], _BOUND_MS, "ms"),
        Number("503 where it was lost before, p99", lost.p99, _BOUND_MS, "ms"),
    ], failures, after_verdict_ms=waited, lost_before_ms=lost.summary())


MEASURES = [Measure("quorum_lost", f"""
    Two of five are dead, the third is stopped with a write of a quorum of {QUORUM} under way, and its power is cut: from
    monotonic_ns of its `dead` event to the 503. Then writes while three are dead: the whole of each.""", _run)]
