"""Base of the tests of links between sidecars: a store that speaks HTTP/1.1 without TLS, the peerpulse beside it, and another
node's that reaches it by the link."""

import signal

from tests.harness.case import DETECTED_S, LocalCase
from tests.harness.certificates import Authority, Certificate, class_directory
from tests.harness.host import free_port
from tests.harness.linked_store import LinkedStore
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.waiting import wait_for


class LinkCase(LocalCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.certificates = class_directory(cls)
        cls.authority = Authority(cls.certificates / "authority")
        cls.here = cls.authority.issue("node1")
        cls.there = cls.authority.issue("node2")

    def link_tls(self, certificate: Certificate, authority: Authority | None = None) -> dict:
        return (authority or self.authority).link_tls(certificate)

    def start_store(self) -> LinkedStore:
        self.store = LinkedStore(self.host).start()
        self.port = free_port(self.host)
        return self.store

    def start_far(self) -> None:
        """The peerpulse beside the store. Its own peer is of no interest."""
        self.far = self.start_peerpulse(
            self.host, [Peer("node1", "127.0.0.1:9")], node="node2",
            link={"listen": f"127.0.0.1:{self.port}", "store": self.store.address, "tls": self.link_tls(self.there)})

    def start_near(self, mode: str = "require", certificate: Certificate | None = None, address: str | None = None,
                   **config) -> None:
        """`address`: of the store; None: its literal one."""
        options = {"link": {"mode": mode, "address": f"127.0.0.1:{self.port}"}, **config.pop("peer", {})}
        self.near = self.start_peerpulse(
            self.host, [Peer("node2", address or self.store.address, options)],
            link={"tls": self.link_tls(certificate or self.here), "retry": "200ms"}, **config)
        self.listen = self.near.listen["node2"]

    def start_all(self, mode: str = "require", **config) -> None:
        self.start_store()
        self.start_far()
        self.start_near(mode, **config)
        self.near.wait_verdict("node2", "alive", DETECTED_S * 5)
        self.wait_link("up")

    @staticmethod
    def passes(seen: dict) -> int:
        """How many peerpulses a request of LinkedStore.seen() went through."""
        return sum(value.count("peerpulse-") for name, value in seen["headers"] if name == "via")

    def link(self) -> dict:
        return self.near.peer("node2")["link"]

    def wait_link(self, state: str, timeout: float = 10) -> dict:
        def matches():
            link = self.link()
            return link if link["state"] == state else None
        return wait_for(matches, timeout * SLOWDOWN, f"the link is {state}")

    def stop_store(self) -> None:
        self.store.process.signal(signal.SIGSTOP)
        self.addCleanup(self.store.process.signal, signal.SIGCONT)
