"""The access log: what an operator looks for is there, says who ended it and when; what fills disks and what is secret is not."""

import threading

from tests.harness.case import LocalCase
from tests.harness.h2_client import H2Client
from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class AccessLog(LocalCase):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.peer = self.start_scripted(self.host, self.serve)

    def serve(self, connection, head: bytes) -> bool:
        if b" /hang" in head:
            self.release.wait(60)
            return False
        if b" /slow" in head:
            self.release.wait(0.3)
        if b" /half" in head:
            connection.sendall(answer("200 OK", b"x" * 100)[:-50])
            return False
        connection.sendall(answer("503 Slow Down" if b" /busy" in head else "200 OK", b"done"))
        return True

    def start(self, **config):
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.peer.address)], **{"workers": 1, **config})
        self.peerpulse.wait_verdict("node2", "alive")

    def client(self) -> Http1Client:
        return self.enterContext(Http1Client(self.host, self.peerpulse.listen["node2"], timeout=30))

    def lines(self) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == "exchange"]

    def test_a_storage_preset_writes_failures_slow_exchanges_and_one_in_n(self):
        self.start(preset="minio", log={"access": {"sample": 50, "slow": "100ms"}})
        client = self.client()
        for number in range(101):
            self.assertEqual(client.request("GET", f"/object?token=secret{number}").status, 200)
        for path in ("/slow", "/busy"):
            client.request("GET", path, headers={"traceparent": f"00-{_TRACE}-00f067aa0ba902b7-01"})
        client.send_head("GET", "/half")
        self.assertTrue(client.closed_by_reset() or client.ended())
        wait_for(lambda: len(self.lines()) >= 6, 10 * SLOWDOWN, "lines")
        self.peerpulse.stop()
        lines = self.lines()
        self.assertEqual([(line["path"], line["end"]) for line in lines],
                         [("/object?*", "--")] * 3 + [("/slow", "--"), ("/busy", "--"), ("/half", "PD")])
        self.assertEqual([line.get("sample") for line in lines], [50, 50, 50, None, None, None])
        self.assertNotIn("secret", self.peerpulse.process.output())
        slow, busy, half = lines[3:]
        self.assertGreater(slow["wait_ms"], 250)
        self.assertGreaterEqual(slow["ttfb_ms"], slow["wait_ms"])
        self.assertEqual((busy["status"], busy["trace_id"]), (503, _TRACE))
        self.assertEqual((half["party"], half["phase"]), ("peer", "response"))

    def test_a_line_says_which_timer_ended_it(self):
        self.start(timeouts={"bulk": {"stall": "200ms", "min_bytes_per_second": 0}}, log={"query": "shown"})
        self.assertEqual(self.client().request("GET", "/hang?q=1").status, 504)
        wait_for(self.lines, 10 * SLOWDOWN, "the line")
        line = self.lines()[0]
        self.assertEqual((line["end"], line["timer"], line["phase"], line["path"]), ("pW", "stall", "wait", "/hang?q=1"))
        self.assertGreaterEqual(line["connect_ms"], 0)
        self.assertNotIn("ttfb_ms", line)

    def test_what_a_drain_cuts_at_its_end_is_ours(self):
        self.start(drain_timeout="300ms", workers=2)
        self.client().send_head("GET", "/hang")
        h2 = H2Client(self.host, self.peerpulse.listen["node2"])
        h2.get(1, "/hang")
        wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 2, 10 * SLOWDOWN, "in flight")
        self.peerpulse.process.signal(15)
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
        lines = self.lines()
        self.assertEqual([line["protocol"] for line in sorted(lines, key=lambda line: line["protocol"])], ["1.1", "2"])
        for line in lines:
            self.assertEqual((line["end"], line["party"]), ("SW", "self"))
            self.assertNotIn("client_aborted", line)
