"""A store that knows neither TLS nor HTTP/2, as most do: HTTP/1.1, a thread per connection. What it got can be asked for.

It is a process of its own, to be killed and stopped, and ends with whoever started it.
"""

import json

from tests.harness.http1 import request
from tests.harness.peers import Server

_PROGRAM = r"""
import base64, hashlib, http.server, json, sys, threading
STORED, SEEN = {}, []
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
    def parse_request(self):
        if self.raw_requestline.startswith(b"PRI * HTTP/2.0"):
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        return super().parse_request()
    def note(self, **more):
        SEEN.append({"line": self.requestline, "headers": [[n.lower(), v] for n, v in self.headers.items()], **more})
    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0))), {}
        data, trailers = b"", {}
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            trailers[name.lower()] = value.strip()
        return data, trailers
    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items(): self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304): self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304): self.wfile.write(body)
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/seen":
            return self.answer(200, json.dumps(SEEN).encode())
        self.note()
        if path.startswith("/status/"):
            return self.answer(int(path[8:]))
        if path == "/trailers":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Trailer", "x-checksum")
            self.end_headers()
            return self.wfile.write(b"5\r\nhello\r\n0\r\nx-checksum: abc\r\n\r\n")
        if path == "/close":
            self.close_connection = True
            return self.answer(200, b"bye", Connection="close")
        if path == "/upgrade":
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
            self.end_headers()
            self.close_connection = True
            while data := self.rfile.read1(65536): self.wfile.write(data)
            return
        if path in STORED:
            return self.answer(200, STORED[path], ETag='"1"')
        self.answer(404, b"no such thing")
    do_HEAD = do_GET
    def do_OPTIONS(self): self.answer(200)
    def do_PUT(self):
        path = self.path.partition("?")[0]
        if path == "/early":
            self.close_connection = True
            return self.answer(507, b"full", Connection="close")
        data, trailers = self.body()
        self.note(size=len(data), trailers=trailers)
        STORED[path] = data
        self.answer(201)
class Program(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
Program((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


class LinkedStore(Server):
    def __init__(self, host, port: int | None = None, address: str | None = None) -> None:
        """`address`: where it listens; None: at its host's."""
        super().__init__(host, port)
        self._bind = address or host.address

    def _arguments(self) -> list[str]:
        return ["/usr/bin/python3", "-B", "-c", _PROGRAM, self._bind, str(self.port)]

    def _listens(self) -> bool:
        if self._bind == self.host.address:
            return super()._listens()
        try:
            return request(self.host, (self._bind, self.port), "GET", "/seen").status == 200
        except ConnectionError:
            return False

    def seen(self) -> list[dict]:
        """Requests so far: `line`, `headers` (names in lower case), `size` and `trailers` of an upload."""
        return json.loads(request(self.host, (self._bind, self.port), "GET", "/seen").body)
