"""Certificate files that change while connections use what was read from them."""

import contextlib
import os
import pathlib
import shutil
import ssl
import subprocess

from tests.harness import cli
from tests.harness.certificates import Authority, Certificate
from tests.harness.clients import curl, url
from tests.harness.host import connect
from tests.harness.http1 import request
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN, Peer, Peerpulse
from tests.harness.scripted_peer import answer
from tests.harness.tls_case import TlsCase, tls_downstream, tls_upstream
from tests.harness.tls_client import TlsClient
from tests.harness.tls_servers import ServerTls, TlsNginx
from tests.harness.waiting import wait_for

_LOOKED_S = 10 * SLOWDOWN
"""Files are looked at every second."""
_SOONER = ("20200101000000Z", "20400101000000Z")


class Files(TlsCase):
    def setUp(self):
        super().setUp()
        self.live = Certificate(self.host.directory / "live.pem", self.host.directory / "live.key")
        self.put(self.good)

    def put(self, certificate: Certificate) -> None:
        """One file after the other, each by a rename: whoever reads meanwhile has two that do not fit."""
        for source, target in ((certificate.file, self.live.file), (certificate.key, self.live.key)):
            shutil.copy(source, f"{target}.new")
            os.replace(f"{target}.new", target)

    def start_listener(self) -> None:
        self.server = NginxPeer(self.host).start()
        self.server.add_file("hello", b"hello")
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.server.address, tls_downstream(self.live))])
        self.listen = self.peerpulse.listen["node2"]

    def shown(self) -> str:
        """The name in the certificate that a new client sees."""
        context = ssl.create_default_context(cafile=self.authority.file)
        with context.wrap_socket(connect(self.host, self.listen), server_hostname="127.0.0.1") as client:
            return dict(part[0] for part in client.getpeercert()["subject"])["commonName"]

    def reloads(self, result: str) -> float:
        return self.peerpulse.metrics()[f'peerpulse_tls_reloads_total{{result="{result}"}}']

    def logged(self, event: str, count: int = 1) -> list[dict]:
        """At least so many lines: the log has a thread of its own."""
        def lines() -> list[dict] | None:
            found = [line for line in self.peerpulse.log_lines() if line["event"] == event]
            return found if len(found) >= count else None
        return wait_for(lines, 10 * SLOWDOWN, f"{count} lines of {event}")

    def test_a_certificate_is_replaced_under_load(self):
        self.start_listener()
        old = self.enterContext(TlsClient(self.host, self.listen))
        old.get("/hello")
        self.assertTrue(old.read_until(b"hello"))
        target = url(self.listen, "/hello").replace("http:", "https:")
        clients = [self.host.spawn(["h2load", "--h1", "-D", "4", "-c", "8", target], name="steady")]
        with contextlib.ExitStack() as fresh:
            for number, name in enumerate(("second", "third"), start=1):
                self.put(self.authority.issue(name))
                while self.reloads("taken") < number:  # new clients all the time
                    result = curl(self.host, target, "--cacert", str(self.authority.file))
                    self.assertEqual((result.exit_code, result.status), (0, 200), result.errors)
                self.assertEqual(self.shown(), name)
                client = fresh.enter_context(TlsClient(self.host, self.listen))
                for one in (old, client):
                    one.get("/hello")
                    self.assertTrue(one.read_until(b"hello"), "old connections and new ones go on")
        for client in clients:
            client.popen.wait(60 * SLOWDOWN)
            self.assertRegex(client.output(), r"requests: (\d+) total, \d+ started, \1 done, \1 succeeded, 0 failed, 0 errored")
        self.assertEqual(self.failures("node2", "downstream"), {})
        line = self.logged("tls_reloaded")[0]
        self.assertEqual(line["where"], "/peers/0/tls/downstream")
        self.assertIn(str(self.live.file), line["files"])
        self.assertTrue(line["expires"].startswith("2090-01-01"))

    def test_what_cannot_be_used_is_not_taken(self):
        """A key that does not fit, files that are no longer there, and rubbish: the old ones stay, and it is said."""
        self.start_listener()
        other = self.authority.issue("other")
        spoil = {
            "another key": (lambda: shutil.copy(other.key, self.live.key), "private key is not that of the certificate"),
            "no file": (self.live.file.unlink, "No such file"),
            "rubbish": (lambda: self.live.file.write_text("rubbish", encoding="ascii"), "no certificate (PEM)"),
        }
        for number, (name, (spoils, words)) in enumerate(spoil.items(), start=1):
            with self.subTest(name):
                spoils()
                wait_for(lambda: self.reloads("failed") >= number, _LOOKED_S, "it is found")
                line = self.logged("tls_reload_failed", number)[-1]
                self.assertEqual((line["level"], line["where"]), ("error", "/peers/0/tls/downstream"))
                self.assertIn(words, line["error"])
                self.assertEqual(self.shown(), "good")
        taken = self.reloads("taken")
        self.put(other)
        wait_for(lambda: self.reloads("taken") > taken, _LOOKED_S, "what can be used is taken")
        self.assertEqual(self.shown(), "other")

    def test_expiry_follows(self):
        self.start_listener()
        for certificate, when, seconds in ((None, "2090-01-01T00:00:00", 3786912000),
                                           (self.authority.issue("sooner", valid=_SOONER), "2040-01-01T00:00:00", 2208988800)):
            if certificate:
                self.put(certificate)
                wait_for(lambda: self.reloads("taken") > 0, _LOOKED_S, "it is taken")
            self.assertTrue(self.peerpulse.peer("node2")["tls"]["expires"]["listener"].startswith(when))
            metric = 'peerpulse_tls_certificate_not_after_seconds{peer="node2",certificate="listener"}'
            self.assertEqual(self.peerpulse.metrics()[metric], seconds)

    def test_another_authority_and_another_certificate_towards_a_peer(self):
        """All nodes of a cluster change over: the peer's certificate is of a new authority, and it wants one of that."""
        fresh = Authority(self.host.directory / "fresh", "the new authority")
        trusted = pathlib.Path(self.host.directory / "trusted.pem")
        shutil.copy(self.authority.file, trusted)
        self.put(self.client)
        old = TlsNginx(self.host, ServerTls(self.good, self.authority.file)).start()
        new = TlsNginx(self.host, ServerTls(fresh.issue("peer"), fresh.file)).start()
        options = tls_upstream(self.authority, self.live, ca_file=str(trusted))
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer(name, server.address, options) for name, server in (("old", old), ("new", new))])

        def status(name: str) -> int:
            return request(self.host, self.peerpulse.listen[name], "GET", "/hello").status

        self.assertEqual((status("old"), status("new")), (200, 502))  # one failure: no circuit opens
        shutil.copy(fresh.file, f"{trusted}.new")
        os.replace(f"{trusted}.new", trusted)
        wait_for(lambda: self.reloads("taken") > 0, _LOOKED_S, "the authority is taken")
        taken = self.reloads("taken")
        self.put(fresh.issue("node"))
        wait_for(lambda: self.reloads("taken") > taken, _LOOKED_S, "the certificate is taken")
        self.assertEqual(status("new"), 200)
        # Peers with the same options share what is read.
        self.assertEqual({line["where"] for line in self.logged("tls_reloaded")}, {"/peers/0/tls/upstream"})

    def test_a_long_exchange_outlives_what_it_began_with(self):
        """A connection goes on with what it has; a session of the old authority's is not resumed."""
        self.put(self.client)
        server = self.start_tls_peer(lambda end, head: end.write(answer("200 OK", b"ok")) is None)
        peer = Peer("node2", server.address, tls_upstream(self.authority, self.live))
        self.peerpulse = self.start_peerpulse(self.host, [peer], workers=1)
        listen = self.peerpulse.listen["node2"]
        self.assertEqual(request(self.host, listen, "GET", "/x").status, 200)
        self.put(self.authority.issue("changed", "DNS:client"))
        wait_for(lambda: self.reloads("taken") > 0, _LOOKED_S, "it is taken")
        self.assertEqual(request(self.host, listen, "GET", "/x").status, 200)
        self.assertEqual(self.handshakes("node2"), {"full": 1, "resumed": 0})


