"""A peer whose every byte the test decides: a listening socket and a function called per connection."""

import socket
import threading

_H2_PREFACE = b"PRI * HTTP/2.0"
_NOT_HTTP1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ScriptedPeer:
    """Speaks HTTP/1: `serve(connection, head)` gets each request's head (bytes up to and including the empty line,
    and whatever of the body came with it) and the socket, and returns True to wait for another request.

    Threading: a thread per connection; close() ends them all by closing their sockets.
    """

    def __init__(self, host, serve) -> None:
        self._serve = serve
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._closing = False
        with host.entered():
            self._listener = socket.create_server((host.address, 0), backlog=128)
        self.address = "{}:{}".format(*self._listener.getsockname()[:2])
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closing:
                    connection.close()
                    return
                self._connections.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        try:
            while head := self._read_head(connection):
                if head.startswith(_H2_PREFACE):
                    connection.sendall(_NOT_HTTP1)
                    break
                if not self._serve(connection, head):
                    break
        except OSError:
            pass  # the other side, or close(), ended it
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    @staticmethod
    def _read_head(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            received = connection.recv(65536)
            if not received:
                return b""
            data += received
        return data

    def close(self) -> None:
        with self._lock:
            self._closing = True
            connections = list(self._connections)
        # A blocked accept() or recv() ends by shutdown, not by close.
        for end in (self._listener, *connections):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()
        self._acceptor.join()


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body
