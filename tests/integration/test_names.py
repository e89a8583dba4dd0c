"""Peers by name: what DNS says is followed, and what it does not say, says wrongly or late is nobody's death."""

import json
import socket
import threading

from tests.harness import dns_server
from tests.harness.case import LocalCase
from tests.harness.clients import curl, h2load, url
from tests.harness.dns_server import DnsServer, Reply
from tests.harness.host import LocalHost, free_port
from tests.harness.http1 import request
from tests.harness.peerpulse import SLOWDOWN, Peer, Peerpulse, program
from tests.harness.peers import NghttpdPeer
from tests.harness.recording_peer import RecordingPeer
from tests.harness.scripted_peer import ScriptedPeer, answer
from tests.harness.waiting import wait_for

NAME = "node2.example"
QUICK = {"timeout": "100ms", "tries": 1, "min_ttl": "100ms", "retry": "200ms"}


class At(LocalHost):
    """The same machine by another of its loopback's addresses."""

    def __init__(self, host: LocalHost, address: str) -> None:
        self.address = address
        self.directory = host.directory / address
        self.directory.mkdir(exist_ok=True)
        self.processes = host.processes
        self.entered = host.entered


class Names(LocalCase):
    def setUp(self) -> None:
        super().setUp()
        self.dns = DnsServer(self.host)
        self.addCleanup(self.dns.close)

    def start(self, port: int | str, *others: Peer, dns: dict | None = None, **options):
        config = {"dns": {"servers": [self.dns.address], **QUICK, **(dns or {})}, **options.pop("config", {})}
        peers = [Peer("node2", f"{NAME}:{port}", options), *others]
        self.peerpulse = self.start_peerpulse(self.host, peers, **config)
        self.listen = self.peerpulse.listen["node2"]
        return self.peerpulse

    def server(self, address: str, port: int | None = None) -> NghttpdPeer:
        server = NghttpdPeer(At(self.host, address), port)
        (server.root / "index.html").write_text(address, encoding="ascii")
        return server.start()

    def pair(self) -> tuple[NghttpdPeer, NghttpdPeer]:
        """Two servers, one port."""
        first = self.server("127.0.0.2")
        return first, self.server("127.0.0.3", first.port)

    def wait_dns(self, what, said: str) -> dict:
        def matches():
            state = self.peerpulse.peer("node2")
            return state if what(state) else None
        return wait_for(matches, 10 * SLOWDOWN, said)

    def wait_error(self, error: str) -> dict:
        return self.wait_dns(lambda peer: (peer["dns"]["error"] or {}).get("error") == error, f"dns error {error}")

    def body(self) -> str:
        result = curl(self.host, url(self.listen, "/index.html"), h2=True)
        self.assertEqual(result.status, 200)
        return result.body.decode()


