"""The bench of the detector, in small: it runs, and its line of JSON has what readers rely on."""

import json
import os
import pathlib
import subprocess

from tests.harness.case import DETECTED_S, LabCase
from tests.harness.peerpulse import build_directory

_PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/detect"


class DetectBench(LabCase):
    nodes = 1  # the bench makes a lab of its own

    def test_cuts_of_idle_peers_are_found(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", "--scenario", "cut_idle", "--rounds", "2"],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        (line,) = done.stdout.splitlines()
        result = json.loads(line)
        self.assertLessEqual({"scenario", "n", "p50", "p99", "max", "false_dead", "suspects", "peer_seconds", "target",
                              "within_target", "load_average", "haproxy"}, set(result))
        self.assertEqual((result["scenario"], result["false_dead"], result["failures"]), ("cut_idle", 0, []))
        self.assertGreaterEqual(result["suspects"], result["n"])
        self.assertEqual(result["n"], 6)
        self.assertLess(result["max"], DETECTED_S * 1000)
        self.assertLessEqual({"n", "p50", "p99", "max", "false_dead"}, set(result["haproxy"]))
