"""The fan-out API's hedged reads and its timeouts that follow a peer's latency, with real processes."""

import json
import threading
import time

from tests.harness.peerpulse import SLOWDOWN
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for
from tests.integration.test_fanout import FanoutCase


class Hedging(FanoutCase):
    def hang_once(self, name: str) -> None:
        """The peer's next request has no answer, ever."""
        pending = threading.Semaphore(1)
        self.peers[name].reply = lambda request: None if pending.acquire(blocking=False) else answer("200 OK", b"yes")

    def hedges(self, operation: str, result: str) -> float:
        return self.metric(f'peerpulse_fanout_hedges_total{{operation="{operation}",result="{result}"}}')

    def check_nobody_is_blamed(self) -> None:
        for name in self.peers:
            peer = self.peerpulse.peer(name)
            self.assertEqual((peer["circuit"], peer["failures_total"], peer["timeouts_total"], peer["in_flight"]),
                             ("closed", 0, 0, 0), name)

    def test_an_aggregate_asks_a_late_peer_again(self):
        self.start()
        self.hang_once("node3")
        begin = time.monotonic()
        response = self.ask("GET", "/aggregate/info", Peerpulse_Hedge="50ms")
        self.assertLess(time.monotonic() - begin, 1 * SLOWDOWN)
        found = {peer["peer"]: peer for peer in response.json()["peers"]}
        self.assertEqual((found["node3"]["state"], found["node3"]["text"], found["node3"]["hedge"]),
                         ("ok", "yes", "won"))
        self.assertFalse(response.json()["partial"])
        self.assertEqual(len(self.peers["node3"].requests), 2)
        self.assertEqual(self.hedges("aggregate", "won"), 1)
        self.wait_idle()
        self.check_nobody_is_blamed()
        self.assertFalse([field for field in self.peers["node3"].requests[0].headers if field.startswith("peerpulse")])

    def test_a_quorum_of_reads_asks_one_more(self):
        self.start()
        for name, peer in self.peers.items():
            peer.reply = lambda request, name=name: answer("200 OK", json.dumps(name).encode(),
                                                           Content_Type="application/json")
        quick = self.ask("GET", "/quorum/info", Peerpulse_Quorum="2", Peerpulse_Hedge="5s")
        self.assertEqual((quick.status, quick.json()["achieved"]), (200, 2))
        asked = [name for name, peer in self.peers.items() if peer.requests]
        self.assertEqual(len(asked), 2)
        self.assertEqual(sorted(peer["body"] for peer in quick.json()["peers"] if peer["state"] == "ok"), asked)
        for peer in self.peers.values():
            peer.requests.clear()
        self.peers["node2"].reply = lambda request: None
        # Asked first or not: who is late is not waited for.
        for _ in range(6):
            response = self.ask("GET", "/quorum/info", Peerpulse_Quorum="2", Peerpulse_Hedge="50ms")
            self.assertEqual((response.status, response.json()["achieved"]), (200, 2))
            self.assertEqual(self.states(response)["node2"], "cancelled")
        self.wait_idle()
        self.check_nobody_is_blamed()

    def test_only_reads_are_hedged(self):
        self.start()
        response = self.ask("PUT", "/quorum/x", b"data", Peerpulse_Hedge="auto")
        self.assertEqual((response.status, response.json()["error"]), (400, "no_read"))
        self.assertEqual(self.ask("GET", "/aggregate/x", Peerpulse_Hedge="soon").json()["error"], "bad_hedge")


class AutomaticTimeouts(FanoutCase):
    def test_the_peer_timeout_follows_what_the_peers_take(self):
        self.start(api={"peer_timeout": "auto"}, timing={"samples": 20, "floor": "400ms"})
        self.assertEqual(self.peerpulse.peer("node2")["timing"], {})
        for _ in range(20):
            self.assertFalse(self.ask("GET", "/aggregate/info").json()["partial"])
        timing = self.peerpulse.peer("node2")["timing"]["control"]
        self.assertEqual(timing["samples"], 20)
        self.assertGreaterEqual(timing["timeout_ms"], 400)
        self.assertGreaterEqual(timing["timeout_ms"], min(3 * timing["p99_ms"], 10_000))
        self.assertLessEqual(timing["p50_ms"], timing["hedge_ms"] + 1)
        series = 'peerpulse_latency_samples{peer="node2",class="control"}'
        self.assertEqual(self.metric(series), 20)
        allowed = self.peerpulse.peer("node3")["timing"]["control"]["timeout_ms"] / 1000
        self.peers["node3"].reply = lambda request: None
        begin = time.monotonic()
        response = self.ask("GET", "/aggregate/info")
        took = time.monotonic() - begin
        self.assertEqual(self.states(response), {"node2": "ok", "node3": "timeout", "node4": "ok"})
        self.assertGreaterEqual(took, allowed - 0.01)
        self.assertLess(took, max(allowed, 0.4) + 1 * SLOWDOWN)
        # It counts as at least as long.
        self.assertGreaterEqual(self.peerpulse.peer("node3")["timing"]["control"]["p99_ms"], 300)
        wait_for(lambda: self.peerpulse.peer("node3")["circuit"] == "closed", 5 * SLOWDOWN, "nobody is blamed")

    def test_the_configuration_says_auto(self):
        self.start(api={"peer_timeout": "auto", "chunk_timeout": "auto", "hedge": "auto"})
        config = self.peerpulse.get("/config").json()
        for key in ("peer_timeout", "chunk_timeout", "hedge"):
            self.assertEqual(config["api"][key], {"value": "auto", "source": "file"})