class Following(Names):
    def test_a_name_is_carried_probed_and_told(self):
        server = self.server("127.0.0.2")
        self.dns.zone[NAME] = Reply(("127.0.0.2",))
        self.start(server.port)
        peer = self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(peer["address"], f"{NAME}:{server.port}")
        self.assertEqual(peer["addresses"], [f"127.0.0.2:{server.port}"])
        self.assertEqual((peer["dns"]["name"], peer["dns"]["state"], peer["dns"]["error"]), (NAME, "good", None))
        self.assertEqual(self.body(), "127.0.0.2")
        metrics = self.peerpulse.metrics()
        self.assertEqual(metrics['peerpulse_dns_addresses{peer="node2"}'], 1)
        self.assertGreaterEqual(metrics['peerpulse_dns_resolutions_total{peer="node2",result="ok"}'], 1)
        self.assertGreater(metrics['peerpulse_dns_last_answer_timestamp_seconds{peer="node2"}'], 1e9)
        line = next(line for line in self.peerpulse.log_lines() if line["event"] == "peer_addresses")
        self.assertEqual(line["addresses"], f"127.0.0.2:{server.port}")

    def test_a_changed_address_under_load_loses_nothing(self):
        first, second = self.pair()
        self.dns.zone[NAME] = Reply(("127.0.0.2",), ttl=0)
        self.start(first.port, config={"log": {"access": {"mode": "off"}}})
        moves = self.move_under_load(first.port, requests=60000)
        self.assertGreaterEqual(moves, 2)
        self.assertTrue(second.process.running)

    def test_a_changed_address_under_http1_load_loses_nothing(self):
        here = RecordingPeer(At(self.host, "127.0.0.2"))
        self.addCleanup(here.server.close)
        port = int(here.address.rpartition(":")[2])
        there = RecordingPeer(At(self.host, "127.0.0.3"), port=port)
        self.addCleanup(there.server.close)
        self.dns.zone[NAME] = Reply(("127.0.0.2",), ttl=0)
        self.start(port, protocol="http1", config={"log": {"access": {"mode": "off"}}})
        moves = self.move_under_load(port, requests=4000, h1=True)
        self.assertGreaterEqual(moves, 2)
        self.assertTrue(here.requests and there.requests)
        self.assertEqual(len(here.requests) + len(there.requests), 4000)

    def move_under_load(self, port: int, requests: int, h1: bool = False) -> int:
        """Says how often it moved."""
        self.peerpulse.wait_verdict("node2", "alive")
        results = []

        def load() -> None:
            target = url(self.listen, "/index.html")
            results.append(h2load(self.host, target, requests, clients=4, streams=1 if h1 else 4, h1=h1))

        loads = threading.Thread(target=load)
        loads.start()
        moves = 0
        while loads.is_alive():
            moves += 1
            to = "127.0.0.3" if moves % 2 else "127.0.0.2"
            self.dns.zone[NAME] = Reply((to,), ttl=0)
            self.wait_dns(lambda peer, to=to: peer["addresses"] == [f"{to}:{port}"], f"moved to {to}")
        loads.join()
        self.assertEqual((results[0].failed, results[0].succeeded), (0, requests), results[0].output)
        self.assertLessEqual({event["to"] for event in self.peerpulse.events()}, {"alive", "suspect"})
        metrics = self.peerpulse.metrics()
        self.assertGreaterEqual(metrics['peerpulse_dns_changes_total{peer="node2"}'], moves - 1)
        self.assertEqual(self.peerpulse.peer("node2")["failures_total"], 0)
        return moves

    def test_what_leads_to_an_address_that_has_gone_ends_with_its_exchanges(self):
        here, there = At(self.host, "127.0.0.2"), At(self.host, "127.0.0.3")
        old = RecordingPeer(here, reply=lambda _request: answer("200 OK", b"old"))
        self.addCleanup(old.server.close)
        port = int(old.address.rpartition(":")[2])
        new = self.server("127.0.0.3", port)
        self.assertEqual(there.address, "127.0.0.3")
        old.may_answer.clear()
        self.dns.zone[NAME] = Reply(("127.0.0.2",), ttl=0)
        self.start(port, protocol="http1")
        self.peerpulse.wait_verdict("node2", "alive")
        responses = []
        waiting = threading.Thread(target=lambda: responses.append(request(self.host, self.listen, "GET", "/slow")))
        waiting.start()
        wait_for(lambda: old.requests, 10, "the old address has the request")
        self.dns.zone[NAME] = Reply(("127.0.0.3",), ttl=0)
        self.wait_dns(lambda peer: peer["addresses"] == [f"127.0.0.3:{port}"], "moved")
        old.may_answer.set()
        waiting.join()
        self.assertEqual((responses[0].status, responses[0].body), (200, b"old"))
        self.assertTrue(new.process.running)
        wait_for(lambda: self.peerpulse.peer("node2")["connections"]["idle"] == 0, 10, "the old connection is closed")

    def test_many_addresses_of_which_few_answer(self):
        server = self.server("127.0.0.2")
        port = server.port
        # None of the others listens; 50 addresses need TCP.
        others = tuple(f"127.0.1.{i}" for i in range(1, 50))
        self.dns.zone[NAME] = Reply(("127.0.0.2", *others), truncated=True)
        self.start(port)
        peer = self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(len(peer["addresses"]), 16)
        self.assertEqual(peer["dns"]["unused"], 34)
        self.assertGreaterEqual(self.dns.over_tcp, 1)
        for _ in range(5):
            self.assertEqual(self.body(), "127.0.0.2")
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["verdict"], peer["failures_total"]), ("alive", 0))

    def test_a_peer_lives_as_long_as_one_of_its_addresses_does(self):
        first, second = self.pair()
        self.dns.zone[NAME] = Reply(("127.0.0.2", "127.0.0.3"))
        self.start(first.port)
        self.peerpulse.wait_verdict("node2", "alive")
        used = {"127.0.0.2": first, "127.0.0.3": second}
        gone = used.pop(self.body())
        gone.process.kill()
        left = next(iter(used))
        wait_for(lambda: self._served_by() == left, 10 * SLOWDOWN, "the other address serves")
        peer = self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(peer["circuit"], "closed")

    def _served_by(self) -> str:
        result = curl(self.host, url(self.listen, "/index.html"), h2=True)
        return result.body.decode() if result.status == 200 else ""

    def test_etc_hosts_and_both_families(self):
        server = self.server("127.0.0.1")
        self.dns.zone = {}
        config = {"dns": {"servers": [self.dns.address], **QUICK}}
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", f"localhost:{server.port}", {})], **config)
        self.listen = self.peerpulse.listen["node2"]
        self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(self.body(), "127.0.0.1")
        self.assertNotIn("localhost", self.dns.questions)


