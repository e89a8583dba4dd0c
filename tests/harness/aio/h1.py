"""HTTP/1.1 for both roles: heads, bodies, and a client of one connection."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

from tests.harness.aio.wire import Wire

Fields = list[tuple[str, str]]


@dataclasses.dataclass
class Message:
    start: list[str]
    """The words of the first line."""
    fields: Fields
    """Names in lower case."""

    def field(self, name: str) -> str:
        return next((value for known, value in self.fields if known == name), "")

    @property
    def status(self) -> int:
        return int(self.start[1])


async def read_message(wire: Wire) -> Message | None:
    """None at the end of the stream."""
    text = (await wire.read_until(b"\r\n\r\n")).decode("latin-1")
    if not text:
        return None
    first, *lines = text[:-4].split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Message(first.split(" ", 2), fields)


def head(start: str, fields: Fields) -> bytes:
    return "".join([start, "\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"]).encode("latin-1")


async def body_of(wire: Wire, message: Message, limit: int = 65536) -> AsyncIterator[bytes]:
    """Pieces of at most `limit`. A message without a length has no body here: nobody in these tests sends such."""
    if message.field("transfer-encoding") == "chunked":
        while size := int((await wire.read_until(b"\r\n")).split(b";")[0], 16):
            yield await wire.read_exactly(size)
            await wire.read_exactly(2)
        while await wire.read_until(b"\r\n") != b"\r\n":
            pass
        return
    left = int(message.field("content-length") or 0)
    while left > 0:
        data = await wire.receive(min(left, limit))
        if not data:
            raise ConnectionError(f"end of stream, {left} bytes of the body are missing")
        left -= len(data)
        yield data


class H1Client:
    """One connection."""

    def __init__(self, wire: Wire, address: tuple[str, int]) -> None:
        self.wire = wire
        self._authority = f"{address[0]}:{address[1]}"

    @classmethod
    async def connect(cls, address: tuple[str, int], **options) -> "H1Client":
        return cls(await Wire.connect(address, **options), address)

    async def send_head(self, method: str, path: str, fields: Fields = ()) -> None:
        await self.wire.send(head(f"{method} {path} HTTP/1.1", [("Host", self._authority), *fields]))

    async def read_head(self) -> Message:
        message = await read_message(self.wire)
        while message is not None and message.status == 100:
            message = await read_message(self.wire)
        if message is None:
            raise ConnectionError("end of stream instead of an answer")
        return message

    async def request(self, method: str, path: str, fields: Fields = ()) -> tuple[Message, bytes]:
        """Without a body."""
        await self.send_head(method, path, fields)
        message = await self.read_head()
        return message, b"".join([piece async for piece in body_of(self.wire, message)])

    def close(self) -> None:
        self.wire.close()

    async def __aenter__(self) -> "H1Client":
        return self

    async def __aexit__(self, *_exception) -> None:
        self.close()


async def discard(wire: Wire, seconds: float) -> None:
    """Reads on until the other side ends, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            while await wire.receive():
                pass
    except OSError:
        pass
