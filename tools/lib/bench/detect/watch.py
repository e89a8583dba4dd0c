"""What the detector counted while something went on, and whether the cuts of that time explain it."""

import time

from tools.lib.bench.detect.cluster import Cluster, Cut
from tools.lib.bench.detect.metrics import by_peer, histogram_max, total
from tools.lib.demo.measurements import milliseconds

_STAGES = "peerpulse_detection_stages_total"
_REFUSALS = "peerpulse_guard_refusals_total"
_LAG = "peerpulse_loop_lag_seconds"
_NAMED = 5


class Watch:
    """Counts from where it is made. Every cut of the time is made through round()."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._position = cluster.events.position()
        self._before = cluster.peerpulse.metrics()
        if cluster.haproxy is not None:
            cluster.haproxy.start_counting()
        self._started = time.monotonic()
        self._cut_off_seconds = 0.0
        self._cuts: dict[str, int] = {}
        """Of each peer. One that is missed may still be found later: that is no false verdict."""
        self.times_ms: list[float] = []
        self.missed: list[str] = []

    def round(self, nodes: list[str], apart: float = 0.03) -> list[tuple[Cut, dict]]:
        """Cuts, waits for the verdicts, restores, waits until all is as before."""
        cuts = list(self._cluster.cut(nodes, apart).values())
        found = [(cut, self.collect(cut)) for cut in cuts]
        for cut in cuts:
            cut.restore()
            self.had_no_power(cut)
        return found

    def collect(self, cut: Cut) -> dict[str, dict]:
        events, missed = cut.found()
        self.missed += missed
        for name in cut.names:
            self._cuts[name] = self._cuts.get(name, 0) + 1
        for event in events.values():
            self.times_ms.append(milliseconds(cut.switched.ordered_ns, event["monotonic_ns"]))
        return events

    def had_no_power(self, cut: Cut) -> None:
        """Until now. To be called when it is back."""
        self._cut_off_seconds += len(cut.names) * (time.monotonic_ns() - cut.switched.ordered_ns) / 1e9

    def counted(self) -> dict:
        """What every line of JSON has. peer_seconds: of peers that had power."""
        after = self._cluster.peerpulse.metrics()
        elapsed = time.monotonic() - self._started
        false = self._beyond_cuts(after, _STAGES, 'stage="dead"')
        return {
            "false_dead": sum(false.values()),
            # Times that the sockets of a living peer were destroyed.
            "false_guard": sum(self._beyond_cuts(after, _REFUSALS).values()),
            "suspects": total(after, _STAGES, 'stage="suspect"') - total(self._before, _STAGES, 'stage="suspect"'),
            "cleared": total(after, _STAGES, 'stage="cleared"') - total(self._before, _STAGES, 'stage="cleared"'),
            "peer_seconds": round(elapsed * len(self._cluster.servers) - self._cut_off_seconds, 1),
            "false_dead_peers": {name: count for name, count in false.items() if count},
            "goaways": total(after, "peerpulse_probe_goaways_total") -
            total(self._before, "peerpulse_probe_goaways_total"),
            "prober_lag_below_ms": self._lag_ms(after),
            **({} if self._cluster.haproxy is None else {
                "haproxy": self._cluster.haproxy.result(self._cluster.haproxy.false_dead())}),
        }

    def _beyond_cuts(self, after: dict[str, float], family: str, label: str = "") -> dict[str, int]:
        """Of each peer, how much more often than its power was cut."""
        before = by_peer(self._before, family, label)
        return {name: max(0, count - before.get(name, 0) - self._cuts.get(name, 0))
                for name, count in by_peer(after, family, label).items()}

    def _lag_ms(self, after: dict[str, float]) -> float | None:
        """The greatest lag of the prober's loop (a bucket's bound; null: none or above all)."""
        bound = histogram_max(self._before, after, _LAG, 'loop="prober"')
        return None if bound is None or bound == float("inf") else round(bound * 1000, 3)

    def failures(self, counted: dict) -> list[str]:
        """The properties that hold in every scenario."""
        found = []
        if self.missed:
            found.append(f"not found dead: {', '.join(self.missed[:_NAMED])} ({len(self.missed)} cuts)")
        if counted["false_dead"] != 0:
            found.append(f"{counted['false_dead']} false dead: {counted['false_dead_peers']}, "
                         f"{self._false_events()}")
        if counted["false_guard"] != 0:
            found.append(f"the guard acted {counted['false_guard']} times on living peers")
        return found

    def _false_events(self) -> list[dict]:
        names = {name for name in self._cluster.servers}
        deads = [event for event in self._cluster.events.since(self._position)
                 if event["to"] == "dead" and event["from"] != "dead" and event["peer"] in names]
        return deads[-_NAMED:]
