"""Peers that speak TLS wrongly, badly or not at all: each ends with its name and its owner, none as a clean end."""

import dataclasses
import socket
import threading

from tests.harness import h2_frames
from tests.harness.certificates import EXPIRED, NOT_YET_VALID, Authority, self_signed
from tests.harness.clients import CURL_H2_STREAM, curl, url
from tests.harness.connection_listener import ConnectionListener
from tests.harness.host import free_port
from tests.harness.http1 import Http1Client, request
from tests.harness.openssl_end import TLS1_1, TLS1_2
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.tls_case import TlsCase, tls_upstream
from tests.harness.waiting import wait_for

_PLAIN_HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
_GARBAGE = b"\x16\x03\x03\x00\x10" + b"\xff" * 16
_FLOOD = 100
"""Records without data in a row: three times what is borne."""


@dataclasses.dataclass(frozen=True)
class Wrong:
    """How each exchange with a wrong peer ends."""

    error: str
    details: str
    """In its words."""
    reason: str = ""
    """In the metric."""
    party: str = "peer"
    status: int = 502


_UNACCEPTED = "was not accepted: "
_HANDSHAKES = {
    "expired": Wrong("tls_certificate_error", _UNACCEPTED + "certificate has expired", "certificate"),
    "early": Wrong("tls_certificate_error", _UNACCEPTED + "certificate is not yet valid", "certificate"),
    "misnamed": Wrong("tls_certificate_error", _UNACCEPTED + "IP address mismatch", "certificate"),
    "self-signed": Wrong("tls_certificate_error", _UNACCEPTED + "self-signed certificate", "certificate"),
    "foreign": Wrong("tls_certificate_error", _UNACCEPTED + "unable to get local issuer", "certificate"),
    # What it does not like of ours is not its failure. In TLS 1.3 it says so after the handshake.
    "unshown-1.2": Wrong("tls_alert_received", "certificate", "identity", "self"),
    "unshown-1.3": Wrong("tls_alert_received", "certificate", "identity", "self"),
    "disliked-1.2": Wrong("tls_alert_received", "did not accept our certificate", "identity", "self"),
    "disliked-1.3": Wrong("tls_alert_received", "did not accept our certificate", "identity", "self"),
    "old": Wrong("tls_alert_received", "protocol version", "alert"),
    "plain": Wrong("tls_protocol_error", "plain HTTP came where TLS is spoken", "plain_text"),
    "text": Wrong("tls_protocol_error", "plain text came where TLS is spoken", "plain_text"),
    "garbage": Wrong("tls_protocol_error", "TLS: unexpected message", "protocol"),
    "closing": Wrong("connection_terminated", "closed by the remote side during the TLS handshake"),
    "mute": Wrong("connection_timeout", "no connection to the peer in time", status=504),
    # A server with nothing to choose from what it is offered goes on without, or ends the handshake (RFC 7301 3.2).
    "h1-silent": Wrong("http_protocol_error", "speaks no HTTP/2 on this port: by ALPN it chose nothing", "no_http2"),
    "h1-strict": Wrong("http_protocol_error", "speaks no HTTP/2 on this port: it refused it by ALPN", "no_http2"),
}


