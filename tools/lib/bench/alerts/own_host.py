"""Troubles of peerpulse's own host and process."""

from tests.harness.host import connect, free_port
from tests.harness.http1 import Http1Client, request
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import Peer
from tests.harness.scripted_peer import answer
from tests.harness.threads import stopped_thread
from tests.harness.waiting import wait_for
from tools.lib.bench.alerts.cause import Cause, Expected
from tools.lib.bench.detect.pauser import Pauser


class Killed(Cause):
    name = "down"
    about = "peerpulse is killed and not started again"

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well())

    def trouble(self):
        self.peerpulse.process.kill()
        yield [Expected("PeerpulseDown", {"severity": "critical"})]


class PortsGone(Cause):
    name = "ports"
    about = "another program has taken all ports for outgoing connections"
    _PORTS = 4

    def prepare(self) -> None:
        host = self.stage.lab.node("node5")
        # It keeps no connection: its process is asked by a connect every second.
        self.server = self.stage.server("node2", NginxPeer, keepalive_s=0)
        self.metrics = f"{host.address}:{free_port(host)}"
        well = self.stage.server("node2", NginxPeer)
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", self.server.address), Peer("well", well.address)],
                                              host, admin={"metrics_listen": self.metrics}, workers=1)

    @property
    def target(self) -> str:
        return self.metrics

    def trouble(self):
        host = self.peerpulse.host
        wait_for(lambda: self.peerpulse.peer("store")["probe"]["mode"] == "l4", 20, "it is probed without a PING")
        host.namespace.set_sysctl("net.ipv4.ip_local_port_range", f"60000 {60000 + self._PORTS - 1}")
        address, _, port = self.server.address.partition(":")
        for _ in range(self._PORTS):
            try:
                self.stage.keep(connect(host, (address, int(port))))
            except OSError:  # a probe has the last one
                break
        yield [Expected("HostExhausted", {"severity": "critical"}, 2)]


class HostPaused(Cause):
    name = "paused"
    about = "a hypervisor takes the processor away for 60 ms, again and again"

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well(often=True))

    def trouble(self):
        self.stage.keep(Pauser([[self.peerpulse.process]], length=0.06, period=0.4))
        yield [Expected("HostOverloaded", {}, 1)]


class ProberStopped(Cause):
    name = "prober"
    about = "the prober's thread stands still (ptrace)"

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well())

    def trouble(self):
        with stopped_thread(self.peerpulse.process.pid, "pp-prober"):
            yield [Expected("PeerpulseFailOpen", {"severity": "critical"}, 2)]


class LogDiskFull(Cause):
    name = "log"
    about = "the log's disk is full (ENOSPC)"

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well(), log={"file": "/dev/full"})

    def trouble(self):
        listen = self.peerpulse.listen["well1"]
        self.stage.again_and_again(lambda: request(self.peerpulse.host, listen, "GET", "/small"), 0.1)
        yield [Expected("PeerpulseLogDropped")]


class DrainCut(Cause):
    name = "drain"
    about = "a restart cuts off an exchange that does not end within drain_timeout, shorter than the interval of scrapes"

    def prepare(self) -> None:
        peer = self.stage.scripted(self._serve)
        self.peerpulse = self.stage.peerpulse(self.name, [Peer("store", peer.address, {"protocol": "http1"}),
                                                          *self.stage.well()], drain_timeout="100ms",
                                              drain_record=str(self.stage.local.directory / "drain"))

    def _serve(self, connection, head: bytes) -> bool:
        if b" /forever " in head:
            connection.recv(1)
            return False
        connection.sendall(answer("200 OK"))
        return True

    def trouble(self):
        client = self.stage.keep(Http1Client(self.peerpulse.host, self.peerpulse.listen["store"]))
        client.send_head("GET", "/forever")
        wait_for(lambda: self.peerpulse.peer("store")["in_flight"] == 1, 10, "in flight")
        self.peerpulse.stop()
        self.peerpulse.spawn()  # as systemd does
        yield [Expected("PeerpulseDrainOverrunning", {}, 1)]


class TooManyClients(Cause):
    name = "limit"
    about = "more clients come than limits.max_downstream_connections"

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well(), limits={"max_downstream_connections": 2})

    def trouble(self):
        refused = 'peerpulse_limit_refusals_total{limit="downstream_connections"}'
        self.stage.hold_connections(self.peerpulse, 4, lambda: self.metric(refused) > 0)
        yield [Expected("PeerpulseLimitReached", {"limit": "downstream_connections"})]


class DescriptorsUsed(Cause):
    name = "descriptors"
    about = "clients open connections and keep them"
    follows = ("PeerpulseLimitReached",)

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well(), launcher=("prlimit", "--nofile=256"))

    def trouble(self):
        def enough() -> bool:
            return self.metric("process_open_fds") > 0.92 * self.metric('peerpulse_limit{limit="descriptors"}')

        self.stage.hold_connections(self.peerpulse, 250, enough)
        yield [Expected("PeerpulseDescriptorsLow")]


class NoTrouble(Cause):
    name = "well"
    about = "a healthy cluster beside all that: requests, a restart of peerpulse, an override of an operator"

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well())

    def trouble(self):
        listen = self.peerpulse.listen["well1"]
        self.stage.again_and_again(lambda: request(self.peerpulse.host, listen, "GET", "/small"), 0.1)
        self.peerpulse.stop()
        self.peerpulse.start()
        override(self, "well2", ttl="20s")
        yield []


def override(cause: Cause, peer: str, **more: str) -> None:
    response = cause.peerpulse.post(f"/peers/{peer}/circuit", {"state": "open", "why": "maintenance", **more})
    if response.status != 200:
        raise AssertionError(f"override: {response.status} {response.body!r}")


class OverrideForgotten(Cause):
    name = "override"
    about = "an operator's override without a ttl is forgotten"
    slow = True

    def prepare(self) -> None:
        self.peerpulse = self.stage.peerpulse(self.name, self.stage.well())

    def trouble(self):
        override(self, "well2")
        yield [Expected("PeerOverridden", {"peer": "well2"})]


class OwnLinkCut(Cause):
    name = "isolated"
    about = "this host's own link is cut"
    alone = True
    follows = ("ClusterQuorumLost", "GuardWithheld")

    def prepare(self) -> None:
        peers = [Peer("store", self.stage.server("node5").address), *self.stage.well(often=True)]
        self.peerpulse = self.stage.peerpulse(self.name, peers)

    def trouble(self):
        self.stage.cut("node1")
        yield [Expected("HostIsolated", {"severity": "critical"})]


CAUSES = (Killed, PortsGone, HostPaused, ProberStopped, LogDiskFull, DrainCut, TooManyClients, DescriptorsUsed, NoTrouble,
          OverrideForgotten, OwnLinkCut)
