"""No signal ends the process by surprise."""

import json
import signal
import threading

from tests.harness.case import LocalCase
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for


class Signals(LocalCase):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.peer = self.start_scripted(self.host, self.serve)
        self.addCleanup(self.release.set)

    def serve(self, connection, head: bytes) -> bool:
        if b" /slow " in head:
            self.release.wait(20)
        connection.sendall(answer("200 OK", b"done"))
        return True

    def start(self, **config):
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", self.peer.address)], **config)
        self.listen = self.peerpulse.listen["node2"]

    def logged(self, event: str) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == event]

    def test_each_is_said_and_does_no_harm_to_what_is_under_way(self):
        self.start()
        with Http1Client(self.host, self.listen, timeout=30) as client:
            client.send_head("GET", "/slow")
            wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
            for number, event in ((signal.SIGHUP, "reload_ignored"), (signal.SIGUSR2, "signal_ignored"),
                                  (signal.SIGUSR1, "log_not_reopened")):
                self.peerpulse.process.signal(number)
                wait_for(lambda event=event: self.logged(event), 10 * SLOWDOWN, event)
            self.assertTrue(self.peerpulse.process.running)
            self.release.set()
            self.assertEqual(client.read_response().body, b"done")
        self.assertEqual([line["name"] for line in self.logged("signal")], ["SIGHUP", "SIGUSR2", "SIGUSR1"])

    def test_none_of_them_shortens_a_drain(self):
        self.start()
        with Http1Client(self.host, self.listen, timeout=30) as client:
            client.send_head("GET", "/slow")
            wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 1, 10, "in flight")
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                self.peerpulse.process.signal(number)
                wait_for(lambda name=number.name: name in self.peerpulse.process.output(), 10 * SLOWDOWN, number.name)
            self.release.set()
            self.assertEqual(client.read_response().body, b"done")
        self.assertEqual(self.peerpulse.process.popen.wait(20 * SLOWDOWN), 0)

    def test_sigusr1_opens_the_log_file_anew(self):
        file = self.host.directory / "peerpulse.log"
        moved = self.host.directory / "peerpulse.log.1"
        self.start(log={"file": str(file)})
        request(self.host, self.listen, "GET", "/before")
        wait_for(lambda: "/before" in file.read_text(), 10, "the line of the exchange")
        file.rename(moved)
        self.peerpulse.process.signal(signal.SIGUSR1)
        wait_for(lambda: file.exists() and "log_reopened" in file.read_text(), 10 * SLOWDOWN, "a new file")
        request(self.host, self.listen, "GET", "/after")
        wait_for(lambda: "/after" in file.read_text(), 10, "the line of the exchange")
        self.assertNotIn("/after", moved.read_text())
        for line in (*moved.read_text().splitlines(), *file.read_text().splitlines()):
            json.loads(line)

    def test_a_log_file_that_cannot_be_opened_leaves_the_old_one_in_use(self):
        directory = self.host.directory / "logs"
        directory.mkdir()
        file = directory / "peerpulse.log"
        self.start(log={"file": str(file)})
        moved = self.host.directory / "moved"
        directory.rename(moved)
        self.peerpulse.process.signal(signal.SIGUSR1)
        wait_for(lambda: "log_reopen_failed" in (moved / "peerpulse.log").read_text(), 10 * SLOWDOWN, "the failure")
        request(self.host, self.listen, "GET", "/after")
        wait_for(lambda: "/after" in (moved / "peerpulse.log").read_text(), 10, "the line of the exchange")
