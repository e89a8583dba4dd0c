"""Sidecar to sidecar: a store without TLS and HTTP/2 is reached as one that has both, and nobody sees a difference."""

import base64
import hashlib
import os

from tests.harness.case import DETECTED_S
from tests.harness.certificates import Authority
from tests.harness.clients import curl, start_upload, url
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import SANITIZER
from tests.harness.waiting import wait_for
from tests.integration.link_case import LinkCase

_MIB = 1 << 20
_BIG = (5 if SANITIZER else 50) * _MIB


class Carried(LinkCase):
    def setUp(self):
        super().setUp()
        self.start_all()

    def last_seen(self) -> dict:
        return self.store.seen()[-1]

    def test_what_is_signed_arrives_as_it_was_sent(self):
        path = "/bucket/a%2Fb%20c+d/%E2%82%AC;p=1?x-id=GetObject&empty=&q=%2f+%25&list"
        fields = {"Host": "s3.example.net:9000", "Authorization": "AWS4-HMAC-SHA256 Credential=x, Signature=y",
                  "x-amz-date": "20260101T000000Z", "X-Amz-Meta-Name": " padded  inside ".strip(), "Cookie": "a=1; b=2"}
        response = request(self.host, self.listen, "GET", path, headers=fields)
        self.assertEqual((response.status, response.body), (404, b"no such thing"))
        seen = self.last_seen()
        self.assertEqual(seen["line"], f"GET {path} HTTP/1.1")
        headers = dict(seen["headers"])
        for name, value in fields.items():
            self.assertEqual(headers[name.lower()], value, name)
        for name in ("connection", "te", "transfer-encoding", "content-length", "http2-settings"):
            self.assertNotIn(name, headers)
        self.assertEqual(self.passes(seen), 2)

    def test_put_and_get_of_a_large_body(self):
        body = os.urandom(_MIB) * (_BIG // _MIB) + b"odd"
        source = self.host.directory / "source"
        source.write_bytes(body)
        put = curl(self.host, url(self.listen, "/big"), "-T", str(source))
        self.assertEqual((put.exit_code, put.status), (0, 201), put.errors)
        seen = self.last_seen()
        self.assertEqual(dict(seen["headers"])["content-length"], str(len(body)))
        self.assertEqual(seen["size"], len(body))
        got = curl(self.host, url(self.listen, "/big"))
        self.assertEqual((got.exit_code, got.status), (0, 200), got.errors)
        self.assertEqual(hashlib.sha256(got.body).digest(), hashlib.sha256(body).digest())
        self.assertEqual(got.headers["etag"], '"1"')

    def test_a_body_of_unknown_length_stays_one(self):
        upload = start_upload(self.host, url(self.listen, "/chunked"))
        output, errors = upload.communicate(b"x" * (3 * _MIB + 1), timeout=60)
        self.assertEqual(output, b"201", errors)
        seen = self.last_seen()
        self.assertEqual(seen["size"], 3 * _MIB + 1)
        self.assertEqual(dict(seen["headers"]).get("transfer-encoding"), "chunked")

    def test_trailers_pass_both_ways(self):
        with Http1Client(self.host, self.listen) as client:
            client.send_head("PUT", "/stored", {"Transfer-Encoding": "chunked", "Trailer": "x-sum"})
            client.send(b"5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n")
            self.assertEqual(client.read_response("PUT").status, 201)
            self.assertEqual(self.last_seen()["trailers"], {"x-sum": "42"})
            client.send_head("GET", "/trailers", {"TE": "trailers", "Connection": "TE"})
            head = client.read_head()
            self.assertEqual((head.status, head.headers["transfer-encoding"]), (200, "chunked"))
            rest = b""
            while not rest.endswith(b"\r\n\r\n"):
                rest += client.read(1)
            self.assertIn(b"hello", rest)
            self.assertIn(b"x-checksum: abc", rest.lower())

    def test_expect_is_asked_of_the_store_and_its_100_comes_back(self):
        with Http1Client(self.host, self.listen) as client:
            client.send_head("PUT", "/expected", {"Content-Length": "5", "Expect": "100-continue"})
            self.assertEqual(client.read_head().status, 100)
            client.send(b"hello")
            self.assertEqual(client.read_response("PUT").status, 201)
        self.assertEqual(self.last_seen()["size"], 5)

    def test_head_and_answers_without_a_body(self):
        request(self.host, self.listen, "PUT", "/stored", b"hello")
        with Http1Client(self.host, self.listen) as client:
            head = client.request("HEAD", "/stored")
            self.assertEqual((head.status, head.headers["content-length"], head.body), (200, "5", b""))
            for status in (204, 304):
                response = client.request("GET", f"/status/{status}")
                self.assertEqual((response.status, response.body), (status, b""))
            self.assertEqual(client.request("GET", "/stored").body, b"hello")

    def test_the_stores_connection_may_end_with_its_answer(self):
        with Http1Client(self.host, self.listen) as client:
            for _ in range(5):
                response = client.request("GET", "/close")
                self.assertEqual((response.status, response.body), (200, b"bye"))
                self.assertNotEqual(response.headers.get("connection"), "close")

    def test_an_early_answer_reaches_the_client(self):
        with Http1Client(self.host, self.listen) as client:
            client.send_head("PUT", "/early", {"Content-Length": str(64 * _MIB)})
            client.send(b"x" * 1000)
            response = client.read_response("PUT")
        self.assertEqual((response.status, response.body), (507, b"full"))

    def test_a_tunnel(self):
        key = base64.b64encode(bytes(16)).decode()
        with Http1Client(self.host, self.listen) as client:
            client.send_head("GET", "/upgrade", {"Connection": "Upgrade", "Upgrade": "websocket",
                                                 "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"})
            head = client.read_head()
            self.assertEqual((head.status, head.headers["upgrade"].lower()), (101, "websocket"))
            for text in (b"hello", b"and again"):
                client.send(text)
                self.assertEqual(client.read(len(text)), text)

    def test_http2_clients(self):
        request(self.host, self.listen, "PUT", "/stored", b"hello")
        result = curl(self.host, url(self.listen, "/stored"), h2=True)
        self.assertEqual((result.status, result.body, result.http_version), (200, b"hello", "2"), result.errors)

    def test_it_is_pinged_over_tls(self):
        peer = self.near.peer("node2")
        self.assertEqual((peer["probe"]["mode"], peer["probe"]["host"]), ("fast_ping", "ping"))
        self.assertEqual((peer["address"], peer["link"]["mode"], peer["link"]["why"]),
                         (self.store.address, "require", None))
        self.assertEqual(self.near.metrics()['peerpulse_link_up{peer="node2"}'], 1)

    def test_the_store_is_no_member_of_the_cluster(self):
        peers = {peer["name"]: peer for peer in self.far.get("/peers").json()["peers"]}
        self.assertEqual({name: peer["role"] for name, peer in peers.items()}, {"node1": "peer", "store": "store"})
        self.assertEqual((peers["store"]["verdict"], peers["store"]["on_dead"]), ("alive", "refuse"))
        self.assertIsNone(peers["store"]["link"])
        self.assertEqual(self.far.get("/cluster").json()["size"], 2)


class Trouble(LinkCase):
    def test_a_store_that_is_gone_is_refusing_at_the_sender(self):
        self.start_all()
        self.store.process.kill()
        state = self.near.wait_verdict("node2", "refusing", DETECTED_S)
        self.assertEqual((state["circuit"], state["reason"]), ("open", "connect_refused"))
        self.assertEqual(self.wait_link("down")["why"], "refused")
        self.assertIn(request(self.host, self.listen, "GET", "/x").status, (502, 503))
        self.store.start()
        self.near.wait_circuit("node2", "closed", DETECTED_S * 5)
        self.wait_link("up")
        self.assertEqual(request(self.host, self.listen, "PUT", "/x", b"y").status, 201)
        lines = [line for line in self.near.log_lines() if line["event"] in ("link_up", "link_lost")]
        self.assertEqual([line["event"] for line in lines], ["link_up", "link_lost", "link_up"])
        self.assertEqual((lines[1]["peer"], lines[1]["why"], lines[1]["to"]), ("node2", "refused", "down"))

    def test_a_store_that_is_stopped_is_stalled_at_the_sender(self):
        probe = {"probe": {"stall_after": "1s", "stall_open_after": "1s"}}
        self.start_all(**probe)
        with Http1Client(self.host, self.listen) as client:
            client.send_head("PUT", "/slow", {"Content-Length": "10"})
            client.send(b"12345")
            self.stop_store()
            state = self.near.wait_verdict("node2", "stalled", 15)
            self.assertEqual(self.far.peer("store")["address"], self.store.address)
            self.store.process.cont()
            self.near.wait_verdict("node2", "alive", 10)
            client.send(b"67890")
            self.assertEqual(client.read_response("PUT").status, 201)
        self.assertNotEqual(state["verdict"], "dead")

    def test_a_peerpulse_that_is_gone_takes_the_link_along(self):
        self.start_all()
        self.assertEqual(self.far.stop(), 0)
        self.near.wait_verdict("node2", "refusing", DETECTED_S)
        self.assertIn(request(self.host, self.listen, "GET", "/x").status, (502, 503))
        self.assertEqual([line for line in self.store.seen() if "/x" in line["line"]], [], "not past the link")
        self.far.start()
        self.near.wait_circuit("node2", "closed", DETECTED_S * 5)
        self.assertEqual(request(self.host, self.listen, "GET", "/x").status, 404)

    def test_who_shows_no_certificate_of_ours_does_not_come_in(self):
        self.start_store()
        self.start_far()
        stranger = Authority(self.certificates / "strangers", "another authority").issue("node3")
        self.start_near(certificate=stranger)

        def told():
            link = self.link()
            return link if link["why"] not in (None, "none") else None
        self.assertIn(wait_for(told, 10, "why the link is down")["why"], ("tls_identity", "tls_alert"))
        self.assertEqual(self.link()["state"], "down")
        self.assertGreaterEqual(request(self.host, self.listen, "GET", "/secret").status, 502)
        self.assertEqual([line for line in self.store.seen() if "secret" in line["line"]], [])
        bare = curl(self.host, f"https://127.0.0.1:{self.port}/secret", "-k")
        self.assertNotEqual(bare.exit_code, 0, "without a certificate")

    def test_a_request_that_the_store_passes_on_is_no_loop(self):
        """With the Via that came with it, to another node through the peerpulse beside it."""
        self.start_all()
        request(self.host, self.listen, "GET", "/first")
        via = ", ".join(value for name, value in self.store.seen()[-1]["headers"] if name == "via")
        # node2's own peer answers nothing: that it is asked at all is what counts.
        onward = request(self.host, self.far.listen["node1"], "GET", "/second", headers={"Via": via})
        self.assertNotIn("proxy_loop_detected", onward.headers.get("proxy-status", ""))
        again = request(self.host, self.listen, "GET", "/third", headers={"Via": via})
        self.assertIn("proxy_loop_detected", again.headers.get("proxy-status", ""))


class Prefer(LinkCase):
    def test_without_a_peerpulse_there_it_is_reached_directly_and_that_is_told(self):
        self.start_store()
        self.start_near("prefer")
        self.near.wait_verdict("node2", "alive", 10)
        link = self.wait_link("fallback")
        self.assertEqual((link["why"], link["fallbacks_total"]), ("refused", 1))
        self.assertEqual(request(self.host, self.listen, "PUT", "/x", b"plain").status, 201)
        metrics = self.near.metrics()
        self.assertEqual((metrics['peerpulse_link_up{peer="node2"}'],
                          metrics['peerpulse_link_fallbacks_total{peer="node2"}']), (0, 1))
        self.assertEqual(self.passes(self.store.seen()[-1]), 1)
        # Node by node: there is one now.
        self.start_far()
        self.wait_link("up")
        self.near.wait_verdict("node2", "alive", 10)
        self.assertEqual(request(self.host, self.listen, "GET", "/x").body, b"plain")
        self.assertEqual(self.passes(self.store.seen()[-1]), 2)
        lines = [line for line in self.near.log_lines() if line["event"] in ("link_up", "link_lost")]
        self.assertEqual([(line["event"], line["to"]) for line in lines],
                         [("link_lost", "down"), ("link_lost", "fallback"), ("link_up", "up")])

    def test_it_falls_back_and_returns(self):
        self.start_all("prefer")
        self.assertEqual(self.far.stop(), 0)
        self.wait_link("fallback")
        self.near.wait_circuit("node2", "closed")
        with Http1Client(self.host, self.listen) as client:
            self.assertEqual(client.request("PUT", "/x", b"plain").status, 201)
            self.far.start()
            self.wait_link("up")
            self.near.wait_circuit("node2", "closed")
            self.assertEqual(client.request("GET", "/x").body, b"plain")
        self.assertEqual(self.passes(self.store.seen()[-1]), 2)

    def test_a_store_that_is_gone_is_no_reason(self):
        self.start_all("prefer")
        self.store.process.kill()
        self.near.wait_verdict("node2", "refusing", DETECTED_S)
        self.assertEqual(self.wait_link("down")["fallbacks_total"], 0)
        self.store.start()
        self.near.wait_circuit("node2", "closed", DETECTED_S * 5)
        self.wait_link("up")
        self.assertEqual(self.link()["fallbacks_total"], 0)

    def test_an_operators_word_outlives_the_change_of_the_way(self):
        self.start_all("prefer")
        word = {"state": "open", "why": "test", "ttl": "10m"}
        self.assertEqual(self.near.post("/peers/node2/circuit", word).status, 200)
        self.near.wait_circuit("node2", "open")
        self.assertEqual(self.far.stop(), 0)
        self.wait_link("fallback")
        self.near.wait_verdict("node2", "alive", 10)
        self.assertEqual((self.near.peer("node2")["circuit"], self.near.peer("node2")["overridden"]), ("open", True))
