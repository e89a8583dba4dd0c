"""Makes a link longer: passes every Ethernet frame from one device to another after a fixed time, both ways.

A process of its own (`delay_relay.py FIRST SECOND DELAY_US`), because frames must go on while the lab's owner sleeps,
and on frames rather than connections: a relay of connections has a kernel that answers for a peer without power.
Frames keep their order. The kernel's own delay (netem) is not in every kernel.
"""

import collections
import os
import select
import socket
import sys
import time

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23
_SO_RCVBUFFORCE = 33
_BUFFER = 16 << 20
_LARGEST_FRAME = 65536
_BATCH = 64


def _open(device: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # Before it is bound: else it would take its own frames for the device's.
    opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    opened.bind((device, _ETH_P_ALL))
    opened.setblocking(False)
    return opened


class Relay:
    def __init__(self, first: str, second: str, delay_ns: int) -> None:
        one, two = _open(first), _open(second)
        self._other = {one: two, two: one}
        self._delay_ns = delay_ns
        # The delay is the same for all, so the first in is the first due.
        self._waiting: collections.deque[tuple[int, socket.socket, bytes]] = collections.deque()

    def run(self) -> None:
        while True:
            timeout = None
            if self._waiting:
                timeout = max(0.0, (self._waiting[0][0] - time.monotonic_ns()) / 1e9)
            for source in select.select(list(self._other), [], [], timeout)[0]:
                self._take(source)
            self._send_due()

    def _take(self, source: socket.socket) -> None:
        for _ in range(_BATCH):
            try:
                frame = source.recv(_LARGEST_FRAME)
            except BlockingIOError:
                return
            self._waiting.append((time.monotonic_ns() + self._delay_ns, self._other[source], frame))

    def _send_due(self) -> None:
        now = time.monotonic_ns()
        while self._waiting and self._waiting[0][0] <= now:
            _, target, frame = self._waiting.popleft()
            try:
                target.send(frame)
            except OSError:
                pass  # a full queue, or a device that goes away: a frame lost, as on any link


def main() -> None:
    first, second, delay_us = sys.argv[1:]
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass  # the delay is then longer on a busy machine
    relay = Relay(first, second, int(delay_us) * 1000)
    print("relaying", flush=True)
    relay.run()


if __name__ == "__main__":
    main()
