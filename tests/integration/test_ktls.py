"""kTLS: the kernel encrypts what is sent. Most test machines' kernels have it not: tests/lab/test_ktls.py runs this in one that has."""

import errno
import hashlib
import socket
import unittest

from tests.harness.bodies import unlike
from tests.harness.clients import curl, url
from tests.harness.openssl_end import TLS1_2
from tests.harness.peerpulse import Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.scripted_peer import answer
from tests.harness.tls_case import TlsCase, tls_downstream
from tests.harness.tls_client import TlsClient

_TCP_ULP = 31
_BODY = unlike(32 * 90_000) + b"end"
_VERSIONS = ("1.2", "1.3")


def kernel_has_tls() -> bool:
    """One that has refuses it for the want of a connection only."""
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.IPPROTO_TCP, _TCP_ULP, b"tls")
        except OSError as error:
            return error.errno == errno.ENOTCONN
    return False


def _echo(end, head: bytes) -> bool:
    """The body of a PUT, which says its length; any other request gets a long one."""
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
    body = b""
    if b"content-length" in fields:
        while len(body) < int(fields[b"content-length"]):
            received = end.read()
            if not received:
                return False
            body += received
    else:
        body = _BODY
    end.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    end.write(body)
    return True


class KtlsCase(TlsCase):
    def start(self, servers: dict, **config) -> None:
        """Both sides speak TLS and ask for the kernel."""
        peers = []
        for name, server in servers.items():
            options = tls_downstream(self.good, ktls=True)
            if server.certified:
                options["tls"]["upstream"] = {"enabled": True, "ca_file": str(self.authority.file), "ktls": True}
            peers.append(Peer(name, server.address, options))
        self.peerpulse = self.start_peerpulse(self.host, peers, workers=1, **config)

    def start_peer(self, serve=_echo, **rules):
        peer = self.start_tls_peer(serve, **rules)
        peer.certified = True
        return peer

    def connections(self, name: str, side: str) -> int:
        return self.peerpulse.peer(name)["tls"][side]["ktls_connections"]

    def curl(self, name: str, path: str, *arguments: str, h2: bool = False):
        target = url(self.peerpulse.listen[name], path).replace("http:", "https:", 1)
        return curl(self.host, target, "--cacert", str(self.authority.file), *arguments, h2=h2)

    def body_file(self) -> str:
        file = self.host.directory / "body"
        file.write_bytes(_BODY)
        return str(file)


@unittest.skipUnless(kernel_has_tls(), "this kernel encrypts no TLS (its module tls)")
class WithKernel(KtlsCase):
    def test_bodies_both_ways(self):
        self.start({"1.2": self.start_peer(max_version=TLS1_2), "1.3": self.start_peer()})
        file = self.body_file()
        for name in _VERSIONS:
            with self.subTest(version=name):
                for arguments in ((), ("-T", file)):
                    result = self.curl(name, "/x", "--tls-max", name, *arguments)
                    self.assertEqual((result.exit_code, result.status), (0, 200), result.errors)
                    self.assertEqual(hashlib.sha256(result.body).hexdigest(), hashlib.sha256(_BODY).hexdigest())
                self.assertGreaterEqual(self.connections(name, "upstream"), 1)
                self.assertEqual(self.connections(name, "downstream"), 2)
                for side in ("upstream", "downstream"):
                    self.assertEqual(self.failures(name, side), {})

    def test_http2_to_the_client(self):
        server = NghttpdPeer(self.host)
        server.certified = False
        server.add_file("body", _BODY)
        self.start({"node2": server.start()})
        for version in _VERSIONS:
            with self.subTest(version=version):
                result = self.curl("node2", "/body", "--tls-max", version, h2=True)
                self.assertEqual((result.exit_code, result.status, result.body == _BODY), (0, 200, True), result.errors)
        self.assertEqual(self.connections("node2", "downstream"), 2)

    def test_a_client_hears_that_this_was_all(self):
        self.start({"node2": self.start_peer(lambda end, head: end.write(b"HTTP/1.1 200 OK\r\n\r\nbody") or end.close_notify())})
        with TlsClient(self.host, self.peerpulse.listen["node2"]) as client:
            client.get("/x", "Connection: close")
            answer = b""
            while received := client.read():  # until close_notify: an end without raises
                answer += received
            self.assertIn(b"body", answer)
        self.assertEqual(self.connections("node2", "downstream"), 1)

    def test_key_updates_that_ask_for_none_are_harmless(self):
        def serve(end, head: bytes) -> bool:
            end.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n")
            for _ in range(20):
                end.key_update()
                end.write(b"x" * 10)
            return True

        self.start({"node2": self.start_peer(serve)})
        for _ in range(3):
            result = self.curl("node2", "/x")
            self.assertEqual((result.status, result.body), (200, b"x" * 200))
        self.assertEqual(self.handshakes("node2"), {"full": 1, "resumed": 0})

    def test_a_peer_that_asks_for_new_keys_gets_no_new_request(self):
        def serve(end, head: bytes) -> bool:
            connections.add(end)
            end.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
            end.key_update(requested=True)
            end.write(b"x" * 50)
            return True

        connections = set()
        self.start({"node2": self.start_peer(serve)})
        for count in (1, 2, 3):
            self.assertEqual(self.curl("node2", "/x").body, b"x" * 100)
            self.assertEqual(len(connections), count)
        self.assertEqual((self.failures("node2"), self.peerpulse.peer("node2")["failures_total"]), ({}, 0))

    def test_a_client_that_asks_for_new_keys_is_answered_and_let_go(self):
        self.start({"node2": self.start_peer(lambda end, head: end.write(answer("200 OK", b"ok")) is None)})
        with TlsClient(self.host, self.peerpulse.listen["node2"]) as client:
            client.get("/x")
            self.assertNotIn(b"connection: close", client.read_until(b"ok").lower())
            client.key_update(requested=True)
            client.get("/x")
            self.assertIn(b"connection: close", client.read_until(b"ok").lower())
            self.assertEqual(client.read(), b"", "close_notify")
        self.assertEqual(self.failures("node2", "downstream"), {})


@unittest.skipIf(kernel_has_tls(), "this kernel encrypts TLS")
class WithoutKernel(KtlsCase):
    def test_it_is_said_and_everything_works(self):
        self.start({"node2": self.start_peer()})
        line = next(line for line in self.peerpulse.log_lines() if line["event"] == "ktls")
        self.assertEqual((line["level"], line["available"]), ("warn", False))
        self.assertIn("modprobe tls", line["todo"])
        result = self.curl("node2", "/x", "-T", self.body_file())
        self.assertEqual((result.status, result.body == _BODY), (200, True), result.errors)
        self.assertEqual((self.connections("node2", "upstream"), self.connections("node2", "downstream")), (0, 0))
        self.assertEqual((self.failures("node2"), self.failures("node2", "downstream")), ({}, {}))
