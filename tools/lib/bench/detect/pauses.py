"""gc300 and stop6: a process that stands still is not a dead host."""

import threading
import time

from tests.harness.case import SLOWDOWN
from tests.harness.host import connect
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.nginx_peers import NginxPeer
from tests.harness.waiting import wait_for
from tools.lib.bench.command import MIB, say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.conditions import CUTS, PEERS, cut_some, light_loads, many_peers, watch_for
from tools.lib.bench.detect.load import Load, add, failures
from tools.lib.bench.detect.pauser import Pauser
from tools.lib.bench.detect.scenario import Scenario, Settings, report
from tools.lib.bench.detect.watch import Watch

_GC_PEER_SECONDS = 1800
_MARGIN_S = 2
_STOP_S = 6.0
_KNOCK_S = 0.02
_H1, _H2 = "nginx", "node2_1"


def _gc300_phase(cluster: Cluster, watch: Watch, percent: float, seconds: float) -> dict:
    """The same cluster, with that loss; the loads have ended when the cuts begin."""
    say(f"  with {percent} % loss")
    cluster.set_loss(percent)
    before = watch.counted()
    loads = light_loads(cluster, seconds)
    watch_for(watch, seconds)
    result = add([load.result() for load in loads])
    after = watch.counted()
    return {"loss_percent": percent, **{key: round(after[key] - before[key], 1)
                                        for key in ("peer_seconds", "suspects", "cleared", "false_dead")}, **result}


def _gc300(settings: Settings) -> dict:
    seconds = settings.seconds_or(_GC_PEER_SECONDS / PEERS + _MARGIN_S)
    with many_peers(settings) as cluster:
        watch = Watch(cluster)
        with Pauser([[server.process] for server in cluster.servers.values()]) as pauser:
            phases = [_gc300_phase(cluster, watch, percent, seconds) for percent in (0, 1)]
            pauses = len(pauser.pauses)
            cut_some(cluster, watch, settings.rounds_or(CUTS))
        counted = watch.counted()
        exchanges = add(phases)
        return report("gc300", settings, watch.times_ms, counted, watch.failures(counted) + failures(exchanges),
                      target="0 false dead, 0 resets", within_target=True, **exchanges, pauses=pauses, phases=phases)


class _Knocker:
    """What RustFS and MinIO do to see whether a peer is there: connect, and close. Threading: a thread of its own."""

    def __init__(self, cluster: Cluster, targets: list[tuple[str, int]]) -> None:
        self._cluster = cluster
        self._targets = targets
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.knocks = 0
        self.refused = 0

    def __enter__(self) -> "_Knocker":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._ending.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ending.wait(_KNOCK_S):
            for target in self._targets:
                self.knocks += 1
                try:
                    connect(self._cluster.local, target, 5 * SLOWDOWN).close()
                except OSError:
                    self.refused += 1


def _stop6(settings: Settings) -> dict:
    rounds = settings.rounds_or(3)
    settings = Settings(profile=settings.profile, haproxy=settings.haproxy, peers=settings.peers)
    with Cluster(4, settings, on_dead="refuse", preset="rustfs") as cluster:
        nginx = NginxPeer(cluster.lab.node("node3")).start()
        for server in (cluster.servers[_H2], nginx):
            server.add_file("small", bytes(1000))
            server.add_file("large", bytes(MIB))
        # A second peerpulse: nginx speaks h1 here, and is probed by echoes and requests.
        with Peerpulse(cluster.local, [Peer(_H1, nginx.address)], on_dead="refuse", preset="rustfs",
                       log={"access": {"mode": "off"}}, probe={"profile": settings.profile}) as second:
            second.wait_verdict(_H1, "alive")
            wait_for(lambda: second.peer(_H1)["probe"]["host"] == "icmp", 10, "the h1 peer is probed by echoes")
            return _stop6_rounds(settings, rounds, cluster, second, nginx)


def _stop6_rounds(settings: Settings, rounds: int, cluster: Cluster, second: Peerpulse,
                  nginx: NginxPeer) -> dict:
    h2, h1 = cluster.peerpulse.listen[_H2], second.listen[_H1]
    watch = Watch(cluster)
    results, verdicts = [], set()
    with _Knocker(cluster, [h2, h1]) as knocker:
        for number in range(1, rounds + 1):
            duration = _STOP_S + 4
            loads = [Load(cluster.local, h2, duration, clients=4, streams=8, rate=100, h1=cluster.h1),
                     Load(cluster.local, h2, duration, path="/large", clients=2, streams=2, rate=50, h1=cluster.h1),
                     Load(cluster.local, h1, duration, clients=4, rate=100, h1=True),
                     Load(cluster.local, h1, duration, path="/large", clients=2, rate=50, h1=True)]
            time.sleep(1)
            processes = [cluster.servers[_H2].process, nginx.process]
            for process in processes:
                process.stop()
            until = time.monotonic() + _STOP_S
            while time.monotonic() < until:
                verdicts |= {cluster.peerpulse.peer(_H2)["verdict"], second.peer(_H1)["verdict"]}
                time.sleep(0.1)
            for process in processes:
                process.cont()
            results.append(add([load.result() for load in loads]))
            say(f"  round {number} of {rounds}: {results[-1]}; verdicts {sorted(verdicts)}")
    counted = watch.counted()
    exchanges = add(results)
    found = watch.failures(counted) + failures(exchanges)
    if knocker.refused:
        found.append(f"{knocker.refused} connects refused")
    h1_deads = [event for event in second.events() if event["to"] == "dead" or event["circuit"] != "closed"]
    if h1_deads:
        found.append(f"events of the h1 peer: {h1_deads[:5]}")
    return report("stop6", settings, [], counted, found, target="0 resets, 0 refusals", within_target=True,
                  **exchanges, rounds=rounds, connects=knocker.knocks, connects_refused=knocker.refused,
                  verdicts=sorted(verdicts))


SCENARIOS = [
    Scenario("gc300", f"""Each of {PEERS} peers' processes is stopped for 300 ms about every 2 s, at times of its
own; --seconds (default: half an hour of peer time) without loss and as long with 1 % each way, small exchanges to
10 of the peers meanwhile (resets, refusals, failed_exchanges: of those). Then --rounds cuts (default {CUTS}) with
the pauses and the loss, whose times have no target.""", _gc300),
    Scenario("stop6", """A peer that speaks h2 and one (nginx) that speaks h1 are stopped for 6 s under load,
--rounds times (default 3), with preset rustfs and on_dead refuse; connects to both listeners every 20 ms all the
while. Not one exchange may fail, no connection be reset, no connect be refused.""", _stop6),
]
