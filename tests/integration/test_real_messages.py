"""Real servers and clients in plain text: what comes through is what comes without us.

Each cell asks the same of the server itself and through peerpulse; status, body and end-to-end fields must be equal. Those
of TLS are in test_tls_peers and test_tls_clients, gRPC's in test_grpc_deadlines and tools/conformance, scripted ends, which say
what real ones do not (trailers, 1xx, two-phase PUT), in test_messages. No server here answers before it has the body: what curl
makes of the RST_STREAM NO_ERROR behind that depends on its version (7.88: an error, also without us).
"""

import asyncio
import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import socket
import ssl
from collections.abc import Callable

import websockets

from tests.harness.apache_peer import ApachePeer
from tests.harness.bodies import unlike
from tests.harness.case import LocalCase
from tests.harness.clients import curl, start_upload, url
from tests.harness.go_peer import GoPeer
from tests.harness.haproxy_h2_front import HaproxyH2Front
from tests.harness.http1 import Http1Client
from tests.harness.linked_store import LinkedStore
from tests.harness.nginx_peers import NginxPeer
from tests.harness.node_peer import NodePeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.peers import NghttpdPeer, Server
from tests.harness.tls_case import TlsCase, tls_downstream, tls_upstream
from tests.harness.waiting import wait_for

