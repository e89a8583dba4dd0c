"""The fan-out API: one local request, one to each peer, one answer (design section 6)."""

import json
import socket
import threading
import time

from tests.harness.case import LocalCase
from tests.harness.host import free_port
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.recording_peer import RecordingPeer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_NAMES = ("node2", "node3", "node4")
_HTTP1 = {"protocol": "http1"}


def _json(body) -> bytes:
    return answer("200 OK", json.dumps(body).encode(), Content_Type="application/json")


class FanoutCase(LocalCase):
    def start(self, names: tuple[str, ...] = _NAMES, dead: tuple[str, ...] = (), api: dict | None = None, **config):
        """`dead`: nothing listens there. peerpulse itself is node1."""
        self.peers = {name: RecordingPeer(self.host) for name in names if name not in dead}
        for peer in self.peers.values():
            self.addCleanup(peer.close)
        self.api = ("127.0.0.1", free_port(self.host, "127.0.0.1"))
        entries = [Peer(name, self.peers[name].address if name in self.peers else f"127.0.0.1:{free_port(self.host)}",
                        _HTTP1) for name in names]
        self.peerpulse = self.start_peerpulse(
            self.host, entries, api={"listen": "{}:{}".format(*self.api), **(api or {})}, **config)
        for name in names:
            self.peerpulse.wait_verdict(name, "refusing" if name in dead else "alive")

    def ask(self, method: str, path: str, body: bytes = b"", timeout: float = 10, **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.host, self.api, method, path, body, fields, timeout * SLOWDOWN)

    def states(self, response) -> dict[str, str]:
        return {peer["peer"]: peer["state"] for peer in response.json()["peers"]}

    def metric(self, series: str) -> float:
        return self.peerpulse.metrics()[series]

    def wait_idle(self) -> None:
        wait_for(lambda: self.metric("peerpulse_fanout_running") == 0, 5 * SLOWDOWN, "no operation under way")

    def log_lines(self, event: str) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == event]


