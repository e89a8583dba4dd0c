"""HAProxy as a client over TLS: it listens in plain text, and its one server is reached by TLS."""

import pathlib

from tests.harness.peers import Server

_CONFIG = """
global
  maxconn 2048
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend clients
  bind {listen}
  default_backend origin
backend origin
  server origin {origin} ssl verify required ca-file {authority} alpn {alpn} check
"""


class HaproxyTlsFront(Server):
    def __init__(self, host, origin: tuple[str, int], authority: pathlib.Path, alpn: str) -> None:
        super().__init__(host)
        self._origin, self._authority, self._alpn = origin, authority, alpn

    def _arguments(self) -> list[str]:
        config = self.directory / "haproxy.cfg"
        config.write_text(_CONFIG.format(listen=self.address, origin="{}:{}".format(*self._origin), authority=self._authority,
                                         alpn=self._alpn), encoding="utf-8")
        return ["haproxy", "-db", "-f", str(config)]
