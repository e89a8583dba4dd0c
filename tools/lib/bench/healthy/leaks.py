"""Connections that peerpulse still has when all its clients have gone."""

import time

from tests.harness.peerpulse import Peerpulse
from tools.lib.bench.healthy import sockets

_SETTLED_WITHIN_S = 20
_PROBES = 4
"""Sockets to a peer that the prober may have at one moment."""


def _of_peer(name: str, peerpulse: Peerpulse, state: dict, found: list[sockets.Socket]) -> list[str]:
    """`state` is the peer's of /peers."""
    downstream = peerpulse.listen[name][1]
    upstream = int(state["address"].rpartition(":")[2])
    connections = state["connections"]
    leaks = []
    if state["in_flight"] or connections["active"]:
        leaks.append(f"{state['in_flight']} exchanges in flight, {connections['active']} active connections")
    waiting = sum(one.state == sockets.CLOSE_WAIT and downstream in (one.local_port, one.remote_port) or
                  one.state == sockets.CLOSE_WAIT and one.remote_port == upstream for one in found)
    if waiting:
        leaks.append(f"{waiting} sockets in CLOSE-WAIT")
    clients = sum(one.local_port == downstream and one.state != sockets.LISTEN for one in found)
    if clients:
        leaks.append(f"{clients} sockets of clients that have gone")
    known = connections["idle"] + connections["connecting"] + connections["active"] + _PROBES
    open_ = sum(one.remote_port == upstream for one in found)
    if open_ > known:
        leaks.append(f"{open_} sockets to the peer, {known - _PROBES} in the pools")
    return leaks


def _now(peerpulse: Peerpulse) -> dict[str, list[str]]:
    try:
        peers = {peer["name"]: peer for peer in peerpulse.get("/peers").json()["peers"]}
    except OSError as error:
        return {name: [f"the admin does not answer: {error}"] for name in peerpulse.listen}
    found = sockets.of_process(peerpulse.process.pid)
    leaks = {name: _of_peer(name, peerpulse, peer, found) for name, peer in peers.items()}
    return {name: texts for name, texts in leaks.items() if texts}


def find(peerpulse: Peerpulse) -> dict[str, list[str]]:
    """By peer; waits a while for the last ends to be noticed."""
    deadline = time.monotonic() + _SETTLED_WITHIN_S
    while (leaks := _now(peerpulse)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return leaks
