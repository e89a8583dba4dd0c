"""The three, each once for either way out; one worker, no access log, as fast as their manuals make them."""

from tests.harness.nginx_peers import Nginx
from tests.harness.peerpulse import Peer, Peerpulse, program
from tests.harness.peers import Server
from tests.harness.waiting import wait_for
from tools.lib.bench.idle import thread_seconds
from tools.lib.bench.proxies.processors import Processors
from tools.lib.bench.tls.credentials import NAME, Credentials

_READY_S = 10

_HAPROXY = """
global
  nbthread 1
  maxconn 4096
  tune.bufsize 65536
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend clients
  bind {listen} ssl crt {both} alpn http/1.1
  default_backend origin
backend origin
  server origin {origin}{secure} pool-max-conn 512
"""

_NGINX = """
  tcp_nodelay on;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  upstream origin {{
    server {origin};
    keepalive 512;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {listen} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_buffer_size 16k;
    location / {{
      proxy_pass {scheme}://origin;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {authority};
      proxy_ssl_name {name};
      proxy_ssl_protocols TLSv1.3;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      client_body_buffer_size 256k;
      proxy_buffer_size 16k;
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
    }}
  }}
"""


class _Haproxy(Server):
    name = "haproxy"

    def __init__(self, host, processors: Processors, credentials: Credentials, out: str, origin: str) -> None:
        super().__init__(host)
        self._processors, self._credentials, self._out, self._origin = processors, credentials, out, origin

    def _arguments(self) -> list[str]:
        secure = f" ssl verify required ca-file {self._credentials.authority.file} alpn http/1.1" if self._out == "tls" else ""
        config = self.directory / "haproxy.cfg"
        config.write_text(_HAPROXY.format(listen=self.address, both=self._credentials.certificate.both, origin=self._origin,
                                          secure=secure), encoding="utf-8")
        return self._processors.for_proxy(["haproxy", "-db", "-f", str(config)])


class _Nginx(Nginx):
    name = "nginx"

    def __init__(self, host, processors: Processors, credentials: Credentials, out: str, origin: str) -> None:
        super().__init__(host)
        self._processors, self._credentials, self._out, self._origin = processors, credentials, out, origin

    def _http(self) -> str:
        certificate = self._credentials.certificate
        return _NGINX.format(listen=self.address, certificate=certificate.file, key=certificate.key, origin=self._origin,
                             authority=self._credentials.authority.file, name=NAME,
                             scheme="https" if self._out == "tls" else "http")

    def _arguments(self) -> list[str]:
        return self._processors.for_proxy(super()._arguments())


class _Peerpulse(Peerpulse):
    """As it comes, but for one worker and no access log."""

    name = "peerpulse"

    def __init__(self, host, processors: Processors, credentials: Credentials, out: str, origin: str) -> None:
        certificate = credentials.certificate
        tls = {"downstream": {"certificate_file": str(certificate.file), "key_file": str(certificate.key)}}
        if out == "tls":
            tls["upstream"] = {"enabled": True, "ca_file": str(credentials.authority.file)}
        super().__init__(host, [Peer("origin", origin, {"tls": tls, "protocol": "http1"})], workers=1, log={"level": "warn"})
        self._processors = processors

    def start(self) -> "_Peerpulse":
        argv = self._processors.for_proxy([program(), "run", "--config", str(self.config_file)])
        self.process = self.host.spawn(argv, name=f"peerpulse-{self.admin[1]}")
        self.wait_ready(_READY_S)
        self.wait_verdict("origin", "alive")
        # What it tries at first is over.
        wait_for(lambda: self.peer("origin")["probe"]["mode"] == "l4", _READY_S, "the origin is on its rung")
        return self

    @property
    def address(self) -> str:
        return "{}:{}".format(*self.listen["origin"])


KINDS = (_Peerpulse, _Haproxy, _Nginx)


def seconds(proxy) -> float:
    """Processor time of all its threads so far."""
    return sum(thread_seconds(proxy.process.pid).values())
