"""HAProxy in front of a peer: where peerpulse would be (the cost of attacks is compared), or as its peer."""

from tests.harness.certificates import Certificate
from tests.harness.peers import Server

_CONFIG = """
global
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout http-request 5s
frontend front
  bind {listen} {bind}
  default_backend peer
backend peer
  server peer {peer} {protocol}
"""


class HaproxyH2Front(Server):
    """HTTP/1 and h2c with prior knowledge on one port; the peer speaks h2c, or HTTP/1 unless `peer_h2`. `only_h2`: no HTTP/1, with
    extended CONNECT (RFC 8441), over TLS if there is a `certificate`."""

    def __init__(self, host, peer: str, port: int | None = None, peer_h2: bool = True, only_h2: bool = False,
                 certificate: Certificate | None = None) -> None:
        super().__init__(host, port)
        self._peer = peer
        self._bind = "proto h2" if only_h2 else ""
        if certificate is not None:
            both = self.directory / "certificate-and-key.pem"
            both.write_bytes(certificate.file.read_bytes() + certificate.key.read_bytes())
            self._bind += f" ssl crt {both} alpn h2"
        self._protocol = "proto h2" if peer_h2 else ""

    def _arguments(self) -> list[str]:
        config = self.directory / "haproxy.cfg"
        config.write_text(_CONFIG.format(listen=self.address, bind=self._bind, peer=self._peer,
                                         protocol=self._protocol), encoding="utf-8")
        return ["haproxy", "-db", "-f", str(config)]
