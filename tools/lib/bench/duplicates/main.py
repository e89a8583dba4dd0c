"""See tools/bench/duplicates."""

import argparse
import asyncio
import random
import time

from tests.harness.peerpulse import Peer, Peerpulse
from tools.lab import Lab
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.detect.metrics import total
from tools.lib.bench.duplicates.clients import Clients
from tools.lib.bench.duplicates.ledger import Ledger
from tools.lib.bench.duplicates.peer import FaultyPeer

_CLIENT, _PEER = "node1", "node2"
_ABOUT = """\
Sends requests through peerpulse, each with a nonce, to peers of a lab that break connections in every way they can, and counts
the nonces at the peers: a request that is not idempotent must never arrive twice, whatever peerpulse tries again.

Faults: HTTP/1 connections reset or ended after the head, after the body, in and after the answer (the race of keepalive); HTTP/2
streams refused, cancelled and reset, GOAWAY, connections reset; processes that are killed and come back; power cuts.
Refused streams and those above a GOAWAY's last id are not counted as arrived: the peer says that it left them alone.

duplicates        Requests other than GET that arrived more than once. It must be 0.
repeated_gets     GETs that did: peerpulse may send one again whose connection died before any answer.
retries           What peerpulse says to have tried again: without any nothing would be shown.

One line of JSON. Exit 1 for a duplicate, or where nothing was tried again or no fault of a kind happened."""


def _config() -> dict:
    # The circuit would keep the load away from most faults; the budget would end the retries.
    return {"circuit": {"failure_threshold": 1_000_000}, "retry": {"budget_percent": 100, "backoff": "5ms"},
            "log": {"access": {"mode": "off"}}}


async def _disturb(lab: Lab, peers: list[FaultyPeer], ledger: Ledger, chance: random.Random, every: float) -> None:
    while True:
        await asyncio.sleep(chance.uniform(every / 2, every * 3 / 2))
        if chance.random() < 0.5:
            await chance.choice(peers).restart()
            continue
        ledger.faults["power cut"] += 1
        lab.cut(_PEER)
        try:
            await asyncio.sleep(chance.uniform(0.05, 0.4))
        finally:
            lab.restore(_PEER)


async def _load(lab: Lab, peerpulse: Peerpulse, peers: list[FaultyPeer], ledger: Ledger, arguments: argparse.Namespace) -> None:
    for peer in peers:
        peer.start()
    await asyncio.to_thread(peerpulse.start)
    for name in ("h1", "h2"):
        await asyncio.to_thread(peerpulse.wait_verdict, name, "alive")
    chance = random.Random(arguments.seed)
    disturbing = asyncio.create_task(_disturb(lab, peers, ledger, chance, arguments.every))
    h2 = arguments.requests // 5
    host = lab.node(_CLIENT)
    await asyncio.gather(
        Clients(host, peerpulse.listen["h1"], ledger, arguments.seed + 1, arguments.requests - h2).run(False, 32, 1),
        Clients(host, peerpulse.listen["h2"], ledger, arguments.seed + 2, h2).run(True, 4, 8))
    disturbing.cancel()
    await asyncio.gather(disturbing, return_exceptions=True)


def _measure(arguments: argparse.Namespace):
    started = time.monotonic()
    ledger = Ledger()
    with Lab(nodes=2) as lab:
        retries = asyncio.run(_run(lab, ledger, arguments))
    duplicates = ledger.duplicates()
    result = {
        "requests": ledger.asked, "answered": ledger.answered, "failed": dict(ledger.failed.most_common()),
        "arrived": len(ledger.arrived), "duplicates": len(duplicates), "repeated_gets": ledger.repeated(),
        "retries": retries, "faults": dict(sorted(ledger.faults.items())), "seed": arguments.seed,
        "seconds": round(time.monotonic() - started, 1), "load_average": command.load_average()}
    say(f"{result['requests']} requests, {sum(ledger.faults.values())} faults, {retries} tried again by peerpulse: "
        f"{result['duplicates']} duplicates")
    yield result
    if duplicates:
        raise BenchFailed(f"arrived twice: {', '.join(duplicates[:10])}")
    if retries == 0:
        raise BenchFailed("nothing was tried again: this shows nothing")


async def _run(lab: Lab, ledger: Ledger, arguments: argparse.Namespace) -> int:
    host = lab.node(_PEER)
    peers = [FaultyPeer(host, ledger, arguments.seed + number, arguments.chance, http2)
             for number, http2 in enumerate((False, True))]
    entries = [Peer(name, peer.address, {"protocol": protocol})
               for name, peer, protocol in zip(("h1", "h2"), peers, ("http1", "http2"))]
    peerpulse = Peerpulse(lab.node(_CLIENT), entries, **_config())
    try:
        await _load(lab, peerpulse, peers, ledger, arguments)
        metrics = await asyncio.to_thread(peerpulse.metrics)
        return int(total(metrics, "peerpulse_retries_total"))
    finally:
        for peer in peers:
            await peer.close()
        await asyncio.to_thread(peerpulse.check_end)


def main() -> int:
    parser = command.parser("duplicates", _ABOUT)
    parser.add_argument("--requests", type=int, default=100_000, help="%(default)s")
    parser.add_argument("--chance", type=float, default=0.05, help="of a request to meet a fault of its own (%(default)s)")
    parser.add_argument("--every", type=float, default=2, help="seconds between restarts and power cuts (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="%(default)s")
    return command.run(parser.parse_args(), _measure)
