"""See tools/bench/alerts."""

import argparse
import time

from tests.harness.prometheus import Prometheus, missing
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.detect.cluster import Cluster
from tools.lib.bench.detect.load import Load, add
from tools.lib.bench.detect.scenario import Settings

PEERS = 3
_ABOUT = """\
A healthy cluster in a lab of network namespaces, whose links lose some frames at random, under a load of small requests and
uploads; and Debian's Prometheus with the shipped rules and alerts. Not one alert may fire.

exchanges  Carried meanwhile, and how they ended.
fired      Alerts that were firing at any time (exit status 1 if there are any); pending: those that were about to."""


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


def _measure(arguments: argparse.Namespace):
    if missing():
        raise BenchFailed(missing())
    result = healthy(arguments.seconds, arguments.loss, arguments.interval)
    say(f"{result['exchanges']['exchanges']} exchanges in {result['seconds']} s; fired: {result['fired'] or 'none'}, "
        f"pending: {result['pending'] or 'none'}")
    yield result
    if result["fired"]:
        raise BenchFailed("alerts without a cause: " + ", ".join(result["fired"]))


def main() -> int:
    parser = command.parser("alerts", _ABOUT)
    parser.add_argument("--seconds", type=float, default=600, help="how long (600)")
    parser.add_argument("--loss", type=float, default=1, help="percent of the frames in each direction (1)")
    parser.add_argument("--interval", default="5s", help="of scrapes and evaluations (5s)")
    return command.run(parser.parse_args(), _measure)
