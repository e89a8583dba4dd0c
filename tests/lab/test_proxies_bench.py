"""The bench of the proxies, in small: it runs, nothing fails, and its line of JSON has what readers rely on."""

import json
import os
import pathlib
import shutil
import subprocess

from tests.harness.case import LabCase
from tests.harness.peerpulse import build_directory

_PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/proxies"
_REQUESTS = 512
_ROUNDS = 2


class ProxiesBench(LabCase):
    nodes = 1  # the bench makes a lab of its own

    def setUp(self) -> None:
        if shutil.which("h2load") is None:
            self.skipTest("h2load is not installed (tools/setup does that)")
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("the bench needs two processors")
        super().setUp()

    def test_small_requests_go_through_the_relay_and_peerpulse(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", "--proxy", "peerpulse", "--case", "h1_small",
             "--case", "h2_small", "--rounds", str(_ROUNDS), "--requests", str(_REQUESTS)],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        (line,) = done.stdout.splitlines()
        result = json.loads(line)
        self.assertEqual(list(result["cases"]), ["h1_small", "h2_small"])
        for name, case in result["cases"].items():
            self.assertEqual(list(case["proxies"]), ["relay", "peerpulse"])
            self.assertEqual(case["proxies"]["relay"]["to_relay"], 1)
            for proxy, figures in case["proxies"].items():
                with self.subTest(case=name, proxy=proxy):
                    self.assertEqual((figures["requests"], figures["failed"]), (_ROUNDS * _REQUESTS, 0))
                    for key in ("cpu_us", "requests_per_s", "mean_latency_us", "to_relay"):
                        self.assertGreater(figures[key], 0, key)
