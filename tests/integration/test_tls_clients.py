"""Real clients over TLS, and some that do it wrong."""

import http.client
import socket
import ssl
import struct
import sys
import threading
import time

from tests.harness import go_peer
from tests.harness.bodies import unlike
from tests.harness.certificates import Authority
from tests.harness.clients import curl, h2load, url
from tests.harness.grpc_peers import GrpcPythonPeer
from tests.harness.haproxy_tls_front import HaproxyTlsFront
from tests.harness.host import LocalHost, connect
from tests.harness.nginx_peers import NginxPeer
from tests.harness.openssl_end import TlsFailed
from tests.harness.peerpulse import SANITIZER, SLOWDOWN, Peer, Peerpulse
from tests.harness.peers import NghttpdPeer
from tests.harness.programs import CLIENTS
from tests.harness.scripted_peer import ScriptedPeer, answer
from tests.harness.tls_case import TlsCase, tls_downstream
from tests.harness.tls_client import TlsClient
from tests.harness.waiting import wait_for
from tools.lib.bench.idle import thread_seconds

_MIB = 1 << 20
_BODY = unlike(8 * _MIB) + b"end"
_CURL_TLS = 35
_CURL_RECEIVE = 56
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n"


def https(address: tuple[str, int], path: str) -> str:
    return url(address, path).replace("http:", "https:", 1)


