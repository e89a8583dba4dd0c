"""See tools/bench/admin."""

import argparse
import contextlib
import selectors
import socket
import threading
import time

from tests.harness.host import LocalHost, connect
from tests.harness.peerpulse import Peer, Peerpulse
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say

_P99_MS = 50
_PATIENCE_S = 10
_ABOUT = f"""\
What an orchestrator sees of /livez while the admin has many clients that are of no use: a third says nothing, a third never
comes to the end of its request's head, a third asks for /metrics again and again and reads nothing of it. A client that had to
give way comes again. Each /livez is a connection of its own.

Target: p99 at most {_P99_MS} ms with 1,000 of them, and each /livez is answered. One that is closed for want of a place
is asked again at once; its time goes on (`closed` counts them)."""

_HEAD = b"GET /livez HTTP/1.1\r\nHost: "
_UNREAD = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
_KINDS = (b"", _HEAD, _UNREAD)
_NEVER = "127.0.0.1:1"


class Crowd:
    """`count` clients of no use, kept at that number by a thread until the end of the block."""

    def __init__(self, host, address: tuple[str, int], count: int) -> None:
        self._host, self._address, self._count = host, address, count
        self._clients = selectors.DefaultSelector()
        self._made = 0
        self.again = 0
        """Clients that came in place of one that had to give way."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "Crowd":
        for _ in range(self._count):
            self._add()
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._ending.set()
        self._thread.join()
        for key in list(self._clients.get_map().values()):
            key.fileobj.close()
        self._clients.close()

    def _add(self) -> None:
        with contextlib.suppress(OSError):
            client = connect(self._host, self._address)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            self._made += 1
            self._clients.register(client, selectors.EVENT_READ)
            client.send(_KINDS[self._made % len(_KINDS)])

    def _keep(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._clients.select(0.05):
                client = key.fileobj
                try:
                    # What is there to be read stays; an end shows behind it as an error of the next send.
                    gone = not client.recv(1, socket.MSG_PEEK)
                    if not gone:
                        client.send(b"\r\n")
                except BlockingIOError:
                    gone = False
                except OSError:
                    gone = True
                if gone:
                    self._clients.unregister(client)
                    client.close()
                    self.again += 1
                    self._add()
            self._ending.wait(0.02)


def livez_times(peerpulse: Peerpulse, asked: int) -> tuple[list[float], int]:
    """Milliseconds of each until it is answered, and how many attempts were closed instead: as many others waited for a place."""
    times, closed = [], 0
    for _ in range(asked):
        began = time.monotonic()
        while True:
            try:
                status = peerpulse.get("/livez").status
                break
            except OSError as error:
                closed += 1
                if time.monotonic() - began > _PATIENCE_S:
                    raise BenchFailed(f"/livez was not answered: {error}") from error
        if status != 200:
            raise BenchFailed(f"/livez was answered {status}")
        times.append((time.monotonic() - began) * 1000)
    return sorted(times), closed


def measure(clients: int, asked: int) -> dict:
    command.raise_descriptor_limit(clients + 1000)
    host = LocalHost()
    with contextlib.closing(host), Peerpulse(host, [Peer("node2", _NEVER)]) as peerpulse:
        quiet, _ = livez_times(peerpulse, asked)
        with Crowd(host, peerpulse.admin, clients) as crowd:
            times, closed = livez_times(peerpulse, asked)
            metrics = peerpulse.metrics()
            again = crowd.again
    return {
        "clients": clients, "asked": asked, "came_again": again, "closed": closed,
        "evicted": metrics["peerpulse_admin_evicted_total"], "refused": metrics["peerpulse_admin_refused_total"],
        "quiet_p99_ms": round(quiet[int(0.99 * (asked - 1))], 2),
        "p50_ms": round(times[asked // 2], 2), "p99_ms": round(times[int(0.99 * (asked - 1))], 2),
        "max_ms": round(times[-1], 2), "target_p99_ms": _P99_MS, "load_average": command.load_average(),
    }


def _measure(arguments: argparse.Namespace):
    result = measure(arguments.clients, arguments.asked)
    say(f"/livez with {result['clients']} silent and slow clients: p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms "
        f"(target {_P99_MS}), alone {result['quiet_p99_ms']} ms; {result['evicted']:.0f} gave way, "
        f"{result['closed']} /livez were closed and asked again")
    yield result


def main() -> int:
    parser = command.parser("admin", _ABOUT)
    parser.add_argument("--clients", type=int, default=1000, metavar="N", help="of no use (default: 1000)")
    parser.add_argument("--asked", type=int, default=500, metavar="N", help="/livez, one after the other (default: 500)")
    return command.run(parser.parse_args(), _measure, lab=False)
