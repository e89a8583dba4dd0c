"""Clients that know nothing of peerpulse: their connects to peers' own addresses are turned to it (recipe N)."""

import errno
import signal
import sys
import time

from tests.harness import cli
from tests.harness.case import DETECTED_S, LabCase
from tests.harness.host import connect
from tests.harness.http1 import Http1Client, request
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.programs import CLIENTS
from tests.harness.recording_peer import RecordingPeer
from tests.harness.scripted_peer import answer
from tests.harness.via_peer import ViaPeer
from tests.harness.waiting import wait_for
from tests.lab.ipv6 import At, add_ipv6

_FAILS_OPEN_S = 2.0
_TABLE = b"table inet peerpulse_node1_transparent"


class SteadyClient:
    """tests/clients/steady_http.py: a process of its own."""

    _number = 0

    def __init__(self, host, server: ViaPeer, requests_a_connection: int) -> None:
        SteadyClient._number += 1
        self.process = host.spawn(
            [sys.executable, "-B", str(CLIENTS / "steady_http.py"), server.host.address, str(server.port),
             str(requests_a_connection), "0.002"], name=f"client-{SteadyClient._number}")

    def lines(self) -> list[str]:
        """Whole ones."""
        return self.process.output().split("\n")[:-1]

    def errors(self) -> list[str]:
        return [line for line in self.lines() if not line.startswith("ok ")]

    def wait(self, word: str, count: int = 50, timeout: float = 10) -> None:
        """So many answers in a row, of those that come from now on, have it in them."""
        begin = len(self.lines())

        def came() -> bool:
            last = self.lines()[begin:][-count:]
            return len(last) == count and all(word in line for line in last)
        wait_for(came, timeout, f"{count} answers in a row with {word}: {self.lines()[-3:]}")


class TransparentCase(LabCase):
    def serve(self, *names: str) -> None:
        self.servers = {name: ViaPeer(self.lab.node(name)).start() for name in names or ("node2", "node3")}

    def configure(self, on_dead: str = "refuse", servers: dict | None = None, **config) -> Peerpulse:
        peers = [Peer(name, server.address, {"on_dead": on_dead}) for name, server in (servers or self.servers).items()]
        config.setdefault("transparent", {"listen": "127.0.0.1:0"})
        self.peerpulse = Peerpulse(self.local, peers, **config)
        self.addCleanup(self.peerpulse.check_end)
        return self.peerpulse

    def start(self, *arguments, **config) -> Peerpulse:
        self.configure(*arguments, **config).start()
        for name in self.peerpulse.get("/peers").json()["peers"]:
            self.peerpulse.wait_verdict(name["name"], "alive")
        return self.peerpulse

    def way(self, name: str) -> str:
        return self.peerpulse.peer(name)["transparent"]["way"]

    def wait_way(self, name: str, way: str, timeout: float = 3) -> None:
        wait_for(lambda: self.way(name) == way, timeout, f"{name} is {way}")

    def came(self, server: ViaPeer) -> str:
        """How a request came there: `direct`, `peerpulse`, or the name of the error."""
        try:
            body = request(self.local, (server.host.address, server.port), "GET", "/hello").body.decode()
        except OSError as error:
            return errno.errorcode.get(error.errno, repr(error))
        return "peerpulse" if "peerpulse" in body else body

    def connect_error(self, server, timeout: float = 0.3) -> str:
        try:
            connect(self.local, (server.host.address, server.port), timeout).close()
        except TimeoutError:
            return "timeout"
        except OSError as error:
            return errno.errorcode[error.errno]
        return ""

    def tables(self) -> bytes:
        return self.local.run(["nft", "list", "tables"]).stdout

    def killed(self) -> None:
        self.peerpulse.process.popen.wait()
        self.peerpulse.process = None


