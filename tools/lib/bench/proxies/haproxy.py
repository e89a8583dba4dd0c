"""HAProxy: h1 to the origin for h1, h2 for h2."""

from tests.harness.peers import Server
from tools.lib.bench.proxies.proxy import OtherProxy, write_config

_CONFIG = """
global
  nbthread 1
  maxconn 4096
  tune.bufsize 65536
  tune.h2.initial-window-size 16777216
  tune.h2.max-concurrent-streams 256
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend clients
  bind {listen}{h2}
  default_backend origin
backend origin
  server origin {origin}{h2} pool-max-conn 512
"""


class Haproxy(OtherProxy):
    program = "haproxy"

    def arguments(self, server: Server, protocol: str, origin: str) -> list[str]:
        config = write_config(server, "haproxy.cfg", _CONFIG.format(
            origin=origin, listen=server.address, h2=" proto h2" if protocol == "h2" else ""))
        return ["haproxy", "-db", "-f", config]
