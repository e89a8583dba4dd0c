"""The lab itself: what its power switch promises to every other test."""

import errno
import pathlib
import socket
import subprocess
import time

from tests.harness.case import LabCase
from tests.harness.host import connect
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peers import NghttpdPeer
from tools.lab import Lab
from tools.lab.selftest import measure


class PowerSwitch(LabCase):
    nodes = 2

    def test_a_cut_takes_effect_within_a_millisecond_and_leaks_nothing(self):
        result = measure(rounds=20)
        self.assertEqual(result["leaked"], 0)
        self.assertLess(result["effective_us"]["p50"], 1000, result)
        self.assertLess(result["acknowledged_us"]["p50"], 1000, result)

    def test_connections_survive_a_short_cut_and_carry_on(self):
        one, two = self.lab.nodes
        with two.entered():
            listener = socket.create_server((two.address, 0))
        with listener, connect(one, listener.getsockname()[:2]) as client:
            server, _ = listener.accept()
            with server:
                self.lab.cut("node2")
                client.sendall(b"x")
                server.settimeout(0.1)
                with self.assertRaises(TimeoutError):
                    server.recv(1)
                self.lab.restore("node2")
                server.settimeout(10)
                self.assertEqual(server.recv(1), b"x")

    def test_a_cut_node_refuses_nothing(self):
        """No RST, no FIN, no ICMP: a connect just waits, then there is no neighbour."""
        one, two = self.lab.nodes
        self.lab.cut("node2")
        with one.entered():
            client = socket.socket()
        with client:
            client.settimeout(5)
            started = time.monotonic()
            with self.assertRaises(OSError) as raised:
                client.connect((two.address, 9))
            self.assertIn(raised.exception.errno, (errno.EHOSTUNREACH, None))
            self.assertGreater(time.monotonic() - started, 0.1)

    def test_loss_drops_about_the_share_it_was_told(self):
        one, two = self.lab.nodes
        with two.entered():
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with one.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with receiver, sender:
            receiver.bind((two.address, 0))
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            receiver.settimeout(0.2)
            sender.connect(receiver.getsockname())
            sender.send(b"resolve the address first")
            receiver.recv(64)
            self.lab.set_loss("node2", 30)
            for _ in range(1000):
                sender.send(b"x")
            arrived = 0
            try:
                while receiver.recv(64):
                    arrived += 1
            except TimeoutError:
                pass
        # Six standard deviations.
        self.assertAlmostEqual(arrived, 700, delta=87)

    def test_real_servers_run_in_a_node(self):
        one, two = self.lab.nodes
        for server in (NginxPeer(two).start(), NghttpdPeer(two).start()):
            server.add_file("file", b"content")
            version = "--http1.1" if isinstance(server, NginxPeer) else "--http2-prior-knowledge"
            done = one.run(["curl", "-sS", version, f"http://{server.address}/file"])
            self.assertEqual(done.stdout, b"content", done.stderr)


class LongLink(LabCase):
    nodes = 3

    def test_frames_take_longer_by_the_delay_and_arrive_whole(self):
        delay = 0.025
        with Lab(nodes=2, delay={"node1": delay}) as lab:
            one, two = lab.nodes
            with two.entered():
                listener = socket.create_server((two.address, 0))
            address = listener.getsockname()[:2]
            with listener:
                connect(one, address).close()  # the link addresses are known from here on
                listener.accept()[0].close()
                trips = []
                for _ in range(5):
                    started = time.monotonic()
                    client = connect(one, address)
                    trips.append(time.monotonic() - started)
                    server, _ = listener.accept()
                    with client, server:
                        # More than a segment, so it would be wrong if devices left work to hardware.
                        server.sendall(bytes(200_000))
                        received = 0
                        while received < 200_000:
                            received += len(client.recv(65536))
        self.assertGreaterEqual(min(trips), 2 * delay)
        self.assertLess(min(trips), 2 * delay + 0.1)

    def test_nodes_without_a_delay_are_as_near_as_ever(self):
        with Lab(nodes=3, delay={"node3": 0.2}) as lab:
            one, two, _ = lab.nodes
            with two.entered():
                listener = socket.create_server((two.address, 0))
            with listener:
                started = time.monotonic()
                connect(one, listener.getsockname()[:2]).close()
                self.assertLess(time.monotonic() - started, 0.2)


class CleanUp(LabCase):
    def test_nothing_is_left_after_an_exception(self):
        processes = []
        with self.assertRaises(ZeroDivisionError), Lab(nodes=2) as lab:
            directory = lab.directory
            processes.append(lab.node("node1").spawn(["sleep", "1000"]))
            processes.append(lab.node("node2").spawn(["sh", "-c", "sleep 1000; true"]))
            processes[0].stop()
            raise ZeroDivisionError
        self.assertFalse(directory.exists())
        for process in processes:
            self.assertFalse(pathlib.Path(f"/proc/{process.pid}").exists())

    def test_nothing_is_left_after_sigterm(self):
        script = (
            "from tools.lab import Lab\n"
            "import time\n"
            "with Lab(nodes=1) as lab:\n"
            "  p = lab.nodes[0].spawn(['sleep', '1000'])\n"
            "  print(lab.directory, p.pid, flush=True)\n"
            "  time.sleep(1000)\n")
        child = subprocess.Popen(["/usr/bin/python3", "-B", "-c", script], stdout=subprocess.PIPE, text=True)
        with child:
            directory, pid = child.stdout.readline().split()
            child.terminate()
            self.assertEqual(child.wait(10), 128 + 15)
        self.assertFalse(pathlib.Path(directory).exists())
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