class Transparent(TransparentCase):
    def test_traffic_moves_over_and_back_under_load_without_an_error(self):
        self.serve()
        clients = [SteadyClient(self.local, server, each)
                   for server in self.servers.values() for each in (1, 20)]
        for client in clients:
            client.wait("direct")
        self.configure()
        for _ in range(2):
            self.peerpulse.start()
            for client in clients:
                client.wait("peerpulse")
            curled = self.local.run(["curl", "-s", f"http://{self.servers['node2'].address}/hello"]).stdout
            self.assertIn(b"peerpulse", curled)
            self.assertEqual({self.way(name) for name in self.servers}, {"redirected"})
            self.assertEqual(self.peerpulse.stop(), 0)
            for client in clients:
                client.wait("direct")
            self.assertEqual(self.tables(), b"")
        for client in clients:
            self.assertEqual(client.errors(), [])
        self.assertIn("transparent_ready", self.peerpulse.process.output())

    def test_killed_the_way_is_open_again_in_two_seconds_and_its_clients_are_told(self):
        self.serve()
        server = self.servers["node2"]
        self.start()
        idle = [Http1Client(self.local, (server.host.address, server.port)) for _ in range(20)]
        for client in idle:
            self.assertIn(b"peerpulse", client.request("GET", "/hello").body)
        steady = [SteadyClient(self.local, server, each) for each in (1, 20)]
        for client in steady:
            client.wait("peerpulse")
        self.peerpulse.process.signal(signal.SIGKILL)
        begin = time.monotonic()
        for client in steady:
            client.wait("direct", 5, timeout=_FAILS_OPEN_S)
        for client in idle:
            with client.socket:
                client.socket.settimeout(_FAILS_OPEN_S)
                self.assertEqual(client.socket.recv(1), b"")
        self.assertLess(time.monotonic() - begin, _FAILS_OPEN_S)
        self.killed()
        self.assertNotIn(_TABLE, self.tables())

    def test_stopped_the_way_is_open_in_two_seconds_and_turned_again_afterwards(self):
        self.serve()
        self.start()
        self.peerpulse.process.stop()
        wait_for(lambda: self._fresh("node2") == "direct", 2 * _FAILS_OPEN_S, "the way is open")
        self.peerpulse.process.cont()
        wait_for(lambda: self.came(self.servers["node2"]) == "peerpulse", 3, "turned again")

    def _fresh(self, name: str) -> str:
        """As came(), with little patience: who is turned to a stopped process has no answer."""
        server = self.servers[name]
        try:
            client = Http1Client(self.local, (server.host.address, server.port), timeout=0.1)
            with client.socket:
                body = client.request("GET", "/hello").body.decode()
        except TimeoutError:
            return "timeout"
        return "peerpulse" if "peerpulse" in body else body

    def test_a_drain_lets_go_of_new_connects_first_and_ends_what_it_carries(self):
        self.serve("node2")
        slow = RecordingPeer(self.lab.node("node3"))
        self.addCleanup(slow.server.close)
        slow.may_answer.clear()
        slow.reply = lambda _request: answer("200 OK", b"at last")
        self.configure(servers={**self.servers, "node3": slow}, probe={"icmp": False}).start()
        host, _, port = slow.address.rpartition(":")
        client = Http1Client(self.local, (host, int(port)))
        with client.socket:
            client.send_head("GET", "/slow")
            wait_for(lambda: slow.requests, 5, "the request is there")
            self.assertIn("via", slow.requests[0].headers)
            self.peerpulse.process.signal(signal.SIGTERM)
            wait_for(lambda: self.came(self.servers["node2"]) == "direct", 3, "the way is open")
            self.assertTrue(self.peerpulse.process.running)
            slow.may_answer.set()
            self.assertEqual(client.read_response("GET").body, b"at last")
        self.assertEqual(self.peerpulse.process.popen.wait(20), 0)

    def test_a_dead_peer_is_refused_at_once_and_turned_here_when_it_is_back(self):
        self.serve()
        self.start(guard={"mode": "proxy"})
        dead, healthy = self.servers["node3"], self.servers["node2"]
        idle = Http1Client(self.local, (dead.host.address, dead.port))
        idle.request("GET", "/hello")
        self.lab.cut("node3")
        begin = time.monotonic()
        wait_for(lambda: self.connect_error(dead, 0.05) == "ECONNREFUSED", DETECTED_S, "refused")
        with idle.socket, self.assertRaises(ConnectionResetError):
            idle.socket.recv(1)
        self.assertLess(time.monotonic() - begin, DETECTED_S)
        self.wait_way("node3", "refused")
        while time.monotonic() - begin < 3:  # longer than an element lives
            self.assertEqual(self.connect_error(dead), "ECONNREFUSED")
            self.assertEqual(self.came(healthy), "peerpulse")
        self.assertEqual(self.peerpulse.metrics()['peerpulse_transparent_refused{peer="node3"}'], 1)
        self.lab.restore("node3")
        self.peerpulse.wait_verdict("node3", "alive")
        self.wait_way("node3", "redirected")
        self.assertEqual(self.came(dead), "peerpulse")

    def test_a_dead_peer_is_answered_for(self):
        self.serve()
        self.start(on_dead="respond", guard={"mode": "proxy"})
        dead = self.servers["node3"]
        self.lab.cut("node3")
        self.peerpulse.wait_circuit("node3", "open", DETECTED_S)
        response = request(self.local, (dead.host.address, dead.port), "GET", "/hello")
        self.assert_unavailable(response, "node3", "dead")
        self.assertEqual(self.way("node3"), "redirected")

    def test_a_request_under_way_to_a_peer_that_dies(self):
        self.serve("node2")
        slow = RecordingPeer(self.lab.node("node3"))
        self.addCleanup(slow.server.close)
        slow.may_answer.clear()
        for guard in ("proxy", "proxy+guard"):
            with self.subTest(guard=guard):
                slow.requests.clear()
                self.configure(servers={**self.servers, "node3": slow}, guard={"mode": guard}).start()
                self.peerpulse.wait_verdict("node3", "alive")
                began = time.monotonic()
                wait_for(lambda: time.monotonic() - began > 1, 5, "the guard's first second is over")
                host, _, port = slow.address.rpartition(":")
                client = Http1Client(self.local, (host, int(port)))
                client.send_head("GET", "/slow")
                wait_for(lambda: slow.requests, 5, "the request is there")
                self.lab.cut("node3")
                cut = time.monotonic()
                with client.socket, self.assertRaises(ConnectionError):
                    client.read_response("GET")
                self.assertLess(time.monotonic() - cut, DETECTED_S)
                self.lab.restore("node3")
                self.assertEqual(self.peerpulse.stop(), 0)

    def test_whoever_flushes_the_rules_of_the_host_disturbs_nobody(self):
        self.serve("node2")
        self.start()
        client = SteadyClient(self.local, self.servers["node2"], 20)
        client.wait("peerpulse")
        for _ in range(5):
            self.assertEqual(self.local.run(["nft", "flush", "ruleset"]).returncode, 0)
            client.wait("peerpulse", 20)
        self.assertNotEqual(self.local.run(["nft", "delete", *_TABLE.decode().split()]).returncode, 0)
        self.assertEqual(client.errors(), [])
        self.assertEqual(self.peerpulse.metrics()["peerpulse_transparent_table_repairs_total"], 0)

    def test_two_peers_of_one_host(self):
        node = self.lab.node("node2")
        self.servers = {"a": ViaPeer(node).start(), "b": ViaPeer(node).start()}
        third = ViaPeer(node).start()
        self.start(guard={"mode": "proxy"})
        self.assertEqual(self.came(third), "direct")
        self.assertEqual([self.came(server) for server in self.servers.values()], ["peerpulse"] * 2)
        for name in self.servers:
            self.assertEqual(self.peerpulse.peer(name)["transparent"]["connections_total"], 1)
        self.peerpulse.post("/peers/a/circuit", {"state": "open", "ttl": "1m", "why": "test"})
        self.wait_way("a", "refused")
        self.assertEqual([self.came(server) for server in self.servers.values()], ["ECONNREFUSED", "peerpulse"])

    def test_ipv6(self):
        addresses = add_ipv6(self.lab)
        self.servers = {name: ViaPeer(At(self.lab.node(name), addresses[name]), 9100).start()
                        for name in ("node2", "node3")}
        self.start(guard={"mode": "proxy"}, transparent={"listen6": "[::1]:0"})
        for server in self.servers.values():
            self.assertEqual(self.came(server), "peerpulse")
        self.lab.cut("node3")
        wait_for(lambda: self.connect_error(self.servers["node3"], 0.05) == "ECONNREFUSED", DETECTED_S, "refused")
        self.assertEqual(self.came(self.servers["node2"]), "peerpulse")

    def test_a_diagnosis_asks_the_peer_and_not_peerpulse(self):
        self.serve()
        self.start(on_dead="respond", guard={"mode": "proxy"})
        self.assertEqual(self.diagnose("node2")["cause"], "well")
        self.assertEqual(self.peerpulse.peer("node2")["transparent"]["connections_total"], 0)
        self.lab.cut("node3")
        self.peerpulse.wait_verdict("node3", "dead")
        self.assertEqual(self.diagnose("node3")["cause"], "power_off")
        unprivileged = self.diagnose("node2", ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=65534",
                                               "--regid=65534", "--clear-groups"))
        self.assertEqual((unprivileged["cause"], unprivileged["evidence"]["connect"]["answer"]), ("undecided", "guarded"))

    def diagnose(self, name: str, launcher: tuple[str, ...] = ()) -> dict:
        return cli.Ran(self.local.run([*launcher, cli.program(), "diagnose", name, "--json",
                                       *cli.admin(self.peerpulse)])).json()

    def test_a_client_of_the_listener_itself_is_reset(self):
        self.serve()
        self.start()
        host, _, port = self.peerpulse.get("/cluster").json()["transparent"]["listeners"][0].rpartition(":")
        with self.assertRaises(ConnectionResetError):
            request(self.local, (host, int(port)), "GET", "/hello")
        self.assertEqual(self.peerpulse.metrics()["peerpulse_transparent_unknown_destinations_total"], 1)
        self.assertIn("transparent_unknown_destination", self.peerpulse.process.output())

    def test_without_the_capability_clients_go_past_it_and_it_says_so(self):
        self.serve("node2")
        self.configure().spawn(("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"))
        wait_for(lambda: "transparent_unavailable" in self.peerpulse.process.output(), 10, "it says so")
        self.assertEqual(self.came(self.servers["node2"]), "direct")
        ready = wait_for(lambda: self._answers("/readyz"), 5, "the admin answers")
        self.assertEqual(ready.status, 503)
        self.assertTrue(any("CAP_NET_ADMIN" in missing for missing in ready.json()["missing"]), ready.body)
        self.assertEqual(self.way("node2"), "direct")
        transparent = self.peerpulse.get("/cluster").json()["transparent"]
        self.assertEqual((transparent["active"], transparent["direct"]), (False, ["node2"]))

    def _answers(self, path: str):
        try:
            return self.peerpulse.get(path)
        except ConnectionError:
            return None

    def test_a_peer_with_a_listener_of_its_own_has_both(self):
        self.serve()
        server = self.servers["node2"]
        self.configure()
        both = next(peer for peer in self.peerpulse.config["peers"] if peer["name"] == "node2")
        both.update(listen="127.0.0.12:9000", transparent=True)
        only = next(peer for peer in self.peerpulse.config["peers"] if peer["name"] == "node3")
        only.update(listen="127.0.0.13:9000")
        self.peerpulse.write().start()
        self.assertIn(b"peerpulse", request(self.local, ("127.0.0.12", 9000), "GET", "/hello").body)
        self.assertEqual(self.came(server), "peerpulse")
        self.assertEqual(self.came(self.servers["node3"]), "direct")
        self.assertEqual(self.way("node3"), "off")
