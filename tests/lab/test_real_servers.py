"""The probe ladder against real servers: some police PINGs, some end connections that carry nothing else, and no
exchange may notice what becomes of a probe connection. On the loopback, all of them as peers of one peerpulse."""

import contextlib
import threading

from tests.harness.case import DETECTED_S, Case
from tests.harness.host import LocalHost
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.real_servers import REAL_SERVERS, RealServer
from tests.harness.steady_client import SteadyResult

_PROBED_S = 5
_AFTER_RESTART_S = 2
_STOPPED_S = 2
_PER_SECOND = 3


class RealServers(Case):
    """One start for all cases; each leaves every peer alive."""

    @classmethod
    def setUpClass(cls):
        cls.host = LocalHost()
        cls.addClassCleanup(cls.host.close)
        cls.kinds = [kind for kind in REAL_SERVERS if not kind.missing()]
        cls.servers = {kind.name: kind.make(cls.host).start() for kind in cls.kinds}
        cls.peerpulse = Peerpulse(cls.host, [Peer(name, server.address) for name, server in cls.servers.items()])
        cls.addClassCleanup(cls.peerpulse.check_end)
        cls.peerpulse.start()
        # What it was like before any case did something to a peer.
        cls.probed = cls.exchange(_PROBED_S)
        cls.peers, cls.events = cls.all_peers(), cls.peerpulse.events()

    @classmethod
    def exchange(cls, seconds: float) -> dict[str, SteadyResult]:
        """Exchanges with every peer through peerpulse, at a low rate and by real clients, for this long."""
        count = round(seconds * _PER_SECOND)
        clients = {kind.name: kind.client(cls.host, cls.peerpulse.listen[kind.name], count, _PER_SECOND)
                   for kind in cls.kinds}
        return {name: client.result() for name, client in clients.items()}

    @classmethod
    def all_peers(cls) -> list[dict]:
        """In the order of `kinds`."""
        return cls.peerpulse.get("/peers").json()["peers"]

    def hosts(self) -> list:
        return [self.host]

    def assert_undisturbed(self, results: dict[str, SteadyResult], events: list[dict], peers: list[dict]) -> None:
        """Every exchange was answered, and no verdict or circuit was ever in its way."""
        for peer in peers:
            name = peer["name"]
            with self.subTest(server=name):
                self.assertEqual(results[name].failures, [])
                bad = [event for event in events if event["peer"] == name
                       and (event["to"] in ("dead", "refusing", "stalled") or event["circuit"] == "open")]
                self.assertEqual(bad, [])
                # A suspicion is no verdict: on a busy machine there may be one at any moment.
                self.assertIn(peer["verdict"], ("alive", "suspect"))
                self.assertEqual(peer["circuit"], "closed")
                self.assertEqual((peer["failures_total"], peer["fast_failures_total"]), (0, 0))

    def assert_on_its_rung(self, kind: RealServer, peer: dict) -> None:
        """One complaint teaches the ladder. The orderly end of an idle connection is none."""
        self.assertIn(peer["probe"]["mode"], kind.rungs)
        self.assertLessEqual(peer["probe"]["too_many_pings"], 1)
        if not kind.ends_idle:
            self.assertEqual(peer["probe"]["goaways"], peer["probe"]["too_many_pings"])
        if kind.complains:
            self.assertLessEqual(self.servers[kind.name].complaints(), 1)

    def test_probing_disturbs_no_exchange(self):
        self.assert_undisturbed(self.probed, self.events, self.peers)

    def test_each_ends_on_its_rung(self):
        for kind, peer in zip(self.kinds, self.peers):
            with self.subTest(server=kind.name):
                self.assert_on_its_rung(kind, peer)

    def test_idle_ends_are_absorbed(self):
        for kind, peer in zip(self.kinds, self.peers):
            if kind.ends_idle:
                with self.subTest(server=kind.name):
                    self.assertGreaterEqual(peer["probe"]["goaways"], 2)
                    self.assertGreater(peer["probe"]["acked"], 100)

    def test_a_killed_process_refuses_and_comes_back_on_its_rung(self):
        for server in self.servers.values():
            server.process.kill()
        for name in self.servers:
            self.peerpulse.wait_verdict(name, "refusing", DETECTED_S)
        for server in self.servers.values():
            server.start()
        for name in self.servers:
            self.peerpulse.wait_circuit(name, "closed", DETECTED_S)
        begun = len(self.peerpulse.events())
        results = self.exchange(_AFTER_RESTART_S)
        peers = self.all_peers()
        self.assert_undisturbed(results, self.peerpulse.events()[begun:], peers)
        for kind, before, after in zip(self.kinds, self.peers, peers):
            with self.subTest(server=kind.name):
                self.assertEqual(after["probe"]["mode"], before["probe"]["mode"])
                self.assert_on_its_rung(kind, after)

    def test_a_stopped_process_is_neither_dead_nor_cut_off(self):
        begun = len(self.peerpulse.events())
        with contextlib.ExitStack() as stopped:
            for server in self.servers.values():
                server.process.stop()
                stopped.callback(server.process.cont)
            # The exchanges begin while the peers stand still, and have to wait for them.
            going_on = threading.Timer(_STOPPED_S, stopped.pop_all().close)
            going_on.start()
            results = self.exchange(_STOPPED_S)
            going_on.join()
        peers = self.all_peers()
        self.assert_undisturbed(results, self.peerpulse.events()[begun:], peers)
        for kind, peer in zip(self.kinds, peers):
            with self.subTest(server=kind.name):
                self.assertGreater(max(results[kind.name].latencies_ms), _STOPPED_S * 500)
                self.assert_on_its_rung(kind, peer)


class Toolchains(Case):
    """Servers that are no requirement: says which of them were not tested."""

    def hosts(self) -> list:
        return []

    def test_every_server_is_there(self):
        missing = {kind.name: kind.missing() for kind in REAL_SERVERS if kind.missing()}
        if missing:
            self.skipTest(f"not tested: {missing}")
