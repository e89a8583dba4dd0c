"""peers1000: what a thousand peers cost, and whether they are found as fast."""

import contextlib
import os
import pathlib
import time

from tests.harness.waiting import wait_for
from tools.lib.bench import command
from tools.lib.bench.command import say
from tools.lib.bench.detect.cluster import make_peerpulse
from tools.lib.bench.detect.events import EventStream
from tools.lib.bench.detect.metrics import by_peer, total
from tools.lib.bench.detect.scenario import CUT_TARGETS, Scenario, Settings, report
from tools.lib.bench.idle import thread_seconds
from tools.lib.demo.measurements import milliseconds
from tools.lab import Lab

_NODES, _PEERS_PER_NODE = 50, 20
_PEERS = _NODES * _PEERS_PER_NODE
_PORT = 9000
_CORES_TARGET = 0.30
_SECONDS, _ROUNDS = 20, 5
_PROBER = "pp-prober"
_STAGES = "peerpulse_detection_stages_total"
_START_S = 60
_FOUND_WITHIN_S = 10


def _start_peers(lab: Lab) -> dict[str, str]:
    """One nghttpd per node, at that many addresses: of the peers only their kernels and PINGs matter here.

    The addresses are behind the node, not on the switch: a thousand neighbours are more than a kernel keeps.
    """
    addresses = {}
    routes = []
    for number, node in enumerate(lab.nodes[1:], 1):
        node.namespace.ip(*(f"addr add 10.78.{number}.{host}/32 dev lo" for host in range(1, _PEERS_PER_NODE + 1)))
        routes.append(f"route add 10.78.{number}.0/24 via {node.address}")
        node.spawn(["nghttpd", "--no-tls", "--address", "0.0.0.0", "-d", str(node.directory), str(_PORT)])
        for host in range(1, _PEERS_PER_NODE + 1):
            addresses[f"{node.name}_{host}"] = f"10.78.{number}.{host}:{_PORT}"
    lab.nodes[0].namespace.ip(*routes)
    return addresses


