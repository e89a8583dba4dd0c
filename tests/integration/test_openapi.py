"""conf/openapi.json against the running server: everything that it describes is provoked and is as described, everything
that the server routes is in it, and what arbitrary requests are answered is in it, too."""

import json
import pathlib
import random
import re
import signal
import socket
import time

from tests.harness.http1 import Http1Client, Response, request
from tests.harness.openapi import OpenApi
from tests.harness.peerpulse import SLOWDOWN, Peer, Peerpulse
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for
from tests.integration.test_fanout import FanoutCase

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SETS = [{"name": "set0", "disks": ["node1/d/1", "node2/d/1"], "spares": ["node3/d/2", "node4/d/2"]}]
_QUORUM, _AGGREGATE, _NOTIFY = "/quorum/{path}", "/aggregate/{path}", "/notify/{path}"
_ERASURE = "/erasure/{set}/{shard}/{path}"
_PEER, _CIRCUIT = "/peers/{name}", "/peers/{name}/circuit"
_PAGE = "/page/{file}"
_FILLED = {_QUORUM: "/quorum/a/b", _AGGREGATE: "/aggregate/a?b=c", _NOTIFY: "/notify/a", _ERASURE: "/erasure/set0/1/a/b",
           _PEER: "/peers/node2", _PAGE: "/page/page.js", _CIRCUIT: "/peers/node2/circuit"}
_CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def _filled(path: str) -> str:
    return _FILLED.get(path, path)


# Another host is needed: tests/lab/test_remote_admin.py.
_ELSEWHERE = {(_CIRCUIT, "POST", "401")}


class OpenApiCase(FanoutCase):
    def setUp(self) -> None:
        super().setUp()
        self.described = OpenApi()

    def send(self, path: str, method: str, target: str = "", body: bytes = b"", **headers: str) -> Response:
        """To the described `path`, at the listener that has it."""
        where = self.api if self.described.is_api(path) else self.peerpulse.admin
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.host, where, method, target or _filled(path), body, fields, 10 * SLOWDOWN)


class Document(OpenApiCase):
    def test_it_is_one(self):
        self.described.check_itself()

    def test_it_has_what_is_routed(self):
        admin = (_ROOT / "src/admin/handler_table.cc").read_text(encoding="utf-8")
        routed = {(path.replace("*", "{}"), method)
                  for path, read, change in re.findall(r'\{"(/[^"]*)", (\w+), (\w+)\}', admin)
                  for method, handler in (("GET", read), ("POST", change)) if handler != "nullptr"}
        api = (_ROOT / "src/fanout/call.cc").read_text(encoding="utf-8")
        for prefix, methods in re.findall(r'\{"(/\w+/)", Operation::\w+, \{([^}]*)\}\}', api):
            rest = "{}/{}/{}" if prefix == "/erasure/" else "{}"
            routed |= {(prefix + rest, method) for method in re.findall(r'"(\w+)"', methods)}
        self.assertGreater(len(routed), 10)
        self.assertEqual({(re.sub(r"\{\w+\}", "{}", path), method) for path, method in self.described.operations()}, routed)


