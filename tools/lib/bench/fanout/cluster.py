"""Five storage nodes, and on a sixth host peerpulse with its fan-out API."""

import contextlib

from tests.harness.host import free_port
from tests.harness.http1 import Http1Client, Response, request
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.waiting import wait_for
from tools.lib.bench.command import MIB
from tools.lib.bench.fanout.recorder import Recorder
from tools.lib.bench.proxies.own_servers import start_origin
from tools.lib.bench.storage_node import StorageNode
from tools.lab import Lab, Node, Process, Switched

PEERS = ("node2", "node3", "node4", "node5", "node6")
QUORUM = 3
DEAD, STOPPED = "node6", "node5"
"""Those of the measures with one powered off and one stopped."""
_MAX_CHUNK = 16 * MIB
_BACK_WITHIN_S = 30


class Cluster:
    """`serve(node)` starts a node's server, and returns its address and process. Use as a context.

    A storage node's disk is <node directory>/disk1, /chunks/disk1 of its API; the erasure set `set0` has a directory
    of it on each node as a shard's own disk (shard 0: node2), and another as a spare.
    Threading: power from one thread at a time.
    """

    def __init__(self, serve=None, delay: dict[str, float] | None = None, launcher: tuple[str, ...] = (), **config) -> None:
        self._lab = Lab(nodes=1 + len(PEERS), delay=delay)
        self._serve = serve or storage
        self._launcher = launcher
        self._config = config
        self._stack = contextlib.ExitStack()
        self.servers: dict[str, Process] = {}
        self.addresses: dict[str, str] = {}
        self._without_power: set[str] = set()

    def __enter__(self) -> "Cluster":
        with contextlib.ExitStack() as stack:
            self.lab: Lab = stack.enter_context(self._lab)
            self.local: Node = self.lab.node("node1")
            for name in PEERS:
                self.addresses[name], self.servers[name] = self._serve(self.lab.node(name))
            self.api = ("127.0.0.1", free_port(self.local, "127.0.0.1"))
            api = {"listen": "{}:{}".format(*self.api), **self._config.pop("api", {})}
            self.peerpulse = Peerpulse(self.local, [Peer(name, address) for name, address in self.addresses.items()],
                                       **{"api": api, "log": {"access": {"mode": "off"}}, "erasure_sets": [ERASURE_SET],
                                          # A stopped node's circuit may open, and is not what the next round is about.
                                          "circuit": {"open_for": "1s"}, **self._config})
            self.peerpulse.start(launcher=self._launcher)
            stack.push(self._end)
            for name in PEERS:
                self.peerpulse.wait_verdict(name, "alive", 30)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.__exit__(*exception)

    def _end(self, kind, *_rest) -> None:
        if kind is None:
            self.peerpulse.check_end()
        else:
            self.peerpulse.process.terminate()

    # Requests.

    def ask(self, method: str, path: str, body: bytes = b"", timeout: float = 60, **headers: str) -> Response:
        return request(self.local, self.api, method, path, body, _fields(headers), timeout)

    def client(self, timeout: float = 60) -> Http1Client:
        return Http1Client(self.local, self.api, timeout)

    def read_chunk(self, peer: str, path: str) -> bytes | None:
        """As the storage node has it, not through peerpulse; None: it has none."""
        host, _, port = self.addresses[peer].rpartition(":")
        response = request(self.local, (host, int(port)), "GET", path)
        return response.body if response.status == 200 else None

    def wait_idle(self, within: float = 30) -> None:
        wait_for(lambda: self.peerpulse.metrics()["peerpulse_fanout_running"] == 0, within, "no operation under way")

    # Power.

    def cut(self, *names: str) -> Switched:
        self._without_power.update(names)
        return self.lab.cut(*names)

    def restore(self, *names: str) -> None:
        self.lab.restore(*names)
        self._without_power.difference_update(names)

    def degrade(self, dead: bool = True, stopped: bool = True) -> None:
        """Returns once that is known."""
        if stopped:
            self.servers[STOPPED].stop()
        if dead:
            self.cut(DEAD)
            self.peerpulse.wait_verdict(DEAD, "dead")

    def mend(self) -> None:
        """All are alive, and what was under way is over."""
        for process in self.servers.values():
            process.cont()
        if self._without_power:
            self.restore(*self._without_power)
        self.wait_back()
        self.wait_idle()

    def wait_back(self) -> None:
        for name in PEERS:
            wait_for(lambda peer=name: self._flows(peer), _BACK_WITHIN_S, f"traffic flows to {name}")

    def _flows(self, name: str) -> bool:
        state = self.peerpulse.peer(name)
        if state["circuit"] == "half_open":
            # What requests have opened a request must close.
            self.ask("GET", "/aggregate/health", Peerpulse_Peers=name)
        return state["verdict"] == "alive" and state["circuit"] == "closed"


def _fields(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


ERASURE_SET = {"name": "set0", "disks": [f"{name}/chunks/disk1/own" for name in PEERS],
               "spares": [f"{name}/chunks/disk1/spare" for name in PEERS]}


def disk_of(node: Node):
    return node.directory / "disk1"


def storage(node: Node) -> tuple[str, Process]:
    disk_of(node).mkdir()
    server = StorageNode(node, disk_of(node), _MAX_CHUNK)
    return server.address, server.process


def origin(node: Node) -> tuple[str, Process]:
    """Takes /bytes/N at the least cost."""
    address = start_origin(node)
    return address, node.processes[-1]


def recorder(node: Node) -> tuple[str, Process]:
    server = Recorder(node)
    return server.address, server.process
