"""One host of the lab: a namespace with one interface, and the processes started in it."""

import os
import pathlib
import signal
import subprocess

from tools.lab.network_namespace import NetworkNamespace


class Process:
    """A process of a node. Its output goes to a file; it dies with the lab, even if the lab is killed."""

    def __init__(self, argv: list[str], log: pathlib.Path, stdout=None, **options) -> None:
        self.log = log
        with open(log, "ab") as output:
            # A session of its own: signals reach the children too, and none of a terminal's reach it.
            # setpriv becomes the command, so that pid is the command's.
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                start_new_session=True,
                **options,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: int) -> None:
        if self.running:
            os.killpg(self.popen.pid, number)

    def stop(self) -> None:
        """SIGSTOP: the process answers nothing while its kernel goes on acknowledging."""
        self.signal(signal.SIGSTOP)

    def cont(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: its kernel closes every connection with FIN or RST. Not the same as a power cut."""
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def terminate(self, timeout: float = 15) -> int:
        """SIGTERM and wait; SIGKILL if it does not end. Returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.popen.returncode

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def lines(self) -> list[str]:
        """Of its output; while it runs, without the one that it may just be writing."""
        running = self.running  # first: what it wrote until its end is all there
        text = self.output()
        return (text[:text.rfind("\n") + 1] if running else text).splitlines()


class Node:
    def __init__(self, name: str, address: str, port: str, directory: pathlib.Path) -> None:
        self.name = name
        self.address = address
        self.port = port
        """The bridge port this node hangs on."""
        self.directory = directory
        """For files of this node; removed with the lab."""
        self.namespace = NetworkNamespace()
        self.processes: list[Process] = []
        directory.mkdir()

    def entered(self):
        """`with node.entered():` sockets made in the block belong to the node."""
        return self.namespace.entered()

    def spawn(self, argv: list[str], name: str | None = None, **options) -> Process:
        """Starts a process in the node; its output goes to a file `<name>.log` of the node's directory."""
        label = name or pathlib.Path(argv[0]).name
        with self.entered():
            process = Process(argv, self.directory / f"{label}.log", **options)
        self.processes.append(process)
        return process

    def run(self, argv: list[str], timeout: float = 60, **options) -> subprocess.CompletedProcess:
        """Runs a command in the node to its end; the output is captured, the exit status the caller's."""
        with self.entered():
            return subprocess.run(argv, capture_output=True, timeout=timeout, check=False, **options)

    def close(self) -> None:
        for process in self.processes:
            # A stopped process takes SIGKILL too.
            process.kill()
        self.namespace.close()
