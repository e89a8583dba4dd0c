"""client_deadlines, vanishing, early_answers, fields: what clients do is not the peer's doing."""

import asyncio
import contextlib

from tests.harness.aio.bodies import PIECE, pattern
from tests.harness.aio.channel import Channel, GrpcFailed
from tests.harness.aio.h1 import H1Client, body_of
from tests.harness.aio.h2_stream import H2Stream
from tools.lib.bench.command import MIB
from tools.lib.bench.healthy.clients import RECEIVE_BUFFER, KeepAlive, calls, gets, new_key
from tools.lib.bench.healthy.instances import GENERIC, SWIFT
from tools.lib.bench.healthy.scenario import Scenario, Work
from tools.lib.bench.healthy.side import Side, expect
from tools.lib.bench.healthy.tunnels import server_got, upgrade

_SLOW_CALL = "/grpc.Test/Echo/0.3"
_DEADLINE_S = 0.05
_DEADLINE_EXCEEDED = "4"
_EARLY_BODY = 16 * MIB
_REQUEST_FIELDS, _ANSWER_FIELDS = 106, 111


async def _deadlines(side: Side) -> None:
    """Calls that their client gives up after 50 ms, as grpc-timeout says; an answer of status 4 is as good."""
    async with Channel(side.address) as channel:
        while side.time_for(1):
            async with side.exchange("call with grpc-timeout 50m"):
                try:
                    async with asyncio.timeout(_DEADLINE_S):
                        await channel.unary(_SLOW_CALL, b"late", timeout="50m")
                except GrpcFailed as error:
                    if error.status != _DEADLINE_EXCEEDED:
                        raise
                except TimeoutError:
                    pass
            await asyncio.sleep(0.1)


def _deadline_clients(side: Side) -> list[Work]:
    return [*(_deadlines(side) for _ in range(3)), calls(side, _SLOW_CALL, 0.2, 0.3), gets(side, "/wait/0", 0.2)]


# Clients that vanish.


async def _begin_upload(side: Side) -> H1Client:
    client = await H1Client.connect(side.address)
    await client.send_head("PUT", "/put", [("Content-Length", str(MIB))])
    await client.wire.send(pattern(0, PIECE) + pattern(PIECE, PIECE))
    await asyncio.sleep(0.05)
    return client


async def _vanish_by_fin(side: Side) -> None:
    (await _begin_upload(side)).wire.close()


async def _vanish_by_reset(side: Side) -> None:
    (await _begin_upload(side)).wire.reset()


async def _vanish_while_reading(side: Side) -> None:
    client = await H1Client.connect(side.address, receive_buffer=RECEIVE_BUFFER)
    await client.send_head("GET", f"/bytes/{8 * MIB}")
    await client.read_head()
    client.wire.reset()


async def _begin_h2_upload(channel: Channel) -> H2Stream:
    stream = await channel.open("/put", [("content-length", str(MIB))], method="PUT", end=False)
    await stream.send(pattern(0, PIECE))
    await asyncio.sleep(0.05)
    return stream


async def _vanish_h2_stream(side: Side) -> None:
    async with Channel(side.address) as channel:
        stream = await _begin_h2_upload(channel)
        await stream.reset()
        stream.link.forget(stream)


async def _vanish_h2_connection(side: Side) -> None:
    channel = Channel(side.address)
    try:
        await _begin_h2_upload(channel)
    finally:
        await channel.close(reset=True)


async def _vanish_from_tunnel(side: Side) -> None:
    """The server must see the end of a tunnel whose client has gone."""
    key = new_key()
    wire = await upgrade(side, f"/tunnel/{key}")
    try:
        await wire.send(b"here")
        await wire.read_exactly(4)
    finally:
        wire.close()
    await server_got(side, key, "end", "reset")


