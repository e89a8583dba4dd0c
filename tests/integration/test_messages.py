"""Every kind of message through every pairing of protocols, in plain text and over TLS. Each cell is a subTest; the table is
printed at the end:

  PEERPULSE_BUILD=build python3 -B -m unittest tests.integration.test_messages
"""

import contextlib
import dataclasses
import socket
import ssl
from collections.abc import Callable

from tests.harness.connection_listener import ConnectionListener
from tests.harness.ends import Reset
from tests.harness.ends.h1 import H1End
from tests.harness.ends.h2 import H2Connection
from tests.harness.host import connect
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.tls_case import TlsCase, tls_downstream, tls_upstream
from tests.harness.tls_socket import TlsSocket

PAIRINGS = ("h1-h1", "h2-h2", "h1-h2", "h2-h1")
SECURITIES = ("plain", "tls")
_CANCEL, _INTERNAL_ERROR, _HTTP_1_1_REQUIRED = 8, 2, 13


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    client: Callable
    """Gets a Client; raises AssertionError or ConnectionError if anything is not as it should be."""
    peer: Callable
    """Gets its end and the request's head; True: nothing more of this connection is read."""
    pairings: tuple[str, ...] = PAIRINGS


KINDS: dict[str, Kind] = {}


def same(got, wanted, what: str = "") -> None:
    if got != wanted:
        raise AssertionError(f"{what}: {got!r} instead of {wanted!r}")


def kind(name: str, peer: Callable, pairings: tuple[str, ...] = PAIRINGS):
    """The function is the client's part."""
    def add(client: Callable) -> Callable:
        KINDS[name] = Kind(name, client, peer, pairings)
        return client
    return add


class Client:
    """The client's part of one cell: connections to the listener, and exchanges on them."""

    def __init__(self, path: str, new_connection: Callable[[], socket.socket | TlsSocket], http2: bool) -> None:
        self.path = path
        self.http2 = http2
        self._new_connection = new_connection
        self.connections: list[socket.socket | TlsSocket] = []
        self._link: H2Connection | None = None

    def open(self):
        """An exchange: of HTTP/2 on the same connection, of HTTP/1 on one of its own."""
        if self.http2:
            self._link = self._link or H2Connection(self._connect(), client=True)
            return self._link.open()
        return H1End(self._connect())

    def _connect(self) -> socket.socket:
        self.connections.append(self._new_connection())
        return self.connections[-1]

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


# --- bodies and trailers -----------------------------------------------------------------------------------------------------

def answer_ok(end, _head) -> None:
    end.body()
    end.respond(200, [("Content-Length", "2")])
    end.data(b"ok")
    end.end()


def trailers_peer(end, _head) -> None:
    same(end.body(), b"up", "body")
    same(dict(end.trailers).get("x-up"), "1", "the request's trailers")
    end.respond(200)
    end.data(b"down")
    end.end([("X-Down", "2"), ("X-Other", "3")])


@kind("trailers", trailers_peer)
def trailers(client: Client) -> None:
    end = client.open()
    end.request("PUT", client.path, [("Trailer", "X-Up")])
    end.data(b"up")
    end.end([("X-Up", "1")])
    same(end.head().status, 200)
    same(end.body(), b"down")
    same(dict(end.trailers), {"x-down": "2", "x-other": "3"}, "the answer's trailers")


def get_with_body_peer(end, head) -> None:
    same((head.method, end.body()), ("GET", b"{\"list\":1}"))
    end.respond(200)
    for number in range(5):
        end.data(b"%d," % number)
    end.end()


@kind("get-with-body", get_with_body_peer)
def get_with_body(client: Client) -> None:
    end = client.open()
    end.request("GET", client.path, [("Content-Length", "10")])
    end.data(b"{\"list\":1}")
    end.end()
    same(end.head().status, 200)
    same(end.body(), b"0,1,2,3,4,")


