"""Troubles with how peers are reached: links and names."""

from tests.harness.certificates import Authority
from tests.harness.dns_server import DnsServer, Reply
from tests.harness.host import free_port
from tests.harness.linked_store import LinkedStore
from tests.harness.peerpulse import Peer
from tools.lib.bench.alerts.cause import Cause, Expected

_NAME = "store.example"


class LinkLost(Cause):
    name = "linkless"
    about = "the peerpulse beside a store is killed, the link to it is a preferred one"
    follows = ("PeerDown", "PeerRefusing", "RequestFailures")  # until its store is asked instead

    def prepare(self) -> None:
        local = self.stage.local
        authority = Authority(local.directory / "link-authority")
        here, there = (authority.issue(name, f"IP:{local.address}") for name in ("linkless", "beside"))
        store = LinkedStore(local).start()
        address = f"{local.address}:{free_port(local)}"
        well = self.stage.well()
        self._beside = self.stage.peerpulse(
            "beside", [well[0]], link={"listen": address, "store": store.address, "tls": authority.link_tls(there)})
        peer = Peer("store", store.address, {"link": {"mode": "prefer", "address": address}})
        self.peerpulse = self.stage.peerpulse(self.name, [peer, *well], link={"tls": authority.link_tls(here)})

    def trouble(self):
        self._beside.process.kill()
        yield [Expected("LinkFallenBack", {"peer": "store"}, 2)]


class NameLost(Cause):
    name = "nameless"
    about = "DNS answers nothing any more about a peer's name"

    def prepare(self) -> None:
        well = self.stage.well()
        address, port = well[0].address.rsplit(":", 1)
        self._dns = DnsServer(self.stage.local, {_NAME: Reply((address,), ttl=1)})
        self.stage.at_end(self._dns.close)
        named = Peer("store", f"{_NAME}:{port}", well[0].options)
        self.peerpulse = self.stage.peerpulse(
            self.name, [named, well[1]],
            dns={"servers": [self._dns.address], "timeout": "100ms", "tries": 1, "min_ttl": "100ms", "retry": "200ms"})

    def trouble(self):
        self._dns.zone[_NAME] = Reply(silent=True)
        yield [Expected("NameNotResolved", {"peer": "store"}, 1)]


CAUSES = (LinkLost, NameLost)
