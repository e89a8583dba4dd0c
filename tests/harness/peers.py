"""Real servers as peers."""

import os
import pathlib

from tests.harness.host import connect, free_port
from tests.harness.waiting import wait_for


class Server:
    """A server program on a host; `address` is its host:port, `root` the directory it serves."""

    def __init__(self, host, port: int | None = None) -> None:
        self.host = host
        self.port = port or free_port(host)
        self.address = f"{host.address}:{self.port}"
        self.directory = pathlib.Path(host.directory) / f"server-{self.port}"
        self.root = self.directory / "root"
        self.root.mkdir(parents=True)
        self.process = None

    def _arguments(self) -> list[str]:
        raise NotImplementedError

    def _environment(self) -> dict[str, str]:
        """Variables that it gets on top of ours."""
        return {}

    def start(self):
        """Also again, after its end: its output is appended."""
        self.process = self.host.spawn(self._arguments(), name=f"server-{self.port}",
                                       env={**os.environ, **self._environment()})
        wait_for(self._listens, 10, f"{self.process.popen.args} listens")
        return self

    def _listens(self) -> bool:
        if not self.process.running:
            raise AssertionError(f"{self.process.popen.args} ended:\n{self.process.output()}")
        try:
            connect(self.host, (self.host.address, self.port)).close()
        except OSError:  # nor is a new address reached at once
            return False
        return True

    def add_file(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)


class NghttpdPeer(Server):
    """h2c with prior knowledge, GET; other methods are answered like GET."""

    def _arguments(self) -> list[str]:
        return ["nghttpd", "--no-tls", "--address", self.host.address, "-d", str(self.root),
                "--echo-upload", str(self.port)]
