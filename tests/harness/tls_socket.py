"""A client's TLS connection that can end its direction and read on, as a socket's shutdown() does: that of Python's ssl waits for
the other side's end."""

import contextlib
import socket
import ssl

_READ = 65536


class TlsSocket:
    """Shaken hands over `connection`, which it owns. What of a socket's methods is here, works as a socket's."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, server_hostname: str) -> None:
        self._connection = connection
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=server_hostname)
        self._drive(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._drive(lambda: self._tls.write(view)):]

    def recv(self, size: int) -> bytes:
        try:
            return self._drive(lambda: self._tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def shutdown(self, how: int) -> None:
        """close_notify: nothing but our own direction ends by it (RFC 8446 6.1)."""
        if how != socket.SHUT_WR:
            raise ValueError("only our own direction can be ended")
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._flush()

    def close(self) -> None:
        self._connection.close()

    def _drive(self, step):
        """Calls it until the other side has sent what it needs."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                received = self._connection.recv(_READ)
                if not received:
                    self._in.write_eof()
                self._in.write(received)
                continue
            self._flush()
            return result

    def _flush(self) -> None:
        if waiting := self._out.read():
            self._connection.sendall(waiting)
