"""One end of a TCP connection, plain or TLS, in asyncio: each send is one write, and over TLS one record of its own."""

import asyncio
import socket
import ssl
import time

_READ = 1 << 16


class Link(asyncio.Protocol):
    """`on_data(link)` is called when `received` has grown, `on_ended(link)` when the other side has ended its direction."""

    def __init__(self, context: ssl.SSLContext | None = None, server: bool = False, on_data=None, on_ended=None) -> None:
        self.received = b""
        self.ended = False
        """Nothing more comes."""
        self.gone = False
        """The connection is over."""
        self.ready = context is None
        self._said_all = False
        self._finished = False  # and the kernel was told
        self.problem = ""
        self._on_data = on_data or (lambda link: None)
        self._on_ended = on_ended or (lambda link: None)
        self._changed: asyncio.Future | None = None
        self._transport: asyncio.Transport | None = None
        self._tls: ssl.SSLObject | None = None
        if context is not None:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = context.wrap_bio(self._in, self._out, server_side=server)

    @classmethod
    async def connect(cls, address: tuple[str, int], context: ssl.SSLContext | None = None) -> "Link":
        link = cls(context)
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        await link.until(lambda: link.ready or link.ended, 10)
        if not link.ready:
            raise ConnectionError(f"{address}: no TLS: {link.problem or 'ended'}")
        return link

    # What asyncio says.

    def connection_made(self, transport) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            self._pump()

    def data_received(self, data: bytes) -> None:
        if self._tls is None:
            self._take(data)
        else:
            self._in.write(data)
            self._pump()

    def eof_received(self) -> bool:
        self._end()
        return True

    def connection_lost(self, exc) -> None:
        self.gone = True
        self._end()
        self._wake()

    def _pump(self) -> None:
        try:
            if not self.ready:
                self._tls.do_handshake()
                self.ready = True
                self._wake()
            while data := self._tls.read(_READ):
                self._take(data)
            self._end()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as problem:
            self.problem = str(problem)
            self._end()
        self._flush()

    def _take(self, data: bytes) -> None:
        self.received += data
        self._on_data(self)
        self._wake()

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self._on_ended(self)
            self._wake()

    def _flush(self) -> None:
        if (data := self._out.read()) and not (self._transport.is_closing() or self._finished):
            self._transport.write(data)

    # What its user does.

    def send(self, data: bytes) -> None:
        if self._transport.is_closing() or self._said_all or not data:
            return
        if self._tls is None:
            self._transport.write(data)
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            return  # the other side has said goodbye
        self._flush()

    def end(self) -> None:
        """Our direction; the other goes on."""
        if self._transport.is_closing() or self._said_all:
            return
        self._said_all = True
        if self._tls is not None:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # its answer is yet to come
            self._flush()
        self._finished = True
        try:
            self._transport.write_eof()
        except OSError:
            pass  # reset meanwhile

    def close(self) -> None:
        self._transport.abort()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def until(self, condition, seconds: float) -> bool:
        """Looked at when something came or ended."""
        last = time.monotonic() + seconds
        while not condition():
            self._changed = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait_for(self._changed, last - time.monotonic())
            except TimeoutError:
                return bool(condition())
        return True