def _prober_user_seconds(pid: int) -> float:
    """Of the prober's thread, outside the kernel; in clock ticks, which will do over many seconds."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text(encoding="utf-8").strip() == _PROBER:
            fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            return int(fields[11]) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError(f"process {pid} has no thread {_PROBER}")


def _cores(pid: int, seconds: float) -> dict:
    before, user, started = thread_seconds(pid), _prober_user_seconds(pid), time.monotonic()
    time.sleep(seconds)
    elapsed, after = time.monotonic() - started, thread_seconds(pid)
    user = _prober_user_seconds(pid) - user
    used = {thread: (after[thread] - before.get(thread, 0.0)) / elapsed for thread in after}
    prober = sum(value for thread, value in used.items() if thread.startswith(_PROBER))
    return {"prober_cores": round(prober, 3), "prober_user_cores": round(user / elapsed, 3),
            "process_cores": round(sum(used.values()), 3)}


def _cut(lab: Lab, events: EventStream, peerpulse, node: str, names: list[str]) -> tuple[list[float], list[str]]:
    position = events.position()
    cut = lab.cut(node)
    deadline = time.monotonic() + _FOUND_WITHIN_S  # of all
    times, missed = [], []
    for name in names:
        event = events.wait(lambda e, name=name: e["peer"] == name and e["to"] == "dead",
                            deadline - time.monotonic(), position)
        if event is None:
            missed.append(name)
        else:
            times.append(milliseconds(cut.ordered_ns, event["monotonic_ns"]))
    if missed:
        state = peerpulse.peer(missed[0])
        say(f"  {len(missed)} of {node} not found dead; {missed[0]} is {state['verdict']}, last heard of "
            f"{state['last_heard_ms']} ms ago")
    lab.restore(node)
    for name in names:
        peerpulse.wait_circuit(name, "closed", _FOUND_WITHIN_S)
    time.sleep(0.5)
    return times, missed


def _peers1000(settings: Settings) -> dict:
    command.raise_descriptor_limit(8 * _PEERS)
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab(nodes=_NODES + 1))
        addresses = _start_peers(lab)
        time.sleep(1)
        peerpulse = make_peerpulse(lab.nodes[0], addresses, {
            "log": {"access": {"mode": "off"}}, "probe": {"profile": settings.profile, "interval": "20ms"}})
        stack.callback(peerpulse.check_end)
        peerpulse.start(_START_S)
        events = EventStream(peerpulse)
        stack.callback(events.close)
        wait_for(lambda: all(peer["verdict"] == "alive" and peer["probe"]["mode"] == "fast_ping"
                             for peer in peerpulse.get("/peers").json()["peers"]), _START_S, "all get PINGs")
        time.sleep(2)
        return _measure(settings, lab, peerpulse, events, addresses)


def _measure(settings: Settings, lab: Lab, peerpulse, events: EventStream, addresses: dict[str, str]) -> dict:
    seconds = settings.seconds_or(_SECONDS)
    before, started = peerpulse.metrics(), time.monotonic()
    cores = _cores(peerpulse.process.pid, seconds)
    elapsed, after = time.monotonic() - started, peerpulse.metrics()
    rate = (total(after, "peerpulse_probes_sent_total") - total(before, "peerpulse_probes_sent_total")) / elapsed
    say(f"  {rate:.0f} PINGs/s, {cores}")
    times, missed = [], []
    by_peer_before, cuts = by_peer(before, _STAGES, 'stage="dead"'), {}
    for number in range(settings.rounds_or(_ROUNDS)):
        node = lab.nodes[1 + number % _NODES].name
        names = [name for name in addresses if name.partition("_")[0] == node]
        cuts[node] = cuts.get(node, 0) + 1
        one = _cut(lab, events, peerpulse, node, names)
        times, missed = times + one[0], missed + one[1]
    peer_seconds = round((time.monotonic() - started) * _PEERS, 1)
    stages = peerpulse.metrics()
    suspects = total(stages, _STAGES, 'stage="suspect"') - total(before, _STAGES, 'stage="suspect"')
    failures = [f"not found dead: {missed[:5]} ({len(missed)})"] if missed else []
    false_dead = 0
    for name, count in by_peer(stages, _STAGES, 'stage="dead"').items():
        false_dead += max(0, count - by_peer_before.get(name, 0) - cuts.get(name.partition("_")[0], 0))
    if false_dead:
        failures.append(f"{false_dead} false dead")
    target = CUT_TARGETS[settings.profile]
    result = report("peers1000", settings, times, {
        "false_dead": false_dead, "suspects": suspects, "peer_seconds": peer_seconds}, failures,
        target={"prober_cores": _CORES_TARGET, "p50": target.p50, "p99": target.p99, "max": target.max},
        within_target=False, peers=_PEERS, pings_per_second=round(rate, 1), seconds=seconds,
        prober_us_per_ping=round(cores["prober_cores"] * 1e6 / rate, 2), **cores)
    result["within_target"] = not failures and cores["prober_cores"] <= _CORES_TARGET and target.met_by(result)
    return result


SCENARIOS = [
    Scenario("peers1000", f"""{_PEERS} peers ({_NODES} nodes, one nghttpd each at {_PEERS_PER_NODE} addresses), a
PING to each every 20 ms. prober_cores, process_cores: processor time from schedstat over --seconds (default
{_SECONDS}), as in tools/bench/idle: sending over the lab's links, and receiving whatever arrives meanwhile, is done
on the sender's time and so included; prober_user_cores: of it outside the kernel; prober_us_per_ping: all of it.
Then --rounds cuts of a node ({_PEERS_PER_NODE} peers at once, default {_ROUNDS}); the peers share the processors
with the prober.""", _peers1000),
]
