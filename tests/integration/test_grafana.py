"""conf/grafana: the dashboard is what its generator makes, has the shape that Grafana wants, and asks for what exists."""

import collections
import json
import re

from tests.harness.case import LocalCase
from tests.harness.host import free_port
from tests.harness.peerpulse import Peer
from tools.lib.grafana.dashboard import text
from tools.lib.grafana.main import FILE

_STRINGS_AND_LABELS = re.compile(r'\{[^}]*\}|\[[^\]]*\]|\b(?:by|on)\s*\([^)]*\)')
_METRIC = re.compile(r"\b(?:peerpulse|rustfs|process)_\w+\b")
# The panels of the 2025 analysis.
_ANALYSIS = {"Active connections per peer", "Connection failure rate", "Connection eviction rate", "P99 latency per peer",
             "Timeout rate", "Upload success rate", "Upload duration, P95"}


class Dashboard(LocalCase):
    def setUp(self) -> None:
        super().setUp()
        self.dashboard = json.loads(FILE.read_text(encoding="utf-8"))
        self.panels = [panel for panel in self.dashboard["panels"] if panel["type"] != "row"]

    def test_the_committed_file_is_what_the_generator_makes(self):
        self.assertEqual(FILE.read_text(encoding="utf-8"), text(), "tools/grafana --write")

    def test_its_shape(self):
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = collections.Counter()
        for panel in self.dashboard["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            taken.update((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"]))
        self.assertEqual(max(taken.values()), 1, "panels overlap")
        self.assertEqual([v["name"] for v in self.dashboard["templating"]["list"]], ["datasource", "instance", "peer"])
        for panel in self.panels:
            with self.subTest(panel=panel["title"]):
                self.assertTrue(panel["description"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                self.assertEqual(len({target["refId"] for target in panel["targets"]}), len(panel["targets"]))
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"]["uid"], "$datasource")
                    self.assertIn("$instance", target["expr"])
                    self.assertTrue(target["legendFormat"])
        self.assertLessEqual(_ANALYSIS, {panel["title"] for panel in self.panels})

    def test_it_asks_for_what_exists_in_every_detail(self):
        asked = set()
        for panel in self.panels:
            for target in panel["targets"]:
                asked |= set(_METRIC.findall(_STRINGS_AND_LABELS.sub(" ", target["expr"])))
        self.assertGreater(len(asked), 30)
        for per_peer in ("full", "essential"):
            peerpulse = self.start_peerpulse(self.host, [Peer("node2", f"127.0.0.1:{free_port(self.host)}")],
                                             metrics={"per_peer": per_peer})
            self.assertEqual(asked - {series.partition("{")[0] for series in peerpulse.metrics()}, set(), per_peer)
