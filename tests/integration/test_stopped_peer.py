"""A peer whose process stands still: its clients' own guards must see it as they would without us (design section 3)."""

import threading

from tests.harness.case import LocalCase
from tests.harness.h2_client import ACK, HEADERS, SETTINGS, H2Client
from tests.harness.peers import NghttpdPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.waiting import wait_for

_GUARD_S = 3.0
"""How long a client of hyper's kind waits for a PING's answer."""


class StoppedPeer(LocalCase):
    def setUp(self):
        super().setUp()
        self.server = NghttpdPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", self.server.address)], probe={"stall_after": "1s"})
        self.peerpulse.wait_verdict("node2", "alive")
        self.listen = self.peerpulse.listen["node2"]

    def client(self) -> H2Client:
        client = self.enterContext(H2Client(self.host, self.listen))
        wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "the server's SETTINGS")
        client.send(SETTINGS, ACK)
        client.ping(1)
        wait_for(lambda: client.acked() == [1], 10 * SLOWDOWN, "a PING is answered while the peer is well")
        return client

    def test_pings_stay_unanswered_while_it_owes_an_answer_and_are_answered_with_it(self):
        busy, idle = self.client(), self.client()
        self.server.process.stop()
        busy.get(1, "/")
        self.peerpulse.wait_verdict("node2", "stalled")
        late = self.client_that_comes_now()
        for client in (busy, idle, late):
            client.ping(2)
            client.ping(3)
        # A time of observation: the guard of a client that watches its connection has run out by then.
        threading.Event().wait(_GUARD_S)
        self.assertEqual([client.acked() for client in (busy, idle, late)], [[1], [1], []])
        self.assertEqual([client.end for client in (busy, idle, late)], ["", "", ""])
        self.server.process.cont()
        wait_for(lambda: busy.acked() == [1, 2, 3], 10 * SLOWDOWN, "they are answered, in order")
        wait_for(lambda: idle.acked() == [1, 2, 3], 10 * SLOWDOWN, "they are answered, in order")
        wait_for(lambda: late.acked() == [2, 3], 10 * SLOWDOWN, "they are answered, in order")
        wait_for(lambda: busy.got(HEADERS), 10 * SLOWDOWN, "the exchange under way ends well")
        self.assertEqual(self.peerpulse.peer("node2")["failures_total"], 0)

    def test_its_evidence_is_the_silence_of_the_process_not_of_its_kernel(self):
        # Its kernel may have been enough to call it alive.
        wait_for(lambda: self.peerpulse.peer("node2")["process_silent_ms"] is not None, 10 * SLOWDOWN, "its process spoke")
        self.server.process.stop()
        peer = self.peerpulse.wait_verdict("node2", "stalled")
        self.assertGreaterEqual(peer["process_silent_ms"], 1000)
        self.assertLess(peer["last_heard_ms"], peer["process_silent_ms"])
        event = next(event for event in self.peerpulse.events() if event["to"] == "stalled")
        self.assertGreaterEqual(event["evidence"]["process_silence_ms"], 1000)
        self.assertLess(event["evidence"]["silence_ms"], 1000)
        line = next(line for line in self.peerpulse.log_lines() if line["event"] == "transition" and line["to"] == "stalled")
        self.assertGreaterEqual(line["evidence"]["process_silence_ms"], 1000)
        self.server.process.cont()
        self.peerpulse.wait_verdict("node2", "alive")

    def client_that_comes_now(self) -> H2Client:
        client = self.enterContext(H2Client(self.host, self.listen))
        wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "the server's SETTINGS")
        return client
