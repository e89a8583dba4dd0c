"""harness/scaled_rules.py: shorter times, and nothing else."""

import unittest

from tests.harness import scaled_rules
from tests.harness.prometheus import documents
from tests.harness.scaled_rules import duration, scaled, seconds, slowest_s


def _one(**rule) -> dict:
    return {"groups": [{"name": "g", "rules": [rule]}]}


class Durations(unittest.TestCase):
    def test_what_prometheus_writes(self):
        for text, value in (("5s", 5), ("1m", 60), ("1h30m", 5400), ("250ms", 0.25), ("1d", 86400)):
            self.assertEqual(seconds(text), value)
        for text in ("", "5", "m", "5 s", "1x"):
            with self.assertRaises(ValueError):
                seconds(text)

    def test_what_it_reads(self):
        self.assertEqual([duration(value) for value in (20, 1 / 3, 0)], ["20000ms", "333ms", "1ms"])


class Scaled(unittest.TestCase):
    def test_times_are_divided_and_thresholds_are_not(self):
        (group,) = scaled(_one(alert="A", expr="rate(x[5m]) > 0.5 and increase(y[10m]) > 300", labels={"severity": "info"},
                               **{"for": "2m"}), 30)["groups"]
        self.assertEqual(group["rules"], [{"alert": "A", "expr": "rate(x[10000ms]) > 0.5 and increase(y[20000ms]) > 300",
                                           "for": "4000ms", "labels": {"severity": "info"}}])
        self.assertEqual(group["name"], "g")

    def test_by_one_they_are_as_they_were(self):
        for document in documents():
            for before, after in zip(document["groups"], scaled(document, 1)["groups"], strict=True):
                for old, new in zip(before["rules"], after["rules"], strict=True):
                    self.assertEqual(seconds(old.get("for", "0s")), seconds(new.get("for", "0s")))
                    self.assertEqual([seconds(text) for text in scaled_rules.ranges(old["expr"])],
                                     [seconds(text) for text in scaled_rules.ranges(new["expr"])])

    def test_the_slowest_alert_waits_for_its_windows_and_those_it_goes_by(self):
        rules = {"groups": [{"name": "g", "rules": [{"record": "r:rate5m", "expr": "rate(x[5m])"},
                                                    {"alert": "A", "expr": "r:rate5m > max_over_time(y[1m])", "for": "2m"},
                                                    {"alert": "B", "expr": "y > 0"}]}]}
        self.assertEqual(slowest_s("A", rules), 120 + 60 + 300 + 45)
        self.assertEqual(slowest_s("B", rules), 45)
