"""The power of peers that speak TLS is cut: as fast as in plain text, and back over TLS."""

import threading
import time

from tests.harness.case import DETECTED_S
from tests.harness.certificates import Authority, class_directory
from tests.harness.clients import CURL_H2_STREAM, curl, start_upload, url
from tests.harness.connection_listener import ConnectionListener
from tests.harness.http1 import Http1Client
from tests.harness.openssl_end import TlsRules
from tests.harness.peerpulse import Peer
from tests.harness.scripted_peer import answer
from tests.harness.tls_case import tls_upstream
from tests.harness.tls_peer import TlsPeer
from tests.harness.tls_servers import ServerTls, TlsNghttpd, TlsNginx
from tests.harness.waiting import wait_for
from tests.lab.power_case import PowerCase


class TlsPowerCase(PowerCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.authority = Authority(class_directory(cls) / "authority")

    def certificate(self, node):
        return self.authority.issue(node.name, f"IP:{node.address}")

    def peer(self, name: str, address: str, on_dead: str = "respond") -> Peer:
        return Peer(name, address, {"on_dead": on_dead, **tls_upstream(self.authority)})

    def start_over_tls(self, server_type, on_dead: str = "respond", **options) -> None:
        """A server on every node but the first."""
        self.servers = {node.name: server_type(node, ServerTls(self.certificate(node)), **options).start()
                        for node in self.lab.nodes[1:]}
        self.run_peerpulse([self.peer(name, server.address, on_dead) for name, server in self.servers.items()])

    def start_scripted_tls(self, serve) -> None:
        """On node3; `serve` as TlsPeer's."""
        node = self.lab.node("node3")
        server = TlsPeer(node, TlsRules(self.certificate(node)), serve)
        self.addCleanup(server.close)
        self.run_peerpulse([self.peer("node3", server.address)])

    def assert_fails_fast(self, client: Http1Client):
        """After cut(), which waited for the verdict."""
        started = time.monotonic()
        response = client.read_response()
        self.assert_unavailable(response, "node3", "dead")
        self.assertLess(time.monotonic() - started, DETECTED_S)


class Cut(TlsPowerCase):
    def wait_settled(self, name: str, h2: bool) -> None:
        """It is known what the host answers. Until then a host that is silent may have a full accept queue, which is no death."""
        host = "ping" if h2 else "icmp"
        wait_for(lambda: self.peerpulse.peer(name)["probe"]["host"] == host, 10, f"{name} is asked by {host}")

    def assert_cut_and_restored(self, h2: bool) -> None:
        for _ in range(2):
            self.wait_settled("node3", h2)
            self.cut("node3")
            result = curl(self.local, url(self.listen["node3"], "/hello"), h2=h2)
            self.assertEqual(result.status, 503, result.errors)
            self.assertIn("error=destination_unavailable", result.headers["proxy-status"])
            self.assertEqual(curl(self.local, url(self.listen["node2"], "/hello"), h2=h2).body, b"ok")
            self.lab.restore("node3")
            self.peerpulse.wait_circuit("node3", "closed", 3)
            result = curl(self.local, url(self.listen["node3"], "/hello"), h2=h2)
            self.assertEqual((result.status, result.body), (200, b"ok"), result.errors)
        self.assert_alive("node2")
        for name in ("node2", "node3"):
            self.assertEqual(self.peerpulse.peer(name)["tls"]["upstream"]["failures"], {})

    def test_h1(self):
        self.start_over_tls(TlsNginx)
        self.assert_cut_and_restored(h2=False)

    def test_h2(self):
        self.start_over_tls(TlsNghttpd)
        self.assert_cut_and_restored(h2=True)

    def test_the_process_was_restarted_during_the_outage(self):
        """It knows none of the sessions that it gave."""
        self.start_over_tls(TlsNginx, h2=True)
        self.assertEqual(curl(self.local, url(self.listen["node3"], "/hello"), h2=True).body, b"ok")
        self.cut("node3")
        self.servers["node3"].process.kill()
        self.servers["node3"].start()
        self.lab.restore("node3")
        self.peerpulse.wait_circuit("node3", "closed", 3)
        self.assertEqual(curl(self.local, url(self.listen["node3"], "/hello"), h2=True).body, b"ok")


class InFlight(TlsPowerCase):
    def test_a_waiting_request_and_an_upload(self):
        asked = threading.Semaphore(0)

        def silent(end, head: bytes) -> bool:
            asked.release()
            while end.read():
                pass
            return False

        self.start_scripted_tls(silent)
        with Http1Client(self.local, self.listen["node3"], timeout=10) as waiting, \
                Http1Client(self.local, self.listen["node3"], timeout=10) as upload:
            waiting.send_head("GET", "/wait")
            upload.send_head("PUT", "/object", {"Content-Length": str(1 << 30)})
            upload.send(bytes(1 << 20))
            for _ in range(2):
                self.assertTrue(asked.acquire(timeout=10))
            self.cut("node3")
            self.assert_fails_fast(waiting)
            response = upload.read_response()
            self.assertEqual((response.status, response.headers["connection"]), (503, "close"))

    def test_an_answer_under_way_is_reset_never_ended(self):
        def half(end, head: bytes) -> bool:
            end.write(answer("200 OK", b"x" * 20_000)[:-10_000])
            return True

        self.start_scripted_tls(half)
        with Http1Client(self.local, self.listen["node3"], timeout=10) as client:
            client.send_head("GET", "/half")
            self.assertEqual(client.read_head().status, 200)
            self.assertEqual(client.read(9_000), b"x" * 9_000)  # a few bytes may wait for more
            self.cut("node3")
            self.assertTrue(client.closed_by_reset())

    def test_an_h2_upload_gets_an_answer_or_a_reset(self):
        self.start_over_tls(TlsNghttpd)
        with start_upload(self.local, url(self.listen["node3"], "/object"), h2=True) as upload:
            upload.stdin.write(bytes(1 << 20))
            upload.stdin.flush()
            wait_for(lambda: self.peerpulse.peer("node3")["in_flight"] == 1, 5, "in flight")
            self.cut("node3")
            try:
                upload.stdin.close()
            except BrokenPipeError:
                pass  # curl has given up
            upload.wait(5)
            # nghttpd echoes: it may have answered before the cut, then the stream is reset.
            if upload.returncode != CURL_H2_STREAM:
                self.assertEqual(upload.stdout.read(), b"503", upload.stderr.read())

    def test_a_handshake_under_way(self):
        greeted = threading.Semaphore(0)
        over = threading.Event()
        self.addCleanup(over.set)

        def mute(connection) -> None:
            if connection.recv(65536):
                greeted.release()
                over.wait(60)

        server = ConnectionListener(self.lab.node("node3"), mute)
        self.addCleanup(server.close)
        self.run_peerpulse([self.peer("node3", server.address)])
        with Http1Client(self.local, self.listen["node3"], timeout=10) as client:
            client.send_head("GET", "/x")
            for _ in range(2):  # the prober's and ours
                self.assertTrue(greeted.acquire(timeout=10))
            self.cut("node3")
            self.assert_fails_fast(client)


class LongPath(Cut):
    """The same where a handshake takes its time."""

    delay = {"node1": 0.008}

    def test_nobody_is_accused(self):
        self.start_over_tls(TlsNginx, h2=True)
        sent = self.peerpulse.peer("node2")["probe"]["sent"]
        wait_for(lambda: self.peerpulse.peer("node2")["probe"]["sent"] > sent + 100, 30, "100 probes")
        self.assertEqual([event for event in self.peerpulse.events() if event["to"] in ("dead", "refusing", "stalled")], [])


class Stopped(TlsPowerCase):
    def test_a_stopped_process_is_not_dead(self):
        self.start_over_tls(TlsNginx)
        server = self.servers["node3"].process
        with Http1Client(self.local, self.listen["node3"], timeout=20) as client, \
                Http1Client(self.local, self.listen["node3"], timeout=20) as fresh:
            self.assertEqual(client.request("GET", "/hello").status, 200)
            server.stop()
            client.send_head("GET", "/hello")
            fresh.send_head("GET", "/hello")  # by a connection that the process cannot shake hands on
            # As long as ten detections; nothing may happen meanwhile.
            threading.Event().wait(1)
            self.assertNotEqual(self.peerpulse.peer("node3")["verdict"], "dead")
            server.cont()
            self.assertEqual(client.read_response().body, b"ok")
            self.assertEqual(fresh.read_response().body, b"ok")
        state = self.peerpulse.peer("node3")
        self.assertEqual((state["circuit"], state["failures_total"]), ("closed", 0))
