"""Programs that know nothing of peerpulse, in both directions, when a peer's power is cut."""

import array
import fcntl
import functools
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from tests.harness.case import DETECTED_S
from tests.harness.go_peer import GoPeer, build
from tests.harness.programs import CLIENTS
from tests.harness.raw_sockets import PROGRAM, RawSockets
from tests.harness.waiting import wait_for
from tests.lab.guard_case import GuardCase

_SOON_S = 1.0
"""After the verdict. The guard's own time is a millisecond (tools/bench/guard); the rest is other programs'."""
_HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + bytes(1_000_000)


def _pending(connection: socket.socket) -> int:
    """Bytes that were sent and not yet acknowledged: SIOCOUTQ."""
    size = array.array("i", [0])
    fcntl.ioctl(connection, termios.TIOCOUTQ, size)
    return size[0]


@functools.cache
def _java() -> tuple[str, ...]:
    """The command of the compiled client."""
    directory = tempfile.TemporaryDirectory(prefix="peerpulse-java-")
    unittest.addModuleCleanup(directory.cleanup)
    subprocess.run(["javac", "-d", directory.name, str(CLIENTS / "BlockingSockets.java")], check=True, timeout=120)
    return "java", "-cp", directory.name, "BlockingSockets"


class Clients(GuardCase):
    def cut(self, *names: str):
        super().cut(*names)
        for name in names:
            self.peerpulse.wait_verdict(name, "dead", DETECTED_S)
        self.known = time.monotonic_ns()

    def assert_ended(self, ends: list[dict], count: int, outcome: str) -> None:
        """All with this outcome, each within a second of the verdict."""
        self.assertEqual([one["outcome"] for one in ends], [outcome] * count, ends)
        for one in ends:
            self.assertLess((one["at_ns"] - self.known) / 1e9, _SOON_S, one)

    def check_program(self, program: tuple[str, ...]) -> None:
        self.start()
        outbound = self.dial("node1", "node3", 3, program=program)
        inbound = self.dial("node3", "node1", 3, program=program)
        living = self.dial("node1", "node2", 2, program=program)
        self.cut("node3")
        self.assert_ended(outbound.near.outcomes(_SOON_S + 2), 3, "ECONNABORTED")
        self.assert_ended(inbound.near.outcomes(_SOON_S + 2), 3, "ECONNABORTED")
        self.assert_untouched(living)

    def test_python_with_a_thread_for_each(self):
        self.check_program(PROGRAM)

    def test_go(self):
        if reason := GoPeer.missing():
            self.skipTest(reason)
        self.check_program((build(CLIENTS / "go_sockets.go"),))

    def test_java(self):
        for program in ("java", "javac"):
            if shutil.which(program) is None:
                self.skipTest(f"there is no `{program}`")
        self.check_program(_java())

    def test_nc(self):
        if shutil.which("nc") is None:
            self.skipTest("there is no `nc`")
        self.start()
        node3 = self.lab.node("node3")
        answering = node3.spawn(["nc", "-d", "-l", node3.address, str(self.port)], name="nc-answering")
        listening = self.local.spawn(["nc", "-d", "-l", self.local.address, str(self.port)], name="nc-listening")
        wait_for(lambda: self.listens(node3) and self.listens(self.local), 5, "nc listens")
        outbound = self.local.spawn(["nc", "-d", node3.address, str(self.port)], name="nc-outbound")
        node3.spawn(["nc", "-d", self.local.address, str(self.port)], name="nc-inbound")
        wait_for(lambda: self.established(self.local) == 2, 5, "nc is connected, both ways")
        self.cut("node3")
        wait_for(lambda: not outbound.running and not listening.running, _SOON_S, "both have heard of it")
        self.assertTrue(answering.running)  # nobody tells the dead

    def test_curl_whose_download_hangs(self):
        self.start()
        # A server that has no more to send for now, and one that is dialled while it is dead.
        node3 = self.lab.node("node3")
        with node3.entered(), socket.create_server((node3.address, self.port)) as server:
            hanging = self.local.spawn(
                ["curl", "-sS", "-o", "/dev/null", f"http://{node3.address}:{self.port}/"], name="curl")
            connection, _ = server.accept()
        self.addCleanup(connection.close)
        connection.sendall(_HALF)
        wait_for(lambda: _pending(connection) == 0, 5, "curl has all there is")
        self.assertTrue(hanging.running)
        self.cut("node3")
        wait_for(lambda: not hanging.running, _SOON_S, "curl has heard of it")
        self.assertEqual(hanging.popen.returncode, 56, hanging.output())  # CURLE_RECV_ERROR
        asked = time.monotonic()
        refused = self.local.run(["curl", "-sS", f"http://{node3.address}:{self.port}/"])
        self.assertEqual(refused.returncode, 7, refused.stderr)  # CURLE_COULDNT_CONNECT
        self.assertLess(time.monotonic() - asked, 1)

    def test_a_websocket_that_the_dead_node_had_dialled(self):
        if importlib.util.find_spec("websockets") is None:
            self.skipTest("there is no python3-websockets")
        self.start()
        program = (sys.executable, "-B", str(CLIENTS / "websocket_end.py"))
        at = (self.local.address, str(self.port))
        server = RawSockets(self.local, "serve", *at, program=program)
        server.wait("listening")
        for name in ("node2", "node3"):
            RawSockets(self.lab.node(name), "dial", *at, program=program).wait("ready")
        wait_for(lambda: server.process.output().count("ready") == 2, 5, "both have dialled in")
        self.cut("node3")
        self.assert_ended(server.outcomes(_SOON_S + 2), 1, "closed")
        self.assertEqual(self.guard("node2")["destroyed_total"], 0)

    def listens(self, node) -> bool:
        return bool(node.run(["ss", "-Hltn", "sport", "=", f":{self.port}"]).stdout)

    def established(self, node) -> int:
        """Of the guarded port, at either end."""
        listed = node.run(["ss", "-Htn", "state", "established", f"( sport = :{self.port} or dport = :{self.port} )"])
        return len(listed.stdout.splitlines())
