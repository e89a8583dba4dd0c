"""One request and its answer, whichever protocol carries them."""

import dataclasses
from collections.abc import AsyncIterator

from tests.harness.aio import h1
from tests.harness.aio.h1 import Fields
from tests.harness.aio.h2_stream import H2Stream
from tests.harness.aio.wire import Wire


class Exchange:
    method: str
    path: str
    fields: Fields

    def body(self, limit: int = 65536) -> AsyncIterator[bytes]:
        """The request's, as it comes; h1 takes at most `limit` from the socket at a time."""
        raise NotImplementedError

    async def respond(self, status: int, fields: Fields = (), length: int | None = None) -> None:
        """None: as long as it takes (chunked in h1)."""
        raise NotImplementedError

    async def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def finish(self, trailers: Fields = ()) -> None:
        raise NotImplementedError

    async def answer(self, status: int, body: bytes = b"", fields: Fields = ()) -> None:
        await self.respond(status, fields, len(body))
        if body:
            await self.write(body)
        await self.finish()


@dataclasses.dataclass
class H1Exchange(Exchange):
    wire: Wire
    message: h1.Message
    keep: bool = True
    """Another request may follow on the connection."""
    _chunked: bool = False

    def __post_init__(self) -> None:
        self.method, self.path = self.message.start[:2]
        self.fields = self.message.fields

    def body(self, limit: int = 65536) -> AsyncIterator[bytes]:
        return h1.body_of(self.wire, self.message, limit)

    async def respond(self, status: int, fields: Fields = (), length: int | None = None) -> None:
        self._chunked = length is None
        framing = ("Transfer-Encoding", "chunked") if self._chunked else ("Content-Length", str(length))
        await self.wire.send(h1.head(f"HTTP/1.1 {status} Said", [*fields, framing]))

    async def write(self, data: bytes) -> None:
        await self.wire.send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def finish(self, trailers: Fields = ()) -> None:
        if self._chunked:
            await self.wire.send(b"0\r\n\r\n")


@dataclasses.dataclass
class H2Exchange(Exchange):
    stream: H2Stream

    def __post_init__(self) -> None:
        head = self.stream.head.result()
        self.method, self.path = head[":method"], head[":path"]
        self.fields = [field for field in self.stream.fields if not field[0].startswith(":")]

    async def body(self, limit: int = 65536) -> AsyncIterator[bytes]:
        while piece := await self.stream.read():
            yield piece

    async def respond(self, status: int, fields: Fields = (), length: int | None = None) -> None:
        framing = [] if length is None else [("content-length", str(length))]
        named = [(name.lower(), value) for name, value in fields]
        self.stream.link.state.send_headers(self.stream.number, [(":status", str(status)), *named, *framing])
        await self.stream.link.flush()

    async def write(self, data: bytes) -> None:
        await self.stream.send(data)

    async def finish(self, trailers: Fields = ()) -> None:
        if trailers:
            self.stream.link.state.send_headers(self.stream.number, trailers, end_stream=True)
            await self.stream.link.flush()
        else:
            await self.stream.send(b"", end=True)
