"""The fan-out API with callers and peers that misbehave: nothing hangs, nothing is claimed that is not so."""

import collections
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time

from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import SLOWDOWN
from tests.harness.scripted_peer import ScriptedPeer, answer
from tests.harness.waiting import wait_for
from tests.integration.test_fanout import _NAMES, _SETS, FanoutCase

_ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def _reset(connection: socket.socket) -> None:
    """RST, not FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TroubleCase(FanoutCase):
    def rss_mib(self) -> float:
        with open(f"/proc/{self.peerpulse.process.popen.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


class Callers(TroubleCase):
    def raw(self, data: bytes, end: bool = True) -> bytes:
        with socket.create_connection(self.api, 10 * SLOWDOWN) as client:
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            text = b""
            try:
                while received := client.recv(65536):
                    text += received
            except ConnectionResetError:
                pass
            return text

    def test_methods_and_forms_that_are_not_ours(self):
        self.start()
        rows = [(b"HEAD /aggregate/x HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
                (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
                (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", b"4"),
                (b"GET /aggregate/x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", b"200"),
                (b"GET http://y/aggregate/x HTTP/1.1\r\nHost: y\r\n\r\n", b"200"),
                (b"GET /aggregate/x HTTP/1.0\r\n\r\n", b"200"),
                (b"GET /aggregate/x HTTP/1.1\r\n\r\n", b"400"),
                (b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", b"400"),
                (b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", b"400")]
        for request, status in rows:
            with self.subTest(request=request):
                text = self.raw(request)
                self.assertTrue(text.startswith(b"HTTP/1.") and text[9:].startswith(status), text[:200])
        for peer in self.peers.values():
            self.assertNotIn("upgrade", peer.requests[0].headers)
        self.wait_idle()

    def test_many_in_one_go(self):
        self.start()
        one = b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nPeerpulse-Quorum: all\r\n\r\nabc"
        last = one.replace(b"Host: x", b"Host: x\r\nConnection: close")
        text = self.raw(one * 20 + last, end=False)
        self.assertEqual(text.count(b"HTTP/1.1 200"), 21, text[:500])
        self.assertEqual([len(peer.requests) for peer in self.peers.values()], [21] * 3)

    def test_bodies_of_another_length_than_announced(self):
        self.start()
        text = self.raw(b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort")
        self.assertNotIn(b" 200 ", text)
        self.wait_idle()
        self.assertTrue(all(peer.requests == [] for peer in self.peers.values()))
        text = self.raw(b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nlong\r\n\r\n")
        self.assertTrue(text.startswith(b"HTTP/1.1 200"), text[:100])
        self.assertIn(b"HTTP/1.1 400", text)
        self.assertEqual({peer.requests[0].body for peer in self.peers.values()}, {b"lo"})

    def test_h2_with_many_streams(self):
        h2load = shutil.which("h2load")
        if h2load is None:
            self.skipTest("h2load is not installed")
        self.start()
        body = self.host.directory / "body"
        body.write_bytes(b"data")
        count = 500
        made = subprocess.run(
            [h2load, "-n", str(count), "-c", "2", "-m", "100", "-d", str(body), "-H", ":method: PUT", "-H",
             "peerpulse-quorum: all", "http://{}:{}/quorum/x".format(*self.api)],
            capture_output=True, text=True, timeout=60 * SLOWDOWN, check=True)
        self.assertIn(f"status codes: {count} 2xx", made.stdout)
        for peer in self.peers.values():
            self.assertEqual({got.body for got in peer.requests}, {b"data"})
            self.assertEqual(len(peer.requests), count)
        self.wait_idle()

    def test_a_list_in_several_lines_is_one_list(self):
        self.start()
        text = self.raw(b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nPeerpulse-Quorum: all\r\n"
                        b"Peerpulse-Peers: node2\r\nPeerpulse-Peers: node4\r\n\r\na")
        found = json.loads(text.partition(b"\r\n\r\n")[2])
        self.assertEqual([peer["peer"] for peer in found["peers"]], ["node2", "node4"])

    def test_pages_of_browsers_are_refused(self):
        self.start()
        response = self.ask("POST", "/notify/x", b"1", Origin="http://evil.example")
        self.assertEqual((response.status, response.json()["error"]), (403, "forbidden"))
        self.wait_idle()
        self.assertTrue(all(peer.requests == [] for peer in self.peers.values()))

    def test_resets_at_any_moment(self):
        self.start(erasure_sets=_SETS)
        chance = random.Random(5)
        for number in range(60):
            path = chance.choice(["/quorum/x", "/erasure/set0/1/x", "/notify/x"])
            client = Http1Client(self.host, self.api, 10 * SLOWDOWN)
            size = chance.choice([0, 10, 300_000])
            client.send_head("PUT" if path != "/notify/x" else "POST", path, {"Content-Length": str(size)})
            part = chance.choice([0, size // 2, size])
            client.send(bytes(part))
            if chance.random() < 0.3:
                time.sleep(0.002)  # into the answer
            _reset(client.socket)
            client.close()
        # The last of them may not have been read yet when everything is idle.
        self.assertEqual(self.ask("GET", "/nothing").status, 404)
        self.wait_idle()
        for name in _NAMES:
            wait_for(lambda name=name: self.peerpulse.peer(name)["in_flight"] == 0, 5 * SLOWDOWN, f"nothing is under way to {name}")
            state = self.peerpulse.peer(name)
            self.assertEqual((state["failures_total"], state["circuit"]), (0, "closed"))

    def answered(self) -> float:
        """One that finds no room at all is refused: its predecessor's parts may not have been given back yet."""
        return self.metric('peerpulse_fanout_refused_total{limit="memory"}') + sum(
            self.metric(f'peerpulse_fanout_operations_total{{operation="aggregate",outcome="{outcome}"}}')
            for outcome in ("ok", "partial"))

    def test_answers_that_nobody_reads_count(self):
        # 16 MiB for bodies: an answer takes most of it, and more than sockets do.
        self.start(api={"memory": "16MiB", "replay_limit": "64KiB", "answer_limit": "8MiB"})
        for peer in self.peers.values():
            peer.reply = lambda request: answer("200 OK", b"x" * 5_000_000, Content_Type="text/plain")
        clients = []
        for _ in range(6):
            client = socket.socket()
            self.addCleanup(client.close)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(self.api)
            client.sendall(b"GET /aggregate/x HTTP/1.1\r\nHost: x\r\n\r\n")
            clients.append(client)
            wait_for(lambda: self.answered() == len(clients), 10 * SLOWDOWN, "the answer")
        before = self.metric('peerpulse_fanout_operations_total{operation="aggregate",outcome="ok"}')
        self.assertLess(before, 3)
        for client in clients:
            client.close()
        wait_for(lambda: self.ask("GET", "/aggregate/x").json().get("partial") is False, 10 * SLOWDOWN, "room again")

    def test_a_thousand_at_once_within_little_memory(self):
        self.start(api={"memory": "32MiB", "replay_limit": "4MiB"})
        for peer in self.peers.values():
            peer.may_read.clear()
        before = self.rss_mib()
        clients = []
        size = 4 << 20
        for number in range(1000):
            client = socket.create_connection(self.api, 30)
            self.addCleanup(client.close)
            client.sendall(f"PUT /quorum/{number} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
                           "Peerpulse-Quorum: all\r\n\r\n".encode())
            client.setblocking(False)
            clients.append(client)
        for client in clients[:100]:
            try:
                while client.send(bytes(1 << 16)):
                    pass
            except (BlockingIOError, ConnectionError):
                pass
        wait_for(lambda: self.metric('peerpulse_fanout_refused_total{limit="memory"}') >= 990, 60 * SLOWDOWN, "refused")
        grown = self.rss_mib() - before
        if SLOWDOWN == 1:
            self.assertLess(grown, 150)
        for client in clients:
            client.close()
        for peer in self.peers.values():
            peer.may_read.set()
        self.wait_idle()

    def test_without_descriptors(self):
        self.start(launcher=("prlimit", "--nofile=80:80"))
        clients = [socket.create_connection(self.api, 30) for _ in range(60)]
        for client in clients:
            self.addCleanup(client.close)
            client.settimeout(20 * SLOWDOWN)
            try:
                client.sendall(b"PUT /quorum/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nPeerpulse-Quorum: all\r\n\r\na")
            except ConnectionError:
                pass
        starts = collections.Counter()
        for client in clients:
            try:
                starts[client.recv(65536)[:12]] += 1
            except ConnectionError:
                starts[b""] += 1
        self.assertLessEqual(set(starts), {b"HTTP/1.1 200", b"HTTP/1.1 503", b""}, starts)
        for client in clients:
            client.close()
        wait_for(self.served, 10 * SLOWDOWN, "descriptors again")

    def served(self) -> bool:
        try:
            return self.ask("PUT", "/quorum/x", b"a").status == 200
        except ConnectionError:  # turned away
            return False


