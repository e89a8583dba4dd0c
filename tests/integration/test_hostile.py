"""Clients and peers that mean harm (faults 2a): what they hold is bounded, floods are ended by the code that says so, others notice
nothing, and no peer is blamed for its clients. tools/bench/hostile has the numbers; the bounds here are wide."""

import socket
import threading

from tests.harness.case import LocalCase
from tests.harness.connection_listener import ConnectionListener
from tests.harness.h2_client import (ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                                     H2Client, get_headers)
from tests.harness.h2_frames import frame, head, serve_h2
from tests.harness.host import connect
from tests.harness.hostile import ENHANCE_YOUR_CALM, FLOODS, HOLDERS, UNKNOWN, Attack, Siege
from tests.harness.http1 import request
from tests.harness.peerpulse import SANITIZER, SLOWDOWN, Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_MIB = 1 << 20
_MOST_GROWTH = 40 * _MIB
"""Of one attack. Without bounds most take hundreds."""
_REFUSED_STREAM, _CANCEL = 7, 8
_MAX_CONCURRENT_STREAMS, _INITIAL_WINDOW_SIZE = b"\0\3", b"\0\4"


class HostileCase(LocalCase):
    def start(self, peer_address: str, **config) -> None:
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer_address, {"protocol": "http2"})], **config)
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")

    def start_nghttpd(self, **config) -> None:
        peer = NghttpdPeer(self.host)
        peer.add_file("large", bytes(_MIB))
        peer.add_file("small", b"small")
        self.start(peer.start().address, **config)

    def small(self):
        return request(self.host, self.listen, "GET", "/small")

    def serve_until_it_holds_no_more(self) -> None:
        """Others are served while an attack takes what it gets."""
        still, peak = 0, 0
        while still < 5:
            for _ in range(40):
                self.assertEqual(self.small().body, b"small")
            grown = self.peerpulse.peak_bytes()
            # A sanitizer keeps what was freed: it grows for half a minute whatever we do.
            still = still + 1 if SANITIZER or grown == peak else 0
            peak = grown

    def assert_peer_not_blamed(self) -> None:
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["circuit"], peer["failures_total"]), ("closed", 0))

    def metric(self, name: str) -> float:
        return self.peerpulse.metrics()[name]


class Holders(HostileCase):
    """What a few bytes make the process hold."""

    def setUp(self) -> None:
        super().setUp()
        self.start_nghttpd()
        self.assertEqual(self.small().status, 200)

    def besiege(self, attack: Attack) -> None:
        before = self.peerpulse.resident_bytes()
        self.peerpulse.reset_peak()
        with Siege(self.host, self.listen) as siege:
            attack.run(siege)
            self.serve_until_it_holds_no_more()
        if not SANITIZER:
            self.assertLess(self.peerpulse.peak_bytes() - before, _MOST_GROWTH)
        wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 0, 20 * SLOWDOWN, "nothing is left of it")
        self.assertEqual(self.small().body, b"small")
        self.assert_peer_not_blamed()


def _holder(attack: Attack):
    def test(self: Holders) -> None:
        self.besiege(attack)
    return test


for _attack in HOLDERS:
    setattr(Holders, f"test_{_attack.name}", _holder(_attack))


