"""A peer by name whose addresses are on several hosts, of both families, and beside the guard."""

from tests.harness.case import DETECTED_S
from tests.harness.clients import curl, url
from tests.harness.dns_server import DnsServer, Reply
from tests.harness.host import connect
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for
from tests.lab.guard_case import GuardCase
from tests.lab.ipv6 import At, add_ipv6

NAME = "store.example"
PORT = 9100
QUICK = {"timeout": "100ms", "tries": 1, "min_ttl": "100ms", "retry": "200ms"}


class Named(GuardCase):
    def named(self, *addresses: str, peers: tuple[Peer, ...] = (), **config) -> None:
        """A peer "store" that leads to these, beside node4."""
        self.dns = DnsServer(self.local, {NAME: Reply(addresses, ttl=0)})
        self.addCleanup(self.dns.close)
        config.setdefault("dns", {"servers": [self.dns.address], **QUICK})
        self.peerpulse = self.start_peerpulse(self.local, [Peer("store", f"{NAME}:{PORT}"), *peers], **config)
        for peer in ("store", *(peer.name for peer in peers)):
            self.peerpulse.wait_verdict(peer, "alive")

    def serve(self, node, address: str = "") -> str:
        address = address or node.address
        server = NghttpdPeer(At(node, address), PORT).start()
        server.add_file("hello", address.encode())
        return address

    def served_by(self) -> str:
        result = curl(self.local, url(self.peerpulse.listen["store"], "/hello"), h2=True)
        return result.body.decode() if result.status == 200 else ""


class Hosts(Named):
    def test_the_power_of_one_of_two_addresses_is_not_the_peers(self):
        addresses = [self.serve(node) for node in self.lab.nodes[1:3]]
        self.named(*addresses)
        used = self.served_by()
        left = next(address for address in addresses if address != used)
        self.lab.cut(next(node.name for node in self.lab.nodes if node.address == used))
        wait_for(lambda: self.served_by() == left, DETECTED_S + 5, "the other host serves")
        self.assertEqual(self.peerpulse.peer("store")["verdict"], "alive")
        self.assertNotIn("dead", [event["to"] for event in self.peerpulse.events()])

    def test_both_without_power_are_dead_and_either_brings_it_back(self):
        addresses = [self.serve(node) for node in self.lab.nodes[1:3]]
        self.named(*addresses)
        self.lab.cut("node2", "node3")
        self.peerpulse.wait_verdict("store", "dead")
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("store", "alive")
        self.assertEqual(self.served_by(), self.lab.node("node3").address)

    def test_both_families(self):
        node = self.lab.node("node2")
        six = add_ipv6(self.lab)["node2"]
        self.serve(node, six)
        self.named(six, node.address)  # nobody listens on the IPv4 one
        self.assertEqual(self.served_by(), six)
        self.dns.zone[NAME] = Reply((node.address,))
        self.assertEqual(self.peerpulse.peer("store")["verdict"], "alive")

    def test_a_link_local_address(self):
        add_ipv6(self.lab)
        node = self.lab.node("node2")
        for number, host in ((1, self.local), (2, node)):
            host.namespace.ip(f"addr add fe80::77:{number}/64 dev eth0 nodad")
        address = "fe80::77:2"
        self.serve(node, f"{address}%eth0")
        self.peerpulse = self.start_peerpulse(self.local, [Peer("store", f"[{address}%eth0]:{PORT}")])
        self.assertEqual(self.peerpulse.wait_verdict("store", "alive")["address"], f"[{address}%eth0]:{PORT}")
        self.assertEqual(self.served_by(), f"{address}%eth0")

    def test_our_own_sockets_have_the_mark(self):
        address = self.serve(self.lab.node("node2"))
        self.local.run(["nft", "add table ip marks; add chain ip marks out { type filter hook output priority 0; };"
                        f"add rule ip marks out ip daddr {address} tcp dport {PORT} meta mark != 77 counter reject"])
        self.named(address, upstream={"mark": 77}, guard={"mode": "proxy"})
        self.assertEqual(self.served_by(), address)
        rules = self.local.run(["nft", "list", "table", "ip", "marks"]).stdout.decode()
        self.assertIn("counter packets 0", rules)


class Guarded(Named):
    nodes = 4

    def test_the_guard_follows_the_name(self):
        for node in self.lab.nodes[1:4]:
            self.serve(node)
        other = Peer("node4", f"{self.lab.node('node4').address}:{PORT}")
        self.port = PORT
        self.named(self.lab.node("node2").address, peers=(other,))
        self.dns.zone[NAME] = Reply((self.lab.node("node3").address,), ttl=0)
        wait_for(lambda: self.peerpulse.peer("store")["addresses"] == [f"{self.lab.node('node3').address}:{PORT}"],
                 10 * SLOWDOWN, "moved")
        at_old, at_new = (connect(self.local, (self.lab.node(name).address, PORT)) for name in ("node2", "node3"))
        self.addCleanup(at_old.close)
        self.addCleanup(at_new.close)
        wait_for(lambda: self.guard("store")["state"] == "idle", 10, "the guard is idle")
        self.cut_when_settled("node3")
        self.wait_guard("store", "refused", timeout=10)
        at_new.settimeout(5)
        with self.assertRaises(ConnectionAbortedError):
            while at_new.recv(4096):
                pass
        at_old.sendall(b"GET / HTTP/1.1\r\n\r\n")  # nobody has touched it
        with self.assertRaises(ConnectionRefusedError):
            connect(self.local, (self.lab.node("node3").address, PORT), 1)

    def cut_when_settled(self, name: str) -> None:
        self.started = 0
        self.cut(name)
