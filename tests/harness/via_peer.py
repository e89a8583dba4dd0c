"""An HTTP/1.1 peer that answers how the request came: `direct`, or by whom it was passed on (Via)."""

from tests.harness.host import free_port
from tests.harness.peers import Server

_PROGRAM = """
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def log_message(self, *arguments): pass
    def do_GET(self):
        body = self.headers.get("Via", "direct").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Program(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    request_queue_size = 128
Program((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


class ViaPeer(Server):
    def __init__(self, host, port: int | None = None) -> None:
        super().__init__(host, port or free_port(host))
        if ":" in host.address:
            self.address = f"[{host.address}]:{self.port}"

    def _arguments(self) -> list[str]:
        return ["/usr/bin/python3", "-B", "-c", _PROGRAM, self.host.address, str(self.port)]
