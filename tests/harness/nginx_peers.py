"""nginx as a peer: HTTP/1.1, or HTTP/2 with prior knowledge."""

from tests.harness.peers import Server

# As root it would change to a user that a user namespace may not have.
_CONFIG = """
daemon off;
master_process off;
user root;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/unused;
  fastcgi_temp_path {directory}/unused;
  uwsgi_temp_path {directory}/unused;
  scgi_temp_path {directory}/unused;
{http}
}}
"""

_FILES = """
  client_max_body_size 0;
  keepalive_requests 1000000;
  keepalive_timeout {keepalive};
  server {{
    listen {listen};
    root {root};
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
    location /status/503 {{ return 503 "busy"; }}
  }}
"""

_HTTP2 = """
  client_header_timeout {header_timeout}s;
  keepalive_timeout {keepalive_timeout}s;
  keepalive_requests {keepalive_requests};
  server {{
    listen {listen} http2;
    location / {{ return 200 "ok"; }}
  }}
"""


class Nginx(Server):
    """What has a configuration of its own."""

    def _http(self) -> str:
        """What the configuration's http block has beside the usual."""
        raise NotImplementedError

    @property
    def _log(self):
        return self.directory / "error.log"

    def _arguments(self) -> list[str]:
        config = self.directory / "nginx.conf"
        config.write_text(_CONFIG.format(directory=self.directory, http=self._http()), encoding="utf-8")
        return ["nginx", "-p", str(self.directory), "-c", str(config), "-e", str(self._log)]


class NginxPeer(Nginx):
    """HTTP/1.1, or h2c with prior knowledge; GET, PUT and DELETE of files; keepalive unless `keepalive_s` is 0."""

    def __init__(self, host, port: int | None = None, keepalive_s: int = 60, h2: bool = False) -> None:
        super().__init__(host, port)
        self._keepalive_s = keepalive_s
        self._protocol = " http2" if h2 else ""

    def _http(self) -> str:
        return _FILES.format(listen=self.address + self._protocol, root=self.root, keepalive=self._keepalive_s)


class NginxH2cPeer(Nginx):
    """h2c with prior knowledge, and nothing else on the port: nginx 1.22 reads HTTP/1 there as a bad preface.

    What ends a connection that carries PINGs only, each time by GOAWAY NO_ERROR and FIN: client_header_timeout since
    the accept if it never had a stream, keepalive_timeout since its last stream if it had one (PINGs move neither),
    and more than ten times keepalive_requests readings of an idle connection ("http2 flood detected"). The defaults
    are nginx's own; a short test gives less to see it.
    """

    def __init__(self, host, port: int | None = None, header_timeout: int = 60, keepalive_timeout: int = 75,
                 keepalive_requests: int = 1000) -> None:
        super().__init__(host, port)
        self._header_timeout = header_timeout
        self._keepalive_timeout = keepalive_timeout
        self._keepalive_requests = keepalive_requests

    def _http(self) -> str:
        return _HTTP2.format(listen=self.address, header_timeout=self._header_timeout,
                             keepalive_timeout=self._keepalive_timeout, keepalive_requests=self._keepalive_requests)

    def floods(self) -> int:
        """How often it closed a connection for what it takes for a flood."""
        return self._log.read_text(encoding="utf-8", errors="replace").count("http2 flood detected")
