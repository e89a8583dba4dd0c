"""cancelling: many clients give up at the same moment, as they do when something they all wait for is slow."""

import asyncio
import time

from tests.harness.aio.channel import Channel
from tools.lib.bench.healthy.clients import calls
from tools.lib.bench.healthy.instances import RUSTFS
from tools.lib.bench.healthy.scenario import Scenario, Work
from tools.lib.bench.healthy.side import Side
from tools.lib.bench.healthy.stage import Acting

_CLIENTS, _CALLS = 6, 8
_EVERY_S = 4.0
_HICCUP_S = 0.4
_BEGIN_S, _CANCEL_S = 0.1, 0.2
"""From the hiccup's beginning."""
_NEVER = "/strict.Test/Echo/30"
_BYSTANDER = "/strict.Test/Echo/1.0"


async def _next_moment(offset: float) -> None:
    """All wait for the same moments of the clock."""
    await asyncio.sleep(_EVERY_S - (time.monotonic() - offset) % _EVERY_S)


async def _hiccups(acting: Acting) -> None:
    """The server stands still for a moment."""
    while await acting.wait_or_end(0, 2 * _EVERY_S):
        await _next_moment(0)
        acting.server.process.stop()
        await asyncio.sleep(_HICCUP_S)
        acting.server.process.cont()
        acting.done += 1


async def _cancelling(side: Side) -> None:
    async with Channel(side.address) as channel:
        while side.time_for(2 * _EVERY_S):
            await _next_moment(_BEGIN_S)
            async with side.exchange("calls until they are cancelled", _CANCEL_S - _BEGIN_S):
                waiting = [asyncio.create_task(channel.unary(_NEVER, b"never")) for _ in range(_CALLS)]
                try:
                    # None of them may end before.
                    done, _ = await asyncio.wait(waiting, timeout=_CANCEL_S - _BEGIN_S,
                                                 return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                finally:
                    for task in waiting:
                        task.cancel()
                    await asyncio.gather(*waiting, return_exceptions=True)


def _clients(side: Side) -> list[Work]:
    return [*(_cancelling(side) for _ in range(_CLIENTS)),
            *(calls(side, _BYSTANDER, 0.1, 1.0) for _ in range(4))]


SCENARIOS = [
    Scenario("cancelling", f"""Every {_EVERY_S:.0f} s the server stands still for {_HICCUP_S * 1000:.0f} ms; meanwhile
{_CLIENTS} clients begin {_CALLS} calls each, and give them up. The server ends a connection with more than 20 streams
that were reset before it had looked at them, as hyper does; directly no client does that. Calls of others, which take
1 s, must not notice.""", RUSTFS, _clients, lambda acting, _lengths: [_hiccups(acting)]),
]
