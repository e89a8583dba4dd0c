"""Sockets of programs that do not pass the proxy, when a peer's power is cut: the guard (design section 12)."""

import signal
import time

from tests.harness.case import DETECTED_S
from tests.harness.host import connect, free_port
from tests.harness.peerpulse import Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.raw_sockets import Dialled
from tests.harness.waiting import wait_for
from tests.lab.guard_case import FIRST_SECOND_S, GuardCase
from tests.lab.ipv6 import add_ipv6

_FAILS_OPEN_S = 2.0


class Guard(GuardCase):
    def test_reads_and_writes_in_both_directions_and_nobody_else(self):
        self.start()
        self.lab.node("node3").namespace.ip("addr add 10.77.0.33/24 dev eth0")  # of the same host, but not the peer's
        outbound = self.dial("node1", "node3", 16)
        elsewhere = self.dial("node1", "node3", 1, addresses={"node3": "10.77.0.33"})
        healthy = self.dial("node1", "node2", 4)
        inbound = Dialled(self.lab.node("node3"), self.local, 2, "read", self.local, self.port)
        self.cut("node3")
        self.assert_aborted(outbound, 16)
        self.assert_aborted(inbound, 2)
        self.assert_untouched(healthy, elsewhere)
        guard = self.wait_guard("node3", "refused")
        self.assertEqual(guard["destroyed_total"], 18)
        self.assertEqual(self.guard("node2")["destroyed_total"], 0)
        event = next(event for event in self.peerpulse.events("guard") if event["to"] == "refused")
        self.assertEqual((event["peer"], event["sockets"]["destroyed"], event["sockets"]["failed"]), ("node3", 18, 0))
        self.assertEqual(self.peerpulse.get("/cluster").json()["guard"]["refused"], ["node3"])

    def test_a_write_that_the_peer_does_not_take(self):
        self.start()
        writing = self.dial("node1", "node3", 2, "write")
        self.cut("node3")
        self.assert_aborted(writing, 2)

    def test_ipv6(self):
        addresses = add_ipv6(self.lab)
        self.start(addresses=addresses)
        outbound = self.dial("node1", "node3", 4, addresses=addresses)
        inbound = Dialled(self.lab.node("node3"), self.local, 1, "read", self.local, self.port, addresses)
        healthy = self.dial("node1", "node2", 1, addresses=addresses)
        self.cut("node3")
        self.assert_aborted(outbound, 4)
        self.assert_aborted(inbound, 1)
        self.assert_untouched(healthy)
        self.wait_guard("node3", "refused")  # a connect that comes before is aborted with the other sockets
        with self.assertRaises(ConnectionRefusedError):
            connect(self.local, (addresses["node3"], self.port), 0.3)

    def test_new_connects_are_refused_until_it_is_back(self):
        self.start()
        self.assertEqual(self.connect_error("node3"), "ECONNREFUSED")  # by node3 itself
        self.cut("node3")
        self.wait_guard("node3", "refused")
        begin = time.monotonic()
        while time.monotonic() - begin < 3:  # longer than an element lives
            asked = time.monotonic()
            self.assertEqual(self.connect_error("node3"), "ECONNREFUSED")
            self.assertLess(time.monotonic() - asked, 0.25)
        self.assertEqual(self.connect_error("node2"), "ECONNREFUSED")  # by node2 itself
        # Our own probes pass, so that its return is seen.
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("node3", "alive")
        self.wait_guard("node3", "idle")
        fresh = self.dial("node1", "node3")
        self.assert_untouched(fresh)
        self.assertEqual(self.peerpulse.stop(), 0)
        self.assertEqual(self.local.run(["nft", "list", "tables"]).stdout, b"")

    def test_our_own_connections_to_it_are_not_among_the_destroyed(self):
        self.start(guard={"ports": []})
        url = "http://{}:{}/hello".format(*self.peerpulse.listen["node3"])
        self.assertEqual(self.local.run(["curl", "-s", "--http2-prior-knowledge", url]).stdout, b"hello")
        self.assertGreater(self.peerpulse.peer("node3")["connections"]["idle"], 0)
        self.cut("node3")
        self.wait_guard("node3", "refused")
        self.assertEqual(self.destroyed(), 0)

    def test_a_peer_that_is_stopped_is_not_dead(self):
        self.start(probe={"stall_after": "200ms", "stall_open_after": "400ms"})
        outbound = self.dial("node1", "node3")
        self.servers["node3"].process.stop()
        self.peerpulse.wait_circuit("node3", "open")
        self.assertEqual(self.peerpulse.peer("node3")["verdict"], "stalled")
        self.assertEqual(self.guard("node3")["state"], "idle")
        self.assert_untouched(outbound)
        self.servers["node3"].process.cont()

    def test_a_table_that_somebody_flushed_is_made_anew(self):
        self.start()
        self.cut("node3")
        self.wait_guard("node3", "refused")
        self.assertEqual(self.local.run(["nft", "flush", "ruleset"]).returncode, 0)
        wait_for(lambda: self.connect_error("node3") == "ECONNREFUSED", 3, "refused again")
        self.assertEqual(self.peerpulse.metrics()["peerpulse_guard_table_repairs_total"], 1)
        self.assertIn("guard_table_repaired", self.peerpulse.process.output())

    def test_killed_while_it_refuses_the_network_is_back_in_two_seconds(self):
        self.start()
        self.cut("node3")
        self.wait_guard("node3", "refused")
        self.assertEqual(self.connect_error("node3"), "ECONNREFUSED")
        for kill in (signal.SIGSTOP, signal.SIGKILL):
            # Stopped, it must fail open too, and refuse again when it goes on.
            with self.subTest(signal=kill):
                wait_for(lambda: self.connect_error("node3") == "ECONNREFUSED", 3, "refused")
                self.peerpulse.process.signal(kill)
                begin = time.monotonic()
                while self.connect_error("node3", 0.1) == "ECONNREFUSED":
                    self.assertLess(time.monotonic() - begin, _FAILS_OPEN_S)
                if kill == signal.SIGSTOP:
                    self.peerpulse.process.cont()
        self.peerpulse.process.popen.wait()
        self.peerpulse.process = None

    def test_two_processes_in_one_namespace(self):
        self.start()
        peers = [Peer(name, server.address) for name, server in self.servers.items()]
        other = self.start_peerpulse(self.local, peers, guard={"ports": [self.port]})
        tables = self.local.run(["nft", "list", "tables"]).stdout.decode().split("\n")
        self.assertEqual(sorted(filter(None, tables)), ["table inet peerpulse_node1", "table inet peerpulse_node1_2"])
        wait_for(lambda: other.peer("node3")["verdict"] == "alive", 3, "alive")
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > FIRST_SECOND_S, 5, "the first second is over")
        outbound = self.dial("node1", "node3", 4)
        self.cut("node3")
        self.wait_guard("node3", "refused")
        wait_for(lambda: other.peer("node3")["guard"]["state"] == "refused", 3, "refused by both")
        self.assert_aborted(outbound, 4)
        self.assertEqual(other.stop(), 0)
        self.assertEqual(self.connect_error("node3"), "ECONNREFUSED")


