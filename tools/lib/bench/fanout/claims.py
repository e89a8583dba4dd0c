"""Chunk writes while nodes are cut off, stopped and reset: what is claimed against what is on the disks."""

import collections
import contextlib
import hashlib
import random
import threading
import time

from tools.lib.bench.command import BenchFailed
from tools.lib.bench.fanout.cluster import PEERS, Cluster
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_WRITES = 1000
_WRITERS = 6
_SIZES = (4096, 65536, 300_000, 1 << 20)
_TROUBLE_S = (0.05, 0.4)
_QUIET_S = (0, 0.1)
_BETWEEN_S = (0, 0.15)
"""Of one writer: there is time for trouble."""


class _Trouble:
    """Does something to a random node, then to another, until it is stopped. A thread of its own has the power."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster = cluster
        self._chance = chance
        self._over = threading.Event()
        self.done: collections.Counter = collections.Counter()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "_Trouble":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._chance.uniform(*_QUIET_S)):
            what = self._chance.choice((self._cut, self._stall, self._reset))
            self.done[what.__name__.strip("_")] += 1
            what(self._chance.choice(PEERS))

    def _cut(self, name: str) -> None:
        self._cluster.cut(name)
        self._over.wait(self._chance.uniform(*_TROUBLE_S))
        self._cluster.restore(name)

    def _stall(self, name: str) -> None:
        self._cluster.servers[name].stop()
        self._over.wait(self._chance.uniform(*_TROUBLE_S))
        self._cluster.servers[name].cont()

    def _reset(self, name: str) -> None:
        done = self._cluster.lab.node(name).run(["ss", "-K", "dst", self._cluster.local.address])
        if done.returncode != 0:
            raise BenchFailed(f"ss -K: {done.stderr.decode()}")


class _Writer(threading.Thread):
    """One chunk after the other."""

    def __init__(self, cluster: Cluster, numbers: range) -> None:
        super().__init__()
        self._cluster = cluster
        self._numbers = numbers
        self._chance = random.Random(numbers.start)
        self.claimed: dict[str, tuple[str, bytes]] = {}
        """By path: the disk that is said to have it, and the digest of what was sent."""
        self.attempts: collections.Counter = collections.Counter()
        self.failed = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for number in self._numbers:
                self._write(f"claims/{number}")
                time.sleep(self._chance.uniform(*_BETWEEN_S))
        except Exception as error:  # pylint: disable=broad-except  # raised again by the bench
            self.error = error

    def _write(self, path: str) -> None:
        body = self._chance.randbytes(self._chance.choice(_SIZES))
        shard = self._chance.randrange(len(PEERS))
        response = self._cluster.ask("PUT", f"/erasure/set0/{shard}/{path}", body)
        if response.status != 201:
            self.failed += 1
            return
        self.attempts[int(response.headers["peerpulse-attempts"])] += 1
        self.claimed[path] = (response.headers["peerpulse-stored-on"], hashlib.sha256(body).digest())


def _wrong(cluster: Cluster, claimed: dict[str, tuple[str, bytes]]) -> list[str]:
    wrong = []
    for path, (disk, digest) in claimed.items():
        peer, _, folder = disk.partition("/")
        found = cluster.read_chunk(peer, f"/{folder}/{path}")
        if found is None or hashlib.sha256(found).digest() != digest:
            wrong.append(f"{path} is said to be on {disk}")
    return wrong


def _run(settings: Settings) -> dict:
    writes = settings.count(_WRITES)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        writers = [_Writer(cluster, range(first, writes, _WRITERS)) for first in range(_WRITERS)]
        with _Trouble(cluster, random.Random(1)) as trouble:
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
        cluster.mend()
        for writer in writers:
            if writer.error:
                raise writer.error
        claimed = {path: claim for writer in writers for path, claim in writer.claimed.items()}
        wrong = _wrong(cluster, claimed)
    attempts = sum((writer.attempts for writer in writers), collections.Counter())
    return report("erasure_claims", [Number(f"wrong claims in {writes} writes", len(wrong), 0, "claims")], wrong[:10],
                  stored=len(claimed), failed=sum(writer.failed for writer in writers),
                  attempts={str(n): count for n, count in sorted(attempts.items())}, trouble=dict(trouble.done),
                  seconds=round(time.monotonic() - started, 1))


MEASURES = [Measure("erasure_claims", f"""
    {_WRITES} chunks of 4 KiB to 1 MiB, {_WRITERS} at a time, while one node after the other is cut off, stopped, or has its
    connections reset. Afterwards each chunk that was said to be on a disk is read from its storage node. A write may fail;
    an answer may not be wrong.""", _run)]
