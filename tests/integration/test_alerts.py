"""conf/prometheus: the rules hold by themselves, each alert is tested and explained, and all that they ask for exists."""

import pathlib
import re
import subprocess
import tempfile

import yaml

from tests.harness.case import LocalCase
from tests.harness.certificates import Authority
from tests.harness.host import free_port
from tests.harness.peerpulse import Peer
from tests.harness.prometheus import ALERTS, FOLDER, RULES, missing
from tests.harness.tls_case import tls_downstream

_TESTS = sorted((FOLDER / "tests").glob("*.yml"))
_ENTRY = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.M | re.S)
_PARTS = ("Meaning", "First look", "Causes", "Do", "Ends")
_STRINGS_AND_MATCHERS = re.compile(r'"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|group_left)\s*\([^)]*\)')
_METRIC = re.compile(r"\b(?:peerpulse|rustfs|process|instance)[\w:]*\b|\bup\b")


def _rules(path: pathlib.Path) -> list[dict]:
    return [rule for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def _metrics_of(expression: str) -> set[str]:
    """Names of the series that it asks for."""
    return set(_METRIC.findall(_STRINGS_AND_MATCHERS.sub(" ", expression)))


class Alerts(LocalCase):
    def promtool(self, *arguments: str) -> str:
        if missing():
            self.skipTest(missing())
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_promtool_accepts_the_rules(self):
        self.promtool("check", "rules", str(RULES), str(ALERTS))

    def test_the_cases_hold(self):
        self.promtool("test", "rules", *map(str, _TESTS))

    def test_each_alert_has_a_firing_and_a_silent_case(self):
        firing, silent = set(), set()
        for path in _TESTS:
            for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
                for case in test["alert_rule_test"]:
                    (firing if case["exp_alerts"] else silent).add(case["alertname"])
        alerts = {rule["alert"] for rule in _rules(ALERTS)}
        self.assertEqual(firing, alerts)
        self.assertEqual(silent, alerts)

    def test_each_alert_says_who_what_and_where_to_read_on(self):
        entries = dict(_ENTRY.findall((FOLDER / "runbook.md").read_text(encoding="utf-8")))
        names = []
        for rule in _rules(ALERTS):
            names.append(rule["alert"])
            with self.subTest(alert=rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
                notes = rule["annotations"]
                self.assertEqual(set(notes), {"summary", "description", "runbook_url"})
                self.assertTrue(notes["runbook_url"].endswith("/runbook.md#" + rule["alert"].lower()))
                self.assertIn("$labels.instance", notes["summary"] + notes["description"])
                if rule["alert"] != "PeerpulseDown":  # there nobody is left who could say it
                    self.assertIn("$labels.node", notes["summary"])
                entry = entries[rule["alert"]]
                for part in _PARTS:
                    self.assertIn(f"**{part}.**", entry)
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(set(names), set(entries))
        self.assertEqual([name for name in entries if name not in names], [], "entries without an alert")

    def test_all_that_is_asked_for_exists(self):
        recorded = {rule["record"] for rule in _rules(RULES)}
        with tempfile.TemporaryDirectory(prefix="peerpulse-certificates-") as directory:
            authority = Authority(pathlib.Path(directory) / "authority")
            own = authority.issue("node1")
            nobody, others, link, dns = (f"127.0.0.1:{free_port(self.host)}" for _ in range(4))
            peerpulse = self.start_peerpulse(
                self.host, [Peer("node2", nobody, tls_downstream(own)), Peer("node3", "node3.example:9000"),
                            Peer("node4", others, {"link": {"mode": "prefer", "address": link}})],
                dns={"servers": [dns]}, link={"tls": authority.link_tls(own)})
        scraped = {series.partition("{")[0] for series in peerpulse.metrics()} | {"up"}
        asked = set()
        for rule in _rules(RULES) + _rules(ALERTS):
            asked |= _metrics_of(rule["expr"])
        self.assertGreater(len(asked), 30)
        self.assertEqual(asked - recorded - scraped, set())
        self.assertEqual(recorded - asked - {"instance_peer:rustfs_peer_rpc_duration_seconds:p99_rate5m"}, set(),
                         "recorded, and nobody asks for it")
