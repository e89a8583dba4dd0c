"""The demo, in small: an erasure-coded upload of real files survives the loss of a node."""

import json
import os
import subprocess

from tests.harness.case import LabCase
from tests.harness.peerpulse import build_directory


class Demo(LabCase):
    nodes = 1  # the demo makes a lab of its own

    def test_an_upload_survives_a_power_cut(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", "-m", "tools.lib.demo", "--quick", "--json"],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(set(report), {
            "cut_to_verdict_ms", "cut_to_inflight_failed_ms", "failfast_us", "with", "without", "healthy_peers",
            "recovery_ms", "read_back"})
        self.assertTrue(report["with"]["completed"])
        self.assertEqual(report["healthy_peers"]["errors"], 0)
        self.assertEqual(report["read_back"]["corrupt"], 0)
        self.assertGreater(report["read_back"]["objects"], 0)
        self.assertLess(report["cut_to_verdict_ms"], 1000, done.stderr)
        self.assertLess(report["cut_to_inflight_failed_ms"] or 0, 1000, done.stderr)  # None: none was in flight
        if "disks in /dev/shm" in done.stderr:  # the stalls of a real disk are no matter of the network
            self.assertLess(report["with"]["longest_stall_ms"], 1000, report["with"])
        self.assertLess(report["recovery_ms"], 3000)

    def test_an_upload_through_the_api_loses_no_chunk(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", "-m", "tools.lib.demo", "--quick", "--through-api", "--json"],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((report["with"]["completed"], report["with"]["chunks_failed"]), (True, 0))
        self.assertGreater(report["with"]["chunks_moved"], 0)
        self.assertEqual(report["read_back"]["corrupt"], 0)

    def test_an_upload_over_tls_survives_a_power_cut(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", "-m", "tools.lib.demo", "--quick", "--tls", "--json"],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout.splitlines()[-1])
        self.assertTrue(report["with"]["completed"])
        self.assertEqual(report["healthy_peers"]["errors"], 0)
        self.assertEqual(report["read_back"]["corrupt"], 0)
        self.assertLess(report["cut_to_verdict_ms"], 1000, done.stderr)
        self.assertEqual(set(report["tls"]), {"node2", "node3", "node4"})
        for peer, tls in report["tls"].items():
            self.assertGreater(tls["handshakes"]["full"], 0, peer)

    def test_one_request_to_all_while_nodes_fail(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-B", "-m", "tools.lib.demo", "--fanout", "--json"],
            capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PEERPULSE_BUILD": str(build_directory())})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout.splitlines()[-1])
        self.assertGreaterEqual(report["degraded"]["acknowledged"], 3)
        self.assertEqual((report["well"]["reached"], report["degraded"]["reached"]), (5, 3))
        self.assertLess(report["degraded"]["write_ms"], 1000)
        self.assertLess(report["chunks"]["cut_ms"], 2000)
