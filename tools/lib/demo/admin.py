"""peerpulse's admin endpoint, asked from inside its node."""

import json
import time

from tools.lib.demo.node_connection import NodeConnection
from tools.lab import Node


class Admin:
    def __init__(self, node: Node, port: int) -> None:
        self._node = node
        self._port = port

    def get(self, path: str) -> tuple[int, bytes]:
        connection = NodeConnection(self._node, "127.0.0.1", self._port)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_ready(self, timeout: float = 10) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass  # not listening yet
            if time.monotonic() > deadline:
                raise TimeoutError("peerpulse is not ready")
            time.sleep(0.01)

    def peers(self) -> list[dict]:
        return json.loads(self.get("/peers")[1])["peers"]

    def events(self) -> list[dict]:
        """The transitions among them."""
        history = json.loads(self.get("/events?history=1")[1])
        return [event for event in history["events"] if event["event"] == "transition"]

    def wait_event(self, matches, timeout: float) -> dict | None:
        """The first event of the history that matches; None if there is none within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.events():
                if matches(event):
                    return event
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)
