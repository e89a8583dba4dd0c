"""Notifications: how soon they are accepted, and that none is lost without a word."""

import json

from tools.lib.bench.fanout import load
from tools.lib.bench.fanout.cluster import DEAD, PEERS, STOPPED, Cluster, recorder
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report
from tools.lib.bench.fanout.recorder import seen

_NOTIFICATIONS = 2000
_PER_SECOND = 400
_AT_THE_END = 300
_BOUND_MS = 1
_BODY = b'{"reload":"users"}'


def _send(cluster: Cluster, what: str, count: int, per_second: int) -> tuple[load.Load, set[str]]:
    paths = [f"/notify/{what}/{number}" for number in range(count)]
    sent = load.run(cluster.local, cluster.api, count, paths, method="POST", body=_BODY, per_second=per_second)
    return sent, {path.removeprefix("/notify") for path in paths}


def _missing(cluster: Cluster, peers: tuple[str, ...], paths: set[str]) -> dict[str, set[str]]:
    """What each had not."""
    return {name: paths - set(seen(cluster.lab.node(name), cluster.addresses[name])) for name in peers}


def _counted(cluster: Cluster) -> dict[str, int]:
    counted = dict.fromkeys(PEERS, 0)
    for series, value in cluster.peerpulse.metrics().items():
        if series.startswith("peerpulse_fanout_undelivered_total"):
            counted[series.split('peer="')[1].split('"')[0]] += int(value)
    return counted


def _logged(cluster: Cluster) -> dict[str, set[str]]:
    """What is said not to have been delivered, by peer."""
    logged: dict[str, set[str]] = {name: set() for name in PEERS}
    for line in cluster.peerpulse.process.lines():
        if '"notification_undelivered"' in line:
            entry = json.loads(line)
            logged[entry["peer"]].add(entry["path"])
    return logged


def _run(settings: Settings) -> dict:
    count, failures = settings.count(_NOTIFICATIONS), []
    living = tuple(name for name in PEERS if name not in (DEAD, STOPPED))
    with Cluster(serve=recorder) as cluster:
        alive, paths = _send(cluster, "alive", count, _PER_SECOND)
        cluster.wait_idle()
        failures += [f"all alive: {name} has not had {len(lost)}"
                     for name, lost in _missing(cluster, PEERS, paths).items() if lost]
        cluster.degrade()
        before = _counted(cluster)
        degraded, paths = _send(cluster, "degraded", count, _PER_SECOND)
        cluster.wait_idle()
        failures += [f"one dead and one stopped: {name} has not had {len(lost)}"
                     for name, lost in _missing(cluster, living, paths).items() if lost]
        counted = {name: number - before[name] for name, number in _counted(cluster).items()}
        expected = {**dict.fromkeys(PEERS, 0), DEAD: count, STOPPED: count}
        if counted != expected:
            failures.append(f"counted as undelivered: {counted}, not {expected}")
        at_end, paths = _send(cluster, "end", settings.count(_AT_THE_END), 0)
        cluster.peerpulse.check_end()
        logged = _logged(cluster)
        lost = {name: len(missing - logged[name]) for name, missing in _missing(cluster, living, paths).items()}
        lost |= {name: len(paths - logged[name]) for name in (DEAD, STOPPED)}
    for what, sent in (("all alive", alive), ("one dead and one stopped", degraded), ("at the end", at_end)):
        failures += load.only(sent, 202, what)
    return report("notify", [
        Number("202, all alive, p99", alive.p99, _BOUND_MS, "ms"),
        Number("202, one dead and one stopped, p99", degraded.p99, _BOUND_MS, "ms"),
        Number("neither delivered nor logged over SIGTERM", sum(lost.values()), 0, "notifications"),
    ], failures + [f"lost over SIGTERM: {lost}"] * any(lost.values()),
        alive_ms=alive.summary(), degraded_ms=degraded.summary(), undelivered=counted, at_the_end=at_end.summary())


MEASURES = [Measure("notify", f"""
    Notifications at {_PER_SECOND} a second: until the 202. Every living node must have had each of them, and what did
    not reach the dead and the stopped one must be counted, to the last. Then {_AT_THE_END} as fast as they are taken,
    and SIGTERM at once: each was delivered, or is logged as undelivered, for every node.""", _run)]
