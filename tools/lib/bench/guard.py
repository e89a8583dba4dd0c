"""See tools/bench/guard."""

import argparse
import errno
import socket
import time

from tests.harness.host import free_port
from tests.harness.peerpulse import Peer, Peerpulse, program
from tests.harness.peers import NghttpdPeer
from tests.harness.raw_sockets import Dialled
from tests.harness.waiting import wait_for
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.demo.measurements import milliseconds, quantile
from tools.lab import Lab, Switched

_VICTIM, _OTHERS = "node3", ("node2", "node4")
_BOUNDS_MS = {1: 1, 16: 2, 1000: 10}
_CONNECTS = 2000
_ABOUT = """\
Sockets of programs that do not pass the proxy, when the power of the host at their other end is cut in a lab.

sockets    Connections between node1 and node3, blocked in a read or a write at node1; outbound: node1 dialled them. From
           monotonic_ns of the peer's `dead` event to the moment at which the program has the error of the last of them
           (tests/clients/blocked_sockets.cc: a thread and a blocking call each up to 32, polling beyond), per round; its
           own time for each is in it. own_ms: until the guard was done; withheld: why it waited (on a
           machine that is too busy this host is the suspect for a second). bound_ms: of the contract.
refused    Connects of node1 to node3 while that is dead, until connect() has failed.
fail_open  From SIGKILL of peerpulse while it refuses, until a connect is not refused any more.
uplink     The power of node1 itself is cut for --uplink seconds: sockets destroyed, and whether those that there were still
           carry bytes.

One line of JSON. Exit 1 if a socket did not fail, failed before the verdict or with another error than ECONNABORTED, a
socket to a living peer was destroyed, or fail_open or uplink is wrong; not for a time of the first two."""


