"""Runs of tools/erasure_writer: the storage process of the demo."""

import json
import pathlib
import subprocess
import threading

from tools.lab import Node


class WriterFailed(RuntimeError):
    pass


class WriterRun:
    """One run, followed line by line. Threading: a thread of its own reads; the properties may be read any time."""

    def __init__(self, node: Node, argv: list[str], name: str, on_progress=None) -> None:
        """`on_progress(bytes)` is called on the reading thread after each progress line."""
        self.bytes_done = 0
        self.summary: dict | None = None
        self._on_progress = on_progress
        self._process = node.spawn(argv, name=name, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.popen.stdout:
            message = json.loads(line)
            if message["event"] == "progress":
                self.bytes_done = message["bytes"]
                if self._on_progress is not None:
                    self._on_progress(self.bytes_done)
            elif message["event"] == "summary":
                self.summary = message
                self.bytes_done = message["bytes"]

    def wait(self, timeout: float) -> dict:
        """The summary. Raises if there is none."""
        try:
            status = self._process.popen.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise WriterFailed(f"erasure_writer is not done after {timeout} s") from error
        self._reader.join()
        if self.summary is None:
            raise WriterFailed(f"erasure_writer ended with {status}:\n{self._process.output()[-4000:]}")
        return self.summary


class Writer:
    def __init__(self, program: str, node: Node, directory: pathlib.Path) -> None:
        self._program = program
        self._node = node
        self._directory = directory

    def write(self, prefix: str, disks: list[str], files: list[pathlib.Path], on_progress,
              route: list[str]) -> WriterRun:
        argv = [self._program, "write", "--manifest", str(self._manifest(prefix)), "--prefix", prefix,
                "--timeout", "10s", "--json", *route]
        for disk in disks:
            argv += ["--disk", disk]
        argv += ["--", *(str(file) for file in files)]
        return WriterRun(self._node, argv, f"write-{prefix}", on_progress)

    def read_back(self, prefix: str) -> WriterRun:
        """Reads every object of an earlier write and compares its SHA-256."""
        argv = [self._program, "read", "--manifest", str(self._manifest(prefix)), "--timeout", "10s", "--json"]
        return WriterRun(self._node, argv, f"read-{prefix}")

    def _manifest(self, prefix: str) -> pathlib.Path:
        return self._directory / f"{prefix}.manifest.json"
