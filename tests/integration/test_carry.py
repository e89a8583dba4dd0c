"""Carrying real traffic between real clients and real servers."""

import threading
import unittest

from tests.harness.bodies import unlike
from tests.harness.case import LocalCase
from tests.harness.clients import curl, h2load, start_upload, url
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import SANITIZER, Peer
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peers import NghttpdPeer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_MIB = 1 << 20
_BIG = (10 if SANITIZER else 100) * _MIB


def _pattern(size: int) -> bytes:
    """Bytes that differ from place to place, so that a lost or moved piece shows."""
    block = unlike(65521)  # a length that divides nothing: no two copies lie alike within the usual buffers
    return (block * (size // len(block) + 1))[:size]


class Http1(LocalCase):
    def setUp(self):
        super().setUp()
        self.nginx = NginxPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.nginx.address)])
        self.listen = self.peerpulse.listen["node2"]

    def test_get_with_curl(self):
        self.nginx.add_file("hello", b"hello, world\n")
        result = curl(self.host, url(self.listen, "/hello"))
        self.assertEqual((result.exit_code, result.status, result.body), (0, 200, b"hello, world\n"), result.errors)
        self.assertEqual(result.http_version, "1.1")
        self.assertIn("nginx", result.headers["server"])

    def test_head_and_not_found_pass_unchanged(self):
        self.nginx.add_file("hello", b"hello")
        head = curl(self.host, url(self.listen, "/hello"), "--head")
        self.assertEqual((head.status, head.headers["content-length"]), (200, "5"))
        missing = curl(self.host, url(self.listen, "/missing"))
        self.assertEqual(missing.status, 404)
        self.assertNotIn("proxy-status", missing.headers)
        busy = curl(self.host, url(self.listen, "/status/503"))
        self.assertEqual((busy.status, busy.body), (503, b"busy"))
        self.assertNotIn("proxy-status", busy.headers, "the peer's own 503 is not ours")

    def test_put_then_get_bytes_are_the_same(self):
        body = _pattern(_BIG)
        source = self.host.directory / "source"
        source.write_bytes(body)
        put = curl(self.host, url(self.listen, "/big"), "-T", str(source))
        self.assertEqual((put.exit_code, put.status), (0, 201), put.errors)
        self.assertEqual((self.nginx.root / "big").read_bytes(), body)
        got = curl(self.host, url(self.listen, "/big"))
        self.assertEqual((got.exit_code, got.status), (0, 200), got.errors)
        self.assertEqual(got.body, body)

    def test_chunked_upload(self):
        body = _pattern(3 * _MIB + 1)
        upload = start_upload(self.host, url(self.listen, "/chunked"))
        output, errors = upload.communicate(body, timeout=60)
        self.assertEqual(output, b"201", errors)
        self.assertEqual((self.nginx.root / "chunked").read_bytes(), body)

    def test_a_connection_is_kept_alive_and_reused(self):
        self.nginx.add_file("hello", b"hello")
        with Http1Client(self.host, self.listen) as client:
            for _ in range(50):
                response = client.request("GET", "/hello")
                self.assertEqual((response.status, response.body), (200, b"hello"))
        connections = self.peerpulse.peer("node2")["connections"]
        self.assertLessEqual(connections["active"] + connections["idle"], 3)

    def test_pipelined_requests_are_answered_in_order(self):
        names = [f"file{number}" for number in range(20)]
        for name in names:
            self.nginx.add_file(name, name.encode())
        with Http1Client(self.host, self.listen) as client:
            head = "".join(f"GET /{name} HTTP/1.1\r\nHost: node2\r\n\r\n" for name in names)
            client.send(head.encode())
            self.assertEqual([client.read_response().body.decode() for _ in names], names)

    def test_a_peer_without_keepalive(self):
        nginx = NginxPeer(self.host, keepalive_s=0).start()
        nginx.add_file("hello", b"hello")
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", nginx.address)])
        for _ in range(20):
            response = request(self.host, peerpulse.listen["node2"], "GET", "/hello")
            self.assertEqual((response.status, response.body), (200, b"hello"))

    @unittest.skipIf(SANITIZER, "a sanitizer has an allocator of its own")
    def test_a_steady_flow_gives_no_memory_back_to_take_it_again(self):
        self.nginx.add_file("big", _pattern(_MIB))
        target = url(self.listen, "/big")
        h2load(self.host, target, 400, streams=1, h1=True)
        before = self.peerpulse.page_faults()
        load = h2load(self.host, target, 800, streams=1, h1=True)
        self.assertEqual((load.succeeded, load.failed), (800, 0), load.output)
        # Each of the 12,800 blocks that carried it costs 16 where it comes fresh from the kernel.
        self.assertLess(self.peerpulse.page_faults() - before, 4000)

    def test_h2load_in_h1_mode(self):
        self.nginx.add_file("hello", b"hello")
        requests = 1000 if SANITIZER else 10_000
        load = h2load(self.host, url(self.listen, "/hello"), requests, streams=1, h1=True)
        self.assertEqual((load.succeeded, load.failed), (requests, 0), load.output)