class Quorum(FanoutCase):
    def test_every_peer_gets_the_request_and_its_body(self):
        self.start()
        body = bytes(range(256)) * 4096  # 1 MiB
        response = self.ask("PUT", "/quorum/bucket/a%20b?x=1", body, X_Mine="kept", Peerpulse_Quorum="all",
                            Content_Type="application/x-test")
        self.assertEqual(response.status, 200, response.body)
        self.assertEqual((response.json()["required"], response.json()["achieved"]), (3, 3))
        self.assertEqual(self.states(response), dict.fromkeys(_NAMES, "ok"))
        for name, peer in self.peers.items():
            (got,) = peer.requests
            self.assertEqual((got.method, got.path, got.body == body), ("PUT", "/bucket/a%20b?x=1", True))
            self.assertEqual(got.headers["host"], peer.address)
            self.assertEqual((got.headers["x-mine"], got.headers["content-type"]), ("kept", "application/x-test"))
            self.assertIn("peerpulse-", got.headers["via"])
            self.assertFalse([field for field in got.headers if field.startswith("peerpulse")])
            self.assertEqual(self.peerpulse.peer(name)["requests_total"], 1)

    def test_a_majority_is_enough_and_the_rest_goes_on(self):
        self.start()
        self.peers["node4"].may_answer.clear()
        response = self.ask("POST", "/quorum/x", b"data", Peerpulse_Quorum="2")
        self.assertEqual(response.status, 200)
        self.assertEqual(self.states(response), {"node2": "ok", "node3": "ok", "node4": "pending"})
        self.assertEqual(self.metric("peerpulse_fanout_running"), 1)
        self.peers["node4"].may_answer.set()
        self.wait_idle()
        self.assertEqual(self.metric('peerpulse_fanout_requests_total{operation="quorum",state="ok"}'), 3)
        self.assertEqual(self.peerpulse.peer("node4")["in_flight"], 0)

    def test_majority_counts_this_node_too(self):
        self.start(dead=("node4",))  # of four nodes three are the majority, and two peers are left
        response = self.ask("POST", "/quorum/x", b"data")
        self.assertEqual(response.status, 503)
        found = response.json()
        self.assertEqual((found["error"], found["required"]), ("quorum_not_reached", 3))
        self.assertEqual(self.states(response)["node4"], "offline")
        self.wait_idle()

    def test_lost_as_soon_as_it_cannot_be_reached(self):
        self.start()
        self.peers["node2"].reply = lambda request: answer("507 Insufficient Storage")
        for name in ("node3", "node4"):
            self.peers[name].may_answer.clear()
        response = self.ask("POST", "/quorum/x", b"data", Peerpulse_Quorum="all")
        self.assertEqual(response.status, 503)
        self.assertEqual(self.states(response), {"node2": "error", "node3": "pending", "node4": "pending"})
        self.wait_idle()  # the others were cancelled
        self.assertEqual(self.metric('peerpulse_fanout_requests_total{operation="quorum",state="cancelled"}'), 2)
        for name in _NAMES:
            self.assertEqual(self.peerpulse.peer(name)["circuit"], "closed")
            self.assertEqual(self.peerpulse.peer(name)["failures_total"], 0)

    def test_only_those_that_are_named(self):
        self.start()
        response = self.ask("POST", "/quorum/x", b"data", Peerpulse_Peers="node3, node2", Peerpulse_Quorum="all")
        self.assertEqual(self.states(response), {"node3": "ok", "node2": "ok"})
        self.assertEqual(self.peers["node4"].requests, [])

    def test_the_callers_deadline(self):
        self.start()
        self.peers["node4"].may_answer.clear()
        response = self.ask("POST", "/quorum/x", b"data", Peerpulse_Quorum="all", Peerpulse_Timeout="200ms")
        self.assertEqual(response.status, 503)
        self.assertEqual(self.states(response)["node4"], "timeout")
        # It was the caller's: nobody is to blame.
        self.assertEqual(self.peerpulse.peer("node4")["failures_total"], 0)

    def test_a_chunked_body(self):
        self.start()
        with Http1Client(self.host, self.api, 10 * SLOWDOWN) as client:
            client.send_head("PUT", "/quorum/x", {"Transfer-Encoding": "chunked", "Peerpulse-Quorum": "all"})
            client.send(b"5\r\nhello\r\n")
            wait_for(lambda: self.metric("peerpulse_fanout_running") == 1, 5 * SLOWDOWN, "it is under way")
            client.send(b"1\r\n!\r\n0\r\n\r\n")
            self.assertEqual(client.read_response("PUT").status, 200)
        for peer in self.peers.values():
            self.assertEqual(peer.requests[0].body, b"hello!")

    def test_expect_is_answered_here(self):
        self.start()
        with Http1Client(self.host, self.api, 10 * SLOWDOWN) as client:
            client.send_head("PUT", "/quorum/x",
                             {"Content-Length": "2", "Expect": "100-continue", "Peerpulse-Quorum": "all"})
            self.assertEqual(client.read_head().status, 100)
            client.send(b"ok")
            self.assertEqual(client.read_response("PUT").status, 200)
        self.assertNotIn("expect", self.peers["node2"].requests[0].headers)

    def test_a_caller_that_goes_away_takes_it_along(self):
        self.start()
        client = Http1Client(self.host, self.api, 10 * SLOWDOWN)
        client.send_head("PUT", "/quorum/x", {"Content-Length": "100000"})
        client.send(bytes(1000))
        wait_for(lambda: self.metric("peerpulse_fanout_running") == 1, 5 * SLOWDOWN, "it is under way")
        client.close()
        self.wait_idle()
        self.assertEqual(self.metric('peerpulse_fanout_operations_total{operation="quorum",outcome="abandoned"}'), 1)
        for name, peer in self.peers.items():
            self.assertEqual(peer.requests, [])  # none was whole
            self.assertEqual(self.peerpulse.peer(name)["failures_total"], 0)

    def test_a_peer_that_does_not_read_holds_up_nobody_who_is_not_needed(self):
        self.start(api={"replay_limit": "256KiB"})
        self.peers["node3"].may_read.clear()
        body = bytes(range(256)) * (16 << 12)  # 16 MiB: more than sockets take
        response = self.ask("PUT", "/quorum/x", body, timeout=30, Peerpulse_Quorum="2")
        self.assertEqual(response.status, 200, response.body)
        self.assertEqual(self.states(response), {"node2": "ok", "node3": "cancelled", "node4": "ok"})
        self.assertTrue(self.peers["node2"].requests[0].body == body == self.peers["node4"].requests[0].body)

    def test_a_needed_peer_sets_the_pace(self):
        self.start(api={"replay_limit": "256KiB"})
        self.peers["node3"].may_read.clear()
        body = bytes(range(256)) * (8 << 12)
        threading.Timer(1, self.peers["node3"].may_read.set).start()
        response = self.ask("PUT", "/quorum/x", body, timeout=30, Peerpulse_Quorum="all")
        self.assertEqual(response.status, 200, response.body)
        for peer in self.peers.values():
            self.assertTrue(peer.requests[0].body == body)


