"""A lab with many peers, peerpulse on its first node, and HAProxy beside it where wanted."""

import contextlib
import random
import time

from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import Server
from tests.harness.waiting import wait_for
from tools.lib.bench.command import BenchFailed
from tools.lib.bench.detect.bulk_peer import BulkPeer
from tools.lib.bench.detect.events import EventStream
from tools.lib.bench.detect.haproxy import Haproxy
from tools.lib.bench.detect.linked_peer import Certificates, LinkedPeer
from tools.lib.bench.detect.scenario import Settings
from tools.lab import Lab, Node, Switched

FOUND_WITHIN_S = 5
_BACK_WITHIN_S = 10
_HAPROXY_WITHIN_S = 3
_LISTEN_PORT = 9000


def make_peerpulse(node: Node, addresses: dict[str, str], config: dict, links: dict[str, str] | None = None) -> Peerpulse:
    """Not started yet. `links`: by peer, where the peerpulse beside it is; those that have one are reached by it alone. Each peer's listener has a loopback address of its own: among many, ports taken at random
    would meet."""
    listen = {name: (f"127.0.{1 + number // 250}.{1 + number % 250}", _LISTEN_PORT)
              for number, name in enumerate(addresses)}
    # What is counted here is counted by peer, however many there are.
    config = {"metrics": {"per_peer": "no_histograms"}, **config}
    def options(name: str) -> dict:
        link = {"link": {"mode": "require", "address": links[name]}} if links else {}
        return {"listen": "{}:{}".format(*listen[name]), **link}
    peerpulse = Peerpulse(node, [Peer(name, address, options(name)) for name, address in addresses.items()], **config)
    peerpulse.listen.update(listen)
    return peerpulse


class Cluster:
    """`servers_per_node` servers (Settings.peers) on every node but the first; a peer is named node<N>_<M>.

    Use as a context. Threading: one thread at a time.
    """

    def __init__(self, nodes: int, settings: Settings, servers_per_node: int = 1, *, haproxy: bool = True,
                 delay: dict[str, float] | None = None, **config) -> None:
        self._lab = Lab(nodes=nodes + 1, delay=delay)
        self._servers_per_node = servers_per_node
        self._probed_by = settings.peers
        self._with_haproxy = haproxy and settings.haproxy
        # The guard would end HAProxy's own connections to a dead peer, and so make its time our own.
        guard = {"guard": {"mode": "proxy"}} if self._with_haproxy else {}
        self._config = {"log": {"access": {"mode": "off"}}, "probe": {"profile": settings.profile}, **guard, **config}
        self._stack = contextlib.ExitStack()
        self.servers: dict[str, Server] = {}
        self.haproxy: Haproxy | None = None

    def __enter__(self) -> "Cluster":
        with contextlib.ExitStack() as stack:
            self.lab: Lab = stack.enter_context(self._lab)
            self.local: Node = self.lab.nodes[0]
            make = {"h2": BulkPeer, "icmp": NginxPeer}.get(self._probed_by)
            if make is None:
                certificates = Certificates(self.lab.directory)
                self._config["link"] = {"tls": certificates.of(self.local)}
                make = lambda node: LinkedPeer(node, certificates)  # noqa: E731
            for node in self.lab.nodes[1:]:
                for number in range(1, self._servers_per_node + 1):
                    self.servers[f"{node.name}_{number}"] = make(node).start()
            addresses = {name: server.address for name, server in self.servers.items()}
            self.peerpulse: Peerpulse = stack.enter_context(
                make_peerpulse(self.local, addresses, self._config, self._links()))
            self.events = EventStream(self.peerpulse)
            stack.callback(self.events.close)
            for name in self.servers:
                self.peerpulse.wait_verdict(name, "alive", 30)
            self._wait_probed()
            if self._with_haproxy:
                self.haproxy = Haproxy(self.local, addresses)
                stack.callback(self.haproxy.close)
            time.sleep(1)  # what starting leaves behind
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.__exit__(*exception)

    def _links(self) -> dict[str, str] | None:
        if self._probed_by != "link":
            return None
        return {name: server.link for name, server in self.servers.items()}

    def _wait_probed(self) -> None:
        """Until each is probed as it will be: echoes need a trial."""
        means = {"h2": "ping", "icmp": "icmp", "link": "ping"}[self._probed_by]
        wait_for(lambda: all(peer["probe"]["host"] == means for peer in self.peerpulse.get("/peers").json()["peers"]),
                 30, f"all peers are probed by {means}")

    @property
    def h1(self) -> bool:
        """Its peers speak HTTP/1."""
        return self._probed_by in ("icmp", "link")

    @property
    def peer_nodes(self) -> list[Node]:
        return self.lab.nodes[1:]

    def peers_of(self, node: str) -> list[str]:
        return [name for name in self.servers if name.partition("_")[0] == node]

    def set_loss(self, percent: float) -> None:
        for node in self.peer_nodes:
            self.lab.set_loss(node.name, percent)

    # Power.

    def cut(self, nodes: list[str], apart: float) -> dict[str, "Cut"]:
        """One after the other, at random times within `apart` seconds, so that each hits another phase of probing."""
        cuts = {}
        for node in nodes:
            time.sleep(random.uniform(0, apart))
            cuts[node] = Cut(self, node)
        return cuts

    def restore(self, node: str) -> Switched:
        return self.lab.restore(node)

    def wait_back(self, names: list[str]) -> None:
        """Until traffic may flow to each again."""
        for name in names:
            self.peerpulse.wait_circuit(name, "closed", _BACK_WITHIN_S)
            self.peerpulse.wait_verdict(name, "alive", _BACK_WITHIN_S)
        if self._probed_by == "icmp":
            self._wait_probed()  # an outage is a reason to try the preface of h2 once more
        if self.haproxy is not None:
            self.haproxy.wait_up(names)


class Cut:
    """The power of one node has gone; made at that moment."""

    def __init__(self, cluster: Cluster, node: str) -> None:
        self._cluster = cluster
        self.node = node
        self.names = cluster.peers_of(node)
        self._position = cluster.events.position()
        self._for_haproxy = [] if cluster.haproxy is None else cluster.haproxy.note_down_before_cut(self.names)
        self.switched = cluster.lab.cut(node)

    def found(self) -> tuple[dict[str, dict], list[str]]:
        """The `dead` event of each peer, and those that have none."""
        events, missed = {}, []
        for name in self.names:
            event = self._cluster.events.wait(
                lambda e, name=name: e["peer"] == name and e["to"] == "dead" and e["from"] != "dead" and
                e["monotonic_ns"] > self.switched.ordered_ns, FOUND_WITHIN_S, self._position)
            if event is None:
                missed.append(name)
            else:
                events[name] = event
        if self._cluster.haproxy is not None:
            self._cluster.haproxy.collect(self.switched, self._for_haproxy, _HAPROXY_WITHIN_S)
        return events, missed

    def restore(self) -> None:
        self._cluster.restore(self.node)
        try:
            self._cluster.wait_back(self.names)
        except AssertionError as error:
            raise BenchFailed(f"{self.node} has power again: {error}") from error
