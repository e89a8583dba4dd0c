"""The bench of healthy traffic, in small: it runs, and its line of JSON has what readers rely on."""

import json
import os
import pathlib
import subprocess
import unittest

from tests.harness.case import LocalCase
from tests.harness.peerpulse import SANITIZER, build_directory

_PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/healthy"
_TIMEOUT_S = 170
"""The quick form takes less than 90 s; what is more is for a busy machine."""


@unittest.skipIf(SANITIZER, "waits of a sanitized program say nothing")
class HealthyBench(LocalCase):
    def test_nothing_healthy_is_harmed(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", "--quick"], capture_output=True, text=True,
            timeout=_TIMEOUT_S, check=False, env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        (line,) = done.stdout.splitlines() or [done.stderr]
        result = json.loads(line)
        self.assertEqual(result["failures"], [], done.stderr)
        self.assertEqual((done.returncode, result["circuits_opened"], result["connections_leaked"]), (0, 0, 0))
        for name, scenario in result["scenarios"].items():
            with self.subTest(name):
                for side in ("direct", "through"):
                    self.assertGreater(scenario["exchanges"][side], 0)
                    self.assertGreaterEqual(scenario["exchanges"][side], scenario["failed"][side])
        # The scenarios in which something is done to a process did it.
        for name in ("restarting", "stopped_peer", "own_pause", "own_restart"):
            self.assertGreater(result["scenarios"][name]["actions"], 0, name)