def replicate_peer(end, head) -> None:
    same((head.method, end.body()), ("REPLICATE", b"suffix" * 1000))
    answer_ok(end, head)


@kind("replicate", replicate_peer)
def replicate(client: Client) -> None:
    end = client.open()
    end.request("REPLICATE", client.path)
    for _ in range(10):
        end.data(b"suffix" * 100)
    end.end()
    same(end.head().status, 200)
    same(end.body(), b"ok")


def ssync_peer(end, head) -> None:
    same(head.method, "SSYNC")
    end.respond(200)
    while piece := end.piece():
        end.data(b"seen " + piece)
    end.data(b"done")
    end.end()


@kind("ssync", ssync_peer)
def ssync(client: Client) -> None:
    """Each side waits for the other's last word, many times."""
    end = client.open()
    end.request("SSYNC", client.path)
    same(end.head().status, 200)
    for number in range(30):
        line = b"line %d" % number
        end.data(line)
        same(end.piece(), b"seen " + line)
    end.end()
    same(end.body(), b"done")


# --- interim and early answers ------------------------------------------------------------------------------------------------

def interim_peer(end, _head) -> None:
    end.body()
    end.inform(102)
    end.inform(103, [("Link", "</a>; rel=preload"), ("X-Hint", "1")])
    end.inform(103, [("Link", "</b>; rel=preload")])
    end.respond(200, end=True)


@kind("interim", interim_peer)
def interim(client: Client) -> None:
    end = client.open()
    end.request("GET", client.path, end=True)
    first, second, third = end.head(), end.head(), end.head()
    same([head.status for head in (first, second, third)], [102, 103, 103])
    same(second.fields, [("link", "</a>; rel=preload"), ("x-hint", "1")])
    same(third.fields, [("link", "</b>; rel=preload")])
    same(end.head().status, 200)
    same(end.body(), b"")


def expect_peer(end, head) -> None:
    same([value for name, value in head.fields if name == "expect"], ["100-continue"])
    end.inform(100, [("X-Obj-Metadata-Footer", "yes")])
    same(end.body(), b"wanted")
    end.respond(201, end=True)


@kind("expect", expect_peer)
def expect(client: Client) -> None:
    end = client.open()
    end.request("PUT", client.path, [("Expect", "100-continue"), ("Content-Length", "6")])
    interim_head = end.head()
    same((interim_head.status, interim_head.fields), (100, [("x-obj-metadata-footer", "yes")]))
    end.data(b"wanted")
    end.end()
    same(end.head().status, 201)


def expect_refused_peer(end, _head) -> bool:
    end.respond(409, end=True)
    return True


@kind("expect-refused", expect_refused_peer)
def expect_refused(client: Client) -> None:
    end = client.open()
    end.request("PUT", client.path, [("Expect", "100-continue"), ("Content-Length", "6")])
    same(end.head().status, 409, "the first word of the answer")


def no_expect_peer(end, head) -> None:
    same(head.field("expect"), None, "an invented Expect")
    answer_ok(end, head)


@kind("expect-never-invented", no_expect_peer)
def no_expect(client: Client) -> None:
    end = client.open()
    end.request("PUT", client.path)
    end.data(b"unasked")
    end.end()
    same(end.head().status, 200, "an invented 100")
    same(end.body(), b"ok")


def early_peer(end, _head) -> bool:
    end.respond(413, [("Content-Length", "9")])
    end.data(b"too large")
    end.end()
    return True


@kind("early-answer", early_peer)
def early(client: Client) -> None:
    end = client.open()
    end.request("PUT", client.path, [("Content-Length", "1000000")])
    end.data(b"x" * 1000)
    same(end.head().status, 413)
    same(end.body(), b"too large")


@kind("half-close", answer_ok)
def half_close(client: Client) -> None:
    """A client that has said all it had to say may end its direction."""
    end = client.open()
    end.request("GET", client.path, end=True)
    end.half_close()
    same(end.head().status, 200)
    same(end.body(), b"ok")


