"""Base of the test cases about TLS: certificates of every kind, made once for a class."""

from tests.harness.case import LocalCase
from tests.harness.certificates import Authority, Certificate, class_directory
from tests.harness.openssl_end import TlsRules
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.tls_peer import TlsPeer
from tests.harness.waiting import wait_for


def tls_upstream(authority: Authority, client: Certificate | None = None, **options) -> dict:
    """Options of a peer that speaks TLS."""
    own = {"certificate_file": str(client.file), "key_file": str(client.key)} if client else {}
    return {"tls": {"upstream": {"enabled": True, "ca_file": str(authority.file), **own, **options}}}


def tls_downstream(certificate: Certificate, **options) -> dict:
    """Options of a peer whose listener speaks TLS."""
    return {"tls": {"downstream": {"certificate_file": str(certificate.file), "key_file": str(certificate.key), **options}}}


class TlsCase(LocalCase):
    """`authority` has issued `good` (for the loopback's address) and `client`."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.certificates = class_directory(cls)
        cls.authority = Authority(cls.certificates / "authority")
        cls.good = cls.authority.issue("good")
        cls.client = cls.authority.issue("client", "DNS:client")

    def start_tls_peer(self, serve=None, certificate: Certificate | None = None, **rules) -> TlsPeer:
        peer = TlsPeer(self.host, TlsRules(certificate or self.good, **rules), serve)
        self.addCleanup(peer.close)
        return peer

    def secure(self, name: str, server, **options) -> Peer:
        """A peer that speaks TLS and is trusted."""
        return Peer(name, server.address, tls_upstream(self.authority, **options))

    # What peerpulse says.

    def line(self, peer: str, path: str) -> dict:
        """Of the access log; waits for it."""
        def found() -> list[dict]:
            return [line for line in self.peerpulse.log_lines()
                    if line["event"] == "exchange" and line["peer"] == peer and line["path"] == path]
        return wait_for(found, 10 * SLOWDOWN, f"the line of {path}")[-1]

    def failures(self, peer: str, side: str = "upstream") -> dict[str, int]:
        """By their reason."""
        return self.peerpulse.peer(peer)["tls"][side]["failures"]

    def handshakes(self, peer: str, side: str = "upstream") -> dict[str, int]:
        """`full` and `resumed`."""
        return self.peerpulse.peer(peer)["tls"][side]["handshakes"]
