"""The bench's own two programs, and what they have in common: they say where they listen."""

import os
import pathlib
import re

from tests.harness.waiting import wait_for
from tools.lib.bench.command import BenchFailed
from tools.lib.bench.proxies.processors import Processors
from tools.lib.bench.proxies.proxy import RELAY, Proxy
from tools.lab import Node
from tools.lab.node import Process

_LISTENING = re.compile(r"^listening (\S+):(\d+)$", re.MULTILINE)


def _program(name: str) -> str:
    path = pathlib.Path(os.environ["PEERPULSE_BUILD"]) / "tools/bench" / name / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built (--build or PEERPULSE_BUILD names the build directory)")
    return str(path)


def _address(process: Process) -> tuple[str, int]:
    def said() -> re.Match | None:
        if not process.running:
            raise BenchFailed(f"{process.popen.args} ended:\n{process.output()}")
        return _LISTENING.search(process.output())

    match = wait_for(said, 10, f"{process.popen.args} listens")
    return match[1], int(match[2])


def start_origin(node: Node) -> str:
    """On the client's processor; host:port."""
    host, port = _address(node.spawn([_program("origin"), f"{node.address}:0"]))
    return f"{host}:{port}"


class Relay(Proxy):
    """The floor: bytes are carried, nothing is understood."""

    kind = RELAY

    def __init__(self) -> None:
        super().__init__("relay")
        self._process: Process | None = None
        self._target: tuple[str, int] | None = None

    def start(self, node: Node, processors: Processors, origin: str) -> None:
        self._process = node.spawn(processors.for_proxy([_program("relay"), f"{node.address}:0", origin]), name="relay")
        self._target = _address(self._process)

    def target(self, protocol: str) -> tuple[str, int]:
        return self._target

    def pids(self) -> list[int]:
        return [self._process.pid]