# --- answers without a body ---------------------------------------------------------------------------------------------------

def head_peer(end, head) -> None:
    same(head.method, "HEAD")
    end.respond(200, [("Content-Length", "1234"), ("ETag", "\"e\"")], end=True)


@kind("head", head_peer)
def head_(client: Client) -> None:
    end = client.open()
    end.request("HEAD", client.path, end=True)
    answer = end.head()
    same((answer.status, answer.field("content-length"), answer.field("etag")), (200, "1234", "\"e\""))
    same(end.body(), b"")


def no_content_peer(end, _head) -> None:
    end.body()
    end.respond(204, [("Content-Length", "0"), ("X-Kept", "1")], end=True)


@kind("204", no_content_peer)
def no_content(client: Client) -> None:
    end = client.open()
    end.request("DELETE", client.path, end=True)
    answer = end.head()
    same((answer.status, answer.field("content-length"), answer.field("transfer-encoding"), answer.field("x-kept")),
         (204, None, None, "1"))
    same(end.body(), b"")


def not_modified_peer(end, _head) -> None:
    end.respond(304, [("Content-Length", "77"), ("ETag", "\"e\"")], end=True)


@kind("304", not_modified_peer)
def not_modified(client: Client) -> None:
    end = client.open()
    end.request("GET", client.path, [("If-None-Match", "\"e\"")], end=True)
    answer = end.head()
    same((answer.status, answer.field("etag"), answer.field("transfer-encoding")), (304, "\"e\"", None))
    same(end.body(), b"")


# --- connections --------------------------------------------------------------------------------------------------------------

def echo_number_peer(end, head) -> None:
    end.body()
    end.respond(200)
    end.data(head.field("x-number").encode())
    end.end()


@kind("pipelined", echo_number_peer)
def pipelined(client: Client) -> None:
    """HTTP/2: side by side."""
    if client.http2:
        ends = []
        for number in range(5):
            ends.append(client.open())
            ends[-1].request("GET", client.path, [("X-Number", str(number))], end=True)
    else:
        end = client.open()
        ends = [end] * 5
        end.raw(b"".join(b"GET %s HTTP/1.1\r\nHost: node2\r\nX-Number: %d\r\n\r\n" % (client.path.encode(), number)
                         for number in range(5)))
    for number, end in enumerate(ends):
        same(end.head().status, 200)
        same(end.body(), b"%d" % number)


def old_peer(end, head) -> None:
    same(head.field("expect"), None, "HTTP/1.0 knows no Expect")
    end.inform(103)
    end.respond(200)
    end.data(b"all of it")
    end.end()


@kind("http/1.0", old_peer, ("h1-h1", "h1-h2"))
def old_client(client: Client) -> None:
    end = client.open()
    end.request("GET", client.path, [("Expect", "100-continue")], end=True, version="1.0")
    answer = end.head()
    same((answer.status, answer.field("transfer-encoding"), answer.field("connection")), (200, None, "close"))
    same(end.body(), b"all of it")


# Of RFC 6455 1.3.
_KEY, _ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", _KEY)]


def _asked_for_a_tunnel(head) -> None:
    """The same, as either protocol asks for it."""
    if head.method == "CONNECT":
        same((head.pseudo[":protocol"], head.field("sec-websocket-key"), head.complete), ("websocket", None, False))
    else:
        same((head.method, head.field("upgrade"), head.field("connection").lower()), ("GET", "websocket", "upgrade"))
        same(len(head.field("sec-websocket-key")), 24, "the key that HTTP/1 asks for")
    same(head.field("sec-websocket-version"), "13")


def _take_tunnel(end, head) -> None:
    _asked_for_a_tunnel(head)
    if head.method == "CONNECT":
        end.respond(200, [("Sec-WebSocket-Protocol", "x")])
    else:
        end.connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                               b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: x\r\n\r\n" % _ACCEPT.encode())


