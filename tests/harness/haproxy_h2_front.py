"""HAProxy in front of an HTTP/2 peer, where peerpulse would be: what attacks on it cost is the measure of those on peerpulse."""

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
  bind {listen}
  default_backend peer
backend peer
  server peer {peer} proto h2
"""


class HaproxyH2Front(Server):
    """HTTP/1 and h2c with prior knowledge on one port."""

    def __init__(self, host, peer: str, port: int | None = None) -> None:
        super().__init__(host, port)
        self._peer = peer

    def _arguments(self) -> list[str]:
        config = self.directory / "haproxy.cfg"
        config.write_text(_CONFIG.format(listen=self.address, peer=self._peer), encoding="utf-8")
        return ["haproxy", "-db", "-f", str(config)]
