"""restarting, refusing, stopped_peer: what peers do, and callers get over."""

import asyncio

from tests.harness.aio.channel import Channel
from tools.lib.bench.healthy.clients import gets
from tools.lib.bench.healthy.instances import GENERIC, RUSTFS
from tools.lib.bench.healthy.scenario import Outcome, Scenario, Work, compare
from tools.lib.bench.healthy.side import DIRECT, THROUGH, Lengths, Side, expect
from tools.lib.bench.healthy.stage import Acting

_RESTART_EVERY_S = 12.0
_DOWN_S = 1.0
_RETRY_S = 0.1
_RESTART_CLIENTS = 3
_GUARD = (5.0, 3.0)
_CALLERS = 4
_PHASES_S = 0.5
"""What a caller's wait differs by from another's for no reason but the moment."""
_STOP_AFTER_S = 8.0
_RECOVERY_S = 12.0
"""Of a stopped peer's callers: a time in which calls succeed again must remain."""


async def _restart(acting: Acting) -> None:
    while await acting.wait_or_end(_RESTART_EVERY_S, 2 * _DOWN_S):
        acting.server.process.kill()
        await asyncio.sleep(_DOWN_S)
        acting.server.spawn()
        acting.done += 1


def _judge_restarts(outcome: Outcome) -> list[str]:
    """Once per restart each client may come in the moment between the server's return and its discovery."""
    return compare(outcome, more_failed=_RESTART_CLIENTS * outcome.actions)


def _restart_clients(side: Side) -> list[Work]:
    return [gets(side, "/wait/0", _RETRY_S) for _ in range(_RESTART_CLIENTS)]


async def _refused(side: Side) -> None:
    async with Channel(side.address) as channel:
        while side.time_for(0):
            async with side.exchange("GET /refusing"):
                stream, body = await channel.request("/refusing")
                head = stream.head.result()
                expect((head[":status"], body) == ("200", b"ok"), f"{head[':status']} {body[:60]!r}")
            await asyncio.sleep(0.03)


def _refused_clients(side: Side) -> list[Work]:
    return [*(_refused(side) for _ in range(4)), gets(side, "/wait/0", 0.2)]


# A peer that is stopped.


def _stop(acting: Acting, lengths: Lengths) -> Work:
    return acting.stop(acting.server.process, _STOP_AFTER_S, lengths.peer_stop, lengths.every, _RECOVERY_S)


async def _caller(side: Side, delay: float) -> None:
    await asyncio.sleep(delay)
    async with Channel(side.address, _GUARD) as channel:
        while side.time_for(0):
            async with side.exchange("guarded call", limit=120):
                expect(await channel.unary("/grpc.Test/Echo", b"hello") == b"hello", "another message")
            await asyncio.sleep(_RETRY_S)


def _callers(side: Side) -> list[Work]:
    return [_caller(side, number * _GUARD[0] / _CALLERS) for number in range(_CALLERS)]


def _judge_stop(outcome: Outcome) -> list[str]:
    direct, through = outcome.tallies[DIRECT].longest_wait, outcome.tallies[THROUGH].longest_wait
    failures = []
    if outcome.actions == 0:
        failures.append("the run is too short for a stop")
    if through > direct + _PHASES_S:
        failures.append(f"longest wait {through:.2f} s through peerpulse, {direct:.2f} s direct")
    return failures


SCENARIOS = [
    Scenario("restarting", f"""The server is killed, and started again after {_DOWN_S:.0f} s, every
{_RESTART_EVERY_S:.0f} s; {_RESTART_CLIENTS} clients GET all the while. What opens the circuit then (the verdict
`refusing`, or `request_failures` where clients were refused before the prober) is true, and counted as explained. Each
client may fail once more per restart than directly: the server is back a moment before peerpulse knows.""",
             GENERIC, _restart_clients,
             lambda acting, _lengths: [_restart(acting)], _judge_restarts, frozenset({"refusing", "request_failures"})),
    Scenario("refusing", """The server refuses all streams (REFUSED_STREAM) for 250 ms every 4 s, and ends each
connection by GOAWAY after 40 exchanges. Clients repeat what was refused up to 5 times, as gRPC libraries do.""",
             GENERIC, _refused_clients),
    Scenario("stopped_peer", f"""The server is stopped (SIGSTOP) for 45 s, every 90 s. {_CALLERS} callers with
hyper's PING guard ({_GUARD[0]:.0f} + {_GUARD[1]:.0f} s, then a new connection) call all the while; preset rustfs.
Judged is the longest wait for an answer or an error alone: while the circuit is open, which is explained (`stalled`),
calls fail at once and so more often.""", RUSTFS, _callers,
             lambda acting, lengths: [_stop(acting, lengths)], _judge_stop,
             frozenset({"stalled"})),
]
