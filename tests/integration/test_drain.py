"""SIGTERM: what is under way ends well, then the process does."""

import socket
import threading
import time

from tests.harness.case import LocalCase
from tests.harness.clients import url
from tests.harness.http1 import Http1Client, refused
from tests.harness.peerpulse import SLOWDOWN, Peer, program
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for


class Drain(LocalCase):
    def start_endless(self):
        """A peer that answers all but /forever, which it holds until the test is over."""
        release = threading.Event()

        def serve(connection, head: bytes) -> bool:
            if b" /forever " in head:
                release.wait(60)
                return False
            connection.sendall(answer("200 OK"))
            return True

        peer = self.start_scripted(self.host, serve)
        self.addCleanup(release.set)
        return peer

    def test_an_exchange_under_way_is_finished(self):
        release = threading.Event()

        def serve(connection, head: bytes) -> bool:
            if b" /slow " in head:
                release.wait(20)
            connection.sendall(answer("200 OK", b"done"))
            return True

        peer = self.start_scripted(self.host, serve)
        self.addCleanup(release.set)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        with Http1Client(self.host, peerpulse.listen["node2"], timeout=30) as client:
            client.send_head("GET", "/slow")
            wait_for(lambda: peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
            peerpulse.process.signal(15)
            wait_for(lambda: refused(self.host, peerpulse.listen["node2"]), 5 * SLOWDOWN, "no new connections")
            self.assertTrue(peerpulse.process.running)
            release.set()
            response = client.read_response()
            self.assertEqual((response.status, response.body), (200, b"done"))
            self.assertTrue(client.ended())
        self.assertEqual(peerpulse.process.popen.wait(10 * SLOWDOWN), 0)

    def test_what_is_not_done_by_the_drain_timeout_is_cut(self):
        peer = self.start_endless()
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)], drain_timeout="300ms")
        with Http1Client(self.host, peerpulse.listen["node2"]) as client:
            client.send_head("GET", "/forever")
            wait_for(lambda: peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
            started = time.monotonic()
            peerpulse.process.signal(15)
            self.assertEqual(peerpulse.process.popen.wait(10 * SLOWDOWN), 0)
            self.assertGreater(time.monotonic() - started, 0.25)
        self.assertIn('"cut":1', next(line for line in peerpulse.process.lines() if "drain_timeout" in line))

    def test_the_next_process_tells_what_a_drain_has_cut_and_the_one_after_that_does_not(self):
        peer = self.start_endless()
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)], drain_timeout="300ms",
                                         drain_record=str(self.host.directory / "drain"))
        with Http1Client(self.host, peerpulse.listen["node2"]) as client:
            client.send_head("GET", "/forever")
            wait_for(lambda: peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
            self.assertEqual(peerpulse.stop(), 0)
        for left, cut in ((0, 1), (1, 0)):
            peerpulse.start()
            self.assertEqual(self.told(peerpulse), (left, cut))
            peerpulse.process.kill()  # who is killed tells nothing
        peerpulse.start()
        self.assertEqual(peerpulse.stop(), 0)
        peerpulse.start()  # after a drain with nothing to wait for
        self.assertGreater(peerpulse.metrics()["peerpulse_last_drain_left_ratio"], 0.5)

    def told(self, peerpulse) -> tuple[float, float]:
        metrics = peerpulse.metrics()
        return metrics["peerpulse_last_drain_left_ratio"], metrics["peerpulse_last_drain_cut"]

    def test_a_drain_that_is_killed_is_told_too_and_a_start_that_fails_takes_nothing(self):
        peer = self.start_endless()
        record = self.host.directory / "drain"
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)], drain_timeout="60s", drain_record=str(record))
        with Http1Client(self.host, peerpulse.listen["node2"]) as client:
            client.send_head("GET", "/forever")
            wait_for(lambda: peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
            peerpulse.process.signal(15)
            wait_for(record.exists, 10, "the drain has begun")
            peerpulse.process.kill()
        with socket.create_server(peerpulse.admin):
            failed = self.host.run([program(), "run", "--config", str(peerpulse.config_file)])
            self.assertNotEqual(failed.returncode, 0)
        peerpulse.start()
        self.assertEqual(self.told(peerpulse), (0, 1))

    def test_no_time_to_drain_is_no_haste_when_nothing_is_under_way(self):
        peer = self.start_scripted(self.host, lambda connection, head: False)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)], drain_timeout="0s",
                                         drain_record=str(self.host.directory / "drain"))
        self.assertEqual(peerpulse.stop(), 0)
        peerpulse.start()
        self.assertEqual(self.told(peerpulse), (1, 0))

    def test_under_load_no_h1_request_fails(self):
        """Clients that go on sending on the connections they have see only complete answers, the last of which says
        `Connection: close`: a connection closed without that may lose the request that is on its way to us."""
        def serve(connection, head: bytes) -> bool:
            connection.sendall(answer("200 OK", b"x" * 1000))
            return True

        peer = self.start_scripted(self.host, serve)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        results: list[str] = []
        running = [threading.Thread(target=self.load, args=(peerpulse.listen["node2"], results)) for _ in range(8)]
        for thread in running:
            thread.start()
        wait_for(lambda: peerpulse.peer("node2")["requests_total"] > 200, 20, "load")
        peerpulse.process.signal(15)
        self.assertEqual(peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
        for thread in running:
            thread.join()
        self.assertEqual(len(results), 8)
        self.assertEqual({result for result in results if result != "ok"}, set())

    def load(self, listen, results: list[str]) -> None:
        """Requests until the proxy says that it closes the connection. Appends "ok", or what went wrong."""
        try:
            with Http1Client(self.host, listen, timeout=20) as client:
                while True:
                    response = client.request("GET", "/x")
                    if (response.status, len(response.body)) != (200, 1000):
                        results.append(f"status {response.status}, {len(response.body)} bytes")
                        return
                    if response.headers.get("connection", "").lower() == "close":
                        results.append("ok")
                        return
        except OSError as error:
            results.append(f"{type(error).__name__}: {error}")

    def test_h2_streams_under_way_are_finished(self):
        """A GOAWAY, and the streams below it to their end."""
        release = threading.Event()

        def serve(connection, head: bytes) -> bool:
            if b" /slow " in head:
                release.wait(20)
            connection.sendall(answer("200 OK", b"done"))
            return True

        peer = self.start_scripted(self.host, serve)
        self.addCleanup(release.set)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"protocol": "http1"})])
        client = self.host.spawn(
            ["curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_code} %{http_version} %{exitcode}",
             url(peerpulse.listen["node2"], "/slow")], name="curl")
        wait_for(lambda: peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
        peerpulse.process.signal(15)
        wait_for(lambda: "SIGTERM" in peerpulse.process.output(), 10, "draining")
        self.assertTrue(peerpulse.process.running)
        release.set()
        client.popen.wait(30)
        self.assertEqual(client.output(), "done 200 2 0")
        self.assertEqual(peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
