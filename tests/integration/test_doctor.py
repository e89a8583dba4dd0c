"""`peerpulse doctor`: what keeps peerpulse from helping on this host is found, each by a real case."""

import contextlib
import os
import pathlib
import re
import socket
import sys

from tests.harness import cli
from tests.harness.case import LocalCase
from tests.harness.host import connect, free_port
from tests.harness.peerpulse import Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for

_SYSCTLS = pathlib.Path(__file__).resolve().parents[2] / "conf" / "99-peerpulse-sysctl.conf"
_OLD = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n"
_HOLD = "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); s.recv(1)"


class Doctor(LocalCase):
    def start(self, peers: list[Peer] | None = None, **options):
        self.nghttpd = NghttpdPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(self.host, peers or [Peer("node2.test", self.nghttpd.address)],
                                              guard={"mode": "proxy"}, **options)

    def findings(self, check: str, *more: str) -> list[dict]:
        ran = cli.run(self.host, "doctor", "--json", *more, *cli.admin(self.peerpulse))
        self.assertIn(ran.status, (0, 1), ran.errors)
        findings = ran.json()["findings"]
        grave = [finding for finding in findings if finding["severity"] in ("warning", "problem")]
        self.assertEqual(ran.status, 1 if grave else 0)
        self.assertTrue(all(finding["todo"] for finding in grave), grave)
        return [finding for finding in findings if finding["check"] == check]

    def only(self, check: str, *more: str) -> dict:
        found = self.findings(check, *more)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_the_settings_of_the_configuration_file(self):
        """Each that this kernel has is looked at; as text, too."""
        self.start()
        looked_at = {finding["where"] for finding in self.findings("sysctl")}
        for line in _SYSCTLS.read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            key, value = (part.strip() for part in line.split("="))
            source = (pathlib.Path(__file__).resolve().parents[2] / "src/cli/sysctl_check.cc").read_text(encoding="utf-8")
            self.assertRegex(source, rf'"{re.escape(key)}",\s*"{re.escape(value)}"')
            if ".neigh." not in key and pathlib.Path("/proc/sys", *key.split(".")).exists():
                self.assertIn(key, looked_at)
        ran = cli.run(self.host, "doctor", "--all", *cli.admin(self.peerpulse))
        self.assertRegex(ran.output, r"(?m)^\w+: sysctl: ")
        self.assertRegex(ran.output, r"\d+ of \d+ checks are well\n\Z")

    def test_descriptors(self):
        self.start()
        self.assertIn(self.only("descriptors")["severity"], ("ok", "advice"))
        self.peerpulse.stop()
        self.peerpulse.start(launcher=("prlimit", "--nofile=128"))
        self.assertEqual(self.only("descriptors")["severity"], "warning")
        with contextlib.ExitStack() as stack:
            for _ in range(90):
                stack.enter_context(contextlib.closing(connect(self.host, self.peerpulse.listen["node2.test"])))
            wait_for(lambda: self.only("descriptors")["severity"] == "problem", 5, "few are left")

    def test_a_name_that_passes_us_by(self):
        self.start()
        self.assertEqual(self.only("names")["severity"], "ok", "node2.test is no name here")
        port = free_port(self.host, "127.0.0.2")
        peer = Peer("localhost", self.nghttpd.address, {"listen": f"127.0.0.2:{port}"})
        self.peerpulse = self.start_peerpulse(self.host, [peer], guard={"mode": "proxy"})
        name = self.only("names")
        self.assertEqual(name["severity"], "warning")
        self.assertIn("127.0.0.2 localhost", name["todo"])

    def test_a_node_with_several_ports_is_one_name(self):
        """As `peerpulse recipe swift` names them: node2-6200, node2-6201, node2-6202."""
        self.start()
        ports = [free_port(self.host, "127.0.0.2") for _ in range(2)]
        peers = [Peer(f"localhost-{port}", address, {"listen": f"127.0.0.2:{port}"})
                 for port, address in zip(ports, (self.nghttpd.address, "127.0.0.1:1"))]
        self.peerpulse = self.start_peerpulse(self.host, peers, guard={"mode": "proxy"})
        name = self.only("names")
        self.assertEqual((name["severity"], name["where"]), ("warning", "localhost"))
        self.assertIn("127.0.0.2 localhost", name["todo"])
        at_1 = Peer("localhost-1", "127.0.0.1:1")
        self.peerpulse = self.start_peerpulse(self.host, [at_1], guard={"mode": "proxy"})
        ran = cli.run(self.host, "diagnose", "localhost", *cli.admin(self.peerpulse))
        self.assertEqual(ran.status, 2)
        self.assertIn("there is no peer 'localhost'; that node's are localhost-1", ran.errors)

    def test_a_wildcard_listener_behind_ours(self):
        self.start()
        self.assertEqual(self.only("listeners")["severity"], "ok")
        port = self.peerpulse.listen["node2.test"][1]
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            try:
                thief.bind(("0.0.0.0", port))
                thief.listen()
            except OSError:
                # As long as ours listens the kernel refuses it: it comes between, as a store that starts first does.
                self.peerpulse.stop()
                thief.bind(("0.0.0.0", port))
                thief.listen()
                ran = cli.run(self.host, "doctor", "--json", "--config", str(self.peerpulse.config_file))
                self.assertEqual(ran.status, 4, "peerpulse does not run")
                found = [finding for finding in ran.json()["findings"] if finding["check"] == "listeners"]
            else:
                found = self.findings("listeners")
        self.assertEqual([finding["severity"] for finding in found], ["problem"])
        self.assertEqual(found[0]["where"], f"0.0.0.0:{port}")
        self.assertIn(f"process {os.getpid()}", found[0]["what"])

    def test_a_proxy_in_the_environment_of_the_store(self):
        self.start()
        self.assertEqual(self.only("environment")["severity"], "advice", "nobody is connected")
        host, port = self.peerpulse.listen["node2.test"]
        command = [sys.executable, "-c", _HOLD, host, str(port)]
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        secret = {**plain, "HTTP_PROXY": "http://me:s3cret@proxy:3128"}
        store = self.host.spawn(command, name="store", env=secret)
        found = wait_for(lambda: [f for f in self.findings("environment") if f["severity"] == "problem"], 5, "it is found")
        self.assertIn(f"process {store.pid} ", found[0]["where"])
        self.assertIn("proxy:3128", found[0]["what"])
        for more in ([], ["--json"]):
            ran = cli.run(self.host, "doctor", "--all", *more, *cli.admin(self.peerpulse), env=secret)
            self.assertIn("proxy:3128", ran.output)
            self.assertNotIn("s3cret", ran.output + ran.errors)
        self.assertNotIn("s3cret", self.peerpulse.process.output())
        store.kill()
        exempt = self.host.spawn(command, name="exempt", env={**plain, "HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".test"})
        found = self.only("environment", "--store-pid", str(exempt.pid))
        self.assertEqual(found["severity"], "ok")

    def test_a_proxy_in_the_way_of_a_peer_without_a_listener(self):
        """A peer that is guarded alone has no listener, and its traffic goes to the proxy all the same."""
        self.start([Peer("node2.test", "127.0.0.1:1"), Peer("node9", "127.0.0.9:1", {"guard": {"mode": "guard"}})])
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        for exempt, severity in ((".test", "problem"), (".test,node9", "ok")):
            store = self.host.spawn([sys.executable, "-c", "import time; time.sleep(600)"], name="store",
                                    env={**plain, "HTTP_PROXY": "http://proxy:3128", "NO_PROXY": exempt})
            found = self.only("environment", "--store-pid", str(store.pid))
            self.assertEqual(found["severity"], severity, exempt)

    def test_a_clock_that_is_another(self):
        def serve(connection, _head):
            connection.sendall(_OLD)
            return True
        self.start([Peer("node2.test", self.start_scripted(self.host, serve).address)])
        self.peerpulse.wait_verdict("node2.test", "alive")
        found = [finding for finding in self.findings("clock") if finding["where"] == "node2.test"]
        self.assertEqual([finding["severity"] for finding in found], ["problem"], found)
        self.assertIn("behind", found[0]["what"])

    def test_without_peerpulse_the_host_is_looked_at_all_the_same(self):
        self.start()
        self.peerpulse.stop()
        ran = cli.run(self.host, "doctor", "--json", *cli.admin(self.peerpulse))
        self.assertEqual(ran.status, 4)
        checks = {finding["check"] for finding in ran.json()["findings"]}
        self.assertLessEqual({"peerpulse", "sysctl", "clock"}, checks)
