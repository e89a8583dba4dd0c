"""HTTP/2 frames for scripted ends: no more of the protocol than a test needs to break it."""

import dataclasses

from tests.harness.h2_client import ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, SETTINGS

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OK_HEADERS = b"\x88"  # :status 200, of the static table


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def head(stream: int) -> bytes:
    """Of an answer with a body."""
    return frame(HEADERS, END_HEADERS, stream, OK_HEADERS)


def data(stream: int, payload: bytes, last: bool = False) -> bytes:
    return frame(DATA, END_STREAM if last else 0, stream, payload)


def serve_h2(end, serve) -> None:
    """The server's side on `end` (read() and write()): SETTINGS and PINGs are answered, `serve(end, stream)` is called for each
    request's head, and returns False to end it all."""
    pending = b""
    end.write(frame(SETTINGS))
    while received := end.read():
        pending += received
        if pending.startswith(PREFACE):
            pending = pending[len(PREFACE):]
        while len(pending) >= 9 and len(pending) >= 9 + int.from_bytes(pending[:3], "big"):
            size = 9 + int.from_bytes(pending[:3], "big")
            got = Frame(pending[3], pending[4], int.from_bytes(pending[5:9], "big"), pending[9:size])
            pending = pending[size:]
            if got.kind == SETTINGS and not got.flags & ACK:
                end.write(frame(SETTINGS, ACK))
            elif got.kind == PING and not got.flags & ACK:
                end.write(frame(PING, ACK, 0, got.payload))
            elif got.kind == HEADERS and not serve(end, got.stream):
                return
