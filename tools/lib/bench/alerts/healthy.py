"""A healthy cluster under load, in which no alert may fire."""

import time

from tests.harness.prometheus import Prometheus
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.load import Load, add
from tools.lib.bench.detect.scenario import Settings

PEERS = 3


def loads(node, listen: dict[str, tuple[str, int]], seconds: float) -> list[Load]:
    """To each peer small uploads and reads, for so long."""
    body = node.directory / "body"
    body.write_bytes(bytes(20_000))
    return [Load(node, target, seconds, clients=2, rate=15, upload=upload)
            for target in listen.values() for upload in (str(body), None)]


def healthy(seconds: float, loss: float, interval: str) -> dict:
    with Cluster(PEERS, Settings(haproxy=False), haproxy=False) as cluster:
        for server in cluster.servers.values():
            server.add_file("small", b"x" * 500)
        cluster.set_loss(loss)
        prometheus = Prometheus(cluster.local, ["{}:{}".format(*cluster.peerpulse.admin)], interval).start()
        running = loads(cluster.local, cluster.peerpulse.listen, seconds)
        time.sleep(seconds)  # it is the time without an alert that is measured
        exchanges = add([load.result() for load in running])
        fired, pending = (sorted(prometheus.ever(round(seconds) + 30, state)) for state in ("firing", "pending"))
        stages = {stage: sum(value for series, value in cluster.peerpulse.metrics().items()
                             if series.startswith("peerpulse_detection_stages_total") and f'stage="{stage}"' in series)
                  for stage in ("suspect", "dead")}
        return {"seconds": seconds, "loss_percent": loss, "peers": PEERS, "exchanges": exchanges, "stages": stages,
                "fired": fired, "pending": pending}