class Bench:
    """A lab, peerpulse on node1 and a server on each other node."""

    def __init__(self, lab: Lab, arguments: argparse.Namespace) -> None:
        self._lab = lab
        self._arguments = arguments
        self._local = lab.node("node1")
        self._victim = lab.node(_VICTIM)
        self._port = free_port(self._local)
        peers = [Peer(name, NghttpdPeer(lab.node(name)).start().address) for name in (_VICTIM, *_OTHERS)]
        self._peerpulse = Peerpulse(self._local, peers, guard={"ports": [self._port]}, log={"access": {"mode": "off"}})

    def run(self) -> dict:
        self._peerpulse.start()
        # A fresh process lets its peers' first second pass.
        ready = time.monotonic()
        wait_for(lambda: time.monotonic() - ready > 1.5, 5, "the first second is over")
        sockets = {}
        for count in self._arguments.counts:
            for direction in ("outbound", "inbound"):
                for doing in ("read", "write"):
                    name = f"{count}_{direction}_{doing}"
                    sockets[name] = self._sockets(name, count, direction, doing)
        return {"sockets": sockets, "uplink": self._uplink(), "refused": self._refused(), "fail_open": self._fail_open(),
                "load_average": command.load_average()}

    def _sockets(self, name: str, count: int, direction: str, doing: str) -> dict:
        last, verdicts, own, withheld = [], [], [], []
        for _ in range(self._arguments.rounds):
            wait_for(self._all_well, 15, "all peers alive")
            client, server = (self._local, self._victim) if direction == "outbound" else (self._victim, self._local)
            dialled = Dialled(client, server, count, doing, self._local, self._port,
                              program=(program("blocked_sockets"),))
            healthy = Dialled(self._local, self._lab.node("node2"), 1, "read", self._local, self._port)
            cut = self._lab.cut(_VICTIM)
            verdict_ns = self._verdict(cut)
            outcomes = dialled.near.outcomes(10)
            self._check(outcomes, count, verdict_ns)
            if not healthy.near.waiting:
                raise BenchFailed("a socket to a living peer has ended")
            last.append(milliseconds(verdict_ns, max(one["at_ns"] for one in outcomes)))
            verdicts.append(milliseconds(cut.ordered_ns, verdict_ns))
            own.append(self._own_ms(verdict_ns))
            withheld += self._withheld(verdict_ns)
            self._lab.restore(_VICTIM)
            for end in (dialled.accepting, dialled.dialling, healthy.accepting, healthy.dialling):
                end.process.kill()
        result = {"rounds": len(last), "after_verdict_ms": {"p50": quantile(last, 0.5), "max": max(last)},
                  "cut_to_verdict_ms": {"p50": quantile(verdicts, 0.5), "max": max(verdicts)},
                  "own_ms": {"p50": quantile(own, 0.5), "max": max(own)}, "withheld": withheld, "bound_ms": _BOUNDS_MS.get(count), "load_average": command.load_average()}
        say(f"  {name}: last error p50 {quantile(last, 0.5)}, max {max(last)} ms after the verdict; the guard was done by "
            f"{quantile(own, 0.5)}, {max(own)}{' ms; withheld first: ' + ', '.join(withheld) if withheld else ''}")
        return result

    def _all_well(self) -> bool:
        states = [self._peerpulse.peer(name) for name in (_VICTIM, *_OTHERS)]
        return all(state["verdict"] == "alive" and state["guard"]["state"] == "idle" for state in states)

    def _verdict(self, cut: Switched) -> int:
        def dead() -> dict | None:
            return next((event for event in self._peerpulse.events() if event["peer"] == _VICTIM and
                         event["to"] == "dead" and event["monotonic_ns"] > cut.ordered_ns), None)
        return wait_for(dead, 5, f"{_VICTIM} found dead")["monotonic_ns"]

    def _own_ms(self, verdict_ns: int) -> float:
        """When the guard had finished, by its own event."""
        def refused() -> dict | None:
            return next((event for event in reversed(self._peerpulse.events("guard"))
                         if event["to"] == "refused" and event["monotonic_ns"] >= verdict_ns), None)
        event = wait_for(refused, 5, "the guard's event")  # it is written after the sockets' errors
        return round((event["monotonic_ns"] - verdict_ns) / 1e6 + event["took_ms"], 2)

    def _withheld(self, since_ns: int) -> list[str]:
        return [event["reason"] for event in self._peerpulse.events("guard")
                if event["to"] == "withheld" and event["monotonic_ns"] >= since_ns]

    @staticmethod
    def _check(outcomes: list[dict], count: int, verdict_ns: int) -> None:
        if [one["outcome"] for one in outcomes] != ["ECONNABORTED"] * count:
            raise BenchFailed(f"not every socket was aborted: {outcomes[:3]}")
        if min(one["at_ns"] for one in outcomes) < verdict_ns:
            raise BenchFailed("a socket ended before the verdict")

    def _connect(self, timeout: float | None = None) -> tuple[int, float]:
        """The errno (0: none, EAGAIN: no answer) and the microseconds of a connect to the victim."""
        with self._local.entered():
            connection = socket.socket()
        with connection:
            connection.settimeout(timeout)
            begin = time.perf_counter_ns()
            error = connection.connect_ex((self._victim.address, self._port))
            return error, (time.perf_counter_ns() - begin) / 1000

    def _cut_and_refuse(self) -> None:
        wait_for(self._all_well, 15, "all peers alive")
        self._lab.cut(_VICTIM)
        wait_for(lambda: self._peerpulse.peer(_VICTIM)["guard"]["state"] == "refused", 5, f"{_VICTIM} refused")

    def _refused(self) -> dict:
        self._cut_and_refuse()
        took = []
        for _ in range(_CONNECTS):
            error, microseconds = self._connect()
            if error != errno.ECONNREFUSED:
                raise BenchFailed(f"a connect was not refused: {errno.errorcode.get(error, error)}")
            took.append(microseconds)
        self._lab.restore(_VICTIM)
        say(f"  refused: p50 {quantile(took, 0.5):.1f}, p99 {quantile(took, 0.99):.1f} us")
        return {"connects": len(took), "p50_us": round(quantile(took, 0.5), 1), "p99_us": round(quantile(took, 0.99), 1),
                "max_us": round(max(took), 1), "bound_us": {"p50": 50, "p99": 1000}}

    def _fail_open(self) -> dict:
        times = []
        for _ in range(self._arguments.rounds):
            self._cut_and_refuse()
            killed = time.monotonic_ns()
            self._peerpulse.process.kill()
            while self._connect(0.02)[0] == errno.ECONNREFUSED:
                if time.monotonic_ns() - killed > 5e9:
                    raise BenchFailed("connects are still refused 5 s after SIGKILL")
            times.append(milliseconds(killed, time.monotonic_ns()))
            self._lab.restore(_VICTIM)
            self._peerpulse.start()
            ready = time.monotonic()
            wait_for(lambda since=ready: time.monotonic() - since > 1.5, 5, "the first second is over")
        say(f"  fail_open: max {max(times)} ms after SIGKILL")
        return {"rounds": len(times), "max_ms": max(times), "bound_ms": 2000}

    def _uplink(self) -> dict:
        wait_for(self._all_well, 15, "all peers alive")
        names = (_VICTIM, *_OTHERS)
        before = self._destroyed()
        dialled = [Dialled(self._local, self._lab.node(name), 4, "read", self._local, self._port) for name in names]
        self._lab.cut("node1")
        time.sleep(self._arguments.uplink)
        states = {name: self._peerpulse.peer(name)["guard"]["reason"] for name in names}
        self._lab.restore("node1")
        wait_for(self._all_well, 15, "all peers alive")
        destroyed = self._destroyed() - before
        alive = all(one.near.waiting for one in dialled)
        for one in dialled:
            one.accepting.process.kill()  # its kernel says so to the other end, if there still is one
        ends = [outcome["outcome"] for one in dialled for outcome in one.near.outcomes(10)]
        if destroyed or not alive or "ECONNABORTED" in ends:
            raise BenchFailed(f"the own uplink was cut: {destroyed} sockets destroyed, ends {ends}")
        say(f"  uplink: cut for {self._arguments.uplink} s, {destroyed} destroyed, withheld for {set(states.values())}")
        return {"seconds": self._arguments.uplink, "sockets": len(ends), "destroyed": destroyed, "withheld": states}

    def _destroyed(self) -> int:
        return int(sum(value for series, value in self._peerpulse.metrics().items()
                       if series.startswith("peerpulse_guard_sockets_total") and 'what="destroyed"' in series))

    def close(self) -> None:
        if self._peerpulse.process is not None:
            self._peerpulse.check_end()


def _measure(arguments: argparse.Namespace):
    command.raise_descriptor_limit(8000)
    with Lab(nodes=4) as lab:
        bench = Bench(lab, arguments)
        result = bench.run()
        bench.close()
    yield result


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    parser = command.parser("guard", _ABOUT)
    parser.add_argument("--counts", type=_counts, default=list(_BOUNDS_MS), metavar="N,...", help="sockets (1,16,1000)")
    parser.add_argument("--rounds", type=int, default=5, help="power cuts for each (5)")
    parser.add_argument("--uplink", type=float, default=30, metavar="SECONDS", help="how long the own one is cut (30)")
    return command.run(parser.parse_args(), _measure)
