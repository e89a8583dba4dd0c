"""A firewall at the peer forgets every connection that exists; new ones pass. The peer lives all the while."""

import re
import time

from tests.harness.clients import curl, url
from tests.harness.http1 import Http1Client
from tests.harness.peers import NghttpdPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.lab.power_case import PowerCase
from tools.lab.nftables import Nftables

_ESTABLISHED = "01"


class FlowEraser:
    """Drops what arrives at `port` of the node from the source ports that are connected to it when forget() is called."""

    def __init__(self, node) -> None:
        self._node = node
        self._nft = Nftables(node.namespace)
        self._nft.run("""table inet forgetful {
            set flows { type inet_service; }
            chain input { type filter hook input priority -300; policy accept; tcp sport @flows drop; }
        }""")

    def forget(self, port: int) -> set[int]:
        """The source ports that were forgotten."""
        table = self._node.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).stdout.decode()
        flows = set()
        for local, remote, state in re.findall(r"^ *\d+: \w+:(\w{4}) \w+:(\w{4}) (\w\w)", table, re.MULTILINE):
            if int(local, 16) == port and state == _ESTABLISHED:
                flows.add(int(remote, 16))
        if not flows:
            raise AssertionError(f"nothing is connected to port {port}:\n{table}")
        self._nft.run("add element inet forgetful flows { %s }" % ", ".join(map(str, flows)))
        return flows

    def close(self) -> None:
        self._nft.close()


class ForgottenFlow(PowerCase):
    def eraser(self, name: str = "node3") -> FlowEraser:
        eraser = FlowEraser(self.lab.node(name))
        self.addCleanup(eraser.close)
        return eraser

    def assert_not_blamed(self, forgotten: int) -> None:
        peer = self.peerpulse.peer("node3")
        self.assertEqual((peer["verdict"], peer["circuit"]), ("alive", "closed"))
        self.assertEqual(peer["failures_total"], 0)
        deaths = [event for event in self.peerpulse.events() if event.get("verdict") == "dead"]
        self.assertEqual(deaths, [])
        metrics = self.peerpulse.metrics()
        self.assertGreaterEqual(metrics['peerpulse_forgotten_connections_total{peer="node3"}'], forgotten)

    def test_h1_requests_after_it_are_served_and_the_one_on_it_fails_soon(self):
        def serve(connection, head: bytes) -> bool:
            connection.sendall(answer("200 OK", b"ok"))
            return True

        server = self.start_scripted(self.lab.node("node3"), serve)
        self.run_peerpulse([Peer("node3", server.address, {"protocol": "http1"})], workers=1,
                           retry={"replay_idempotent": False})
        clients = [self.enterContext(Http1Client(self.local, self.listen["node3"])) for _ in range(4)]
        for client in clients:
            self.assertEqual(client.request("GET", "/").status, 200)
        self.eraser().forget(int(server.address.rpartition(":")[2]))
        began = time.monotonic()
        clients[0].send_head("GET", "/lost")
        time.sleep(1)  # not a wait for anything: a second is what the others are held to
        after = time.monotonic()
        for client in clients[1:]:
            self.assertEqual(client.request("GET", "/").status, 200)
        self.assertLess(time.monotonic() - after, 0.5 * SLOWDOWN)
        lost = clients[0].read_response()
        self.assertEqual(lost.status, 502)
        self.assertIn("connection_terminated", lost.headers["proxy-status"])
        self.assertIn("forgotten", lost.headers["proxy-status"])
        self.assertLess(time.monotonic() - began, 5 * SLOWDOWN)
        self.assert_not_blamed(1)

    def test_h2_requests_go_on_over_another_connection(self):
        server = NghttpdPeer(self.lab.node("node3")).start()
        server.add_file("hello", b"hello")
        self.run_peerpulse([Peer("node3", server.address)], workers=1)
        target = url(self.listen["node3"], "/hello")
        self.assertEqual(curl(self.local, target, h2=True).body, b"hello")
        self.eraser().forget(int(server.address.rpartition(":")[2]))
        longest = 0.0
        for _ in range(10):  # bodyless and safe: the one that was lost is replayed
            began = time.monotonic()
            result = curl(self.local, target, h2=True)
            longest = max(longest, time.monotonic() - began)
            self.assertEqual(result.body, b"hello", result.errors)
        self.assertLess(longest, 5 * SLOWDOWN)
        self.assert_not_blamed(1)

    def test_a_lost_syn_costs_no_second(self):
        server = NghttpdPeer(self.lab.node("node3")).start()
        server.add_file("hello", b"hello")
        self.run_peerpulse([Peer("node3", server.address)], workers=1)
        port = server.address.rpartition(":")[2]
        nft = Nftables(self.lab.node("node3").namespace)
        self.addCleanup(nft.close)
        # The prober has its connection: the next SYN is that of the request.
        nft.run(f"""table inet lossy {{
            chain input {{
                type filter hook input priority -300; policy accept;
                tcp dport {port} tcp flags & (syn | ack) == syn numgen inc mod 1000000 == 0 drop
            }}
        }}""")
        began = time.monotonic()
        result = curl(self.local, url(self.listen["node3"], "/hello"), h2=True)
        self.assertEqual(result.body, b"hello", result.errors)
        self.assertLess(time.monotonic() - began, 0.9 * SLOWDOWN)
        self.assertEqual(self.peerpulse.metrics()['peerpulse_late_connects_total{peer="node3"}'], 1)