def tunnel_peer(end, head) -> bool:
    _take_tunnel(end, head)
    for _ in range(3):
        end.tunnelled(end.tunnel(5)[::-1])
    end.end()
    return True


def _upgraded(client: Client, early: bytes = b""):
    end = client.open()
    end.request("GET", client.path, _UPGRADE, end=True)
    end.raw(early)
    answer = end.head()
    same((answer.status, answer.field("upgrade"), answer.field("connection")), (101, "websocket", "upgrade"))
    same([value for name, value in answer.fields if name == "sec-websocket-accept"], [_ACCEPT])
    same((answer.field("sec-websocket-protocol"), answer.field("content-length")), ("x", None))
    return end


@kind("upgrade", tunnel_peer, ("h1-h1", "h1-h2"))
def upgrade(client: Client) -> None:
    end = _upgraded(client, b"early")  # it waits for the peer's word
    same(end.read(5), b"ylrae")
    for word in (b"\0\1\2\3\4", b"world"):
        end.raw(word)
        same(end.read(5), word[::-1])


def half_closed_peer(end, head) -> bool:
    _take_tunnel(end, head)
    same(end.tunnel(5), b"hello")
    end.tunnel_end()
    end.tunnelled(b"late")
    end.end()
    return True


@kind("upgrade-half-close", half_closed_peer, ("h1-h1", "h1-h2"))
def upgrade_half_close(client: Client) -> None:
    end = _upgraded(client)
    end.raw(b"hello")
    end.half_close()
    same(end.read(4), b"late")
    end.tunnel_end()


def upgrade_refused_peer(end, head) -> None:
    if head.field("x-second"):
        answer_ok(end, head)
        return
    _asked_for_a_tunnel(head)
    end.respond(403, [("Content-Length", "2")])
    end.data(b"no")
    end.end()
    same(end.body(), b"", "what came behind the refusal")


@kind("upgrade-refused", upgrade_refused_peer, ("h1-h1", "h1-h2"))
def upgrade_refused(client: Client) -> None:
    end = client.open()
    end.request("GET", client.path, _UPGRADE, end=True)
    answer = end.head()
    same((answer.status, answer.field("upgrade"), end.body()), (403, None, b"no"))
    end.request("GET", client.path, [("X-Second", "1")], end=True)
    same((end.head().status, end.body()), (200, b"ok"))


def upgrade_with_body_peer(end, head) -> None:
    same((head.method, head.field("content-length"), end.body()), ("POST", "5", b"bytes"))
    same(head.pseudo.get(":protocol"), None)
    end.respond(200, end=True)


@kind("upgrade-with-body", upgrade_with_body_peer, ("h1-h1", "h1-h2"))
def upgrade_with_body(client: Client) -> None:
    """HTTP/2 cannot say it, but for the request that it also is."""
    end = client.open()
    end.request("POST", client.path, [*_UPGRADE, ("Content-Length", "5")])
    end.data(b"bytes")
    same(end.head().status, 200)


@kind("extended-connect", tunnel_peer, ("h2-h2", "h2-h1"))
def extended(client: Client) -> None:
    end = client.open()
    end.request("CONNECT", client.path, [("Sec-WebSocket-Version", "13")], protocol="websocket")
    end.data(b"early")  # it waits for the peer's word
    answer = end.head()
    same((answer.status, answer.field("sec-websocket-protocol"), answer.field("sec-websocket-accept")), (200, "x", None))
    same(end.tunnel(5), b"ylrae")
    for word in (b"\0\1\2\3\4", b"world"):
        end.data(word)
        same(end.tunnel(5), word[::-1])
    end.end()


def extended_refused_peer(end, _head) -> None:
    end.respond(200, end=True)  # no 101: h1's word for no