class Http2(LocalCase):
    def setUp(self):
        super().setUp()
        self.nghttpd = NghttpdPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.nghttpd.address)])
        self.listen = self.peerpulse.listen["node2"]

    def test_get_with_curl_is_h2_on_both_sides(self):
        self.nghttpd.add_file("hello", b"hello, world\n")
        result = curl(self.host, url(self.listen, "/hello"), h2=True)
        self.assertEqual((result.exit_code, result.status, result.body), (0, 200, b"hello, world\n"), result.errors)
        self.assertEqual(result.http_version, "2")
        self.assertIn("nghttpd", result.headers["server"])

    def test_the_peer_is_probed_by_h2_pings(self):
        def pinged():
            return self.peerpulse.peer("node2")["probe"]["acked"] >= 10
        wait_for(pinged, 10, "ten PINGs answered")
        self.assertEqual(self.peerpulse.peer("node2")["verdict"], "alive")

    def test_upload_is_echoed_byte_for_byte(self):
        body = _pattern(_BIG)
        source = self.host.directory / "source"
        source.write_bytes(body)
        result = curl(self.host, url(self.listen, "/echo"), "-X", "POST", "-T", str(source), h2=True)
        self.assertEqual((result.exit_code, result.status), (0, 200), result.errors)
        self.assertEqual(result.body, body)

    def test_download(self):
        body = _pattern(_BIG)
        self.nghttpd.add_file("big", body)
        result = curl(self.host, url(self.listen, "/big"), h2=True)
        self.assertEqual((result.exit_code, result.status), (0, 200), result.errors)
        self.assertEqual(result.body, body)

    def test_h2load_without_an_error(self):
        self.nghttpd.add_file("hello", b"hello")
        requests = 1000 if SANITIZER else 10_000
        load = h2load(self.host, url(self.listen, "/hello"), requests, clients=8, streams=32)
        self.assertEqual((load.succeeded, load.failed), (requests, 0), load.output)


