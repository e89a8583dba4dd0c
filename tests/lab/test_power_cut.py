"""A peer's power is cut: what its listener and the other peers do, and how it comes back."""

import threading

from tests.harness.case import DETECTED_S
from tests.harness.clients import CURL_REFUSED, curl, url
from tests.harness.http1 import Http1Client, refused
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for
from tests.lab.power_case import PowerCase


class Respond(PowerCase):
    def test_new_requests_get_the_answer_a_dead_host_cannot_send(self):
        self.start(NginxPeer)
        self.cut("node3")
        self.assert_unavailable(self.get("node3"), "node3", "dead")
        self.assertEqual(self.get("node2").body, b"hello")
        self.assert_alive("node2")

    def test_h2_peer(self):
        self.start(NghttpdPeer)
        self.cut("node3")
        dead = curl(self.local, url(self.listen["node3"], "/hello"), h2=True)
        self.assertEqual((dead.exit_code, dead.status), (0, 503), dead.errors)
        self.assertIn("error=destination_unavailable", dead.headers["proxy-status"])
        alive = curl(self.local, url(self.listen["node2"], "/hello"), h2=True)
        self.assertEqual((alive.status, alive.body), (200, b"hello"))

    def test_grpc_gets_status_14(self):
        self.start(NghttpdPeer)
        self.cut("node3")
        result = curl(self.local, url(self.listen["node3"], "/node.Service/Ping"), "-X", "POST", "-H",
                      "content-type: application/grpc+proto", "-H", "te: trailers", "--data-binary", "", h2=True)
        self.assertEqual((result.status, result.headers["grpc-status"], result.body), (200, "14", b""), result.errors)

    def test_a_keepalive_connection_of_the_client_outlives_the_peer(self):
        self.start(NginxPeer)
        with Http1Client(self.local, self.listen["node3"]) as client:
            self.assertEqual(client.request("GET", "/hello").status, 200)
            self.cut("node3")
            self.assert_unavailable(client.request("GET", "/hello"), "node3", "dead")
            self.lab.restore("node3")
            self.peerpulse.wait_circuit("node3", "closed", 2)
            self.assertEqual(client.request("GET", "/hello").body, b"hello")

    def test_the_event_tells_evidence_and_time(self):
        self.start(NginxPeer)
        self.cut("node3")
        event = next(e for e in self.peerpulse.events() if e["peer"] == "node3" and e["to"] == "dead")
        latency_ms = (event["monotonic_ns"] - self.switched.ordered_ns) / 1e6
        self.assertGreater(latency_ms, 0)
        self.assertLess(latency_ms, DETECTED_S * 1000)
        self.assertGreaterEqual(event["evidence"]["silence_ms"], 50)


class Refuse(PowerCase):
    def test_the_listener_refuses_and_its_connections_are_reset(self):
        self.start(NginxPeer, on_dead="refuse")
        with Http1Client(self.local, self.listen["node3"]) as idle:
            self.assertEqual(idle.request("GET", "/hello").status, 200)
            self.cut("node3")
            self.assertTrue(idle.closed_by_reset())
        wait_for(lambda: refused(self.local, self.listen["node3"]), DETECTED_S, "ECONNREFUSED")
        self.assertEqual(curl(self.local, url(self.listen["node3"], "/hello")).exit_code, CURL_REFUSED)
        self.assertEqual(self.get("node2").body, b"hello")

    def test_the_port_stays_ours_and_is_open_again_after_recovery(self):
        self.start(NginxPeer, on_dead="refuse")
        for _ in range(2):
            self.cut("node3")
            wait_for(lambda: refused(self.local, self.listen["node3"]), DETECTED_S, "ECONNREFUSED")
            self.lab.restore("node3")
            self.peerpulse.wait_circuit("node3", "closed", 3)
            wait_for(lambda: not refused(self.local, self.listen["node3"]), DETECTED_S, "the listener is back")
            self.assertEqual(self.get("node3").body, b"hello")


