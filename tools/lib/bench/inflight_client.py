"""Runs of tools/bench/inflight_client: the peer, the client that holds exchanges, and the one that makes them."""

import json
import os
import pathlib
import signal
import subprocess

from tests.harness.host import free_port
from tests.harness.http1 import request
from tests.harness.waiting import wait_for
from tools.lib.bench.command import BenchFailed
from tools.lab import Node


def _program() -> str:
    path = pathlib.Path(os.environ["PEERPULSE_BUILD"]) / "tools/bench/inflight_client/inflight_client"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built (--build or PEERPULSE_BUILD names the build directory)")
    return str(path)


class HangingPeer:
    """Answers /ok, and nothing else."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._port = free_port(node)
        self.address = f"{node.address}:{self._port}"
        self._process = None

    def start(self) -> "HangingPeer":
        self._process = self._node.spawn([_program(), "serve", self.address], name="peer")
        wait_for(self._listens, 10, "the peer listens")
        return self

    def _listens(self) -> bool:
        if not self._process.running:
            raise BenchFailed(f"the peer ended:\n{self._process.output()}")
        try:
            self.held()
        except ConnectionRefusedError:
            return False
        return True

    def held(self) -> int:
        """How many requests it has taken and not answered since it was started."""
        return int(request(self._node, (self._node.address, self._port), "GET", "/held").body)

    def kill(self) -> None:
        self._process.kill()
        self._node.processes.remove(self._process)


class ClientRun:
    """One `hold` or `steady` run."""

    def __init__(self, node: Node, mode: str, target: tuple[str, int], *options: str) -> None:
        argv = [_program(), mode, "{}:{}".format(*target), *options]
        self._node = node
        self._process = node.spawn(argv, name=mode, stdout=subprocess.PIPE)

    @property
    def running(self) -> bool:
        return self._process.running

    def result(self, timeout: float) -> dict:
        """Its report; waits until it ends by itself."""
        try:
            output, _ = self._process.popen.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # Its report tells which exchanges have not ended.
            self._process.signal(signal.SIGTERM)
            output, _ = self._process.popen.communicate(timeout=10)
        self._node.processes.remove(self._process)
        if self._process.popen.returncode != 0 or not output:
            raise BenchFailed(f"{self._process.popen.args} failed:\n{self._process.output()}")
        return json.loads(output)

    def stop(self) -> dict:
        self._process.signal(signal.SIGTERM)
        return self.result(15)
