"""The hook is run for a real death, and not acted on by a host that is cut off itself."""

import pathlib

from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for
from tests.lab.power_case import PowerCase

_HOOK = pathlib.Path(__file__).resolve().parents[2] / "conf" / "hooks" / "kubernetes-taint"


class Hooks(PowerCase):
    nodes = 4

    def setUp(self):
        super().setUp()
        self.calls = self.local.directory / "calls"
        kubectl = self.local.directory / "kubectl"
        kubectl.write_text(f"#!/bin/sh\necho \"$4 $5\" >> {self.calls}\n", encoding="utf-8")
        kubectl.chmod(0o755)
        script = self.local.directory / "hook"
        script.write_text(f"#!/bin/sh\nKUBECTL={kubectl} exec {_HOOK}\n", encoding="utf-8")
        script.chmod(0o755)
        self.start(NghttpdPeer, hooks={"on_transition": {"command": [str(script)]}})
        self.wait_runs(3)  # the first verdicts

    def wait_runs(self, runs: int) -> None:
        name = 'peerpulse_hook_runs_total{result="ok"}'
        wait_for(lambda: self.peerpulse.metrics()[name] >= runs, 10, f"{runs} runs")

    def called(self) -> list[str]:
        return self.calls.read_text(encoding="utf-8").splitlines()

    def test_a_dead_peer_is_tainted_until_it_is_back(self):
        self.cut("node3")
        self.wait_runs(4)
        self.assertEqual(self.called()[-1], "node3 peerpulse/unreachable=dead:NoSchedule")
        self.lab.restore("node3")
        self.wait_runs(5)
        self.assertEqual(self.called()[-1], "node3 peerpulse/unreachable:NoSchedule-")

    def test_a_host_that_is_cut_off_taints_nobody(self):
        self.lab.cut("node1")
        for name in ("node2", "node3", "node4"):
            self.peerpulse.wait_verdict(name, "dead", 3)
        self.wait_runs(6)
        self.assertEqual([call for call in self.called() if "=dead" in call], [])