class Handshakes(TlsCase):
    def setUp(self):
        super().setUp()
        self.hellos = dict.fromkeys(_HANDSHAKES, 0)
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        foreign = Authority(self.certificates / f"foreign-{id(self)}", "another authority")
        ours = str(self.authority.file)
        theirs = str(foreign.file)
        tls = self.start_tls_peer
        self.servers = {
            "expired": tls(certificate=self.authority.issue("expired", valid=EXPIRED)),
            "early": tls(certificate=self.authority.issue("early", valid=NOT_YET_VALID)),
            "misnamed": tls(certificate=self.authority.issue("misnamed", "DNS:another", "IP:127.0.0.2")),
            "self-signed": tls(certificate=self_signed(self.certificates, "alone")),
            "foreign": tls(certificate=foreign.issue("foreign")),
            "unshown-1.2": tls(client_ca=ours, max_version=TLS1_2),
            "unshown-1.3": tls(client_ca=ours),
            "disliked-1.2": tls(client_ca=theirs, max_version=TLS1_2),
            "disliked-1.3": tls(client_ca=theirs),
            "old": tls(min_version=TLS1_1, max_version=TLS1_1),
            "plain": self.start_raw("plain", _PLAIN_HTTP),
            "text": self.start_raw("text", b"SSH-2.0-OpenSSH_9.2\r\n"),
            "garbage": self.start_raw("garbage", _GARBAGE),
            "closing": self.start_raw("closing", b""),
            "mute": self.start_raw("mute", None),
            "h1-silent": tls(),
            "h1-strict": tls(alpn=b"http/1.1", alpn_strict=True),
        }

    def start_raw(self, name: str, sends: bytes | None) -> ConnectionListener:
        """Says this to every client, whatever it said; None: nothing, and waits."""
        def serve(connection) -> None:
            if not connection.recv(65536):
                return
            self.hellos[name] += 1
            if sends is None:
                self.over.wait(60)
            elif sends:
                connection.sendall(sends)
                connection.recv(65536)

        server = ConnectionListener(self.host, serve)
        self.addCleanup(server.close)
        return server

    def start(self, **config):
        peers = []
        for name, server in self.servers.items():
            peer = self.secure(name, server, client=self.client if name.startswith("disliked") else None)
            if name.startswith("h1-"):
                peer.options["protocol"] = "http2"
            peers.append(peer)
        self.peerpulse = self.start_peerpulse(self.host, peers, **config)

    def greeted(self, name: str) -> int:
        """Handshakes that were begun."""
        return self.hellos[name] + getattr(self.servers[name], "greeted", 0)

    def assert_told(self, name: str, wrong: Wrong) -> None:
        h2 = name.startswith("h1-")
        answered = (curl(self.host, url(self.peerpulse.listen[name], "/x"), h2=True) if h2 else
                    request(self.host, self.peerpulse.listen[name], "GET", "/x"))
        self.assertEqual(answered.status, wrong.status)
        self.assertIn(f"error={wrong.error};", answered.headers["proxy-status"])
        self.assertIn(wrong.details, answered.headers["proxy-status"])
        line = self.line(name, "/x")
        self.assertEqual((line["error"], line["party"]), (wrong.error, wrong.party))
        self.assertIn(wrong.details, line["details"])
        state = self.peerpulse.peer(name)
        self.assertEqual((state["last_error"]["error"], state["last_error"]["party"]), (wrong.error, wrong.party))
        counted = {reason for reason, count in self.failures(name).items() if count}
        self.assertEqual(counted, {wrong.reason} - {""})
        if wrong.reason:
            metric = f'peerpulse_tls_failures_total{{peer="{name}",side="upstream",reason="{wrong.reason}"}}'
            self.assertEqual(self.peerpulse.metrics()[metric], self.failures(name)[wrong.reason])
        self.assertIn(state["verdict"], ("alive", "suspect"))

    def test_each_has_its_name_and_owner(self):
        self.start(timeouts={"bulk": {"connect": "700ms"}}, metrics={"per_peer": "full"})
        for name, wrong in _HANDSHAKES.items():
            with self.subTest(peer=name):
                self.assert_told(name, wrong)

    def test_only_what_the_peer_did_opens_its_circuit(self):
        self.start(timeouts={"bulk": {"connect": "100ms"}})
        for name, wrong in _HANDSHAKES.items():
            if name.startswith("h1-"):
                continue
            with self.subTest(peer=name):
                for _ in range(3):
                    request(self.host, self.peerpulse.listen[name], "GET", "/x")
                wanted = "open" if wrong.party == "peer" else "closed"
                state = self.peerpulse.wait_circuit(name, wanted)
                self.assertEqual(state["reason"] == "request_failures", wanted == "open")
                self.assertEqual(state["failures_total"], 3 if wrong.party == "peer" else 0)

    def test_the_prober_does_not_hammer_them(self):
        """It falls back to what needs no TLS, knows that they live, and finds none of those stalled that answer at all."""
        self.start(probe={"stall_after": "1s"})
        settled = [name for name in self.servers if name != "mute"]
        for name in settled:
            wait_for(lambda: self.peerpulse.peer(name)["probe"]["mode"] == "l4", 20 * SLOWDOWN, f"{name} is on its rung")
            wait_for(lambda: self.peerpulse.peer(name)["probe"]["process"] == "connect" or name.startswith("h1-"), 20 * SLOWDOWN,
                     f"the process of {name} is asked by connects")
        for name in settled:
            with self.subTest(peer=name):
                before, probed = self.greeted(name), self.peerpulse.peer(name)["probe"]["sent"]
                wait_for(lambda: self.peerpulse.peer(name)["probe"]["sent"] > probed + 40, 20 * SLOWDOWN, "40 probes")
                self.assertLessEqual(self.greeted(name) - before, 3)
                self.assertLess(before, 12)
                bad = [event["to"] for event in self.peerpulse.events() if event["peer"] == name
                       and event["to"] in ("dead", "refusing", "stalled")]
                self.assertEqual(bad, [])
        self.assertLess(self.greeted("mute"), 60)
        self.assertEqual(self.peerpulse.wait_verdict("mute", "stalled", 20)["circuit"], "closed")

    def test_a_slow_handshake_is_waited_for(self):
        def late(connection) -> None:
            if connection.recv(1, socket.MSG_PEEK):
                self.over.wait(0.4)
            peer.serve_connection(connection)

        peer = self.start_tls_peer()
        slow = ConnectionListener(self.host, late)
        self.addCleanup(slow.close)
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", slow)])
        self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "GET", "/x").status, 200)
        self.assertEqual(self.failures("node2"), {})


