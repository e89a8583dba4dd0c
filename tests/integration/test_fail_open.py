"""A prober that does not run: nobody may believe what it said before (design section 3)."""

from tests.harness.case import DETECTED_S, LocalCase
from tests.harness.http1 import Http1Client, refused, request
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.threads import stopped_thread
from tests.harness.waiting import wait_for

_PROBER = "pp-prober"
_STALLED_S = 3 * SLOWDOWN
"""One second without a beat, one tenth until it is looked at; the machine is busy."""


class FailOpen(LocalCase):
    def setUp(self):
        super().setUp()
        self.server = NginxPeer(self.host).start()
        self.server.add_file("hello", b"hello")
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.server.address, {"on_dead": "refuse"})])
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")
        self.server.process.kill()
        self.peerpulse.wait_circuit("node2", "open", DETECTED_S)
        wait_for(lambda: refused(self.host, self.listen), DETECTED_S, "ECONNREFUSED")

    def logged(self, event: str) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == event]

    def test_a_refusing_listener_serves_again(self):
        with stopped_thread(self.peerpulse.process.pid, _PROBER):
            self.server.start()
            wait_for(lambda: not refused(self.host, self.listen), _STALLED_S, "the listener is open")
            for _ in range(8):  # whichever worker accepts
                self.assertEqual(request(self.host, self.listen, "GET", "/hello").body, b"hello")
            self.assertEqual(self.peerpulse.peer("node2")["circuit"], "open")
            self.assertEqual(self.peerpulse.get("/peers").json()["local_health"], "prober_stalled")
        self.peerpulse.wait_circuit("node2", "closed", DETECTED_S)
        self.assertEqual(request(self.host, self.listen, "GET", "/hello").body, b"hello")
        wait_for(lambda: self.logged("prober_resumed"), 5 * SLOWDOWN, "the end of the stall in the log")
        self.assertEqual(len(self.logged("prober_stalled")), 1)

    def test_the_listener_refuses_again_when_the_prober_is_back_and_the_peer_is_not(self):
        with stopped_thread(self.peerpulse.process.pid, _PROBER):
            wait_for(lambda: not refused(self.host, self.listen), _STALLED_S, "the listener is open")
            client = self.enterContext(Http1Client(self.host, self.listen))
        self.assertTrue(client.closed_by_reset())
        wait_for(lambda: refused(self.host, self.listen), DETECTED_S, "ECONNREFUSED")