class Aggregate(FanoutCase):
    def test_each_peers_answer_as_it_came(self):
        self.start()
        exact = b'{"n": 12345678901234567890123, "e": 1.10}'
        self.peers["node2"].reply = lambda request: answer("200 OK", exact, Content_Type="application/json; charset=utf-8")
        self.peers["node3"].reply = lambda request: answer("200 OK", "grüß".encode(), Content_Type="text/plain")
        self.peers["node4"].reply = lambda request: answer("200 OK", b"\xff\x00", Content_Type="application/json")
        response = self.ask("GET", "/aggregate/info?x=1")
        self.assertEqual(response.status, 200)
        self.assertIn(b'"body":' + exact, response.body)
        found = response.json()
        self.assertEqual((found["partial"], found["answered"]), (False, 3))
        peers = {peer["peer"]: peer for peer in found["peers"]}
        self.assertEqual(peers["node3"]["text"], "grüß")
        self.assertEqual(peers["node4"]["base64"], "/wA=")
        self.assertEqual([peer.requests[0].path for peer in self.peers.values()], ["/info?x=1"] * 3)

    def test_who_is_missing_is_listed(self):
        self.start(dead=("node2",), api={"peer_timeout": "300ms", "answer_limit": "1KiB"})
        self.peers["node3"].may_answer.clear()
        self.peers["node4"].reply = lambda request: answer("200 OK", bytes(2000))
        begin = time.monotonic()
        response = self.ask("GET", "/aggregate/info")
        self.assertLess(time.monotonic() - begin, 2 * SLOWDOWN)
        self.assertEqual(response.status, 200)
        self.assertTrue(response.json()["partial"])
        self.assertEqual(self.states(response), {"node2": "offline", "node3": "timeout", "node4": "too_large"})
        self.assertEqual(self.metric("rustfs_console_aggregation_partial_total"), 1)
        self.assertEqual(self.metric('rustfs_console_aggregation_duration_seconds_count{operation="aggregate"}'), 1)

    def test_an_error_of_a_peer_is_its_answer(self):
        self.start()
        self.peers["node2"].reply = lambda request: answer("404 Not Found", b"{}", Content_Type="application/json")
        response = self.ask("GET", "/aggregate/info")
        found = {peer["peer"]: peer for peer in response.json()["peers"]}
        self.assertEqual((found["node2"]["state"], found["node2"]["status"], found["node2"]["body"]), ("error", 404, {}))
        self.assertTrue(response.json()["partial"])


