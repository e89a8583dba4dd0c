"""A slow peer must not fill everybody's queues: the governor (upstream/governor.h)."""

import concurrent.futures
import threading
import time

from tests.harness.case import LocalCase
from tests.harness.http1 import request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_HTTP1 = {"protocol": "http1"}
_CALLERS = 24
_SLOW_S = 0.4


class SlowPeer(LocalCase):
    def start(self, mode: str, **config) -> None:
        self.slow = threading.Event()
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.served = dict.fromkeys(("node2", "node3", "node4"), 0)
        peers = [self.start_scripted(self.host, self.server(name)) for name in self.served]
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer(name, peer.address, _HTTP1) for name, peer in zip(self.served, peers, strict=True)],
            workers=1, governor={"mode": mode, "floor": 4, **config.pop("governor", {})}, zone="here", **config)
        for name in self.served:
            self.peerpulse.wait_verdict(name, "alive")

    def server(self, name: str):
        def serve(connection, head: bytes) -> bool:
            if not head.startswith(b"OPTIONS"):
                self.served[name] += 1
                if name == "node2" and self.slow.is_set():
                    self.release.wait(_SLOW_S)
            connection.sendall(answer("200 OK", b"done"))
            return True
        return serve

    def ask(self, name: str) -> tuple[object, float]:
        """The answer, or None if there was none, and the seconds that took."""
        begun = time.monotonic()
        try:
            response = request(self.host, self.peerpulse.listen[name], "GET", "/x", timeout=30 * SLOWDOWN)
        except OSError:
            response = None
        return response, time.monotonic() - begun

    def load(self, name: str, seconds: float, callers: int = 2) -> list[tuple[object, float]]:
        """Callers that ask again at once for so long."""
        end = time.monotonic() + seconds

        def call() -> list[tuple[object, float]]:
            results = []
            while time.monotonic() < end:
                results.append(self.ask(name))
                time.sleep(0.01)
            return results

        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            return [each for future in [pool.submit(call) for _ in range(callers)] for each in future.result()]

    def governor(self) -> dict:
        return self.peerpulse.peer("node2")["governor"]

    def counted(self, what: str) -> float:
        return self.peerpulse.metrics()[f'peerpulse_governor_{what}{{peer="node2",class="bulk"}}']

    def log(self, event: str) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == event]

    def test_enforced_it_sheds_early_and_the_others_do_not_notice(self):
        self.start("enforce")
        for name in self.served:
            self.load(name, 1.5)
        self.slow.set()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow = pool.submit(self.load, "node2", 4 * SLOWDOWN, _CALLERS)
            time.sleep(2)  # a time of observation: the others, while one is slow
            others = self.load("node3", 1) + self.load("node4", 1)
            results = slow.result()
        self.assertTrue(all(response is not None and response.status == 200 for response, _ in others))
        self.assertLess(sorted(took for _, took in others)[len(others) // 2], _SLOW_S / 2)
        shed = [(response, took) for response, took in results if response is not None and response.status == 503]
        self.assertGreater(len(shed), 20)
        self.assertIn("error=connection_limit_reached", shed[0][0].headers["proxy-status"])
        self.assertLess(sorted(took for _, took in shed)[len(shed) // 2], _SLOW_S / 2)
        self.assertEqual(self.counted("shed_total"), len(shed))
        self.assertEqual(self.counted("would_shed_total"), 0)
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["circuit"], peer["failures_total"]), ("closed", 0))
        self.assertEqual(peer["governor"]["mode"], "enforce")
        self.assertEqual(peer["governor"]["bulk"]["shed_total"], len(shed))
        self.assertEqual(self.peerpulse.peer("node3")["governor"]["bulk"]["shed_total"], 0)
        begun = self.log("slow_peer")[0]
        self.assertEqual((begun["peer"], begun["class"], begun["mode"]), ("node2", "bulk", "enforce"))
        self.assertTrue([line for line in self.log("exchange") if line.get("shed")])
        self.recovers()

    def recovers(self) -> None:
        self.slow.clear()
        self.load("node2", 6)
        before = self.counted("shed_total")
        self.load("node2", 1)
        self.assertEqual(self.counted("shed_total"), before)
        wait_for(lambda: self.governor()["bulk"]["limit"] is None, 10 * SLOWDOWN, "no limit")
        over = self.log("slow_peer_over")[-1]
        self.assertEqual((over["peer"], over["class"]), ("node2", "bulk"))

    def test_by_default_it_only_counts(self):
        self.start("observe")
        self.load("node2", 1.5)
        self.slow.set()
        results = self.load("node2", 4 * SLOWDOWN, _CALLERS)
        self.assertTrue(all(response is not None and response.status == 200 for response, _ in results))
        self.assertGreater(self.counted("would_shed_total"), 0)
        self.assertEqual(self.counted("shed_total"), 0)

    def test_where_the_store_distrusts_answers_its_connection_is_reset(self):
        self.start("enforce", on_dead="refuse")
        self.load("node2", 1.5)
        self.slow.set()
        results = self.load("node2", 4 * SLOWDOWN, _CALLERS)
        reset = [took for response, took in results if response is None]
        self.assertGreater(len(reset), 20)
        self.assertFalse([response for response, _ in results if response is not None and response.status != 200])

