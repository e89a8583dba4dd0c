"""HAProxy as an HTTP/2 peer."""

from tests.harness.peers import Server

_CONFIG = """
global
  maxconn 2048
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout http-request {http_request}
  timeout http-keep-alive {keep_alive}
frontend peer
  bind {listen} proto h2
  http-request return status 200 content-type text/plain string ok
"""


class HaproxyH2cPeer(Server):
    """h2c with prior knowledge. PINGs move none of its timers: `timeout http-request` ends a connection that never
    had a stream, `timeout http-keep-alive` one whose last stream is that long ago, by GOAWAY NO_ERROR and FIN."""

    def __init__(self, host, port: int | None = None, keep_alive: str = "60s", http_request: str = "60s") -> None:
        super().__init__(host, port)
        self._keep_alive = keep_alive
        self._http_request = http_request

    def _arguments(self) -> list[str]:
        config = self.directory / "haproxy.cfg"
        config.write_text(_CONFIG.format(listen=self.address, keep_alive=self._keep_alive,
                                         http_request=self._http_request), encoding="utf-8")
        return ["haproxy", "-db", "-f", str(config)]
