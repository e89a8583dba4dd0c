"""The commands against an admin that means ill, and against whatever else may listen where the admin is said to be."""

import json
import resource
import signal
import subprocess
import threading
import time

from tests.harness import cli
from tests.harness.case import LocalCase
from tests.harness.connection_listener import ConnectionListener
from tests.harness.peerpulse import SLOWDOWN, program

# A title, the screen's end, C1 as UTF-8 and as a byte of Latin-1, DEL, text from right to left, a line of its own.
_POISON = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202e\u2066\r\nall: well"
_COMMANDS = (["status"], ["peers"], ["peers", "node2"], ["events"], ["events", "--follow"], ["top"], ["doctor"], ["doctor", "--all"],
             ["diagnose", "node2"], ["override", "node2", "open"])
_PATIENCE_S = 8 * SLOWDOWN
_MEMORY = 400 << 20


def answer(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def read_head(connection) -> tuple[str, str]:
    """Method and path."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            raise OSError("the client went")
        head += piece
    method, path, *_ = head.decode("latin-1").split(" ")
    return method, path


def _limit_memory() -> None:
    if SLOWDOWN == 1:  # sanitizers need more than they use
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))


class ForeignCase(LocalCase):
    def listen(self, serve) -> str:
        listener = ConnectionListener(self.host, serve)
        self.addCleanup(listener.close)
        return listener.address

    def run_at(self, address: str, *command: str) -> cli.Ran:
        before = time.monotonic()
        ran = cli.run(self.host, *command, "--admin", address, preexec_fn=_limit_memory)
        self.assertLess(time.monotonic() - before, _PATIENCE_S)
        return ran


class Hostile(ForeignCase):
    """Every text of every answer carries what could steer a terminal; numbers are beyond all limits."""

    def setUp(self):
        super().setUp()
        self.poison = _POISON
        self.address = self.listen(self.serve)

    def serve(self, connection) -> None:
        method, path = read_head(connection)
        documents = {"/peers": self.peers(), "/cluster": self.cluster(), "/config": self.config(), "/peers/node2": self.peer(),
                     "/events?history=1": {"node": self.poison, "events": self.events()}, "/metrics": {}}
        if method == "POST":
            documents = {path: {"peer": self.poison, "state": self.poison, "ttl": self.poison, "why": self.poison}}
        if path == "/events":
            events = "".join(f"id: {e['sequence']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n" for e in self.events(11))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events.encode())
            connection.recv(1)
            return
        connection.sendall(answer(json.dumps(documents[path], ensure_ascii=False).encode()))

    def object(self, texts: str, numbers: str = "") -> dict:
        return {name: self.poison for name in texts.split()} | {name: 1e300 for name in numbers.split()}

    def peer(self) -> dict:
        return {**self.object("address listen zone verdict circuit reason since", "score last_heard_ms process_silent_ms requests_total "
                              "failures_total fast_failures_total timeouts_total in_flight held"),
                "name": "node2", "overridden": True, "guard": self.object("mode state reason"),
                "transparent": self.object("way", "connections_total"), "rtt_us": self.object("", "last p50 p99"), "connections": self.object("", "active idle connecting"),
                "probe": self.object("mode host process", "sent acked lost"),
                "last_error": self.object("at error party details"), "override": self.object("state why by since", "ttl_left_ms")}

    def peers(self) -> dict:
        reachable = {**self.peer(), "address": "127.0.0.1:1", "listen": "127.0.0.1:2"}
        return {"node": self.poison, "local_health": self.poison, "peers": [reachable, {**self.peer(), "name": self.poison}]}

    def cluster(self) -> dict:
        return {**self.object("status", "size quorum online"), "offline": [self.poison],
                "guard": {"active": True, "missing": self.poison, "refused": [self.poison]},
                "transparent": {"active": True, "missing": "", "direct": [self.poison]}}

    def config(self) -> dict:
        return {"guard": {"mark": {"value": 1e300}}, "workers": {"value": 1e300}, "peers": [
            {"name": {"value": "node2"}, "probe": {"health_path": {"value": self.poison}, "confirm_port": {"value": -1e300}}}]}

    def events(self, first: int = 1) -> list[dict]:
        common = {**self.object("at peer from to circuit circuit_from reason why local_health factor", "folded detection_ms score_from "
                                "score over_ms"), "evidence": self.object("error", "silence_ms process_silence_ms confirm_connects "
                                                                          "consecutive_failures"),
                  "probe": self.object("mode host process"), "sockets": {"destroyed": 1e300}}
        kinds = ["transition", "degrading", "guard", "probe", "local_health", self.poison]
        events = [{**common, "event": kind} for kind in kinds]
        events += [{**common, "event": "transition", "to": to} for to in ("dead", "suspect", "stalled")]
        events.append({**common, "event": "guard", "to": "withheld"})
        return [{**event, "sequence": number} for number, event in enumerate(events, first)]

    def assert_harmless(self, text: str) -> None:
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
        self.assertNotRegex(text, r"(?m)^all: well")

    def test_nothing_steers_the_terminal(self):
        for command in _COMMANDS:
            for more in ([], ["--json"]):
                with self.subTest(command=command, more=more):
                    ran = self.follow(*command, *more) if "--follow" in command else self.run_at(self.address, *command, *more)
                    self.assertNotEqual(ran.output, "")
                    self.assert_harmless(ran.output)
                    self.assert_harmless(ran.errors)
                    if more and command[0] in ("peers", "status", "top"):
                        programs_get = json.dumps(ran.json(), ensure_ascii=False)
                        self.assertIn(json.dumps(_POISON, ensure_ascii=False)[1:-1], programs_get)

    def test_nor_do_bytes_that_are_no_text(self):
        """JSON is UTF-8: an answer that is not is none."""
        address = self.listen(lambda connection: (read_head(connection), connection.sendall(
            answer(b'{"node":"\x9b31m","local_health":"ok","peers":[]}'))))
        ran = self.run_at(address, "peers")
        self.assertEqual(ran.status, 4)
        self.assert_harmless(ran.output + ran.errors)

    def test_nor_does_a_refusal(self):
        said = {"error": "bad\x1b[2J", "message": _POISON, "pointer": _POISON}
        address = self.listen(lambda connection: (read_head(connection), connection.sendall(
            answer(json.dumps(said, ensure_ascii=False).encode(), status="400 No"))))
        for command in _COMMANDS:
            with self.subTest(command=command):
                ran = self.run_at(address, *command)
                self.assertIn(ran.status, (2, 4))
                self.assert_harmless(ran.output + ran.errors)

    def follow(self, *command: str) -> cli.Ran:
        """Until all events were told: it does not end by itself."""
        process = subprocess.Popen([program(), *command, "--since", "1h", "--admin", self.address], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        watchdog = threading.Timer(_PATIENCE_S, process.kill)
        watchdog.start()
        told = b"".join(process.stdout.readline() for _ in range(2 * len(self.events())))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
        watchdog.cancel()
        self.assertEqual(process.returncode, -signal.SIGINT, errors)
        return cli.Ran(subprocess.CompletedProcess(command, 0, told + output, errors))


class Foreign(ForeignCase):
    def assert_said(self, address: str, command: list[str], pattern: str) -> None:
        ran = self.run_at(address, *command)
        self.assertEqual(ran.status, 4, ran.output + ran.errors)
        said = ran.output if command[0] == "doctor" else ran.errors
        self.assertRegex(said, pattern)
        self.assertIn(address, said)
        if command[0] != "doctor":
            self.assertEqual((ran.output, said.count("\n")), ("", 1))

    def test_other_servers_are_called_so(self):
        pages = {"a page": answer(b"<html>Welcome to nginx!</html>", "text/html"), "other JSON": answer(b'{"status":"ok"}'),
                 "a list": answer(b"[]"), "nothing": answer(b""), "not found": answer(b"404 page not found", "text/plain", "404 Not Found"),
                 "elsewhere": answer(b"", "text/html", "302 Found"), "other refusal": answer(b'{"detail":"no"}', status="403 Forbidden"),
                 "deep": answer(b"[" * 1_000_000)}
        for name, page in pages.items():
            address = self.listen(lambda connection, page=page: (read_head(connection), connection.sendall(page)))
            for command in _COMMANDS if name == "a page" else (["peers"], ["events", "--follow"]):
                with self.subTest(server=name, command=command):
                    self.assert_said(address, command, r"is not the admin of peerpulse: to (GET|POST) /\S+ it says status \d{3}, .*--admin")

    def test_no_http(self):
        address = self.listen(lambda connection: (read_head(connection), connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")))
        self.assert_said(address, ["peers"], "the answer was cut off|the answer is no HTTP")

    def test_one_that_says_nothing(self):
        address = self.listen(lambda connection: connection.recv(1 << 20) and connection.recv(1))
        self.assert_said(address, ["peers"], "timed out")

    def test_one_that_trickles(self):
        def serve(connection) -> None:
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.01)
        self.assert_said(self.listen(serve), ["peers"], "timed out")

    def test_one_that_never_ends(self):
        def serve(connection) -> None:
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")
            for _ in range(1024):
                connection.sendall(b" " * (1 << 20))
        address = self.listen(serve)
        for command in (["peers"], ["events", "--follow"], ["doctor"]):
            with self.subTest(command=command):
                self.assert_said(address, command, "too large")