class Trouble(Names):
    def test_every_kind_of_trouble_keeps_the_last_addresses(self):
        server = self.server("127.0.0.2")
        good = Reply(("127.0.0.2",), ttl=0)
        self.dns.zone[NAME] = good
        self.start(server.port)
        self.peerpulse.wait_verdict("node2", "alive")
        troubles = {
            "timeout": Reply(silent=True),
            "no_such_name": Reply(rcode=dns_server.NXDOMAIN),
            "no_address": Reply(),
            "server_failure": Reply(rcode=dns_server.SERVFAIL),
            "refused": Reply(rcode=dns_server.REFUSED),
            "bad_answer": Reply(rcode=dns_server.FORMERR),
        }
        for error, reply in troubles.items():
            with self.subTest(error):
                self.dns.zone[NAME] = reply
                peer = self.wait_error(error)
                self.assertEqual((peer["dns"]["state"], peer["addresses"]), ("stale", [f"127.0.0.2:{server.port}"]))
                self.assertTrue(peer["dns"]["error"]["details"])
                self.assertEqual((peer["verdict"], self.body()), ("alive", "127.0.0.2"))
                self.dns.zone[NAME] = good
                self.wait_dns(lambda state: state["dns"]["state"] == "good", "good again")
        lines = [line["result"] for line in self.peerpulse.log_lines() if line["event"] == "dns_failed"]
        self.assertEqual(lines, list(troubles))
        metrics = self.peerpulse.metrics()
        for error in troubles:
            self.assertGreaterEqual(metrics[f'peerpulse_dns_resolutions_total{{peer="node2",result="{error}"}}'], 1)
        self.assertEqual(metrics['peerpulse_dns_changes_total{peer="node2"}'], 0)

    def test_answers_to_other_questions_are_none(self):
        self.dns.zone[NAME] = Reply(("127.6.6.6",), other_question=True)
        self.start(free_port(self.host, "127.0.0.1"))
        self.wait_error("timeout")
        self.assertEqual(self.peerpulse.peer("node2")["addresses"], [])

    def test_a_late_answer_is_waited_for_by_those_who_need_it_only(self):
        server = self.server("127.0.0.2")
        literal = self.server("127.0.0.3")
        self.dns.zone[NAME] = Reply(("127.0.0.2",), delay=0.7)
        peerpulse = self.start_unready(server.port, Peer("node3", literal.address, {}), dns={"timeout": "5s"})
        wait_for(lambda: peerpulse.peer("node3")["verdict"] == "alive", 10, "node3 alive")
        self.assertEqual(peerpulse.peer("node2")["dns"]["state"], "unknown")
        self.assertEqual(curl(self.host, url(peerpulse.listen["node3"], "/index.html"), h2=True).status, 200)
        self.assertEqual(self.body(), "127.0.0.2")  # held until the answer was there

    def start_unready(self, port: int, *others: Peer, dns: dict):
        """Not ready: of the named peer nothing is known."""
        config = {"dns": {"servers": [self.dns.address], **QUICK, **dns}}
        peerpulse = Peerpulse(self.host, [Peer("node2", f"{NAME}:{port}", {}), *others], **config)
        self.addCleanup(peerpulse.check_end)
        peerpulse.spawn()
        self.peerpulse = peerpulse
        self.listen = peerpulse.listen["node2"]
        wait_for(self.admin_answers, 10 * SLOWDOWN, "the admin answers")
        return peerpulse

    def admin_answers(self) -> bool:
        try:
            return self.peerpulse.get("/livez").status == 200
        except ConnectionError:
            return False

    def test_a_name_that_leads_nowhere_is_its_own_error_and_blames_nobody(self):
        server = self.server("127.0.0.2")
        self.start(server.port)  # ready all the same
        self.wait_error("no_such_name")
        response = request(self.host, self.listen, "GET", "/index.html")
        self.assertEqual(response.status, 502)
        self.assertIn("error=dns_error", response.headers["proxy-status"])
        self.assertIn(NAME, response.headers["proxy-status"])
        self.dns.zone[NAME] = Reply(silent=True)
        self.wait_error("timeout")
        response = request(self.host, self.listen, "GET", "/index.html")
        self.assertEqual(response.status, 504)
        self.assertIn("error=dns_timeout", response.headers["proxy-status"])
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["verdict"], peer["circuit"], peer["failures_total"]), ("unknown", "closed", 0))
        self.assertEqual(self.peerpulse.events(), [])
        metrics = self.peerpulse.metrics()
        self.assertEqual(metrics['peerpulse_failed_exchanges_total{peer="node2",party="host"}'], 2)
        self.dns.zone[NAME] = Reply(("127.0.0.2",))
        self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(self.body(), "127.0.0.2")

    def test_a_name_that_leads_to_ourselves_is_a_loop_and_never_asked(self):
        self.dns.zone[NAME] = Reply(("127.0.0.1",), ttl=0)
        listener = free_port(self.host, "127.0.0.1")
        self.start(listener, listen=f"127.0.0.1:{listener}")
        self.listen = ("127.0.0.1", listener)
        self.wait_error("loop")
        response = request(self.host, self.listen, "GET", "/")
        self.assertEqual(response.status, 502)
        self.assertIn("error=proxy_loop_detected", response.headers["proxy-status"])
        peer = self.peerpulse.peer("node2")
        self.assertEqual((peer["verdict"], peer["addresses"], peer["requests_total"]), ("unknown", [], 1))
        server = self.server("127.0.0.2", listener)
        self.assertTrue(server.process.running)
        self.dns.zone[NAME] = Reply(("127.0.0.1", "127.0.0.2"), ttl=0)
        peer = self.peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(peer["addresses"], [f"127.0.0.2:{listener}"])

    def test_a_dead_address_is_asked_about_before_its_ttl_is_over(self):
        first, second = self.pair()
        self.dns.zone[NAME] = Reply(("127.0.0.2",), ttl=3600)
        self.start(first.port, dns={"max_ttl": "1h"})
        self.peerpulse.wait_verdict("node2", "alive")
        first.process.kill()
        self.peerpulse.wait_verdict("node2", "refusing")
        self.wait_dns(lambda _state: self.dns.questions[NAME] >= 8, "asked again and again")
        self.dns.zone[NAME] = Reply(("127.0.0.3",), ttl=3600)
        peer = self.wait_dns(lambda state: state["addresses"] == [f"127.0.0.3:{first.port}"], "moved")
        self.assertEqual(peer["dns"]["state"], "good")
        self.peerpulse.wait_verdict("node2", "alive")
        self.assertTrue(second.process.running)


