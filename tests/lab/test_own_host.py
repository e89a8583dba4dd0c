"""Most peers silent at once: this host is the first suspect, and says so."""

import time

from tests.harness.case import DETECTED_S
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for
from tests.lab.power_case import PowerCase

_PEERS = ("node2", "node3", "node4", "node5")
_S_MS, _C_MS, _T_MS = 47.5, 15, 20
_CUT_OFF_S = 3


class OwnHost(PowerCase):
    nodes = 5

    def local_health(self) -> str:
        return self.peerpulse.get("/peers").json()["local_health"]

    def wait_local_health(self, state: str) -> None:
        wait_for(lambda: self.local_health() == state, 3 * DETECTED_S, f"local_health {state}")

    def assert_well(self) -> None:
        """What a machine with other work makes it think for a moment passes."""
        wait_for(lambda: self.local_health() in ("ok", "lagging"), 3 * DETECTED_S, "no trouble of the own host's")

    def doubts(self) -> list[str]:
        """What it said of the network, in turn. That it lags is the machine's."""
        states = ["ok" if event["local_health"] == "lagging" else event["local_health"] for event in self.events_of("local_health")]
        return [state for before, state in zip(["ok", *states], states) if state != before]

    def wait_all(self, circuit: str) -> None:
        for name in _PEERS:
            self.peerpulse.wait_circuit(name, circuit, 3)

    def events_of(self, kind: str) -> list[dict]:
        return self.peerpulse.events(kind)

    def test_cut_off_it_blames_itself_first_and_gives_every_peer_a_second_round(self):
        self.start(NghttpdPeer)
        self.assertEqual(self.local_health(), "ok")
        cut = self.lab.cut("node1")
        self.wait_all("open")
        self.assertEqual(self.local_health(), "suspect")
        deaths = [event for event in self.peerpulse.events() if event["to"] == "dead"]
        self.assertEqual({event["peer"] for event in deaths}, set(_PEERS))
        for event in deaths:
            took_ms = (event["monotonic_ns"] - cut.ordered_ns) / 1e6
            self.assertGreater(took_ms, _S_MS + 2 * _C_MS - _T_MS - 2, event)
            self.assertGreaterEqual(event["evidence"]["confirm_connects"], 8)
        blamed = next(event for event in self.events_of("local_health") if event["local_health"] == "suspect")
        self.assertLessEqual(blamed["monotonic_ns"], min(event["monotonic_ns"] for event in deaths))
        self.lab.restore("node1")
        self.wait_all("closed")
        self.wait_local_health("ok")

    def test_cut_off_it_says_so_for_as_long_as_it_is(self):
        self.start(NghttpdPeer)
        self.lab.cut("node1")
        self.wait_all("open")
        deadline = time.monotonic() + _CUT_OFF_S
        while time.monotonic() < deadline:
            self.assertEqual(self.local_health(), "suspect")
        cluster = self.peerpulse.get("/cluster").json()
        self.assertEqual((cluster["status"], cluster["local_health"]), ("quorum_lost", "suspect"))
        self.assertEqual(self.peerpulse.metrics()['peerpulse_local_health{state="suspect"}'], 1)
        self.lab.restore("node1")
        self.wait_all("closed")
        self.wait_local_health("ok")
        self.assertEqual(self.doubts(), ["suspect", "ok"])

    def test_peers_that_die_one_after_the_other_are_not_our_fault_until_nobody_is_left(self):
        self.start(NghttpdPeer)
        for name in _PEERS[:-1]:
            self.cut(name)
            self.assert_well()
        self.cut(_PEERS[-1])
        self.assertEqual(self.local_health(), "suspect")

    def test_one_dead_peer_of_four_is_no_reason_to_doubt_oneself(self):
        self.start(NghttpdPeer)
        self.cut("node3")
        self.assert_well()
        self.assertEqual(self.doubts(), [])

    def test_a_link_without_carrier_is_named(self):
        self.start(NghttpdPeer)
        self.local.namespace.ip("link set eth0 down")
        self.wait_local_health("link_down")
        self.wait_all("open")
        self.assertEqual(self.peerpulse.metrics()['peerpulse_local_health{state="link_down"}'], 1)
        self.local.namespace.ip("link set eth0 up")
        self.wait_all("closed")
        self.wait_local_health("ok")


class Flapping(PowerCase):
    def test_the_third_outage_in_a_row_is_not_over_at_once(self):
        self.start(NghttpdPeer)
        for _ in range(3):
            self.cut("node3")
            self.lab.restore("node3")
            self.peerpulse.wait_circuit("node3", "closed", 3)
        events = [event for event in self.peerpulse.events() if event["peer"] == "node3"]
        damped = [event for event in events if event["reason"] == "flapping"]
        self.assertEqual([(event["to"], event["circuit"]) for event in damped], [("alive", "open")])
        closed = next(event for event in events if event["sequence"] > damped[0]["sequence"])
        waited_ms = (closed["monotonic_ns"] - damped[0]["monotonic_ns"]) / 1e6
        self.assertEqual(closed["circuit"], "closed")
        self.assertGreaterEqual(waited_ms, 249)
        self.assertLess(waited_ms, 1000 * DETECTED_S + 250)
