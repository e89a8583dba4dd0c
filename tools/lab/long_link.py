"""A link with a delay between a node and the bridge: a namespace of its own with the relay between two devices."""

import pathlib
import sys
import time

from tools.lab.network_namespace import NetworkNamespace
from tools.lab.node import Node, Process
from tools.lab.offloads import switch_off_offloads

_RELAY = pathlib.Path(__file__).with_name("delay_relay.py")
_NODE_SIDE, _BRIDGE_SIDE = "nodeside", "bridgeside"
_START_S = 10


class LongLink:
    """Made between the node and its port, which do not exist yet; start() when both are up."""

    def __init__(self, node: Node, bridge: NetworkNamespace, device: str, delay_s: float) -> None:
        if not 0 < delay_s <= 1:
            raise ValueError(f"a delay of {delay_s} s")
        self._node = node
        self._bridge = bridge
        self._device = device
        self._delay_us = round(delay_s * 1e6)
        self._namespace = NetworkNamespace()
        self._process: Process | None = None
        self._namespace.set_sysctl("net.ipv6.conf.default.disable_ipv6", "1")
        self._namespace.ip(
            f"link add {_NODE_SIDE} type veth peer name {device} netns {node.namespace.path}",
            f"link add {_BRIDGE_SIDE} type veth peer name {node.port} netns {bridge.path}",
            # Nothing here has an address: this kernel takes part in nothing.
            f"link set {_NODE_SIDE} arp off up", f"link set {_BRIDGE_SIDE} arp off up")

    def start(self) -> None:
        switch_off_offloads(self._node.namespace, self._device)
        switch_off_offloads(self._bridge, self._node.port)
        argv = [sys.executable, "-B", str(_RELAY), _NODE_SIDE, _BRIDGE_SIDE, str(self._delay_us)]
        with self._namespace.entered():
            self._process = Process(argv, self._node.directory / "delay_relay.log")
        deadline = time.monotonic() + _START_S
        while "relaying" not in self._process.output():
            if not self._process.running or time.monotonic() > deadline:
                raise RuntimeError(f"the relay does not run: {self._process.output()}")
            time.sleep(0.005)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._namespace.close()
