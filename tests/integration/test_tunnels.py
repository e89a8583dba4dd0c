"""Tunnels (Upgrade): both directions end apart, whoever vanishes, and no restart waits for them."""

import socket
import struct
import time
from functools import partial

from tests.harness.case import LocalCase
from tests.harness.connection_listener import ConnectionListener
from tests.harness.ends import Head, Reset
from tests.harness.ends.h2 import H2Connection
from tests.harness.h2_frames import frame
from tests.harness.host import connect
from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n"
_RST_STREAM = 3
_CANCEL = b"\0\0\0\x08"


class Tunnels(LocalCase):
    def setUp(self):
        super().setUp()
        self.ends: list[str] = []
        """How the peer's side of each tunnel ended."""
        peer = self.start_scripted(self.host, self.serve)
        self.address = peer.address

    def serve(self, connection, head: bytes) -> bool:
        if b" /tunnel " not in head:
            connection.sendall(answer("200 OK"))
            return True
        connection.sendall(_SWITCH)
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
            connection.sendall(b"late")
            self.ends.append("fin")
        except ConnectionResetError:
            self.ends.append("reset")
        return False

    def start(self, **config):
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.address)], **config)
        self.listen = self.peerpulse.listen["node2"]

    def tunnel(self) -> Http1Client:
        client = self.enterContext(Http1Client(self.host, self.listen, timeout=30))
        client.send_head("GET", "/tunnel", {"Connection": "Upgrade", "Upgrade": "test"})
        self.assertEqual(client.read_head().status, 101)
        client.send(b"hello")
        self.assertEqual(client.read(5), b"hello")
        return client

    def nothing_left(self) -> bool:
        state = self.peerpulse.peer("node2")
        return state["in_flight"] == 0 and state["connections"]["active"] == 0

    def test_a_half_close_is_passed_on_and_the_other_way_goes_on(self):
        self.start()
        client = self.tunnel()
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read(4), b"late")
        self.assertTrue(client.ended())
        self.assertEqual(self.ends, ["fin"])
        wait_for(self.nothing_left, 10 * SLOWDOWN, "both sides are gone")

    def test_a_client_that_vanishes_takes_its_peers_side_along(self):
        self.start()
        for reset in (False, True):
            with self.subTest(reset=reset):
                self.ends.clear()
                client = self.tunnel()
                if reset:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                wait_for(lambda: self.ends, 10 * SLOWDOWN, "the peer's side ends")
                self.assertEqual(self.ends, ["reset" if reset else "fin"])
                wait_for(self.nothing_left, 10 * SLOWDOWN, "both sides are gone")

    def test_a_restart_does_not_wait_for_them(self):
        self.start(drain_timeout="1m")
        clients = [self.tunnel() for _ in range(20)]
        started = time.monotonic()
        self.peerpulse.process.signal(15)
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
        took = time.monotonic() - started
        print(f"drained with 20 open tunnels in {took:.2f} s")
        self.assertGreater(took, 0.4, "they have a grace")
        for client in clients:
            self.assertTrue(client.closed_by_reset())
        wait_for(lambda: len(self.ends) == 20, 10, "the peer's sides end")
        self.assertEqual(set(self.ends), {"reset"})
        cut = [line for line in self.peerpulse.log_lines() if line["event"] == "exchange" and line["status"] == 101]
        self.assertEqual({line["party"] for line in cut}, {"self"})
        self.assertEqual(len(cut), 20)

    def test_a_restart_does_not_wait_for_those_of_h2(self):
        self.start(drain_timeout="1m")
        link = H2Connection(self.enterContext(connect(self.host, self.listen, 30)), client=True)
        tunnels = []
        for _ in range(5):
            tunnels.append(link.open())
            tunnels[-1].request("CONNECT", "/tunnel", protocol="test")
            self.assertEqual(tunnels[-1].head().status, 200)
        started = time.monotonic()
        self.peerpulse.process.signal(15)
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
        self.assertGreater(time.monotonic() - started, 0.4, "they have a grace")
        told = b"".join(iter(lambda: link.connection.recv(65536), b""))  # python3-h2 takes nothing behind a GOAWAY
        for tunnel in tunnels:
            self.assertIn(frame(_RST_STREAM, 0, tunnel.number, _CANCEL), told)
        wait_for(lambda: len(self.ends) == 5, 10, "the peer's sides end")
        cut = [line for line in self.peerpulse.log_lines() if line["event"] == "exchange" and line["status"] == 101]
        self.assertEqual([line["party"] for line in cut], ["self"] * 5)

    def test_one_that_ends_in_its_grace_ends_in_order(self):
        self.start(drain_timeout="1m", drain_tunnels="30s")
        client = self.tunnel()
        self.peerpulse.process.signal(15)
        wait_for(lambda: "SIGTERM" in self.peerpulse.process.output(), 10 * SLOWDOWN, "draining")
        client.send(b"still here")
        self.assertEqual(client.read(10), b"still here")
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read(4), b"late")
        self.assertTrue(client.ended())
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)
        self.assertEqual(self.ends, ["fin"])


