"""Clients that several scenarios use: each loops until its side's time is up."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

from tests.harness.aio.bodies import PIECE, Pace, is_pattern, pattern
from tests.harness.aio.channel import Channel
from tests.harness.aio.h1 import Fields, H1Client, Message, body_of
from tests.harness.aio.h2_stream import H2Stream
from tools.lib.bench.healthy.side import Side, expect

RECEIVE_BUFFER = 1 << 17
"""Small, but larger than a segment of the loopback interface (64 KiB): the sender of a smaller one would have to find
out by itself, after ever longer times, that its reader goes on."""

_keys = itertools.count(1)


def new_key() -> str:
    """For what the server is asked about later."""
    return str(next(_keys))


class KeepAlive:
    """One connection for one request after the other. If it turns out to have been ended meanwhile, the request is
    made again on a new one, as every client does (RFC 9112 9.3.1)."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._client: H1Client | None = None

    async def get(self, path: str, fields: Fields = ()) -> tuple[Message, bytes]:
        reused = self._client is not None
        try:
            return await self._request(path, fields)
        except ConnectionError:
            if not reused:
                raise
        return await self._request(path, fields)

    async def _request(self, path: str, fields: Fields) -> tuple[Message, bytes]:
        try:
            if self._client is None:
                self._client = await H1Client.connect(self._address)
            message, body = await self._client.request("GET", path, fields)
        except BaseException:
            self.close()
            raise
        if message.field("connection").lower() == "close":
            self.close()
        return message, body

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


async def gets(side: Side, path: str, every: float, expected: float = 0.0) -> None:
    """GETs that are answered 200 after `expected` seconds, over h1."""
    with contextlib.closing(KeepAlive(side.address)) as client:
        while side.time_for(expected):
            async with side.exchange(f"GET {path}", expected):
                message, body = await client.get(path)
                expect(message.status == 200, f"{message.status} {body[:60]!r}")
            await asyncio.sleep(every)


async def calls(side: Side, path: str, every: float, expected: float = 0.0) -> None:
    """Unary calls on a channel."""
    async with Channel(side.address) as channel:
        while side.time_for(expected):
            async with side.exchange(f"call {path}", expected):
                expect(await channel.unary(path, b"hello") == b"hello", "another message")
            await asyncio.sleep(every)


async def _pieces(stream: H2Stream) -> AsyncIterator[bytes]:
    while piece := await stream.read():
        yield piece


async def _read(pieces: AsyncIterator[bytes], size: int, rate: float, pause_at: int, pause: float) -> None:
    pace, received = Pace(rate), 0
    async for piece in pieces:
        expect(is_pattern(received, piece), f"wrong bytes at {received}")
        received += len(piece)
        if pause and received >= pause_at:
            await asyncio.sleep(pause)
            pause = 0.0
        await pace.spend(len(piece))
    expect(received == size, f"{received} of {size} bytes")


async def h1_download(side: Side, path: str, size: int, rate: float, pause_at: int = 0, pause: float = 0.0) -> None:
    """Reads at that rate (then from a small receive buffer), with a pause."""
    async with await H1Client.connect(side.address, receive_buffer=RECEIVE_BUFFER if rate else 0) as client:
        await client.send_head("GET", path)
        message = await client.read_head()
        expect(message.status == 200, f"status {message.status}")
        await _read(body_of(client.wire, message, PIECE), size, rate, pause_at, pause)


async def h2_download(side: Side, path: str, size: int, rate: float, pause_at: int = 0, pause: float = 0.0,
                      small_updates: bool = False) -> None:
    """The same; windows are opened as it reads."""
    async with Channel(side.address) as channel:
        (await channel.link()).small_updates = small_updates
        stream = await channel.open(path)
        head = await stream.head
        expect(head[":status"] == "200", f"status {head[':status']}")
        await _read(_pieces(stream), size, rate, pause_at, pause)


async def h1_upload(side: Side, path: str, size: int, rate: float) -> None:
    """With Content-Length, at that rate."""
    async with await H1Client.connect(side.address) as client:
        await client.send_head("PUT", path, [("Content-Length", str(size))])
        pace = Pace(rate)
        for sent in range(0, size, PIECE):
            piece = pattern(sent, min(PIECE, size - sent))
            await client.wire.send(piece)
            await pace.spend(len(piece))
        message = await client.read_head()
        body = b"".join([piece async for piece in body_of(client.wire, message)])
        expect((message.status, body) == (200, f"{size} good".encode()), f"{message.status} {body[:60]!r}")


async def h2_upload(side: Side, path: str, size: int, rate: float) -> None:
    async with Channel(side.address) as channel:
        stream = await channel.open(path, [("content-length", str(size))], method="PUT", end=False)
        pace = Pace(rate)
        for sent in range(0, size, PIECE):
            piece = pattern(sent, min(PIECE, size - sent))
            await stream.send(piece, end=sent + len(piece) == size)
            await pace.spend(len(piece))
        head, body = await stream.head, await stream.read_all()
        expect((head[":status"], body) == ("200", f"{size} good".encode()), f"{head[':status']} {body[:60]!r}")


async def repeated(side: Side, what: str, expected: float, one) -> None:
    """Runs `one()`, which takes `expected` seconds, again and again."""
    while side.time_for(expected):
        async with side.exchange(what, expected):
            await one()
        await asyncio.sleep(0.1)