class Floods(HostileCase):
    def test_each_ends_by_enhance_your_calm_and_is_told(self):
        self.start_nghttpd()
        for ended, attack in enumerate(FLOODS, 1):
            with self.subTest(attack.name), Siege(self.host, self.listen) as siege:
                attack.run(siege)
                self.assertEqual(siege.goaways(), [ENHANCE_YOUR_CALM])
                self.assertEqual(self.small().body, b"small")
                self.assertEqual(self.metric('peerpulse_floods_total{peer="node2",party="client"}'), ended)
        self.assert_peer_not_blamed()
        self.assertGreater(self.metric('peerpulse_client_slowdowns_total{peer="node2"}'), 0)
        told = [line for line in self.peerpulse.log_lines() if line["event"] == "client_flood"]
        self.assertEqual((told[0]["peer"], told[0]["frames"]), ("node2", "reset"))

    def test_of_a_peer_ends_its_connection_alone(self):
        floods = {
            "ping": frame(PING, 0, 0, bytes(8)), "settings": frame(SETTINGS), "unknown": frame(UNKNOWN),
            "window_update": frame(WINDOW_UPDATE, 0, 1, (1).to_bytes(4, "big")),
        }
        sends = {"what": b""}

        class End:
            def __init__(self, connection: socket.socket) -> None:
                self._connection = connection
                self.write = connection.sendall

            def read(self) -> bytes:
                return self._connection.recv(65536)

        def answer(end, stream: int) -> bool:
            if sends["what"]:
                end.write(head(stream) + sends["what"] * 50_000)
                return True
            end.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x88"))
            return True

        listener = ConnectionListener(self.host, lambda connection: serve_h2(End(connection), answer))
        self.addCleanup(listener.close)
        self.start(listener.address)
        self.assertEqual(self.small().status, 200)
        for ended, (name, one) in enumerate(floods.items(), 1):
            with self.subTest(name):
                sends["what"] = one
                with self.assertRaises(ConnectionError):
                    self.small()
                sends["what"] = b""
                # The connection to the peer goes after the client's, which is told first.
                wait_for(lambda ended=ended: self.metric('peerpulse_floods_total{peer="node2",party="peer"}') == ended,
                         10 * SLOWDOWN, f"{ended} floods")
                self.assertEqual(self.small().status, 200)


class ConcurrentStreams(HostileCase):
    """`limits.max_concurrent_streams`."""

    def announced(self, client: H2Client) -> int:
        settings = wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "SETTINGS")[0].payload
        values = {settings[i:i + 2]: settings[i + 2:i + 6] for i in range(0, len(settings), 6)}
        return int.from_bytes(values[_MAX_CONCURRENT_STREAMS], "big")

    def test_those_beyond_it_are_refused_and_the_others_served(self):
        self.start_nghttpd(limits={"max_concurrent_streams": 20})
        with H2Client(self.host, self.listen) as client:
            self.assertEqual(self.announced(client), 20)
            client.send(SETTINGS, payload=_INITIAL_WINDOW_SIZE + bytes(4))  # no answer ends
            for stream in range(1, 61, 2):
                client.get(stream, "/small")
            wait_for(lambda: len(client.got(RST_STREAM)) == 10, 10 * SLOWDOWN, "ten are refused")
            self.assertEqual({(reset.stream, reset.payload[3]) for reset in client.got(RST_STREAM)},
                             {(stream, _REFUSED_STREAM) for stream in range(41, 61, 2)})
            client.send(SETTINGS, payload=_INITIAL_WINDOW_SIZE + (65535).to_bytes(4, "big"))
            wait_for(lambda: client.succeeded() == set(range(1, 41, 2)), 10 * SLOWDOWN, "the others are answered")
        self.assert_peer_not_blamed()

    def test_no_fewer_than_stores_take(self):
        for preset, streams in (("generic", 256), ("rustfs", 2048)):
            with self.subTest(preset):
                self.start_nghttpd(preset=preset)
                with H2Client(self.host, self.listen) as client:
                    self.assertEqual(self.announced(client), streams)