class Peers(TroubleCase):
    def serve(self, name: str, serve) -> None:
        """From now on `name` does what `serve(connection, head)` does."""
        self.peers[name].server._serve_request = serve

    def test_answers_before_the_end_of_the_body(self):
        self.start(erasure_sets=_SETS)
        def early(reply: bytes, ends: bool):
            def serve(connection, head):
                connection.sendall(reply)
                if not ends:
                    time.sleep(1)
                return False
            return serve
        body = bytes(8 << 20)
        for reply in (answer("200 OK"), answer("403 Forbidden"), answer("507 Insufficient Storage", Connection="close"),
                      b"HTTP/1.1 200 OK\r\n\r\nall good"):
            for ends in (False, True):
                with self.subTest(reply=reply, ends=ends):
                    self.serve("node2", early(reply, ends))
                    response = self.ask("PUT", "/erasure/set0/1/x", body, timeout=30)
                    self.assertEqual(response.status, 201, response.body)
                    stored = response.headers["peerpulse-stored-on"]
                    self.assertNotEqual(stored, "node2/d/1")
                    self.assertTrue(self.peers[stored.split("/")[0]].requests[-1].body == body)
                    response = self.ask("PUT", "/quorum/x", body, timeout=30, Peerpulse_Quorum="2")
                    self.assertEqual(response.status, 200, response.body)
                    self.assertNotEqual(self.states(response)["node2"], "ok")
        self.wait_idle()

    def test_answers_that_never_end(self):
        self.start(api={"peer_timeout": "500ms", "notify_timeout": "500ms"}, timeouts={"control": {"request": "1s"}})
        over = threading.Event()
        self.addCleanup(over.set)
        def endless(fields: bytes):
            def serve(connection, head):
                connection.sendall(_ENDLESS + fields + b"\r\n")
                while not over.wait(0.02):
                    connection.sendall(b"3\r\nabc\r\n")
                return False
            return serve
        for fields in (b"", b"Content-Type: text/event-stream\r\n"):
            with self.subTest(fields=fields):
                self.serve("node3", endless(fields))
                self.assertEqual(self.states(self.ask("GET", "/aggregate/x"))["node3"], "timeout")
                response = self.ask("POST", "/quorum/x", b"1", Peerpulse_Quorum="all")
                self.assertEqual((response.status, self.states(response)["node3"]), (503, "timeout"))
                self.assertEqual(self.ask("POST", "/notify/x", b"1").status, 202)
                self.wait_idle()
                response = self.ask("POST", "/quorum/x", b"1", Peerpulse_Quorum="all", Peerpulse_Timeout="200ms")
                self.assertEqual((response.status, self.states(response)["node3"]), (503, "timeout"))

    def test_a_flood_in_an_answer_to_a_write(self):
        self.start()
        over = threading.Event()
        self.addCleanup(over.set)
        def flood(connection, head):
            connection.sendall(_ENDLESS + b"\r\n")
            while not over.is_set():
                connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
            return False
        self.serve("node3", flood)
        response = self.ask("PUT", "/quorum/x", bytes(100_000), Peerpulse_Quorum="all")
        self.assertEqual((response.status, self.states(response)["node3"]), (503, "too_large"))
        self.wait_idle()

    def test_heads_of_all_kinds(self):
        self.start()
        rows = [(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5 + answer("200 OK"), "ok"),
                (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, "failed"),
                (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "failed"),
                (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "failed"),
                (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", "ok"),
                (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-t: 1\r\n\r\n", "ok"),
                (b"HTTP/1.1 204 No Content\r\n\r\n", "ok"),
                (b"HTTP/1.1 304 Not Modified\r\n\r\n", "error"),
                (b"garbage\r\n\r\n", "failed"), (b"", "failed")]
        def serve(reply: bytes):
            def run(connection, head):
                if head.startswith(b"POST") and head.endswith(b"\r\n\r\n"):
                    connection.recv(1)  # its body: who answers before it has that has failed
                connection.sendall(reply)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
                return False
            return run
        for reply, state in rows:
            with self.subTest(reply=reply[:60]):
                self.serve("node3", serve(reply))
                self.assertEqual(self.states(self.ask("POST", "/quorum/x", b"1", Peerpulse_Quorum="all"))["node3"], state)
                # Its end, which follows each answer, is not to meet the next request.
                wait_for(lambda: self.peerpulse.peer("node3")["connections"]["idle"] == 0, 10 * SLOWDOWN, "it is closed")
        self.wait_idle()
        self.assertEqual(self.peerpulse.peer("node3")["in_flight"], 0)

    def test_nothing_is_begun_after_the_callers_deadline(self):
        self.start(erasure_sets=_SETS)
        self.peers["node2"].may_answer.clear()
        response = self.ask("PUT", "/erasure/set0/1/x", b"chunk", Peerpulse_Timeout="200ms")
        self.assertEqual(response.status, 503)
        self.assertEqual([attempt["state"] for attempt in response.json()["attempts"]], ["timeout"])
        self.wait_idle()
        self.assertEqual(self.peers["node3"].requests + self.peers["node4"].requests, [])

    def test_a_circuit_that_opens_during_the_body(self):
        self.start(erasure_sets=_SETS)
        body = bytes(range(256)) * 8192
        for path, status in (("/erasure/set0/1/x", 201), ("/quorum/x", 503)):
            with self.subTest(path=path), Http1Client(self.host, self.api, 20 * SLOWDOWN) as client:
                client.send_head("PUT", path, {"Content-Length": str(len(body)), "Peerpulse-Quorum": "all"})
                client.send(body[:len(body) // 2])
                wait_for(lambda: self.metric("peerpulse_fanout_running") == 1, 5 * SLOWDOWN, "it is under way")
                self.peerpulse.post("/peers/node2/circuit", {"state": "open", "ttl": "1m", "why": "test"})
                client.send(body[len(body) // 2:])
                response = client.read_response("PUT")
                self.assertIn(response.status, (status, 200), response.body)
                self.peerpulse.post("/peers/node2/circuit", {"state": "auto"})
                self.peerpulse.wait_circuit("node2", "closed")
        self.wait_idle()

    def test_a_drain_in_the_middle_of_everything(self):
        for phase in ("head", "body", "answer"):
            with self.subTest(phase=phase):
                self.start(drain_timeout="500ms", erasure_sets=_SETS)
                for peer in self.peers.values():
                    peer.may_answer.clear()
                clients = []
                for path in ("/quorum/x", "/erasure/set0/1/x", "/aggregate/x"):
                    client = Http1Client(self.host, self.api, 10 * SLOWDOWN)
                    self.addCleanup(client.close)
                    clients.append(client)
                    if path == "/aggregate/x":
                        client.send_head("GET", path)
                        continue
                    client.send_head("PUT", path, {"Content-Length": "400000"})
                    client.send(bytes({"head": 0, "body": 200_000, "answer": 400_000}[phase]))
                wait_for(lambda: self.metric("peerpulse_fanout_running") == 3, 5 * SLOWDOWN, "they are under way")
                self.assertEqual(self.peerpulse.stop(), 0)
                for peer in self.peers.values():
                    peer.may_answer.set()


class Claims(TroubleCase):
    def test_no_disk_is_claimed_that_did_not_acknowledge(self):
        """Peers cut the connection anywhere; what an answer says is held against what they really had and said."""
        # Circuits that open would spare it most of the trouble.
        self.start(erasure_sets=_SETS, circuit={"failure_threshold": 1000})
        chance = random.Random(9)
        lock = threading.Lock()
        acknowledged: dict[str, set[str]] = collections.defaultdict(set)

        def peer(name: str):
            def serve(connection, head):
                text, _, body = head.partition(b"\r\n\r\n")
                path = text.split(b" ")[1].decode()
                size = next(int(line.split(b":")[1]) for line in text.split(b"\r\n")
                            if line.lower().startswith(b"content-length"))
                with lock:
                    what = chance.choice(["ok", "ok", "ok", "cut", "after", "half", "early", "stall", "507"])
                    stop = chance.randrange(size)
                while len(body) < (stop if what in ("cut", "early") else size):
                    received = connection.recv(1 << 16)
                    if not received:
                        return False
                    body += received
                if what in ("cut", "after"):
                    _reset(connection)
                    return False
                if what == "half":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                    _reset(connection)
                    return False
                if what == "stall":
                    time.sleep(0.3)
                    return False
                if what == "507":
                    connection.sendall(answer("507 Insufficient Storage"))
                    return True
                if what == "early":  # what is already in the kernel's hands counts as sent
                    with lock:
                        acknowledged[path].add(name)
                    connection.sendall(answer("200 OK"))
                    _reset(connection)
                    return False
                with lock:
                    acknowledged[path].add(name)
                connection.sendall(answer("200 OK"))
                return True
            return serve

        for name in _NAMES:
            self.peers[name].server._serve_request = peer(name)
        wrong, stored, failed = [], 0, 0
        counted = threading.Lock()

        def write(first: int):
            nonlocal stored, failed
            for number in range(first, 200, 4):
                body = bytes((number % 256,)) * (chance.randrange(1, 600_000) if number % 2 else 2000)
                response = self.ask("PUT", f"/erasure/set0/1/{number}", body, timeout=60)
                with counted:
                    if response.status != 201:
                        failed += 1
                        continue
                    stored += 1
                    node, disk = response.headers["peerpulse-stored-on"].split("/", 1)
                    if node not in acknowledged[f"/{disk}/{number}"]:
                        wrong.append((number, response.body))
        threads = [threading.Thread(target=write, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertGreater(stored, 120, failed)
        self.wait_idle()
