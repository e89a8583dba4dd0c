"""The admin endpoint (design section 8) and the metrics (section 9)."""

import signal

from tests.harness.case import LocalCase
from tests.harness.clients import h2load, url
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import SLOWDOWN, Peer, parse_time
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for

_PEER_KEYS = {
    "name", "address", "zone", "verdict", "circuit", "reason", "since", "score", "rtt_us", "last_heard_ms",
    "process_silent_ms", "probe",
    "connections", "in_flight", "requests_total", "failures_total", "fast_failures_total", "evictions_total",
    "timeouts_total",
}


class Admin(LocalCase):
    def setUp(self):
        super().setUp()
        self.nghttpd = NghttpdPeer(self.host).start()
        self.nghttpd.add_file("hello", b"hello")
        # Nobody listens on these ports: node3 and node4 refuse.
        self.peerpulse = self.start_peerpulse(self.host, [
            Peer("node2", self.nghttpd.address, {"zone": "dc1"}),
            Peer("node3", "127.0.0.1:1"),
            Peer("node4", "127.0.0.1:2"),
        ])

    def test_live_and_ready(self):
        self.assertEqual(self.peerpulse.get("/livez").status, 200)
        self.assertEqual(self.peerpulse.get("/readyz").status, 200)

    def test_a_peer_tells_everything(self):
        self.peerpulse.wait_verdict("node2", "alive")
        request(self.host, self.peerpulse.listen["node2"], "GET", "/hello")
        peer = self.peerpulse.peer("node2")
        self.assertLessEqual(_PEER_KEYS, set(peer))
        self.assertEqual((peer["name"], peer["address"], peer["zone"]), ("node2", self.nghttpd.address, "dc1"))
        self.assertEqual((peer["verdict"], peer["circuit"]), ("alive", "closed"))
        self.assertLessEqual({"last", "p50", "p99"}, set(peer["rtt_us"]))
        self.assertLessEqual({"mode", "sent", "acked", "lost", "goaways"}, set(peer["probe"]))
        self.assertLessEqual({"active", "idle", "connecting"}, set(peer["connections"]))
        self.assertIsNotNone(parse_time(peer["since"]).tzinfo)

    def test_all_peers(self):
        self.peerpulse.wait_verdict("node3", "refusing")
        everything = self.peerpulse.get("/peers").json()
        self.assertEqual(everything["node"], "node1")
        self.assertIn("local_health", everything)
        self.assertEqual([peer["name"] for peer in everything["peers"]], ["node2", "node3", "node4"])

    def test_an_unknown_peer_and_path(self):
        self.assertEqual(self.peerpulse.get("/peers/node9").status, 404)
        self.assertEqual(self.peerpulse.get("/nothing").status, 404)

    def test_methods(self):
        for method, path in (("POST", "/peers"), ("DELETE", "/peers/node2"), ("PUT", "/metrics"),
                             ("GET", "/peers/node2/circuit")):
            with self.subTest(method=method, path=path):
                response = request(self.host, self.peerpulse.admin, method, path)
                self.assertEqual(response.status, 405)

    def test_cluster(self):
        self.peerpulse.wait_verdict("node3", "refusing")
        self.peerpulse.wait_verdict("node4", "refusing")
        cluster = self.peerpulse.get("/cluster").json()
        expected = {"size": 4, "quorum": 3, "tolerable_failures": 1, "online": 2, "offline": ["node3", "node4"],
                    "status": "quorum_lost"}
        self.assertEqual({key: cluster[key] for key in expected}, expected)

    def test_events_have_each_transition_with_its_evidence(self):
        self.peerpulse.wait_verdict("node3", "refusing")
        event = next(event for event in self.peerpulse.events() if event["peer"] == "node3")
        self.assertGreater(event["monotonic_ns"], 0)
        self.assertIn("evidence", event)

    def test_the_event_stream_sends_transitions_as_they_happen(self):
        with Http1Client(self.host, self.peerpulse.admin) as stream:
            stream.send_head("GET", "/events", {"Accept": "text/event-stream"})
            head = stream.read_head()
            self.assertEqual(head.status, 200)
            self.assertTrue(head.headers["content-type"].startswith("text/event-stream"))
            self.peerpulse.post("/peers/node2/circuit", {"state": "open", "ttl": "10m", "why": "test"})
            lines = []
            while not any("node2" in line for line in lines):
                lines.append(stream.read_line())
        self.assertTrue(any(line.startswith("data:") for line in lines), lines)

    def wait_for_news(self, client: Http1Client, timeout: str = "5m") -> int:
        """Asks for the next version; returns the present one. The answer comes later."""
        self.peerpulse.wait_verdict("node2", "alive")
        version = self.peerpulse.get("/peers").json()["version"]
        client.send_head("GET", f"/peers?wait={version}&timeout={timeout}")
        return version

    def test_who_waits_hears_of_the_next_change(self):
        with Http1Client(self.host, self.peerpulse.admin) as client:
            version = self.wait_for_news(client)
            self.peerpulse.post("/peers/node2/circuit", {"state": "open", "ttl": "10m", "why": "test"})
            news = client.read_response().json()
            self.assertGreater(news["version"], version)
            self.assertEqual(next(peer for peer in news["peers"] if peer["name"] == "node2")["reason"], "operator")
        self.assertEqual(self.peerpulse.get(f"/peers?wait={version}").status, 200)
        self.assertEqual(self.peerpulse.get("/peers?wait=soon").status, 400)
        self.assertEqual(self.peerpulse.get("/peers?wait=1&timeout=1h").status, 400)

    def test_a_drain_does_not_wait_for_who_waits(self):
        with Http1Client(self.host, self.peerpulse.admin) as client:
            self.wait_for_news(client)
            self.peerpulse.process.signal(signal.SIGTERM)
            self.assertEqual(client.read_response().status, 503)
        self.assertEqual(self.peerpulse.process.popen.wait(5 * SLOWDOWN), 0)

    def test_an_operator_opens_and_closes_a_circuit(self):
        listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")
        response = self.peerpulse.post("/peers/node2/circuit", {"state": "open", "ttl": "10m", "why": "maintenance"})
        self.assertEqual(response.status, 200, response.body)
        self.assertEqual(self.peerpulse.wait_circuit("node2", "open")["reason"], "operator")
        refused = request(self.host, listen, "GET", "/hello")
        self.assertEqual(refused.status, 503)
        self.assertIn("peerpulse", refused.headers["proxy-status"])
        self.assertEqual(self.peerpulse.post("/peers/node2/circuit", {"state": "auto"}).status, 200)
        self.peerpulse.wait_circuit("node2", "closed")
        # nghttpd speaks h2 only: the circuit is what is tested, by the client that it serves.
        load = h2load(self.host, url(listen, "/hello"), 10)
        self.assertEqual(load.succeeded, 10, load.output)

    def test_a_bad_override_is_refused(self):
        for body in ({"state": "ajar"}, {}, {"state": "open", "ttl": "soon"}):
            with self.subTest(body=body):
                self.assertEqual(self.peerpulse.post("/peers/node2/circuit", body).status, 400)
        self.assertEqual(self.peerpulse.post("/peers/node9/circuit", {"state": "open"}).status, 404)

    def test_a_foreign_page_cannot_change_anything(self):
        response = request(self.host, self.peerpulse.admin, "POST", "/peers/node2/circuit", b'{"state":"open"}',
                           {"Origin": "http://evil.example", "Content-Type": "application/json"})
        self.assertEqual(response.status, 403)
        response = request(self.host, self.peerpulse.admin, "POST", "/peers/node2/circuit", b'{"state":"open"}',
                           {"Host": "evil.example", "Content-Type": "application/json"})
        self.assertEqual(response.status, 403)
        self.assertEqual(self.peerpulse.peer("node2")["circuit"], "closed")

    def test_effective_configuration(self):
        config = self.peerpulse.get("/config").json()
        self.assertIn("node2", str(config))
        self.assertIn("interval", str(config), "defaults are shown too")

    def test_metrics_count_what_was_carried(self):
        h2load(self.host, url(self.peerpulse.listen["node2"], "/hello"), 100)
        self.peerpulse.wait_verdict("node3", "refusing")
        metrics = self.peerpulse.metrics()
        counted = sum(value for series, value in metrics.items()
                      if series.startswith("rustfs_peer_rpc_duration_seconds_count{") and 'peer_host="node2"' in series)
        self.assertEqual(counted, 100, sorted(metrics))
        for name in ("rustfs_peer_connections_active", "rustfs_peer_connection_failures_total",
                     "rustfs_peer_connection_evictions_total", "rustfs_upload_success_total",
                     "rustfs_upload_in_progress"):
            self.assertTrue(any(series.startswith(name) for series in metrics), name)
        self.assertTrue(any(series.startswith("peerpulse_") for series in metrics))

    def test_the_request_counters_of_the_peer(self):
        before = self.peerpulse.peer("node2")["requests_total"]
        h2load(self.host, url(self.peerpulse.listen["node2"], "/hello"), 100)
        wait_for(lambda: self.peerpulse.peer("node2")["requests_total"] == before + 100, 5, "100 requests counted")
        self.assertEqual(self.peerpulse.peer("node2")["failures_total"], 0)
        self.assertEqual(self.peerpulse.peer("node2")["in_flight"], 0)

    def test_a_log_line_has_the_names_of_its_event(self):
        self.peerpulse.wait_verdict("node3", "refusing")
        events = {event["monotonic_ns"]: event for event in self.peerpulse.get("/events?history=1").json()["events"]}
        self.assertEqual(self.peerpulse.stop(), 0)
        told = [line for line in self.peerpulse.log_lines() if line.get("monotonic_ns") in events]
        self.assertGreaterEqual(len(told), 3)
        for line in told:
            event = events[line["monotonic_ns"]]
            self.assertEqual({**line, "ts": None, "level": None, "sequence": None},
                             {**event, "ts": None, "level": None, "sequence": None})

    def test_log_lines_are_json_with_one_line_per_transition(self):
        self.peerpulse.wait_verdict("node3", "refusing")
        self.assertEqual(self.peerpulse.stop(), 0)
        lines = self.peerpulse.log_lines()
        transitions = [line for line in lines if line["event"] == "transition" and line["peer"] == "node3"]
        self.assertEqual([line["to"] for line in transitions], ["refusing"])
        self.assertIn("silence_ms", transitions[0]["evidence"])
