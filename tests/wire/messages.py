"""HTTP/1 messages out of bytes that came: as much of the protocol as peerpulse writes, and no more."""

import dataclasses


@dataclasses.dataclass
class Message:
    line: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    complete: bool = False

    def value(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name), None)

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _chunked(message: Message, data: bytes) -> int:
    """Reads the body; where it ends, or -1 while it does not."""
    at = 0
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end], 16)
        at = end + 2
        if size == 0:
            if data.startswith(b"\r\n", at):
                return at + 2
            if (stop := data.find(b"\r\n\r\n", at)) < 0:
                return -1
            message.trailers = _fields(data[at:stop].decode("latin-1").split("\r\n"))
            return stop + 4
        message.body += data[at:at + size]
        at += size + 2
        if at > len(data):
            return -1
    return -1


def parse(data: bytes, *, answers_head=lambda number: False, ended: bool = False) -> tuple[list[Message], bytes]:
    """All messages, the last of them may be incomplete, and what is left. `answers_head`: whether the final answer of that
    number (from 0) is to a HEAD."""
    found, finals = [], 0
    while (stop := data.find(b"\r\n\r\n")) >= 0:
        line, *lines = data[:stop].decode("latin-1").split("\r\n")
        message = Message(line, _fields(lines))
        data = data[stop + 4:]
        found.append(message)
        response = line.startswith("HTTP/")
        length = message.value("content-length")
        status = message.status if response else 0
        bodyless = response and (status < 200 or status in (204, 304) or answers_head(finals))
        if response and status >= 200:
            finals += 1
        if response and status == 101:
            message.complete = True
            return found, data
        if bodyless:
            message.complete = True
        elif message.value("transfer-encoding") is not None:
            end = _chunked(message, data)
            message.complete = end >= 0
            data = data[end:] if end >= 0 else b""
        elif length is not None:
            message.body, data = data[:int(length)], data[int(length):]
            message.complete = len(message.body) == int(length)
        elif response:
            message.body, data = data, b""
            message.complete = ended
        else:
            message.complete = True
        if not message.complete:
            return found, b""
    return found, data
