"""A peer that answers an upload before its end and closes with input unread: its kernel sends RST, and the answer is in our
socket. The client must see it each time, and no connection may stay behind."""

import re
import threading

from tests.harness.case import LocalCase
from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.scripted_peer import answer
from tests.harness.waiting import wait_for

_CLIENTS = 20
_BODY = 4 << 20
_CLOSE_WAIT = "08"


class EarlyAnswer(LocalCase):
    def start(self, **config):
        def refuse(connection, head: bytes) -> bool:
            if not head.startswith(b"PUT"):
                connection.sendall(answer("200 OK"))
                return True
            connection.sendall(answer("413 Payload Too Large", b"too large", Connection="close"))
            return False  # what was sent of the body is unread

        peer = self.start_scripted(self.host, refuse)
        self.peer_port = int(peer.address.rpartition(":")[2])
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"protocol": "http1"})], **config)
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")

    def upload(self, statuses: list[int]) -> None:
        with Http1Client(self.host, self.listen) as client:
            try:
                client.send_head("PUT", "/object", {"Content-Length": str(_BODY)})
                for _ in range(_BODY >> 16):
                    client.send(bytes(1 << 16))
            except ConnectionError:
                pass  # answered already, and closed
            try:
                statuses.append(client.read_response("PUT").status)
            except ConnectionError:
                statuses.append(0)

    def in_close_wait(self) -> int:
        table = self.host.run(["cat", "/proc/net/tcp"]).stdout.decode()
        return sum(1 for remote, state in re.findall(r"^ *\d+: \w+:\w{4} \w+:(\w{4}) (\w\w)", table, re.MULTILINE)
                   if int(remote, 16) == self.peer_port and state == _CLOSE_WAIT)

    def assert_nothing_left(self) -> None:
        def connections():
            return self.peerpulse.peer("node2")["connections"]
        wait_for(lambda: connections()["active"] + connections()["connecting"] == 0, 10 * SLOWDOWN, "none in use")
        wait_for(lambda: self.in_close_wait() == 0, 10 * SLOWDOWN, "none in CLOSE-WAIT")
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["circuit"], peer["failures_total"], peer["in_flight"]), ("closed", 0, 0))

    def test_each_of_twenty_clients_one_after_the_other_sees_it(self):
        self.start()
        statuses: list[int] = []
        for _ in range(_CLIENTS):
            self.upload(statuses)
        self.assertEqual(statuses, [413] * _CLIENTS)
        self.assert_nothing_left()

    def test_so_does_each_of_twenty_at_once(self):
        self.start()
        statuses: list[int] = []
        threads = [threading.Thread(target=self.upload, args=(statuses,)) for _ in range(_CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(statuses, [413] * _CLIENTS)
        self.assert_nothing_left()

    def test_the_place_of_each_is_free_again(self):
        self.start(workers=1, pool={"max_connections": 1})
        statuses: list[int] = []
        for _ in range(8):
            self.upload(statuses)
        self.assertEqual(statuses, [413] * 8)
        with Http1Client(self.host, self.listen) as client:
            self.assertEqual(client.request("GET", "/").status, 200)
        self.assert_nothing_left()


class HalfAnAnswer(LocalCase):
    """A peer whose answer breaks off, in one piece with what came before."""

    def test_what_came_before_the_break_is_passed_on(self):
        def break_off(connection, head: bytes) -> bool:
            if head.startswith(b"GET /half"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of ")
                return False
            connection.sendall(answer("200 OK"))
            return True

        peer = self.start_scripted(self.host, break_off)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"protocol": "http1"})])
        peerpulse.wait_verdict("node2", "alive")
        for _ in range(_CLIENTS):
            with Http1Client(self.host, peerpulse.listen["node2"]) as client:
                client.send_head("GET", "/half")
                self.assertEqual(client.read_head().status, 200)
                self.assertEqual(client.read(8), b"half of ")
                self.assertTrue(client.closed_by_reset())
