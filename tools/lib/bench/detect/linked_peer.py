"""A store that speaks HTTP/1 without TLS, and the peerpulse beside it that other nodes reach it by (link.listen)."""

import pathlib

from tests.harness.certificates import Authority
from tests.harness.host import free_port
from tests.harness.nginx_peers import NginxPeer
from tests.harness.peerpulse import Peer, Peerpulse
from tools.lab import Node


class Certificates:
    """Of one authority, for the nodes of a lab. The directory is the lab's, and goes with it."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._authority = Authority(directory / "authority")

    def of(self, node: Node) -> dict:
        """The section link.tls of its configuration."""
        return self._authority.link_tls(self._authority.issue(node.name, f"IP:{node.address}"))


class LinkedPeer(NginxPeer):
    """What it serves is that of a plain NginxPeer, which is its `address`; `link` is the way to it that the bench takes."""

    def __init__(self, node: Node, certificates: Certificates) -> None:
        super().__init__(node)
        self.link = f"{node.address}:{free_port(node)}"
        # It has to have a peer; one that is asked seldom costs the others' processors little.
        nobody = Peer("nobody", "127.0.0.1:9", {"probe": {"interval": "500ms", "suspect_after": "2s", "recover_interval": "1s"}})
        self._peerpulse = Peerpulse(node, [nobody], workers=1, node=node.name, guard={"mode": "proxy"},
                                    log={"access": {"mode": "off"}},
                                    link={"listen": self.link, "store": self.address, "tls": certificates.of(node)})

    def start(self) -> "LinkedPeer":
        super().start()
        self._peerpulse.start(ready_timeout=30)
        return self
