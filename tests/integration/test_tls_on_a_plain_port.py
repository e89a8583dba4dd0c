"""TLS spoken to a plain port, and a plain request to a port that speaks TLS: the most frequent mistake in an address has a name."""

import socket
import ssl

from tests.harness.case import LocalCase
from tests.harness.host import connect
from tests.harness.http1 import request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.connection_listener import ConnectionListener
from tests.harness.waiting import wait_for

_ALERT = bytes((0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46))  # fatal, protocol_version


class Tls(LocalCase):
    def lines(self) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == "exchange"]

    def test_a_client_that_speaks_tls(self):
        peer = self.start_scripted(self.host, lambda connection, head: connection.sendall(answer("200 OK")) or True)
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with connect(self.host, self.peerpulse.listen["node2"]) as plain, self.assertRaises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="node2")
        line = wait_for(self.lines, 10 * SLOWDOWN, "the line")[0]
        self.assertEqual((line["error"], line["party"]), ("http_request_error", "client"))
        self.assertIn("TLS handshake", line["details"])

    def test_a_peer_that_speaks_tls(self):
        """As OpenSSL does about what is no ClientHello."""
        def serve(connection: socket.socket) -> None:
            if connection.recv(65536):
                connection.sendall(_ALERT)

        peer = ConnectionListener(self.host, serve)
        self.addCleanup(peer.close)
        for protocol in ("http1", "http2"):
            with self.subTest(protocol=protocol):
                self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"protocol": protocol})])
                self.peerpulse.wait_verdict("node2", "alive")
                self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "GET", "/x").status, 502)
                line = wait_for(self.lines, 10 * SLOWDOWN, "the line")[0]
                self.assertIn("the peer speaks TLS", line["details"])
                last = self.peerpulse.peer("node2")["last_error"]
                self.assertEqual((last["error"], last["party"]), ("http_protocol_error", "peer"))
                self.assertIn("the peer speaks TLS", last["details"])
