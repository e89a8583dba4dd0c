"""Peers that live, and fail the requests, or answer them late."""

import threading
import time

from tests.harness.h2_pinger import H2Pinger
from tests.harness.host import free_port
from tests.harness.http1 import request
from tests.harness.peerpulse import Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for
from tools.lib.bench.alerts.cause import Cause, Expected
from tools.lib.bench.detect.load import Load

_HTTP1 = {"protocol": "http1"}
_WELL = answer("200 OK", b"done")


class Scripted(Cause):
    """The peer `store` answers as serve() says."""

    config: dict = {}

    def serve(self, connection, head: bytes) -> bool:
        raise NotImplementedError

    def prepare(self) -> None:
        self.begun = threading.Event()
        self.count = 0
        peer = self.stage.scripted(lambda connection, head: self.serve(connection, head))
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", peer.address, _HTTP1), *self.stage.well()],
                                              **self.config)

    def ask(self, method: str = "GET", path: str = "/small", body: bytes = b"") -> None:
        request(self.peerpulse.host, self.peerpulse.listen["store"], method, path, body)


class ConnectionsBroken(Scripted):
    name = "broken"
    about = "the store ends each connection without an answer"
    follows = ("UploadFailureRateHigh", "PeerDegraded")

    def serve(self, connection, head: bytes) -> bool:
        if self.begun.is_set() and not head.startswith(b"OPTIONS"):
            return False
        connection.sendall(_WELL)
        return True

    def trouble(self):
        self.begun.set()
        self.stage.again_and_again(lambda: self.ask("POST", body=b"x"), 0.2)
        yield [Expected("PeerFailingRequests", {"peer": "store"})]


class SlowStore(Scripted):
    name = "slow"
    about = "the store answers after 0.4 s, as if its disk failed, and two dozen clients wait"
    follows = ("PeerDegraded",)  # its process owes answers to probes, too
    config = {"governor": {"floor": 4}}
    _BASELINE_S = 1.5
    _SLOW_S = 0.4

    def serve(self, connection, head: bytes) -> bool:
        if self.begun.is_set() and not head.startswith(b"OPTIONS"):
            time.sleep(self._SLOW_S)
        connection.sendall(_WELL)
        return True

    def load(self, seconds: float, clients: int) -> Load:
        return Load(self.peerpulse.host, self.peerpulse.listen["store"], seconds, clients=clients, rate=50, h1=True)

    def trouble(self):
        self.load(self._BASELINE_S, 2).result()
        self.begun.set()
        running = self.load(600, 24)
        self.stage.at_end(running.stop)
        yield [Expected("PeerSlow", {"peer": "store"}, 1)]


class LateStore(Cause):
    name = "late"
    about = "the round trip to a peer becomes 20 ms longer"

    def prepare(self) -> None:
        self.pinger = H2Pinger(self.stage.lab.node("node2"))
        self.stage.at_end(self.pinger.close)
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", self.pinger.address), *self.stage.well()])

    def trouble(self):
        wait_for(lambda: self.peerpulse.peer("store")["probe"]["acked"] > 150, 20, "what it is at its best is known")
        self.pinger.delay_s = 0.02
        yield [Expected("PeerDegraded", {"peer": "store"}, 2)]


class Unanswered(Scripted):
    name = "unanswered"
    about = "the store leaves every second request unanswered until its deadline"
    follows = ("PeerDegraded",)  # every second exchange failed
    config = {"timeouts": {"bulk": {"request": "500ms"}}, "circuit": {"count_timeouts": False}}

    def serve(self, connection, head: bytes) -> bool:
        if b" /slow " in head:
            time.sleep(0.8)
        connection.sendall(_WELL)
        return True

    def trouble(self):
        def both() -> None:
            self.ask(path="/small")
            self.ask(path="/slow")

        self.stage.again_and_again(both, 0.2)
        yield [Expected("PeerTimeouts", {"peer_host": "store"}, 1)]


class ConnectsDropped(Cause):
    name = "connects"
    about = "a firewall before the peer drops new connections, and lets the old ones be"
    follows = ("PeerTimeouts", "PeerpulseRetriesHigh", "PeerDegraded")  # a connect without an answer is one, and is tried again

    def prepare(self) -> None:
        self.server = self.stage.server("node2")
        self.peerpulse = self.stage.peerpulse(
            self.name, [Peer("store", self.server.address, {"protocol": "http2"}), *self.stage.well()],
            circuit={"failure_threshold": 0}, timeouts={"bulk": {"connect": "200ms"}, "control": {"connect": "200ms"}})

    def trouble(self):
        rules = (f"add table inet syn; add chain inet syn in {{ type filter hook input priority 0; }}; "
                 f"add rule inet syn in tcp dport {self.server.port} tcp flags & (syn | ack) == syn drop")
        node = self.server.host
        done = node.run(["nft", rules])
        if done.returncode != 0:
            raise AssertionError(f"nft: {done.stderr.decode()}")
        listen = self.peerpulse.listen["store"]
        for _ in range(2):
            self.stage.again_and_again(lambda: request(self.peerpulse.host, listen, "GET", "/small"), 0.1)
        yield [Expected("PeerConnectionFailureRateHigh", {"peer_host": "store"}, 1)]


class DiskFull(Scripted):
    name = "full"
    about = "the store answers every second upload by 507"

    def serve(self, connection, head: bytes) -> bool:
        self.count += 1
        connection.sendall(answer("507 Insufficient Storage") if self.count % 2 else _WELL)
        return True

    def trouble(self):
        self.stage.again_and_again(lambda: self.ask("PUT", "/chunk"), 0.2)
        yield [Expected("UploadFailureRateHigh")]


class ConnectionsReused(Scripted):
    name = "reused"
    about = "the store ends one kept connection of twelve as the next request comes"

    def prepare(self) -> None:
        self.seen: set[int] = set()
        super().prepare()

    def serve(self, connection, head: bytes) -> bool:
        reused = id(connection) in self.seen
        self.seen.add(id(connection))
        if not head.startswith(b"OPTIONS"):
            self.count += 1
            if reused and self.count % 12 == 0:
                self.seen.discard(id(connection))
                return False
        connection.sendall(_WELL)
        return True

    def trouble(self):
        self.stage.again_and_again(self.ask, 0.05)
        yield [Expected("PeerpulseRetriesHigh")]


class LateReads(Scripted):
    name = "hedges"
    about = "every read of the fan-out API is later than the time after which it is asked again"
    slow = True

    def prepare(self) -> None:
        self.api = ("127.0.0.1", free_port(self.stage.local, "127.0.0.1"))
        self.config = {"api": {"listen": "{}:{}".format(*self.api)}}
        super().prepare()

    def serve(self, connection, head: bytes) -> bool:
        if not head.startswith(b"OPTIONS"):
            time.sleep(0.06)
        connection.sendall(_WELL)
        return True

    def trouble(self):
        def read() -> None:
            request(self.peerpulse.host, self.api, "GET", "/aggregate/small", headers={"peerpulse-peers": "store",
                    "peerpulse-hedge": "20ms"})

        self.stage.again_and_again(read, 0.1)
        yield [Expected("PeerpulseHedgesOverBudget")]


CAUSES = (ConnectionsBroken, SlowStore, LateStore, Unanswered, ConnectsDropped, DiskFull, ConnectionsReused, LateReads)