class Back(TlsCase):
    """A process that begins has many handshakes to do: it is slow, and its host lives all the same."""

    def test_a_slow_handshake_ends_an_outage(self):
        port = free_port(self.host)
        address = f"{self.host.address}:{port}"
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", address, tls_upstream(self.authority))])
        self.peerpulse.wait_verdict("node2", "refusing")
        over = threading.Event()
        self.addCleanup(over.set)

        def late(connection) -> None:
            if connection.recv(1, socket.MSG_PEEK):
                over.wait(0.8)
                peer.serve_connection(connection)

        peer = self.start_tls_peer()
        slow = ConnectionListener(self.host, late, port=port)
        self.addCleanup(slow.close)
        self.peerpulse.wait_circuit("node2", "closed", 15)
        self.assertEqual([event["to"] for event in self.peerpulse.events()], ["refusing", "alive"])
        self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "GET", "/x").status, 200)


_HALF = {
    "length": b"Content-Length: 100\r\n\r\n" + b"x" * 50,
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n32\r\n" + b"x" * 50 + b"\r\n",
    "close": b"\r\n" + b"x" * 50,
}


def _end_badly(end, how: str) -> None:
    if how == "alert":
        end.alert()
    elif how == "notify":
        end.close_notify()
    elif how in ("flood", "asking-flood"):
        for _ in range(_FLOOD):
            end.key_update(how == "asking-flood")
        end.read()
    elif how in ("renegotiate", "renegotiate-flood"):
        for _ in range(_FLOOD if how == "renegotiate-flood" else 1):
            end.renegotiate()
        end.read()
    end.leave()


