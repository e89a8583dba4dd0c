"""A thousand large writes at once, to nodes that do not read."""

import selectors
import socket
import time

from tests.harness.host import connect
from tools.lib.bench import command
from tools.lib.bench.command import MIB, BenchFailed
from tools.lib.bench.detect.scenario import summary
from tools.lib.bench.fanout.cluster import QUORUM, Cluster
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_WRITES = 1000
_SIZE = 8 * MIB
_MEMORY_MIB = 256
_BESIDE_MIB = 64
_REFUSED_BOUND_MS = 5
_REFUSALS = 200
_STOPPED_S = 3
_WITHIN_S = 120
_PIECE = bytes(256 * 1024)


class _Write:
    """A connection, its write and what has come back; non-blocking."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.socket = connect(cluster.local, cluster.api)
        head = (f"PUT /quorum/chunks/disk1/memory/{number} HTTP/1.1\r\nHost: x\r\nPeerpulse-Quorum: {QUORUM}\r\n"
                f"Content-Length: {_SIZE}\r\n\r\n")
        self.socket.sendall(head.encode())
        self.begun_ns = time.monotonic_ns()
        self.socket.setblocking(False)
        self._left = _SIZE
        self.status = 0
        """Of the answer; 0: none yet."""
        self.answered_ms = 0.0
        self.finished = False

    @property
    def sending(self) -> bool:
        return self._left > 0 and not self.finished

    def on_writable(self) -> None:
        try:
            self._left -= self.socket.send(_PIECE[:self._left])
        except BlockingIOError:
            pass
        except ConnectionError:
            self.finished = True

    def on_readable(self) -> None:
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if data and not self.status:
            self.status = int(data[9:12])
            self.answered_ms = (time.monotonic_ns() - self.begun_ns) / 1e6
        # Who was refused sends no more.
        self.finished = self.finished or not data or self.status != 0


def _turn(selector: selectors.BaseSelector) -> None:
    for key, events in selector.select(0.1):
        write: _Write = key.data
        if events & selectors.EVENT_READ:
            write.on_readable()
        if events & selectors.EVENT_WRITE and not write.finished:
            write.on_writable()
        if write.finished:
            selector.unregister(write.socket)
            write.socket.close()
        elif not write.sending and key.events & selectors.EVENT_WRITE:
            selector.modify(write.socket, selectors.EVENT_READ, write)


def _refusal_ms(cluster: Cluster) -> float:
    """One more write, of which only the head is sent. Its own connection is not counted."""
    with cluster.client() as client:
        begin = time.monotonic_ns()
        client.send_head("PUT", "/quorum/chunks/disk1/memory/more",
                         {"Content-Length": str(_SIZE), "Peerpulse-Quorum": str(QUORUM)})
        response = client.read_response("PUT")
        if response.status != 503 or response.json()["error"] != "memory_exhausted":
            raise BenchFailed(f"there is no room, and the answer is {response.status}")
        return (time.monotonic_ns() - begin) / 1e6


def _run(settings: Settings) -> dict:
    command.raise_descriptor_limit(8000)
    count = settings.count(_WRITES)
    with Cluster(api={"memory": f"{_MEMORY_MIB}MiB"}) as cluster:
        for process in cluster.servers.values():
            process.stop()
        cluster.peerpulse.reset_peak()
        before = cluster.peerpulse.resident_bytes()
        writes, selector = [], selectors.DefaultSelector()
        for number in range(count):
            writes.append(_Write(cluster, number))
            selector.register(writes[-1].socket, selectors.EVENT_READ | selectors.EVENT_WRITE, writes[-1])
            if number % 10 == 0:
                _turn(selector)
        until = time.monotonic() + _STOPPED_S
        while time.monotonic() < until:
            _turn(selector)
        held = sum(not write.finished for write in writes)
        refusals = summary([_refusal_ms(cluster) for _ in range(settings.count(_REFUSALS))])
        for process in cluster.servers.values():
            process.cont()
        until = time.monotonic() + _WITHIN_S
        while selector.get_map():
            if time.monotonic() > until:
                raise BenchFailed(f"{len(selector.get_map())} writes have no end in {_WITHIN_S} s")
            _turn(selector)
        cluster.wait_idle()
        grown = round((cluster.peerpulse.peak_bytes() - before) / MIB, 1)
    statuses = {status: sum(write.status == status for write in writes) for status in {w.status for w in writes}}
    at_once = summary([write.answered_ms for write in writes if write.status == 503])
    failures = []
    if statuses.get(200, 0) != held or statuses.get(200, 0) + statuses.get(503, 0) != count:
        failures.append(f"{held} were taken, and the answers are {statuses}")
    return report("memory", [
        Number("growth of the process", grown, _MEMORY_MIB + _BESIDE_MIB, "MiB"),
        Number("503 to what is too much, p99", refusals["p99"], _REFUSED_BOUND_MS, "ms"),
    ], failures, taken=held, statuses={str(key): value for key, value in sorted(statuses.items())},
        refused_ms=refusals, refused_in_the_rush_ms=at_once)


MEASURES = [Measure("memory", f"""
    {_WRITES} quorum writes of 8 MiB at once, while all five nodes are stopped and read nothing; after {_STOPPED_S} s
    they go on. What is taken must succeed, the rest be refused (503). Growth: the peak (VmHWM) over VmRSS before; its
    bound is api.memory ({_MEMORY_MIB} MiB), and {_BESIDE_MIB} MiB for connections, their buffers and the allocator.
    503: of one more, while there is no room, from its head to the answer; in the rush: of the {_WRITES}, the bench's
    own queue included.""", _run)]
