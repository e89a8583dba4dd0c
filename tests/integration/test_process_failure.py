"""A peer whose process is gone while its host still answers."""

import signal
import time

from tests.harness.case import DETECTED_S, LocalCase
from tests.harness.clients import CURL_REFUSED, curl, h2load, url
from tests.harness.http1 import Http1Client, refused, request
from tests.harness.peerpulse import Peer
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peers import NghttpdPeer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for


class ProcessKilled(LocalCase):
    def start(self, server, **options):
        self.server = server.start()
        self.server.add_file("hello", b"hello")
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", server.address, options)])
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")

    def assert_refused_answer(self, status: int, headers: dict[str, str]) -> None:
        self.assertIn(status, (502, 503))
        self.assertIn("error=connection_refused", headers["proxy-status"])

    def test_an_h2_peer_is_refusing_and_recovers(self):
        self.start(NghttpdPeer(self.host))
        self.server.process.kill()
        state = self.peerpulse.wait_verdict("node2", "refusing", DETECTED_S)
        self.assertEqual((state["circuit"], state["reason"]), ("open", "connect_refused"))
        result = curl(self.host, url(self.listen, "/hello"), h2=True)
        self.assert_refused_answer(result.status, result.headers)
        self.server.start()
        self.peerpulse.wait_circuit("node2", "closed", DETECTED_S)
        load = h2load(self.host, url(self.listen, "/hello"), 1000)
        self.assertEqual((load.succeeded, load.failed), (1000, 0), load.output)

    def test_an_h1_peer_is_refusing_and_recovers(self):
        self.start(NginxPeer(self.host))
        self.server.process.kill()
        self.peerpulse.wait_verdict("node2", "refusing", DETECTED_S)
        response = request(self.host, self.listen, "GET", "/hello")
        self.assert_refused_answer(response.status, response.headers)
        self.server.start()
        self.peerpulse.wait_circuit("node2", "closed", DETECTED_S)
        self.assertEqual(request(self.host, self.listen, "GET", "/hello").body, b"hello")

    def test_refuse_mode_shuts_the_listener_and_opens_it_again(self):
        self.start(NginxPeer(self.host), on_dead="refuse")
        with Http1Client(self.host, self.listen) as client:
            self.assertEqual(client.request("GET", "/hello").status, 200)
            self.server.process.kill()
            self.peerpulse.wait_circuit("node2", "open", DETECTED_S)
            self.assertTrue(client.closed_by_reset())
        wait_for(lambda: refused(self.host, self.listen), DETECTED_S, "ECONNREFUSED")
        self.assertEqual(curl(self.host, url(self.listen, "/hello")).exit_code, CURL_REFUSED)
        self.server.start()
        self.peerpulse.wait_circuit("node2", "closed", DETECTED_S)
        wait_for(lambda: not refused(self.host, self.listen), DETECTED_S, "the listener is back")
        self.assertEqual(request(self.host, self.listen, "GET", "/hello").body, b"hello")

    def test_grpc_is_answered_in_its_own_way(self):
        self.start(NghttpdPeer(self.host))
        self.server.process.kill()
        self.peerpulse.wait_circuit("node2", "open", DETECTED_S)
        result = curl(self.host, url(self.listen, "/node.Service/Ping"), "-X", "POST", "-H",
                      "content-type: application/grpc", "-H", "te: trailers", "--data-binary", "", h2=True)
        self.assertEqual((result.exit_code, result.status, result.body), (0, 200, b""), result.errors)
        self.assertEqual(result.headers["grpc-status"], "14")
        self.assertIn("refusing", result.headers["grpc-message"])
        self.assertTrue(result.headers["content-type"].startswith("application/grpc"))

    def test_a_peer_that_is_not_there_from_the_start(self):
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", "127.0.0.1:1")])
        self.assertEqual(peerpulse.peer("node2")["verdict"], "refusing")
        response = request(self.host, peerpulse.listen["node2"], "GET", "/hello")
        self.assert_refused_answer(response.status, response.headers)


class RequestFailures(LocalCase):
    """The passive circuit: probes are fine, exchanges are not."""

    def test_three_failed_exchanges_open_the_circuit_and_a_trial_closes_it(self):
        broken = True

        def serve(connection, head: bytes) -> bool:
            if broken and b" /work " in head:
                return False  # closes before an answer
            connection.sendall(answer("200 OK", b"ok"))
            return True

        peer = self.start_scripted(self.host, serve)
        peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", peer.address)], circuit={"failure_threshold": 3, "open_for": "500ms"})
        listen = peerpulse.listen["node2"]
        for _ in range(3):
            response = request(self.host, listen, "PUT", "/work", b"x")
            self.assertEqual(response.status, 502)
            self.assertIn("error=connection_terminated", response.headers["proxy-status"])
        state = peerpulse.wait_circuit("node2", "open")
        self.assertEqual((state["verdict"], state["reason"]), ("alive", "request_failures"))
        self.assertEqual(request(self.host, listen, "PUT", "/work", b"x").status, 503)
        broken = False
        peerpulse.wait_circuit("node2", "half_open")
        self.assertEqual(request(self.host, listen, "PUT", "/work", b"x").status, 200)
        self.assertEqual(peerpulse.wait_circuit("node2", "closed")["reason"], "probe_ack")

    def test_our_own_refusals_and_server_errors_do_not_count(self):
        def serve(connection, head: bytes) -> bool:
            connection.sendall(answer("500 Internal Server Error"))
            return True

        peer = self.start_scripted(self.host, serve)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        for _ in range(10):
            self.assertEqual(request(self.host, peerpulse.listen["node2"], "GET", "/x").status, 500)
        self.assertEqual(peerpulse.peer("node2")["circuit"], "closed")


class ProcessStopped(LocalCase):
    """The kernel acknowledges, the process does nothing: slow, not dead."""

    def test_an_upload_survives_and_nothing_is_reset_or_refused(self):
        server = NginxPeer(self.host).start()
        server.add_file("hello", b"hello")
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", server.address)])
        listen = peerpulse.listen["node2"]
        peerpulse.wait_verdict("node2", "alive")
        chunk, chunks = b"x" * 1000, 60
        with Http1Client(self.host, listen) as upload, Http1Client(self.host, listen) as waiting:
            upload.send_head("PUT", "/stored", {"Content-Length": str(len(chunk) * chunks)})
            for number in range(chunks):
                if number == 10:
                    server.process.signal(signal.SIGSTOP)
                    waiting.send_head("GET", "/hello")
                elif number == 50:
                    server.process.signal(signal.SIGCONT)
                upload.send(chunk)
                time.sleep(0.05)
            self.assertEqual(upload.read_response("PUT").status, 201)
            self.assertEqual(waiting.read_response().body, b"hello")
        self.assertEqual((server.root / "stored").read_bytes(), chunk * chunks)
        self.assertEqual([event for event in peerpulse.events() if event["to"] in ("dead", "refusing")], [])
        self.assertEqual(peerpulse.peer("node2")["failures_total"], 0)