class WithoutOthers(GuardCase):
    def test_with_nobody_to_compare_nothing_is_done(self):
        self.start(names=("node3",))
        outbound = self.dial("node1", "node3")
        self.cut("node3")
        self.wait_guard("node3", "withheld", "nobody_else")
        self.assertEqual(self.connect_error("node3"), "timeout")
        self.assert_untouched(outbound)

    def test_a_witness_is_enough(self):
        witness = self.lab.node("node2").address + ":1"  # nobody listens there: its kernel answers
        self.start(names=("node3",), guard={"witness": witness})
        outbound = self.dial("node1", "node3")
        self.cut("node3")
        self.assert_aborted(outbound, 1)
        self.wait_guard("node3", "refused")
        # He falls silent as well: then it may be this host.
        self.lab.cut("node2")
        self.wait_guard("node3", "withheld", "nobody_else", 5)
        self.assertEqual(self.connect_error("node3"), "timeout")

    def test_without_the_capability_the_rest_works_and_says_so(self):
        launcher = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", "--")
        self.start(launcher=launcher)
        outbound = self.dial("node1", "node3")
        self.cut("node3")
        self.peerpulse.wait_verdict("node3", "dead", DETECTED_S)
        guard = self.guard("node3")
        self.assertEqual(guard["state"], "off")
        self.assertIn("CAP_NET_ADMIN", guard["reason"])
        self.assertIn("CAP_NET_ADMIN", self.peerpulse.get("/cluster").json()["guard"]["missing"])
        self.assertEqual(self.peerpulse.process.output().count('"event":"guard_unavailable"'), 1)
        self.assert_untouched(outbound)

    def test_guard_alone_has_no_listener(self):
        self.start(guard={"mode": "guard"})
        self.assertEqual(self.peerpulse.listen, {})
        self.assertEqual(self.peerpulse.peer("node3")["listen"], "")
        outbound = self.dial("node1", "node3", 2)
        self.cut("node3")
        self.assert_aborted(outbound, 2)
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("node3", "alive")
        listening = self.local.run(["ss", "-Hltn"]).stdout.decode().split("\n")
        self.assertEqual(len(list(filter(None, listening))), 1, listening)  # the admin's

    def test_a_mode_for_each_peer(self):
        peers = [Peer(node.name, NghttpdPeer(node).start().address) for node in self.lab.nodes[1:]]
        peers[0].options["guard"] = {"mode": "proxy"}
        self.port = free_port(self.local)
        self.started = time.monotonic()
        self.peerpulse = self.start_peerpulse(self.local, peers, guard={"ports": [self.port]})
        outbound = self.dial("node1", "node2")
        self.cut("node2")
        self.peerpulse.wait_verdict("node2", "dead")
        self.assertEqual(self.guard("node2")["reason"], "mode proxy")
        self.assert_untouched(outbound)


