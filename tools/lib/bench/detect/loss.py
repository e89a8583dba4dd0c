"""loss1, loss5: random loss must not be taken for a dead peer."""

from tools.lib.bench.detect.conditions import CUTS, PEERS, cut_some, many_peers, watch_for
from tools.lib.bench.detect.scenario import Scenario, Settings, report
from tools.lib.bench.detect.watch import Watch

_PEER_SECONDS = 3600
_MARGIN_S = 2


def _loss(percent: float):
    def run(settings: Settings) -> dict:
        with many_peers(settings) as cluster:
            cluster.set_loss(percent)
            watch = Watch(cluster)
            watch_for(watch, settings.seconds_or(_PEER_SECONDS / PEERS + _MARGIN_S))
            watched = watch.counted()
            cut_some(cluster, watch, settings.rounds_or(CUTS))
            counted = watch.counted()
            return report(f"loss{percent:g}", settings, watch.times_ms, counted, watch.failures(counted),
                          target="0 false dead", within_target=True,
                          watched_without_cuts={key: watched[key] for key in ("peer_seconds", "suspects", "cleared")})
    return run


_ABOUT = """{percent} % of the frames to and {percent} % of those from every peer are lost, at random and independently;
{peers} peers, --seconds (default: an hour of peer time), then --rounds cuts of a node (default {cuts}; four peers
each) under the same loss, whose times are reported without a target."""

SCENARIOS = [Scenario(f"loss{percent}", _ABOUT.format(percent=percent, peers=PEERS, cuts=CUTS), _loss(percent))
             for percent in (1, 5)]
