"""Sidecar to sidecar, where the peer's own address is a name: DNS has its say about that one alone."""

from tests.harness.dns_server import DnsServer, Reply
from tests.harness.http1 import request
from tests.harness.peerpulse import SLOWDOWN
from tests.harness.waiting import wait_for
from tests.integration.link_case import LinkCase

NAME = "node2.example"
NOWHERE = "127.0.0.99"
"""Nobody listens there."""


class Named(LinkCase):
    def setUp(self) -> None:
        super().setUp()
        self.dns = DnsServer(self.host)
        self.addCleanup(self.dns.close)
        self.start_store()

    def start(self, mode: str) -> None:
        dns = {"servers": [self.dns.address], "timeout": "100ms", "tries": 1, "min_ttl": "100ms", "retry": "200ms"}
        self.start_near(mode, address=f"{NAME}:{self.store.port}", dns=dns)

    def wait_addresses(self, *hosts: str) -> None:
        expected = [f"{host}:{self.store.port}" for host in hosts]
        wait_for(lambda: sorted(self.near.peer("node2")["addresses"]) == expected or None, 10 * SLOWDOWN,
                 f"{NAME} leads to {expected}")

    def put(self, path: str) -> int:
        """Says how many peerpulses it went through."""
        self.assertEqual(request(self.host, self.listen, "PUT", path, b"body").status, 201)
        return self.passes(self.store.seen()[-1])

    def test_what_the_name_leads_to_is_nothing_to_the_link(self):
        self.dns.zone[NAME] = Reply(("127.0.0.1",), ttl=0)
        self.start_far()
        self.start("prefer")
        self.near.wait_verdict("node2", "alive", 10)
        self.wait_link("up")
        self.assertEqual(self.put("/first"), 2)
        self.dns.zone[NAME] = Reply((NOWHERE,), ttl=0)
        self.wait_addresses(NOWHERE)
        self.assertEqual(self.put("/second"), 2)
        peer = self.near.peer("node2")
        self.assertEqual((peer["verdict"], peer["link"]["fallbacks_total"], peer["link"]["address"]),
                         ("alive", 0, f"127.0.0.1:{self.port}"))
        self.assertEqual({event["to"] for event in self.near.events() if event["event"] == "transition"}, {"alive"})

    def test_without_the_link_it_is_reached_where_its_name_leads_now(self):
        """One of its addresses answers, the other refuses: that is enough to go there."""
        self.dns.zone[NAME] = Reply((NOWHERE,), ttl=0)
        self.start_far()
        self.start("prefer")
        self.wait_link("up")
        self.wait_addresses(NOWHERE)
        self.dns.zone[NAME] = Reply(("127.0.0.1", NOWHERE), ttl=0)
        self.wait_addresses("127.0.0.1", NOWHERE)
        self.assertEqual(self.far.stop(), 0)
        self.wait_link("fallback")
        self.near.wait_verdict("node2", "alive", 10)
        self.near.wait_circuit("node2", "closed")
        self.assertEqual(self.put("/plain"), 1)
        self.far.start()
        self.wait_link("up")
        self.near.wait_circuit("node2", "closed")
        self.assertEqual(self.put("/linked"), 2)

    def test_a_link_needs_no_answer_of_dns(self):
        for reply in (Reply(silent=True), None):
            with self.subTest(reply=reply):
                self.dns.zone.pop(NAME, None)
                if reply:
                    self.dns.zone[NAME] = reply
                self.start_far()
                self.start("require")
                self.near.wait_verdict("node2", "alive", 10)
                self.assertEqual(self.put("/required"), 2)
                self.assertEqual(self.near.get("/readyz").status, 200)
                self.assertEqual(self.far.stop(), 0)
                self.near.wait_verdict("node2", "refusing", 10)
                self.assertEqual(self.near.stop(), 0)

    def test_a_preferred_link_is_not_left_for_a_name_that_leads_nowhere(self):
        self.start_far()
        self.start("prefer")
        self.wait_link("up")
        self.assertEqual(self.far.stop(), 0)
        self.near.wait_verdict("node2", "refusing", 10)
        self.assertEqual(self.wait_link("down")["fallbacks_total"], 0)
        self.dns.zone[NAME] = Reply(("127.0.0.1",), ttl=0)
        self.wait_link("fallback")
        self.near.wait_circuit("node2", "closed")
        self.assertEqual(self.put("/plain"), 1)
