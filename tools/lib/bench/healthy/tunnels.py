"""tunnels: Upgrade, and what each end does to its direction afterwards."""

import asyncio

from tests.harness.aio.bodies import PIECE, pattern
from tests.harness.aio.h1 import H1Client
from tests.harness.aio.wire import Wire
from tools.lib.bench.command import MIB
from tools.lib.bench.healthy.clients import KeepAlive, new_key, repeated
from tools.lib.bench.healthy.instances import MINIO
from tools.lib.bench.healthy.scenario import Scenario, Work
from tools.lib.bench.healthy.side import Side, expect

_LATE_S = 1.0
_SEEN_WITHIN_S = 5.0
_UNREAD = 16 * MIB
"""More than all buffers on the way take."""


async def upgrade(side: Side, path: str) -> Wire:
    client = await H1Client.connect(side.address)
    await client.send_head("GET", path, [("Connection", "Upgrade"), ("Upgrade", "websocket")])
    message = await client.read_head()
    if message.status != 101:
        client.close()
        expect(False, f"status {message.status}")
    return client.wire


async def _tunnel(side: Side) -> None:
    """Silence in the middle; then the client ends its direction together with its last bytes, and the server has the
    last word."""
    wire = await upgrade(side, f"/tunnel/{new_key()}")
    try:
        await wire.send(b"before")
        expect(await wire.read_exactly(6) == b"before", "another message")
        await asyncio.sleep(side.lengths.tunnel_silence)
        await wire.send(b"after")
        wire.end()
        expect(await wire.read_exactly(8) == b"afterbye", "another message, or no last word")
        expect(await wire.receive() == b"", "no end")
    finally:
        wire.close()


async def _tunnel_first(side: Side) -> None:
    """The server ends its direction first."""
    key = new_key()
    wire = await upgrade(side, f"/tunnel-first/{key}")
    try:
        expect(await wire.read_exactly(5) == b"first", "another message")
        expect(await wire.receive() == b"", "no end")
        await asyncio.sleep(_LATE_S)
        await wire.send(b"rest")
        wire.end()
    finally:
        wire.close()
    await server_got(side, key, "rest")


async def _tunnel_late(side: Side) -> None:
    """The server reads nothing for a long time: the window is closed, and its kernel says so when it is asked."""
    silence = side.lengths.tunnel_silence
    key = new_key()
    wire = await upgrade(side, f"/tunnel-late/{key}/{silence}")
    try:
        for sent in range(0, _UNREAD, PIECE):
            await wire.send(pattern(sent, PIECE))
        wire.end()
        await server_got(side, key, str(_UNREAD))
    finally:
        wire.close()


async def server_got(side: Side, key: str, *wanted: str) -> None:
    """Waits until the server says one of these of a tunnel."""
    client, got = KeepAlive(side.server), ""
    try:
        async with asyncio.timeout(_SEEN_WITHIN_S):
            while got not in wanted:
                got = (await client.get(f"/got/{key}"))[1].decode()
                await asyncio.sleep(0.05)
    except TimeoutError:
        expect(False, f"the server saw {got!r}, not {' or '.join(wanted)}")
    finally:
        client.close()


def _tunnels(side: Side) -> list[Work]:
    silence = side.lengths.tunnel_silence
    return [*(repeated(side, "silent tunnel", silence, lambda: _tunnel(side)) for _ in range(3)),
            repeated(side, "tunnel whose server does not read", silence, lambda: _tunnel_late(side)),
            repeated(side, "tunnel that the server ends first", _LATE_S, lambda: _tunnel_first(side))]


SCENARIOS = [
    Scenario("tunnels", """WebSockets without a byte for 45 s, then data, then half-closes: by the client, whose
server has the last word, and by the server. And one whose server reads nothing for 45 s of what it is sent.""", MINIO,
             _tunnels, h1_only=True),
]
