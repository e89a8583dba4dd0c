"""How fast and how silent a power cut is: datagrams as fast as possible in both directions across it.

Every datagram carries the time at which it was sent. The latest one that arrived was sent before the cut took
effect, so its time bounds when that was from above (CLOCK_MONOTONIC is one clock for all processes).
"""

import os
import select
import signal
import socket
import struct
import time

from tools.lab.lab import Lab
from tools.lab.node import Node

_STAMP = struct.Struct("!Q")
_PORT = 7


def _start_sender(node: Node, target: str) -> int:
    """A process that floods `target`; returns its pid."""
    with node.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    pid = os.fork()
    if pid != 0:
        sender.close()
        return pid
    try:
        sender.connect((target, _PORT))
        while True:
            try:
                sender.send(_STAMP.pack(time.monotonic_ns()))
            except OSError:
                pass  # no neighbour: the other end is dark
            # The machine may have few processors, and the one that cuts needs one of them.
            time.sleep(20e-6)
    finally:
        os._exit(1)


class _Receiver:
    def __init__(self, node: Node) -> None:
        with node.entered():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("", _PORT))
        self.socket.setblocking(False)

    def latest(self) -> int:
        """When the youngest datagram that has arrived was sent; 0 if none has arrived."""
        stamp = 0
        while True:
            try:
                stamp = max(stamp, _STAMP.unpack(self.socket.recv(64))[0])
            except BlockingIOError:
                return stamp

    def wait(self, timeout: float) -> bool:
        return bool(select.select([self.socket], [], [], timeout)[0])


def _summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": round(ordered[len(ordered) // 2], 1), "max": round(ordered[-1], 1)}


def measure(rounds: int) -> dict:
    acknowledged, effective, back = [], [], []
    leaked = 0
    with Lab(nodes=2) as lab:
        one, two = lab.nodes
        receivers = [_Receiver(one), _Receiver(two)]
        senders = [_start_sender(one, two.address), _start_sender(two, one.address)]
        try:
            for _ in range(rounds):
                for receiver in receivers:
                    receiver.latest()
                    if not receiver.wait(5):
                        raise RuntimeError("no traffic before the cut")
                cut = lab.cut("node2")
                time.sleep(0.05)
                latest = max(receiver.latest() for receiver in receivers)
                acknowledged.append(cut.took_us)
                effective.append(max(0.0, (latest - cut.ordered_ns) / 1000))
                # From here on: nothing at all.
                time.sleep(0.05)
                leaked += sum(receiver.latest() > 0 for receiver in receivers)
                restored = lab.restore("node2")
                for receiver in receivers:
                    if not receiver.wait(5):
                        raise RuntimeError("no traffic after power came back")
                back.append((time.monotonic_ns() - restored.ordered_ns) / 1000)
        finally:
            for pid in senders:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            for receiver in receivers:
                receiver.socket.close()
        sysctls = sorted(key for key, there in lab.sysctls.items() if there)
    return {
        "rounds": rounds,
        "acknowledged_us": _summary(acknowledged),
        "effective_us": _summary(effective),
        "restored_us": _summary(back),
        "leaked": leaked,
        "sysctls": sysctls,
    }
