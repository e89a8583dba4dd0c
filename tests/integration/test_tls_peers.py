"""Real servers as peers over TLS: what is carried in plain text is carried so, too."""

import hashlib
import socket
import sys

from tests.harness.bodies import unlike
from tests.harness.clients import curl, start_upload, url
from tests.harness.host import LocalHost, free_port
from tests.harness.http1 import Http1Client, request
from tests.harness.openssl_end import TlsFailed
from tests.harness.peerpulse import SLOWDOWN, Peer, Peerpulse
from tests.harness.programs import CLIENTS
from tests.harness.scripted_peer import answer
from tests.harness.tls_case import TlsCase, tls_upstream
from tests.harness.tls_servers import TLS_SERVERS, ServerTls, TlsNginx, TlsServer
from tests.harness.waiting import wait_for

_MIB = 1 << 20
_BODY = unlike(8 * _MIB) + b"end"
_DIGEST = hashlib.sha256(_BODY).hexdigest().encode()
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n"


class RealPeers(TlsCase):
    """One start for all cases. Each of the servers demands a client's certificate."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = LocalHost()
        cls.addClassCleanup(cls.shared.close)
        tls = ServerTls(cls.good, cls.authority.file)
        cls.kinds = [kind for kind in TLS_SERVERS if not kind.missing()]
        cls.servers = {kind.name: kind.make(cls.shared, tls).start() for kind in cls.kinds}
        cls.peerpulse = Peerpulse(cls.shared, [
            Peer(name, server.address, tls_upstream(cls.authority, cls.client)) for name, server in cls.servers.items()])
        cls.addClassCleanup(cls.peerpulse.check_end)
        cls.peerpulse.start()
        for kind in cls.kinds:
            wait_for(lambda kind=kind: cls.peerpulse.peer(kind.name)["probe"]["mode"] in kind.rungs, 20 * SLOWDOWN,
                     f"{kind.name} is on its rung")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_unharmed)

    def hosts(self) -> list:
        return [self.shared]

    def assert_unharmed(self) -> None:
        for kind in self.kinds:
            state = self.peerpulse.peer(kind.name)
            with self.subTest(server=kind.name):
                self.assertIn(state["verdict"], ("alive", "suspect"))
                self.assertEqual((state["circuit"], state["failures_total"]), ("closed", 0))
                self.assertEqual(state["tls"]["upstream"]["failures"], {})
                self.assertIn(state["probe"]["mode"], kind.rungs)

    def target(self, kind: TlsServer, path: str) -> str:
        return url(self.peerpulse.listen[kind.name], path)

    def each(self, **wanted):
        """The kinds that are so, each in a subtest."""
        for kind in self.kinds:
            if all(getattr(kind, name) == value for name, value in wanted.items()):
                with self.subTest(server=kind.name):
                    yield kind

    def test_get(self):
        for h2 in (False, True):
            for kind in self.each(**{"h2" if h2 else "h1": True}):
                result = curl(self.shared, self.target(kind, "/hello"), h2=h2)
                self.assertEqual((result.exit_code, result.status, result.body), (0, 200, b"ok"), result.errors)
                self.assertGreaterEqual(sum(self.handshakes(kind.name).values()), 1)

    def test_what_speaks_no_h2_is_asked_in_h1(self):
        """nginx says by an alert that it has nothing of what ALPN offers, Python's ssl goes on without."""
        for kind in self.each(h2=False, h1=True):
            result = curl(self.shared, self.target(kind, "/hello"), h2=True)
            self.assertEqual((result.exit_code, result.status, result.body), (0, 200, b"ok"), result.errors)

    def put(self, kind: TlsServer, path: str, h2: bool, *options: str):
        source = self.shared.directory / "source"
        source.write_bytes(_BODY)
        return curl(self.shared, self.target(kind, path), "-T", str(source), *options, h2=h2)

    def test_put_of_several_mib(self):
        """Also to a reader that is slower than the sender: what the kernel does not take stays in order."""
        for path in ("/digest", "/slow"):
            for h2 in (False, True):
                for kind in self.each(digests=True, **{"h2" if h2 else "h1": True}):
                    result = self.put(kind, path, h2)
                    self.assertEqual((result.status, result.body), (200, _DIGEST), result.errors)

    def test_put_and_slow_get(self):
        for h2 in (False, True):
            for kind in self.each(**{"h2" if h2 else "h1": True}):
                if not isinstance(self.servers[kind.name], TlsNginx):
                    continue
                path = f"/stored-{h2}"
                self.assertEqual(self.put(kind, path, h2).status, 201)
                self.assertEqual((self.servers[kind.name].root / path[1:]).read_bytes(), _BODY)
                got = curl(self.shared, self.target(kind, path), "--limit-rate", "12M", h2=h2)
                self.assertEqual((got.exit_code, got.status, got.body == _BODY), (0, 200, True), got.errors)

    def test_put_of_many_small_pieces(self):
        for h2 in (False, True):
            for kind in self.each(digests=True, **{"h2" if h2 else "h1": True}):
                if not h2 and kind.name == "python":
                    continue  # it knows no chunks
                with start_upload(self.shared, self.target(kind, "/digest"), h2=h2) as upload:
                    for at in range(0, 200_000, 517):
                        upload.stdin.write(_BODY[at:min(at + 517, 200_000)])
                        upload.stdin.flush()
                    status, errors = upload.communicate(timeout=60)
                self.assertEqual(status, b"200", errors)

    def test_h2_upload_is_echoed(self):
        for kind in self.each(name="nghttpd"):
            result = self.put(kind, "/echo", True, "-X", "POST")
            self.assertEqual((result.exit_code, result.status, result.body == _BODY), (0, 200, True), result.errors)

    def test_grpc(self):
        for kind in self.kinds:
            if kind.name.startswith("grpc-"):
                with self.subTest(server=kind.name):
                    done = self.shared.run([sys.executable, "-B", str(CLIENTS / "grpc_calls.py"),
                                            "{}:{}".format(*self.peerpulse.listen[kind.name])])
                    self.assertEqual(done.returncode, 0, done.stderr.decode())

    def test_the_rung_is_told_by_alpn(self):
        for kind in self.kinds:
            with self.subTest(server=kind.name):
                probe = self.peerpulse.peer(kind.name)["probe"]
                self.assertIn(probe["mode"], kind.rungs)
                # nginx does not like the request that asks for nothing, and is asked by connects.
                self.assertIn(probe["process"], ("ping",) if kind.rungs == ("fast_ping",) else ("ping", "request", "connect"))
                wait_for(lambda: self.peerpulse.peer(kind.name)["probe"]["acked"] > probe["acked"] + 20, 20 * SLOWDOWN, "answers")

    def test_every_server_is_there(self):
        missing = {kind.name: kind.missing() for kind in TLS_SERVERS if kind.missing()}
        if missing:
            self.skipTest(f"not tested: {missing}")


