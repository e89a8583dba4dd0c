"""A peer that remembers which notifications it had: a process of its own, so that it can be stopped.

    python3 -B -m tools.lib.bench.fanout.recorder ADDRESS PORT

POST <path> is remembered once its body is whole; GET /seen has the paths as JSON."""

import http.server
import json
import pathlib
import sys
import threading

from tests.harness.host import connect, free_port
from tests.harness.http1 import request
from tests.harness.waiting import wait_for
from tools.lab import Node

_ROOT = pathlib.Path(__file__).resolve().parents[4]


class Recorder:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._at = (node.address, free_port(node))
        self.address = "{}:{}".format(*self._at)
        self.process = node.spawn([sys.executable, "-B", "-m", __name__, *map(str, self._at)], name="recorder",
                                  cwd=_ROOT)
        wait_for(self._listens, 10, "the recorder listens")

    def _listens(self) -> bool:
        if not self.process.running:
            raise AssertionError(f"the recorder ended:\n{self.process.output()}")
        try:
            connect(self._node, self._at).close()
        except ConnectionRefusedError:
            return False
        return True


def seen(node: Node, address: str) -> list[str]:
    host, _, port = address.rpartition(":")
    return request(node, (host, int(port)), "GET", "/seen").json()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    paths: list[str] = []
    lock = threading.Lock()

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", "0"))
        if len(self.rfile.read(size)) < size:
            return
        with self.lock:
            self.paths.append(self.path)
        self._answer(b"")

    def do_GET(self) -> None:
        with self.lock:
            self._answer(json.dumps(self.paths).encode())

    def _answer(self, body: bytes) -> None:
        self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def log_message(self, *_args) -> None:
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), _Handler).serve_forever()