class Stalls(HostileCase):
    def test_a_client_that_takes_nothing_of_its_answer_loses_it_whatever_its_class(self):
        self.start_nghttpd(limits={"client_stall": "1s"})
        with H2Client(self.host, self.listen) as client:
            wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "SETTINGS")
            client.send(SETTINGS, ACK)
            client.send(SETTINGS, payload=(4).to_bytes(2, "big") + bytes(4))
            grpc = b"\x00\x0ccontent-type\x10application/grpc"
            client.send(HEADERS, END_HEADERS | END_STREAM, 1, get_headers("/large") + grpc)
            client.get(3, "/large")
            wait_for(lambda: len(client.got(RST_STREAM)) == 2, 20 * SLOWDOWN, "both are reset")
            self.assertEqual({int.from_bytes(reset.payload, "big") for reset in client.got(RST_STREAM)}, {_CANCEL})
            # The connection lives on.
            client.ping(7)
            wait_for(lambda: 7 in client.acked(), 10 * SLOWDOWN, "a PING is answered")
        self.assertEqual(self.metric('peerpulse_client_stalls_total{peer="node2"}'), 2)
        self.assert_peer_not_blamed()
        lines = wait_for(lambda: [line for line in self.peerpulse.log_lines() if line.get("timer") == "client_stall"],
                         10 * SLOWDOWN, "a line in the log")
        self.assertEqual(lines[0]["party"], "client")

    def test_one_that_is_slow_does_not(self):
        self.start_nghttpd(limits={"client_stall": "2s"})
        with H2Client(self.host, self.listen) as client:
            wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "SETTINGS")
            client.send(SETTINGS, ACK)
            client.send(SETTINGS, payload=(4).to_bytes(2, "big") + bytes(4))
            client.get(1, "/large")
            given = threading.Event()
            for _ in range(8):
                client.send(WINDOW_UPDATE, 0, 1, (1000).to_bytes(4, "big"))
                given.wait(0.5)
            self.assertEqual(client.got(RST_STREAM), [])


    def post(self, path: str) -> bytes:
        return b"\x83" + get_headers(path)[1:]

    def test_a_client_that_does_not_go_on_with_its_request_loses_it(self):
        self.start_nghttpd(limits={"client_stall": "1s"})
        with H2Client(self.host, self.listen) as client, connect(self.host, self.listen, 30) as h1:
            wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "SETTINGS")
            client.send(SETTINGS, ACK)
            client.send(HEADERS, END_HEADERS, 1, self.post("/small"))
            client.send(DATA, 0, 1, b"a part")
            h1.sendall(b"PUT /small HTTP/1.1\r\nHost: node2\r\nContent-Length: 9\r\n\r\na part")
            grpc = b"\x00\x0ccontent-type\x10application/grpc"
            client.send(HEADERS, END_HEADERS, 3, self.post("/call") + grpc)  # may be silent
            wait_for(lambda: client.got(RST_STREAM), 20 * SLOWDOWN, "it is reset")
            with self.assertRaises(ConnectionResetError):
                h1.recv(1)
            wait_for(lambda: self.metric('peerpulse_client_stalls_total{peer="node2"}') == 2, 10 * SLOWDOWN, "both are counted")
            self.assertEqual([(reset.stream, reset.payload[3]) for reset in client.got(RST_STREAM)], [(1, _CANCEL)])
            client.send(DATA, END_STREAM, 3)
            wait_for(lambda: [one for one in client.got(HEADERS) if one.stream == 3], 10 * SLOWDOWN, "the call is answered")
        self.assert_peer_not_blamed()
        lines = [line for line in self.peerpulse.log_lines() if line.get("timer") == "client_stall"]
        self.assertEqual([(line["party"], line["error"], line["phase"]) for line in lines],
                         [("client", "http_request_error", "request")] * 2)

    def test_one_that_goes_on_slowly_does_not(self):
        self.start_nghttpd(limits={"client_stall": "2s"})
        with H2Client(self.host, self.listen) as client:
            wait_for(lambda: client.got(SETTINGS), 10 * SLOWDOWN, "SETTINGS")
            client.send(SETTINGS, ACK)
            client.send(HEADERS, END_HEADERS, 1, self.post("/small"))
            pause = threading.Event()
            for _ in range(8):
                client.send(DATA, 0, 1, b"a part")
                pause.wait(0.5)
            client.send(DATA, END_STREAM, 1)
            wait_for(lambda: client.got(HEADERS), 10 * SLOWDOWN, "an answer")
            self.assertEqual(client.got(RST_STREAM), [])

    def test_nor_one_whose_turn_it_is_not(self):
        """It waits for 100 (Continue), which the peer gives late, and goes on at once."""
        asked, go_on = threading.Event(), threading.Event()

        def serve(connection, _head: bytes) -> bool:
            asked.set()
            go_on.wait(60)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.assertEqual(connection.recv(6), b"a part")
            connection.sendall(answer("200 OK"))
            return False

        peer = self.start_scripted(self.host, serve)
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"protocol": "http1"})],
                                              limits={"client_stall": "2s"})
        with connect(self.host, self.peerpulse.listen["node2"], 30) as client:
            client.sendall(b"PUT /late HTTP/1.1\r\nHost: node2\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(asked.wait(20))
            threading.Event().wait(4)
            go_on.set()
            self.assertIn(b"100 Continue", client.recv(1000))
            client.sendall(b"a part")
            self.assertIn(b"200 OK", client.recv(1000))
        self.assertEqual(self.metric('peerpulse_client_stalls_total{peer="node2"}'), 0)


class Memory(HostileCase):
    """`limits.memory`."""

    def refusal(self):
        response = self.small()
        return response if response.status == 503 else None

    def told(self, *words: str) -> None:
        """By the log, last."""
        def last() -> bool:
            lines = [line["pressure"] for line in self.peerpulse.log_lines() if line["event"] == "memory_pressure"]
            return bool(lines) and lines[-1] in words
        wait_for(last, 10 * SLOWDOWN, f"memory_pressure {words} in the log")

    def test_at_the_limit_new_exchanges_are_refused_and_then_the_stuck_ones_ended(self):
        self.start_nghttpd(limits={"memory": "16MiB", "max_concurrent_streams": 1024})
        self.assertEqual(self.metric('peerpulse_limit{limit="memory"}'), 16 * _MIB)
        with Siege(self.host, self.listen) as siege:
            for _ in range(8):  # each holds some MiB
                next(attack for attack in HOLDERS if attack.name == "deaf_h2").run(siege)
            refused = wait_for(self.refusal, 20 * SLOWDOWN, "what is held is felt")
            self.assertIn("connection_limit_reached", refused.headers["proxy-status"])
            self.assertIn("limits.memory", refused.headers["proxy-status"])
            self.assertGreaterEqual(self.metric('peerpulse_limit_refusals_total{limit="memory"}'), 1)
            self.assertLessEqual(self.metric("peerpulse_memory_bytes"), _MOST_GROWTH)
            memory = self.peerpulse.get("/cluster").json()["memory"]
            self.assertEqual(memory["limit"], 16 * _MIB)
            self.assertIn(memory["pressure"], ("refuse", "hold", "end"))
            self.told("refuse", "hold", "end")
            self.assert_peer_not_blamed()
        wait_for(lambda: self.small().status == 200, 20 * SLOWDOWN, "there is memory again")
        self.told("none")
        self.assert_peer_not_blamed()

    def test_what_a_burst_has_left_is_given_back(self):
        if SANITIZER:
            self.skipTest("a sanitizer keeps what was freed")
        # So many wait at once for the peer's streams that others' requests would find no place.
        self.start_nghttpd(pool={"max_pending": 100_000})
        self.assertEqual(self.small().status, 200)
        before = self.peerpulse.resident_bytes()
        attack = next(attack for attack in HOLDERS if attack.name == "deaf_h2")
        for _ in range(3):
            with Siege(self.host, self.listen) as siege:
                for _ in range(5):
                    attack.run(siege)
                self.serve_until_it_holds_no_more()
        wait_for(lambda: self.peerpulse.resident_bytes() - before < 20 * _MIB, 30, "the memory is given back")
