"""The bench of duplicates, in small: faults of every kind, something is tried again, and nothing arrives twice."""

import json
import os
import pathlib
import subprocess

from tests.harness.case import LabCase
from tests.harness.peerpulse import SLOWDOWN, build_directory

_PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/duplicates"
_REQUESTS = 4000
_FAULTS = ("h1 reset after the head", "h1 end after the head", "h1 reset after the body", "h1 half an answer",
           "h1 end after the answer", "h2 refused", "h2 goaway", "h2 cancelled", "h2 connection reset", "restart", "power cut")


class DuplicatesBench(LabCase):
    nodes = 1  # the bench makes a lab of its own

    def test_nothing_arrives_twice(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", "--requests", str(_REQUESTS), "--chance", "0.1", "--every", "0.6"],
            capture_output=True, text=True, timeout=100 * SLOWDOWN, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual((result["requests"], result["duplicates"]), (_REQUESTS, 0))
        self.assertGreater(result["retries"], 0)
        self.assertGreater(result["answered"], _REQUESTS / 4)
        for fault in _FAULTS:
            self.assertGreater(result["faults"].get(fault, 0), 0, fault)
