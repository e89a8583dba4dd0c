"""A request's head has a time of its own, also one of which a part came behind the request before."""

import socket

from tests.harness.case import LocalCase
from tests.harness.host import connect
from tests.harness.peerpulse import Peer
from tests.harness.recording_peer import RecordingPeer

_WHOLE = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
_PART = b"GET /second HTTP/1.1\r\nHo"


class HeadTimer(LocalCase):
    def setUp(self):
        super().setUp()
        self.peer = RecordingPeer(self.host)
        self.addCleanup(self.peer.close)
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", self.peer.address)], limits={"header_timeout": "300ms"})

    def _all_answers(self, data: bytes) -> list[bytes]:
        """Status lines until peerpulse ends the connection."""
        with connect(self.host, self.peerpulse.listen["node2"], timeout=30) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(data)
            received = b""
            while piece := client.recv(65536):
                received += piece
        return [line for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]

    def test_part_of_a_head_alone(self):
        self.assertEqual(self._all_answers(_PART), [b"HTTP/1.1 408 Request Timeout"])

    def test_part_of_a_head_behind_a_request(self):
        # The connection's idle time is a minute, the read's limit half of that.
        self.assertEqual(self._all_answers(_WHOLE + _PART), [b"HTTP/1.1 200 OK", b"HTTP/1.1 408 Request Timeout"])
        self.assertEqual([request.path for request in self.peer.requests], ["/first"])
