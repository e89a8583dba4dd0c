"""The transitions of peerpulse's event stream, read as they come: the history keeps 1,024 events, and lossy scenarios
make more."""

import json
import socket
import threading
import time

from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import Peerpulse


class EventStream:
    """Threading: the reader is a thread of its own; every method may be called from any."""

    def __init__(self, peerpulse: Peerpulse) -> None:
        self._client = Http1Client(peerpulse.host, peerpulse.admin)
        self._client.socket.settimeout(None)
        self._client.send_head("GET", "/events")
        head = self._client.read_head()
        if head.status != 200:
            raise AssertionError(f"/events answered {head.status}")
        self._changed = threading.Condition()
        self._events: list[dict] = []
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while True:
                line = self._client.read_line()
                if line.startswith("data:"):
                    self._add(json.loads(line.removeprefix("data:")))
        except (OSError, ValueError, AssertionError):
            pass  # closed, by us or with peerpulse
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _add(self, event: dict) -> None:
        if event["event"] != "transition":
            return
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def position(self) -> int:
        """For `start` of the other methods: what comes from now on."""
        with self._changed:
            return len(self._events)

    def since(self, start: int) -> list[dict]:
        with self._changed:
            return self._events[start:]

    def wait(self, matches, timeout: float, start: int = 0) -> dict | None:
        """The first event from `start` on that matches; None if there is none in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for event in self._events[start:]:
                    if matches(event):
                        return event
                start = len(self._events)
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    return None
                self._changed.wait(left)

    def close(self) -> None:
        try:
            self._client.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other end was first
        self._thread.join(5)
        self._client.close()