class RealClients(TlsCase):
    """One start for all cases: the listeners speak TLS, the peers plain text."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = LocalHost()
        cls.addClassCleanup(cls.shared.close)
        servers = {"h1": NginxPeer(cls.shared), "h2": NghttpdPeer(cls.shared), "grpc": GrpcPythonPeer(cls.shared)}
        for server in servers.values():
            server.add_file("hello", b"hello")
            server.start()
        cls.peerpulse = Peerpulse(cls.shared, [
            Peer(name, server.address, tls_downstream(cls.good)) for name, server in servers.items()])
        cls.addClassCleanup(cls.peerpulse.check_end)
        cls.peerpulse.start()
        cls.listen = cls.peerpulse.listen

    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_unharmed)

    def hosts(self) -> list:
        return [self.shared]

    def assert_unharmed(self) -> None:
        for name in self.listen:
            state = self.peerpulse.peer(name)
            with self.subTest(peer=name):
                self.assertEqual((state["circuit"], state["failures_total"]), ("closed", 0))
                self.assertEqual(state["tls"]["downstream"]["failures"], {})

    def curl(self, name: str, path: str, *arguments: str):
        return curl(self.shared, https(self.listen[name], path), "--cacert", str(self.authority.file), *arguments, h2=name == "h2")

    def test_curl(self):
        for name, version in (("h1", "1.1"), ("h2", "2")):
            for newest in ("1.2", "1.3"):
                with self.subTest(protocol=name, tls=newest):
                    result = self.curl(name, "/hello", "--tls-max", newest)
                    self.assertEqual((result.exit_code, result.status, result.body), (0, 200, b"hello"), result.errors)
                    self.assertEqual(result.http_version, version)

    def test_uploads_and_downloads(self):
        source = self.shared.directory / "source"
        source.write_bytes(_BODY)
        put = self.curl("h1", "/big", "-T", str(source))
        self.assertEqual((put.exit_code, put.status), (0, 201), put.errors)
        got = self.curl("h1", "/big", "--limit-rate", "12M")
        self.assertEqual((got.exit_code, got.body == _BODY), (0, True), got.errors)
        echoed = self.curl("h2", "/echo", "-X", "POST", "-T", str(source))
        self.assertEqual((echoed.exit_code, echoed.status, echoed.body == _BODY), (0, 200, True), echoed.errors)

    def test_h2load(self):
        requests = 500 if SANITIZER else 5000
        for name in ("h1", "h2"):
            with self.subTest(protocol=name):
                load = h2load(self.shared, https(self.listen[name], "/hello"), requests, clients=20,
                              streams=1 if name == "h1" else 16, h1=name == "h1")
                self.assertEqual((load.succeeded, load.failed), (requests, 0), load.output)

    def test_python(self):
        context = ssl.create_default_context(cafile=self.authority.file)
        connection = http.client.HTTPSConnection(*self.listen["h1"], timeout=30, context=context)
        self.addCleanup(connection.close)
        for _ in range(20):
            connection.request("GET", "/hello")
            self.assertEqual(connection.getresponse().read(), b"hello")
        connection.request("PUT", "/python", _BODY)
        self.assertEqual(connection.getresponse().status, 201)

    def test_go(self):
        if go_peer.GoPeer.missing():
            self.skipTest(go_peer.GoPeer.missing())
        program = go_peer.build(CLIENTS / "go_get.go")
        for name, proto in (("h1", "HTTP/1.1"), ("h2", "HTTP/2.0")):
            with self.subTest(protocol=name):
                done = self.shared.run([program, https(self.listen[name], "/hello"), str(self.authority.file), name, "5"])
                lines = done.stdout.decode().splitlines()
                self.assertEqual(lines[0], f"{proto} 200 false hello", done.stderr.decode())
                self.assertEqual(lines[1:], [f"{proto} 200 true hello"] * 4)

    def test_grpc(self):
        done = self.shared.run([sys.executable, "-B", str(CLIENTS / "grpc_calls.py"), "{}:{}".format(*self.listen["grpc"]),
                                str(self.authority.file)])
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def test_haproxy(self):
        for name, alpn in (("h1", "http/1.1"), ("h2", "h2")):
            with self.subTest(protocol=name):
                front = HaproxyTlsFront(self.shared, self.listen[name], self.authority.file, alpn).start()
                self.addCleanup(front.process.kill)  # its checks would go on through the other tests
                for _ in range(20):
                    result = curl(self.shared, f"http://{front.address}/hello")
                    self.assertEqual((result.status, result.body), (200, b"hello"), result.errors)

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version):
                context = ssl.create_default_context(cafile=self.authority.file)
                context.minimum_version = context.maximum_version = version
                session, before = None, self.handshakes("h1", "downstream")
                for number in range(5):
                    with context.wrap_socket(connect(self.shared, self.listen["h1"]), server_hostname="127.0.0.1",
                                             session=session) as client:
                        client.sendall(b"GET /hello HTTP/1.1\r\nHost: h1\r\n\r\n")
                        self.assertIn(b"200 OK", client.recv(65536))
                        self.assertEqual(client.session_reused, number > 0)
                        session = client.session
                after = self.handshakes("h1", "downstream")
                self.assertEqual((after["full"] - before["full"], after["resumed"] - before["resumed"]), (1, 4))


class Rules(TlsCase):
    """What the listener asks of its clients, and shows them."""

    def setUp(self):
        super().setUp()
        self.server = NginxPeer(self.host).start()
        self.server.add_file("hello", b"hello")

    def start(self, certificate=None, **options):
        config = options.pop("config", {})
        peer = Peer("node2", self.server.address, tls_downstream(certificate or self.good, **options))
        self.peerpulse = self.start_peerpulse(self.host, [peer], **config)
        self.listen = self.peerpulse.listen["node2"]

    def curl(self, *arguments: str, target: str = ""):
        return curl(self.host, target or https(self.listen, "/hello"), "--cacert", str(self.authority.file), *arguments)

    def shows(self, certificate) -> list[str]:
        return ["--cert", str(certificate.file), "--key", str(certificate.key)]

    def logged(self) -> dict:
        def found() -> list[dict]:
            return [line for line in self.peerpulse.log_lines() if line["event"] == "tls_downstream_failed"]
        return wait_for(found, 10 * SLOWDOWN, "the line")[0]

    def test_client_certificates(self):
        foreign = Authority(self.certificates / "foreign").issue("foreign-client", "DNS:client")
        for demand, shown, accepted in (
                ("required", self.client, True), ("required", None, False), ("required", foreign, False),
                ("optional", self.client, True), ("optional", None, True), ("optional", foreign, False)):
            for version in ("1.2", "1.3"):
                with self.subTest(demand=demand, shown=shown, tls=version):
                    self.start(client_certificate=demand, client_ca_file=str(self.authority.file))
                    result = self.curl("--tls-max", version, *(self.shows(shown) if shown else []))
                    if accepted:
                        self.assertEqual((result.exit_code, result.status), (0, 200), result.errors)
                        self.assertEqual(self.failures("node2", "downstream"), {})
                        continue
                    self.assertIn(result.exit_code, (_CURL_TLS, _CURL_RECEIVE))
                    line = self.logged()
                    self.assertEqual((line["peer"], line["reason"]), ("node2", "certificate"))
                    self.assertIn("the client", line["details"])
                    self.assertEqual(self.failures("node2", "downstream"), {"certificate": 1})
                    self.assertEqual(self.peerpulse.peer("node2")["circuit"], "closed")

    def test_the_certificate_is_chosen_by_name(self):
        named = [self.authority.issue(name, f"DNS:{name}.example", f"DNS:*.{name}.example") for name in ("one", "two")]
        self.start(sni_certificates=[str(certificate.both) for certificate in named])
        port = self.listen[1]
        for name, shown in (("one.example", "one"), ("disk.two.example", "two"), ("other.example", "good"), ("", "good")):
            with self.subTest(name=name):
                context = ssl.create_default_context(cafile=self.authority.file)
                context.check_hostname = False
                with context.wrap_socket(connect(self.host, self.listen), server_hostname=name or None) as client:
                    subject = dict(part[0] for part in client.getpeercert()["subject"])
                self.assertEqual(subject["commonName"], shown)
        self.assertTrue(self.resumed("two.example"))
        result = self.curl("--resolve", f"one.example:{port}:127.0.0.1", target=f"https://one.example:{port}/hello")
        self.assertEqual((result.exit_code, result.body), (0, b"hello"), result.errors)

    def resumed(self, name: str) -> bool:
        """Whether a second connection for `name` resumes the session of the first one."""
        context = ssl.create_default_context(cafile=self.authority.file)
        context.load_cert_chain(self.client.file, self.client.key)
        session, reused = None, False
        for _ in range(2):
            with context.wrap_socket(connect(self.host, self.listen), server_hostname=name, session=session) as client:
                client.sendall(b"GET /hello HTTP/1.1\r\nHost: one\r\n\r\n")
                self.assertIn(b"200 OK", client.recv(65536))
                session, reused = client.session, client.session_reused
        return reused

    def test_client_certificates_are_asked_for_by_every_name(self):
        """Another certificate of ours is no way round what is asked of clients."""
        named = self.authority.issue("named", "DNS:named.example")
        self.start(sni_certificates=[str(named.both)], client_certificate="required", client_ca_file=str(self.authority.file))
        port = self.listen[1]
        arguments = ["--resolve", f"named.example:{port}:127.0.0.1"]
        target = f"https://named.example:{port}/hello"
        self.assertIn(self.curl(*arguments, target=target).exit_code, (_CURL_TLS, _CURL_RECEIVE))
        self.assertEqual(self.curl(*arguments, *self.shows(self.client), target=target).status, 200)
        self.assertTrue(self.resumed("named.example"))

    def test_an_old_version_is_refused(self):
        self.start(min_version="1.3")
        self.assertEqual(self.curl("--tls-max", "1.2").exit_code, _CURL_TLS)
        self.assertEqual(self.failures("node2", "downstream"), {"protocol": 1})
        self.assertEqual(self.curl().status, 200)

    def test_plain_http_is_told_what_to_do(self):
        self.start()
        result = curl(self.host, url(self.listen, "/hello"))
        self.assertEqual((result.exit_code, result.status), (0, 400), result.errors)
        self.assertIn("error=tls_protocol_error", result.headers["proxy-status"])
        self.assertIn(b"use https", result.body)
        self.assertEqual(self.failures("node2", "downstream"), {"plain_text": 1})
        self.assertEqual(self.logged()["reason"], "plain_text")

    def test_a_handshake_that_does_not_go_on_is_ended(self):
        self.start(config={"limits": {"header_timeout": "300ms"}})
        hello = ssl.MemoryBIO()
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="node2")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        first = hello.read()
        for sent in (b"", first[:1], first[:100], first):
            with self.subTest(sent=len(sent)), connect(self.host, self.listen, 20 * SLOWDOWN) as stopped:
                started = time.monotonic()
                stopped.sendall(sent)
                try:
                    while stopped.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
                self.assertGreater(time.monotonic() - started, 0.25)
        self.assertEqual(self.curl().status, 200)

    def test_a_restart_does_not_wait_for_a_handshake(self):
        self.start(config={"limits": {"header_timeout": "50s"}, "drain_timeout": "60s"})
        stopped = [self.enterContext(connect(self.host, self.listen)) for _ in range(10)]
        stopped[0].sendall(b"\x16\x03\x01")
        self.assertEqual(self.curl().status, 200)  # they have been accepted
        self.peerpulse.process.signal(15)
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)

    def test_a_handshake_byte_by_byte_is_ended_too(self):
        self.start(config={"limits": {"header_timeout": "300ms"}})
        with connect(self.host, self.listen, 20 * SLOWDOWN) as slow:
            started = time.monotonic()
            with self.assertRaises((ConnectionError, TimeoutError)):
                slow.sendall(b"\x16\x03\x01\x01\x00")
                slow.settimeout(0.05)
                while time.monotonic() - started < 10 * SLOWDOWN:
                    slow.sendall(b"\x01")
                    try:
                        if not slow.recv(1):
                            raise ConnectionError("the end")
                    except TimeoutError:
                        continue
                self.fail("it goes on and on")


class Requests(TlsCase):
    """What a client's end in the middle makes of its request: nothing that the peer could take for a whole one."""

    def setUp(self):
        super().setUp()
        self.ends: list[tuple[bytes, str]] = []
        """What the peer got of each body, or of each tunnel, and how it ended."""
        self.begun = 0
        """Bodies that the peer has the head of."""
        self.peer = ScriptedPeer(self.host, self.serve)
        self.addCleanup(self.peer.close)
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.peer.address, tls_downstream(self.good))], workers=1)
        self.listen = self.peerpulse.listen["node2"]

    def serve(self, connection, head: bytes) -> bool:
        if b" /in-the-middle" not in head and b" /tunnel" not in head:
            connection.sendall(answer("200 OK", b"ok"))
            return True
        data = head.partition(b"\r\n\r\n")[2]
        self.begun += 1
        if b" /tunnel" in head:
            connection.sendall(_SWITCH)
        end = "fin"
        try:
            while received := connection.recv(65536):
                data += received
            if b" /tunnel" in head:
                connection.sendall(b"late")
        except ConnectionResetError:
            end = "reset"
        self.ends.append((data, end))
        return False

    def shaken(self) -> TlsClient:
        return self.enterContext(TlsClient(self.host, self.listen))

    def end(self, client: TlsClient, how: str) -> None:
        if how == "alert":
            client.alert()
        elif how == "notify":
            client.close_notify()
        elif how == "flood":
            for _ in range(100):
                client.key_update()
            self.assertRaises((TlsFailed, ConnectionResetError), client.read)
        client.socket.shutdown(socket.SHUT_WR)

    def test_a_body_that_is_not_all(self):
        heads = {"length": b"Content-Length: 100\r\n\r\n" + b"x" * 50,
                 "chunked": b"Transfer-Encoding: chunked\r\n\r\n32\r\n" + b"x" * 50 + b"\r\n"}
        counted = {}
        for how, reason in (("cut", "truncated"), ("alert", "alert"), ("notify", ""), ("flood", "protocol")):
            for framing, rest in heads.items():
                with self.subTest(how=how, framing=framing):
                    self.ends.clear()
                    self.begun = 0
                    client = self.shaken()
                    client.write(b"PUT /in-the-middle HTTP/1.1\r\nHost: node2\r\n" + rest)
                    wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 1, 10 * SLOWDOWN, "in flight")
                    wait_for(lambda: self.begun == 1, 10 * SLOWDOWN, "the peer has it")
                    self.end(client, how)
                    wait_for(lambda: self.ends, 10 * SLOWDOWN, "the peer sees an end")
                    self.assertNotIn(b"\r\n0\r\n", self.ends[0][0])
                    self.assertLessEqual(self.ends[0][0].count(b"x"), 50)
                    line = self.line("node2", "/in-the-middle")
                    self.assertEqual((line["party"], line.get("client_aborted")), ("client", True))
                    if reason:
                        counted[reason] = counted.get(reason, 0) + 1
                    wait_for(lambda: self.failures("node2", "downstream") == counted, 10 * SLOWDOWN, f"counted as {counted}")
        state = self.peerpulse.peer("node2")
        self.assertEqual((state["verdict"], state["circuit"], state["tls"]["upstream"]), ("alive", "closed", None))

    def test_an_idle_client_need_not_say_goodbye(self):
        for how in ("cut", "notify"):
            client = self.shaken()
            client.get("/x")
            self.assertIn(b"200 OK", client.read_until(b"ok"))
            self.end(client, how)
            self.assertEqual(client.socket.recv(65536)[:1] in (b"", b"\x17", b"\x15"), True)
        self.assertEqual(self.failures("node2", "downstream"), {})

    def test_tunnels_end_both_ways(self):
        """close_notify is half a close; an end without it is a reset."""
        for how, end in (("notify", "fin"), ("cut", "reset")):
            with self.subTest(how=how):
                self.ends.clear()
                client = self.shaken()
                client.get("/tunnel", "Connection: Upgrade", "Upgrade: test")
                self.assertIn(b" 101 ", client.read_until(b"\r\n\r\n"))
                client.write(b"hello")
                wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 1, 10 * SLOWDOWN, "in flight")
                self.end(client, how)
                wait_for(lambda: self.ends, 10 * SLOWDOWN, "the peer sees an end")
                self.assertEqual(self.ends, [(b"hello", end)])
                if how == "notify":
                    self.assertEqual(client.read_exactly(4), b"late")
                    self.assertEqual(client.read(), b"", "close_notify")

    def test_renegotiation_is_refused(self):
        """A client of TLS 1.2 may ask for it."""
        process = self.host.run(["openssl", "s_client", "-connect", "{}:{}".format(*self.listen), "-tls1_2"], input=b"R\n", timeout=20)
        self.assertIn(b"RENEGOTIATING", process.stdout + process.stderr)
        self.assertIn(b"no renegotiation", process.stdout + process.stderr)

    def test_key_updates_are_harmless(self):
        client = self.shaken()
        for _ in range(100):
            client.key_update(requested=True)
            client.get("/x")
            self.assertTrue(client.read_until(b"ok"))
        self.assertEqual(self.failures("node2", "downstream"), {})


