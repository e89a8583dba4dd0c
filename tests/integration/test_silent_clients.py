"""Clients that stop in the middle of a request: what their peer does about it is no failure of its own."""

import contextlib
import socket
import threading

from tests.harness.case import LocalCase
from tests.harness.connection_listener import ConnectionListener
from tests.harness.ends.h2 import H2Connection
from tests.harness.host import connect
from tests.harness.http1 import request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_CLIENTS = 5
"""More than the failures in a row that open a circuit."""
_PATIENCE_S = 2
"""Of the peer. A client is silent after a second."""
_CANCEL = 8
_PART = b"PUT /slow HTTP/1.1\r\nHost: node2\r\nContent-Length: 10\r\n\r\na part"


class SilentClients(LocalCase):
    def start(self, address: str, protocol: str) -> None:
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", address, {"protocol": protocol})],
                                              circuit={"failure_threshold": 3})
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")

    def be_silent(self) -> None:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(self.host, self.listen, 30)) for _ in range(_CLIENTS)]
            for client in clients:
                client.sendall(_PART)
            for client in clients:
                self.assertIn(b" 502 ", client.recv(1000))
        self.assertEqual(request(self.host, self.listen, "GET", "/well").status, 200)
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["circuit"], peer["failures_total"]), ("closed", 0))
        lines = wait_for(lambda: [line for line in self.peerpulse.log_lines() if line.get("path") == "/slow"][_CLIENTS - 1:],
                         10 * SLOWDOWN, "the lines of the exchanges")
        self.assertEqual((lines[0]["party"], lines[0]["end"]), ("client", "CR"))
        self.assertIn("sent nothing more of its request", lines[0]["details"])

    def test_a_peer_that_closes_the_connection(self):
        def serve(connection: socket.socket, head: bytes) -> bool:
            if b" /slow " not in head:
                connection.sendall(answer("200 OK"))
                return True
            connection.settimeout(_PATIENCE_S)
            with contextlib.suppress(TimeoutError):
                while connection.recv(1000):
                    pass
            return False

        self.start(self.start_scripted(self.host, serve).address, "http1")
        self.be_silent()

    def test_a_peer_that_resets_the_stream(self):
        def serve(connection: socket.socket) -> None:
            link = H2Connection(connection, client=False)
            lock = threading.Lock()
            with contextlib.suppress(ConnectionError, OSError):
                while True:
                    end = link.accept()
                    if end.head().path != "/slow":
                        end.respond(200, end=True)
                        continue
                    timer = threading.Timer(_PATIENCE_S, self.give_up, (end, lock))
                    self.addCleanup(timer.cancel)
                    timer.start()

        listener = ConnectionListener(self.host, serve)
        self.addCleanup(listener.close)
        self.start(listener.address, "http2")
        self.be_silent()

    @staticmethod
    def give_up(end, lock: threading.Lock) -> None:
        with lock, contextlib.suppress(OSError):
            end.reset(_CANCEL)
