"""The guard when there is much to do, when its means are taken from it, and when it must not act at all."""

import errno
import pathlib
import resource
import select
import signal
import socket
import sys
import time

from tests.harness.case import DETECTED_S
from tests.harness.host import connect
from tests.harness.programs import CLIENTS
from tests.harness.waiting import wait_for
from tests.lab.guard_case import GuardCase

_REFUSED = "ECONNREFUSED"


class Crowd:
    """Both ends of very many connections, node1's in one process: this one."""

    def __init__(self, case: GuardCase) -> None:
        self._case = case

    def dial(self, client: str, server: str, count: int) -> list[socket.socket]:
        """Node1's ends of them."""
        client, server = self._case.lab.node(client), self._case.lab.node(server)
        with server.entered():
            listener = socket.create_server((server.address, self._case.port), backlog=4096)
        with listener:
            dialled, accepted = [], []
            for _ in range(count):
                dialled.append(connect(client, (server.address, self._case.port)))
                accepted.append(listener.accept()[0])
        for end in (*dialled, *accepted):
            end.setblocking(False)
            self._case.addCleanup(end.close)
        return dialled if client is self._case.local else accepted


def _outcome(end: socket.socket) -> str:
    try:
        return repr(end.recv(1))
    except BlockingIOError:
        return "waits"
    except OSError as error:
        return errno.errorcode[error.errno]


