"""One run of a case: its bytes, cut into pieces, at a running peerpulse; and what came of it."""

import asyncio
import dataclasses
import re
import ssl

import hpack

from tests.wire import frames
from tests.wire.askers import H1Asker, H2Asker
from tests.wire.catalogue import Case
from tests.wire.expectation import Expectation, Seen
from tests.wire.link import Link
from tests.wire.messages import Message, parse
from tests.wire.peer import Peer, Script

LIMIT_S = 30.0
"""Until what is expected has come. Less than the time that a client has for a head here."""
_AFTER = b"/after HTTP/1.1\r\nHost: a\r\n\r\n"
_AFTER_STREAM = 99_999
BYTEWISE = 256
"""Pieces that "byte by byte" makes at most: longer cases come in pieces of a few bytes."""
_METHOD = re.compile(rb"(?:^|\n)([A-Z]+) [^ \r\n]+ HTTP/1\.[01]\r", re.ASCII)
_ERROR = re.compile(r"error=([a-z_]+)")


@dataclasses.dataclass
class Place:
    """Where runs are made: a listener of peerpulse, and the peer behind it. One run at a time."""

    name: str
    address: tuple[str, int]
    contexts: dict[str, ssl.SSLContext] | None
    """Of the client, by what it speaks ("h1", "h2"); None: plain text."""
    peer: Peer

    def context(self, speaks: str) -> ssl.SSLContext | None:
        return self.contexts[speaks] if self.contexts else None


