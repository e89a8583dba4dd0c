"""Clients that connected before the drain began, and that no worker had accepted yet."""

from tests.harness.case import LocalCase
from tests.harness.http1 import Http1Client, refused
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.threads import stopped_thread
from tests.harness.waiting import wait_for


class AcceptQueue(LocalCase):
    def test_who_waits_to_be_accepted_when_the_drain_begins_is_served(self):
        server = NginxPeer(self.host).start()
        server.add_file("hello", b"hello")
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", server.address)], workers=1)
        listen = peerpulse.listen["node2"]
        peerpulse.wait_verdict("node2", "alive")
        with stopped_thread(peerpulse.process.pid, "pp-worker-0"):
            clients = [self.enterContext(Http1Client(self.host, listen)) for _ in range(20)]
            for client in clients:
                client.send_head("GET", "/hello")
            peerpulse.process.signal(15)
            wait_for(lambda: refused(self.host, listen), 5 * SLOWDOWN, "no new connections")
        for client in clients:
            response = client.read_response()
            self.assertEqual((response.status, response.body), (200, b"hello"))
        self.assertEqual(peerpulse.process.popen.wait(10 * SLOWDOWN), 0)
