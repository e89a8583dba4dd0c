"""Exchanges that are under way when a peer's power is cut."""

import threading

from tests.harness.clients import CURL_H2_STREAM, start_upload, url
from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for
from tests.lab.power_case import PowerCase


class InFlight(PowerCase):
    def test_an_h1_upload_fails_fast(self):
        for on_dead in ("respond", "refuse"):
            with self.subTest(on_dead=on_dead):
                self.h1_upload(on_dead)

    def h1_upload(self, on_dead: str):
        received = threading.Event()

        def swallow(connection, head: bytes) -> bool:
            if not head.startswith(b"PUT"):
                connection.sendall(answer("200 OK"))
                return True
            while connection.recv(65536):
                received.set()
            return False

        peer = self.start_scripted(self.lab.node("node3"), swallow)
        self.run_peerpulse([Peer("node3", peer.address, {"on_dead": on_dead})])
        with Http1Client(self.local, self.listen["node3"], timeout=5) as client:
            client.send_head("PUT", "/object", {"Content-Length": str(1 << 30)})
            client.send(bytes(1 << 20))
            self.assertTrue(received.wait(10))
            self.cut("node3")
            if on_dead == "refuse":
                self.assertTrue(client.closed_by_reset())
            else:
                # The body was not sent to its end: the connection cannot be used again.
                response = client.read_response()
                self.assertEqual(response.status, 503)
                self.assertIn("peerpulse; error=", response.headers["proxy-status"])
                self.assertEqual(response.headers["connection"], "close")
        self.lab.restore("node3")

    def test_an_h1_answer_under_way_is_reset_never_ended(self):
        def half(connection, head: bytes) -> bool:
            if b" /half " not in head:
                connection.sendall(answer("200 OK"))
                return True
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            return True  # and now waits for another request that never comes

        peer = self.start_scripted(self.lab.node("node3"), half)
        self.run_peerpulse([Peer("node3", peer.address)])
        with Http1Client(self.local, self.listen["node3"], timeout=5) as client:
            client.send_head("GET", "/half")
            self.assertEqual(client.read_head().status, 200)
            self.assertEqual(client.read(9), b"4\r\nhalf\r\n")
            self.cut("node3")
            self.assertTrue(client.closed_by_reset())

    def test_an_h2_stream_gets_an_answer_or_a_reset(self):
        self.start(NghttpdPeer)
        upload = start_upload(self.local, url(self.listen["node3"], "/object"), h2=True)
        with upload:
            upload.stdin.write(bytes(1 << 20))
            upload.stdin.flush()
            wait_for(lambda: self.peerpulse.peer("node3")["in_flight"] == 1, 5, "in flight")
            self.cut("node3")
            # A broken pipe as soon as curl has given up.
            output, errors = self.finish(upload)
        # nghttpd echoes: it may have answered before the cut, then the stream is reset.
        if upload.returncode != CURL_H2_STREAM:
            self.assertEqual(output, b"503", errors)

    @staticmethod
    def finish(upload) -> tuple[bytes, bytes]:
        """Ends the upload's input and waits, for a client that is expected to end by itself."""
        try:
            upload.stdin.close()
        except BrokenPipeError:
            pass
        upload.wait(5)
        return upload.stdout.read(), upload.stderr.read()

    def test_a_waiting_request_fails_with_503(self):
        asked = threading.Event()

        def silent(connection, head: bytes) -> bool:
            if b" /wait " in head:
                asked.set()
            else:
                connection.sendall(answer("200 OK"))
            return True

        peer = self.start_scripted(self.lab.node("node3"), silent)
        self.run_peerpulse([Peer("node3", peer.address)])
        with Http1Client(self.local, self.listen["node3"], timeout=5) as client:
            client.send_head("GET", "/wait")
            self.assertTrue(asked.wait(10))
            self.cut("node3")
            response = client.read_response()
        self.assert_unavailable(response, "node3", "dead")

    def test_a_thousand_waiting_requests_all_fail(self):
        def silent(connection, head: bytes) -> bool:
            if b" /wait " not in head:
                connection.sendall(answer("200 OK"))
            return True

        peer = self.start_scripted(self.lab.node("node3"), silent)
        self.run_peerpulse([Peer("node3", peer.address)])
        clients = [Http1Client(self.local, self.listen["node3"], timeout=10) for _ in range(1000)]
        try:
            for client in clients:
                client.send_head("GET", "/wait")
            wait_for(lambda: self.peerpulse.peer("node3")["in_flight"] == 1000, 20, "1000 in flight")
            self.cut("node3")
            statuses = {client.read_response().status for client in clients}
            self.assertEqual(statuses, {503})
            self.assertEqual(self.peerpulse.peer("node3")["in_flight"], 0)
        finally:
            for client in clients:
                client.close()
