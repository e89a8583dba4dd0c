"""Base classes of the test cases: what a test starts is ended and checked whatever happens."""

import functools
import unittest

from tests.harness.host import LocalHost
from tests.harness.http1 import Response
from tests.harness.peerpulse import SLOWDOWN, Peer, Peerpulse
from tests.harness.scripted_peer import ScriptedPeer
from tools.lab import Lab, LabUnavailable, ensure_privileges

PROBLEM_JSON = "application/problem+json"
DETECTED_S = 1.0 * SLOWDOWN
"""A dead peer's exchanges must have failed by then. Wide: other programs run on the machine of the tests. Numbers
are the demo's and the benches' business."""


class Case(unittest.TestCase):
    maxDiff = None

    def hosts(self) -> list:
        raise NotImplementedError

    def failure_details(self) -> list[str]:
        """What the processes wrote, for the report of a failure. Called before anything is cleaned up."""
        return [
            f"--- {host.name}: {process.log.name}\n{process.output()[-4000:]}"
            for host in self.hosts() for process in host.processes if process.log.exists()
        ]

    def start_peerpulse(self, host, peers: list[Peer], launcher: tuple[str, ...] = (), **config) -> Peerpulse:
        peerpulse = Peerpulse(host, peers, **config)
        self.addCleanup(peerpulse.check_end)
        return peerpulse.start(launcher=launcher)

    def start_scripted(self, host, serve) -> ScriptedPeer:
        peer = ScriptedPeer(host, serve)
        self.addCleanup(peer.close)
        return peer

    def assert_unavailable(self, response: Response, peer: str, verdict: str) -> None:
        """The local answer for a peer that is not there (design section 4)."""
        self.assertEqual(response.status, 503)
        self.assertEqual(response.headers["content-type"], PROBLEM_JSON)
        self.assertGreaterEqual(int(response.headers["retry-after"]), 0)
        self.assertIn("peerpulse; error=destination_unavailable", response.headers["proxy-status"])
        problem = response.json()
        self.assertEqual(problem["peer"], peer)
        self.assertEqual(problem["verdict"], verdict)
        self.assertTrue(problem["reason"])
        self.assertIn("T", problem["since"])


class LocalCase(Case):
    """On this machine's loopback."""

    def setUp(self) -> None:
        self.host = LocalHost()
        # Clean-ups run last to first: this one after those of everything on the host.
        self.addCleanup(self.host.close)

    def hosts(self) -> list:
        return [self.host]


@functools.cache
def _lab_unavailable() -> str:
    """Why there can be no lab here; empty if there can.

    May start this program again inside a user namespace: the first case of the suite does that.
    """
    try:
        ensure_privileges()
    except LabUnavailable as reason:
        return str(reason)
    return ""


class LabCase(Case):
    """In a lab of its own. `nodes` is the number of its nodes, `delay` what frames of a node take longer, in seconds."""

    nodes = 3
    delay: dict[str, float] = {}

    def setUp(self) -> None:
        reason = _lab_unavailable()
        if reason:
            self.skipTest(reason)
        self.lab = Lab(nodes=self.nodes, delay=self.delay)
        self.lab.__enter__()
        self.addCleanup(self.lab.close)
        self.local = self.lab.node("node1")

    def hosts(self) -> list:
        return self.lab.nodes
