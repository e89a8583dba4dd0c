"""A real Prometheus with the shipped rules, scraping a real peerpulse: power is cut, and not cut."""

import json
import math
import unittest

from tests.harness.peers import NghttpdPeer
from tests.harness.prometheus import Prometheus, missing
from tests.harness.waiting import wait_for
from tests.lab.power_case import PowerCase
from tools.lib.bench.alerts.healthy import healthy, loads
from tools.lib.grafana.main import FILE

_FIRES_WITHIN_S = 30
"""PeerUnreachable has `for: 10s`, and two intervals pass; the rest is the machine's."""
_QUIET_S = 8
# Percentiles of what did not happen here: series without a number.
_NOTHING_OF_IT = {"Aggregations (console)"}


@unittest.skipIf(missing(), missing())
class Alerts(PowerCase):
    nodes = 4

    def test_a_power_cut_fires_what_it_must_and_it_ends(self):
        self.start(NghttpdPeer)
        for server in self.servers.values():
            server.add_file("small", b"x" * 500)
        for name in self.servers:
            self.lab.set_loss(name, 1)
        admin = "{}:{}".format(*self.peerpulse.admin)
        prometheus = Prometheus(self.local, [admin]).start()
        running = loads(self.local, self.listen, 100)
        wait_for(lambda: prometheus.query("instance:rustfs_uploads:rate5m > 1"), 20, "uploads are seen")
        self.assertEqual(prometheus.ever(60), set(), "1 % of the frames are lost, and nothing else")
        evicted = 'rustfs_peer_connection_evictions_total{peer_host="node3"}'
        before = self.peerpulse.metrics()[evicted]

        self.cut("node3")
        prometheus.wait_alert("PeerUnreachable", True, _FIRES_WITHIN_S, peer="node3", node="node1", instance=admin)
        self.assertGreater(self.peerpulse.metrics()[evicted], before, "a death evicts")
        self.dashboard_has_data(prometheus)
        self.cut("node4")  # two of four: one too many
        prometheus.wait_alert("ClusterQuorumLost", True, _FIRES_WITHIN_S, node="node1")
        fired = {alert["alertname"] for alert in prometheus.alerts()}
        self.assertNotIn("HostIsolated", fired, "they died one after the other")

        self.lab.restore("node3", "node4")
        for name, labels in (("ClusterQuorumLost", {}), ("PeerUnreachable", {"peer": "node3"}),
                             ("PeerUnreachable", {"peer": "node4"})):
            prometheus.wait_alert(name, False, _FIRES_WITHIN_S, **labels)
        self.own_link_is_cut(prometheus)
        for load in running:
            load.stop()

    def own_link_is_cut(self, prometheus: Prometheus):
        """Prometheus is on the same host and goes on asking."""
        self.lab.cut("node1")
        prometheus.wait_alert("HostIsolated", True, _FIRES_WITHIN_S, node="node1")
        self.assertEqual([alert for alert in prometheus.alerts() if alert["alertname"] == "PeerUnreachable"], [],
                         "its peers are not accused")
        self.lab.restore("node1")
        prometheus.wait_alert("HostIsolated", False, _FIRES_WITHIN_S)

    def dashboard_has_data(self, prometheus: Prometheus):
        """Every query of the dashboard, as Grafana would ask for All."""
        for panel in json.loads(FILE.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                asked = target["expr"].replace("$instance", ".*").replace("$peer", ".*")
                series = prometheus.query(asked.replace("$__rate_interval", "15s"))
                with self.subTest(panel=panel["title"], query=asked):
                    self.assertTrue(series)
                    numbers = [one for one in series if not math.isnan(float(one["value"][1]))]
                    self.assertTrue(numbers or panel["title"] in _NOTHING_OF_IT)

    def test_a_healthy_cluster_with_loss_fires_none(self):
        result = healthy(_QUIET_S, 1, "1s")
        self.assertEqual(result["fired"], [], result)
        self.assertGreater(result["exchanges"]["succeeded"], 500)
