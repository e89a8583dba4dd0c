"""Where a test's processes and sockets live: this machine, or (tools.lab.Node, same interface) a node of a lab."""

import contextlib
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile

from tools.lab.node import Process


class LocalHost:
    name = "local"
    address = "127.0.0.1"

    def __init__(self) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="peerpulse-test-"))
        self.processes: list[Process] = []

    def entered(self):
        return contextlib.nullcontext()

    def spawn(self, argv: list[str], name: str | None = None, **options) -> Process:
        label = name or pathlib.Path(argv[0]).name
        process = Process(argv, self.directory / f"{label}.log", **options)
        self.processes.append(process)
        return process

    def run(self, argv: list[str], timeout: float = 60, **options) -> subprocess.CompletedProcess:
        return subprocess.run(argv, capture_output=True, timeout=timeout, check=False, **options)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


_GIVEN: set[int] = set()
"""By free_port(), in this process: who was given one may not have bound it yet."""


def free_port(host, address: str | None = None) -> int:
    """A port nobody listens on, for programs that cannot be given a socket. No other call returns the same one.

    Below the range the system gives to outgoing connections, so that none of those takes it before it is used.
    """
    with host.entered():
        for _ in range(1000):
            port = random.randrange(12000, 32000)
            if port in _GIVEN:
                continue
            with socket.socket() as candidate:
                try:
                    candidate.bind((address or host.address, port))
                except OSError:
                    continue
                _GIVEN.add(port)
                return port
    raise RuntimeError("no free port")


def connect(host, address: tuple[str, int], timeout: float = 10) -> socket.socket:
    with host.entered():
        connection = socket.create_connection(address, timeout)
    # TCP lets a connect meet itself where nobody listens yet and the system has chosen that very port for it.
    if connection.getsockname() == connection.getpeername():
        connection.close()
        raise ConnectionRefusedError(f"{address}: nobody listens there")
    return connection
