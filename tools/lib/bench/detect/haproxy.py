"""HAProxy tuned for speed, beside peerpulse in the same lab and with the same peers: what is reached today.

L4 checks only, no traffic. (For those the time limit is `timeout connect`, or `inter` if that is less; `timeout
check` is for what follows.) When it says DOWN it also shuts its sessions (on-marked-down shutdown-sessions). When it
said so comes from its log: a datagram socket of the bench, each datagram stamped by the kernel when it was sent.
"""

import re
import socket
import struct
import threading
import time

from tests.harness.host import free_port
from tests.harness.waiting import wait_for
from tools.lab import Node, Switched
from tools.lib.bench.detect.scenario import summary

_CONFIG = """\
global
  log 127.0.0.1:{log_port} local0
  maxconn 4096
  stats socket {directory}/haproxy.sock level operator
defaults
  mode tcp
  log global
  timeout connect 15ms
  timeout client 1m
  timeout server 1m
  timeout check 15ms
listen peers
  bind 127.0.0.1:{port}
  default-server inter 20ms fastinter 10ms downinter 20ms fall 3 rise 2 on-marked-down shutdown-sessions
"""
_CHANGE = re.compile(rb"Server peers/(\S+) is (UP|DOWN)")
_SO_TIMESTAMPNS = 35
_SETTLED_S = 10


class Haproxy:
    """Threading: the reader of the log is a thread of its own."""

    def __init__(self, node: Node, addresses: dict[str, str]) -> None:
        with node.entered():
            self._log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._log.bind(("127.0.0.1", 0))
        self._log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._log.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._log.settimeout(0.2)
        config = node.directory / "haproxy.cfg"
        text = _CONFIG.format(log_port=self._log.getsockname()[1], directory=node.directory,
                              port=free_port(node, "127.0.0.1"))
        config.write_text(text + "".join(f"  server {name} {address} check\n" for name, address in addresses.items()),
                          encoding="utf-8")
        self._lock = threading.Lock()
        self._changes: list[tuple[int, str, str]] = []
        self._state = dict.fromkeys(addresses, "UP")
        self._expected = 0
        self._times: list[float] = []
        self._already_down = 0
        self._missed = 0
        self._counted_from = 0
        self._closing = False
        self.process = node.spawn(["haproxy", "-db", "-f", str(config)])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        time.sleep(0.5)
        if not self.process.running:
            raise AssertionError(f"haproxy ended:\n{self.process.output()}")

    def _read(self) -> None:
        while not self._closing:
            try:
                text, ancillary, _, _ = self._log.recvmsg(8192, 64)
            except TimeoutError:
                continue
            change = _CHANGE.search(text)
            if change is None:
                continue
            at = time.monotonic_ns()
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack("=qq", data[:16])
                    at += seconds * 1_000_000_000 + nanoseconds - time.time_ns()
            name, state = change[1].decode(), change[2].decode()
            with self._lock:
                self._changes.append((at, name, state))
                self._state[name] = state

    def start_counting(self) -> None:
        """What was before is forgotten."""
        with self._lock:
            self._counted_from = len(self._changes)
        self._expected = self._already_down = self._missed = 0
        self._times = []

    def is_up(self, name: str) -> bool:
        with self._lock:
            return self._state[name] == "UP"

    def note_down_before_cut(self, names: list[str]) -> list[str]:
        """Those of `names` that it has DOWN already: they have no detection time."""
        down = [name for name in names if not self.is_up(name)]
        self._already_down += len(down)
        return [name for name in names if name not in down]

    def collect(self, cut: Switched, names: list[str], timeout: float) -> None:
        """Waits until each of `names`, which were UP when the power went, is DOWN."""
        def first_down(name: str) -> int | None:
            with self._lock:
                return next((at for at, who, state in self._changes
                             if who == name and state == "DOWN" and at > cut.ordered_ns), None)

        deadline = time.monotonic() + timeout
        for name in names:
            at = first_down(name)
            while at is None and time.monotonic() < deadline:
                time.sleep(0.002)
                at = first_down(name)
            if at is None:
                self._missed += 1
                continue
            self._expected += 1
            self._times.append((at - cut.ordered_ns) / 1e6)

    def wait_up(self, names: list[str]) -> None:
        try:
            wait_for(lambda: all(self.is_up(name) for name in names), _SETTLED_S, "haproxy has all UP")
        except AssertionError:
            pass  # it flaps: the next cut will find it DOWN and say so

    def up_after(self, restored: Switched, name: str, timeout: float = _SETTLED_S) -> float | None:
        """Milliseconds from the return of power to UP."""
        deadline = time.monotonic() + timeout
        while True:
            with self._lock:
                at = next((at for at, who, state in self._changes
                           if who == name and state == "UP" and at > restored.ordered_ns), None)
            if at is not None or time.monotonic() > deadline:
                return None if at is None else (at - restored.ordered_ns) / 1e6
            time.sleep(0.005)

    def false_dead(self) -> int:
        """DOWNs since start_counting() but for those that a cut explains."""
        with self._lock:
            downs = sum(state == "DOWN" for _, _, state in self._changes[self._counted_from:])
        return downs - self._expected

    def result(self, false_dead: int) -> dict:
        return {**summary(self._times), "false_dead": false_dead, "down_before_cut": self._already_down,
                "missed": self._missed}

    def close(self) -> None:
        self._closing = True
        self._thread.join(2)
        self.process.kill()
        self._log.close()
