"""HTTP from inside a node of the lab."""

import http.client

from tools.lab import Node


class NodeConnection(http.client.HTTPConnection):
    def __init__(self, node: Node, host: str, port: int, timeout: float = 5) -> None:
        super().__init__(host, port, timeout=timeout)
        self._node = node

    def connect(self) -> None:
        with self._node.entered():
            super().connect()
