"""What the server does, by path; every number in a path is the client's wish."""

import asyncio
import time

from tests.harness.aio.bodies import PIECE, Pace, is_pattern, pattern
from tests.harness.aio.channel import message_frame
from tests.harness.aio.h1 import discard, head
from tests.harness.aio.h2_stream import REFUSED_STREAM
from tests.servers.healthy.exchange import Exchange, H1Exchange, H2Exchange

_EARLY_AFTER = 65536
_LINGER_S = 3
_REFUSE_EVERY_S, _REFUSE_FOR_S = 4.0, 0.25
_RESETS = 20
_GOAWAY_AFTER = 40
"""Exchanges of a connection."""


class Behaviours:
    def __init__(self) -> None:
        self._got: dict[str, str] = {}
        """What tunnels and uploads ended with, by the id in their path."""

    async def serve(self, exchange: Exchange) -> None:
        name, *rest = exchange.path.strip("/").split("/")
        behaviour = getattr(self, f"_do_{name.replace('-', '_').replace('.', '_').lower()}", None)
        if behaviour is None:
            # Probes ask for other things; they get an answer like anybody.
            await exchange.answer(404)
            return
        await behaviour(exchange, *rest)

    async def _do_wait(self, exchange: Exchange, seconds: str) -> None:
        async for _ in exchange.body():
            pass
        await asyncio.sleep(float(seconds))
        await exchange.answer(200, b"ok")

    async def _do_bytes(self, exchange: Exchange, size: str, rate: str = "0", stop_at: str = "0",
                        stop_s: str = "0") -> None:
        """`size` bytes at `rate` a second, with a pause of `stop_s` after `stop_at`."""
        await exchange.respond(200, length=int(size))
        pace, sent, stop = Pace(float(rate)), 0, int(stop_at)
        while sent < int(size):
            piece = pattern(sent, min(PIECE, int(size) - sent))
            await exchange.write(piece)
            sent += len(piece)
            if stop and sent >= stop:
                stop = 0
                await asyncio.sleep(float(stop_s))
            await pace.spend(len(piece))
        await exchange.finish()

    async def _do_put(self, exchange: Exchange, rate: str = "0", wait: str = "0") -> None:
        """Says how much came, and whether it was the pattern; `wait`: seconds before anything is read."""
        await asyncio.sleep(float(wait))
        pace, received, good = Pace(float(rate)), 0, True
        async for piece in exchange.body(PIECE):
            good = good and is_pattern(received, piece)
            received += len(piece)
            await pace.spend(len(piece))
        await exchange.answer(200, f"{received} {'good' if good else 'bad'}".encode())

    async def _do_put_small_reads(self, exchange: H2Exchange) -> None:
        exchange.stream.link.small_updates = True
        await self._do_put(exchange)

    async def _do_events(self, exchange: Exchange, silence: str, count: str) -> None:
        await exchange.respond(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        await exchange.write(b"data: 0\n\n")
        for number in range(1, int(count) + 1):
            await asyncio.sleep(float(silence))
            await exchange.write(b"data: %d\n\n" % number)
        await exchange.finish()

    async def _do_fields(self, exchange: Exchange, count: str) -> None:
        """As many fields in the answer, and how many of the request's are the client's own."""
        own = sum(name.startswith("x-object-meta-") for name, _ in exchange.fields)
        await exchange.answer(200, str(own).encode(),
                              [(f"X-Object-Meta-{number}", f"value {number}") for number in range(int(count))])

    async def _do_got(self, exchange: Exchange, key: str) -> None:
        got = self._got.get(key)
        await exchange.answer(404 if got is None else 200, (got or "").encode())

    # Early answers.

    async def _do_early(self, exchange: H1Exchange, way: str) -> None:
        """413 before the body is there. `rst`: closed with unread input; `close`: FIN, what comes is read for a
        while; `keep`: everything is read."""
        received = 0
        async for piece in exchange.body():
            received += len(piece)
            if received >= _EARLY_AFTER:
                break
        if way == "keep":
            await exchange.answer(413, b"too much")
            left = int(exchange.message.field("content-length")) - received
            while left > 0 and (data := await exchange.wire.receive(min(left, 65536))):
                left -= len(data)
            return
        await exchange.answer(413, b"too much", [("Connection", "close")])
        exchange.keep = False
        if way == "close":
            exchange.wire.end()
            await discard(exchange.wire, _LINGER_S)

    # Tunnels.

    async def _switch(self, exchange: H1Exchange) -> None:
        exchange.keep = False
        await exchange.wire.send(head("HTTP/1.1 101 Switching Protocols",
                                      [("Connection", "Upgrade"), ("Upgrade", "websocket")]))

    async def _do_tunnel(self, exchange: H1Exchange, key: str) -> None:
        """Echo until the client ends; then `bye`, and the end."""
        self._got[key] = "open"
        await self._switch(exchange)
        try:
            while data := await exchange.wire.receive():
                await exchange.wire.send(data)
            await exchange.wire.send(b"bye")
            exchange.wire.end()
            self._got[key] = "end"
        except OSError:
            self._got[key] = "reset"
            raise

    async def _do_tunnel_first(self, exchange: H1Exchange, key: str) -> None:
        """The server ends its direction first, and takes what the client still has to say."""
        await self._switch(exchange)
        await exchange.wire.send(b"first")
        exchange.wire.end()
        rest = b""
        while data := await exchange.wire.receive():
            rest += data
        self._got[key] = rest.decode()

    async def _do_tunnel_late(self, exchange: H1Exchange, key: str, seconds: str) -> None:
        """The server reads nothing for so long, with a closed window; then all, and counts it."""
        await self._switch(exchange)
        await asyncio.sleep(float(seconds))
        received = 0
        while data := await exchange.wire.receive():
            received += len(data)
        self._got[key] = str(received)

    # gRPC.

    async def _do_grpc_test(self, exchange: H2Exchange, method: str, seconds: str = "0") -> None:
        """Echo, after that many seconds."""
        message = b"".join([piece async for piece in exchange.body()])[5:]
        await asyncio.sleep(float(seconds))
        await exchange.respond(200, [("Content-Type", "application/grpc")])
        await exchange.write(message_frame(message))
        await exchange.finish([("grpc-status", "0")])

    async def _do_strict_test(self, exchange: H2Exchange, method: str, seconds: str = "0") -> None:
        """The same, on a connection that ends when its client resets many streams before they were looked at."""
        exchange.stream.link.police(_RESETS)
        await self._do_grpc_test(exchange, method, seconds)

    async def _do_refusing(self, exchange: H2Exchange) -> None:
        """In bursts all streams are refused, and no connection gets old: GOAWAY, which lets what is there end."""
        stream = exchange.stream
        link = stream.link
        if time.monotonic() % _REFUSE_EVERY_S < _REFUSE_FOR_S:
            await stream.reset(REFUSED_STREAM)
            return
        await asyncio.sleep(0.02)
        if stream.number > 2 * _GOAWAY_AFTER and not link.retiring:
            await link.retire()
        await exchange.answer(200, b"ok")