class Bodies(TlsCase):
    """An answer that begins well and ends badly; `how` it ends and how its body's end is told are in the path."""

    def serve(self, end, head: bytes) -> bool:
        _, how, body = head.split(b" ")[1].decode().split("/")
        end.write(b"HTTP/1.1 200 OK\r\n" + _HALF[body])
        _end_badly(end, how)
        return False

    def serve_h2(self, end, stream: int) -> bool:
        end.write(h2_frames.head(stream) + h2_frames.data(stream, b"x" * 50))
        _end_badly(end, self.how)
        return False

    def setUp(self):
        super().setUp()
        # The circuit is not what is looked at.
        self.config = {"workers": 1, "circuit": {"failure_threshold": 1000}}

    def end_of(self, name: str, path: str) -> str:
        with Http1Client(self.host, self.peerpulse.listen[name], timeout=30) as client:
            client.send_head("GET", path, {"Connection": "close"})
            self.assertEqual(client.read_head().status, 200)
            return "reset" if client.closed_by_reset() else "fin"

    def assert_incomplete(self, name: str, path: str, details: str) -> None:
        line = self.line(name, path)
        self.assertEqual((line["error"], line["party"], line["status"]), ("http_response_incomplete", "peer", 200))
        self.assertIn(details, line["details"])
        self.assertEqual(self.peerpulse.peer(name)["last_error"]["error"], "http_response_incomplete")

    def test_h1(self):
        self.servers = {"v1.2": self.start_tls_peer(self.serve, max_version=TLS1_2), "v1.3": self.start_tls_peer(self.serve)}
        self.peerpulse = self.start_peerpulse(
            self.host, [self.secure(name, server) for name, server in self.servers.items()], **self.config)
        ends = [("alert", "TLS alert 20, bad record mac", "alert"), ("cut", "without TLS's close_notify", "truncated"),
                ("notify", "end of file", "")]
        for name in self.servers:
            wanted = {}
            for how, details, reason in ends:
                for body in _HALF:
                    with self.subTest(version=name, how=how, body=body):
                        clean = (how, body) == ("notify", "close")  # the one end that says that this was all
                        self.assertEqual(self.end_of(name, f"/{how}/{body}"), "fin" if clean else "reset")
                        if not clean:
                            self.assert_incomplete(name, f"/{how}/{body}", details)
                        if reason:
                            wanted[reason] = wanted.get(reason, 0) + 1
                        self.assertEqual(self.failures(name), wanted)
            state = self.peerpulse.peer(name)
            self.assertEqual((state["verdict"], state["circuit"]), ("alive", "closed"))

    def test_h2(self):
        self.how = ""
        server = self.start_tls_peer(self.serve_h2, alpn=b"h2")
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)], **self.config)
        wait_for(lambda: self.peerpulse.peer("node2")["probe"]["acked"] > 5, 10 * SLOWDOWN, "PINGs are answered over TLS")
        for how, details, failures in (("cut", "without TLS's close_notify", {"truncated": 1}),
                                       ("alert", "TLS alert 20, bad record mac", {"truncated": 1, "alert": 1}),
                                       ("notify", "end of file", {"truncated": 1, "alert": 1}),
                                       ("flood", "records without data in a row", {"truncated": 1, "alert": 1, "protocol": 1})):
            with self.subTest(how=how):
                self.how = how
                result = curl(self.host, url(self.peerpulse.listen["node2"], f"/{how}"), h2=True)
                self.assertEqual(result.exit_code, CURL_H2_STREAM, result.errors)
                # The reset may overtake what came before it.
                self.assertIn((result.status, len(result.body)), ((200, 50), (200, 0), (0, 0)))
                self.assert_incomplete("node2", f"/{how}", details)
                self.assertEqual(self.failures("node2"), failures)
        state = self.peerpulse.peer("node2")
        self.assertEqual((state["verdict"], state["circuit"], state["probe"]["mode"]), ("alive", "closed", "fast_ping"))

    def test_a_flood_of_key_updates_is_ended(self):
        server = self.start_tls_peer(self.serve)
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)], **self.config)
        for count, how in enumerate(("flood", "asking-flood"), start=1):
            with self.subTest(how=how):
                self.assertEqual(self.end_of("node2", f"/{how}/length"), "reset")
                self.assert_incomplete("node2", f"/{how}/length", "records without data in a row")
                self.assertEqual(self.failures("node2"), {"protocol": count})

    def test_renegotiation_is_refused(self):
        for how, details, reason in (("renegotiate", "TLS alert", "alert"),
                                     ("renegotiate-flood", "records without data in a row", "protocol")):
            with self.subTest(how=how):
                server = self.start_tls_peer(self.serve, max_version=TLS1_2)
                self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)], **self.config)
                self.assertEqual(self.end_of("node2", f"/{how}/length"), "reset")
                if how == "renegotiate":  # of a flood the reset may be all that it hears
                    wait_for(lambda: "no renegotiation" in server.failures, 10 * SLOWDOWN, "the peer is told")
                self.assert_incomplete("node2", f"/{how}/length", details)
                self.assertEqual(self.failures("node2"), {reason: 1})

    def test_key_updates_between_data_are_harmless(self):
        def serve(end, head: bytes) -> bool:
            end.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
            for _ in range(4 * _FLOOD):
                end.key_update(requested=True)
                end.write(b"x" * 10)
            return True

        server = self.start_tls_peer(serve)
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)], **self.config)
        for _ in range(2):
            self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "GET", "/x").body, b"x" * 4000)
        self.assertEqual(self.failures("node2"), {})

    def test_an_idle_connection_with_tickets_and_key_updates_is_used_again(self):
        told = threading.Semaphore(0)

        def serve(end, head: bytes) -> bool:
            connections.add(end)
            end.write(answer("200 OK", b"ok"))
            for _ in range(5):
                end.key_update()
            told.release()
            return True

        connections = set()
        server = self.start_tls_peer(serve)
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)], **self.config)
        for _ in range(10):
            self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "GET", "/x").body, b"ok")
            self.assertTrue(told.acquire(timeout=10))
        self.assertEqual(len(connections), 1)
        self.assertEqual(self.handshakes("node2"), {"full": 1, "resumed": 0})

    def test_an_idle_connection_that_the_peer_ended_is_not_used_again(self):
        """With and without close_notify: neither is a failure, and no exchange notices."""
        for polite in (True, False):
            with self.subTest(polite=polite):
                self.assert_unnoticed(polite)

    def assert_unnoticed(self, polite: bool) -> None:
        def serve(end, head: bytes) -> bool:
            end.write(answer("200 OK", b"ok"))
            if polite:
                end.close_notify()
            end.leave()
            return False

        server = self.start_tls_peer(serve)
        self.peerpulse = self.start_peerpulse(self.host, [self.secure("node2", server)], **self.config)
        for number in range(1, 11):
            self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "PUT", "/x", b"x").status, 200)
            wait_for(lambda: self.peerpulse.peer("node2")["connections"]["idle"] == 0, 10 * SLOWDOWN, "it is let go")
            self.assertEqual(sum(self.handshakes("node2").values()), number)
        self.assertEqual((self.failures("node2"), self.peerpulse.peer("node2")["failures_total"]), ({}, 0))
