"""Connections between two nodes that pass no proxy, and what becomes of them: see tests/clients/raw_sockets.py."""

import json
import pathlib
import sys

from tests.harness.host import free_port
from tests.harness.waiting import wait_for

_PROGRAM_FILE = pathlib.Path(__file__).resolve().parents[1] / "clients" / "raw_sockets.py"
PROGRAM = (sys.executable, "-B", str(_PROGRAM_FILE))
"""Others may take its place that have the same arguments and output."""


class RawSockets:
    """One end of them, in a process of its own on `host`."""

    _number = 0

    def __init__(self, host, *arguments: str, program: tuple[str, ...] = PROGRAM) -> None:
        RawSockets._number += 1
        self.process = host.spawn([*program, *arguments], name=f"sockets-{RawSockets._number}")

    def _lines(self) -> list[str]:
        """Whole ones."""
        return self.process.output().split("\n")[:-1]

    def wait(self, word: str, timeout: float = 20) -> None:
        wait_for(lambda: word in self._lines(), timeout, f"raw sockets {word}")

    def outcomes(self, timeout: float = 5) -> list[dict]:
        """How and when each of them ended; all must have."""
        lines = wait_for(lambda: [line for line in self._lines() if line.startswith("[")], timeout, "raw sockets ended")
        return json.loads(lines[0])

    @property
    def waiting(self) -> bool:
        return self.process.running


class Dialled:
    """`count` connections that `client` has dialled to `server`. `near` is the end that is `doing` something, by `program`; the
    other one is idle."""

    def __init__(self, client, server, count: int, doing: str, near, port: int | None = None,
                 addresses: dict | None = None, program: tuple[str, ...] = PROGRAM) -> None:
        address = (addresses or {}).get(server.name, server.address)
        port = port or free_port(server, address)
        at = [address, str(port), str(count)]
        mine, others = (doing, program), ("idle", PROGRAM)
        self.accepting = self._end(server, "accept", at, *(mine if near is server else others))
        self.accepting.wait("listening")
        self.dialling = self._end(client, "connect", at, *(mine if near is client else others))
        self.near = self.accepting if near is server else self.dialling
        self.port = port
        self.near.wait("ready")

    @staticmethod
    def _end(host, role: str, at: list[str], doing: str, program: tuple[str, ...]) -> RawSockets:
        return RawSockets(host, role, *at, doing, program=program)
