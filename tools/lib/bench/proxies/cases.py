"""What is asked of the proxies."""

import dataclasses

from tools.lib.bench.command import MIB

SMALL = 300


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    protocol: str
    """h1 or h2, of the client; to the origin the same where the proxy can."""
    method: str
    size: int
    """Of the body, in bytes."""
    clients: int
    streams: int
    """Of each client at a time."""

    @property
    def path(self) -> str:
        return f"/bytes/{self.size}"

    @property
    def at_once(self) -> int:
        return self.clients * self.streams

    @property
    def about(self) -> str:
        streams = f" x {self.streams} streams" if self.streams > 1 else ""
        size = "1 MiB" if self.size == MIB else f"{self.size} B"
        return f"{self.method} of {size} over {self.protocol}, {self.clients} connections{streams}"


CASES = {case.name: case for case in (
    Case("h1_small", "h1", "GET", SMALL, 32, 1),
    Case("h2_small", "h2", "GET", SMALL, 8, 32),
    Case("h1_put", "h1", "PUT", MIB, 8, 1),
    Case("h2_put", "h2", "PUT", MIB, 4, 2),
    Case("h1_get", "h1", "GET", MIB, 8, 1),
    Case("h2_get", "h2", "GET", MIB, 4, 2),
)}
