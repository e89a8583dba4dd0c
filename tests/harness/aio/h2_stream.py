"""A stream of HTTP/2, and how it can fail."""

import asyncio
import collections

import h2.exceptions

from tests.harness.aio.h1 import Fields

REFUSED_STREAM, CANCEL = 7, 8


class StreamReset(ConnectionError):
    def __init__(self, code: int) -> None:
        super().__init__(f"RST_STREAM {code}")
        self.code = code


class NotProcessed(ConnectionError):
    """The other side says that it never looked at the stream: GOAWAY with a lower last id."""


class CutOff(ConnectionError):
    """The connection ended without GOAWAY."""


class H2Stream:
    def __init__(self, link, number: int) -> None:
        self.link = link
        self.number = number
        self.head: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self.fields: Fields = []
        """Of the head, in their order."""
        self.trailers: dict[str, str] = {}
        self.ended = False
        self._pieces: collections.deque[tuple[bytes, int]] = collections.deque()
        self._error: Exception | None = None
        self._changed = asyncio.Event()

    def take_head(self, fields: Fields) -> None:
        self.fields = fields
        if not self.head.done():
            self.head.set_result(dict(fields))

    def take(self, data: bytes, counted: int) -> None:
        self._pieces.append((data, counted))
        self._changed.set()

    def end(self) -> None:
        self.ended = True
        self._changed.set()

    def fail(self, error: Exception) -> None:
        if self.ended or self._error is not None:
            return
        self._error = error
        if not self.head.done():
            self.head.set_exception(error)
            self.head.exception()  # it may be that nobody asks
        self._changed.set()

    async def read(self) -> bytes:
        """The next piece; empty at the end. Its bytes are given back to the sender's windows only now."""
        while not self._pieces:
            if self.ended:
                return b""
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        data, counted = self._pieces.popleft()
        self.link.acknowledge(self.number, counted)
        await self.link.flush()
        return data

    async def read_all(self) -> bytes:
        data = b""
        while piece := await self.read():
            data += piece
        return data

    async def send(self, data: bytes, end: bool = False) -> None:
        if not data and end:
            self.link.state.end_stream(self.number)
            await self.link.flush()
        while data:
            room = await self.link.room(self)
            piece, data = data[:room], data[room:]
            self.link.state.send_data(self.number, piece, end_stream=end and not data)
            await self.link.flush()

    @property
    def error(self) -> Exception | None:
        return self._error

    async def reset(self, code: int = CANCEL) -> None:
        """Also when it has ended meanwhile: then it does nothing."""
        for _, counted in self._pieces:
            self.link.acknowledge(self.number, counted)
        self._pieces.clear()
        try:
            self.link.state.reset_stream(self.number, code)
        except (h2.exceptions.StreamClosedError, h2.exceptions.NoSuchStreamError, h2.exceptions.ProtocolError):
            pass
        self.fail(StreamReset(code))
        await self.link.flush()
