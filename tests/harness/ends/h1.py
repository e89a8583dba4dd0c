"""An end that speaks HTTP/1.1."""

import socket

from tests.harness.ends import Fields, Head, Reset, receive


class H1End:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.trailers: Fields = []
        self._input = b""
        self._chunked_out = False
        self._asked = ""
        """The method that an answer is for."""
        self._left: int | None = 0
        """Of the body that is read; None: chunked, or to the end of the connection."""
        self._chunked_in = False
        self._until_close = False

    # Out.

    def request(self, method: str, path: str, fields: Fields = (), end: bool = False, version: str = "1.1") -> None:
        self._asked = method
        self._send_head(f"{method} {path} HTTP/{version}", [("Host", "node2:9000"), *fields], end)

    def inform(self, status: int, fields: Fields = ()) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self.connection.sendall(f"HTTP/1.1 {status} Interim\r\n{lines}\r\n".encode())

    def respond(self, status: int, fields: Fields = (), end: bool = False) -> None:
        bodyless = end and (status in (204, 304) or self._asked == "HEAD")
        more = [("Content-Length", "0")] if end and not bodyless else []
        self._send_head(f"HTTP/1.1 {status} Final", [*fields, *more], end)

    def _send_head(self, start: str, fields: Fields, end: bool) -> None:
        sized = any(name.lower() == "content-length" for name, _ in fields)
        self._chunked_out = not end and not sized
        if self._chunked_out:
            fields = [*fields, ("Transfer-Encoding", "chunked")]
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self.connection.sendall(f"{start}\r\n{lines}\r\n".encode("latin-1"))

    def data(self, data: bytes) -> None:
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked_out else data)

    def end(self, trailers: Fields = ()) -> None:
        if self._chunked_out:
            lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
            self.connection.sendall(f"0\r\n{lines}\r\n".encode())

    def raw(self, data: bytes) -> None:
        """Of a tunnel."""
        self.connection.sendall(data)

    tunnelled = raw

    # In.

    def _more(self) -> None:
        self._input += receive(self.connection)

    def _line(self) -> str:
        while b"\r\n" not in self._input:
            self._more()
        line, _, self._input = self._input.partition(b"\r\n")
        return line.decode("latin-1")

    def read(self, size: int) -> bytes:
        while len(self._input) < size:
            self._more()
        data, self._input = self._input[:size], self._input[size:]
        return data

    tunnel = read

    def tunnel_end(self) -> None:
        """Of a tunnel: its other side has said all it had to say."""
        if more := self._input or self.connection.recv(1):
            raise AssertionError(f"{more!r} instead of the end")

    def _fields(self) -> Fields:
        fields: Fields = []
        while line := self._line():
            name, _, value = line.partition(":")
            fields.append((name.lower(), value.strip()))
        return fields

    def head(self) -> Head:
        """The next head, a 1xx as well."""
        first, second, third = self._line().split(" ", 2)
        if first.startswith("HTTP/1."):
            head = Head(self._fields(), status=int(second))
        else:
            head = Head(self._fields(), method=first, path=second)
            self._asked = first
        self._frame(head, third)
        return head

    def _frame(self, head: Head, _last: str) -> None:
        length = head.field("content-length")
        self._chunked_in = head.field("transfer-encoding") == "chunked"
        self._until_close = False
        self._left = int(length or 0)
        if head.status and (head.status < 200 or head.status in (204, 304) or self._asked == "HEAD"):
            self._left, self._chunked_in = 0, False
        elif head.status and length is None and not self._chunked_in:
            self._until_close = True
        head.complete = not self._left and not self._chunked_in and not self._until_close

    def another_body(self) -> None:
        """Of a request with two chunked bodies: the second one is read now."""
        self._chunked_in = True

    def piece(self) -> bytes:
        """The next piece of the body; empty at its end."""
        if self._chunked_in:
            size = int(self._line(), 16)
            if size == 0:
                self.trailers = self._fields()
                self._chunked_in = False
                return b""
            data = self.read(size)
            self.read(2)
            return data
        if self._until_close:
            try:
                self._more()
            except Reset:
                self._until_close = False
            data, self._input = self._input, b""
            return data
        if not self._left:
            return b""
        if not self._input:
            self._more()
        data = self.read(min(self._left, len(self._input)))
        self._left -= len(data)
        return data

    def body(self) -> bytes:
        data = b""
        while piece := self.piece():
            data += piece
        return data

    def half_close(self) -> None:
        self.connection.shutdown(socket.SHUT_WR)

    def reset(self, _code: int) -> None:
        raise ConnectionAbortedError("the end of the connection is HTTP/1's reset")
