"""The health score, and the warning that comes before a peer's death (design sections 8 and 9)."""

import time
import unittest

from tests.harness.case import DETECTED_S, LocalCase
from tests.harness.h2_pinger import H2Pinger
from tests.harness.peerpulse import SANITIZER, Peer
from tests.harness.waiting import wait_for

_STEP_S = 0.5
_MAX_DELAY_S = 2.0


@unittest.skipIf(SANITIZER, "it is about times, and takes 15 s")
class Degrading(LocalCase):
    def start_pinger(self) -> H2Pinger:
        pinger = H2Pinger(self.host)
        self.addCleanup(pinger.close)
        return pinger

    def test_a_peer_that_answers_later_and_later_is_warned_of_before_it_dies(self):
        failing, healthy = self.start_pinger(), self.start_pinger()
        peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", failing.address), Peer("node3", healthy.address)])
        for name in ("node2", "node3"):
            peerpulse.wait_verdict(name, "alive")
        # Readings are taken once per second: five good ones, so that there is something to fall from.
        wait_for(lambda: peerpulse.peer("node2")["probe"]["acked"] > 250, 30, "5 s of answers")

        failing.delay_s = 0.002
        next_step = time.monotonic()

        def warned():
            nonlocal next_step
            if time.monotonic() >= next_step:
                failing.delay_s = min(_MAX_DELAY_S, failing.delay_s * 1.2)
                next_step += _STEP_S
            return [event for event in peerpulse.events("degrading") if event["peer"] == "node2"]

        events = wait_for(warned, 40, "a degrading event")
        self.assertEqual(peerpulse.peer("node2")["verdict"], "alive")
        self.assertLess(peerpulse.peer("node2")["score"], 0.7)

        failing.close()
        peerpulse.wait_verdict("node2", "refusing", DETECTED_S)
        self.assertEqual(peerpulse.peer("node2")["score"], 0)

        event = events[0]
        self.assertEqual(event["factor"], "rtt")
        self.assertGreater(event["score_from"], event["score"])
        self.assertLessEqual(event["score"], 0.6)
        reading = event["evidence"]["to"]
        self.assertGreater(reading["rtt_us"], 2 * reading["baseline_us"])
        metrics = peerpulse.metrics()
        self.assertEqual(metrics['peerpulse_degrading_total{peer="node2"}'], 1)
        self.assertEqual(metrics['peerpulse_degrading_total{peer="node3"}'], 0)
        self.assertEqual(metrics['peerpulse_peer_score{peer="node2"}'], 0)
        # Other programs run on this machine: well, not perfect.
        self.assertGreater(metrics['peerpulse_peer_score{peer="node3"}'], 0.6)
        lines = [line for line in peerpulse.log_lines() if line.get("event") == "degrading"]
        self.assertEqual([(line["peer"], line["factor"]) for line in lines], [("node2", "rtt")])
        self.assertEqual([e for e in peerpulse.events("degrading") if e["peer"] == "node3"], [])
