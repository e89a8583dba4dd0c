"""nginx as the origin: one port in plain text, one over TLS."""

from tests.harness.host import free_port
from tests.harness.nginx_peers import Nginx
from tools.lib.bench.command import MIB
from tools.lib.bench.tls.credentials import CIPHER, Credentials

SMALL, BIG, PUT = "/small", "/big", "/put/object"
SMALL_SIZE = 300

_HTTP = """
  client_max_body_size 0;
  client_body_buffer_size 256k;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  sendfile on;
  server {{
    listen {plain};
    listen {tls} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites {cipher};
    root {root};
    location /put {{ dav_methods PUT; create_full_put_path on; }}
  }}
"""


class Origin(Nginx):
    def __init__(self, host, credentials: Credentials) -> None:
        super().__init__(host)
        self._credentials = credentials
        self.tls_address = f"{host.address}:{free_port(host)}"
        self.add_file(SMALL[1:], b"x" * SMALL_SIZE)
        self.add_file(BIG[1:], b"x" * MIB)

    def _http(self) -> str:
        certificate = self._credentials.certificate
        return _HTTP.format(plain=self.address, tls=self.tls_address, certificate=certificate.file, key=certificate.key,
                            cipher=CIPHER, root=self.root)

    def address_of(self, out: str) -> str:
        return self.tls_address if out == "tls" else self.address
