"""cancelling: many clients give up at the same moment, as they do when something they all wait for is slow."""

import asyncio
import time

from tests.harness.aio.channel import Channel
from tools.benchmarking.healthy.clients import calls
from tools.benchmarking.healthy.instances import RUSTFS
from tools.benchmarking.healthy.scenario import Scenario, Work
from tools.benchmarking.healthy.side import Side

_CLIENTS, _CALLS = 6, 8
_EVERY_S = 4.0
_AFTER_S = 1.0
_SLOW = "/strict.Test/Echo/30"
_BYSTANDER = "/strict.Test/Echo/1.0"


async def _one_call(channel: Channel) -> None:
    await channel.unary(_SLOW, b"never")


async def _cancelling(side: Side) -> None:
    """All clients give all their calls up at the same moment of the clock."""
    async with Channel(side.address) as channel:
        while side.time_for(2 * _EVERY_S):
            await asyncio.sleep(_EVERY_S - time.monotonic() % _EVERY_S)
            async with side.exchange("calls until they are cancelled", _AFTER_S):
                waiting = [asyncio.create_task(_one_call(channel)) for _ in range(_CALLS)]
                try:
                    # None of them may end before.
                    done, _ = await asyncio.wait(waiting, timeout=_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
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
    Scenario("cancelling", f"""Every {_EVERY_S:.0f} s {_CLIENTS} clients with {_CALLS} calls each give them all up at
once. The server ends a connection whose client resets more than 20 streams within a second, as hyper does; directly no
client does that. Calls of others, which take 1 s, must not notice.""", RUSTFS, _clients),
]