class Notify(FanoutCase):
    def test_accepted_at_once_and_delivered(self):
        self.start()
        self.peers["node3"].may_answer.clear()
        response = self.ask("POST", "/notify/reload", b"now")
        self.assertEqual(response.status, 202)
        self.assertEqual(response.json()["peers"], list(_NAMES))
        self.peers["node3"].may_answer.set()
        self.wait_idle()
        for peer in self.peers.values():
            self.assertEqual([(got.path, got.body) for got in peer.requests], [("/reload", b"now")])
        self.assertEqual(self.metric('peerpulse_fanout_operations_total{operation="notify",outcome="ok"}'), 1)

    def test_what_did_not_arrive_is_logged_and_counted(self):
        self.start(dead=("node2",), api={"notify_timeout": "300ms"})
        self.peers["node3"].may_answer.clear()
        self.assertEqual(self.ask("POST", "/notify/reload?token=secret", b"now").status, 202)
        self.wait_idle()
        self.assertEqual(self.metric('peerpulse_fanout_undelivered_total{peer="node2",reason="offline"}'), 1)
        self.assertEqual(self.metric('peerpulse_fanout_undelivered_total{peer="node3",reason="timeout"}'), 1)
        lines = wait_for(lambda: self.log_lines("notification_undelivered"), 5 * SLOWDOWN, "the lines")
        self.assertEqual({line["peer"]: (line["reason"], line["path"]) for line in lines},
                         {"node2": ("offline", "/reload?*"), "node3": ("timeout", "/reload?*")})

    def test_a_drain_lets_it_be_delivered(self):
        self.start()
        self.peers["node3"].may_answer.clear()
        self.assertEqual(self.ask("POST", "/notify/reload", b"now").status, 202)
        wait_for(lambda: self.peers["node3"].requests, 5 * SLOWDOWN, "it is on its way")
        threading.Timer(0.5, self.peers["node3"].may_answer.set).start()
        self.assertEqual(self.peerpulse.stop(), 0)
        self.assertEqual(self.log_lines("notification_undelivered"), [])

    def test_what_a_drain_cuts_off_is_said(self):
        self.start(drain_timeout="200ms")
        self.peers["node3"].may_answer.clear()
        self.assertEqual(self.ask("POST", "/notify/reload", b"now").status, 202)
        wait_for(lambda: self.peers["node3"].requests, 5 * SLOWDOWN, "it is on its way")
        self.assertEqual(self.peerpulse.stop(), 0)
        (line,) = self.log_lines("notification_undelivered")
        self.assertEqual((line["peer"], line["reason"], line["details"]), ("node3", "cancelled", "the process ends"))

    def test_a_body_beyond_what_is_kept(self):
        self.start(api={"replay_limit": "64KiB"})
        response = self.ask("POST", "/notify/x", bytes(100_000))
        self.assertEqual((response.status, response.json()["error"]), (413, "body_too_large"))
        self.wait_idle()


_SETS = [{"name": "set0", "disks": ["node1/d/1", "node2/d/1", "node3/d/1"],
          "spares": ["node1/d/2", "node3/d/2", "node4/d/2"]}]


