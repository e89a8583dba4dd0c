"""Base of the tests in which power is cut: peerpulse on node1, its peers on the other nodes."""

from tests.harness.case import DETECTED_S, LabCase
from tests.harness.http1 import request
from tests.harness.peerpulse import Peer


class PowerCase(LabCase):
    def start(self, server_type, on_dead: str = "respond", **config):
        """A server on every node but the first, where peerpulse runs."""
        self.servers = {}
        peers = []
        for node in self.lab.nodes[1:]:
            server = server_type(node).start()
            server.add_file("hello", b"hello")
            self.servers[node.name] = server
            peers.append(Peer(node.name, server.address, {"on_dead": on_dead}))
        self.run_peerpulse(peers, **config)

    def run_peerpulse(self, peers: list[Peer], **config):
        self.peerpulse = self.start_peerpulse(self.local, peers, **config)
        self.listen = self.peerpulse.listen
        for peer in peers:
            self.peerpulse.wait_verdict(peer.name, "alive")

    def cut(self, *names: str):
        self.switched = self.lab.cut(*names)
        for name in names:
            state = self.peerpulse.wait_verdict(name, "dead", DETECTED_S)
            self.assertEqual((state["circuit"], state["reason"]), ("open", "probe_silence"))

    def assert_alive(self, *names: str):
        for name in names:
            self.assertEqual(self.peerpulse.peer(name)["verdict"], "alive")

    def get(self, name: str, path: str = "/hello"):
        return request(self.local, self.listen[name], "GET", path)
