"""A scripted peer that speaks TLS: tests.harness.scripted_peer with tests.harness.openssl_end between."""

import socket
import threading

from tests.harness.connection_listener import ConnectionListener
from tests.harness.h2_frames import serve_h2
from tests.harness.openssl_end import OpensslContext, OpensslEnd, TlsFailed, TlsRules
from tests.harness.scripted_peer import answer


class TlsPeer(ConnectionListener):
    """`serve(end, head)` is called for each request's head but those of probes, which get 200, and returns True to wait for
    another one; where the rules say h2 it is `serve(end, stream)`. `greeted` counts connections by which anything came,
    `handshakes` those whose handshake was done."""

    def __init__(self, host, rules: TlsRules, serve=None) -> None:
        self._h2 = rules.alpn == b"h2"
        self._context = OpensslContext(rules)
        self._serve_request = serve or (lambda end, head: end.write(answer("200 OK", b"ok")) is None)
        self._counting = threading.Lock()
        self.greeted = 0
        self.handshakes = 0
        self.failures: list[str] = []
        """What became of handshakes and connections that TLS ended, as this side sees it."""
        super().__init__(host, self.serve_connection)

    def serve_connection(self, connection: socket.socket) -> None:
        if not connection.recv(1, socket.MSG_PEEK):
            return  # a bare connect of the prober
        with self._counting:
            self.greeted += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with OpensslEnd(connection, self._context) as end:
                end.handshake()
                with self._counting:
                    self.handshakes += 1
                if self._h2:
                    serve_h2(end, self._serve_request)
                else:
                    self._serve_requests(end)
        except TlsFailed as failure:
            self.failures.append(str(failure))

    def _serve_requests(self, end: OpensslEnd) -> None:
        while head := end.read_until(b"\r\n\r\n"):
            if head.startswith(b"OPTIONS *"):
                end.write(answer("200 OK"))
            elif not self._serve_request(end, head):
                return