class UpgradesToHttp2(LocalCase):
    """An HTTP/1 client's Upgrade and a peer that speaks HTTP/2 alone."""

    def setUp(self):
        super().setUp()
        self.heads: list[Head] = []
        self.ends: list[str] = []
        """How the peer's side of each tunnel ended."""
        listeners = [ConnectionListener(self.host, partial(self.serve, tunnels=tunnels)) for tunnels in (True, False)]
        for listener in listeners:
            self.addCleanup(listener.close)
        # What works does so at the first try.
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer(name, listener.address, {"protocol": "http2"})
                        for name, listener in zip(("takes", "none"), listeners, strict=True)],
            retry={"max_retries": 0}, workers=1)

    def serve(self, connection: socket.socket, tunnels: bool) -> None:
        connection.recv(1, socket.MSG_PEEK)  # its SETTINGS are no sooner than what peerpulse says first
        link = H2Connection(connection, client=False, tunnels=tunnels)
        while True:
            end = link.accept()
            head = end.head()
            if head.path == "/":  # a probe
                end.respond(200, end=True)
                continue
            self.heads.append(head)
            if head.method != "CONNECT":
                body = end.body()
                end.respond(426 if head.path == "/tunnel" else 200, [("Content-Length", str(len(body)))])
                end.data(body)
                end.end()
                continue
            end.respond(200)
            if head.path == "/first":
                end.end()
                try:
                    self.ends.append(end.body().decode())
                except Reset as reset:
                    self.ends.append(f"reset {reset.code}")
                continue
            try:
                while piece := end.piece():
                    if piece == b"reset":
                        end.reset(2)
                        break
                    end.data(piece)
                else:
                    end.data(b"late")
                    end.end()
                    self.ends.append("end")
            except Reset as reset:
                self.ends.append(f"reset {reset.code}")

    def client(self, name: str) -> Http1Client:
        return self.enterContext(Http1Client(self.host, self.peerpulse.listen[name], timeout=30))

    def tunnel(self) -> Http1Client:
        client = self.client("takes")
        client.send_head("GET", "/tunnel", {"Connection": "Upgrade", "Upgrade": "test"})
        head = client.read_head()
        self.assertEqual((head.status, head.headers["upgrade"]), (101, "test"))
        client.send(b"hello")
        self.assertEqual(client.read(5), b"hello")
        return client

    def unharmed(self, name: str) -> None:
        def quiet() -> bool:
            state = self.peerpulse.peer(name)
            return state["in_flight"] == 0 and state["connections"]["active"] == 0
        wait_for(quiet, 10 * SLOWDOWN, "nothing is left")
        state = self.peerpulse.peer(name)
        self.assertEqual((state["circuit"], state["failures_total"], state["evictions_total"]), ("closed", 0, 0))

    def test_both_ways_end_apart(self):
        client = self.tunnel()
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read(4), b"late")
        self.assertTrue(client.ended())
        self.assertEqual(self.ends, ["end"])
        self.unharmed("takes")

    def test_the_last_words_arrive_where_the_peer_has_ended_its_way_first(self):
        client = self.client("takes")
        client.send_head("GET", "/first", {"Connection": "Upgrade", "Upgrade": "test"})
        self.assertEqual(client.read_head().status, 101)
        self.assertTrue(client.ended())
        client.send(b"last words")
        client.socket.shutdown(socket.SHUT_WR)
        wait_for(lambda: self.ends, 10 * SLOWDOWN, "the peer's side ends")
        link = H2Connection(self.enterContext(connect(self.host, self.peerpulse.listen["takes"], 30)), client=True)
        tunnel = link.open()
        tunnel.request("CONNECT", "/first", protocol="test")
        self.assertEqual((tunnel.head().status, tunnel.piece()), (200, b""))
        link.state.send_data(tunnel.number, b"last words", end_stream=True)
        link.flush()
        wait_for(lambda: len(self.ends) == 2, 10 * SLOWDOWN, "the peer's other side ends")
        self.assertEqual(self.ends, ["last words", "last words"])
        self.unharmed("takes")

    def test_a_client_that_vanishes_resets_the_stream(self):
        client = self.tunnel()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        wait_for(lambda: self.ends, 10 * SLOWDOWN, "the peer's side ends")
        self.assertEqual(self.ends, ["reset 8"])
        self.unharmed("takes")

    def test_a_reset_of_the_peer_resets_the_client(self):
        client = self.tunnel()
        client.send(b"reset")
        self.assertTrue(client.closed_by_reset())

    def test_what_is_no_extended_connect_goes_without_the_upgrade(self):
        """Nothing of what comes behind the head is a tunnel's: it is the body, or another request."""
        another = b"GET /another HTTP/1.1\r\nHost: a\r\n\r\n"
        offers = {"no SETTINGS that allow it": ("none", "GET", "test", b"", 426),
                  "several protocols": ("takes", "GET", "test, other", b"", 426),
                  "a body": ("takes", "POST", "test", b"the body", 426)}
        for what, (name, method, protocols, body, status) in offers.items():
            with self.subTest(what):
                self.heads.clear()
                client = self.client(name)
                client.send_head(method, "/tunnel", {"Connection": "Upgrade", "Upgrade": protocols,
                                                     **({"Content-Length": str(len(body))} if body else {})})
                client.send(body + another)
                answer = client.read_response(method)
                self.assertEqual((answer.status, answer.body, answer.headers.get("upgrade")), (status, body, None))
                self.assertEqual(client.read_response("GET").status, 200)
                self.assertEqual([(head.method, head.path, head.field("upgrade")) for head in self.heads],
                                 [(method, "/tunnel", None), ("GET", "/another", None)])
                self.unharmed(name)

    def test_the_first_of_a_connection_waits_for_the_peers_word(self):
        """Of an HTTP/2 client, too: there is no second try here."""
        link = H2Connection(self.enterContext(connect(self.host, self.peerpulse.listen["takes"], 30)), client=True)
        end = link.open()
        end.request("CONNECT", "/tunnel", protocol="test")
        self.assertEqual(end.head().status, 200)
        end.data(b"hello")
        self.assertEqual(end.tunnel(5), b"hello")

    def test_an_http2_client_is_told_that_the_peer_takes_no_tunnel(self):
        link = H2Connection(self.enterContext(connect(self.host, self.peerpulse.listen["none"], 30)), client=True)
        end = link.open()
        end.request("CONNECT", "/tunnel", protocol="test")
        head = end.head()
        self.assertEqual(head.status, 502)
        self.assertIn("error=http_upgrade_failed", head.field("proxy-status"))
        self.assertEqual(self.heads, [])
        self.unharmed("none")
        line = wait_for(lambda: [line for line in self.peerpulse.log_lines() if line["event"] == "exchange"],
                        10 * SLOWDOWN, "its line")[-1]
        self.assertEqual((line["error"], line["party"], line.get("retries")), ("http_upgrade_failed", "self", None))
