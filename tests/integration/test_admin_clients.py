"""Clients of the admin that are silent or slow, more than there are places: an orchestrator's /livez is answered all the same."""

import contextlib
import time

from tests.harness.case import LocalCase
from tests.harness.host import connect
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tools.lib.bench import admin as bench

_PLACES = 128
_CLIENTS = 400
_ASKED = 20
_ANSWERED_S = 1.0 * SLOWDOWN


class AdminClients(LocalCase):
    def setUp(self):
        super().setUp()
        self.server = NginxPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.server.address)])

    def flood(self, first_bytes: bytes, clients: int = _CLIENTS) -> None:
        for _ in range(clients):
            client = connect(self.host, self.peerpulse.admin)
            self.addCleanup(client.close)
            with contextlib.suppress(ConnectionError):  # it may have had to give way by now
                client.sendall(first_bytes)

    def assert_answers(self, within: float = _ANSWERED_S) -> None:
        for _ in range(_ASKED):
            began = time.monotonic()
            self.assertEqual(self.peerpulse.get("/livez").status, 200)
            self.assertLess(time.monotonic() - began, within)

    def test_that_say_nothing(self):
        self.flood(b"")
        self.assert_answers()
        metrics = self.peerpulse.metrics()
        self.assertGreaterEqual(metrics["peerpulse_admin_evicted_total"], _CLIENTS - _PLACES)
        self.assertLessEqual(metrics["peerpulse_admin_connections"], _PLACES)

    def test_that_never_end_their_head(self):
        self.flood(b"GET /livez HTTP/1.1\r\nHost: ")
        self.assert_answers()

    def test_that_read_nothing(self):
        """What they asked for is work; the first /livez stands behind it."""
        self.flood(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20, 160)
        self.assert_answers(within=5 * SLOWDOWN)

    def test_a_thousand_of_each_kind_who_come_again(self):
        """The bench's target is 50 ms; here is slack for a busy machine."""
        result = bench.measure(1000, 100)
        print(result)
        self.assertGreaterEqual(result["evicted"], 1000 - _PLACES)
        self.assertLess(result["p99_ms"], 5000 * SLOWDOWN)