class FourNodes(GuardCase):
    nodes = 4

    def test_two_of_three_dead(self):
        self.start()
        first = self.dial("node1", "node3", 2)
        second = self.dial("node1", "node4", 2)
        healthy = self.dial("node1", "node2", 2)
        self.cut("node3")
        self.assert_aborted(first, 2)
        self.lab.cut("node4")
        self.assert_aborted(second, 2)
        self.assert_untouched(healthy)
        self.assertEqual(self.peerpulse.get("/cluster").json()["guard"]["refused"], ["node3", "node4"])

    def test_the_own_uplink(self):
        self.start()
        before = {name: self.dial("node1", name, 2) for name in ("node2", "node3", "node4")}
        self.cut("node1")
        for name in before:
            self.peerpulse.wait_verdict(name, "dead", DETECTED_S)
        # For longer than local_health shows its suspicion.
        cut_off = time.monotonic()
        while time.monotonic() - cut_off < 3:
            for name in before:
                self.assertEqual(self.guard(name)["state"], "withheld")
        self.lab.restore("node1")
        for name in before:
            self.peerpulse.wait_verdict(name, "alive")
        self.assertEqual(self.destroyed(), 0)
        self.assert_untouched(*before.values())

    def test_the_own_uplink_while_another_one_is_dead(self):
        self.start()
        healthy = self.dial("node1", "node2", 2)
        self.cut("node3")
        self.wait_guard("node3", "refused")
        self.lab.cut("node1")
        self.peerpulse.wait_verdict("node2", "dead", DETECTED_S)
        self.wait_guard("node3", "withheld", "local_health")  # nobody is alive
        self.lab.restore("node1")
        self.wait_guard("node3", "refused")
        self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(self.guard("node2")["destroyed_total"], 0)
        self.assert_untouched(healthy)