class Sources(Names):
    def test_connections_come_from_where_they_are_told_to(self):
        seen = []

        class Peering(RecordingPeer):
            def _serve(self, connection: socket.socket, head: bytes) -> bool:
                seen.append(connection.getpeername()[0])
                return super()._serve(connection, head)

        peer = Peering(self.host)
        self.addCleanup(peer.server.close)
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", peer.address, {"source_address": "127.0.0.44"})],
                                         upstream={"source_address": "127.0.0.45"})
        peerpulse.wait_verdict("node2", "alive")
        self.assertEqual(request(self.host, peerpulse.listen["node2"], "GET", "/x").status, 200)
        self.assertEqual(set(seen), {"127.0.0.44"})

    def test_a_source_that_this_host_has_not_is_nobodys_fault_but_ours(self):
        server = self.server("127.0.0.2")
        peerpulse = self.start_peerpulse(self.host, [Peer("node2", server.address, {"source_address": "127.0.0.44"})])
        peerpulse.wait_verdict("node2", "alive")
        checked = self.host.run([program(), "check", "--config",
                                 str(self.with_source(peerpulse, "192.0.2.1"))])
        self.assertEqual(checked.returncode, 2)
        self.assertIn(b"/peers/0/source_address", checked.stderr)

    def with_source(self, peerpulse, source: str):
        changed = json.loads(json.dumps(peerpulse.config))
        changed["peers"][0]["source_address"] = source
        path = self.host.directory / "changed.json"
        path.write_text(json.dumps(changed), encoding="utf-8")
        return path


class UnixSockets(LocalCase):
    def test_both_sides_may_be_unix_sockets(self):
        upstream = self.host.directory / "store.sock"
        server = self.store(upstream)
        downstream = self.host.directory / "node2.sock"
        peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", f"unix:{upstream}", {"listen": f"unix:{downstream}"})])
        peerpulse.wait_verdict("node2", "alive")
        result = self.host.run(["curl", "-s", "--unix-socket", str(downstream), "http://node2/x"])
        self.assertEqual(result.stdout, b"from a socket")
        server.close()
        upstream.unlink()
        peerpulse.wait_verdict("node2", "refusing")
        self.store(upstream)
        peerpulse.wait_verdict("node2", "alive")

    def store(self, path) -> ScriptedPeer:
        def serve(connection: socket.socket, _head: bytes) -> bool:
            connection.sendall(answer("200 OK", b"from a socket"))
            return True
        store = ScriptedPeer(self.host, serve, str(path))
        self.addCleanup(store.close)
        return store