class Answers(TlsCase):
    """close_notify says that this was all: a client gets it then, and only then."""

    def start(self, serve, **config) -> None:
        self.peer = ScriptedPeer(self.host, serve)
        self.addCleanup(self.peer.close)
        options = {**tls_downstream(self.good), **config.pop("options", {})}
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.peer.address, options)], workers=1, **config)

    def shaken(self) -> TlsClient:
        return self.enterContext(TlsClient(self.host, self.peerpulse.listen["node2"]))

    def end_of(self, client: TlsClient) -> tuple[bytes, str]:
        """What came, and how it ended."""
        data = b""
        try:
            while received := client.read():
                data += received
            return data, "close_notify"
        except TlsFailed as failure:
            return data, str(failure)
        except ConnectionResetError:
            return data, "reset"

    def test_an_answer_that_ends_with_its_connection(self):
        def serve(connection, head: bytes) -> bool:
            if b" /whole" in head or b" /broken" in head:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50_000)
                if b" /broken" in head:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            connection.sendall(answer("200 OK"))
            return True

        self.start(serve)
        for path, version, ends in (("/whole", "1.0", ("close_notify",)), ("/whole", "1.1", ("close_notify",)),
                                    ("/broken", "1.0", ("reset", "end of stream without close_notify")),
                                    ("/broken", "1.1", ("reset", "end of stream without close_notify"))):
            with self.subTest(path=path, version=version):
                client = self.shaken()
                client.write(f"GET {path} HTTP/{version}\r\nHost: node2\r\nConnection: close\r\n\r\n".encode())
                data, end = self.end_of(client)
                self.assertIn(end, ends)
                if path == "/whole":
                    self.assertEqual(data.count(b"x"), 50_000)

    def test_an_answer_that_is_cut(self):
        cut = {"/length": b"Content-Length: 100000\r\n\r\n" + b"x" * 50_000,
               "/chunked": b"Transfer-Encoding: chunked\r\n\r\nc350\r\n" + b"x" * 50_000 + b"\r\n"}

        def serve(connection, head: bytes) -> bool:
            rest = cut.get(head.split(b" ")[1].decode())
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + rest if rest else answer("200 OK"))
            return rest is None

        self.start(serve)
        for path in cut:
            with self.subTest(path=path):
                client = self.shaken()
                client.get(path, "Connection: close")
                data, end = self.end_of(client)
                self.assertIn(end, ("reset", "end of stream without close_notify"))
                self.assertNotIn(b"\r\n0\r\n", data)
                self.assertEqual(self.line("node2", path)["error"], "http_response_incomplete")

    def test_a_client_that_ends_its_direction_has_its_answer(self):
        """By close_notify, with the connection's FIN or without."""
        ended = threading.Event()

        def serve(connection, head: bytes) -> bool:
            if b" /late" in head:
                ended.wait(20)
            connection.sendall(answer("200 OK", b"ok"))
            return True

        self.start(serve)
        for fin in (False, True):
            with self.subTest(fin=fin):
                ended.clear()
                client = self.shaken()
                client.get("/late")
                wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 1, 10 * SLOWDOWN, "in flight")
                client.close_notify()
                if fin:
                    client.socket.shutdown(socket.SHUT_WR)
                ended.set()
                data, end = self.end_of(client)
                self.assertEqual((data[-2:], end), (b"ok", "close_notify"))

    def test_a_drain_says_goodbye(self):
        self.start(lambda connection, head: connection.sendall(answer("200 OK", b"ok")) is None)
        client = self.shaken()
        client.get("/x")
        self.assertTrue(client.read_until(b"ok"))
        self.peerpulse.process.signal(15)
        self.assertEqual(self.end_of(client), (b"", "close_notify"))
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)

    def test_a_peer_whose_process_is_gone_resets_them(self):
        self.start(lambda connection, head: connection.sendall(answer("200 OK", b"ok")) is None, options={"on_dead": "refuse"})
        client = self.shaken()
        client.get("/x")
        self.assertTrue(client.read_until(b"ok"))
        self.peer.close()
        self.peerpulse.wait_circuit("node2", "open")
        self.assertEqual(self.end_of(client), (b"", "reset"))


