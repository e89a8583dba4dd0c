"""The admin as other hosts see it: metrics to read, nothing to change without the token; and who changed what."""

import json

from tests.harness import cli
from tests.harness.case import LabCase
from tests.harness.host import free_port
from tests.harness.http1 import Response, request
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for

_TOKEN = "a-token-of-some-length"
_ORDER = {"state": "open", "ttl": "10m", "why": "disk swap"}


class RemoteAdmin(LabCase):
    nodes = 2

    def start(self, token: bool) -> None:
        self.remote = self.lab.node("node2")
        self.peer = NghttpdPeer(self.remote).start()
        address = self.local.address
        self.listen = (address, free_port(self.local, address))
        self.metrics = (address, free_port(self.local, address))
        admin = {"listen": "{}:{}".format(*self.listen), "allow_remote": True,
                 "metrics_listen": "{}:{}".format(*self.metrics)}
        if token:
            admin["token_file"] = str(self.local.directory / "token")
            (self.local.directory / "token").write_text(_TOKEN + "\n", encoding="utf-8")
        self.peerpulse = self.start_peerpulse(self.local, [Peer("node2", self.peer.address)], admin=admin)
        self.peerpulse.wait_verdict("node2", "alive")

    def order(self, headers: dict[str, str] | None = None, order: dict | None = None) -> Response:
        return request(self.remote, self.listen, "POST", "/peers/node2/circuit",
                       json.dumps(order or _ORDER).encode(), headers)

    def test_what_is_for_metrics_shows_nothing_else(self):
        self.start(token=False)
        for path, status in (("/metrics", 200), ("/livez", 200), ("/readyz", 200), ("/peers", 404), ("/config", 404),
                             ("/", 404), ("/events", 404), ("/peers?wait=1", 404)):
            with self.subTest(path=path):
                self.assertEqual(request(self.remote, self.metrics, "GET", path).status, status)
        self.assertEqual(request(self.remote, self.metrics, "POST", "/peers/node2/circuit", b"{}").status, 404)
        self.assertEqual(request(self.remote, self.metrics, "POST", "/metrics", b"{}").status, 405)

    def test_without_a_token_another_host_reads_and_changes_nothing(self):
        self.start(token=False)
        self.assertEqual(request(self.remote, self.listen, "GET", "/peers").status, 200)
        answer = self.order({"Authorization": f"Bearer {_TOKEN}"})
        self.assertEqual(answer.status, 403)
        self.assertIn("admin.token_file", answer.json()["message"])
        self.assertFalse(self.peerpulse.peer("node2")["overridden"])

    def test_with_the_token_it_does_and_peers_and_log_say_who_and_why(self):
        self.start(token=True)
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {_TOKEN}"}):
            with self.subTest(headers=headers):
                self.assertEqual(self.order(headers).status, 401)
        self.assertIsNone(self.peerpulse.peer("node2")["override"])
        credentials = {"Authorization": f"Bearer {_TOKEN}"}
        self.assertEqual(self.order({**credentials, "Origin": "http://evil.example"}).status, 403)
        self.assertEqual(self.order(credentials).status, 200)
        override = wait_for(lambda: self.peerpulse.peer("node2")["override"], 5 * SLOWDOWN, "the override")
        self.assertEqual((override["state"], override["why"]), ("open", "disk swap"))
        self.assertIn(self.remote.address, override["by"])
        self.assertGreater(override["ttl_left_ms"], 500_000)
        self.assertLessEqual(override["ttl_left_ms"], 600_000)
        self.assertEqual(self.order(credentials, {"state": "auto"}).status, 200)
        wait_for(lambda: self.peerpulse.peer("node2")["override"] is None, 5 * SLOWDOWN, "released")
        lines = [line for line in self.peerpulse.log_lines() if line["event"] == "operator_override"]
        self.assertEqual([(line["state"], line["why"]) for line in lines], [("open", "disk swap"), ("auto", "")])
        self.assertIn(self.remote.address, lines[0]["by"])

    def test_the_command_of_another_host_takes_the_token_from_a_file(self):
        self.start(token=True)
        where = ["--admin", "{}:{}".format(*self.listen)]
        refused = cli.run(self.remote, "override", "node2", "open", *where)
        self.assertEqual(refused.status, 2)
        self.assertIn("token", refused.errors)
        done = cli.run(self.remote, "override", "node2", "open", *where, "--token-file", str(self.local.directory / "token"))
        self.assertEqual(done.status, 0, done.errors)
        self.assertTrue(wait_for(lambda: self.peerpulse.peer("node2")["override"], 5 * SLOWDOWN, "the override"))
        missing = cli.run(self.remote, "override", "node2", "auto", *where, "--token-file", "/nonexistent/token")
        self.assertEqual(missing.status, 2)
        self.assertIn("/nonexistent/token", missing.errors)
