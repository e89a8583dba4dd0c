"""Storage nodes with four disks each; peerpulse runs on node1, where the writing process is."""

import json
import pathlib
import subprocess
import time

from tools.lib.demo.admin import Admin
from tools.lab import Lab, Node, Process

NODES = 4
DISKS_PER_NODE = 4
_STORAGE_PORT = 9000
_ADMIN_PORT = 9901
_API_PORT = 9902
_CERTS = pathlib.Path(__file__).resolve().parents[2] / "certs"
_NAMES = [f"node{number}" for number in range(1, NODES + 1)]

API_CONFIG = {
    "api": {"listen": f"127.0.0.1:{_API_PORT}"},
    "erasure_sets": [{"name": "set0",
                      # As disk_urls() has them.
                      "disks": [f"{name}/chunks/disk{disk}" for disk in range(1, DISKS_PER_NODE + 1) for name in _NAMES],
                      "spares": [f"{name}/chunks/disk{disk}/spare" for disk in range(1, DISKS_PER_NODE + 1)
                                 for name in _NAMES[1:]]}],
}


class Cluster:
    """`disks` gets a directory per disk; it must exist, and what is made in it is the caller's to remove."""

    def __init__(self, lab: Lab, build: pathlib.Path, disks: pathlib.Path, tls: bool = False, **config) -> None:
        """`config` are further keys of peerpulse's configuration. `tls`: on the network all is TLS; on node1 itself the
        writing process speaks plain text, to peerpulse and to its own node's storage."""
        self.lab = lab
        self._build = build
        self._disks = disks
        self._config = config
        self._certificates = lab.node("node1").directory / "certificates" if tls else None
        self.writer_node: Node = lab.node("node1")
        self.admin = Admin(self.writer_node, _ADMIN_PORT)
        self.storage: dict[str, Process] = {}
        self.peerpulse: Process | None = None

    def program(self, name: str) -> str:
        folder = {"peerpulse": "src/server", "failfast": "tools/bench/failfast"}.get(name, f"tools/{name}")
        return str(self._build / folder / name)

    def start(self) -> None:
        if self._certificates is not None:
            names = [f"{node.name},{node.address}" for node in self.lab.nodes]
            subprocess.run([_CERTS, self._certificates, *names], check=True, stdout=subprocess.DEVNULL)
        for node in self.lab.nodes:
            self._start_storage(node)
        self._start_peerpulse()

    def listen(self, node: str) -> str:
        """Where the writing process reaches a peer through peerpulse."""
        return f"127.0.0.1{node.removeprefix('node')}:{_STORAGE_PORT}"

    def disk_urls(self, through_peerpulse: bool) -> list[str]:
        """One per shard, neighbours on different nodes. node1's own disks are reached straight."""
        urls = []
        for disk in range(1, DISKS_PER_NODE + 1):
            for node in self.lab.nodes:
                straight = node is self.writer_node or not through_peerpulse
                authority = f"{node.address}:{_STORAGE_PORT}" if straight else self.listen(node.name)
                urls.append(f"http://{authority}/chunks/disk{disk}")
        return urls

    def api_route(self) -> list[str]:
        """Arguments of erasure_writer: chunks of other nodes' disks are written by the fan-out API (API_CONFIG)."""
        arguments = ["--through-api", f"http://127.0.0.1:{_API_PORT}/erasure/set0"]
        for node in self.lab.nodes:
            if node is not self.writer_node:
                arguments += ["--node", f"{node.name}={self.listen(node.name)}"]
        return arguments

    def exchanges(self) -> list[dict]:
        """peerpulse's access log so far."""
        lines = []
        for line in self.peerpulse.lines():
            if '"event":"exchange"' in line:
                lines.append(json.loads(line))
        return lines

    def _start_storage(self, node: Node) -> None:
        argv = [self.program("storage_node"), "--listen", f"{node.address}:{_STORAGE_PORT}", "--workers", "1"]
        for disk in range(1, DISKS_PER_NODE + 1):
            directory = self._disks / node.name / f"disk{disk}"
            directory.mkdir(parents=True)
            argv += ["--disk", f"disk{disk}={directory}"]
        if self._certificates is not None and node is not self.writer_node:
            argv += ["--certificate", str(self._certificates / f"{node.name}.pem"),
                     "--key", str(self._certificates / f"{node.name}.key")]
        process = node.spawn(argv, name="storage_node")
        self.storage[node.name] = process
        _wait_for_line(process, '"event":"listening"')

    def _start_peerpulse(self) -> None:
        peers = [
            {"name": node.name, "listen": self.listen(node.name), "address": f"{node.address}:{_STORAGE_PORT}"}
            for node in self.lab.nodes if node is not self.writer_node
        ]
        config = {"node": self.writer_node.name, "workers": 2, "preset": "generic",
                  "admin": {"listen": f"127.0.0.1:{_ADMIN_PORT}"}, "peers": peers, **self._config}
        if self._certificates is not None:
            config["tls"] = {"upstream": {"enabled": True, "ca_file": str(self._certificates / "ca.pem")}}
        file = self.writer_node.directory / "peerpulse.json"
        file.write_text(json.dumps(config, indent=1), encoding="utf-8")
        self.peerpulse = self.writer_node.spawn([self.program("peerpulse"), "run", "--config", str(file)])
        try:
            self.admin.wait_ready()
        except TimeoutError as error:
            raise RuntimeError(f"{error}:\n{self.peerpulse.output()}") from error

    def stop_peerpulse(self) -> None:
        """Its guard would end the sockets of whoever goes straight, too."""
        status = self.peerpulse.terminate(timeout=20)
        if status != 0:
            raise RuntimeError(f"peerpulse ended with {status}:\n{self.peerpulse.output()[-2000:]}")


def _wait_for_line(process: Process, text: str, timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while text not in process.output():
        if not process.running or time.monotonic() > deadline:
            raise RuntimeError(f"{process.popen.args} does not listen:\n{process.output()}")
        time.sleep(0.005)