@kind("extended-connect-refused", extended_refused_peer, ("h2-h1",))
def extended_refused(client: Client) -> None:
    end = client.open()
    end.request("CONNECT", client.path, protocol="websocket")
    same(end.head().status, 502, "2xx would be a tunnel")


# --- Swift ----------------------------------------------------------------------------------------------------------------------

_TWO_PHASES = [("Expect", "100-continue"), ("X-Backend-Obj-Metadata-Footer", "yes"),
               ("X-Backend-Obj-Multipart-Mime-Boundary", "bound"), ("X-Backend-Obj-Multiphase-Commit", "yes"),
               ("Connection", "close")]
_PROMISES = [("X-Obj-Metadata-Footer", "yes"), ("X-Obj-Multiphase-Commit", "yes")]
_OBJECT, _COMMIT = b"--bound\r\n\r\nobject body" * 500, b"--bound\r\nX-Document: put commit\r\n\r\n--bound--"


def two_phases_peer(end, head) -> bool:
    """As Swift's object server: a 100 with its promises, the object, another 100, the commit."""
    same(head.field("x-backend-obj-multiphase-commit"), "yes")
    end.inform(100, _PROMISES)
    same(end.body(), _OBJECT, "the first body")
    if head.field("x-outcome") == "refuse":
        end.respond(422, end=True)
        return True
    end.inform(100)
    end.another_body()
    same(end.body(), _COMMIT, "the second body")
    end.respond(201, end=True)
    return True


def _two_phases(client: Client, outcome: str):
    """As Swift's proxy server: to the end of the first body."""
    end = client.open()
    end.request("PUT", client.path, [*_TWO_PHASES, ("X-Outcome", outcome)])
    promise = end.head()
    same((promise.status, promise.fields), (100, [(name.lower(), value) for name, value in _PROMISES]))
    for start in range(0, len(_OBJECT), 4096):
        end.data(_OBJECT[start:start + 4096])
    end.end()
    return end


@kind("two-phase-put", two_phases_peer, ("h1-h1",))
def two_phases(client: Client) -> None:
    end = _two_phases(client, "take")
    same(end.head().status, 100, "the second 100")
    end.data(_COMMIT[:20])
    end.data(_COMMIT[20:])
    end.end()
    answer = end.head()
    same((answer.status, answer.field("connection")), (201, "close"))


@kind("two-phase-put-refused", two_phases_peer, ("h1-h1",))
def two_phases_refused(client: Client) -> None:
    end = _two_phases(client, "refuse")
    same(end.head().status, 422)


# --- broken off -----------------------------------------------------------------------------------------------------------------

def cut_peer(end, _head) -> bool:
    end.respond(200, [("Content-Length", "100")])
    end.data(b"a part of it")
    end.reset(_CANCEL)  # h1: its connection ends
    return False


@kind("cut-in-the-answer", cut_peer)
def cut(client: Client) -> None:
    end = client.open()
    end.request("GET", client.path, end=True)
    same(end.head().status, 200)
    same(end.piece(), b"a part of it", "what came before the end")
    try:
        end.piece()
    except Reset as reset:
        client.cut_by = reset.code
    else:
        raise AssertionError("a truncated body ended in order")


def codes_peer(end, head) -> None:
    end.reset(int(head.field("x-code")))


@kind("reset-codes", codes_peer, ("h2-h2",))
def codes(client: Client) -> None:
    for code in (_CANCEL, _INTERNAL_ERROR, _HTTP_1_1_REQUIRED):
        end = client.open()
        end.request("GET", client.path, [("X-Code", str(code))], end=True)
        try:
            end.head()
        except Reset as reset:
            same(reset.code, code)
        else:
            raise AssertionError("no reset")


# --- the table ------------------------------------------------------------------------------------------------------------------

