"""HTTP/2 frames as words of the catalogue: `get(1, te=trailers) data(1, es, abc) frame(type=22, flags=255)`."""

import re

from tests.wire.notation import unescape

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
ERRORS = ("NO_ERROR", "PROTOCOL", "INTERNAL", "FLOW_CONTROL", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE", "REFUSED",
          "CANCEL", "COMPRESSION", "CONNECT", "CALM", "INADEQUATE", "HTTP_1_1")
_SAME_STREAM = ("ping", "settings", "raw", "frame", "data")
"""Words that are repeated as they are; others go to the next stream each time."""
_FLAGS = {"es": 1, "ack": 1, "eh": 4, "padded": 8, "prio": 32}
_WORD = re.compile(r"(?:\*(\d+)\s+)?([a-z_]+)\(((?:\\.|\*\d+\([^()]*\)\*|[^\\()])*)\)\s*", re.DOTALL)
_SMALL_GET = b"\x82\x86\x84\x01\x01a"
_PSEUDO = (("method", "GET"), ("scheme", "http"), ("path", "/"), ("authority", "a"))


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _hpack_string(data: bytes) -> bytes:
    if len(data) < 127:
        return bytes((len(data),)) + data
    rest, coded = len(data) - 127, bytearray((127,))
    while rest >= 128:
        coded.append(rest & 127 | 128)
        rest >>= 7
    return bytes(coded) + bytes((rest,)) + data


def literal(name: bytes, value: bytes) -> bytes:
    """Without indexing (RFC 7541 6.2.2)."""
    return b"\0" + _hpack_string(name) + _hpack_string(value)


class _Arguments:
    r"""`flag`, `name=value`, or text; a comma within a value is \x2c, a bracket \x28 or \x29."""

    def __init__(self, text: str) -> None:
        self.numbers: list[int] = []
        self.flags = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.texts: list[bytes] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            if part in _FLAGS:
                self.flags |= _FLAGS[part]
            elif re.fullmatch(r"-?\d+", part):
                self.numbers.append(int(part))
            elif "=" in part[1:]:
                name, _, value = part.partition("=")
                self.fields.append((unescape(name), unescape(value)))
            else:
                self.texts.append(unescape(part))

    def number(self, at: int = 0, default: int = 0) -> int:
        return self.numbers[at] if at < len(self.numbers) else default

    def named(self, name: str, default: int) -> int:
        return next((int(value, 0) for key, value in self.fields if key == name.encode()), default)

    @property
    def text(self) -> bytes:
        return b"".join(self.texts)

    def block(self) -> bytes:
        return b"".join(literal(*field) for field in self.fields) + self.text

    def request(self, method: str) -> bytes:
        """The pseudo-fields that are not given (one given as `:x=-` is left out), then the fields."""
        given = {name for name, _ in self.fields}
        block = b""
        for name, value in (*(("method", method),), *_PSEUDO[1:]):
            if f":{name}".encode() not in given:
                block += literal(f":{name}".encode(), value.encode())
        kept = [field for field in self.fields if not (field[0].startswith(b":") and field[1] == b"-")]
        return block + b"".join(literal(*field) for field in kept)


def _word(name: str, a: _Arguments) -> bytes:
    stream = a.number(0, 1)
    match name:
        case "preface": return PREFACE
        case "raw": return a.text
        case "get": return frame(HEADERS, END_HEADERS | END_STREAM, stream, a.request("GET"))
        case "split":  # as get, cut into frames of at most 16,000 bytes
            block = a.request("GET")
            parts = [block[at:at + 16000] for at in range(0, len(block), 16000)]
            kinds = [(HEADERS, END_STREAM), *((CONTINUATION, 0) for _ in parts[1:])]
            return b"".join(frame(kind, flags | (END_HEADERS if part is parts[-1] else 0), stream, part)
                            for (kind, flags), part in zip(kinds, parts, strict=True))
        case "cancel":  # a small GET, and its end
            return frame(HEADERS, END_HEADERS | END_STREAM, stream, _SMALL_GET) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
        case "malformed":  # a small GET that is a stream error
            return frame(HEADERS, END_HEADERS | END_STREAM, stream, _SMALL_GET + literal(b"te", b"x"))
        case "post": return frame(HEADERS, END_HEADERS, stream, a.request("POST"))
        case "headers": return frame(HEADERS, a.flags, stream, a.block())
        case "answer": return frame(HEADERS, END_HEADERS | a.flags, stream, literal(b":status", b"%d" % a.number(1, 200)) + a.block())
        case "trailers": return frame(HEADERS, END_HEADERS | END_STREAM, stream, a.block())
        case "continuation": return frame(CONTINUATION, a.flags, stream, a.block())
        case "data": return frame(DATA, a.flags, stream, a.text)
        case "rst": return frame(RST_STREAM, 0, stream, a.number(1).to_bytes(4, "big"))
        case "priority": return frame(PRIORITY, 0, stream, a.number(1).to_bytes(4, "big") + b"\x10")
        case "ping": return frame(PING, a.flags, 0, a.text or b"12345678")
        case "goaway": return frame(GOAWAY, 0, 0, a.number(0).to_bytes(4, "big") + a.number(1).to_bytes(4, "big") + a.text)
        case "window": return frame(WINDOW_UPDATE, 0, stream, a.number(1).to_bytes(4, "big"))
        case "settings":
            entries = b"".join(int(key).to_bytes(2, "big") + int(value).to_bytes(4, "big") for key, value in a.fields)
            return frame(SETTINGS, a.flags, 0, entries)
        case "push": return frame(PUSH_PROMISE, END_HEADERS, stream, a.number(1, 2).to_bytes(4, "big") + a.request("GET"))
        case "frame":
            payload = a.text
            whole = frame(a.named("type", 0), a.named("flags", 0), a.named("stream", 0), payload)
            length = a.named("length", len(payload))
            return length.to_bytes(3, "big") + whole[3:]
    raise ValueError(f"unknown frame word {name}")


def encode(words: str) -> bytes:
    """`*N word(...)` is the word N times, each on the next stream of the client (its id counts up by 2)."""
    data, at = bytearray(), 0
    words = words.strip()
    while at < len(words):
        match = _WORD.match(words, at)
        if match is None:
            raise ValueError(f"no frame word at {words[at:at + 40]!r}")
        repeats, name, text = match.groups()
        for turn in range(int(repeats or 1)):
            arguments = _Arguments(text)
            if turn and name not in _SAME_STREAM and arguments.numbers and arguments.numbers[0]:
                arguments.numbers[0] += 2 * turn
            data += _word(name, arguments)
        at = match.end()
    return bytes(data)


class FrameReader:
    """Frames out of a stream of bytes: (type, flags, stream, payload)."""

    def __init__(self, preface: bool = False) -> None:
        self._pending = b""
        self._preface = preface

    def feed(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        self._pending += data
        if self._preface and len(self._pending) >= len(PREFACE):
            self._pending = self._pending[len(PREFACE):]
            self._preface = False
        found = []
        while not self._preface and len(self._pending) >= 9:
            size = 9 + int.from_bytes(self._pending[:3], "big")
            if len(self._pending) < size:
                break
            head, payload = self._pending[:9], self._pending[9:size]
            self._pending = self._pending[size:]
            found.append((head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7fffffff, payload))
        return found
