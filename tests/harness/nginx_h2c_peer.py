"""nginx as an HTTP/2 peer."""

from tests.harness.peers import Server

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
  client_header_timeout {header_timeout}s;
  keepalive_timeout {keepalive_timeout}s;
  keepalive_requests {keepalive_requests};
  server {{
    listen {listen} http2;
    location / {{ return 200 "ok"; }}
  }}
}}
"""


class NginxH2cPeer(Server):
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

    def _arguments(self) -> list[str]:
        config = self.directory / "nginx.conf"
        config.write_text(_CONFIG.format(
            directory=self.directory, listen=self.address, header_timeout=self._header_timeout,
            keepalive_timeout=self._keepalive_timeout, keepalive_requests=self._keepalive_requests), encoding="utf-8")
        return ["nginx", "-p", str(self.directory), "-c", str(config), "-e", str(self.directory / "error.log")]

    def floods(self) -> int:
        """How often it closed a connection for what it takes for a flood."""
        log = self.directory / "error.log"
        return log.read_text(encoding="utf-8", errors="replace").count("http2 flood detected")
