"""own_pause, descriptors, own_restart: peerpulse's own troubles are not its peer's."""

import asyncio
import contextlib
import signal
import time

from tests.harness.aio.h1 import H1Client
from tools.lib.bench.command import MIB
from tools.lib.bench.healthy.clients import (KeepAlive, calls, gets, h1_download, h1_upload, h2_upload, new_key,
                                                repeated)
from tools.lib.bench.healthy.instances import FEW_DESCRIPTORS, PAUSED, RESTARTED
from tools.lib.bench.healthy.scenario import Outcome, Scenario, Work, compare
from tools.lib.bench.healthy.side import FULL, Lengths, Side, Unexpected, expect
from tools.lib.bench.healthy.stage import Acting
from tools.lib.bench.healthy.tunnels import upgrade

_PAUSE_AFTER_S = 10.0
_AFTER_PAUSE_S = 8.0
_TRANSFER_S = 6.0
_RATE = MIB // 2
_IDLE_CLIENTS = 120
_IDLE_AFTER_S, _IDLE_S = 8.0, 25.0
_ADMIN_WITHIN_S = 3.0
_RESTART_EVERY_S = 15.0
_TUNNELS = 5
_DRAIN_S = 1.0


def _pause(acting: Acting, lengths: Lengths) -> Work:
    return acting.stop(acting.peerpulse.process, _PAUSE_AFTER_S, lengths.own_pause, lengths.every, _AFTER_PAUSE_S)


def _paused_clients(side: Side) -> list[Work]:
    size = int(_TRANSFER_S * _RATE)
    path = f"/bytes/{size}/{_RATE}"
    return [gets(side, "/wait/0", 0.3),
            *(gets(side, "/wait/3", 0.1, 3) for _ in range(2)),
            calls(side, "/grpc.Test/Echo", 0.3), calls(side, "/grpc.Test/Echo/3", 0.1, 3),
            repeated(side, "PUT at 0.5 MiB/s, h1", _TRANSFER_S, lambda: h1_upload(side, "/put", size, _RATE)),
            repeated(side, "PUT at 0.5 MiB/s, h2", _TRANSFER_S, lambda: h2_upload(side, "/put", size, _RATE)),
            repeated(side, "GET at 0.5 MiB/s", _TRANSFER_S, lambda: h1_download(side, path, size, 0))]


async def _idle(side: Side) -> None:
    """Clients that connect and say nothing. They are no exchanges; what becomes of them does not matter."""
    while side.time_for(_IDLE_AFTER_S + _IDLE_S):
        await asyncio.sleep(_IDLE_AFTER_S)
        clients = []
        try:
            for _ in range(_IDLE_CLIENTS):
                with contextlib.suppress(OSError):
                    clients.append(await H1Client.connect(side.address, timeout=1))
            await asyncio.sleep(_IDLE_S)
        finally:
            for client in clients:
                client.close()


async def _admin(side: Side) -> None:
    """The admin answers all the while."""
    while side.through and side.time_for(0):
        async with side.exchange("admin", limit=_ADMIN_WITHIN_S):
            with contextlib.closing(KeepAlive(side.admin)) as client:
                message, _ = await client.get("/peers")
                expect(message.status == 200, f"status {message.status}")
        await asyncio.sleep(1)


def _few_descriptor_clients(side: Side) -> list[Work]:
    return [*(gets(side, "/wait/0", 0.1) for _ in range(4)), _idle(side), _admin(side)]


def _judge_pause(outcome: Outcome) -> list[str]:
    return compare(outcome, more_wait=FULL.own_pause + _AFTER_PAUSE_S)


# A restart of peerpulse.


async def _restart_peerpulse(acting: Acting) -> None:
    """As an operator's upgrade does: SIGTERM, and the next one when it has ended."""
    while await acting.wait_or_end(_RESTART_EVERY_S, _RESTART_EVERY_S):
        process = acting.peerpulse.process
        started = time.monotonic()
        process.signal(signal.SIGTERM)
        while process.running:
            await asyncio.sleep(0.01)
        acting.times.append(time.monotonic() - started)
        acting.done += 1
        # Not in the other thread, whose end would be the end of what it starts (Process).
        acting.peerpulse.spawn()
        await asyncio.to_thread(acting.peerpulse.wait_ready)


async def _open_tunnel(side: Side) -> None:
    """One that nobody ends, as MinIO's grid has them. That a restart cuts it is no failure; it is opened again."""
    while side.time_for(_RESTART_EVERY_S):
        with contextlib.suppress(OSError, Unexpected):
            wire = await upgrade(side, f"/tunnel/{new_key()}")
            try:
                async with side.exchange("open tunnel"):
                    await wire.send(b"here")
                    expect(await wire.read_exactly(4) == b"here", "another message")
                async with asyncio.timeout(max(1.0, side.until - time.monotonic())):
                    await wire.receive()
            finally:
                wire.close()
        await asyncio.sleep(0.2)


def _judge_drain(outcome: Outcome) -> list[str]:
    slow = [f"{seconds:.2f} s" for seconds in outcome.times if seconds > _DRAIN_S]
    return [f"SIGTERM to the end of the process: {', '.join(slow)}"] if slow else []


SCENARIOS = [
    Scenario("own_pause", """peerpulse is stopped (SIGSTOP) for 15 s, every 90 s, with exchanges of all kinds under
way. The direct side has no such pause; its longest wait is no measure for the other's. No exchange may fail.""",
             PAUSED, _paused_clients, lambda acting, lengths: [_pause(acting, lengths)],
             _judge_pause),
    Scenario("descriptors", f"""A peerpulse that may have 64 descriptors, and {_IDLE_CLIENTS} clients that
connect and say nothing for {_IDLE_S:.0f} s. Others' connections, which are older, go on; the admin (an exchange a
second of the through side) answers; the circuit stays closed. The peer speaks h1 alone, so that every probe needs a
descriptor.""", FEW_DESCRIPTORS, _few_descriptor_clients, h1_only=True),
    Scenario("own_restart", f"""peerpulse gets SIGTERM every {_RESTART_EVERY_S:.0f} s, with {_TUNNELS} WebSockets open
through it that nobody ends; action_s: until its process has ended, at most {_DRAIN_S:.0f} s. That it cuts them is
explained.""", RESTARTED, lambda side: [_open_tunnel(side) for _ in range(_TUNNELS)],
             lambda acting, _lengths: [_restart_peerpulse(acting)], _judge_drain, h1_only=True),
]
