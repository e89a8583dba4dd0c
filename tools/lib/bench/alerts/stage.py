"""What the causes of alerts have in common: one lab, one Prometheus on its first node, and well peers for everybody.

node1 has Prometheus and nearly every peerpulse, node2 the servers that stay reachable. node3, node4: power is taken from
them. node5, node6: for what needs a host of its own.
"""

import contextlib
import threading

from tests.harness.host import connect
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import NghttpdPeer
from tests.harness.prometheus import Prometheus
from tests.harness.scripted_peer import ScriptedPeer
from tests.harness.waiting import wait_for
from tools.lab import Lab, Node

NODES = 6
_ALIVE_WITHIN_S = 20
_SELDOM = {"interval": "200ms", "suspect_after": "1s"}
_HTTP2 = {"protocol": "http2"}
"""What nghttpd speaks; the causes' clients do not."""


class Stage:
    """Use as a context. Threading: causes may use it each from a thread of its own."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._power = threading.Lock()
        self._peerpulses: list[Peerpulse] = []
        self.prometheus: Prometheus | None = None

    def __enter__(self) -> "Stage":
        with contextlib.ExitStack() as stack:
            self.lab = stack.enter_context(Lab(nodes=NODES))
            self.local: Node = self.lab.nodes[0]
            self._well = [self.server("node2") for _ in range(2)]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.__exit__(*exception)

    def keep(self, context):
        """Enters it; it ends with the stage."""
        with self._lock:
            return self._stack.enter_context(context)

    def at_end(self, call, *arguments) -> None:
        with self._lock:
            self._stack.callback(call, *arguments)

    # Peers.

    def server(self, node: str, kind=NghttpdPeer, **options):
        server = kind(self.lab.node(node), **options).start()
        server.add_file("small", b"x" * 500)
        return server

    def scripted(self, serve) -> ScriptedPeer:
        peer = ScriptedPeer(self.lab.node("node2"), serve)
        self.at_end(peer.close)
        return peer

    def well(self, often: bool = False) -> list[Peer]:
        """Two peers without any trouble: with them one that is lost is no loss of a quorum, and no reason for self-doubt.
        All causes have them, so they are probed seldom unless `often` says that it is probing that matters."""
        options = _HTTP2 if often else {**_HTTP2, "probe": _SELDOM}
        return [Peer(f"well{number}", server.address, options) for number, server in enumerate(self._well, 1)]

    # peerpulse.

    def peerpulse(self, node_name: str, peers: list[Peer], host: Node | None = None, launcher: tuple[str, ...] = (),
                  **config) -> Peerpulse:
        """Started, not waited for. Killed with the lab."""
        config = {"workers": 1, "log": {"access": {"mode": "off"}}, **config, "node": node_name}
        made = Peerpulse(host or self.local, peers, **config)
        made.spawn(launcher)
        with self._lock:
            self._peerpulses.append(made)
        return made

    def wait_alive(self) -> None:
        """Until everybody has met his peers."""
        for peerpulse in self._peerpulses:
            peerpulse.wait_ready(_ALIVE_WITHIN_S)
            for name in peerpulse.listen:
                peerpulse.wait_verdict(name, "alive", _ALIVE_WITHIN_S)

    # Trouble.

    def cut(self, *names: str) -> None:
        with self._power:
            self.lab.cut(*names)

    def again_and_again(self, call, every_s: float) -> None:
        """Calls it until the stage ends, by a thread of its own. What the network answers is no matter of it."""
        ending = threading.Event()

        def run() -> None:
            while not ending.wait(every_s):
                with contextlib.suppress(OSError):
                    call()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.at_end(thread.join, 20)
        self.at_end(ending.set)

    def hold_connections(self, peerpulse: Peerpulse, count: int, enough) -> None:
        """Opens up to `count` to its first peer, until `enough()`; they stay."""
        listen = next(iter(peerpulse.listen.values()))
        for _ in range(count):
            self.keep(connect(peerpulse.host, listen))
            if enough():
                return
        wait_for(enough, 5, f"{count} connections are enough")