async def _vanishing(side: Side) -> None:
    ways = (_vanish_by_fin, _vanish_by_reset, _vanish_while_reading, _vanish_h2_stream, _vanish_h2_connection,
            _vanish_from_tunnel)
    while side.time_for(1):
        for way in ways:
            async with side.exchange(way.__name__.strip("_")):
                await way(side)
            await asyncio.sleep(0.05)


def _vanishing_clients(side: Side) -> list[Work]:
    return [_vanishing(side), _vanishing(side), gets(side, "/wait/0.1", 0.2, 0.1), calls(side, _SLOW_CALL, 0.2, 0.3)]


# Early answers.


async def _early(side: Side, way: str) -> None:
    """Whatever becomes of the body: the answer must be seen."""
    async with await H1Client.connect(side.address) as client:
        await client.send_head("PUT", f"/early/{way}", [("Content-Length", str(_EARLY_BODY))])
        sending = asyncio.create_task(_send_body(client))
        try:
            message = await client.read_head()
            body = b"".join([piece async for piece in body_of(client.wire, message)])
            expect((message.status, body) == (413, b"too much"), f"{message.status} {body[:60]!r}")
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _send_body(client: H1Client) -> None:
    with contextlib.suppress(OSError):
        for sent in range(0, _EARLY_BODY, PIECE):
            await client.wire.send(pattern(sent, PIECE))


async def _earlies(side: Side, way: str) -> None:
    while side.time_for(1):
        async with side.exchange(f"early 413, {way}"):
            await _early(side, way)
        await asyncio.sleep(0.3)


def _early_clients(side: Side) -> list[Work]:
    return [*(_earlies(side, way) for way in ("rst", "close", "keep")), gets(side, "/wait/0", 0.2)]


# Fields.


async def _h1_fields(side: Side) -> None:
    fields = [(f"X-Object-Meta-{number}", f"value {number}") for number in range(_REQUEST_FIELDS)]
    with contextlib.closing(KeepAlive(side.address)) as client:
        while side.time_for(0):
            async with side.exchange("many fields, h1"):
                message, body = await client.get(f"/fields/{_ANSWER_FIELDS}", fields)
                _expect_fields(message.fields, body)
            await asyncio.sleep(0.3)


async def _h2_fields(side: Side) -> None:
    fields = [(f"x-object-meta-{number}", f"value {number}") for number in range(_REQUEST_FIELDS)]
    async with Channel(side.address) as channel:
        while side.time_for(0):
            async with side.exchange("many fields, h2"):
                stream, body = await channel.request(f"/fields/{_ANSWER_FIELDS}", fields)
                _expect_fields(stream.fields, body)
            await asyncio.sleep(0.3)


def _expect_fields(fields, body: bytes) -> None:
    own = sum(name.startswith("x-object-meta-") for name, _ in fields)
    expect((own, body) == (_ANSWER_FIELDS, str(_REQUEST_FIELDS).encode()),
           f"{own} of {_ANSWER_FIELDS} fields, {body[:60]!r}")


def _field_clients(side: Side) -> list[Work]:
    return [_h1_fields(side), _h2_fields(side)]


SCENARIOS = [
    Scenario("client_deadlines", """Calls with grpc-timeout 50m to a server that takes 300 ms, given up by their
client; calls and GETs of others to the same peer must not notice.""", GENERIC, _deadline_clients),
    Scenario("vanishing", """Clients that go away in the middle of uploads (FIN, RST, RST_STREAM), of downloads and
of tunnels, whose end the server must see; others must not notice.""", GENERIC, _vanishing_clients),
    Scenario("early_answers", f"""PUTs of {_EARLY_BODY // MIB} MiB answered 413 after 64 KiB: then RST (unread
input), FIN, or the rest is read. Every client must see the 413.""", GENERIC, _early_clients, h1_only=True),
    Scenario("fields", f"""{_REQUEST_FIELDS} fields in a request and {_ANSWER_FIELDS} in its answer, as Swift has
them; h1 and h2.""", SWIFT, _field_clients),
]
