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

    def run_scenario(self, *arguments: str) -> dict:
        """Its one line of JSON; it must have found nothing wrong."""
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", *arguments],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        (line,) = done.stdout.splitlines()
        result = json.loads(line)
        self.assertEqual((result["false_dead"], result["failures"]), (0, []))
        return result

    def test_cuts_of_idle_peers_are_found(self):
        result = self.run_scenario("--scenario", "cut_idle", "--rounds", "2")
        self.assertLessEqual({"scenario", "n", "p50", "p99", "max", "false_dead", "suspects", "peer_seconds", "target",
                              "within_target", "load_average", "haproxy"}, set(result))
        self.assertGreaterEqual(result["suspects"], result["n"])
        self.assertEqual(result["n"], 6)
        self.assertLess(result["max"], DETECTED_S * 1000)
        self.assertLessEqual({"n", "p50", "p99", "max", "false_dead"}, set(result["haproxy"]))

    def test_a_process_stopped_for_six_seconds_sees_no_reset_and_no_refusal(self):
        """RustFS has this very test: a peer that hangs is no dead peer."""
        result = self.run_scenario("--scenario", "stop6", "--rounds", "1", "--no-haproxy")
        self.assertGreater(result["succeeded"], 100)
        self.assertGreater(result["connects"], 100)
        counts = {key: result[key] for key in ("failed_exchanges", "resets", "refusals", "connects_refused")}
        self.assertEqual(set(counts.values()), {0}, counts)

    def test_exchanges_in_flight_fail_after_the_verdict(self):
        result = self.run_scenario("--scenario", "cut_inflight", "--rounds", "1", "--no-haproxy")
        self.assertEqual([run["protocol"] for run in result["runs"] if run["exchanges"] == 1000], ["h1", "h2"])
        for run in result["runs"]:
            self.assertTrue(run["all_failed"], run)
            self.assertLess(run["cut_to_verdict_ms"]["max"], DETECTED_S * 1000)
