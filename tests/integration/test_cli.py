"""The commands that ask a running peerpulse: status, peers, events, override."""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading

from tests.harness import cli
from tests.harness.case import LocalCase
from tests.harness.connection_listener import ConnectionListener
from tests.harness.host import free_port
from tests.harness.peerpulse import SLOWDOWN, Peer, program
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for


class BrokenWay:
    """To the admin, through a relay that can break every connection, and take none."""

    def __init__(self, host, admin) -> None:
        self.admin = admin
        self.broken = False
        self.ends: list[socket.socket] = []
        self.listener = ConnectionListener(host, self.serve)
        self.address = self.listener.address

    def serve(self, client: socket.socket) -> None:
        if self.broken:
            return
        with socket.create_connection(self.admin) as server:
            self.ends += [client, server]
            back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
            back.start()
            self.pump(client, server)
            back.join()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def break_off(self) -> None:
        self.broken = True
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.broken = False

    def close(self) -> None:
        self.break_off()
        self.listener.close()


class CliCase(LocalCase):
    """node2 lives; nobody listens where the others are said to be."""

    refusing = ("node3",)

    def setUp(self):
        super().setUp()
        self.nghttpd = NghttpdPeer(self.host).start()
        self.peers = [Peer("node2", self.nghttpd.address, {"zone": "dc1"})]
        self.peers += [Peer(name, f"127.0.0.1:{number}") for number, name in enumerate(self.refusing, 1)]
        self.peerpulse = self.start_peerpulse(self.host, self.peers, zone="dc1")
        self.peerpulse.wait_verdict("node2", "alive")
        for name in self.refusing:
            self.peerpulse.wait_verdict(name, "refusing")

    def run_cli(self, *arguments: str) -> cli.Ran:
        return cli.run(self.host, *arguments, *cli.admin(self.peerpulse))

    def run_on_a_well_host(self, *arguments: str) -> cli.Ran:
        """A host that is busy with other tests says so, and is right."""
        def said() -> cli.Ran | None:
            ran = self.run_cli(*arguments)
            return ran if "this host: ok\n" in ran.output else None
        return wait_for(said, 20 * SLOWDOWN, "this host is well")


class Well(CliCase):
    refusing = ()

    def test_status_of_a_cluster_that_is_well(self):
        ran = self.run_on_a_well_host("status")
        self.assertEqual((ran.status, ran.errors), (0, ""))
        self.assertRegex(ran.output, r"\Anode1: cluster ok: 2 of 2 nodes online, quorum of 2 kept, no more may fail\n")
        self.assertIn("this host: ok\n", ran.output)
        self.assertIn("alive: node2\n", ran.output)

    def test_an_override_is_no_well_being_and_can_be_taken_back(self):
        ran = self.run_cli("override", "node2", "closed", "--ttl", "10m", "--why", "disk swap")
        self.assertEqual(ran.status, 0, ran.errors)
        self.assertIn("node2: circuit held closed", ran.output)
        self.assertIn("for 10m", ran.output)
        wait_for(lambda: self.run_cli("status").status == 1, 5, "status says so")
        self.assertIn("an operator holds its circuit closed", self.run_cli("status").output)
        self.assertEqual(self.run_cli("override", "node2", "auto").status, 0)
        wait_for(lambda: self.run_cli("status").status == 0, 5, "status is well again")

    def test_what_the_admin_refuses_is_said(self):
        ran = self.run_cli("override", "node2", "open", "--ttl", "soon")
        self.assertEqual(ran.status, 2)
        self.assertRegex(ran.errors, r"/ttl: .*expected a duration")
        ran = self.run_cli("override", "node9", "open")
        self.assertEqual(ran.status, 2)
        self.assertIn("there is no peer of that name", ran.errors)
        self.assertEqual(self.run_cli("override", "node2", "ajar").status, 2)
        self.assertEqual(self.peerpulse.peer("node2")["circuit"], "closed")

    def test_where_the_admin_is(self):
        environment = {**os.environ, "PEERPULSE_ADMIN": "{}:{}".format(*self.peerpulse.admin)}
        for arguments, options in ((["--config", str(self.peerpulse.config_file)], {}), ([], {"env": environment})):
            with self.subTest(arguments=arguments):
                ran = cli.run(self.host, "status", *arguments, **options)
                self.assertEqual(ran.status, 0, ran.errors)
        ran = cli.run(self.host, "status", "--admin", "nowhere", env=environment)
        self.assertEqual(ran.status, 2, "what the command line says counts")
        self.assertIn("nowhere", ran.errors)

    def test_no_admin(self):
        port = free_port(self.host, "127.0.0.1")
        for command in (["status"], ["peers"], ["events"], ["events", "--follow"], ["override", "node2", "open"]):
            with self.subTest(command=command):
                ran = cli.run(self.host, *command, "--admin", f"127.0.0.1:{port}")
                self.assertEqual((ran.status, ran.output), (4, ""))
                self.assertIn(f"no answer from the admin of peerpulse at 127.0.0.1:{port}", ran.errors)

    def test_an_admin_that_is_none(self):
        """Whatever else listens there: an HTTP/2 server answers no HTTP/1."""
        ran = cli.run(self.host, "status", "--admin", self.nghttpd.address)
        self.assertEqual((ran.status, ran.output), (4, ""))


