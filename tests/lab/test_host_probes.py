"""Peers without HTTP/2: their hosts are asked by ICMP, their processes by requests, and whatever never answered, or ceases
to answer while the peer lives, accuses nobody."""

import time

from tests.harness.case import DETECTED_S
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN
from tests.harness.python_peer import PythonPeer
from tests.harness.waiting import wait_for
from tests.lab.ipv6 import At, add_ipv6
from tests.lab.power_case import PowerCase

_STOPPED_S = 6
_OBSERVED_S = 4


def accepted(node) -> int:
    """TCP connections that the node's kernel has accepted."""
    with node.entered(), open("/proc/thread-self/net/snmp", encoding="ascii") as table:
        names, values = (line.split() for line in table if line.startswith("Tcp:"))
    return int(values[names.index("PassiveOpens")])


class HostProbes(PowerCase):
    nodes = 2

    def start(self, server_type, on_dead: str = "respond", **config):
        super().start(server_type, on_dead, **config)
        self.node, self.server = self.lab.node("node2"), self.servers["node2"]

    def wait_probed(self, host: str, process: str = "request"):
        def probed():
            probe = self.peerpulse.peer("node2")["probe"]
            return (probe["host"], probe["process"]) == (host, process)
        wait_for(probed, 15 * SLOWDOWN, f"probed by {host} and {process}")

    def firewall(self, *rules: str):
        """What reaches the peer's host."""
        text = "\n".join(["table inet firewall {", "chain in {", "type filter hook input priority 0; policy accept;", *rules,
                          "}", "}"])
        done = self.node.run(["nft", text])
        self.assertEqual(done.returncode, 0, done.stderr)

    def verdicts(self) -> list[str]:
        return [event["to"] for event in self.peerpulse.events() if event["from"] != event["to"]]

    def test_a_cut_is_found_by_echoes_and_costs_the_peer_no_connects(self):
        self.start(NginxPeer)
        self.wait_probed("icmp")
        before, began = accepted(self.node), time.monotonic()
        sent = self.peerpulse.peer("node2")["probe"]["kinds"]
        time.sleep(_OBSERVED_S)
        self.assertLessEqual(accepted(self.node) - before, time.monotonic() - began)
        kinds = self.peerpulse.peer("node2")["probe"]["kinds"]
        self.assertGreater(kinds["icmp"]["acked"], sent["icmp"]["acked"] + 30 * _OBSERVED_S / SLOWDOWN)
        self.assertGreaterEqual(kinds["request"]["acked"], sent["request"]["acked"] + 1)
        self.assertEqual(kinds["connect"]["sent"], sent["connect"]["sent"])
        for _ in range(2):
            self.cut("node2")
            self.lab.restore("node2")
            self.peerpulse.wait_circuit("node2", "closed", 3)
            self.wait_probed("icmp")
        changes = self.peerpulse.events("probe")
        self.assertEqual(changes[0]["probe_from"], {"mode": "fast_ping", "host": "ping", "process": "ping"})
        self.assertIn({"mode": "l4", "host": "icmp", "process": "request"}, [change["probe"] for change in changes])

    def test_the_same_by_ipv6(self):
        addresses = add_ipv6(self.lab)

        def make(node):
            server = NginxPeer(At(node, addresses[node.name]), 9100)
            server.address = f"[{addresses[node.name]}]:9100"
            return server
        self.start(make)
        self.wait_probed("icmp")
        before = accepted(self.node)
        time.sleep(_OBSERVED_S)
        self.assertLessEqual(accepted(self.node) - before, _OBSERVED_S + 1)
        self.cut("node2")
        self.lab.restore("node2")
        self.peerpulse.wait_circuit("node2", "closed", 3)

    def test_a_killed_process_refuses_at_once(self):
        self.start(NginxPeer)
        self.wait_probed("icmp")
        self.server.process.kill()
        self.peerpulse.wait_verdict("node2", "refusing", DETECTED_S)
        self.server.start()
        self.peerpulse.wait_circuit("node2", "closed", 3)

    def test_a_stopped_process_is_stalled_in_time_and_never_dead(self):
        self.start(NginxPeer, probe={"stall_after": "2s"})
        self.wait_probed("icmp")
        self.server.process.stop()
        stopped, queued = time.monotonic(), accepted(self.node)
        self.peerpulse.wait_verdict("node2", "stalled", 5)
        self.assertGreater(time.monotonic() - stopped, 2)
        self.assertLess(time.monotonic() - stopped, 3 + DETECTED_S)
        self.assertLessEqual(accepted(self.node) - queued, 1, "nothing piles up in its accept queue")
        self.server.process.cont()
        self.peerpulse.wait_verdict("node2", "alive", DETECTED_S)
        self.assertNotIn("dead", self.verdicts())

    def test_a_firewall_that_begins_to_drop_icmp_is_no_death(self):
        self.start(NginxPeer)
        self.wait_probed("icmp")
        self.firewall("meta l4proto icmp drop")
        self.wait_probed("connect")
        time.sleep(_OBSERVED_S)
        verdicts = self.verdicts()
        self.assertNotIn("dead", verdicts)
        self.assertLessEqual(verdicts.count("suspect"), 5)
        self.assertGreater(self.peerpulse.peer("node2")["probe"]["kinds"]["icmp"]["lost"], 0)

    def stop_behind_firewall(self, make, *rules: str, host: str, process: str = "request"):
        self.start(make)
        self.firewall(f"tcp dport != {self.server.port} tcp flags syn drop", *rules)
        self.wait_probed(host, process)
        time.sleep(6)  # all means are tried
        self.server.process.stop()
        time.sleep(_STOPPED_S)
        self.server.process.cont()
        self.peerpulse.wait_verdict("node2", "alive", DETECTED_S)
        verdicts = self.verdicts()
        self.assertEqual([verdict for verdict in verdicts if verdict not in ("alive", "suspect")], [],
                         self.peerpulse.events())
        self.assertEqual(self.peerpulse.peer("node2")["fast_failures_total"], 0)
        time.sleep(3)  # right after its queue was full a cut is found a second later
        self.cut("node2")

    def test_a_pause_behind_a_firewall_that_lets_icmp_pass(self):
        self.stop_behind_firewall(PythonPeer, host="icmp")

    def test_a_pause_behind_a_firewall_that_lets_nothing_but_its_port_pass(self):
        self.stop_behind_firewall(PythonPeer, "meta l4proto icmp drop", host="connect")

    def test_the_same_of_a_server_that_keeps_no_connection(self):
        def make(node):
            return PythonPeer(node, protocol="HTTP/1.0", backlog=5)
        self.stop_behind_firewall(make, "meta l4proto icmp drop", host="connect", process="connect")
