"""The states of a cluster that are worth a picture: each starts a real one, in the lab or on this machine."""

import contextlib

from tests.harness.host import LocalHost
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import NghttpdPeer
from tools.lab import Lab

_RATE = {"node2": 120, "node3": 60, "node4": 90, "node5": 7}


class Anywhere(NghttpdPeer):
    """On every address of its host."""

    def _arguments(self) -> list[str]:
        return ["nghttpd", "--no-tls", "--address", "0.0.0.0", "-d", str(self.root), str(self.port)]


class Cluster:
    """Five nodes in the lab, with a little traffic from node1 to each of the others."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.host = lab.node("node1")
        self.servers = {node.name: NghttpdPeer(node).start() for node in lab.nodes[1:]}
        peers = []
        for i, (name, server) in enumerate(self.servers.items()):
            server.add_file("hello", b"hello")
            peers.append(Peer(name, server.address, {"zone": f"rack{i % 2 + 1}"}))
        self.peerpulse = Peerpulse(self.host, peers, zone="rack1", probe={"stall_after": "1s", "stall_open_after": "3s"})

    def traffic(self) -> None:
        for name, rate in _RATE.items():
            url = "http://{}:{}/hello".format(*self.peerpulse.listen[name])
            self.host.spawn(["h2load", "-c", "1", "-D", "300", "--rps", str(rate), url], name=f"load-{name}")


@contextlib.contextmanager
def lab_cluster():
    with Lab(nodes=5) as lab:
        cluster = Cluster(lab)
        with cluster.peerpulse as peerpulse:
            for name in cluster.servers:
                peerpulse.wait_verdict(name, "alive")
            cluster.traffic()
            yield cluster


@contextlib.contextmanager
def many_peers(count: int, bad: tuple[int, ...]):
    """On this machine: all but the `bad` ones lead to one server."""
    host = LocalHost()
    try:
        server = Anywhere(host).start()
        peers = [Peer(f"node{n}", f"127.0.1.{n}:{1 if n in bad else server.port}", {"zone": f"rack{n % 8 + 1}"})
                 for n in range(2, count + 2)]
        with Peerpulse(host, peers, zone="rack1", probe={"interval": "500ms", "suspect_after": "3s"}) as peerpulse:
            yield host, peerpulse
    finally:
        host.close()
