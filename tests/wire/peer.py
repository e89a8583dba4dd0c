"""The scripted peer of one slot of the runner: a listener that keeps what it gets and says what a case says."""

import asyncio
import ssl

import hpack

from tests.wire import frames
from tests.wire.link import Link
from tests.wire.messages import Message, parse

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SILENT_PATH = "/silent"
"""What it never answers."""
PROBE_PATH = "/probe"
"""What the prober asks for."""
SETTINGS = frames.frame(frames.SETTINGS, 0, 0, b"\0\x08\0\0\0\1")
"""It takes extended CONNECT (RFC 8441 3)."""


class Script:
    """What is said to the next request, in place of 200: `pieces` one by one, then the end if `end`."""

    def __init__(self, pieces: list[bytes], end: bool, greets: bool, gap: float) -> None:
        self.pieces, self.end, self.greets, self._gap = pieces, end, greets, gap
        self.said = asyncio.Event()
        self.link: Link | None = None

    async def say(self, link: Link) -> None:
        self.link = link
        for piece in self.pieces:
            if link.ended:
                break
            link.send(piece)
            await asyncio.sleep(self._gap)
        if self.end:
            link.end()
        self.said.set()


class _H1Connection:
    def __init__(self, peer: "Peer", link: Link) -> None:
        self.peer, self.link = peer, link
        self.got = 0
        self.continued = False
        self.closed = False

    def data(self) -> None:
        if self.link.received.startswith(b"PRI "):
            self.link.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.link.end()
            self.closed = True
        if self.closed:
            return
        messages, _ = parse(self.link.received)
        for message in messages[self.got:]:
            if message.value("expect") and not self.continued:
                self.continued = True
                self.link.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not message.complete:
                return
            self.got += 1
            self.continued = False
            self._answer(message)

    def _answer(self, message: Message) -> None:
        if message.line.startswith(f"HEAD {PROBE_PATH} "):
            self.link.send(OK[:-2])
            return
        script = self.peer.request(self.link, message)
        if f" {SILENT_PATH} " in message.line:
            return
        if script is not None:
            self.peer.start(script.say(self.link))
        else:
            self.link.send(OK[:-2] if message.line.startswith("HEAD ") else OK)

    @property
    def begun(self) -> bool:
        messages, rest = parse(self.link.received)
        return not self.closed and (bool(rest) or bool(messages and not messages[-1].complete))


class _H2Connection:
    def __init__(self, peer: "Peer", link: Link) -> None:
        self.peer, self.link = peer, link
        self.reader = frames.FrameReader(preface=True)
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.read = 0
        self.greets: bool | None = None
        self.block = b""
        self.ends = False
        self.open: dict[int, Message] = {}
        """Requests that are not complete, by stream."""

    @property
    def begun(self) -> bool:
        return bool(self.open)

    def data(self) -> None:
        data, self.read = self.link.received[self.read:], len(self.link.received)
        if self.greets is None:
            self.greets = self.peer.greets
            if self.greets:
                self.link.send(SETTINGS)
        for kind, flags, stream, payload in self.reader.feed(data):
            if kind == frames.SETTINGS and not flags & frames.ACK and self.greets:
                self.link.send(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))
            elif kind == frames.PING and not flags & frames.ACK:
                self.link.send(frames.frame(frames.PING, frames.ACK, 0, payload))
            elif kind in (frames.HEADERS, frames.CONTINUATION):
                self._section(kind, flags, stream, payload)
            elif kind == frames.DATA and stream in self.open:
                self._body(flags, stream, payload)
            elif kind == frames.RST_STREAM:
                self.peer.said.append(f"rst {frames.ERRORS[int.from_bytes(payload, 'big')]}")
                self.peer.cuts += self.open.pop(stream, None) is not None
            elif kind == frames.GOAWAY and self.link is self.peer.last:
                self.peer.said.append(f"goaway {frames.ERRORS[int.from_bytes(payload[4:8], 'big')]}")

    def _section(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == frames.HEADERS:
            self.block, self.ends = b"", bool(flags & frames.END_STREAM)
        self.block += payload
        if not flags & frames.END_HEADERS:
            return
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.decoder.decode(self.block, raw=True)]
        if stream in self.open:
            self.open[stream].trailers = fields
        else:
            self.open[stream] = self._head(stream, fields)
        if self.ends or self.open[stream].line.startswith("CONNECT "):
            self._answer(stream, self.open.pop(stream))

    def _head(self, stream: int, fields: list[tuple[str, str]]) -> Message:
        """In the words of HTTP/1, which the expectations are in."""
        pseudo = {name: value for name, value in fields if name.startswith(":")}
        kept = [("host", pseudo.get(":authority", "")), *(field for field in fields if not field[0].startswith(":"))]
        message = Message(f"{pseudo.get(':method')} {pseudo.get(':path')} HTTP/1.1", kept)
        if message.value("expect"):
            self.link.send(frames.encode(f"answer({stream}, 100)"))
        return message

    def _body(self, flags: int, stream: int, payload: bytes) -> None:
        self.open[stream].body += payload
        if payload:
            self.link.send(frames.encode(f"window(0, {len(payload)}) window({stream}, {len(payload)})"))
        if flags & frames.END_STREAM:
            self._answer(stream, self.open.pop(stream))

    def _answer(self, stream: int, message: Message) -> None:
        message.complete = True
        if f" {PROBE_PATH} " in message.line:
            self.link.send(frames.encode(f"answer({stream}, es)"))
            return
        script = self.peer.request(self.link, message)
        if f" {SILENT_PATH} " in message.line:
            return
        if script is not None:
            self.peer.start(script.say(self.link))
        elif message.line.startswith("HEAD "):
            self.link.send(frames.encode(f"answer({stream}, 200, es, content-length=2)"))
        else:
            self.link.send(frames.encode(f"answer({stream}, 200, content-length=2) data({stream}, es, ok)"))