class Crowds(GuardCase):
    def test_two_thousand_sockets_to_the_dead_and_hundreds_to_the_living(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 6000:
            self.skipTest(f"only {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.start()
        crowd = Crowd(self)
        dead = crowd.dial("node1", "node3", 1500) + crowd.dial("node3", "node1", 500)
        living = crowd.dial("node1", "node2", 300) + crowd.dial("node2", "node1", 100)
        self.cut("node3")
        poll = select.poll()
        for end in dead:
            poll.register(end, select.POLLIN)
        wait_for(lambda: len(poll.poll(0)) == len(dead), DETECTED_S, "all have heard of it")
        self.assertEqual({_outcome(end) for end in dead}, {"ECONNABORTED"})
        self.assertEqual({_outcome(end) for end in living}, {"waits"})
        event = next(event for event in self.peerpulse.events("guard") if event["to"] == "refused")
        self.assertEqual((event["sockets"]["destroyed"], event["sockets"]["failed"]), (2000, 0))
        self.assertEqual(self.guard("node2")["destroyed_total"], 0)


class Means(GuardCase):
    def connecting(self, name: str) -> socket.socket:
        """A socket that has begun to connect."""
        with self.local.entered():
            begun = socket.socket()
        self.addCleanup(begun.close)
        begun.setblocking(False)
        try:
            begun.connect((self.lab.node(name).address, self.port))
        except BlockingIOError:
            pass
        return begun

    def assert_connect_ends(self, begun: socket.socket, expected: str) -> None:
        """Without anybody's answer; a SYN would be repeated after a second."""
        wait_for(lambda: select.select([], [begun], [], 0)[1], 0.9, "the connect ends")
        error = begun.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.assertEqual(errno.errorcode.get(error), expected)

    def descriptors(self) -> int:
        """Of peerpulse; those of probes come and go."""
        return len(list(pathlib.Path(f"/proc/{self.peerpulse.process.pid}/fd").iterdir()))

    def flush(self) -> None:
        self.assertEqual(self.local.run(["nft", "flush", "ruleset"]).returncode, 0)

    def test_a_flushed_table_and_the_sockets_opened_meanwhile(self):
        self.start()
        self.flush()  # when nobody is dead
        outbound = self.dial("node1", "node3", 2)
        self.cut("node3")
        self.assert_aborted(outbound, 2)
        self.wait_guard("node3", "refused")
        self.assertEqual(self.connect_error("node3"), _REFUSED)
        self.flush()
        # Fails open until it is made anew; who has passed meanwhile is not left to hang.
        self.assert_connect_ends(self.connecting("node3"), "ECONNABORTED")
        self.assertEqual(self.connect_error("node3"), _REFUSED)
        self.assertEqual(self.peerpulse.metrics()["peerpulse_guard_table_repairs_total"], 2)
        self.lab.restore("node3")
        self.wait_guard("node3", "idle")
        self.flush()
        again = self.dial("node1", "node3", 2)
        self.lab.cut("node3")
        self.assert_aborted(again, 2)

    def test_somebody_who_flushes_all_the_time(self):
        self.start()
        self.cut("node3")
        self.wait_guard("node3", "refused")
        before = self.descriptors()
        began = time.monotonic()
        while time.monotonic() - began < 3:
            self.flush()
        lines = self.peerpulse.process.output().count('"event":"guard_table_')  # first: another one may come now
        metrics = self.peerpulse.metrics()
        seen = metrics["peerpulse_guard_table_repairs_total"] + metrics["peerpulse_guard_table_errors_total"]
        self.assertGreaterEqual(seen, 3)
        self.assertLessEqual(lines, seen)
        wait_for(lambda: self.descriptors() <= before, 3, f"{before} descriptors, as before")
        wait_for(lambda: self.connect_error("node3") == _REFUSED, 3, "refused again")
        self.lab.restore("node3")
        self.wait_guard("node3", "idle")
        self.assert_untouched(self.dial("node1", "node3"))

    def test_without_nftables_sockets_are_destroyed_all_the_same(self):
        self.start(launcher=(sys.executable, "-B", str(CLIENTS / "without_nftables.py")))
        outbound = self.dial("node1", "node3", 4)
        healthy = self.dial("node1", "node2", 2)
        self.cut("node3")
        self.assert_aborted(outbound, 4)
        # Nobody is refused, and nobody hangs.
        self.assert_connect_ends(self.connecting("node3"), "ECONNABORTED")
        self.assert_untouched(healthy)
        guard = self.peerpulse.get("/cluster").json()["guard"]
        self.assertEqual((guard["active"], guard["table"], guard["refused"]), (True, "", ["node3"]))
        self.assertIn("netlink", guard["missing"])
        output = self.peerpulse.process.output()
        self.assertEqual(output.count('"event":"guard_table_missing"'), 1)
        self.assertNotIn("guard_unavailable", output)
        self.lab.restore("node3")
        self.wait_guard("node3", "idle")
        self.assert_untouched(self.dial("node1", "node3"))

    def test_killed_and_started_again_while_it_refuses(self):
        self.start()
        self.cut("node3")
        self.wait_guard("node3", "refused")
        self.peerpulse.process.signal(signal.SIGKILL)
        self.peerpulse.process.popen.wait()
        healthy = self.dial("node1", "node2", 2)
        self.peerpulse.start()
        # It has never heard of node3: not before its first second is over, and then all the same.
        self.peerpulse.wait_verdict("node3", "dead")
        self.wait_guard("node3", "refused")
        self.assertEqual(self.connect_error("node3"), _REFUSED)
        self.assert_untouched(healthy)
        self.assertEqual(len(self.local.run(["nft", "list", "tables"]).stdout.splitlines()), 1)
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("node3", "alive")
        self.wait_guard("node3", "idle")
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 1, 5, "the first second is over")
        outbound = self.dial("node1", "node3", 2)
        self.lab.cut("node3")
        self.assert_aborted(outbound, 2)

    def test_back_and_forth_leaks_nothing(self):
        self.start()
        self.cut("node3")
        self.wait_guard("node3", "refused")
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("node3", "alive")
        before = self.descriptors()
        for _ in range(10):
            outbound = self.dial("node1", "node3", 4)
            self.lab.cut("node3")
            self.assert_aborted(outbound, 4)
            self.lab.restore("node3")
            self.peerpulse.wait_verdict("node3", "alive")
            self.wait_guard("node3", "idle")
        wait_for(lambda: self.descriptors() <= before, 3, f"{before} descriptors, as before")

    def test_rules_that_mark_all_packets_do_not_refuse_our_probes(self):
        self.start()
        rules = ("add table inet marks; add chain inet marks out { type route hook output priority -150; }; "
                 "add rule inet marks out meta mark set 0x1")
        self.assertEqual(self.local.run(["nft", rules]).returncode, 0)
        self.cut("node3")
        self.wait_guard("node3", "refused")
        began = time.monotonic()
        while time.monotonic() - began < 2:
            self.assertEqual(self.peerpulse.peer("node3")["verdict"], "dead")
        self.assertEqual(self.guard("node3")["refusals_total"], 1)


class Addresses(GuardCase):
    def run_here(self, *argv: str) -> None:
        done = self.local.run(list(argv))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_virtual_address_that_leads_to_the_peer_is_refused_and_others_behind_it_are_not(self):
        self.start()
        self.run_here("ip", "route", "add", "10.99.0.0/24", "via", self.lab.node("node2").address)
        rules = "add table ip virtual; add chain ip virtual out { type nat hook output priority -100; }; "
        for last, name in ((2, "node2"), (3, "node3")):
            rules += f"add rule ip virtual out ip daddr 10.99.0.{last} dnat to {self.lab.node(name).address}; "
        self.run_here("nft", rules)
        direct, virtual = self.dial("node1", "node3"), {}
        for last, name in ((2, "node2"), (3, "node3")):
            with self.lab.node(name).entered():
                listener = socket.create_server((self.lab.node(name).address, self.port))
            self.addCleanup(listener.close)
            virtual[name] = connect(self.local, (f"10.99.0.{last}", self.port))
            virtual[name].setblocking(False)
            self.addCleanup(virtual[name].close)
        self.cut("node3")
        self.assert_aborted(direct, 1)
        self.wait_guard("node3", "refused")
        with self.assertRaises(ConnectionRefusedError):
            connect(self.local, ("10.99.0.3", self.port), 0.5)
        connect(self.local, ("10.99.0.2", self.port), 0.5).close()
        # Their sockets do not name the peer: they are not found, and nobody else's are taken for them.
        self.assertEqual({name: _outcome(end) for name, end in virtual.items()}, {"node2": "waits", "node3": "waits"})

    def test_this_host_takes_over_the_dead_ones_address(self):
        self.start()
        outbound = self.dial("node1", "node3", 2)
        self.cut("node3")
        self.assert_aborted(outbound, 2)
        address = self.lab.node("node3").address
        self.run_here("ip", "addr", "add", f"{address}/32", "dev", "lo")
        with self.local.entered():
            listener = socket.create_server((address, self.port))
        self.addCleanup(listener.close)
        self.wait_guard("node3", "idle")  # it is there, if only to refuse
        here = connect(self.local, (address, self.port), 0.5)
        self.addCleanup(here.close)
        accepted = listener.accept()[0]
        self.addCleanup(accepted.close)
        began = time.monotonic()
        while time.monotonic() - began < 2:
            for end in (here, accepted):
                end.setblocking(False)
                self.assertEqual(_outcome(end), "waits")
            self.assertNotEqual(self.peerpulse.peer("node3")["verdict"], "dead")


class Several(GuardCase):
    nodes = 4

    def test_two_of_three_at_the_same_instant(self):
        # It cannot be told from an own link that drops most: whoever hears too few blames himself.
        self.start()
        before = [self.dial("node1", name, 2) for name in ("node2", "node3", "node4")]
        self.cut("node3", "node4")
        for name in ("node3", "node4"):
            self.peerpulse.wait_verdict(name, "dead", DETECTED_S)
        for name in ("node3", "node4"):
            self.wait_guard(name, "withheld", "local_health")
        began = time.monotonic()
        while time.monotonic() - began < 2:  # for longer than a suspicion is shown
            cluster = self.peerpulse.get("/cluster").json()
            self.assertEqual((cluster["local_health"], cluster["guard"]["withheld"], cluster["guard"]["refused"]),
                             ("suspect", ["node3", "node4"], []))
        self.assert_untouched(*before)
        self.assertEqual(self.connect_error("node3"), "timeout")
        # One is back: the other one is a dead peer among living ones.
        self.lab.restore("node4")
        self.wait_guard("node3", "refused", timeout=5)
        self.assert_aborted(before[1], 2)
        self.assert_untouched(before[0], before[2])
        self.assertEqual(self.guard("node4")["destroyed_total"], 0)