class Erasure(FanoutCase):
    def put(self, body: bytes, **headers):
        response = self.ask("PUT", "/erasure/set0/1/bucket/part", body, timeout=30, **headers)
        return response, [(attempt["disk"], attempt["state"]) for attempt in response.json()["attempts"]]

    def test_to_its_own_disk(self):
        self.start(erasure_sets=_SETS)
        body = bytes(range(256)) * 4096
        response, attempts = self.put(body, X_Mine="kept")
        self.assertEqual((response.status, attempts), (201, [("node2/d/1", "ok")]))
        self.assertEqual(response.headers["peerpulse-stored-on"], "node2/d/1")
        self.assertEqual(response.headers["peerpulse-attempts"], "1")
        (got,) = self.peers["node2"].requests
        self.assertEqual((got.method, got.path, got.body == body), ("PUT", "/d/1/bucket/part", True))
        self.assertEqual(got.headers["x-mine"], "kept")
        self.assertEqual(self.peers["node3"].requests + self.peers["node4"].requests, [])

    def test_a_peer_that_is_not_there_is_not_tried(self):
        self.start(dead=("node2",), erasure_sets=_SETS)
        response, attempts = self.put(b"chunk")
        self.assertEqual((response.status, len(attempts), attempts[0]), (201, 2, ("node2/d/1", "offline")))
        disk = response.headers["peerpulse-stored-on"]
        (got,) = self.peers[disk.partition("/")[0]].requests
        self.assertEqual((got.path, got.body), (f"/{disk.partition('/')[2]}/bucket/part", b"chunk"))

    def test_an_error_moves_it_on_with_its_whole_body(self):
        self.start(erasure_sets=_SETS)
        body = bytes(range(256)) * 8192  # 2 MiB
        for name in ("node2", "node3"):
            self.peers[name].reply = lambda request: answer("507 Insufficient Storage")
        response, attempts = self.put(body)
        self.assertEqual((response.status, response.headers["peerpulse-stored-on"]), (201, "node4/d/2"))
        self.assertEqual(attempts[0], ("node2/d/1", "error"))
        self.assertTrue(self.peers["node4"].requests[0].body == body)
        self.assertEqual(self.metric('peerpulse_fanout_operations_total{operation="erasure",outcome="ok"}'), 1)

    def test_who_broke_off_after_the_whole_chunk_is_uncertain(self):
        self.start(erasure_sets=_SETS)
        self.peers["node2"].reply = lambda request: b""
        self.peers["node2"].ends = True
        response, attempts = self.put(b"chunk")
        self.assertEqual((response.status, attempts[0]), (201, ("node2/d/1", "failed")))
        self.assertTrue(response.json()["attempts"][0]["uncertain"])
        self.assertNotIn("uncertain", response.json()["attempts"][1])
        self.assertNotEqual(response.headers["peerpulse-stored-on"], "node2/d/1")

    def test_nobody_takes_it(self):
        self.start(dead=("node4",), erasure_sets=_SETS)
        for name in ("node2", "node3"):
            self.peers[name].reply = lambda request: answer("500 Internal Server Error")
        response, attempts = self.put(b"chunk")
        self.assertEqual((response.status, response.json()["error"]), (503, "all_nodes_failed"))
        self.assertNotIn("peerpulse-stored-on", response.headers)
        self.assertEqual(attempts, [("node2/d/1", "error"), ("node3/d/2", "error")])

    def test_beyond_what_is_kept_there_is_no_other_disk(self):
        self.start(api={"replay_limit": "64KiB"}, erasure_sets=_SETS)
        self.peers["node2"].reply = lambda request: answer("507 Insufficient Storage")
        response, attempts = self.put(bytes(4 << 20))
        self.assertEqual((response.status, attempts), (503, [("node2/d/1", "error")]))
        self.peers["node2"].reply = lambda request: answer("200 OK")
        self.assertEqual(self.put(bytes(4 << 20))[0].status, 201)

    def test_the_callers_deadline_is_that_of_all_attempts(self):
        self.start(erasure_sets=_SETS)
        for peer in self.peers.values():
            peer.may_answer.clear()
        begin = time.monotonic()
        response, attempts = self.put(b"chunk", Peerpulse_Timeout="300ms")
        self.assertLess(time.monotonic() - begin, 2 * SLOWDOWN)
        self.assertEqual(response.status, 503)
        self.assertEqual(attempts[0], ("node2/d/1", "timeout"))
        self.assertTrue(response.json()["attempts"][0]["uncertain"])

    def test_what_cannot_be_asked(self):
        self.start(erasure_sets=_SETS)
        for path, status, error in (("/erasure/set0/0/x", 400, "local_shard"), ("/erasure/set1/0/x", 404, "unknown_set"),
                                    ("/erasure/set0/3/x", 404, "unknown_shard")):
            response = self.ask("PUT", path, b"x")
            self.assertEqual((response.status, response.json()["error"]), (status, error))