class Answers(OpenApiCase):
    def test_every_one_that_is_described(self):
        self.start(erasure_sets=_SETS, api={"replay_limit": "64KiB"})
        # Of `Via`, by which it knows its own requests.
        self.send(_AGGREGATE, "GET", "/aggregate/via")
        self.via = self.peers["node2"].requests[-1].headers["via"]
        seen = set()
        for path, method, status, provoke in self.provocations():
            with self.subTest(path=path, method=method, status=status):
                response = provoke(path, method)
                self.assertEqual(response.status, status, response.body)
                self.described.check(path, method, response)
                seen.add((path, method, str(status)))
        self.assertEqual(seen | _ELSEWHERE, {(path, method, status) for (path, method), operation in
                                self.described.operations().items() for status in operation["responses"]})

    def provocations(self):
        """Path, method, status, and what makes it answer so. Those that end peerpulse come last."""
        send = self.send
        for path, method in ((_QUORUM, "PUT"), (_QUORUM, "POST"), (_QUORUM, "GET"), (_AGGREGATE, "GET"),
                             (_NOTIFY, "POST"), (_ERASURE, "PUT")):
            body = b"" if method == "GET" else b"body"
            yield path, method, 400, lambda p, m, b=body: send(p, m, "", b, Peerpulse_Timeout="soon")
            yield path, method, 403, lambda p, m, b=body: send(p, m, "", b, Origin="http://elsewhere")
            yield path, method, 502, lambda p, m, b=body: send(p, m, "", b, Via=self.via)
        for method in ("PUT", "POST"):
            yield _QUORUM, method, 200, lambda p, m: send(p, m, "", b"body", Peerpulse_Quorum="2")
            yield _QUORUM, method, 503, self.lost
        yield _QUORUM, "GET", 200, lambda p, m: send(p, m, Peerpulse_Quorum="2", Peerpulse_Hedge="1s")
        yield _QUORUM, "GET", 503, self.lost
        yield _AGGREGATE, "GET", 200, self.answers_of_all_kinds
        yield _NOTIFY, "POST", 202, lambda p, m: send(p, m, "", b"body")
        yield _NOTIFY, "POST", 413, lambda p, m: send(p, m, "", bytes(100_000))
        yield _NOTIFY, "POST", 504, self.late
        yield _ERASURE, "PUT", 201, lambda p, m: send(p, m, "", b"body")
        yield _ERASURE, "PUT", 404, lambda p, m: send(p, m, "/erasure/set9/1/a", b"body")
        yield _ERASURE, "PUT", 503, self.lost
        yield "/", "GET", 200, lambda p, m: send(p, m, Accept="text/html")
        yield "/", "GET", 304, lambda p, m: send(p, m, Accept="text/html", If_None_Match="*")
        for name in ("page.css", "page.js", "index.html", "icon.svg"):
            yield _PAGE, "GET", 200, lambda p, m, n=name: send(p, m, "/page/" + n)
        yield _PAGE, "GET", 304, lambda p, m: send(p, m, If_None_Match=send(p, m).headers["etag"])
        yield _PAGE, "GET", 404, lambda p, m: send(p, m, "/page/page.exe")
        for path in ("/", "/livez", "/readyz", "/peers", "/cluster", "/config", "/metrics", _PEER):
            yield path, "GET", 200, lambda p, m: send(p, m)
        yield "/peers", "GET", 400, lambda p, m: send(p, m, "/peers?wait=soon")
        yield _PEER, "GET", 404, lambda p, m: send(p, m, "/peers/node9")
        order = json.dumps({"state": "open", "ttl": "10m", "why": "test"}).encode()
        yield _CIRCUIT, "POST", 200, lambda p, m: send(p, m, "", order)
        yield _CIRCUIT, "POST", 200, lambda p, m: send(p, m, "", b'{"state":"auto"}')
        yield _CIRCUIT, "POST", 400, lambda p, m: send(p, m, "", b'{"state":"ajar"}')
        yield _CIRCUIT, "POST", 403, lambda p, m: send(p, m, "", order, Origin="http://elsewhere")
        yield _CIRCUIT, "POST", 404, lambda p, m: send(p, m, "/peers/node9/circuit", order)
        yield _CIRCUIT, "POST", 413, lambda p, m: send(p, m, "", bytes(70_000))
        yield "/events", "GET", 200, lambda p, m: send(p, m, "/events?history=1")
        yield "/events", "GET", 200, self.stream
        yield "/events", "GET", 503, self.too_many_subscribers
        yield "/peers", "GET", 503, self.too_many_waiters
        yield "/readyz", "GET", 503, self.not_ready
        yield _AGGREGATE, "GET", 503, self.no_room
        yield _NOTIFY, "POST", 503, self.no_room

    def late(self, path: str, method: str) -> Response:
        """The second half of the body comes after the caller's own deadline."""
        client = Http1Client(self.host, self.api, 10 * SLOWDOWN)
        client.send_head(method, _filled(path), {"Peerpulse-Timeout": "50ms", "Content-Length": "8"})
        client.send(b"half")
        time.sleep(0.1)
        client.send(b"half")
        return client.read_response(method)

    def lost(self, path: str, method: str) -> Response:
        for peer in self.peers.values():
            peer.reply = lambda request: answer("507 Insufficient Storage")
        body = b"" if method == "GET" else b"body"
        response = self.send(path, method, "", body, Peerpulse_Quorum="all")
        for peer in self.peers.values():
            peer.reply = lambda request: _CREATED
        return response

    def answers_of_all_kinds(self, path: str, method: str) -> Response:
        replies = {"node2": answer("200 OK", b'{"a":1}', Content_Type="application/json"),
                   "node3": answer("404 Not Found", b"text", Content_Type="text/plain"), "node4": answer("200 OK", b"\xff")}
        for name, reply in replies.items():
            self.peers[name].reply = lambda request, reply=reply: reply
        response = self.send(path, method)
        for peer in self.peers.values():
            peer.reply = lambda request: _CREATED
        found = {peer["peer"]: peer for peer in response.json()["peers"]}
        self.assertLessEqual({"body"}, set(found["node2"]))
        self.assertLessEqual({"text", "content_type"}, set(found["node3"]))
        self.assertLessEqual({"base64"}, set(found["node4"]))
        return response

    def stream(self, _path: str, _method: str) -> Response:
        """Its head and first event, which is as /events?history=1 shows it."""
        with Http1Client(self.host, self.peerpulse.admin, 10 * SLOWDOWN) as client:
            client.send_head("GET", "/events", {"Last-Event-ID": "0"})
            response = client.read_head()
            lines = [client.read_line()]
            while not lines[-1].startswith("data:") and len(lines) < 20:  # sizes of chunks stand between them
                lines.append(client.read_line())
        event = json.loads(lines[-1].removeprefix("data:"))
        self.described.validate(event, {"$ref": "#/components/schemas/Event"}, "an event")
        return response

    def held_open(self, count: int, target: str) -> None:
        for _ in range(count):
            client = Http1Client(self.host, self.peerpulse.admin, 10 * SLOWDOWN)
            self.addCleanup(client.close)
            client.send_head("GET", target)

    def too_many_subscribers(self, path: str, method: str) -> Response:
        self.held_open(16, "/events")
        return self._until_503(path, method, "/events")

    def too_many_waiters(self, path: str, method: str) -> Response:
        version = self.peerpulse.get("/peers").json()["version"]
        target = f"/peers?wait={version}&timeout=1m"
        self.held_open(64, target)
        return self._until_503(path, method, target)

    def _until_503(self, path: str, method: str, target: str) -> Response:
        """The others may still be on their way; who is let in among them is let go of."""
        def refused() -> Response | None:
            try:
                with Http1Client(self.host, self.peerpulse.admin, 0.3 * SLOWDOWN) as client:
                    client.send_head(method, target)
                    response = client.read_head()
                    if response.status != 503:
                        return None
                    response.body = client.read(int(response.headers["content-length"]))
                    return response
            except TimeoutError:
                return None
        return wait_for(refused, 10 * SLOWDOWN, f"{path} refused")

    def not_ready(self, _path: str, _method: str) -> Response:
        """A process that has just been started, with a peer that neither answers nor refuses: its queue is full."""
        silent = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(silent.close)
        for _ in range(3):
            client = socket.socket()
            self.addCleanup(client.close)
            client.setblocking(False)
            client.connect_ex(silent.getsockname())
        other = Peerpulse(self.host, [Peer("silent", "{}:{}".format(*silent.getsockname()))],
                          probe={"interval": "1s", "suspect_after": "10s"}, guard={"mode": "proxy"})
        self.addCleanup(other.check_end)
        other.spawn()

        def said() -> Response | None:
            try:
                return other.get("/readyz")
            except ConnectionError:
                return None
        return wait_for(said, 10 * SLOWDOWN, "an answer")

    def no_room(self, path: str, method: str) -> Response:
        self.peerpulse.check_end()
        self.start(erasure_sets=_SETS, api={"max_operations": 1})
        for peer in self.peers.values():
            peer.may_answer.clear()
        with Http1Client(self.host, self.api, 10 * SLOWDOWN) as client:
            client.send_head("PUT", "/quorum/x", {"Content-Length": "1"})
            client.send(b"x")
            wait_for(lambda: self.metric("peerpulse_fanout_running") == 1, 5 * SLOWDOWN, "it is under way")
            response = self.send(path, method, "", b"" if method == "GET" else b"body")
        for peer in self.peers.values():
            peer.may_answer.set()
        return response


