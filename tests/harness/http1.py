"""An HTTP/1.1 client that shows what is on the wire: byte by byte if a test wants."""

import dataclasses
import json

from tests.harness.host import connect


@dataclasses.dataclass
class Response:
    status: int
    headers: dict[str, str]
    """Names in lower case; repeated fields joined with a comma."""
    body: bytes

    def json(self):
        return json.loads(self.body)


class Http1Client:
    """One connection. ConnectionError from any call means that the other side ended or reset it."""

    def __init__(self, host, address: tuple[str, int], timeout: float = 10) -> None:
        self.socket = connect(host, address, timeout)
        self._file = self.socket.makefile("rb")
        self._authority = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_head(self, method: str, path: str, headers: dict[str, str] | None = None) -> None:
        lines = [f"{method} {path} HTTP/1.1"]
        fields = {"Host": self._authority, **(headers or {})}
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
        fields = dict(headers or {})
        if body or method in ("PUT", "POST"):
            fields["Content-Length"] = str(len(body))
        self.send_head(method, path, fields)
        if body:
            self.send(body)
        return self.read_response(method)

    def read_head(self) -> Response:
        status_line = self._line()
        version, status, *_ = status_line.split(" ", 2)
        if version != "HTTP/1.1":
            raise AssertionError(f"status line {status_line!r}")
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Response(int(status), headers, b"")

    def read_response(self, method: str = "GET") -> Response:
        response = self.read_head()
        while 100 <= response.status < 200:
            response = self.read_head()
        if method == "HEAD" or response.status in (204, 304):
            return response
        if response.headers.get("transfer-encoding", "").lower() == "chunked":
            response.body = self._chunks()
        elif "content-length" in response.headers:
            response.body = self.read(int(response.headers["content-length"]))
        else:
            response.body = self._file.read()
        return response

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise ConnectionError(f"end of stream after {len(data)} of {size} bytes")
        return data

    def read_line(self) -> str:
        """A line of a body that never ends (an event stream), without its end."""
        line = self._file.readline(65536)
        if not line.endswith(b"\n"):
            raise ConnectionError(f"end of stream in a line: {line!r}")
        return line.decode().rstrip("\r\n")

    def ended(self) -> bool:
        """Reads on: True if the other side has closed the connection, False if it sends more."""
        return not self._file.read(1)

    def closed_by_reset(self) -> bool:
        """Reads to the end of the connection: True for RST, False for FIN."""
        try:
            while self._file.read(65536):
                pass
            return False
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def __enter__(self) -> "Http1Client":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def _line(self) -> str:
        line = self._file.readline(65536)
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"end of stream in a line: {line!r}")
        return line[:-2].decode("latin-1")

    def _chunks(self) -> bytes:
        data = b""
        while size := int(self._line().split(";")[0], 16):
            data += self.read(size)
            if self._line():
                raise AssertionError("chunk without its CRLF")
        while self._line():
            pass  # trailers
        return data


def request(host, address: tuple[str, int], method: str, path: str, body: bytes = b"",
            headers: dict[str, str] | None = None, timeout: float = 10) -> Response:
    """One request on a connection of its own."""
    with Http1Client(host, address, timeout) as client:
        return client.request(method, path, body, {"Connection": "close", **(headers or {})})


def refused(host, address: tuple[str, int]) -> bool:
    """Whether connect() is answered by ECONNREFUSED."""
    try:
        connect(host, address, 5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # the listener was being shut at this moment: ask again
        return False
    return False