class Check(TlsCase):
    """What is wrong from the beginning is said by `check`, and `run` does not begin."""

    def configured(self, options: dict) -> Peerpulse:
        return Peerpulse(self.host, [Peer("node2", "127.0.0.1:9", options)])

    def test_files_that_cannot_be_used(self):
        locked = self.certificates / "locked.key"
        subprocess.run(["openssl", "pkey", "-in", str(self.good.key), "-aes256", "-passout", "pass:secret", "-out", str(locked)],
                       check=True, timeout=60)
        rubbish = self.certificates / "rubbish.pem"
        rubbish.write_text("rubbish", encoding="ascii")
        good, key = str(self.good.file), str(self.good.key)
        cases = [
            ({"downstream": {"certificate_file": "/nowhere.pem", "key_file": key}}, "/nowhere.pem", "No such file"),
            ({"downstream": {"certificate_file": str(rubbish), "key_file": key}}, str(rubbish), "no certificate (PEM)"),
            ({"downstream": {"certificate_file": good, "key_file": str(self.client.key)}}, str(self.client.key),
             "private key is not that of the certificate"),
            ({"downstream": {"certificate_file": good, "key_file": str(locked)}}, str(locked), "without a pass phrase"),
            ({"downstream": {"certificate_file": good, "key_file": key, "sni_certificates": [good]}}, good, "no private key"),
            ({"downstream": {"certificate_file": good, "key_file": key, "client_certificate": "required",
                             "client_ca_file": str(rubbish)}}, str(rubbish), "no authorities of clients"),
            ({"upstream": {"enabled": True, "ca_file": str(rubbish)}}, str(rubbish), "no trusted certificates"),
            ({"upstream": {"enabled": True, "ca_file": str(self.authority.file), "certificate_file": good, "key_file":
                           str(self.client.key)}}, str(self.client.key), "private key is not that of the certificate"),
        ]
        for tls, file, words in cases:
            with self.subTest(file=file, words=words):
                peerpulse = self.configured({"tls": tls})
                pointer = f"/peers/0/tls/{next(iter(tls))}"
                checked = cli.run(self.host, "check", "--config", str(peerpulse.config_file))
                ran = cli.run(self.host, "run", "--config", str(peerpulse.config_file))
                self.assertNotEqual((checked.status, ran.status), (0, 0))
                for said in (checked.output + checked.errors, ran.output + ran.errors):
                    for wanted in (pointer, file, words):
                        self.assertIn(wanted, said)

    def test_good_files_are_good(self):
        peerpulse = self.configured({**tls_upstream(self.authority, self.client)})
        self.assertEqual(cli.run(self.host, "check", "--config", str(peerpulse.config_file)).status, 0)