class Requests(OpenApiCase):
    def test_other_methods_and_paths(self):
        self.start(erasure_sets=_SETS)
        allowed: dict[str, set[str]] = {}
        for path, method in self.described.operations():
            allowed.setdefault(path, set()).update({method, "HEAD"} if method == "GET" and not self.described.is_api(path)
                                                   else {method})
        error = {"$ref": "#/components/schemas/Error"}
        for path, methods in allowed.items():
            for method in {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "BREW"} - methods:
                with self.subTest(path=path, method=method):
                    response = self.send(path, method)
                    self.assertEqual(response.status, 405, response.body)
                    self.assertEqual(set(response.headers["allow"].split(", ")), methods)
                    self.described.validate(response.json(), error, "a 405")
        for where in (self.api, self.peerpulse.admin):
            for target in ("/nothing", "/quorum", "/peers/", "/peers/node2/circuit/x", "//", "/%2e"):
                response = request(self.host, where, "GET", target)
                self.assertEqual(response.status, 404, (where, target, response.body))
                self.described.validate(response.json(), error, "a 404")

    def test_arbitrary_ones(self):
        """Fields and parameters from good to absurd, in all combinations that chance finds."""
        self.start(erasure_sets=_SETS, api={"replay_limit": "64KiB", "peer_timeout": "200ms"})
        seed = 20250
        chance = random.Random(seed)
        self.peers["node4"].reply = lambda got: answer("500 Internal Server Error", b"{", Content_Type="application/json")
        fields = {
            "Peerpulse-Peers": ("node2", "node2,node3", "node9", "", ",", "node2,node2", "n" * 500, "node2;node3"),
            "Peerpulse-Quorum": ("1", "2", "all", "majority", "0", "-1", "99999999999999999999", "most", "1.5"),
            "Peerpulse-Timeout": ("1ms", "500ms", "0s", "-1s", "soon", "99999999h", "1"),
            "Grpc-Timeout": ("1S", "100m", "x", "99999999H"),
            "Content-Digest": ("sha-256=:AAAA:", "x", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"),
            "Origin": ("null",), "Content-Type": ("application/json", "x"),
        }
        targets = {
            _ERASURE: ("/erasure/set0/0/x", "/erasure/set0/1/x", "/erasure/set0/-1/x", "/erasure/set0/1", "/erasure//",
                       "/erasure/set9/0/x"),
            "/peers": ("/peers?wait=0", "/peers?wait=", "/peers?wait=-1", "/peers?wait=1&timeout=0s", "/peers?x"),
            _PEER: ("/peers/node2", "/peers/%6eode2", "/peers/node2?x=y", "/peers/x"),
            "/events": ("/events?history=1",), _CIRCUIT: ("/peers/node2/circuit", "/peers/x/circuit"),
        }
        bodies = (b"", b"x", b"{}", b'{"state":"auto"}', b'{"state":1}', b'{"state":"auto","ttl":"0s"}', b"[", b"\xff" * 1000)
        for number in range(300):
            path, method = chance.choice(list(self.described.operations()))
            target = chance.choice(targets.get(path, (_filled(path),)))
            chosen = {name: chance.choice(values) for name, values in fields.items() if chance.random() < 0.25}
            body = b"" if method == "GET" else chance.choice(bodies)
            with self.subTest(number=number, seed=seed, method=method, target=target, fields=chosen, body=body[:20]):
                response = self.send(path, method, target, body, **{n.replace("-", "_"): v for n, v in chosen.items()})
                self.described.check(path, method, response)
        self.wait_idle()

    def test_what_waits_is_answered_at_a_drain(self):
        self.start()
        with Http1Client(self.host, self.peerpulse.admin, 10 * SLOWDOWN) as client:
            version = self.peerpulse.get("/peers").json()["version"]
            client.send_head("GET", f"/peers?wait={version}&timeout=1m")
            self.peerpulse.process.signal(signal.SIGTERM)
            response = client.read_response()
        self.assertEqual(response.json()["error"], "draining")
        self.described.check("/peers", "GET", response)
