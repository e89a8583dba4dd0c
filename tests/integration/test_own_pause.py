"""peerpulse itself stands still (SIGSTOP, a migrated virtual machine): nobody else is to blame for that time."""

import contextlib
import threading

from tests.harness.case import LocalCase
from tests.harness.h2_client import H2Client
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_PAUSE_S = 6.0
"""Longer than every timeout below, than S and C, and than the time after which a prober counts as stopped."""
_CLIENTS = 120
"""More for each worker than one look at the sockets tells it of (32 at first)."""
_STREAMS = range(1, 21, 2)


class OwnPause(LocalCase):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.peer = self.start_scripted(self.host, self.serve)
        self.addCleanup(self.release.set)
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", self.peer.address, {"protocol": "http1"})],
            timeouts={name: {"request": "3s", "stall": "3s", "connect": "1s", "min_bytes_per_second": 0}
                      for name in ("control", "bulk")},
            limits={"header_timeout": "2s", "downstream_idle_timeout": "4s"})
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")

    def serve(self, connection, head: bytes) -> bool:
        if b" /slow " in head:
            self.release.wait(60)
        connection.sendall(answer("200 OK", b"done"))
        return True

    def pause(self, meanwhile) -> None:
        self.peerpulse.process.stop()
        meanwhile()
        threading.Event().wait(_PAUSE_S)
        self.peerpulse.process.cont()

    def test_what_was_under_way_ends_well_and_nobody_is_blamed(self):
        with contextlib.ExitStack() as stack:
            def client():
                return stack.enter_context(Http1Client(self.host, self.listen, timeout=60))
            idle, half = client(), client()
            self.assertEqual(idle.request("GET", "/first").status, 200)
            slow = [client() for _ in range(_CLIENTS)]
            for each in slow:
                each.send_head("GET", "/slow")
            h2 = stack.enter_context(H2Client(self.host, self.listen))
            for stream in _STREAMS:
                h2.get(stream, "/slow")
            wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == _CLIENTS + len(_STREAMS), 20 * SLOWDOWN, "in flight")
            half.send(b"GET /half HTTP/1.1\r\n")

            def meanwhile():
                self.release.set()
                half.send(b"Host: node2\r\n\r\n")
                idle.send_head("GET", "/second")
            self.pause(meanwhile)

            for each in (*slow, half, idle):
                response = each.read_response()
                self.assertEqual((response.status, response.body), (200, b"done"))
            wait_for(lambda: h2.succeeded() == set(_STREAMS), 30 * SLOWDOWN, "the answers to the h2 client")
        state = self.peerpulse.peer("node2")
        self.assertEqual((state["circuit"], state["failures_total"], state["timeouts_total"]), ("closed", 0, 0))
        self.assertEqual([e for e in self.peerpulse.events() if e["circuit"] != "closed" or e["to"] == "stalled"], [])
        self.assertEqual([line for line in self.peerpulse.log_lines() if line["event"] == "prober_stalled"], [])

    def test_a_drain_under_way_has_its_time_after_it(self):
        self.peerpulse.check_end()
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.peer.address)], drain_timeout="3s")
        with Http1Client(self.host, peerpulse.listen["node2"], timeout=60) as client:
            client.send_head("GET", "/slow")
            wait_for(lambda: peerpulse.peer("node2")["in_flight"] == 1, 20 * SLOWDOWN, "in flight")
            peerpulse.process.signal(15)
            wait_for(lambda: "SIGTERM" in peerpulse.process.output(), 10 * SLOWDOWN, "draining")
            self.peerpulse = peerpulse
            self.pause(self.release.set)
            self.assertEqual(client.read_response().body, b"done")
        self.assertEqual(peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
        self.assertNotIn("drain_timeout", peerpulse.process.output())

    def test_after_it_a_dead_peer_is_still_found(self):
        self.pause(lambda: None)
        self.peerpulse.wait_verdict("node2", "alive")
        self.peer.close()
        self.peerpulse.wait_verdict("node2", "refusing")
        self.assertEqual(request(self.host, self.listen, "GET", "/x").status, 502)
