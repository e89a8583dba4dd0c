"""Lab: see the package's description."""

import pathlib
import shutil
import signal
import tempfile
import threading

from tools.lab.long_link import LongLink
from tools.lab.network_namespace import NetworkNamespace
from tools.lab.node import Node
from tools.lab.power_switch import PowerSwitch, Switched
from tools.lab.privileges import check_privileges

_SYSCTL_FILE = pathlib.Path(__file__).resolve().parents[2] / "conf" / "99-peerpulse-sysctl.conf"
_DEVICE = "eth0"
_BURST = 128 * 1024  # above the largest segment that passes a link in one piece


def _read_sysctls() -> list[tuple[str, str]]:
    settings = []
    for line in _SYSCTL_FILE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            key, _, value = line.partition("=")
            # A namespace has no `default` table of neighbours, only one per device.
            settings.append((key.strip().replace(".neigh.default.", f".neigh.{_DEVICE}."), value.strip()))
    return settings


class Lab:
    """`nodes` hosts node1, node2, ... at 10.77.0.1, 10.77.0.2, ... on one switch.

    The addresses exist inside the lab's namespaces only; several labs can run at a time. `delay` has, by node, the
    seconds that every frame to or from it takes longer: on the node's side of the power switch, so what a node
    without power had sent before is still under way to a node that is far from it.
    Threading: cut, restore and set_loss from one thread at a time.
    """

    def __init__(self, nodes: int, directory: str | None = None, delay: dict[str, float] | None = None) -> None:
        if not 1 <= nodes <= 250:
            raise ValueError(f"a lab of {nodes} nodes")
        self._count = nodes
        self._delay = dict(delay or {})
        self._long_links: list[LongLink] = []
        self._parent_directory = directory
        self._previous_handlers: dict[int, object] = {}
        self.nodes: list[Node] = []
        self.directory: pathlib.Path = pathlib.Path()
        self.sysctls: dict[str, bool] = {}
        """Which settings of conf/99-peerpulse-sysctl.conf this kernel has per namespace."""

    def __enter__(self) -> "Lab":
        check_privileges()
        self._catch_signals()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="peerpulse-lab-", dir=self._parent_directory))
        self._switch: PowerSwitch | None = None
        self._bridge: NetworkNamespace | None = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def _build(self) -> None:
        self._bridge = NetworkNamespace()
        commands = [
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "link set br0 up",
        ]
        for number in range(1, self._count + 1):
            name = f"node{number}"
            node = Node(name, f"10.77.0.{number}", f"port{number}", self.directory / name)
            self.nodes.append(node)
            if name in self._delay:
                self._long_links.append(LongLink(node, self._bridge, _DEVICE, self._delay[name]))
            else:
                commands.append(f"link add {node.port} type veth peer name {_DEVICE} netns {node.namespace.path}")
            commands.append(f"link set {node.port} master br0 up")
        # A switch looks at no IP headers: where br_netfilter is loaded it would take every frame through iptables.
        for family in ("ip", "ip6", "arp"):
            self._bridge.set_sysctl(f"net.bridge.bridge-nf-call-{family}tables", "0")
        # No traffic but the nodes': IPv6 would send its own.
        self._bridge.set_sysctl("net.ipv6.conf.default.disable_ipv6", "1")
        for node in self.nodes:
            node.namespace.set_sysctl("net.ipv6.conf.default.disable_ipv6", "1")
        self._bridge.ip(*commands)
        for node in self.nodes:
            node.namespace.ip(
                "link set lo up",
                f"addr add {node.address}/24 dev {_DEVICE}",
                f"link set {_DEVICE} up",
            )
            for key, value in _read_sysctls():
                self.sysctls[key] = node.namespace.set_sysctl(key, value)
        for link in self._long_links:
            link.start()
        self._switch = PowerSwitch(self._bridge)

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def cut(self, *names: str) -> Switched:
        """Takes the power from nodes: not one frame leaves or reaches them once this has returned."""
        return self._switch.cut([self.node(name).port for name in names])

    def restore(self, *names: str) -> Switched:
        """Gives power back. Processes and connections inside are as they were."""
        return self._switch.restore([self.node(name).port for name in names])

    def set_loss(self, name: str, percent: float) -> None:
        self._switch.set_loss(self.node(name).port, percent)

    def set_rate(self, name: str, mbit: int, queue_bytes: int) -> None:
        """The node's link carries that much in each direction, with a queue of that size before it."""
        node = self.node(name)
        shape = f"root tbf rate {mbit}mbit burst {_BURST} limit {queue_bytes}"
        self._bridge.run(["tc", *f"qdisc replace dev {node.port} {shape}".split()])
        node.namespace.run(["tc", *f"qdisc replace dev {_DEVICE} {shape}".split()])

    def unplug(self, name: str) -> None:
        """The node's link has no carrier from now on: its own kernel sees that, unlike a cut."""
        self._bridge.ip(f"link set {self.node(name).port} down")

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.nodes.clear()
        for link in self._long_links:
            link.close()
        self._long_links.clear()
        if self._switch is not None:
            self._switch.close()
            self._switch = None
        if self._bridge is not None:
            self._bridge.close()
            self._bridge = None
        shutil.rmtree(self.directory, ignore_errors=True)
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        self._previous_handlers.clear()

    def _catch_signals(self) -> None:
        """Without a handler, SIGTERM would end this process with everything left behind."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                self._previous_handlers[number] = signal.signal(number, _exit_cleanly)


def _exit_cleanly(number: int, _frame) -> None:
    raise SystemExit(128 + number)
