"""small_windows: many WINDOW_UPDATEs are no flood."""

import asyncio

from tools.lib.bench.command import MIB
from tools.lib.bench.healthy.clients import h2_download, h2_upload
from tools.lib.bench.healthy.instances import GENERIC
from tools.lib.bench.healthy.scenario import Scenario, Work, compare
from tools.lib.bench.healthy.side import Side

_SIZE = 28 * MIB
_TAKES_S = 10.0
_EVERY_S = 20.0
_WAIT_S = 60.0


async def _uploads(side: Side) -> None:
    while side.time_for(_TAKES_S):
        async with side.exchange("PUT to a peer of small reads", _TAKES_S):
            await h2_upload(side, "/put-small-reads", _SIZE, 0)
        await asyncio.sleep(_EVERY_S)


async def _downloads(side: Side) -> None:
    await asyncio.sleep(_EVERY_S / 2)
    while side.time_for(_TAKES_S):
        async with side.exchange("GET by a client of small reads", _TAKES_S):
            await h2_download(side, f"/bytes/{_SIZE}", _SIZE, 0, small_updates=True)
        await asyncio.sleep(_EVERY_S)


def _clients(side: Side) -> list[Work]:
    return [_uploads(side), _downloads(side)]


SCENARIOS = [
    Scenario("small_windows", f"""Bodies of {_SIZE // MIB} MiB over h2 whose receiver refreshes both windows for each
4 KiB that it has read. That costs the clients so much processor time that waits say nothing here.""",
             GENERIC, _clients, judge=lambda outcome: compare(outcome, more_wait=_WAIT_S)),
]