class Sessions(TlsCase):
    def start(self, server, **options):
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server, **options)], workers=1)

    def get(self):
        return request(self.host, self.peerpulse.listen["node2"], "GET", "/hello")

    def test_new_connections_resume_the_last_ones_session(self):
        for version in ("1.2", "1.3"):
            with self.subTest(version=version):
                server = TlsNginx(self.host, ServerTls(self.good, versions=(version,)), keepalive_s=0).start()
                self.start(server)
                for _ in range(20):
                    self.assertEqual(self.get().body, b"ok")
                self.assertEqual(sum(self.handshakes("node2").values()), 20)
                # The first of each pool cannot; with a busy machine a ticket may come after the next connection has begun.
                self.assertGreaterEqual(self.handshakes("node2")["resumed"], 15)
                metrics = self.peerpulse.metrics()
                for resumed, name in (("true", "resumed"), ("false", "full")):
                    self.assertEqual(metrics[f'peerpulse_tls_handshakes_total{{peer="node2",side="upstream",resumed="{resumed}"}}'],
                                     self.handshakes("node2")[name])

    def test_a_version_that_is_too_old_is_told(self):
        server = TlsNginx(self.host, ServerTls(self.good, versions=("1.2",))).start()
        self.start(server, min_version="1.3")
        answered = self.get()
        self.assertEqual(answered.status, 502)
        self.assertIn("error=tls_alert_received;", answered.headers["proxy-status"])
        self.assertIn("protocol version", answered.headers["proxy-status"])

    def test_whose_name_is_verified(self):
        """SNI and the certificate's name: the host of the address, another one, or none."""
        named = self.authority.issue("named", "DNS:storage.example")
        server = TlsNginx(self.host, ServerTls(named)).start()
        for options, status in (({}, 502), ({"server_name": "storage.example"}, 200), ({"server_name": "other.example"}, 502),
                                ({"verify": "chain"}, 200), ({"verify": "none", "ca_file": ""}, 200)):
            with self.subTest(**options):
                self.start(server, **options)
                self.assertEqual(self.get().status, status)

    def test_a_certificates_expiry_is_shown(self):
        server = TlsNginx(self.host, ServerTls(self.good)).start()
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server, client=self.client)])
        wait_for(lambda: self.peerpulse.peer("node2")["tls"]["expires"]["peer"], 10 * SLOWDOWN, "the peer's certificate is known")
        expires = self.peerpulse.peer("node2")["tls"]["expires"]
        for whose in ("peer", "client"):
            self.assertTrue(expires[whose].startswith("2090-01-01T00:00:00"), expires)
            metric = f'peerpulse_tls_certificate_not_after_seconds{{peer="node2",certificate="{whose}"}}'
            self.assertEqual(self.peerpulse.metrics()[metric], 3786912000)
        self.assertIsNone(expires["listener"])