class Refusals(FanoutCase):
    def test_errors_say_what_to_do(self):
        self.start()
        rows = [("GET", "/", {}, 404, "not_found"), ("GET", "/quorum", {}, 404, "not_found"),
                ("DELETE", "/quorum/x", {}, 405, "method_not_allowed"), ("POST", "/aggregate/x", {}, 405, "method_not_allowed"),
                ("POST", "/quorum/x", {"Peerpulse-Peers": "node2,node9"}, 400, "unknown_peer"),
                ("POST", "/quorum/x", {"Peerpulse-Peers": "node2,node2"}, 400, "duplicate_peer"),
                ("POST", "/quorum/x", {"Peerpulse-Peers": ","}, 400, "unknown_peer"),
                ("POST", "/quorum/x", {"Peerpulse-Peers": ""}, 400, "no_peers"),
                ("POST", "/quorum/x", {"Peerpulse-Quorum": "most"}, 400, "bad_quorum"),
                ("POST", "/quorum/x", {"Peerpulse-Quorum": "0"}, 400, "bad_quorum"),
                ("POST", "/quorum/x", {"Peerpulse-Quorum": "4"}, 400, "quorum_impossible"),
                ("POST", "/quorum/x", {"Peerpulse-Peers": "node2"}, 400, "quorum_impossible"),
                ("POST", "/quorum/x", {"Peerpulse-Timeout": "soon"}, 400, "bad_timeout")]
        for method, path, headers, status, error in rows:
            with self.subTest(method=method, path=path, headers=headers):
                response = request(self.host, self.api, method, path, b"", headers, 10 * SLOWDOWN)
                found = response.json()
                self.assertEqual((response.status, found["error"]), (status, error))
                self.assertTrue(found["message"])
                self.assertEqual("allow" in response.headers, status == 405)
        self.assertTrue(all(peer.requests == [] for peer in self.peers.values()))

    def test_as_many_operations_as_may_be(self):
        self.start(api={"max_operations": 1})
        self.peers["node4"].may_answer.clear()
        self.assertEqual(self.ask("POST", "/notify/x", b"1").status, 202)  # goes on in the background
        response = self.ask("POST", "/notify/x", b"2")
        self.assertEqual((response.status, response.json()["error"]), (503, "too_many_operations"))
        self.assertIn("retry-after", response.headers)
        self.assertEqual(self.metric('peerpulse_fanout_refused_total{limit="operations"}'), 1)
        self.peers["node4"].may_answer.set()
        self.wait_idle()
        self.assertEqual(self.ask("POST", "/notify/x", b"3").status, 202)

    def test_memory_for_bodies(self):
        self.start(api={"memory": "1MiB", "replay_limit": "1MiB"})
        with Http1Client(self.host, self.api, 10 * SLOWDOWN) as client:
            client.send_head("PUT", "/quorum/x", {"Content-Length": "1000000", "Peerpulse-Quorum": "all"})
            wait_for(lambda: self.metric("peerpulse_fanout_running") == 1, 5 * SLOWDOWN, "it is under way")
            response = self.ask("PUT", "/quorum/y", bytes(100_000), Peerpulse_Quorum="all")
            self.assertEqual((response.status, response.json()["error"]), (503, "memory_exhausted"))
            client.send(bytes(1_000_000))
            self.assertEqual(client.read_response("PUT").status, 200)
        self.wait_idle()
        self.assertEqual(self.ask("PUT", "/quorum/y", bytes(100_000), Peerpulse_Quorum="all").status, 200)

    def test_silent_clients_are_let_go(self):
        self.start()
        with Http1Client(self.host, self.api, 20 * SLOWDOWN) as client:
            client.send(b"POST /notify/x HTTP/1.1\r\n")
            self.assertTrue(client.ended())

    def test_a_unix_socket(self):
        path = self.host.directory / "api.sock"
        self.peers = {name: RecordingPeer(self.host) for name in _NAMES}
        for peer in self.peers.values():
            self.addCleanup(peer.close)
        peerpulse = self.start_peerpulse(self.host, [Peer(name, peer.address, _HTTP1) for name, peer in self.peers.items()],
                                         api={"listen": f"unix:{path}"})
        for name in _NAMES:
            peerpulse.wait_verdict(name, "alive")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10 * SLOWDOWN)
            client.connect(str(path))
            client.sendall(b"GET /aggregate/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b""
            while received := client.recv(65536):
                text += received
        self.assertTrue(text.startswith(b"HTTP/1.1 200"), text)
