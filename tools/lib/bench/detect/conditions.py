"""What loss, gc300 and starved have in common: 40 peers, a time without cuts, then real cuts under the same
conditions."""

import random
import time

from tools.lib.bench.command import say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.load import Load
from tools.lib.bench.detect.scenario import Settings
from tools.lib.bench.detect.watch import Watch

NODES, SERVERS_PER_NODE = 10, 4
PEERS = NODES * SERVERS_PER_NODE
CUTS = 10
_PROGRESS_S = 30


def many_peers(settings: Settings) -> Cluster:
    return Cluster(NODES, settings, SERVERS_PER_NODE)


def light_loads(cluster: Cluster, seconds: float) -> list[Load]:
    """A few exchanges per second to one peer of every node, small ones."""
    loads = []
    for node in cluster.peer_nodes:
        name = cluster.peers_of(node.name)[0]
        cluster.servers[name].add_file("small", bytes(1000))
        loads.append(Load(cluster.local, cluster.peerpulse.listen[name], seconds, rate=10, h1=cluster.h1))
    return loads


def watch_for(watch: Watch, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_PROGRESS_S, left))
        counted = watch.counted()
        say(f"  {counted['peer_seconds']:.0f} peer seconds: {counted['suspects']} suspects, "
            f"{counted['false_dead']} false dead")


def cut_some(cluster: Cluster, watch: Watch, cuts: int) -> list:
    """One node at a time: several would be most of what a starved prober hears of. Returns (cut, events)."""
    names = [node.name for node in cluster.peer_nodes]
    found = []
    for number in range(cuts):
        found += watch.round([names[number % len(names)]])
        time.sleep(random.uniform(0.1, 0.3))
    return found