class UnixAdmin(LocalCase):
    def test_an_admin_on_a_unix_socket(self):
        nghttpd = NghttpdPeer(self.host).start()
        path = f"unix:{self.host.directory}/admin.sock"
        process = self.host.spawn([program(), "run", "--config", self.write_config(nghttpd.address, path)], name="peerpulse")
        ran = wait_for(lambda: self.ready(path), 10, "status by the unix socket")
        self.assertIn("alive: node2\n", ran.output)
        self.assertEqual(cli.run(self.host, "override", "node2", "open", "--admin", path).status, 0)
        self.assertEqual(process.terminate(), 0)

    def ready(self, path: str):
        ran = cli.run(self.host, "status", "--admin", path)
        return ran if ran.status == 0 else None

    def write_config(self, address: str, admin: str) -> str:
        file = self.host.directory / "unix.json"
        listen = "127.0.0.1:{}".format(free_port(self.host, "127.0.0.1"))
        file.write_text(json.dumps({"node": "node1", "admin": {"listen": admin}, "guard": {"mode": "proxy"}, "peers": [
            {"name": "node2", "listen": listen, "address": address}]}), encoding="utf-8")
        return str(file)


class Down(CliCase):
    refusing = ("node3",)

    def test_status_names_who_is_down_and_why(self):
        ran = self.run_cli("status")
        self.assertEqual(ran.status, 1)
        self.assertIn("cluster degraded: 2 of 3 nodes online, quorum of 2 kept, no more may fail", ran.output)
        self.assertRegex(ran.output, r"(?m)^node3 +127\.0\.0\.1:1 +refusing +open +\S+( ms| s)? ago +"
                                     r"its host refuses connections: the process is gone$")

    def test_peers(self):
        ran = self.run_cli("peers")
        self.assertEqual(ran.status, 0)
        rows = ran.output.splitlines()
        self.assertEqual(len(rows), 3)
        self.assertRegex(rows[1], rf"^node2 +{self.nghttpd.address} +alive +closed ")
        ran = self.run_cli("peers", "node3")
        self.assertIn("verdict       refusing, circuit open, since", ran.output)
        ran = self.run_cli("peers", "node9")
        self.assertEqual(ran.status, 2)

    def test_json_is_the_admins(self):
        self.assertEqual(set(self.run_cli("status", "--json").json()), {"cluster", "peers"})
        self.assertEqual(self.run_cli("status", "--json").json()["cluster"]["offline"], ["node3"])
        self.assertEqual(self.run_cli("peers", "node3", "--json").json()["verdict"], "refusing")
        self.assertEqual(len(self.run_cli("peers", "--json").json()["peers"]), 2)
        kinds = {json.loads(line)["event"] for line in self.run_cli("events", "--json").output.splitlines()}
        self.assertIn("transition", kinds)
        self.assertEqual(self.run_cli("override", "node3", "auto", "--json").json()["state"], "auto")

    def test_top_elsewhere_than_on_a_terminal_is_one_frame(self):
        ran = self.run_on_a_well_host("top")
        self.assertEqual(ran.status, 1)
        self.assertRegex(ran.output, r"\Anode1: cluster degraded.*\nthis host: ok\n\nPEER +VERDICT")
        self.assertLess(ran.output.index("node3"), ran.output.index("node2 "), "who is not well comes first")
        self.assertNotIn("\x1b", ran.output)
        frames = self.run_cli("top", "--json", "--count", "2", "--interval", "100ms").output.splitlines()
        self.assertEqual([set(json.loads(frame)) for frame in frames], [{"cluster", "peers"}] * 2)
        self.assertEqual(self.run_cli("top", "--interval", "1").status, 2)
        none = self.run_cli("top", "--count", "0")
        self.assertEqual(none.status, 2)
        self.assertIn("not in range 1 to 1000000000", none.output + none.errors)

    def test_top_on_a_terminal_goes_on(self):
        master, slave = pty.openpty()
        command = [program(), "top", "--interval", "100ms", *cli.admin(self.peerpulse)]
        with contextlib.closing(os.fdopen(master, "rb", buffering=0)) as screen:
            process = subprocess.Popen(command, stdout=slave, stderr=slave)
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            os.close(slave)
            self.read_screen(screen, process, rb"node2 +alive +closed")
            self.run_cli("override", "node2", "open")
            self.read_screen(screen, process, rb"node2 +alive +open")
            self.peerpulse.stop()
            self.read_screen(screen, process, rb"no answer from the admin")
            self.assertIsNone(process.poll(), "it waits for the admin to come back")

    def read_screen(self, screen, process, pattern: bytes) -> None:
        watchdog = threading.Timer(10, process.kill)
        watchdog.start()
        seen = b""
        while not re.search(pattern, seen):
            seen += screen.read(4096)
        watchdog.cancel()

    def test_events_in_words(self):
        ran = self.run_cli("events")
        self.assertEqual(ran.status, 0)
        self.assertRegex(ran.output, r"(?m)^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z  node3  unknown -> refusing, circuit open: "
                                     r"its host refuses connections")
        self.assertEqual(self.run_cli("events", "--since", "2200-01-01T00:00:00Z").output, "")
        self.assertEqual(self.run_cli("events", "--since", "1h").output, ran.output)
        for nonsense in ("yesterday", "2999-01-01T00:00:00Z"):
            self.assertEqual(self.run_cli("events", "--since", nonsense).status, 2)

    def follow(self, *arguments: str):
        where = [] if "--admin" in arguments else cli.admin(self.peerpulse)
        command = [program(), "events", "--follow", *arguments, *where]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def read_until(self, process, word: str, stream=None) -> list[str]:
        """Lines up to the one with `word`; a watchdog ends a process that says nothing."""
        lines = []
        watchdog = threading.Timer(10, process.kill)
        watchdog.start()
        for line in stream or process.stdout:
            lines.append(line)
            if word in line:
                break
        watchdog.cancel()
        self.assertTrue(lines and word in lines[-1], lines)
        return lines

    def test_follow_prints_the_past_first_and_goes_on(self):
        process = self.follow("--since", "1h")
        self.read_until(process, "node3  unknown -> refusing")
        self.run_cli("override", "node2", "open")
        lines = self.read_until(process, "operator")
        self.assertRegex(lines[-1], r"node2  alive -> alive, circuit open: set by an operator")

    def errors_until(self, process, word: str) -> list[str]:
        return self.read_until(process, word, process.stderr)

    def test_follow_goes_on_with_another_process(self):
        """One line says that it has gone, one that it is back; nothing that it still has is lost, nothing is told twice."""
        process = self.follow("--since", "1h")
        self.read_until(process, "node3  unknown -> refusing")
        self.peerpulse.stop()
        self.errors_until(process, "; asking again until it answers")
        self.peerpulse.start()
        self.errors_until(process, "was started anew")
        lines = self.read_until(process, "node3  unknown -> refusing")
        self.assertLessEqual(len(lines), 2, "of each peer one")
        self.errors_until(process, "answers again")
        self.run_cli("override", "node2", "open")
        self.read_until(process, "set by an operator")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
        self.assertEqual((process.returncode, output, errors), (-signal.SIGINT, "", ""))

    def follow_live(self, *where: str):
        """Returns when it has told what came by the stream."""
        process = self.follow("--since", "1h", *where)
        self.read_until(process, "node3  unknown -> refusing")
        self.run_cli("override", "node2", "open")
        self.read_until(process, "circuit open: set by an operator")
        return process

    def test_follow_misses_nothing_while_the_way_is_broken(self):
        way = BrokenWay(self.host, self.peerpulse.admin)
        self.addCleanup(way.close)
        process = self.follow_live("--admin", way.address)
        way.break_off()
        self.errors_until(process, "; asking again until it answers")
        self.run_cli("override", "node2", "closed")
        self.run_cli("override", "node2", "auto")
        wait_for(lambda: not self.peerpulse.peer("node2")["overridden"], 5, "the verdict decides again")
        way.mend()
        lines = self.read_until(process, "node2  alive -> alive: answers its probes")
        self.assertEqual(["circuit closed: set by an operator" in line for line in lines], [True, False], lines)
        self.assertIn("answers again", self.errors_until(process, "again")[-1])

    def test_follow_without_a_reader_ends_even_when_nothing_happens(self):
        process = self.follow_live()
        process.stdout.close()
        self.peerpulse.stop()
        process.stderr.read()
        self.assertEqual(process.wait(10), 0)

    def test_who_reads_no_more_ends_it(self):
        process = self.follow()
        process.stdout.close()
        # Its next words find nobody: there must be some, whenever it has begun to listen.
        states = iter(range(1000))
        def ended():
            self.run_cli("override", "node2", "open" if next(states) % 2 else "closed")
            return process.poll() is not None
        wait_for(ended, 10, "the end")


class QuorumLost(CliCase):
    refusing = ("node3", "node4")

    def test_status_says_so(self):
        ran = self.run_cli("status")
        self.assertEqual(ran.status, 3)
        self.assertIn("cluster quorum_lost: 2 of 4 nodes online, quorum of 3 LOST by 1", ran.output)
