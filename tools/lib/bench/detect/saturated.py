"""saturated: a full link is not a dead peer."""

import time

from tools.lib.bench.command import MIB, say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.load import Load, add, carried, failures
from tools.lib.bench.detect.scenario import Scenario, Settings, report
from tools.lib.bench.detect.watch import Watch

_SECONDS = 600
_VICTIM = "node2"
_MBIT, _QUEUE = 400, 512 * 1024
_OBJECT = MIB
_SLICE_S = 30
_RAMP_S = 1.0


def _loads(cluster: Cluster, seconds: float) -> tuple[list[Load], list[Load]]:
    """Through peerpulse, and beside it."""
    name = f"{_VICTIM}_1"
    upload = str(cluster.local.directory / "object")
    server = cluster.servers[name]
    through, beside = cluster.peerpulse.listen[name], (server.host.address, server.port)

    def bulk(target: tuple[str, int], clients: int) -> list[Load]:
        return [Load(cluster.local, target, seconds, path="/object", clients=clients, streams=2),
                Load(cluster.local, target, seconds, path="/small", clients=clients, streams=2, upload=upload)]

    # peerpulse carries all of its on few connections, each of which gets as much of the link as one beside it.
    return [*bulk(through, 4), Load(cluster.local, through, seconds, rate=20)], bulk(beside, 2)


def _saturated(settings: Settings) -> dict:
    seconds = settings.seconds_or(_SECONDS)
    # Uploads are slow: peerpulse's floor for bulk (1 MiB/s each) is not what is measured.
    with Cluster(4, settings, timeouts={"bulk": {"min_bytes_per_second": 0}}) as cluster:
        server = cluster.servers[f"{_VICTIM}_1"]
        server.add_file("object", bytes(_OBJECT))
        server.add_file("small", bytes(1000))
        (cluster.local.directory / "object").write_bytes(bytes(_OBJECT))
        cluster.lab.set_rate(_VICTIM, _MBIT, _QUEUE)
        watch = Watch(cluster)
        node = cluster.lab.node(_VICTIM)
        through, beside = _loads(cluster, seconds)
        time.sleep(_RAMP_S)
        started, first = time.monotonic(), carried(node)
        rtt_us = []
        until = started + max(1.0, seconds - 2 * _RAMP_S)
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(_SLICE_S, left))
            rtt_us.append(cluster.peerpulse.peer(f"{_VICTIM}_1")["rtt_us"]["p99"])
            say(f"  {time.monotonic() - started:.0f} s: probe RTT p99 {rtt_us[-1]} us, "
                f"false dead {watch.counted()['false_dead']}")
        elapsed = time.monotonic() - started
        last = carried(node)
        exchanges = add([load.result() for load in through])
        by_the_side = add([load.result() for load in beside])
        counted = watch.counted()
        full = [(now - then) / elapsed * 8 / 1e6 / _MBIT * 100 for then, now in zip(first, last)]
        return report("saturated", settings, [], counted, watch.failures(counted) + failures(exchanges),
                      target="0 false dead, 0 resets", within_target=True, **exchanges,
                      seconds=round(elapsed, 1), link_mbit=_MBIT,
                      to_peer_percent_full=round(full[0], 1), from_peer_percent_full=round(full[1], 1),
                      probe_rtt_us_p99=max(rtt_us), beside_peerpulse=by_the_side)


SCENARIOS = [
    Scenario("saturated", f"""The link of one of 4 peers is made {_MBIT} Mbit/s wide each way, with {_QUEUE // 1024}
KiB of queue before it (tbf), and filled both ways for --seconds (default {_SECONDS}) by bulk through peerpulse and
as much beside it. to_peer_percent_full, from_peer_percent_full: how full, with headers. resets, refusals,
failed_exchanges: of what went through peerpulse.""", _saturated),
]
