"""Both ends of an exchange, client or peer, HTTP/1 or HTTP/2, with one interface: what a table of message kinds needs.

An end is one exchange on one connection, blocking. It sends `request()` or `respond()` and `inform()`, then `data()` and `end()`;
it is asked for what came by `head()`, `informed()`, `piece()`, `body()` and `trailers`.
"""

import dataclasses
import socket

Fields = list[tuple[str, str]]


@dataclasses.dataclass
class Head:
    """Of a request `method` and `path`, of an answer `status`. Names are in lower case."""

    fields: Fields
    method: str = ""
    path: str = ""
    status: int = 0
    complete: bool = False
    """Nothing follows."""
    pseudo: dict[str, str] = dataclasses.field(default_factory=dict)
    """Of HTTP/2."""

    def field(self, name: str) -> str | None:
        return next((value for known, value in self.fields if known == name), None)


class Reset(ConnectionError):
    """RST_STREAM; of HTTP/1 the end of the connection."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"reset {code}")
        self.code = code


def receive(connection: socket.socket) -> bytes:
    """What has come; an end of any kind is a Reset."""
    try:
        data = connection.recv(65536)
    except ConnectionResetError:
        raise Reset() from None
    if not data:
        raise Reset()
    return data
