"""Accepts connections, recognises the protocol, and gives each exchange to its behaviour."""

import asyncio
import socket

import h2.exceptions

from tests.harness.aio import h1
from tests.harness.aio.h2 import PREFACE, H2Link
from tests.harness.aio.h2_stream import H2Stream
from tests.harness.aio.wire import Wire
from tests.servers.healthy.behaviours import Behaviours
from tests.servers.healthy.exchange import H1Exchange, H2Exchange

_BACKLOG = 1024
_NOT_H1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Server:
    def __init__(self, h1_only: bool) -> None:
        self._h1_only = h1_only
        self._behaviours = Behaviours()
        self._tasks: set[asyncio.Task] = set()

    async def accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            task = asyncio.create_task(self._serve(Wire(connection)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, wire: Wire) -> None:
        try:
            start = await wire.peek(3)
            if start == PREFACE[:3] and self._h1_only:
                await wire.send(_NOT_H1)
            elif start == PREFACE[:3]:
                await self._serve_h2(wire)
            elif start:
                await self._serve_h1(wire)
        except OSError:
            pass  # a client that vanishes is what this server is there for
        finally:
            wire.close()

    async def _serve_h1(self, wire: Wire) -> None:
        keep = True
        while keep and (message := await h1.read_message(wire)) is not None:
            exchange = H1Exchange(wire, message)
            await self._behaviours.serve(exchange)
            keep = exchange.keep

    async def _serve_h2(self, wire: Wire) -> None:
        link = H2Link(wire, self._serve_stream)
        await link.start()
        try:
            await link.wait_end()
        finally:
            await link.close(goaway=False)

    async def _serve_stream(self, stream: H2Stream) -> None:
        try:
            await self._behaviours.serve(H2Exchange(stream))
        except (OSError, h2.exceptions.ProtocolError):
            pass  # the stream or its connection has gone
        finally:
            stream.link.forget(stream)


async def _run(address: str, h1_only: bool) -> None:
    host, _, port = address.rpartition(":")
    listener = socket.create_server((host, int(port)), backlog=_BACKLOG)
    listener.setblocking(False)
    await _Server(h1_only).accept(listener)


def main(address: str, h1_only: bool) -> int:
    asyncio.run(_run(address, h1_only))
    return 0
