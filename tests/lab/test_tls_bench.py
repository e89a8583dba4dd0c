"""The bench of TLS, in small: it runs, nothing fails, and its line of JSON has what readers rely on."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from tests.harness.peerpulse import build_directory

_PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/tls"


class TlsBench(unittest.TestCase):
    def setUp(self) -> None:
        if shutil.which("h2load") is None:
            self.skipTest("h2load is not installed (tools/setup does that)")
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("the bench needs two processors")

    def test_all_cases_both_ways(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(_PROGRAM), "--json", "--rounds", "2", "--seconds", "0.05"],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        (line,) = done.stdout.splitlines()
        results = json.loads(line)["results"]
        self.assertEqual(list(results), [f"{case}/{out}" for case in ("handshake", "get", "put") for out in ("plain", "tls")])
        for name, result in results.items():
            self.assertEqual(list(result["proxies"]), ["peerpulse", "haproxy", "nginx"])
            for proxy, figures in result["proxies"].items():
                with self.subTest(case=name, proxy=proxy):
                    self.assertEqual(figures["failed"], 0)
                    for key in ("cpu_us", "per_second", "requests"):
                        self.assertGreater(figures[key], 0, key)
        self.assertIn("as a multiple of the best of HAProxy and nginx", done.stderr)
