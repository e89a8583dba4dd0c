"""A peerpulse as it comes, but with one worker and without an access log."""

import pathlib

from tests.harness.peerpulse import Peer, Peerpulse, program
from tests.harness.waiting import wait_for
from tools.lib.bench.proxies.processors import Processors
from tools.lib.bench.proxies.proxy import PEERPULSE, Proxy
from tools.lab import Node

_READY_S = 10


class _Pinned(Peerpulse):
    def __init__(self, node: Node, processors: Processors, path: str, origin: str) -> None:
        super().__init__(node, [Peer("origin", origin)], workers=1, log={"level": "warn"})
        self._argv = processors.for_proxy([path, "run", "--config", str(self.config_file)])

    def start(self, ready_timeout: float = _READY_S) -> "Peerpulse":
        self.process = self.host.spawn(self._argv, name=f"peerpulse-{self.admin[1]}")
        wait_for(self._ready, ready_timeout, "peerpulse ready")
        return self


class PeerpulseProxy(Proxy):
    kind = PEERPULSE

    def __init__(self, label: str, path: pathlib.Path | None) -> None:
        """Without a `path` the one of the build."""
        super().__init__(label)
        self._path = path
        self._peerpulse: _Pinned | None = None

    def start(self, node: Node, processors: Processors, origin: str) -> None:
        path = str(self._path) if self._path else program()
        self._peerpulse = _Pinned(node, processors, path, origin)
        self._peerpulse.start()
        self._peerpulse.wait_verdict("origin", "alive")
        # Alive may be known before what it speaks.
        wait_for(lambda: self._peerpulse.peer("origin")["probe"]["mode"] == "fast_ping", _READY_S,
                 "the origin is probed by PINGs")

    def target(self, protocol: str) -> tuple[str, int]:
        return self._peerpulse.listen["origin"]

    def pids(self) -> list[int]:
        return [self._peerpulse.process.pid]
