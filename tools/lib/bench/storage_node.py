"""tools/storage_node with one disk, as a peer of the benches."""

import pathlib

from tests.harness.host import free_port
from tests.harness.peerpulse import program
from tests.harness.waiting import wait_for
from tools.lib.bench.command import BenchFailed
from tools.lab import Node


class StorageNode:
    """One disk. `directory` exists and is the caller's to remove."""

    def __init__(self, node: Node, directory: pathlib.Path, max_chunk: int) -> None:
        port = free_port(node)
        self.address = f"{node.address}:{port}"
        # Flushing to a medium would be measured, not the network.
        self.process = node.spawn([
            program("storage_node"), "--listen", self.address, "--disk", f"disk1={directory}", "--no-fsync",
            "--reserve", "1MiB", "--max-chunk", str(max_chunk)])
        wait_for(self._listens, 10, "the storage node listens")

    def _listens(self) -> bool:
        if not self.process.running:
            raise BenchFailed(f"the storage node ended:\n{self.process.output()}")
        return '"event":"listening"' in self.process.output()
