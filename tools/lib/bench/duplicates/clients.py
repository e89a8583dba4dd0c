"""Clients that ask once and never repeat what failed."""

import asyncio
import random
import socket

import h2.exceptions

from tests.harness.aio import h1
from tests.harness.aio.h2 import H2Link
from tests.harness.aio.wire import Wire
from tools.lib.bench.duplicates.ledger import Ledger

_GETS = 0.2
"""The part of the requests that may be repeated: they show that something is."""
_PAUSE_S = 0.1
_PATIENCE_S = 20


class Clients:
    """`count` of them, each with a connection at a time; of HTTP/2 with `streams` requests at a time."""

    def __init__(self, host, address: tuple[str, int], ledger: Ledger, seed: int, requests: int) -> None:
        self._host = host
        self._address = address
        self._ledger = ledger
        self._random = random.Random(seed)
        self._left = requests

    async def run(self, http2: bool, count: int, streams: int) -> None:
        await asyncio.gather(*(self._h2_client(streams) if http2 else self._h1_client() for _ in range(count)))

    async def _connect(self) -> Wire:
        with self._host.entered():
            connection = socket.create_connection(self._address, timeout=_PATIENCE_S)
        return Wire(connection)

    def _next(self) -> tuple[str, str] | None:
        """Method and nonce."""
        if self._left == 0:
            return None
        self._left -= 1
        repeatable = self._random.random() < _GETS
        method = "GET" if repeatable else self._random.choice(("POST", "PUT", "DELETE"))
        return method, self._ledger.nonce(repeatable)

    async def _failed(self, why: str) -> None:
        """The peer may be away for a while: what is asked meanwhile shows nothing."""
        self._ledger.failed[why] += 1
        await asyncio.sleep(_PAUSE_S)

    async def _h1_client(self) -> None:
        wire = None
        while (wanted := self._next()) is not None:
            try:
                wire = wire or await self._connect()
                async with asyncio.timeout(_PATIENCE_S):
                    kept = await self._ask_h1(wire, *wanted)
            except (OSError, ValueError) as error:
                await self._failed(f"h1 {type(error).__name__}")
                kept = False
            if not kept and wire is not None:
                wire.close()
                wire = None
        if wire is not None:
            wire.close()

    async def _ask_h1(self, wire: Wire, method: str, nonce: str) -> bool:
        fields = [("Host", "node2"), *([] if method == "GET" else [("Content-Length", "5")])]
        await wire.send(h1.head(f"{method} /n/{nonce} HTTP/1.1", fields) + (b"" if method == "GET" else b"hello"))
        message = await h1.read_message(wire)
        if message is None:
            raise ConnectionError("end of stream instead of an answer")
        async for _ in h1.body_of(wire, message):
            pass
        if message.status == 200:
            self._ledger.answered += 1
        else:
            await self._failed(f"h1 {message.status}")
        return message.field("connection") != "close"

    async def _h2_client(self, streams: int) -> None:
        while self._left > 0:
            try:
                link = await H2Link(await self._connect()).start()
            except OSError:
                await asyncio.sleep(_PAUSE_S)
                continue
            try:
                await asyncio.gather(*(self._h2_stream(link) for _ in range(streams)))
            finally:
                await link.close()

    async def _h2_stream(self, link: H2Link) -> None:
        while link.usable and (wanted := self._next()) is not None:
            method, nonce = wanted
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._ask_h2(link, method, nonce)
            except (OSError, h2.exceptions.ProtocolError) as error:
                await self._failed(f"h2 {type(error).__name__}")

    async def _ask_h2(self, link: H2Link, method: str, nonce: str) -> None:
        bodyless = method == "GET"
        stream = await link.open([(":method", method), (":scheme", "http"), (":authority", "node2"),
                                  (":path", f"/n/{nonce}")], bodyless)
        try:
            if not bodyless:
                await stream.send(b"hello", end=True)
            status = (await stream.head)[":status"]
            await stream.read_all()
            if status == "200":
                self._ledger.answered += 1
            else:
                await self._failed(f"h2 {status}")
        finally:
            link.forget(stream)
