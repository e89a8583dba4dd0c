"""See tools/bench/idle."""

import argparse
import os
import pathlib
import time

from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import Server
from tests.harness.waiting import wait_for
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.storage_node import StorageNode
from tools.lab import Lab, Node

_PEERS = ("node2", "node3", "node4")
_TARGET_PERCENT, _ICMP_PERCENT, _PEER_PERCENT = 3, 2, 0.2
_PINGS = {"mode": "fast_ping", "host": "ping", "process": "ping"}
_ABOUT = f"""\
What peerpulse uses of one core while nothing but its probes goes on, and what that costs the peers: three peers in a
lab, everything at its default but the addresses. h2: storage nodes, probed by PINGs. icmp: nginx without h2, probed by
ICMP echoes and requests. connect: the same without ICMP, probed by TCP connects (for information).

Time on a processor from schedstat of each thread where the kernel has it (nanoseconds), else from stat (clock
ticks). Sending over the lab's links is done on the sender's time, so the kernel's part of it is included, as is that
of receiving whatever arrives meanwhile.

peers: of each peer on average. connects_per_second: connections its kernel accepted; percent_of_core: of its process.

Targets: {_TARGET_PERCENT} % with h2 peers; with icmp {_ICMP_PERCENT} %, at most one connect a second at a peer and less than
{_PEER_PERCENT} % of a core there. Exit 1 if a peer was not alive all the time; not for a missed target."""


def thread_seconds(pid: int) -> dict[str, float]:
    """By `name/thread id`."""
    used = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = "main" if task.name == str(pid) else (task / "comm").read_text(encoding="utf-8").strip()
        used[f"{name}/{task.name}"] = _processor_seconds(task)
    return used


def _processor_seconds(task: pathlib.Path) -> float:
    try:
        return int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except FileNotFoundError:
        fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _accepted(node: Node) -> int:
    """TCP connections that the node's kernel has accepted."""
    with node.entered(), open("/proc/thread-self/net/snmp", encoding="ascii") as table:
        names, values = (line.split() for line in table if line.startswith("Tcp:"))
    return int(values[names.index("PassiveOpens")])


def _cost(servers: list[Server]) -> tuple[int, float]:
    """Connections accepted and processor seconds used by all, so far."""
    return (sum(_accepted(server.host) for server in servers),
            sum(sum(thread_seconds(server.process.pid).values()) for server in servers))


def _run(peerpulse: Peerpulse, seconds: float, means: dict[str, str], servers: list[Server]) -> dict:
    for name in _PEERS:
        peerpulse.wait_verdict(name, "alive")
        # A peer is alive before it is known what it speaks.
        wait_for(lambda peer=name: means.items() <= peerpulse.peer(peer)["probe"].items(), 10,
                 f"{name} is probed by {means}")
    time.sleep(1)  # what starting leaves behind
    accepted, cost = _cost(servers)
    events = len(peerpulse.events())
    sent = sum(peerpulse.peer(name)["probe"]["sent"] for name in _PEERS)
    started, before = time.monotonic(), thread_seconds(peerpulse.process.pid)
    time.sleep(seconds)
    elapsed, after = time.monotonic() - started, thread_seconds(peerpulse.process.pid)
    threads: dict[str, float] = {}
    for thread, used in after.items():
        threads[thread] = round((used - before.get(thread, 0.0)) / elapsed * 100, 3)
    accepted_after, cost_after = _cost(servers)
    states = {name: peerpulse.peer(name) for name in _PEERS}
    new_events = peerpulse.events()[events:]
    if new_events or any(state["verdict"] != "alive" for state in states.values()):
        raise BenchFailed(f"a peer was not alive all the time: {new_events}")
    names = [thread.rpartition("/")[0] for thread in threads]
    return {
        "percent_of_core": round(sum(threads.values()), 2),
        "threads": {thread if names.count(name) > 1 else name: threads[thread]
                    for thread, name in zip(threads, names)},
        "probes_per_second": round((sum(state["probe"]["sent"] for state in states.values()) - sent) / elapsed, 1),
        "peers": {
            "connects_per_second": round((accepted_after - accepted) / elapsed / len(servers), 2),
            "percent_of_core": round((cost_after - cost) / elapsed / len(servers) * 100, 3)} if servers else {},
        "load_average": command.load_average(),
    }


def _with_storage_nodes(seconds: float) -> dict:
    with Lab(nodes=4) as lab:
        peers = []
        for name in _PEERS:
            disk = lab.node(name).directory / "disk1"
            disk.mkdir()
            peers.append(Peer(name, StorageNode(lab.node(name), disk, command.MIB).address))
        with Peerpulse(lab.node("node1"), peers) as peerpulse:
            return _run(peerpulse, seconds, _PINGS, [])


def _with_nginx(seconds: float, host: str, **probe) -> dict:
    with Lab(nodes=4) as lab:
        servers = [NginxPeer(lab.node(name)).start() for name in _PEERS]
        peers = [Peer(name, server.address) for name, server in zip(_PEERS, servers)]
        with Peerpulse(lab.node("node1"), peers, probe=probe) as peerpulse:
            return _run(peerpulse, seconds, {"mode": "l4", "host": host, "process": "request"}, servers)


def _with_icmp(seconds: float) -> dict:
    return _with_nginx(seconds, "icmp")


def _with_connects(seconds: float) -> dict:
    return _with_nginx(seconds, "connect", icmp=False)


def _measure(arguments: argparse.Namespace):
    result: dict = {"seconds": arguments.seconds}
    for name, measure in (("h2", _with_storage_nodes), ("icmp", _with_icmp), ("connect", _with_connects)):
        result[name] = measure(arguments.seconds)
        say(f"{name}: {result[name]['percent_of_core']} % of a core, {result[name]['probes_per_second']} probes/s, "
            f"threads {result[name]['threads']}, peers {result[name]['peers']}, load {result[name]['load_average']}")
    result["target_percent"] = _TARGET_PERCENT
    icmp = result["icmp"]
    result["within_target"] = (
        result["h2"]["percent_of_core"] < _TARGET_PERCENT and icmp["percent_of_core"] <= _ICMP_PERCENT and
        icmp["peers"]["connects_per_second"] <= 1 and icmp["peers"]["percent_of_core"] < _PEER_PERCENT)
    yield result


def main() -> int:
    parser = command.parser("idle", _ABOUT)
    parser.add_argument("--seconds", type=float, default=20, help="how long to measure each (20)")
    return command.run(parser.parse_args(), _measure)
