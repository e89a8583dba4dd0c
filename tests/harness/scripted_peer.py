"""A peer whose every byte the test decides: a listening socket and a function called per request."""

import socket

from tests.harness.connection_listener import ConnectionListener

_H2_PREFACE = b"PRI * HTTP/2.0"
_NOT_HTTP1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ScriptedPeer(ConnectionListener):
    """Speaks HTTP/1: `serve(connection, head)` gets each request's head (bytes up to and including the empty line,
    and whatever of the body came with it) and the socket, and returns True to wait for another request."""

    def __init__(self, host, serve, path: str = "", port: int = 0) -> None:
        self._serve_request = serve
        super().__init__(host, self._serve_connection, path, port)

    def _serve_connection(self, connection: socket.socket) -> None:
        while head := self._read_head(connection):
            if head.startswith(_H2_PREFACE):
                connection.sendall(_NOT_HTTP1)
                return
            if not self._serve_request(connection, head):
                return

    @staticmethod
    def _read_head(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            received = connection.recv(65536)
            if not received:
                return b""
            data += received
        return data


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body
