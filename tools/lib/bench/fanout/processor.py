"""What a write to five costs, beside one write that is carried."""

from tools.lib.bench.fanout import load
from tools.lib.bench.fanout.cluster import PEERS, Cluster, origin
from tools.lib.bench.fanout.load import Load
from tools.lib.bench.fanout.measure import Measure, Number, Settings, report
from tools.lib.bench.idle import thread_seconds
from tools.lib.bench.proxies.processors import Processors

_SIZE = 65536
_ROUNDS = 7
_WRITES = 2000
_CLIENTS = 4
_BOUND = 5.3


class _Side:
    """One of the two, measured in turn."""

    def __init__(self, cluster: Cluster, protocol: str, target: tuple[str, int], path: str) -> None:
        self._cluster = cluster
        self._arguments = (target, path, protocol)
        self.samples_us: list[float] = []
        self.load = Load()

    def measure(self, writes: int) -> None:
        target, path, protocol = self._arguments
        pid = self._cluster.peerpulse.process.pid
        before = sum(thread_seconds(pid).values())
        self.load.add(load.run(self._cluster.local, target, writes, [path], method="PUT", body=bytes(_SIZE),
                               headers={"peerpulse-quorum": "all"}, protocol=protocol, clients=_CLIENTS))
        self._cluster.wait_idle()
        self.samples_us.append((sum(thread_seconds(pid).values()) - before) * 1e6 / writes)

    @property
    def median_us(self) -> float:
        return sorted(self.samples_us)[len(self.samples_us) // 2]


def _run(settings: Settings) -> dict:
    processors = Processors()
    processors.take_client()
    writes, numbers, failures, more = settings.count(_WRITES), [], [], {}
    with Cluster(serve=origin, launcher=tuple(processors.for_proxy([])), workers=1) as cluster:
        for protocol in ("h1", "h2"):
            proxied = _Side(cluster, protocol, cluster.peerpulse.listen[PEERS[0]], f"/bytes/{_SIZE}")
            quorum = _Side(cluster, protocol, cluster.api, f"/quorum/bytes/{_SIZE}")
            for side in (proxied, quorum):
                side.measure(max(_CLIENTS, writes // 10))
                side.samples_us.clear()
            for _ in range(settings.count(_ROUNDS)):
                proxied.measure(writes)
                quorum.measure(writes)
            for name, side in (("proxied", proxied), ("quorum", quorum)):
                failures += load.only(side.load, 200, f"{protocol}, {name}")
                more[f"{protocol}_{name}_us"] = {"median": round(side.median_us, 1), "min": round(min(side.samples_us), 1),
                                                 "max": round(max(side.samples_us), 1)}
            numbers.append(Number(f"{protocol}: CPU of a write to five, of that of one proxied",
                                  round(quorum.median_us / proxied.median_us, 2), _BOUND, "x"))
    return report("processor", numbers, failures, **more)


MEASURES = [Measure("processor", f"""
    CPU time of peerpulse (all threads, one worker, a processor to itself) for a write of 64 KiB to all of five, and for the
    same write carried to one of them by its listener: {_WRITES} each, {_CLIENTS} clients, in turn; medians of {_ROUNDS}
    rounds.""", _run)]
