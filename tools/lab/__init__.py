"""A network lab: one network namespace per node, a bridge between them, and a power switch for each.

    from tools.lab import Lab

    with Lab(nodes=4) as lab:
        server = lab.node("node3").spawn(["nghttpd", "--no-tls", "8080"])
        cut = lab.cut("node3")          # silent in both directions, ARP included, when this returns
        ...
        lab.restore("node3")

Everything is gone when the block ends, however it ends.
"""

from tools.lab.lab import Lab
from tools.lab.node import Node, Process
from tools.lab.power_switch import Switched
from tools.lab.privileges import LabUnavailable, ensure_privileges

__all__ = ["Lab", "LabUnavailable", "Node", "Process", "Switched", "ensure_privileges"]
