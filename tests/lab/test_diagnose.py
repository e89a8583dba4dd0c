"""`peerpulse diagnose` names the cause of each trouble, by real ones."""

import contextlib
import subprocess
import time

from tests.harness import cli
from tests.harness.case import LabCase
from tests.harness.host import connect
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for
from tools.lab.nftables import Nftables

_AT_MOST_S = 5


class TlsPeer(NghttpdPeer):
    """nghttpd that speaks TLS only."""

    def _arguments(self) -> list[str]:
        key, certificate = self.directory / "key.pem", self.directory / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", "/CN=node", "-keyout", str(key), "-out", str(certificate)],
                       check=True, capture_output=True)
        return ["nghttpd", "--address", self.host.address, "-d", str(self.root), str(self.port), str(key), str(certificate)]


class Diagnose(LabCase):
    """node2 is the one that is asked about, node3 lives."""

    nodes = 3

    def start(self, server_type=NghttpdPeer, launcher=(), address: str = "", **config):
        self.server = server_type(self.lab.node("node2")).start()
        other = NghttpdPeer(self.lab.node("node3")).start()
        peers = [Peer("node2", address or self.server.address), Peer("node3", other.address)]
        self.peerpulse = self.start_peerpulse(self.local, peers, launcher=launcher, **config)
        self.peerpulse.wait_verdict("node3", "alive")
        if not address:
            self.peerpulse.wait_verdict("node2", "alive")

    def diagnose(self, *more: str, peer: str = "node2") -> dict:
        began = time.monotonic()
        ran = cli.run(self.local, "diagnose", peer, "--json", *more, *cli.admin(self.peerpulse))
        self.assertLess(time.monotonic() - began, _AT_MOST_S * SLOWDOWN)
        self.assertEqual(ran.errors, "")
        diagnosis = ran.json()
        self.assertEqual(ran.status, 0 if diagnosis["cause"] == "well" else 1)
        self.assertNotIn("\n", diagnosis["what"])
        return diagnosis

    def assert_cause(self, cause: str, *words: str) -> dict:
        diagnosis = self.diagnose()
        self.assertEqual(diagnosis["cause"], cause, diagnosis)
        for word in words:
            self.assertIn(word, diagnosis["what"])
        if cause != "well":
            self.assertTrue(diagnosis["todo"])
        return diagnosis

    def test_a_peer_that_is_well(self):
        self.start()
        diagnosis = self.assert_cause("well")
        self.assertEqual(diagnosis["evidence"]["speaks"]["answer"], "http2")
        self.assertEqual(self.diagnose(peer=self.server.address)["cause"], "well")
        self.assertEqual(cli.run(self.local, "diagnose", "node9", *cli.admin(self.peerpulse)).status, 2)

    def test_power_off(self):
        self.start()
        self.lab.cut("node2")
        self.peerpulse.wait_verdict("node2", "dead")
        wait_for(lambda: self.peerpulse.peer("node2")["guard"]["state"] == "refused", 5, "the guard refuses node2")
        diagnosis = self.assert_cause("power_off", "no power")
        self.assertEqual(diagnosis["evidence"]["arp"]["answer"], "silent")
        text = cli.run(self.local, "diagnose", "node2", *cli.admin(self.peerpulse)).output
        self.assertRegex(text, r"\Anode2 \(10\.77\.0\.2:\d+\): power_off\n")
        self.assertRegex(text, r"(?m)^  arp +silent")
        self.assertIn("What to do:\n- ", text)

    def test_process_killed(self):
        self.start()
        self.server.process.kill()
        self.peerpulse.wait_verdict("node2", "refusing")
        self.assert_cause("process_gone", "nothing listens")

    def test_process_stopped(self):
        self.start()
        self.server.process.stop()
        diagnosis = self.assert_cause("process_stopped", "stopped or stuck")
        self.assertEqual(diagnosis["evidence"]["connect"]["answer"], "accepted")

    def test_port_filtered(self):
        self.start()
        filter_ = Nftables(self.lab.node("node2").namespace)
        self.addCleanup(filter_.close)
        filter_.run(f"table ip f {{\nchain c {{\ntype filter hook input priority 0;\ntcp dport {self.server.port} drop\n}}\n}}\n")
        self.peerpulse.wait_verdict("node2", "dead", 15)
        diagnosis = self.assert_cause("port_filtered", "firewall")
        self.assertEqual(diagnosis["evidence"]["icmp"]["answer"], "answered")
        # Nor does it answer ICMP: a closed port proves that it lives.
        filter_.run("add rule ip f c icmp type echo-request drop")
        diagnosis = self.assert_cause("port_filtered", "firewall")
        self.assertEqual(diagnosis["evidence"]["other_port"]["answer"], "refused")

    def test_wrong_address(self):
        self.start(address="10.77.0.99:9000")
        self.assert_cause("wrong_address", "10.77.0.99")

    def test_wrong_address_of_a_host_that_lives(self):
        self.start(address="10.77.0.3:1")
        self.peerpulse.wait_verdict("node2", "refusing")
        self.assert_cause("process_gone", "the address or port is wrong")

    def test_host_route_missing(self):
        self.start()
        self.local.namespace.ip("route del 10.77.0.0/24 dev eth0")
        self.assert_cause("no_route", "no route to 10.77.0.2")

    def test_host_route_that_forbids(self):
        self.start()
        self.local.namespace.ip("route add blackhole 10.77.0.2/32")
        self.assert_cause("no_route", "forbids")

    def test_tls_on_a_plain_port(self):
        self.start(TlsPeer)
        self.assert_cause("tls_on_plain_port", "speaks TLS")

    def test_arp_stale(self):
        """node2 gets a new network card; node1 has the old one's address by hand."""
        self.start()
        node2 = self.lab.node("node2").namespace
        old = node2.run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()
        self.local.namespace.ip(f"neigh replace 10.77.0.2 lladdr {old} nud permanent dev eth0")
        node2.ip("link set eth0 address 02:77:00:00:00:22")
        self.peerpulse.wait_verdict("node2", "dead")
        diagnosis = self.assert_cause("neighbour_stale", old, "02:77:00:00:00:22")
        self.assertIn("ip neigh del 10.77.0.2 dev eth0", diagnosis["todo"][0])

    def test_own_descriptors_gone(self):
        self.start(launcher=("prlimit", "--nofile=64"))
        listen = self.peerpulse.listen["node2"]
        with contextlib.ExitStack() as stack:
            for _ in range(120):
                stack.enter_context(contextlib.closing(connect(self.local, listen)))

            def short() -> bool:
                # What held a descriptor for a moment (a probe, this command) leaves room for one more client.
                stack.enter_context(contextlib.closing(connect(self.local, listen)))
                return self.diagnose()["cause"] == "own_descriptors"

            wait_for(short, 10 * SLOWDOWN, "clients are turned away")
            self.assert_cause("own_descriptors", "no file descriptors left", "node2 itself answers")

    def test_the_own_link_without_carrier(self):
        self.start()
        self.lab.unplug("node1")
        self.assert_cause("own_link", "eth0 has no carrier")

    def test_an_operator_holds_it(self):
        self.start()
        cli.run(self.local, "override", "node2", "open", *cli.admin(self.peerpulse))
        self.peerpulse.wait_circuit("node2", "open")
        diagnosis = self.assert_cause("held_by_operator")
        self.assertIn("peerpulse override node2 auto", diagnosis["todo"][0])

    def test_without_root_it_says_what_it_may_not(self):
        """No ARP, no mark: what is left must not become a wrong answer."""
        self.start()
        self.lab.cut("node2")
        self.peerpulse.wait_verdict("node2", "dead")
        wait_for(lambda: self.peerpulse.peer("node2")["guard"]["state"] == "refused", 5, "the guard refuses node2")
        ran = cli.Ran(self.local.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=65534", "--regid=65534", "--clear-groups", cli.program(),
                                      "diagnose", "node2", "--json", *cli.admin(self.peerpulse)]))
        diagnosis = ran.json()
        self.assertEqual(diagnosis["evidence"]["arp"]["answer"], "not_permitted")
        self.assertEqual(diagnosis["evidence"]["connect"]["answer"], "guarded")
        self.assertEqual(diagnosis["cause"], "power_off", diagnosis)
        self.assertIn("root", diagnosis["what"])

    def test_without_peerpulse_an_address_is_enough(self):
        self.start()
        self.peerpulse.stop()
        diagnosis = self.diagnose(peer=self.server.address)
        self.assertEqual(diagnosis["cause"], "well")
        self.assertFalse(diagnosis["peerpulse"]["reached"])
        ran = cli.run(self.local, "diagnose", "node2", "--json", "--config", str(self.peerpulse.config_file))
        self.assertEqual(ran.json()["cause"], "well")
        self.assertEqual(cli.run(self.local, "diagnose", "node2", *cli.admin(self.peerpulse)).status, 4)
