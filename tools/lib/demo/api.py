"""The fan-out API of peerpulse, asked from inside its node."""

import dataclasses
import json
import time

from tools.lib.demo.node_connection import NodeConnection
from tools.lab import Node

_TIMEOUT_S = 30


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    body: dict
    took_ms: float
    """From the first byte sent; of write_half(), from what was done in the middle."""

    def states(self) -> dict[str, str]:
        """By peer; of a chunk, by disk in the order of the attempts."""
        if "attempts" in self.body:
            return {attempt["disk"]: attempt["state"] for attempt in self.body["attempts"]}
        return {peer["peer"]: peer["state"] for peer in self.body["peers"]}


class Api:
    def __init__(self, node: Node, port: int) -> None:
        self._node = node
        self._port = port

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        begin = time.monotonic_ns()
        connection = NodeConnection(self._node, "127.0.0.1", self._port, _TIMEOUT_S)
        try:
            connection.request(method, path, body or None, {name.replace("_", "-"): text for name, text in headers.items()})
            return self._answer(connection, begin)
        finally:
            connection.close()

    def write_half(self, path: str, body: bytes, in_the_middle) -> Answer:
        """PUT; calls `in_the_middle()` when half of the body is out."""
        connection = NodeConnection(self._node, "127.0.0.1", self._port, _TIMEOUT_S)
        try:
            connection.putrequest("PUT", path)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            connection.send(body[:len(body) // 2])
            begin = time.monotonic_ns()
            in_the_middle()
            connection.send(body[len(body) // 2:])
            return self._answer(connection, begin)
        finally:
            connection.close()

    @staticmethod
    def _answer(connection: NodeConnection, begin_ns: int) -> Answer:
        response = connection.getresponse()
        body = json.loads(response.read())
        return Answer(response.status, body, round((time.monotonic_ns() - begin_ns) / 1e6, 1))
