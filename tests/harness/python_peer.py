"""Python's http.server as a peer: HTTP/1.0 or HTTP/1.1, a thread per connection, and an accept queue as short as wanted."""

from tests.harness.peers import Server

_PROGRAM = """
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = sys.argv[3]
    def log_message(self, *arguments): pass
class Program(http.server.ThreadingHTTPServer):
    request_queue_size = int(sys.argv[4])
Program((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


class PythonPeer(Server):
    def __init__(self, host, port: int | None = None, protocol: str = "HTTP/1.1", backlog: int = 16) -> None:
        super().__init__(host, port)
        self._protocol = protocol
        self._backlog = backlog

    def _arguments(self) -> list[str]:
        return ["/usr/bin/python3", "-B", "-c", _PROGRAM, self.host.address, str(self.port), self._protocol,
                str(self._backlog)]
