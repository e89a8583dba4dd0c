"""An HTTP/2 client that shows what is on the wire, frame by frame."""

import dataclasses
import threading

from tests.harness.host import connect
from tests.harness.waiting import wait_for

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = 1
END_STREAM, END_HEADERS = 1, 4
_STATUS_200 = b"\x88"  # of the static table (RFC 7541 A)


def get_headers(path: str) -> bytes:
    """The field section of GET http://node2<path>, without an entry in the dynamic table."""
    return b"\x82\x86\x04" + bytes((len(path),)) + path.encode() + b"\x01\x05node2"


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes


class H2Client:
    """One connection: the preface and SETTINGS are sent at once, nothing else by itself, no ACK either.

    Threading: a thread reads until the end; `frames` grows, and `end` is set last ("fin" or "reset").
    """

    def __init__(self, host, address: tuple[str, int]) -> None:
        self.socket = connect(host, address, 30)
        self.frames: list[Frame] = []
        self.end = ""
        self.socket.sendall(_PREFACE)
        self.send(SETTINGS)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> None:
        head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
        self.socket.sendall(head + payload)

    def ping(self, number: int) -> None:
        self.send(PING, payload=number.to_bytes(8, "big"))

    def get(self, stream: int, path: str) -> None:
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, get_headers(path))

    def succeeded(self) -> set[int]:
        """The streams whose answer of status 200 is complete."""
        frames = list(self.frames)
        good = {frame.stream for frame in frames if frame.kind == HEADERS and _STATUS_200 in frame.payload[:2]}
        return good & {frame.stream for frame in frames if frame.kind in (DATA, HEADERS) and frame.flags & END_STREAM}

    def acked(self) -> list[int]:
        """The PINGs that were answered, in the order of the answers."""
        return [int.from_bytes(frame.payload, "big") for frame in list(self.frames)
                if frame.kind == PING and frame.flags & ACK]

    def got(self, kind: int) -> list[Frame]:
        return [frame for frame in list(self.frames) if frame.kind == kind]

    def wait_end(self, timeout: float) -> str:
        return wait_for(lambda: self.end, timeout, "the end of the connection")

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "H2Client":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def _read(self) -> None:
        try:
            with self.socket.makefile("rb") as stream:
                while len(head := stream.read(9)) == 9:
                    payload = stream.read(int.from_bytes(head[:3], "big"))
                    self.frames.append(Frame(head[3], head[4], int.from_bytes(head[5:9], "big"), payload))
            self.end = "fin"
        except (OSError, ValueError):
            self.end = "reset"