class FanOut(TlsCase):
    """The API's calls go over TLS, too; a peer whose certificate is not accepted is one that failed."""

    def test_quorum_and_aggregate(self):
        good = [TlsNginx(self.host, ServerTls(self.good)).start() for _ in range(2)]
        wrong = TlsNginx(self.host, ServerTls(self.authority.issue("another", "DNS:another"))).start()
        api = ("127.0.0.1", free_port(self.host))
        self.peerpulse = self.start_peerpulse(
            self.host, [self.secure(f"node{number}", server) for number, server in enumerate([*good, wrong], start=2)],
            api={"listen": "{}:{}".format(*api)})
        stored = request(self.host, api, "PUT", "/quorum/stored", b"bytes", {"peerpulse-quorum": "2"}, timeout=20)
        self.assertEqual(stored.status, 200, stored.body)
        for server in good:
            wait_for(lambda server=server: (server.root / "stored").exists(), 10 * SLOWDOWN, "it is stored")
        listed = request(self.host, api, "GET", "/aggregate/hello", timeout=20).json()
        states = {one["peer"]: one["state"] for one in listed["peers"]}
        self.assertEqual((states["node2"], states["node3"], listed["partial"]), ("ok", "ok", True))
        self.assertNotEqual(states["node4"], "ok")
        self.assertEqual(set(self.failures("node4")), {"certificate"})


class Tunnels(TlsCase):
    def setUp(self):
        super().setUp()
        self.ends: list[str] = []
        """How the peer's side of each tunnel ended."""
        server = self.start_tls_peer(self.serve)
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)])

    def serve(self, end, head: bytes) -> bool:
        if b" /tunnel" not in head:
            end.write(answer("200 OK"))
            return True
        end.write(_SWITCH)
        try:
            while data := end.read():
                end.write(data)
                if data == b"cut me":
                    end.leave()
                    return False
            self.ends.append("close_notify")
        except (TlsFailed, ConnectionResetError) as failure:
            self.ends.append(str(failure))
            return False
        end.write(b"late")
        end.close_notify()
        end.leave()
        return False

    def tunnel(self) -> Http1Client:
        client = self.enterContext(Http1Client(self.host, self.peerpulse.listen["node2"], timeout=30))
        client.send_head("GET", "/tunnel", {"Connection": "Upgrade", "Upgrade": "test"})
        self.assertEqual(client.read_head().status, 101)
        client.send(b"hello")
        self.assertEqual(client.read(5), b"hello")
        return client

    def test_a_half_close_passes_as_close_notify_and_the_other_way_goes_on(self):
        client = self.tunnel()
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read(4), b"late")
        self.assertTrue(client.ended())
        self.assertEqual(self.ends, ["close_notify"])

    def test_an_end_without_close_notify_is_passed_on_as_a_reset(self):
        client = self.tunnel()
        client.send(b"cut me")
        self.assertEqual(client.read(6), b"cut me")
        self.assertTrue(client.closed_by_reset())
        self.assertEqual(self.failures("node2"), {"truncated": 1})

    def test_many_bytes_both_ways(self):
        client = self.tunnel()
        for at in range(0, 4 * _MIB, 100_003):
            piece = _BODY[at:at + 100_003]
            client.send(piece)
            self.assertEqual(client.read(len(piece)), piece)
