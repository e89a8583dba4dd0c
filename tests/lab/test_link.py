"""Sidecar to sidecar across hosts: a power cut is found behind a store without HTTP/2, and nothing is said in plain text."""

import pathlib
import shutil
import tempfile

from tests.harness.case import DETECTED_S, LabCase
from tests.harness.certificates import Authority
from tests.harness.host import connect
from tests.harness.http1 import refused, request
from tests.harness.linked_store import LinkedStore
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.waiting import wait_for
from tests.harness.wire_tap import WireTap

_LINK_PORT = 9443


class LinkLab(LabCase):
    """peerpulse on node1; on the others a store, and the peerpulse beside it."""

    def setUp(self) -> None:
        super().setUp()
        directory = pathlib.Path(tempfile.mkdtemp(prefix="peerpulse-certificates-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.authority = Authority(directory / "authority")
        self.stores: dict[str, LinkedStore] = {}
        self.far: dict[str, Peerpulse] = {}

    def link_tls(self, node) -> dict:
        return self.authority.link_tls(self.authority.issue(node.name, f"IP:{node.address}"))

    def start(self, mode: str, store_address: str | None = None, **config) -> None:
        """`store_address`: where stores listen; None: at their node's address, for everybody."""
        others = self.lab.nodes[1:]
        for node in others:
            store = LinkedStore(node, address=store_address).start()
            self.stores[node.name] = store
            self.far[node.name] = self.start_peerpulse(
                node, [Peer("node1", f"{self.local.address}:9000")], node=node.name, guard={"mode": "proxy"},
                link={"listen": f"0.0.0.0:{_LINK_PORT}", "tls": self.link_tls(node),
                      "store": f"{store_address or node.address}:{store.port}"})
        self.near = self.start_peerpulse(
            self.local, [Peer(node.name, f"{node.address}:{self.stores[node.name].port}") for node in others],
            link={"mode": mode, "port": _LINK_PORT, "retry": "500ms", "tls": self.link_tls(self.local)}, **config)
        for node in others:
            self.wait_link(node.name, "up")
            self.near.wait_verdict(node.name, "alive")

    def wait_link(self, name: str, state: str) -> None:
        wait_for(lambda: self.near.peer(name)["link"]["state"] == state, 10, f"the link of {name} is {state}")

    def ask(self, name: str, method: str, path: str, body: bytes = b"", **headers: str):
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        return request(self.local, self.near.listen[name], method, path, body, fields)


class PowerCut(LinkLab):
    def test_it_is_found_as_behind_a_store_that_gets_pings(self):
        self.start("require", "127.0.0.1")
        self.assertEqual(self.ask("node3", "PUT", "/x", b"x").status, 201)
        self.assertEqual(self.near.peer("node3")["probe"]["host"], "ping")
        cut = self.lab.cut("node3")
        self.near.wait_verdict("node3", "dead", DETECTED_S)
        event = next(e for e in self.near.events() if e["peer"] == "node3" and e["to"] == "dead")
        self.assertLess((event["monotonic_ns"] - cut.ordered_ns) / 1e6, DETECTED_S * 1000)
        self.assert_unavailable(self.ask("node3", "GET", "/x"), "node3", "dead")
        self.assertEqual(self.ask("node2", "PUT", "/x", b"x").status, 201)
        self.lab.restore("node3")
        self.near.wait_circuit("node3", "closed", 3)
        self.assertEqual(self.ask("node3", "GET", "/x").body, b"x")

    def test_it_is_no_reason_to_go_without_the_link(self):
        self.start("prefer")
        self.lab.cut("node3")
        self.near.wait_verdict("node3", "dead", DETECTED_S)
        self.wait_link("node3", "down")
        self.lab.restore("node3")
        self.near.wait_circuit("node3", "closed", 3)
        self.wait_link("node3", "up")
        self.assertEqual(self.near.peer("node3")["link"]["fallbacks_total"], 0)


class Guarded(LinkLab):
    def refuses(self, address: tuple[str, int]) -> bool:
        try:
            return refused(self.local, address)
        except ConnectionAbortedError:  # it was under way before the table was there, and ended with the rest
            return False

    def test_somebody_elses_connection_to_the_links_port_is_told_of_the_death(self):
        self.start("require", "127.0.0.1")
        link = (self.lab.node("node3").address, _LINK_PORT)
        with connect(self.local, link, timeout=5) as theirs:
            self.lab.cut("node3")
            self.near.wait_verdict("node3", "dead", DETECTED_S)
            with self.assertRaises(ConnectionError):  # and not that time is up
                theirs.recv(1)
        wait_for(lambda: self.refuses(link), 2, "new connects are refused")
        self.lab.restore("node3")
        self.near.wait_circuit("node3", "closed", 3)


class OwnStore(LinkLab):
    def test_it_does_not_vouch_for_the_network(self):
        """It lives whatever becomes of this host's link: when all others are dead, nobody says that it is them."""
        store = LinkedStore(self.local, address="127.0.0.1").start()
        others = [LinkedStore(node).start() for node in self.lab.nodes[1:]]
        near = self.start_peerpulse(
            self.local, [Peer(other.host.name, other.address) for other in others],
            link={"listen": f"0.0.0.0:{_LINK_PORT}", "store": f"127.0.0.1:{store.port}", "tls": self.link_tls(self.local)})
        for name in ("node2", "node3", "store"):
            near.wait_verdict(name, "alive")
        # One after the other: neither silence is this host's own by its haste.
        self.lab.cut("node2")
        near.wait_verdict("node2", "dead", 3)
        wait_for(lambda: near.get("/peers").json()["local_health"] == "ok", 5, "one dead peer is its own affair")
        self.lab.cut("node3")
        near.wait_verdict("node3", "dead", 3)
        wait_for(lambda: near.get("/peers").json()["local_health"] == "suspect", 3, "nobody else is heard")
        self.assertEqual(near.peer("node3")["guard"]["state"], "withheld")
        self.assertEqual(near.peer("store")["verdict"], "alive")
        self.lab.restore("node2", "node3")
        near.wait_circuit("node3", "closed", 3)


class Wire(LinkLab):
    nodes = 2
    MARK = b"in-plain-text-for-all-to-read"

    def talk(self, path: str) -> list[bytes]:
        """A request and an answer with the mark in each of their places."""
        mark = self.MARK.decode()
        put = self.ask("node2", "PUT", f"/{path}-{mark}", self.MARK * 2000, X_Mark=mark)
        self.assertEqual(put.status, 201)
        got = self.ask("node2", "GET", f"/{path}-{mark}?{mark}")
        self.assertEqual(got.body, self.MARK * 2000)
        return self.tap.take()

    def marks(self, frames: list[bytes]) -> int:
        return sum(frame.count(self.MARK) for frame in frames)

    def tapped(self) -> None:
        self.tap = WireTap(self.local)
        self.addCleanup(self.tap.close)

    def test_required_nothing_is_said_in_plain_text_not_even_when_the_link_is_lost(self):
        self.start("require")
        self.tapped()
        frames = self.talk("linked")
        self.assertGreater(sum(map(len, frames)), 4000 * len(self.MARK), "it has passed here")
        self.assertEqual(self.marks(frames), 0)
        self.assertEqual(self.far["node2"].stop(), 0)
        self.wait_link("node2", "down")
        self.assertGreaterEqual(self.ask("node2", "PUT", f"/{self.MARK.decode()}", self.MARK).status, 502)
        self.assertEqual(self.marks(self.tap.take()), 0)

    def test_preferred_it_is_plain_text_while_the_link_is_lost_and_only_then(self):
        self.start("prefer")
        self.tapped()
        self.assertEqual(self.marks(self.talk("linked")), 0)
        self.assertEqual(self.far["node2"].stop(), 0)
        self.wait_link("node2", "fallback")
        self.near.wait_circuit("node2", "closed")
        self.assertGreater(self.marks(self.talk("plain")), 2000)  # and so the tap sees what there is to see
        self.far["node2"].start()
        self.wait_link("node2", "up")
        self.near.wait_circuit("node2", "closed")
        self.tap.take()
        self.assertEqual(self.marks(self.talk("again")), 0)


class Transparent(LinkLab):
    nodes = 2

    def passes(self) -> int:
        """A request to the store's own address: says how many peerpulses it went through."""
        store = self.stores["node2"]
        self.assertEqual(request(self.local, (store.host.address, store.port), "PUT", "/x", b"x").status, 201)
        return sum(value.count("peerpulse-") for name, value in store.seen()[-1]["headers"] if name == "via")

    def test_who_calls_the_store_by_its_address_is_carried_by_the_link(self):
        self.start("prefer", transparent={"listen": "127.0.0.1:0"})
        wait_for(lambda: self.near.peer("node2")["transparent"]["way"] == "redirected", 3, "connects are turned")
        self.assertEqual(self.passes(), 2)
        self.assertEqual(self.far["node2"].stop(), 0)
        self.wait_link("node2", "fallback")
        self.near.wait_circuit("node2", "closed")
        self.assertEqual(self.passes(), 1)
        self.far["node2"].start()
        self.wait_link("node2", "up")
        self.near.wait_circuit("node2", "closed")
        self.assertEqual(self.passes(), 2)
        self.assertEqual(self.near.peer("node2")["transparent"]["connections_total"], 3)
