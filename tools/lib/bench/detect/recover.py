"""recover: from the return of power to traffic, whatever the outage's length."""

import random
import time

from tools.lib.bench.command import say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.scenario import Scenario, Settings, Target, report, summary
from tools.lib.bench.detect.watch import Watch
from tools.lib.demo.measurements import milliseconds

_NODES, _VICTIMS = 24, 10
_ROUNDS = 60
_OUTAGES_S = (1, 60)
_TARGET = Target(40, 100, 250)
_FOUND_WITHIN_S = 10


def _one(cluster: Cluster, watch: Watch, outage: float, victims: list[str]) -> tuple[list, list]:
    """Times of peerpulse and of HAProxy."""
    cuts = list(cluster.cut(victims, 0.05).values())
    began = time.monotonic()
    for cut in cuts:
        watch.collect(cut)
    time.sleep(max(0.0, began + outage - time.monotonic()))
    ours, theirs = [], []
    for cut in cuts:
        position = cluster.events.position()
        restored = cluster.restore(cut.node)
        for name in cut.names:
            event = cluster.events.wait(lambda e, name=name: e["peer"] == name and e["to"] == "alive" and
                                        e["circuit"] == "closed", _FOUND_WITHIN_S, position)
            if event is None:
                watch.missed.append(f"{name} (return)")
                continue
            ours.append(milliseconds(restored.ordered_ns, event["monotonic_ns"]))
            if cluster.haproxy is not None:
                theirs.append(cluster.haproxy.up_after(restored, name))
        watch.had_no_power(cut)
        time.sleep(random.uniform(0.05, 0.15))
    cluster.wait_back([name for cut in cuts for name in cut.names])
    return ours, [value for value in theirs if value is not None]


def _recover(settings: Settings) -> dict:
    by_outage, times, haproxy = {}, [], {}
    wanted = settings.rounds_or(_ROUNDS)
    with Cluster(_NODES, settings) as cluster:
        watch = Watch(cluster)
        nodes = [node.name for node in cluster.peer_nodes]
        for outage in _OUTAGES_S:
            ours, theirs = [], []
            left = wanted
            while left > 0:
                victims, nodes = nodes[:min(left, _VICTIMS)], nodes[_VICTIMS:] + nodes[:_VICTIMS]
                left -= len(victims)
                one = _one(cluster, watch, outage, victims)
                ours, theirs = ours + one[0], theirs + one[1]
                say(f"  after {outage} s: {summary(ours)}")
            by_outage[f"after_{outage}s"] = summary(ours)
            haproxy[f"after_{outage}s"] = summary(theirs)
            times += ours
        counted = watch.counted()
    result = report("recover", settings, times, counted, watch.failures(counted),
                    target=_TARGET, within_target=all(_TARGET.met_by(one) for one in by_outage.values()),
                    **by_outage)
    if "haproxy" in result:
        result["haproxy"] = {"false_dead": counted["haproxy"]["false_dead"], **haproxy}
    return result


SCENARIOS = [
    Scenario("recover", f"""From just before the kernel is told to let a node's frames pass again to monotonic_ns of
the event with which the peer's circuit is closed; --rounds outages (default {_ROUNDS}) of 1 s and as many of 60 s,
{_VICTIMS} of {_NODES} nodes at a time, which return one after the other. Included: the wait for the next attempt,
ARP, one connection, one PING. The peers' processes and connections are as they were; the ramp of admission (up to
200 ms) comes after it.""",
             _recover),
]
