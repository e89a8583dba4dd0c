"""Peers whose host or process is gone, and what the guard does then."""

from tests.harness.peerpulse import Peer
from tests.harness.waiting import wait_for
from tools.lib.bench.alerts.cause import Cause, Expected

_FIRST_SECOND_S = 1.5
"""The guard leaves a peer's first second alone."""


class PowerCuts(Cause):
    name = "power"
    about = "power is taken from one peer, then from a second one of three; then somebody deletes the guard's table"

    def prepare(self) -> None:
        servers = {name: self.stage.server(name) for name in ("node3", "node4")}
        peers = [Peer(name, server.address) for name, server in servers.items()]
        self.peerpulse = self.stage.peerpulse(self.name, [*peers, self.stage.well(often=True)[0]])

    def trouble(self):
        wait_for(lambda: self.metric("process_start_time_seconds") and
                 self.peerpulse.peer("node3")["probe"]["acked"] > 50 * _FIRST_SECOND_S, 10, "the first second is over")
        self.stage.cut("node3")
        yield [Expected("PeerUnreachable", {"peer": "node3", "severity": "critical"}),
               Expected("GuardRefusing", {"peer": "node3"})]
        self.stage.cut("node4")
        yield [Expected("ClusterQuorumLost", {"severity": "critical"}), Expected("PeerUnreachable", {"peer": "node4"})]
        table = self.peerpulse.get("/cluster").json()["guard"]["table"]
        done = self.peerpulse.host.run(["nft", "delete", "table", "inet", table])
        if done.returncode != 0:
            raise AssertionError(f"nft: {done.stderr.decode()}")
        yield [Expected("GuardTableBroken")]


class OnlyPeerLost(Cause):
    name = "pair"
    about = "the only peer loses its power: nobody else vouches for this host"
    follows = ("PeerUnreachable", "ClusterQuorumLost", "HostIsolated")

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("other", self.stage.server("node6").address)])

    def trouble(self):
        wait_for(lambda: self.peerpulse.peer("other")["probe"]["acked"] > 50 * _FIRST_SECOND_S, 10,
                 "the first second is over")
        self.stage.cut("node6")
        yield [Expected("GuardWithheld")]


class ProcessKilled(Cause):
    name = "killed"
    about = "the store's process is killed"

    def prepare(self) -> None:
        self.server = self.stage.server("node2")
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", self.server.address), *self.stage.well()])

    def trouble(self):
        self.server.process.kill()
        yield [Expected("PeerRefusing", {"peer": "store"})]


class ProcessStopped(Cause):
    name = "stopped"
    about = "the store's process is stopped (SIGSTOP)"
    _STALL_AFTER_S = 1

    def prepare(self) -> None:
        self.server = self.stage.server("node2")
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", self.server.address), *self.stage.well()],
                                              probe={"stall_after": f"{self._STALL_AFTER_S}s"})

    def trouble(self):
        self.server.process.stop()
        yield [Expected("PeerStalled", {"peer": "store", "severity": "critical"}, self._STALL_AFTER_S)]


class RestartLoop(Cause):
    name = "restarts"
    about = "the store's process ends and is started again, four times"

    def prepare(self) -> None:
        self.server = self.stage.server("node2")
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", self.server.address), *self.stage.well()])

    def trouble(self):
        for _ in range(4):
            self.server.process.kill()
            self.peerpulse.wait_verdict("store", "refusing")
            self.server.start()
            self.peerpulse.wait_verdict("store", "alive")
        yield [Expected("PeerFlapping", {"peer": "store"})]


class HookBroken(Cause):
    name = "hook"
    about = "the hook's program fails when a store's process is killed"
    follows = ("PeerRefusing",)

    def prepare(self) -> None:
        self.server = self.stage.server("node2")
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", self.server.address), *self.stage.well()],
                                              hooks={"on_transition": {"command": ["/bin/false"]}})

    def trouble(self):
        self.server.process.kill()
        yield [Expected("PeerpulseHookFailing", {"result": "failed"})]


CAUSES = (PowerCuts, OnlyPeerLost, ProcessKilled, ProcessStopped, RestartLoop, HookBroken)