class Forwarding(LocalCase):
    """What the peer sees, byte for byte."""

    def setUp(self):
        super().setUp()
        self.heads: list[bytes] = []
        self.peer = self.start_scripted(self.host, self.serve)
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.peer.address)])
        self.listen = self.peerpulse.listen["node2"]

    def serve(self, connection, head: bytes) -> bool:
        self.heads.append(head)
        connection.sendall(answer("200 OK", b"ok", X_Peer="yes"))
        return True

    def head_of(self, path: str) -> bytes:
        """The peer is probed too: the requests of the test are told apart by their path."""
        return next(head for head in self.heads if head.startswith(b"GET " + path.encode() + b" "))

    def test_target_host_and_fields_pass_unchanged(self):
        path = "/a%2Fb/..%2e//c?x=%zz&y=/../"
        with Http1Client(self.host, self.listen) as client:
            response = client.request("GET", path, headers={
                "Host": "node2:9000", "X-Mixed-Case": "  kept  ", "Authorization": "AWS4 abc==", "X-Empty": ""})
        self.assertEqual((response.status, response.headers["x-peer"]), (200, "yes"))
        lines = self.head_of(path).decode().split("\r\n")
        self.assertEqual(lines[0], f"GET {path} HTTP/1.1")
        fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:] if line}
        self.assertEqual(fields["host"], "node2:9000")
        self.assertEqual(fields["x-mixed-case"], "kept")
        self.assertEqual(fields["authorization"], "AWS4 abc==")
        self.assertEqual(fields["x-empty"], "")

    def test_hop_by_hop_fields_stay_here(self):
        with Http1Client(self.host, self.listen) as client:
            client.request("GET", "/hop", headers={
                "Connection": "keep-alive, x-secret-hop", "Keep-Alive": "timeout=5", "X-Secret-Hop": "1",
                "Proxy-Connection": "keep-alive", "TE": "gzip"})
        head = self.head_of("/hop").lower()
        for name in (b"x-secret-hop", b"keep-alive:", b"proxy-connection", b"\r\nte:"):
            self.assertNotIn(name, head)

    def test_smuggling_is_refused_before_the_peer(self):
        attacks = {
            "both lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "two lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
            "space before colon": b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
            "folded field": b"GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
            "bare line feed": b"GET /x HTTP/1.1\nHost: a\n\n",
            "no host": b"GET /x HTTP/1.1\r\n\r\n",
            "two hosts": b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "plus in length": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n",
        }
        for name, attack in attacks.items():
            with self.subTest(name), Http1Client(self.host, self.listen) as client:
                client.send(attack)
                self.assertEqual(client.read_response().status, 400)
                self.assertTrue(client.ended(), "the connection is closed after the answer")
        self.assertFalse([head for head in self.heads if b" /x " in head])

    def test_a_response_that_ends_early_is_never_ended_cleanly(self):
        def serve(connection, head: bytes) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return False
        peer = self.start_scripted(self.host, serve)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        with Http1Client(self.host, peerpulse.listen["node2"]) as client:
            client.send_head("GET", "/half")
            self.assertEqual(client.read_head().status, 200)
            with self.assertRaises(ConnectionError):
                client.read(100)

    def test_an_interim_answer_reaches_the_client_before_the_body_is_sent(self):
        def serve(connection, head: bytes) -> bool:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.assertEqual(connection.recv(4), b"body")
            connection.sendall(answer("201 Created"))
            return True
        peer = self.start_scripted(self.host, serve)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        with Http1Client(self.host, peerpulse.listen["node2"]) as client:
            client.send_head("PUT", "/expect", {"Content-Length": "4", "Expect": "100-continue"})
            self.assertEqual(client.read_head().status, 100)
            client.send(b"body")
            self.assertEqual(client.read_response().status, 201)


@unittest.skipIf(SANITIZER, "memory of a sanitized program says nothing")
class BoundedMemory(LocalCase):
    """A body of any size raises the memory by at most 8 MiB."""

    size = 1024 * _MIB
    limit = 8 * _MIB

    def setUp(self):
        super().setUp()
        self.block = _pattern(_MIB)
        peer = self.start_scripted(self.host, self.serve)
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address)])
        self.listen = self.peerpulse.listen["node2"]
        # What is allocated once and kept is not growth.
        request(self.host, self.listen, "GET", "/small")
        self.before = self.peerpulse.resident_bytes()
        self.peerpulse.reset_peak()

    def serve(self, connection, head: bytes) -> bool:
        if head.startswith(b"GET /big "):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.size)
            for _ in range(self.size // _MIB):
                connection.sendall(self.block)
        elif head.startswith(b"PUT /big "):
            left = self.size - len(head.partition(b"\r\n\r\n")[2])
            buffer = bytearray(_MIB)
            while left > 0:
                received = connection.recv_into(buffer, min(left, _MIB))
                if received == 0:
                    return False
                left -= received
            connection.sendall(answer("201 Created"))
        else:
            connection.sendall(answer("200 OK"))
        return True

    def test_upload(self):
        with Http1Client(self.host, self.listen, timeout=60) as client:
            client.send_head("PUT", "/big", {"Content-Length": str(self.size)})
            for _ in range(self.size // _MIB):
                client.send(self.block)
            self.assertEqual(client.read_response().status, 201)
        self.assertLessEqual(self.peerpulse.peak_bytes() - self.before, self.limit)

    def test_download(self):
        with Http1Client(self.host, self.listen, timeout=60) as client:
            client.send_head("GET", "/big")
            self.assertEqual(client.read_head().status, 200)
            for _ in range(self.size // _MIB):
                self.assertEqual(client.read(_MIB), self.block)
        self.assertLessEqual(self.peerpulse.peak_bytes() - self.before, self.limit)

    def test_a_client_that_does_not_read(self):
        """The proxy must not take in what it cannot pass on."""
        with Http1Client(self.host, self.listen, timeout=60) as client:
            client.send_head("GET", "/big")
            self.assertEqual(client.read_head().status, 200)
            finished = threading.Event()
            # Longer than filling every buffer takes; nothing is expected to happen meanwhile.
            finished.wait(1)
            self.assertLessEqual(self.peerpulse.peak_bytes() - self.before, self.limit)