class Messages(TlsCase):
    """One process, and a listener and a scripted peer for each pairing, in plain text and with TLS."""

    results: dict[tuple[str, str, str], str] = {}

    def setUp(self) -> None:
        super().setUp()
        self.peer_errors: list[str] = []
        peers = []
        for security in SECURITIES:
            for pairing in PAIRINGS:
                protocol = pairing[3:]
                server = ConnectionListener(self.host, self.peer_of(protocol, security))
                self.addCleanup(server.close)
                options = {"protocol": "http1" if protocol == "h1" else "http2"}
                if security == "tls":
                    options["tls"] = {**tls_upstream(self.authority)["tls"], **tls_downstream(self.good)["tls"]}
                peers.append(Peer(f"{pairing}-{security}", server.address, options))
        self.peerpulse = self.start_peerpulse(self.host, peers)

    def peer_of(self, protocol: str, security: str) -> Callable:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.good.file, self.good.key)
        context.set_alpn_protocols(["h2" if protocol == "h2" else "http/1.1"])

        def serve(connection: socket.socket) -> None:
            if security == "tls":
                with context.wrap_socket(connection, server_side=True) as secured:
                    self.serve(secured, protocol)
                    secured.settimeout(10 * SLOWDOWN)
                    with contextlib.suppress(OSError):
                        secured.unwrap()  # an end in order; close() does not say so
            else:
                self.serve(connection, protocol)
        return serve

    def serve(self, connection: socket.socket, protocol: str) -> None:
        link = H2Connection(connection, client=False) if protocol == "h2" else None
        while True:
            end = link.accept() if link else H1End(connection)
            head = end.head()
            if head.path not in KINDS_BY_PATH:  # a probe
                end.respond(200, end=True)
                continue
            one = KINDS_BY_PATH[head.path]
            try:
                if one.peer(end, head) and not link:
                    return
            except (AssertionError, ValueError, TypeError) as error:
                self.peer_errors.append(f"the peer: {error}")
                return

    def new_connection(self, pairing: str, security: str) -> socket.socket | TlsSocket:
        plain = connect(self.host, self.peerpulse.listen[f"{pairing}-{security}"], 10 * SLOWDOWN)
        if security == "plain":
            return plain
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.set_alpn_protocols(["h2" if pairing.startswith("h2") else "http/1.1"])
        return TlsSocket(plain, context, "127.0.0.1")

    def run_cell(self, one: Kind, pairing: str, security: str) -> None:
        client = Client(path_of(one.name), lambda: self.new_connection(pairing, security), pairing.startswith("h2"))
        client.cut_by = None
        self.peer_errors.clear()
        try:
            one.client(client)
        except (AssertionError, ConnectionError, TimeoutError) as error:
            self.fail("; ".join([f"the client: {type(error).__name__} {error}", *self.peer_errors]))
        finally:
            client.close()
        if client.cut_by is not None and pairing == "h2-h2":
            self.assertEqual(client.cut_by, _CANCEL, "RST_STREAM passes as it came")
        self.assertEqual(self.peer_errors, [])

    def test_every_cell(self):
        for one in KINDS.values():
            for pairing in one.pairings:
                for security in SECURITIES:
                    cell = (one.name, pairing, security)
                    self.results[cell] = "FAIL"
                    with self.subTest(" ".join(cell)):
                        self.run_cell(one, pairing, security)
                        self.results[cell] = "pass"
        for peer in self.peerpulse.get("/peers").json()["peers"]:
            self.assertEqual((peer["name"], peer["in_flight"]), (peer["name"], 0))

    @classmethod
    def tearDownClass(cls) -> None:
        columns = [(pairing, security) for pairing in PAIRINGS for security in SECURITIES]
        print(f"{'':24}" + "".join(f"{pairing + ' ' + security:>13}" for pairing, security in columns))
        for name in KINDS:
            print(f"{name:24}" + "".join(f"{cls.results.get((name, *column), '-'):>13}" for column in columns))
        super().tearDownClass()


def path_of(name: str) -> str:
    return "/" + name.replace("/", "-")


KINDS_BY_PATH = {path_of(name): one for name, one in KINDS.items()}
