"""Descriptors running out: clients take all they get, and must not blind the prober or mute the admin (design 3, 13)."""

import contextlib
import resource
import time

from tests.harness.case import LocalCase
from tests.harness.host import connect
from tests.harness.http1 import Http1Client, request
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.waiting import wait_for

_OBSERVED_S = 3
"""Fifty times the silence that makes a peer suspect, and three times that which made it dead without a confirm."""


class OutOfDescriptors(LocalCase):
    def setUp(self):
        super().setUp()
        self.server = NginxPeer(self.host).start()
        self.server.add_file("hello", b"hello")
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", self.server.address)], launcher=("prlimit", "--nofile=64"))
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")
        # An h1 peer: probed by connects, each of which needs a descriptor.
        wait_for(lambda: self.peerpulse.peer("node2")["probe"]["mode"] == "l4", 10 * SLOWDOWN, "probed by connects")

    def assert_peer_was_never_doubted(self) -> None:
        self.assertEqual([event for event in self.peerpulse.events() if event["to"] != "alive"], [])
        state = self.peerpulse.peer("node2")
        self.assertEqual((state["verdict"], state["circuit"], state["failures_total"]), ("alive", "closed", 0))
        self.assertEqual(self.peerpulse.metrics()['peerpulse_probe_unasked_total{peer="node2"}'], 0)

    def turned_away(self, reason: str = "descriptors") -> float:
        return self.peerpulse.metrics()[f'peerpulse_clients_turned_away_total{{peer="node2",reason="{reason}"}}']

    def test_idle_clients_leave_enough_for_probes_admin_and_exchanges(self):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(Http1Client(self.host, self.listen)) for _ in range(120)]
            wait_for(lambda: self.turned_away() > 0, 10 * SLOWDOWN, "clients are turned away")
            until = time.monotonic() + _OBSERVED_S
            while time.monotonic() < until:
                self.assertEqual(self.peerpulse.get("/livez").status, 200)
                self.assertEqual(clients[0].request("GET", "/hello").body, b"hello")
            self.assert_peer_was_never_doubted()
            self.assertTrue(clients[-1].ended(), "told at once, not left waiting")
            wait_for(lambda: self.peerpulse.get("/peers").json()["local_health"] == "ok", 10 * SLOWDOWN,
                     "this host is well, though it may have other work")
        lines = [line for line in self.peerpulse.log_lines() if line["event"] == "descriptors_exhausted"]
        self.assertTrue(lines)
        self.assertLess(len(lines), 20, "one line now and then, not one per client")
        wait_for(self.served, 10 * SLOWDOWN, "new clients are served again")

    def served(self) -> bool:
        try:
            return request(self.host, self.listen, "GET", "/hello").body == b"hello"
        except ConnectionError:
            return False

    def test_idle_clients_of_the_admin_leave_enough_for_probes(self):
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(connect(self.host, self.peerpulse.admin))
            until = time.monotonic() + _OBSERVED_S
            while time.monotonic() < until:
                self.assertEqual(request(self.host, self.listen, "GET", "/hello").body, b"hello")
        self.assert_peer_was_never_doubted()

    def test_a_limit_that_falls_while_the_process_runs_is_followed(self):
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.server.address)])
        listen = peerpulse.listen["node2"]
        peerpulse.wait_verdict("node2", "alive")
        with contextlib.ExitStack() as stack:
            old = [stack.enter_context(Http1Client(self.host, listen)) for _ in range(10)]
            self.assertEqual(old[0].request("GET", "/hello").body, b"hello")
            resource.prlimit(peerpulse.process.pid, resource.RLIMIT_NOFILE, (64, 64))
            wait_for(lambda: [line for line in peerpulse.log_lines() if line.get("limit") == 64], 10 * SLOWDOWN,
                     "the new limit in the log")
            for _ in range(120):
                stack.enter_context(Http1Client(self.host, listen))
            until = time.monotonic() + _OBSERVED_S
            while time.monotonic() < until:
                self.assertEqual(peerpulse.get("/livez").status, 200)
                self.assertEqual(old[0].request("GET", "/hello").body, b"hello")
            self.assertEqual([event for event in peerpulse.events() if event["to"] != "alive"], [])

    def test_the_limits_are_said_at_the_start(self):
        lines = [line for line in self.peerpulse.log_lines() if line["event"] == "descriptors"]
        self.assertEqual(len(lines), 1)
        line = lines[0]
        self.assertEqual(line["limit"], 64)
        self.assertLess(line["clients_up_to"], line["upstream_up_to"])
        self.assertLess(line["upstream_up_to"], line["admin_up_to"])
        self.assertLess(line["admin_up_to"], 64)
