"""A peer that counts what arrives and breaks connections in every way it can."""

import asyncio
import random
import socket

import h2.exceptions

from tests.harness.aio import h1
from tests.harness.aio.h2 import PREFACE, H2Link
from tests.harness.aio.h2_stream import CANCEL, REFUSED_STREAM, H2Stream
from tests.harness.aio.wire import Wire
from tools.lib.bench.duplicates.ledger import Ledger

_INTERNAL_ERROR = 2
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_PATH = "/n/"
_RACE_S = 0.002
_AWAY_S = 0.02


class FaultyPeer:
    """Of `chance` of the requests something happens to their connection or stream; the others are answered."""

    def __init__(self, host, ledger: Ledger, seed: int, chance: float, http2: bool) -> None:
        self._host = host
        self._ledger = ledger
        self._random = random.Random(seed)
        self._chance = chance
        self._http2 = http2
        self._serving: set[asyncio.Task] = set()
        """Of one connection each."""
        self._cut: set[H2Link] = set()
        """To be reset."""
        self.port = 0
        self._listener = self._listen()

    @property
    def address(self) -> str:
        return f"{self._host.address}:{self.port}"

    def _listen(self) -> socket.socket:
        with self._host.entered():
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host.address, self.port))
        listener.listen(512)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        return listener

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """All connections are reset."""
        # Nobody may wait for a socket when that is closed: the next one has its number.
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def restart(self) -> None:
        """As a process that is killed and started again."""
        self._ledger.faults["restart"] += 1
        await self.close()
        await asyncio.sleep(_AWAY_S)
        self._listener = self._listen()
        self.start()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        task = asyncio.create_task(self._serve(Wire(connection)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, wire: Wire) -> None:
        try:
            start = await wire.peek(3)
            if start == PREFACE[:3] and self._http2:
                await self._serve_h2(wire)
            elif start and start != PREFACE[:3]:
                while await self._serve_h1(wire):
                    pass
        except (OSError, ValueError):
            pass  # broken by the other side
        except asyncio.CancelledError:
            wire.reset()
            raise
        finally:
            wire.close()

    def _fault(self, *names: str) -> str:
        if self._random.random() >= self._chance:
            return ""
        name = self._random.choice(names)
        self._ledger.faults[name] += 1
        return name

    # --- HTTP/1

    async def _serve_h1(self, wire: Wire) -> bool:
        message = await h1.read_message(wire)
        if message is None:
            return False
        path = message.start[1]
        if not path.startswith(_PATH):  # a probe
            await wire.send(_OK)
            return True
        self._ledger.arrived[path[len(_PATH):]] += 1
        fault = self._fault("h1 reset after the head", "h1 end after the head", "h1 reset after the body", "h1 half an answer",
                            "h1 end after the answer", "h1 late", "h1 close announced")
        if fault == "h1 reset after the head":
            wire.reset()
            return False
        if fault == "h1 end after the head":
            return False
        async for _ in h1.body_of(wire, message):
            pass
        if fault == "h1 reset after the body":
            wire.reset()
            return False
        if fault == "h1 half an answer":
            await wire.send(_OK[:-1])
            wire.reset()
            return False
        if fault == "h1 late":
            await asyncio.sleep(self._random.uniform(0, 0.05))
        if fault == "h1 close announced":
            await wire.send(_OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return False
        await wire.send(_OK)
        if fault == "h1 end after the answer":  # the next request may be on its way: the race of keepalive
            await asyncio.sleep(self._random.uniform(0, _RACE_S))
            return False
        return True

    # --- HTTP/2

    async def _serve_h2(self, wire: Wire) -> None:
        link = H2Link(wire, self._serve_stream)
        await link.start()
        try:
            await link.wait_end()
        finally:
            await link.close(goaway=False, reset=link in self._cut)
            self._cut.discard(link)

    async def _serve_stream(self, stream: H2Stream) -> None:
        try:
            await self._answer(stream)
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            stream.link.forget(stream)

    async def _answer(self, stream: H2Stream) -> None:
        path = (await stream.head).get(":path", "")
        fault = ""
        if path.startswith(_PATH):
            fault = self._fault("h2 refused", "h2 goaway", "h2 cancelled", "h2 internal error", "h2 connection reset", "h2 late",
                                "h2 half an answer")
            if fault == "h2 refused":
                await stream.reset(REFUSED_STREAM)
                return
            self._ledger.arrived[path[len(_PATH):]] += 1
        if fault == "h2 goaway" and not stream.link.retiring:
            await stream.link.retire()
        await stream.read_all()
        if fault == "h2 cancelled":
            await stream.reset(CANCEL)
            return
        if fault == "h2 internal error":
            await stream.reset(_INTERNAL_ERROR)
            return
        if fault == "h2 connection reset":
            self._cut.add(stream.link)
            stream.link.stop()
            return
        if fault == "h2 late":
            await asyncio.sleep(self._random.uniform(0, 0.05))
        stream.link.state.send_headers(stream.number, [(":status", "200")])
        if fault == "h2 half an answer":
            await stream.send(b"o")
            await stream.reset(_INTERNAL_ERROR)
            return
        await stream.send(b"ok", end=True)
