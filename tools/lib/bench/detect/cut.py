"""cut_idle, cut_busy, cut_wan: the time from a power cut to the verdict."""

import random
import time

from tools.lib.bench.command import MIB, say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.load import Load, carried
from tools.lib.bench.detect.scenario import CUT_TARGETS, Scenario, Settings, Target, report
from tools.lib.bench.detect.watch import Watch

_ROUNDS = 60
_IDLE_NODES, _IDLE_VICTIMS = 24, 3
_BUSY_VICTIM = "node2"
_WAN_TARGET = Target(220, 260, 350)
_WAN_ONE_WAY_S = 0.025
_OBJECT = 4 * MIB


def _say_round(number: int, rounds: int, times: list[float]) -> None:
    if number % 10 == 0 or number == rounds:
        say(f"  round {number} of {rounds}: so far n {len(times)}, longest {max(times, default=0)} ms")


def rounds_of_cuts(cluster: Cluster, watch: Watch, rounds: int, victims: int) -> None:
    """The nodes take turns: one that is cut again and again would be damped as one that flaps."""
    nodes = [node.name for node in cluster.peer_nodes]
    random.shuffle(nodes)
    for number in range(1, rounds + 1):
        nodes = nodes[victims:] + nodes[:victims]
        watch.round(nodes[:victims])
        time.sleep(random.uniform(0.05, 0.15))
        _say_round(number, rounds, watch.times_ms)


def _finish(name: str, settings: Settings, watch: Watch, target: Target, **more) -> dict:
    counted = watch.counted()
    result = report(name, settings, watch.times_ms, counted, watch.failures(counted), target=target,
                    within_target=True, **more)
    result["within_target"] = result["within_target"] and target.met_by(result)
    return result


def _cut_idle(settings: Settings) -> dict:
    with Cluster(_IDLE_NODES, settings) as cluster:
        watch = Watch(cluster)
        rounds_of_cuts(cluster, watch, settings.rounds_or(_ROUNDS), _IDLE_VICTIMS)
        return _finish("cut_idle", settings, watch, CUT_TARGETS[settings.profile])


def _cut_wan(settings: Settings) -> dict:
    # The prober is the one that is far away: what a victim had sent is then still under way to it.
    with Cluster(_IDLE_NODES // 2, settings, haproxy=False, delay={"node1": _WAN_ONE_WAY_S}) as cluster:
        time.sleep(3)  # round trips are known from here on
        watch = Watch(cluster)
        rounds_of_cuts(cluster, watch, settings.rounds_or(_ROUNDS), 2)
        rtt = cluster.peerpulse.peer("node2_1")["rtt_us"]
        return _finish("cut_wan", settings, watch, _WAN_TARGET, rtt_us=rtt)


class _BusyRound:
    """Bulk both ways to the victim, until stop()."""

    def __init__(self, cluster: Cluster) -> None:
        target = cluster.peerpulse.listen[f"{_BUSY_VICTIM}_1"]
        upload = cluster.local.directory / "object"
        # Slower than the machine can for an object, so that failing at once is not what keeps it busy.
        self._loads = [
            Load(cluster.local, target, 30, path="/object", clients=2, streams=2, rate=100),
            Load(cluster.local, target, 30, path="/small", clients=1, streams=2, rate=100, upload=str(upload))]

    def stop(self) -> None:
        for load in self._loads:
            load.stop()


def _cut_busy(settings: Settings) -> dict:
    rates = []
    with Cluster(4, settings) as cluster:
        victim = f"{_BUSY_VICTIM}_1"
        cluster.servers[victim].add_file("object", bytes(_OBJECT))
        cluster.servers[victim].add_file("small", bytes(100))
        (cluster.local.directory / "object").write_bytes(bytes(_OBJECT))
        watch = Watch(cluster)
        rounds = settings.rounds_or(_ROUNDS)
        node = cluster.lab.node(_BUSY_VICTIM)
        for number in range(1, rounds + 1):
            load = _BusyRound(cluster)
            try:
                time.sleep(0.4)
                before, started = carried(node), time.monotonic()
                time.sleep(random.uniform(0.2, 0.3))
                elapsed, after = time.monotonic() - started, carried(node)
                rates.append([(now - then) / elapsed / MIB for then, now in zip(before, after)])
                (cut,) = cluster.cut([_BUSY_VICTIM], 0).values()
                watch.collect(cut)
            finally:
                load.stop()
            cut.restore()
            time.sleep(random.uniform(0.05, 0.15))
            _say_round(number, rounds, watch.times_ms)
        return _finish("cut_busy", settings, watch, CUT_TARGETS[settings.profile],
                       received_mib_s=round(sum(rate[0] for rate in rates) / len(rates), 1),
                       sent_mib_s=round(sum(rate[1] for rate in rates) / len(rates), 1))


_TIMES = "From just before the kernel is told to drop the node's frames to monotonic_ns of the peer's `dead` event"

SCENARIOS = [
    Scenario("cut_idle", f"""{_IDLE_NODES} peers that only probes go to; per round {_IDLE_VICTIMS} nodes lose power,
up to 30 ms apart at random, so n is {_IDLE_VICTIMS} times the rounds. {_TIMES} (one clock): waiting for the next
PING, silence, confirm, and how late the prober runs are all included.""", _cut_idle),
    Scenario("cut_busy", """One of 4 peers loses power while bulk goes to it through peerpulse both ways, as fast as
the machine can (received_mib_s, sent_mib_s: at the victim before the cuts). Times as in cut_idle. The clients and
peerpulse share the processors with the prober.""", _cut_busy),
    Scenario("cut_wan", f"""12 peers, the prober behind a link of {_WAN_ONE_WAY_S * 1000:.0f} ms each way (frames
are relayed, not connections); 2 nodes per round. What a victim sent before the cut arrives after it, and is in the
times. Without HAProxy: its 15 ms for a check are less than the round trip.""", _cut_wan),
]
