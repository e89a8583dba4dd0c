"""h2 clients that only ask whether we live (gRPC channels between two calls) keep their connection, and are told before it
ends."""

import time

from tests.harness.case import LocalCase
from tests.harness.h2_client import (
    ACK, END_STREAM, GOAWAY, HEADERS, PING, SETTINGS, WINDOW_UPDATE, H2Client, get_headers)
from tests.harness.peers import NghttpdPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.waiting import wait_for


class IdleH2(LocalCase):
    def setUp(self):
        super().setUp()
        peer = NghttpdPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", peer.address)],
            limits={"header_timeout": "100ms", "downstream_idle_timeout": "2s"})
        self.client = self.enterContext(H2Client(self.host, self.peerpulse.listen["node2"]))

    def test_frames_that_are_no_request_do_not_start_the_time_for_its_head(self):
        wait_for(lambda: self.client.got(SETTINGS), 10 * SLOWDOWN, "the server's SETTINGS")
        self.client.send(SETTINGS, ACK)
        until = time.monotonic() + 4
        number = 0
        while time.monotonic() < until:
            number += 1
            if number % 3 == 0:
                self.client.send(WINDOW_UPDATE, payload=(1000).to_bytes(4, "big"))
            else:
                self.client.ping(number)
            time.sleep(0.15)  # each alone: what follows at once would hide what came before
        self.assertEqual(self.client.got(GOAWAY), [])
        self.assertEqual(self.client.end, "")
        self.client.ping(4242)
        wait_for(lambda: 4242 in self.client.acked(), 10 * SLOWDOWN, "the last PING is answered")
        # It can still be used.
        self.client.get(1, "/")
        wait_for(lambda: self.client.got(HEADERS), 10 * SLOWDOWN, "an answer")

    def test_idle_for_too_long_it_is_told_before_the_end(self):
        self.assertEqual(self.client.wait_end(20 * SLOWDOWN), "fin")
        self.assertTrue(self.client.got(GOAWAY))

    def test_a_head_that_is_not_finished_ends_by_goaway(self):
        self.client.send(HEADERS, END_STREAM, 1, get_headers("/"))  # no END_HEADERS
        self.assertEqual(self.client.wait_end(20 * SLOWDOWN), "fin")
        self.assertTrue(self.client.got(GOAWAY))

    def test_at_the_end_of_the_process_it_is_told(self):
        wait_for(lambda: self.client.got(SETTINGS), 10 * SLOWDOWN, "open")
        self.peerpulse.process.signal(15)
        wait_for(lambda: self.client.got(GOAWAY), 10 * SLOWDOWN, "GOAWAY")
        for ping in self.client.got(PING):
            self.client.send(PING, ACK, payload=ping.payload)
        self.assertEqual(self.client.wait_end(20 * SLOWDOWN), "fin")
