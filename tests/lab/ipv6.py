"""IPv6 in a lab, whose network has IPv4 alone otherwise."""


class At:
    """A node, by another one of its addresses."""

    def __init__(self, node, address: str) -> None:
        self._node = node
        self.address = address

    def __getattr__(self, name: str):
        return getattr(self._node, name)


def add_ipv6(lab) -> dict[str, str]:
    """An address for each node: by the node's name."""
    addresses = {}
    for number, node in enumerate(lab.nodes, 1):
        node.namespace.set_sysctl("net.ipv6.conf.eth0.disable_ipv6", "0")
        addresses[node.name] = f"fd77::{number}"
        node.namespace.ip(f"addr add {addresses[node.name]}/64 dev eth0 nodad")
    return addresses
