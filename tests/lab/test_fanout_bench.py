"""The bench of the fan-out API, in small: it runs, nothing is wrong, and its lines of JSON have what readers rely on."""

import json
import os
import pathlib
import shutil
import subprocess

from tests.harness.case import LabCase
from tests.harness.peerpulse import build_directory

_PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/fanout"


class FanoutBench(LabCase):
    nodes = 1  # the bench makes labs of its own

    def setUp(self) -> None:
        if shutil.which("h2load") is None:
            self.skipTest("h2load is not installed (tools/setup does that)")
        super().setUp()

    def run_measures(self, scale: str, *names: str) -> dict[str, dict]:
        """By name; nothing was wrong. A missed bound is not this test's business."""
        chosen = [argument for name in names for argument in ("--measure", name)]
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", "--scale", scale, *chosen],
            capture_output=True, text=True, timeout=200, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        results = {result["measure"]: result for result in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(list(results), list(names))
        for name, result in results.items():
            with self.subTest(measure=name):
                self.assertEqual(result["failures"], [])
                self.assertLessEqual({"within_bounds", "load_average"}, set(result))
                for number in result["numbers"]:
                    self.assertEqual(set(number), {"what", "value", "bound", "unit", "within"})
        return results

    def test_writes_while_nodes_fail(self):
        results = self.run_measures("0.05", "quorum_write", "quorum_lost", "erasure_cut", "erasure_claims")
        self.assertEqual(results["quorum_write"]["h2_degraded_ms"]["statuses"], {"200": 50})
        self.assertEqual(results["quorum_lost"]["lost_before_ms"]["statuses"], {"503": 25})
        self.assertEqual(results["erasure_claims"]["numbers"][0]["value"], 0)
        self.assertEqual(results["erasure_claims"]["stored"] + results["erasure_claims"]["failed"], 50)

    def test_answers_and_notifications_while_nodes_fail(self):
        results = self.run_measures("0.05", "aggregate", "notify")
        self.assertEqual(results["aggregate"]["stopped_ms"]["n"], 1)
        undelivered = {"node2": 0, "node3": 0, "node4": 0, "node5": 100, "node6": 100}
        self.assertEqual(results["notify"]["undelivered"], undelivered)
