"""Each alert is fired by a real cause in a real Prometheus, and by nothing else."""

import os
import unittest

from tests.harness.case import LabCase
from tests.harness.peerpulse import SANITIZER
from tests.harness.prometheus import documents, missing
from tools.lib.bench.alerts.cause import Cause
from tools.lib.bench.alerts.fire import GROUPS, fire

_FACTOR = 30
_MACHINE_S = 20
"""Within which time exactly is the bench's business."""
_BUSY = 2
"""Processes for each processor: then alerts that say so may be true."""
_OF_A_BUSY_MACHINE = ("HostOverloaded", "PeerpulseDown", "PeerDegraded", "GuardWithheld")
_SLOW = {"PeerOverridden", "PeerpulseHedgesOverBudget"}
"""They wait for an hour and ten minutes: `tools/bench/alerts fire` does that, too."""


@unittest.skipIf(missing() or SANITIZER, missing() or "it is about times")
class Fired(LabCase):
    nodes = 1  # fire() has a lab of its own

    def fire(self, group: tuple[type[Cause], ...]) -> set[str]:
        fired, failures, unexpected = fire(_FACTOR, [kind.name for kind in group if not kind.slow], _MACHINE_S)
        self.assertEqual(failures, [])
        if os.getloadavg()[0] >= _BUSY * (os.cpu_count() or 1):
            excused = [words for words in unexpected if any(alert in words for alert in _OF_A_BUSY_MACHINE)]
            unexpected = [words for words in unexpected if words not in excused]
            print(f"load average {os.getloadavg()[0]:.1f}, excused: {excused}")
        self.assertEqual(unexpected, [])
        return {line["alert"] for line in fired}

    def test_every_alert_by_its_cause_and_no_other(self):
        alerts = {rule["alert"] for document in documents() for group in document["groups"] for rule in group["rules"]
                  if "alert" in rule}
        fired = set().union(*(self.fire(group) for group in GROUPS))
        self.assertEqual(alerts - fired, _SLOW)
