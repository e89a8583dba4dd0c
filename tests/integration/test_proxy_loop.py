"""A peer's address that leads back to us: what the configuration cannot see is found when the first request comes back."""

import socket
import threading

from tests.harness.case import LocalCase
from tests.harness.clients import curl, url
from tests.harness.connection_listener import ConnectionListener
from tests.harness.host import connect
from tests.harness.http1 import request
from tests.harness.peerpulse import Peer


class Relay(ConnectionListener):
    """Bytes to `target` and back, as a misled NAT rule or load balancer does."""

    def __init__(self, host) -> None:
        self.target = ("127.0.0.1", 1)
        self._host = host
        super().__init__(host, self._relay)

    def _relay(self, connection: socket.socket) -> None:
        with connect(self._host, self.target) as onward:
            back = threading.Thread(target=self._copy, args=(onward, connection), daemon=True)
            back.start()
            self._copy(connection, onward)
            back.join()

    @staticmethod
    def _copy(source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class ProxyLoop(LocalCase):
    def start(self, **options):
        relay = Relay(self.host)
        self.addCleanup(relay.close)
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", relay.address, options)])
        self.listen = self.peerpulse.listen["node2"]
        relay.target = self.listen
        self.peerpulse.wait_verdict("node2", "alive")

    def assert_found(self, status: int, headers: dict[str, str]) -> None:
        self.assertEqual(status, 502)
        self.assertIn("error=proxy_loop_detected", headers["proxy-status"])

    def test_a_request_that_comes_back_goes_no_further(self):
        self.start()
        response = request(self.host, self.listen, "GET", "/x")
        self.assert_found(response.status, response.headers)
        self.assertEqual(self.peerpulse.peer("node2")["requests_total"], 2)
        result = curl(self.host, url(self.listen, "/x"), h2=True)
        self.assert_found(result.status, result.headers)
        self.assertEqual(self.peerpulse.peer("node2")["requests_total"], 4)
        self.assertEqual(self.peerpulse.peer("node2")["circuit"], "closed")
        metrics = self.peerpulse.metrics()
        self.assertEqual(metrics['peerpulse_failed_exchanges_total{peer="node2",party="self"}'], 2)
        lines = [line for line in self.peerpulse.log_lines() if line.get("error") == "proxy_loop_detected"]
        self.assertEqual([line["party"] for line in lines], ["self", "self"])

    def test_a_listener_that_answers_for_nobody_says_so_too(self):
        self.start(on_dead="refuse")
        response = request(self.host, self.listen, "PUT", "/x", b"body")
        self.assert_found(response.status, response.headers)
        self.assertEqual(self.peerpulse.peer("node2")["requests_total"], 2)