def pieces_of(data: bytes, cut: int | None) -> list[bytes]:
    """None: whole; 0: byte by byte; else in two, cut there."""
    if cut is None:
        return [data]
    size = -(-len(data) // BYTEWISE)
    return [data[at:at + size] for at in range(0, len(data), size or 1)] if cut == 0 else [data[:cut], data[cut:]]


async def run(case: Case, place: Place, cut: int | None, gap: float, h2_client: bool = False) -> Seen:
    """`h2_client`: of a case that is an answer."""
    pieces = pieces_of(case.data, cut)
    expected = Expectation(case.expect, case.side)
    if "response" in case.side:
        return await _responds(case, expected, place, pieces, gap, h2_client)
    place.peer.prepare()
    link = await Link.connect(place.address, place.context(case.side[:2]))
    try:
        side = _H1Client if case.side.startswith("h1") else _H2Client
        seen = await side(case, expected, link).run(pieces, gap)
    finally:
        link.close()
    # What was begun towards the peer ends with its client.
    if expected.may_cut or expected.cut or expected.any:
        await asyncio.wait_for(place.peer.settle(), LIMIT_S)
    seen.requests = [request for request in place.peer.requests if " /after " not in request.line]
    seen.cut = place.peer.cuts > 0
    return seen


async def _send(link: Link, pieces: list[bytes], gap: float, end: bool) -> None:
    for number, piece in enumerate(pieces):
        if link.ended:
            return
        if number:
            await asyncio.sleep(gap)
        link.send(piece)
    if end:
        link.end()


# --- the client's side -----------------------------------------------------------------------------------


class _H1Client:
    def __init__(self, case: Case, expected: Expectation, link: Link) -> None:
        self._case, self._expected, self._link = case, expected, link
        self._methods = _METHOD.findall(case.data)

    def _messages(self) -> list[Message]:
        heads = self._methods
        return parse(self._link.received, ended=self._link.ended,
                     answers_head=lambda number: number < len(heads) and heads[number] == b"HEAD")[0]

    def _finals(self) -> list[Message]:
        return [message for message in self._messages() if message.complete and message.status >= 200]

    async def run(self, pieces: list[bytes], gap: float) -> Seen:
        link, expected = self._link, self._expected
        await _send(link, pieces, gap, self._case.end)
        statuses = expected.answers.get(1, "").split(" ")
        wanted = sum(status.isdigit() and int(status) >= 200 for status in statuses)
        await link.until(lambda: link.ended or len(self._finals()) >= wanted, LIMIT_S)
        seen = Seen()
        if expected.connection == "open" and not link.ended:
            before = len(self._finals())
            self._methods = [*self._methods[:before], b"GET"]
            link.send(b"GET " + _AFTER)
            await link.until(lambda: link.ended or len(self._finals()) > before, LIMIT_S)
            messages = self._messages()
            if len(self._finals()) > before and self._finals()[-1].status == 200:
                seen.connection = "open"
                messages.pop()
        else:
            await link.until(lambda: link.ended, LIMIT_S)
            messages = self._messages()
            seen.connection = "close" if link.ended else "still open"
        seen.connection = seen.connection or "close"
        if messages:
            seen.answers[1] = _statuses(messages)
            seen.reply = messages[-1]
            seen.error = _error_of(messages[-1])
        return seen


def _statuses(messages: list[Message]) -> str:
    text = " ".join(str(message.status) for message in messages)
    return text if messages[-1].complete else f"{text} cut"


def _error_of(message: Message) -> str:
    match = _ERROR.search(message.value("proxy-status") or "")
    return match[1] if match else ""


class _Stream:
    def __init__(self) -> None:
        self.statuses: list[str] = []
        self.ended = False
        self.reset = ""

    def text(self) -> str:
        statuses = " ".join(self.statuses)
        if self.ended:
            return statuses
        return f"rst {self.reset}" if not statuses else f"{statuses} cut"

    @property
    def over(self) -> bool:
        return self.ended or bool(self.reset)


class _H2Client:
    def __init__(self, case: Case, expected: Expectation, link: Link) -> None:
        self._case, self._expected, self._link = case, expected, link
        self._reader, self._decoder = frames.FrameReader(), hpack.Decoder()
        self._read = 0
        self._streams: dict[int, _Stream] = {}
        self._goaway = ""

    def _look(self) -> None:
        data, self._read = self._link.received[self._read:], len(self._link.received)
        for kind, flags, stream, payload in self._reader.feed(data):
            if kind == frames.GOAWAY and (code := int.from_bytes(payload[4:8], "big")):
                self._goaway = frames.ERRORS[code]
            elif kind == frames.RST_STREAM and not (entry := self._stream(stream)).over:
                entry.reset = frames.ERRORS[int.from_bytes(payload, "big")]
            elif kind in (frames.HEADERS, frames.DATA):
                entry = self._stream(stream)
                if kind == frames.HEADERS:
                    entry.statuses += [value for name, value in self._decoder.decode(payload) if name == ":status"]
                entry.ended |= bool(flags & frames.END_STREAM)

    def _stream(self, number: int) -> _Stream:
        return self._streams.setdefault(number, _Stream())

    def _answered(self) -> bool:
        self._look()
        wanted = [number for number, answer in self._expected.answers.items()]
        return self._link.ended or all(number in self._streams and self._streams[number].over for number in wanted)

    async def run(self, pieces: list[bytes], gap: float) -> Seen:
        link, seen = self._link, Seen()
        await _send(link, pieces, gap, self._case.end)
        await link.until(self._answered, LIMIT_S)
        if self._expected.connection == "open" and not link.ended:
            link.send(frames.encode(f"get({_AFTER_STREAM}, :path=/after)"))
            await link.until(lambda: (self._look() or link.ended) or self._stream(_AFTER_STREAM).over, LIMIT_S)
            after = self._streams.pop(_AFTER_STREAM, _Stream())
            seen.connection = "open" if after.text() == "200" else ""
        else:
            await link.until(lambda: link.ended, LIMIT_S)
            self._look()
        if not seen.connection:
            seen.connection = f"goaway {self._goaway}" if self._goaway else ("close" if link.ended else "still open")
        seen.answers = {number: stream.text() for number, stream in self._streams.items() if stream.over or stream.statuses}
        return seen


# --- the peer's side -------------------------------------------------------------------------------------


async def _responds(case: Case, expected: Expectation, place: Place, pieces: list[bytes], gap: float, h2_client: bool) -> Seen:
    script = Script(pieces, case.end, case.greets, gap)
    place.peer.prepare(script)
    kind, context = (H2Asker if h2_client else H1Asker), place.context("h2" if h2_client else "h1")
    link = await Link.connect(place.address, context)
    asker = kind(link, case.ask)
    seen = Seen()

    async def more_finals(count: int) -> bool:
        return await link.until(lambda: len(asker.finals()) > count or asker.over, LIMIT_S)

    try:
        asker.ask(case.ask)
        await more_finals(0)
        got = list(asker.messages())
        if got:
            seen.answers[1], seen.reply, seen.error = _statuses(got), got[-1], _error_of(got[-1])
        elif asker.reset:
            seen.answers[1] = f"rst {asker.reset}"
        first = place.peer.last
        tunnel = bool(got) and got[-1].status == 101
        if not tunnel:
            if first is not None:
                # Whatever the peer goes on to say belongs to this run.
                await asyncio.wait_for(script.said.wait(), 60)
                if expected.upstream != "reuse":
                    await first.until(lambda: first.ended, LIMIT_S)
            if asker.parts():
                await link.until(lambda: link.ended, LIMIT_S)  # it was announced
            if link.ended:
                link.close()
                link = await Link.connect(place.address, context)
                asker = kind(link, case.ask)
            before = len(asker.finals())
            # By the same pool: those of HEAD and of GET are not one.
            asker.ask((b"HEAD " if case.ask.startswith(b"HEAD ") else b"GET ") + _AFTER)
            await more_finals(before)
            seen.upstream = "reuse" if place.peer.last is first else "drop"
            if len(asker.finals()) == before or asker.finals()[-1].status != 200:
                seen.upstream = "nothing more is answered"
        for said in place.peer.said:
            if said.startswith(("goaway", "rst")) and said == expected.upstream:
                seen.upstream = said
        return seen
    finally:
        link.close()
        if script.link is not None and place.peer.last is not script.link:
            script.link.close()
        await place.peer.leave()