class Stopped(TlsCase):
    """Whoever does not read is waited for, and nothing turns meanwhile: what TLS has read ahead makes no descriptor readable, and
    must not be asked for again and again."""

    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        peer = self.secure("node2", self.start_tls_peer(self.serve))
        peer.options["tls"].update(tls_downstream(self.good)["tls"])
        self.peerpulse = self.start_peerpulse(self.host, [peer], timeouts={"bulk": {"stall": "60s"}})

    def serve(self, end, head: bytes) -> bool:
        if head.startswith(b"PUT"):
            self.over.wait(60)
            return False
        end.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not self.over.is_set():
            end.write(b"x" * _MIB)
        return False

    def shaken(self) -> TlsClient:
        return self.enterContext(TlsClient(self.host, self.peerpulse.listen["node2"], timeout=60))

    def used_in_a_second(self) -> float:
        """Of processors. Another pause than this one would say nothing of turning in vain."""
        before = sum(thread_seconds(self.peerpulse.process.pid).values())
        time.sleep(1)
        return sum(thread_seconds(self.peerpulse.process.pid).values()) - before

    def assert_still(self) -> None:
        wait_for(lambda: self.used_in_a_second() < 0.3, 20 * SLOWDOWN, "nothing turns any more")
        self.assertLess(self.peerpulse.resident_bytes(), 128 * _MIB)
        self.assertEqual(self.peerpulse.peer("node2")["in_flight"], 1)

    def test_a_client_that_stops_reading(self):
        client = self.shaken()
        client.get("/big")
        self.assertTrue(client.read())
        self.assert_still()

    def test_a_peer_that_stops_reading(self):
        client = self.shaken()
        client.write(b"PUT /big HTTP/1.1\r\nHost: node2\r\nContent-Length: 1000000000\r\n\r\n")
        client.socket.settimeout(2 * SLOWDOWN)
        with self.assertRaises(TimeoutError):
            while True:
                client.write(b"x" * _MIB)
        self.assert_still()
