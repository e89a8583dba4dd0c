"""starved: a prober that gets no processor must blame itself."""

import contextlib
import os

from tools.lib.bench.command import say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.conditions import CUTS, PEERS, cut_some, many_peers, watch_for
from tools.lib.bench.detect.pauser import Pauser
from tools.lib.bench.detect.scenario import Scenario, Settings, report, summary
from tools.lib.bench.detect.watch import Watch

_PEER_SECONDS = 1800
_MARGIN_S = 2
_LOOPS_PER_CORE = 4
_LIMIT_MS = 100
_PHASES = ("oversubscribed", "stopped", "both")


@contextlib.contextmanager
def _busy_loops(cluster: Cluster, seconds: float):
    """They end by themselves, whatever happens here."""
    count = _LOOPS_PER_CORE * len(os.sched_getaffinity(0))
    argv = ["timeout", "--foreground", str(round(seconds)), "sh", "-c", "while :; do :; done"]
    loops = [cluster.local.spawn(argv, name=f"busy-{number}") for number in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            cluster.local.processes.remove(loop)


def _phase(cluster: Cluster, phase: str, seconds: float, cuts: int) -> tuple[Watch, dict]:
    """watch_for, then cuts, in those conditions. `excess`: of a cut's time what no pause explains."""
    say(f"  {phase}")
    paused = [cluster.peerpulse.process] + ([cluster.haproxy.process] if cluster.haproxy else [])
    with contextlib.ExitStack() as stack:
        if phase != "stopped":
            stack.enter_context(_busy_loops(cluster, seconds + 60 + 15 * cuts))
        pauser = stack.enter_context(Pauser([paused])) if phase != "oversubscribed" else None
        watch = Watch(cluster)
        watch_for(watch, seconds)
        excess, paused_ms = [], []
        for cut, events in cut_some(cluster, watch, cuts):
            for event in events.values():
                start, end = cut.switched.ordered_ns, event["monotonic_ns"]
                paused_ms.append(pauser.overlap_ms(start, end) if pauser else 0.0)
                excess.append((end - start) / 1e6 - paused_ms[-1])
        counted = watch.counted()
    return watch, {"phase": phase, **summary(watch.times_ms), "without_pauses": summary(excess),
                   "pauses": len(pauser.pauses) if pauser else 0, "cuts_with_pauses": sum(ms > 0 for ms in paused_ms),
                   **counted}


def _within(phase: dict) -> bool:
    """Found within lag + 100 ms: the lag is that of the pauses, which are off already, and of the prober's loop."""
    lag = phase["prober_lag_below_ms"]
    longest = phase["without_pauses"]["max"]
    return longest is not None and longest <= (lag or 0.0) + _LIMIT_MS


def _starved(settings: Settings) -> dict:
    seconds = settings.seconds_or(_PEER_SECONDS / PEERS + _MARGIN_S)
    cuts = settings.rounds_or(CUTS)
    times: list[float] = []
    failures: list[str] = []
    phases = []
    with many_peers(settings) as cluster:
        for name in _PHASES:
            watch, phase = _phase(cluster, name, seconds, cuts)
            phases.append(phase)
            times += watch.times_ms
            failures += [f"{name}: {text}" for text in watch.failures(phase)]
    counted = {key: round(sum(phase[key] for phase in phases), 1)
               for key in ("false_dead", "false_guard", "suspects", "cleared", "peer_seconds")}
    if settings.haproxy:
        counted["haproxy"] = {phase["phase"]: phase["haproxy"] for phase in phases}
        counted["haproxy"]["false_dead"] = sum(phase["haproxy"]["false_dead"] for phase in phases)
    return report("starved", settings, times, counted, failures,
                  target=f"0 false dead, cuts found within lag + {_LIMIT_MS} ms",
                  within_target=all(_within(phase) for phase in phases), phases=phases)


SCENARIOS = [
    Scenario("starved", f"""{PEERS} peers. Three phases, each --seconds (default: half an hour of peer time) and
then --rounds cuts of a node (default {CUTS}): {_LOOPS_PER_CORE} busy loops per core (oversubscribed); peerpulse
stopped for 300 ms about every 2 s (stopped); both. HAProxy is stopped with it. without_pauses: times less what of
them peerpulse was stopped; within target when that is at most 100 ms more than the prober's greatest lag in the
phase. The peers are starved of processor too.""", _starved),
]
