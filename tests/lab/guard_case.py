"""Base of the guard's tests: sockets of programs that do not pass the proxy (design section 12)."""

import errno
import time

from tests.harness.case import DETECTED_S, LabCase
from tests.harness.host import connect, free_port
from tests.harness.peerpulse import Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.raw_sockets import PROGRAM, Dialled
from tests.harness.waiting import wait_for
from tests.lab.ipv6 import At

FIRST_SECOND_S = 1.0


class GuardCase(LabCase):
    """peerpulse on node1, a server on each of the others, and sockets beside them."""

    def start(self, names: tuple[str, ...] = (), addresses: dict[str, str] | None = None, launcher=(), **config):
        peers = []
        self.servers = {}
        for node in self.lab.nodes[1:]:
            if names and node.name not in names:
                continue
            if addresses:
                server = NghttpdPeer(At(node, addresses[node.name]), 9100).start()
                server.address = f"[{addresses[node.name]}]:9100"
            else:
                server = NghttpdPeer(node).start()
            server.add_file("hello", b"hello")
            self.servers[node.name] = server
            peers.append(Peer(node.name, server.address))
        # Where the applications' own connections go.
        self.port = free_port(self.local)
        config.setdefault("guard", {"ports": [self.port]})
        config["guard"].setdefault("ports", [self.port])
        self.peerpulse = self.start_peerpulse(self.local, peers, launcher=launcher, **config)
        self.started = time.monotonic()
        for peer in peers:
            self.peerpulse.wait_verdict(peer.name, "alive")

    def dial(self, client: str, server: str, count: int = 1, doing: str = "read", addresses=None,
             program: tuple[str, ...] = PROGRAM) -> Dialled:
        """Node1's end is `doing`."""
        return Dialled(self.lab.node(client), self.lab.node(server), count, doing, self.local, self.port, addresses,
                       program)

    def cut(self, *names: str):
        wait_for(lambda: time.monotonic() - self.started > FIRST_SECOND_S, 5, "the first second is over")
        self.switched = self.lab.cut(*names)

    def guard(self, name: str) -> dict:
        return self.peerpulse.peer(name)["guard"]

    def wait_guard(self, name: str, state: str, reason: str = "", timeout: float = 3) -> dict:
        def matches():
            guard = self.guard(name)
            return guard if (guard["state"], guard["reason"]) == (state, reason) else None
        return wait_for(matches, timeout, f"guard of {name}: {state} {reason}")

    def destroyed(self) -> int:
        return sum(value for series, value in self.peerpulse.metrics().items()
                   if series.startswith("peerpulse_guard_sockets_total") and 'what="destroyed"' in series)

    def connect_error(self, name: str, timeout: float = 0.3) -> str:
        """Of a new connect to a port that nobody listens on there: who answers is the kernel, that host's or this one's."""
        try:
            connect(self.local, (self.lab.node(name).address, self.port), timeout).close()
        except TimeoutError:
            return "timeout"
        except OSError as error:
            return errno.errorcode[error.errno]
        return ""

    def assert_aborted(self, dialled: Dialled, count: int) -> None:
        outcomes = dialled.near.outcomes(DETECTED_S + 2)
        self.assertEqual([one["outcome"] for one in outcomes], ["ECONNABORTED"] * count)

    def assert_untouched(self, *dialled: Dialled) -> None:
        for one in dialled:
            self.assertTrue(one.near.waiting, one.near.process.output())
