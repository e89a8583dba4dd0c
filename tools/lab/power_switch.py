"""Power, and loss, of every node: what the bridge lets through to and from its port."""

import contextlib
import dataclasses
import os
import time

from tools.lab.network_namespace import NetworkNamespace
from tools.lab.nftables import Nftables
from tools.lab.set_elements import SetElements

# Bridge family: these hooks see every frame, ARP included, so that a cut node is silent like one without power.
# Before everything else on the way in, and after everything else on the way out.
_RULES = """
table bridge power {
  set dead { type ifname; }
  chain from_node { type filter hook prerouting priority -300; policy accept; iifname @dead drop; }
  chain to_node { type filter hook postrouting priority -300; policy accept; oifname @dead drop; }
  chain loss_from { type filter hook prerouting priority -200; policy accept; }
  chain loss_to { type filter hook postrouting priority -200; policy accept; }
}
"""


@dataclasses.dataclass(frozen=True)
class Switched:
    """When a change was ordered, and when the kernel had acknowledged it. CLOCK_MONOTONIC, nanoseconds."""

    ordered_ns: int
    acknowledged_ns: int

    @property
    def took_us(self) -> float:
        return (self.acknowledged_ns - self.ordered_ns) / 1000


@contextlib.contextmanager
def _ahead_of_others():
    """The calling thread is not preempted by busy nodes, where the user may ask for that."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class PowerSwitch:
    def __init__(self, namespace: NetworkNamespace) -> None:
        self._nft = Nftables(namespace)
        self._loss: dict[str, float] = {}
        self._nft.run(_RULES)
        self._dead = SetElements(namespace, "power", "dead")

    def cut(self, ports: list[str]) -> Switched:
        return self._change(self._dead.add(ports))

    def restore(self, ports: list[str]) -> Switched:
        return self._change(self._dead.delete(ports))

    def _change(self, batch: bytes) -> Switched:
        with _ahead_of_others():
            ordered = time.monotonic_ns()
            self._dead.send(batch)
            return Switched(ordered, time.monotonic_ns())

    def set_loss(self, port: str, percent: float) -> None:
        """Drops that share of the frames, in each direction, at random and independently."""
        if not 0 <= percent <= 100:
            raise ValueError(f"loss of {percent} %")
        self._loss[port] = percent
        commands = ["flush chain bridge power loss_from", "flush chain bridge power loss_to"]
        for name, value in self._loss.items():
            if value > 0:
                chance = f"numgen random mod 100000 < {round(value * 1000)} drop"
                commands.append(f'add rule bridge power loss_from iifname "{name}" {chance}')
                commands.append(f'add rule bridge power loss_to oifname "{name}" {chance}')
        self._nft.run("\n".join(commands))

    def close(self) -> None:
        self._dead.close()
        self._nft.close()