_LARGE = unlike(1 << 20) + b"end"
_SMALL = b"hello, world\n" * 10
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "via"}
_OF_THE_MOMENT = {"date", "etag", "last-modified"}
"""Two uploads are two files."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """`arguments` of curl."""

    name: str
    arguments: tuple[str, ...] = ()
    path: str = "/large"
    piped: bool = False
    """The body is of unknown length: chunks in HTTP/1."""
    stored: bool = False
    """A file comes of it, another one each time."""


_KINDS = (
    Kind("get"),
    Kind("head", ("--head",)),
    Kind("range", ("-H", "Range: bytes=1000-1999")),
    Kind("range-refused", ("-H", "Range: bytes=-0"), "/small"),
    Kind("unchanged", ("-H", "If-None-Match: *")),
    Kind("missing", path="/missing?a=b%20c&d"),
    Kind("options", ("-X", "OPTIONS"), "/small"),
    Kind("unknown-method", ("-X", "FROBNICATE"), "/small"),
    Kind("put", ("-T", "{small}", "-H", "Expect:"), "/put-{how}", stored=True),
    Kind("put-expect", ("-T", "{large}", "-H", "Expect: 100-continue"), "/expect-{how}", stored=True),
    Kind("put-chunked", path="/chunked-{how}", piped=True, stored=True),
    Kind("delete", ("-X", "DELETE"), "/put-{how}", stored=True),
)


class RealMessages(LocalCase):
    """One start for all cells."""

    def setUp(self):
        super().setUp()
        self.large, self.small = self.host.directory / "large-body", self.host.directory / "small-body"
        self.large.write_bytes(_LARGE)
        self.small.write_bytes(_SMALL)
        behind = self.files(NginxPeer(self.host))
        kinds: dict[str, tuple[Callable[[], Server], str, str]] = {
            "nginx-h1": (lambda: NginxPeer(self.host), "h1", ""),
            "nginx-h2": (lambda: NginxPeer(self.host, h2=True), "h2", ""),
            "apache-h1": (lambda: ApachePeer(self.host), "h1", ApachePeer.missing()),
            "apache-h2": (lambda: ApachePeer(self.host), "h2", ApachePeer.missing()),
            "haproxy-h1": (lambda: HaproxyH2Front(self.host, behind.address, peer_h2=False), "h1", ""),
            "haproxy-h2": (lambda: HaproxyH2Front(self.host, behind.address, peer_h2=False), "h2", ""),
            "nghttpd-h2": (lambda: NghttpdPeer(self.host), "h2", ""),
            "go-h1": (lambda: GoPeer(self.host), "h1", GoPeer.missing()),
            "go-h2": (lambda: GoPeer(self.host), "h2", GoPeer.missing()),
            "node-h2": (lambda: NodePeer(self.host), "h2", NodePeer.missing()),
            "python-h1": (lambda: LinkedStore(self.host), "h1", ""),
        }
        self.protocols = {name: protocol for name, (_, protocol, missing) in kinds.items() if not missing}
        self.absent = {name: missing for name, (_, _, missing) in kinds.items() if missing}
        self.servers = {name: self.files(kinds[name][0]()) for name in self.protocols}
        self.peerpulse = self.start_peerpulse(self.host, [
            Peer(name, server.address, {"protocol": {"h1": "http1", "h2": "http2"}[self.protocols[name]]})
            for name, server in self.servers.items()])
        for name in self.servers:
            self.peerpulse.wait_verdict(name, "alive", 10 * SLOWDOWN)

    def files(self, server: Server) -> Server:
        server.add_file("large", _LARGE)
        server.add_file("small", _SMALL)
        for file in server.root.iterdir():
            os.utime(file, (1e9, 1e9))  # what has just changed may change again: Apache's ETag says so
        return server.start()

    def ask(self, kind: Kind, address: tuple[str, int], how: str, h2: bool) -> tuple:
        """What must be equal."""
        target = url(address, kind.path.format(how=how))
        arguments = [argument.format(large=self.large, small=self.small) for argument in kind.arguments]
        arguments += ["-H", "Host: store"]
        if kind.piped:
            with start_upload(self.host, target, "-H", "Host: store", h2=h2) as upload:
                status, errors = upload.communicate(_LARGE, timeout=60)
            return status.decode(), errors.decode()
        result = curl(self.host, target, *arguments, h2=h2)
        fields = {name.lower(): value.replace(how, "{how}") for name, value in result.headers.items()}
        for name in _HOP_BY_HOP | (_OF_THE_MOMENT if kind.stored else {"date"}):
            fields.pop(name, None)
        if "--head" in arguments:
            result.body = b""  # curl puts the head there
        body = result.body if kind.path == "/large" else result.body.replace(how.encode(), b"{how}")
        return result.exit_code, result.status, sorted(fields.items()), hashlib.sha256(body).hexdigest(), result.errors

    def test_what_comes_through_is_what_comes_without_us(self):
        table: dict[str, dict[str, str]] = {}
        for kind in _KINDS:
            for name, server in self.servers.items():
                peer_h2 = self.protocols[name] == "h2"
                for h2 in (False, True):
                    pairing = f"{'h2' if h2 else 'h1'}-{self.protocols[name]}"
                    # Each in its own place, and as long: what servers say of it has a length.
                    without = self.ask(kind, (self.host.address, server.port), f"direct-{pairing}", peer_h2)
                    with self.subTest(kind=kind.name, server=name, pairing=pairing):
                        row = table.setdefault(f"{name:11} {pairing}", {})
                        row[kind.name] = "FAIL"
                        through = self.ask(kind, self.peerpulse.listen[name], f"passed-{pairing}", h2)
                        self.assertEqual(through, without)
                        row[kind.name] = str(without[1] if not kind.piped else without[0])
        for row, cells in table.items():
            print(f"  {row}  " + " ".join(f"{kind}:{cell}" for kind, cell in cells.items()))
        for name, why in self.absent.items():
            print(f"  {name:11} left out: {why}")
        for name, server in self.servers.items():
            with self.subTest(server=name):
                stored = {path.name: path.read_bytes() for path in server.root.iterdir()}
                self.assertEqual({path for path, body in stored.items() if body not in (_LARGE, _SMALL)}, set())
        self.assert_unharmed()

    def test_a_client_that_leaves_in_mid_body_harms_nobody(self):
        for name in self.servers:
            for h2 in (False, True):
                with self.subTest(server=name, h2=h2):
                    target = url(self.peerpulse.listen[name], "/large")
                    curl(self.host, target, "--limit-rate", "50k", "--max-time", "0.15", h2=h2)
                    self.assertEqual(curl(self.host, target, h2=h2).exit_code, 0)
        self.assert_unharmed()

    def assert_unharmed(self) -> None:
        for name in self.servers:
            with self.subTest(server=name):
                state = self.peerpulse.peer(name)
                self.assertEqual((state["verdict"], state["circuit"], state["failures_total"]), ("alive", "closed", 0))


class WebSockets(TlsCase):
    """python3-websockets on both sides, in HTTP/1: through us alone, and through HAProxy as a peer that speaks HTTP/2."""

    async def serve(self, connection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                await connection.send(message)
        self.closed.append((connection.close_code, connection.close_reason))

    async def converse(self, target: str, tls) -> None:
        async with websockets.connect(target, ssl=tls, subprotocols=["grid"], max_size=None) as connection:
            self.assertEqual(connection.subprotocol, "grid")
            for message in ("hello", _LARGE, "", b"\0" * 70_000):
                await connection.send(message)
                self.assertEqual(await connection.recv(), message)
            await (await connection.ping(b"are you there"))
            await connection.send(json.dumps({"last": True}))
            await connection.recv()
            await connection.close(4001, "enough")

    async def through(self, listener: socket.socket, target: str, upstream, downstream) -> None:
        async with websockets.serve(self.serve, sock=listener, ssl=upstream, subprotocols=["grid"], max_size=None):
            await asyncio.wait_for(self.converse(target, downstream), 30 * SLOWDOWN)
            while not self.closed:
                await asyncio.sleep(0.01)

    def test_messages_pings_and_the_reason_of_the_end_pass(self):
        for secure, http2 in itertools.product((False, True), (False, True)):
            with self.subTest(tls=secure, http2=http2):
                self.closed: list[tuple[int, str]] = []
                listener = socket.create_server((self.host.address, 0))
                address = "{}:{}".format(*listener.getsockname())
                if http2:
                    front = HaproxyH2Front(self.host, address, peer_h2=False, only_h2=True,
                                           certificate=self.good if secure else None)
                    address = front.start().address
                options = {**tls_upstream(self.authority)["tls"], **tls_downstream(self.good)["tls"]} if secure else {}
                peerpulse = self.start_peerpulse(
                    self.host, [Peer("node2", address, {"protocol": "http2" if http2 else "http1", "tls": options})])
                upstream = downstream = None
                if secure and not http2:
                    upstream = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    upstream.load_cert_chain(self.good.file, self.good.key)
                if secure:
                    downstream = ssl.create_default_context(cafile=str(self.authority.file))
                target = "{}://{}:{}/grid".format("wss" if secure else "ws", *peerpulse.listen["node2"])
                asyncio.run(self.through(listener, target, upstream, downstream))
                self.assertEqual(self.closed, [(4001, "enough")])
                line = wait_for(lambda: [line for line in peerpulse.log_lines() if line["event"] == "exchange"],
                                10 * SLOWDOWN, "the line of the tunnel")[-1]
                # HAProxy's end of a tunnel is RST_STREAM(CANCEL), behind all that was said.
                ends = (None, "http_response_incomplete") if http2 else (None,)
                self.assertEqual(line["status"], 101)
                self.assertIn(line.get("error"), ends)
                self.assertEqual(peerpulse.peer("node2")["failures_total"], int("error" in line))


class NodeTunnels(LocalCase):
    """Node.js takes extended CONNECT where it is told to; what comes it sends back."""

    def test_an_upgrade_and_both_ends_of_it(self):
        if missing := NodePeer.missing():
            self.skipTest(missing)
        peer = NodePeer(self.host).start()
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"protocol": "http2"})])
        with Http1Client(self.host, peerpulse.listen["node2"], timeout=30 * SLOWDOWN) as client:
            client.send_head("GET", "/", {"Connection": "Upgrade", "Upgrade": "websocket"})
            self.assertEqual(client.read_head().status, 101)
            client.send(_LARGE[:200_000])
            self.assertEqual(client.read(200_000), _LARGE[:200_000])
            client.send(b"the last words")
            client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(client.read(14), b"the last words")
            self.assertTrue(client.ended())
        self.assertEqual(peerpulse.peer("node2")["failures_total"], 0)
