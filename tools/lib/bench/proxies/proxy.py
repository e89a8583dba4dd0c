"""What the bench knows of a proxy."""

import shutil
from collections.abc import Callable

from tests.harness.peers import Server
from tools.lib.bench.idle import thread_seconds
from tools.lib.bench.proxies.processors import Processors
from tools.lab import Node

PROTOCOLS = ("h1", "h2")
PEERPULSE, RELAY, OTHER = "peerpulse", "relay", "other"


class Proxy:
    """One proxy before the origin, from start() to the end of its node. Two are never measured at a time."""

    kind = OTHER

    def __init__(self, name: str) -> None:
        self.name = name

    def missing(self) -> str:
        """Why it cannot be measured here; empty if it can."""
        return ""

    def start(self, node: Node, processors: Processors, origin: str) -> None:
        """Returns when it carries. `origin` is host:port, for h1 and h2c."""
        raise NotImplementedError

    def target(self, protocol: str) -> tuple[str, int]:
        """Where a client of that protocol reaches it."""
        raise NotImplementedError

    def pids(self) -> list[int]:
        raise NotImplementedError

    def seconds(self) -> float:
        """Processor time of all threads of all its processes so far."""
        return sum(sum(thread_seconds(pid).values()) for pid in self.pids())


class _Program(Server):
    """One process of another project's proxy, on the proxy's processor. `command` makes its arguments from this."""

    def __init__(self, node: Node, processors: Processors, command: Callable[[Server], list[str]]) -> None:
        super().__init__(node)
        self._processors = processors
        self._command = command

    def _arguments(self) -> list[str]:
        return self._processors.for_proxy(self._command(self))


class OtherProxy(Proxy):
    """A program of another project: a process per protocol, as not all of them can keep h1 on h1 and h2 on h2 in one.
    The one that is not asked has nothing to do."""

    program = ""

    def __init__(self) -> None:
        super().__init__(self.program)
        self._programs: dict[str, _Program] = {}

    def missing(self) -> str:
        return "" if shutil.which(self.program) else f"{self.program} is not installed"

    def arguments(self, server: Server, protocol: str, origin: str) -> list[str]:
        """The command, which listens on `server.address`; `server.directory` is for its files."""
        raise NotImplementedError

    def start(self, node: Node, processors: Processors, origin: str) -> None:
        for protocol in PROTOCOLS:
            self._programs[protocol] = _Program(
                node, processors, lambda server, protocol=protocol: self.arguments(server, protocol, origin)).start()

    def target(self, protocol: str) -> tuple[str, int]:
        program = self._programs[protocol]
        return program.host.address, program.port

    def pids(self) -> list[int]:
        return [program.process.pid for program in self._programs.values()]


def write_config(server: Server, name: str, text: str) -> str:
    path = server.directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)
