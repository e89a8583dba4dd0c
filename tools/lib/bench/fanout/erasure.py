"""A chunk write whose node loses its power in the middle of the body."""

import hashlib
import random
import time

from tools.lib.bench.command import MIB
from tools.lib.bench.detect.scenario import summary
from tools.lib.bench.fanout.cluster import PEERS, Cluster, disk_of
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report

_ROUNDS = 20
_SIZE = 8 * MIB
_BOUND_MS = 150


def _write(cluster: Cluster, shard: int, path: str, body: bytes) -> tuple[float, list[str]]:
    """Milliseconds from the cut to the answer, and what is wrong with it."""
    victim = PEERS[shard]
    with cluster.client() as client:
        client.send_head("PUT", f"/erasure/set0/{shard}/{path}", {"Content-Length": str(len(body))})
        client.send(body[:len(body) // 2])
        cut = cluster.cut(victim)
        client.send(body[len(body) // 2:])
        response = client.read_response("PUT")
        took = (time.monotonic_ns() - cut.ordered_ns) / 1e6
    if response.status != 201:
        return took, [f"{response.status}: {response.body[:500]!r}"]
    peer, disk = response.headers["peerpulse-stored-on"].split("/", 1)
    if peer == victim:
        return took, [f"{victim} has no power, and is said to have it"]
    found = cluster.read_chunk(peer, f"/{disk}/{path}")
    if found is None or hashlib.sha256(found).digest() != hashlib.sha256(body).digest():
        return took, [f"{peer}/{disk} does not have what was sent"]
    file = disk_of(cluster.lab.node(peer)) / "chunks" / disk.removeprefix("chunks/disk1/") / path
    with open(file, "rb") as stored:  # what follows is the storage node's own
        if stored.read(len(body)) != body:
            return took, [f"{file} does not have what was sent"]
    return took, []


def _run(settings: Settings) -> dict:
    times, failures = [], []
    with Cluster() as cluster:
        for number in range(settings.count(_ROUNDS)):
            took, wrong = _write(cluster, number % len(PEERS), f"cut/{number}", random.randbytes(_SIZE))
            times.append(took)
            failures += wrong
            cluster.mend()
    took = summary(times)
    return report("erasure_cut", [Number("201 on a spare, from the cut, max", took["max"], _BOUND_MS, "ms")], failures,
                  from_cut_ms=took)


MEASURES = [Measure("erasure_cut", """
    Chunks of 8 MiB whose node is powered off when half of the body is out: from the order to cut to the 201. The bytes are
    read back from the spare's storage node, and from its file.""", _run)]
