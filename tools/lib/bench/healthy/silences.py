"""idle_grpc, polls, events: nothing happens for a long time, and that is as it should be."""

import asyncio

from tests.harness.aio.channel import Channel
from tests.harness.aio.h1 import H1Client, body_of
from tests.harness.aio.h2_stream import CutOff, NotProcessed
from tools.lib.bench.healthy.clients import KeepAlive, gets, repeated
from tools.lib.bench.healthy.instances import GENERIC, RUSTFS
from tools.lib.bench.healthy.scenario import Scenario, Work
from tools.lib.bench.healthy.side import Side, expect

_ECHO = "/grpc.Test/Echo"
_GUARD = (5.0, 20.0)
"""RustFS's own."""
_LATE_S = 1.0
_PONG_WITHIN_S = 5.0


async def _idle_channel(side: Side, guard: tuple[float, float] | None, late_ping: bool) -> None:
    """A call, a long time without one, a call. An end of the connection is orderly only if GOAWAY said so."""
    idle = side.lengths.idle
    async with Channel(side.address, guard) as channel:
        while side.time_for(idle):
            async with side.exchange("call, idle, call", idle):
                expect(await channel.unary(_ECHO, b"before") == b"before", "another message")
                link = await channel.link()
                await asyncio.sleep(_LATE_S)
                if late_ping:
                    await link.ping(b"late one", _PONG_WITHIN_S)
                await asyncio.sleep(idle - _LATE_S)
                if link.ended and link.goaway is None:
                    raise CutOff("the idle connection ended without GOAWAY")
                expect(await channel.unary(_ECHO, b"after") == b"after", "another message")


async def _late_window(side: Side) -> None:
    """Its WINDOW_UPDATEs come a second after the answer; then nothing for a long time."""
    idle = side.lengths.idle
    size = 40000
    async with Channel(side.address) as channel:
        while side.time_for(idle):
            async with side.exchange("late WINDOW_UPDATE", idle):
                stream = await channel.open(f"/bytes/{size}")
                try:
                    await stream.head
                except NotProcessed:  # its way crossed that of a GOAWAY: once more, as every client does
                    stream = await channel.open(f"/bytes/{size}")
                    await stream.head
                await asyncio.sleep(_LATE_S)
                expect(len(await stream.read_all()) == size, "not all bytes")
                stream.link.forget(stream)
                await asyncio.sleep(idle - _LATE_S)
                if stream.link.ended and stream.link.goaway is None:
                    raise CutOff("the idle connection ended without GOAWAY")


def _channels(side: Side) -> list[Work]:
    return [_idle_channel(side, _GUARD, False), _idle_channel(side, None, False), _idle_channel(side, None, True),
            _late_window(side)]


async def _h2_poll(side: Side, path: str) -> None:
    async with Channel(side.address) as channel:
        stream, body = await channel.request(path)
        expect((stream.head.result()[":status"], body) == ("200", b"ok"), f"{stream.head.result()} {body[:60]!r}")


async def _h1_poll(side: Side, path: str) -> None:
    client = KeepAlive(side.address)
    try:
        message, body = await client.get(path)
        expect((message.status, body) == (200, b"ok"), f"{message.status} {body[:60]!r}")
    finally:
        client.close()


def _polls(side: Side) -> list[Work]:
    silence = side.lengths.silence
    path = f"/wait/{silence}"
    return [*(repeated(side, "long poll, h1", silence, lambda: _h1_poll(side, path)) for _ in range(2)),
            *(repeated(side, "long poll, h2", silence, lambda: _h2_poll(side, path)) for _ in range(2)),
            gets(side, "/wait/0", 0.5)]


async def _h1_events(side: Side) -> None:
    silence, count = side.lengths.silence, 1
    while side.time_for(silence * count):
        async with side.exchange("events, h1", silence * count):
            async with await H1Client.connect(side.address) as client:
                await client.send_head("GET", f"/events/{silence}/{count}", [("Accept", "text/event-stream")])
                message = await client.read_head()
                expect(message.status == 200, f"status {message.status}")
                pieces = [piece async for piece in body_of(client.wire, message)]
                expect(len(pieces) == count + 1, f"{len(pieces) - 1} of {count} events")


async def _h2_events(side: Side) -> None:
    silence, count = side.lengths.silence, 1
    async with Channel(side.address) as channel:
        while side.time_for(silence * count):
            async with side.exchange("events, h2", silence * count):
                stream, body = await channel.request(f"/events/{silence}/{count}", [("accept", "text/event-stream")])
                expect(body.count(b"data:") == count + 1, f"{stream.head.result()} {body[:60]!r}")


def _events(side: Side) -> list[Work]:
    return [*(_h1_events(side) for _ in range(2)), *(_h2_events(side) for _ in range(2))]


SCENARIOS = [
    Scenario("idle_grpc", """gRPC channels: a call, 60 s without one, a call. One sends PINGs after 5 s (RustFS's
guard of 5 + 20 s), one a single PING, one a late WINDOW_UPDATE, one nothing. An end without GOAWAY is a failure; one
with it is none, the next call makes a new connection.""", RUSTFS, _channels),
    Scenario("polls", """GETs that the server answers after 30 s, on a route of class stream; h1 and h2.""", GENERIC,
             _polls),
    Scenario("events", """Server-Sent Events with 30 s between them, on the preset's own route for GET; h1 and
h2.""", GENERIC, _events),
]