class Recovery(PowerCase):
    def test_power_returns_and_traffic_flows(self):
        self.start(NghttpdPeer)
        for _ in range(3):
            self.cut("node3")
            self.lab.restore("node3")
            self.peerpulse.wait_circuit("node3", "closed", 3)
            result = curl(self.local, url(self.listen["node3"], "/hello"), h2=True)
            self.assertEqual((result.status, result.body), (200, b"hello"), result.errors)

    def test_after_a_long_outage(self):
        """The neighbour entry has gone by then, and the link address must be asked for anew."""
        self.start(NginxPeer)
        self.cut("node3")
        # The kernel takes up to 45 s to doubt the entry by itself.
        address = self.lab.node("node3").address
        self.assertEqual(self.local.run(["ip", "neigh", "flush", "to", address]).returncode, 0)

        def asking():
            table = self.local.run(["ip", "neigh", "show", "to", address]).stdout
            return b"INCOMPLETE" in table or b"FAILED" in table
        wait_for(asking, 10, "the link address is asked for")
        self.assertEqual(self.peerpulse.peer("node3")["verdict"], "dead")
        self.lab.restore("node3")
        self.peerpulse.wait_circuit("node3", "closed", 3)
        self.assertEqual(self.get("node3").body, b"hello")

    def test_the_process_was_killed_during_the_outage(self):
        """The host comes back without its process: dead, refusing, alive."""
        self.start(NginxPeer)
        self.cut("node3")
        self.servers["node3"].process.kill()
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("node3", "refusing", 3)
        self.servers["node3"].start()
        self.peerpulse.wait_circuit("node3", "closed", 3)
        self.assertEqual(self.get("node3").body, b"hello")


class Loss(PowerCase):
    def test_one_percent_of_loss_cuts_nobody_off(self):
        self.start(NghttpdPeer)
        for name in ("node2", "node3"):
            self.lab.set_loss(name, 1)
        sent = self.peerpulse.peer("node2")["probe"]["sent"]
        wait_for(lambda: self.peerpulse.peer("node2")["probe"]["sent"] > sent + 150, 30, "150 probes")
        self.assertEqual([event for event in self.peerpulse.events() if event["to"] == "dead"], [])


class SeveralDead(PowerCase):
    nodes = 4

    def test_two_of_three(self):
        self.start(NginxPeer)
        self.cut("node3", "node4")
        for name in ("node3", "node4"):
            self.assert_unavailable(self.get(name), name, "dead")
        self.assertEqual(self.get("node2").body, b"hello")
        cluster = self.peerpulse.get("/cluster").json()
        self.assertEqual((cluster["status"], cluster["offline"]), ("quorum_lost", ["node3", "node4"]))
        self.lab.restore("node3", "node4")
        for name in ("node3", "node4"):
            self.peerpulse.wait_circuit(name, "closed", 3)
            self.assertEqual(self.get(name).body, b"hello")
        self.assertEqual(self.peerpulse.get("/cluster").json()["status"], "ok")

    def test_all_at_once(self):
        """All peers silent at a time may be this host's own fault: the admin says so, and answers go on."""
        self.start(NginxPeer)
        self.lab.cut("node2", "node3", "node4")
        for name in ("node2", "node3", "node4"):
            self.peerpulse.wait_circuit(name, "open", 3)
            self.assertEqual(self.get(name).status, 503)
        self.assertEqual(self.peerpulse.get("/livez").status, 200)
        self.assertEqual(self.peerpulse.get("/cluster").json()["online"], 1)
        self.lab.restore("node2", "node3", "node4")
        for name in ("node2", "node3", "node4"):
            self.peerpulse.wait_circuit(name, "closed", 3)
            self.assertEqual(self.get(name).body, b"hello")


class NotDead(PowerCase):
    def test_a_stopped_process_is_not_dead(self):
        """Its kernel acknowledges: exchanges are not reset by the fast path, and go on when it does."""
        self.start(NginxPeer)
        server = self.servers["node3"].process
        with Http1Client(self.local, self.listen["node3"], timeout=10) as client:
            self.assertEqual(client.request("GET", "/hello").status, 200)
            server.stop()
            client.send_head("GET", "/hello")
            # As long as ten detections; nothing may happen meanwhile.
            threading.Event().wait(1)
            self.assertNotEqual(self.peerpulse.peer("node3")["verdict"], "dead")
            server.cont()
            self.assertEqual(client.read_response().body, b"hello")