class Peer:
    def __init__(self, http2: bool, context: ssl.SSLContext | None) -> None:
        self._http2, self._context = http2, context
        self.requests: list[Message] = []
        self.cuts = 0
        self.said: list[str] = []
        """Of HTTP/2: what peerpulse said about errors."""
        self.last: Link | None = None
        """Which the last request came by."""
        self.script: Script | None = None
        self.greets = True
        self.port = 0
        self._carriers: set[Link] = set()
        """Connections that a request has come by; the others are the prober's."""
        self._connections: dict[Link, _H1Connection | _H2Connection] = {}
        self._tasks: set[asyncio.Task] = set()
        self._server = None
        self._accepted = asyncio.Event()

    async def start_listening(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.close()
        for link in list(self._connections):
            link.close()

    def _accept(self) -> Link:
        self._accepted.set()
        link = Link(self._context, server=True, on_data=lambda link: self._connections[link].data(), on_ended=self._ended)
        self._connections[link] = (_H2Connection if self._http2 else _H1Connection)(self, link)
        return link

    def _ended(self, link: Link) -> None:
        self._carriers.discard(link)
        connection = self._connections.pop(link, None)
        if connection is not None and connection.begun:
            self.cuts += 1
        if not link.gone:
            link.end()
            asyncio.get_running_loop().call_soon(link.close)

    def request(self, link: Link, message: Message) -> Script | None:
        self.last = link
        self._carriers.add(link)
        self.requests.append(message)
        script, self.script = self.script, None
        self.greets = True
        return script

    def start(self, coroutine) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def prepare(self, script: Script | None = None) -> None:
        """Begins a run."""
        self.requests, self.said = [], []
        self.cuts = 0
        self.script = script
        self.greets = script is None or script.greets
        self.last = None

    async def settle(self) -> None:
        """Until no request is on its way of which not all has come. What the kernel has accepted before is looked at first: a
        connection of one's own comes behind it."""
        self._accepted.clear()
        barrier = Link()
        await asyncio.get_running_loop().create_connection(lambda: barrier, "127.0.0.1", self.port)
        await self._accepted.wait()
        for _ in range(4):  # turns of the loop: accepted, read, ended
            await asyncio.sleep(0)
        barrier.close()
        while any(connection.begun for connection in self._connections.values()):
            await asyncio.sleep(0.001)

    async def leave(self, seconds: float = 5) -> None:
        """Ends the connection of the last request, and waits until peerpulse has noticed."""
        if self.last is not None and not self.last.gone:
            await self._end(self.last, seconds)

    async def leave_all(self, seconds: float = 5) -> None:
        """The same of every connection that has carried a request."""
        for link in list(self._carriers):
            await self._end(link, seconds)

    async def _end(self, link: Link, seconds: float) -> None:
        link.end()
        await link.until(lambda: link.ended, seconds)
        link.close()
