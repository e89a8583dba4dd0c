"""The client of a case that is an answer: it asks, and keeps what it gets as messages in the words of HTTP/1."""

import hpack

from tests.wire import frames
from tests.wire.link import Link
from tests.wire.messages import Message, parse


def _complete(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.complete and (message.status >= 200 or message.status == 101)]


class H1Asker:
    reset = ""

    def __init__(self, link: Link, ask: bytes) -> None:
        self._link = link
        self._head = ask.startswith(b"HEAD ")

    def ask(self, request: bytes) -> None:
        self._link.send(request)

    def messages(self) -> list[Message]:
        return parse(self._link.received, ended=self._link.ended, answers_head=lambda number: self._head)[0]

    def finals(self) -> list[Message]:
        return _complete(self.messages())

    @property
    def over(self) -> bool:
        """Nothing more comes of what was asked."""
        return self._link.ended

    def parts(self) -> bool:
        """The connection ends with the answer, as it says."""
        messages = self.messages()
        return bool(messages) and (messages[-1].value("connection") or "").lower() == "close"


class H2Asker:
    """Each request on the next stream."""

    def __init__(self, link: Link, _ask: bytes) -> None:
        self._link = link
        self._reader, self._decoder = frames.FrameReader(), hpack.Decoder(max_header_list_size=1 << 20)
        self._read = 0
        self._stream = -1
        self._messages: list[Message] = []
        self.reset = ""
        """The code of what was asked last."""
        self._greeted = False

    def ask(self, request: bytes) -> None:
        if not self._greeted:
            self._greeted = True
            self._link.send(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0, b""))
        self._look()
        self._stream += 2
        self.reset = ""
        message = parse(request)[0][0]
        method, path, _ = message.line.split(" ")
        fields = [(":method", method), (":scheme", "http"), (":authority", message.value("host") or "a"), (":path", path),
                  *((name.lower(), value) for name, value in message.fields if name.lower() not in ("host", "connection"))]
        block = b"".join(frames.literal(name.encode(), value.encode()) for name, value in fields)
        self._link.send(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, self._stream, block))

    def _look(self) -> None:
        data, self._read = self._link.received[self._read:], len(self._link.received)
        for kind, flags, stream, payload in self._reader.feed(data):
            if kind == frames.SETTINGS and not flags & frames.ACK:
                self._link.send(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))
            elif kind == frames.HEADERS:
                self._section(stream, self._decoder.decode(payload, raw=True), bool(flags & frames.END_STREAM))
            elif kind == frames.DATA and stream == self._stream:
                self._messages[-1].body += payload
                self._messages[-1].complete = bool(flags & frames.END_STREAM)
                if payload:
                    self._link.send(frames.encode(f"window(0, {len(payload)}) window({stream}, {len(payload)})"))
            elif kind == frames.RST_STREAM and stream == self._stream:
                self.reset = frames.ERRORS[int.from_bytes(payload, "big")]

    def _section(self, stream: int, raw: list[tuple[bytes, bytes]], ends: bool) -> None:
        if stream != self._stream:
            return
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
        if fields[0][0] == ":status":
            status = int(fields[0][1])
            self._messages.append(Message(f"HTTP/1.1 {status}", fields[1:], complete=ends or status < 200))
        else:
            self._messages[-1].trailers = fields
            self._messages[-1].complete = ends

    def messages(self) -> list[Message]:
        self._look()
        return self._messages

    def finals(self) -> list[Message]:
        return _complete(self.messages())

    @property
    def over(self) -> bool:
        self._look()
        return bool(self.reset) or self._link.ended

    def parts(self) -> bool:
        return False
