"""Real servers that speak TLS, as peers."""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Callable

from tests.harness.certificates import Certificate
from tests.harness.go_peer import GoPeer
from tests.harness.grpc_peers import GrpcCppPeer, GrpcPythonPeer
from tests.harness.nginx_peers import Nginx
from tests.harness.node_peer import NodePeer
from tests.harness.peers import Server
from tests.harness.real_servers import FAST, SLOW


@dataclasses.dataclass(frozen=True)
class ServerTls:
    certificate: Certificate
    client_ca: pathlib.Path | None = None
    """Clients must show a certificate of it."""
    versions: tuple[str, ...] = ("1.2", "1.3")

    @property
    def files(self) -> list[str]:
        """As the programs of the tests want them."""
        own = [self.certificate.file, self.certificate.key, *([self.client_ca] if self.client_ca else [])]
        return [str(file) for file in own]


_NGINX = """
  client_max_body_size 0;
  keepalive_requests 1000000;
  keepalive_timeout {keepalive};
  server {{
    listen {listen} ssl{h2};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols {versions};
    {clients}
    root {root};
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
"""


class TlsNginx(Nginx):
    """GET and PUT; HTTP/1.1, and h2 by ALPN if `h2`."""

    def __init__(self, host, tls: ServerTls, h2: bool = False, keepalive_s: int = 60) -> None:
        super().__init__(host)
        self._tls, self._h2, self._keepalive_s = tls, h2, keepalive_s
        self.add_file("hello", b"ok")

    def _http(self) -> str:
        clients = f"ssl_client_certificate {self._tls.client_ca}; ssl_verify_client on;" if self._tls.client_ca else ""
        return _NGINX.format(
            listen=self.address, h2=" http2" if self._h2 else "", certificate=self._tls.certificate.file,
            key=self._tls.certificate.key, clients=clients, root=self.root, keepalive=self._keepalive_s,
            versions=" ".join(f"TLSv{version}" for version in self._tls.versions))


_HAPROXY = """
global
  maxconn 2048
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend peer
  bind {listen} ssl crt {both} alpn h2,http/1.1{clients}
  http-request return status 200 content-type text/plain string ok
"""


class TlsHaproxy(Server):
    def __init__(self, host, tls: ServerTls) -> None:
        super().__init__(host)
        self._tls = tls

    def _arguments(self) -> list[str]:
        clients = f" ca-file {self._tls.client_ca} verify required" if self._tls.client_ca else ""
        config = self.directory / "haproxy.cfg"
        config.write_text(_HAPROXY.format(listen=self.address, both=self._tls.certificate.both, clients=clients), encoding="utf-8")
        return ["haproxy", "-db", "-f", str(config)]


class TlsNghttpd(Server):
    def __init__(self, host, tls: ServerTls) -> None:
        super().__init__(host)
        self._tls = tls
        self.add_file("hello", b"ok")

    def _arguments(self) -> list[str]:
        clients = ["--verify-client"] if self._tls.client_ca else []
        return ["nghttpd", "--address", self.host.address, "-d", str(self.root), "--echo-upload", *clients, str(self.port),
                str(self._tls.certificate.key), str(self._tls.certificate.file)]

    def _environment(self) -> dict[str, str]:
        return {"SSL_CERT_FILE": str(self._tls.client_ca)} if self._tls.client_ca else {}


_PYTHON = """
import hashlib, http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
    def do_GET(self): self.reply(b"ok")
    do_OPTIONS = do_GET
    def do_PUT(self): self.reply(hashlib.sha256(self.rfile.read(int(self.headers["content-length"]))).hexdigest().encode())
    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3], sys.argv[4])
if len(sys.argv) > 5:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(sys.argv[5])
class Program(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    def finish_request(self, request, address):
        super().finish_request(context.wrap_socket(request, server_side=True), address)
    def handle_error(self, request, address): pass
Program((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


class TlsPython(Server):
    """Python's http.server: HTTP/1.1, a thread for each connection, and no close_notify at its end."""

    def __init__(self, host, tls: ServerTls) -> None:
        super().__init__(host)
        self._tls = tls

    def _arguments(self) -> list[str]:
        return [sys.executable, "-B", "-c", _PYTHON, self.host.address, str(self.port), *self._tls.files]


def _with_files(kind: type[Server]) -> type[Server]:
    """A program of the tests: it takes the files after its own arguments."""

    class Secure(kind):
        def __init__(self, host, tls: ServerTls) -> None:
            super().__init__(host)
            self._tls = tls

        def _arguments(self) -> list[str]:
            return [*super()._arguments(), *self._tls.files]

    Secure.__name__ = f"Tls{kind.__name__}"
    return Secure


TlsGo, TlsNode = _with_files(GoPeer), _with_files(NodePeer)
TlsGrpcCpp, TlsGrpcPython = _with_files(GrpcCppPeer), _with_files(GrpcPythonPeer)


@dataclasses.dataclass(frozen=True)
class TlsServer:
    """`rungs`: where the probe ladder may end. `digests`: PUT of `/digest` is answered by the body's SHA-256."""

    name: str
    make: Callable[..., Server]
    """Called with the host and a ServerTls."""
    h1: bool = False
    h2: bool = False
    rungs: tuple[str, ...] = FAST
    digests: bool = False
    missing: Callable[[], str] = lambda: ""


TLS_SERVERS = (
    TlsServer("nginx-h1", TlsNginx, h1=True, rungs=("l4",)),
    TlsServer("nginx-h2", functools.partial(TlsNginx, h2=True), h1=True, h2=True),
    TlsServer("haproxy", TlsHaproxy, h1=True, h2=True),
    TlsServer("nghttpd", TlsNghttpd, h2=True),
    TlsServer("go", TlsGo, h1=True, h2=True, digests=True, missing=GoPeer.missing),
    TlsServer("node", TlsNode, h2=True, missing=NodePeer.missing),
    TlsServer("python", TlsPython, h1=True, rungs=("l4",), digests=True),
    TlsServer("grpc-cpp", TlsGrpcCpp, rungs=SLOW, missing=GrpcCppPeer.missing),
    TlsServer("grpc-python", TlsGrpcPython, rungs=SLOW),
)
