"""Clients of the admin that are silent or slow, more than there are places: an orchestrator's /livez is answered all the same."""

import contextlib
import time
import unittest

from tests.harness.case import LocalCase
from tests.harness.host import connect
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.waiting import wait_for

_PLACES = 128
_CLIENTS = 400
_ASKED = 20
_ANSWERED_S = 1.0 * SLOWDOWN


class AdminClients(LocalCase):
    def setUp(self):
        super().setUp()
        self.server = NginxPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.server.address)])

    def flood(self, first_bytes: bytes, count: int = _CLIENTS) -> None:
        for _ in range(count):
            client = connect(self.host, self.peerpulse.admin)
            self.addCleanup(client.close)
            with contextlib.suppress(ConnectionError):  # it may have had to give way by now
                client.sendall(first_bytes)

    def answers(self) -> bool:
        try:
            return self.peerpulse.get("/livez").status == 200
        except ConnectionError:
            return False

    def assert_answers(self) -> None:
        for _ in range(_ASKED):
            began = time.monotonic()
            self.assertEqual(self.peerpulse.get("/livez").status, 200)
            self.assertLess(time.monotonic() - began, _ANSWERED_S)

    def test_that_say_nothing(self):
        self.flood(b"")
        self.assert_answers()
        metrics = self.peerpulse.metrics()
        self.assertGreaterEqual(metrics["peerpulse_admin_evicted_total"], _CLIENTS - _PLACES)
        self.assertLessEqual(metrics["peerpulse_admin_connections"], _PLACES)

    def test_that_never_end_their_head(self):
        self.flood(b"GET /livez HTTP/1.1\r\nHost: ")
        self.assert_answers()

    @unittest.skipIf(SLOWDOWN > 1, "makes many thousand answers")
    def test_that_do_not_read_their_answers(self):
        # Each is more than a socket's buffers take.
        get = "GET /metrics HTTP/1.1\r\nHost: {}:{}\r\n\r\n".format(*self.peerpulse.admin).encode()
        self.flood(get * 300, _PLACES)
        wait_for(self.answers, 20, "they have been slow for a second: before, each keeps its place")
        self.assert_answers()
        self.assertGreater(self.peerpulse.metrics()["peerpulse_admin_evicted_total"], 0)
