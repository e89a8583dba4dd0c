"""What gRPC libraries make of HTTP/2 connections: a channel that connects again, repeats what was not processed, and
guards itself by PINGs."""

import asyncio
import struct

from tests.harness.aio.h1 import Fields
from tests.harness.aio.h2 import H2Link
from tests.harness.aio.h2_stream import REFUSED_STREAM, H2Stream, NotProcessed, StreamReset
from tests.harness.aio.wire import Wire

_REPEATS = 5
_BACKOFF_S = 0.1


class GrpcFailed(ConnectionError):
    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"grpc-status {status} {message}")
        self.status = status


def message_frame(data: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(data)) + data


class Channel:
    """One connection at a time, made when it is needed.

    `guard` is (interval, timeout) in seconds: a PING after each interval, and the end of the connection when its ACK
    does not come in time. hyper does so for RustFS with 5 and 3.
    """

    def __init__(self, address: tuple[str, int], guard: tuple[float, float] | None = None) -> None:
        self._address = address
        self._guard = guard
        self._link: H2Link | None = None
        self._old: list[H2Link] = []
        self._guarding: asyncio.Task | None = None
        self._connecting = asyncio.Lock()
        self.connections = 0
        self.repeated = 0
        """Streams that were sent again because the other side had not processed them."""

    async def link(self) -> H2Link:
        async with self._connecting:
            if self._link is None or not self._link.usable:
                await self._replace()
                self._link = await H2Link(await Wire.connect(self._address)).start()
                self.connections += 1
                if self._guard:
                    self._guarding = asyncio.create_task(self._watch(self._link, *self._guard))
        return self._link

    async def _watch(self, link: H2Link, interval: float, timeout: float) -> None:
        number = 0
        while link.usable:
            await asyncio.sleep(interval)
            number += 1
            try:
                await link.ping(struct.pack(">Q", number), timeout)
            except TimeoutError:
                # As hyper: the connection is over, and so is everything on it.
                link.wire.end()
                link.fail(TimeoutError("keep-alive timed out"))
                return
            except OSError:
                return

    async def open(self, path: str, fields: Fields = (), *, method: str = "GET", end: bool = True) -> H2Stream:
        link = await self.link()
        authority = f"{self._address[0]}:{self._address[1]}"
        return await link.open([(":method", method), (":scheme", "http"), (":authority", authority), (":path", path),
                                *fields], end)

    async def request(self, path: str, fields: Fields = (), *, method: str = "GET",
                      body: bytes = b"") -> tuple[H2Stream, bytes]:
        """The stream with its head and trailers, and the answer's body. What the other side refused before it looked
        at it is sent again, as every client library does."""
        for repeat in range(_REPEATS + 1):
            stream = None
            try:
                stream = await self.open(path, fields, method=method, end=not body)
                if body:
                    await stream.send(body, end=True)
                await stream.head
                return stream, await stream.read_all()
            except (StreamReset, NotProcessed) as error:
                refused = isinstance(error, NotProcessed) or error.code == REFUSED_STREAM
                if not refused or repeat == _REPEATS:
                    raise
                self.repeated += 1
                await asyncio.sleep(_BACKOFF_S * (repeat + 1))
            finally:
                await self._done(stream)
        raise AssertionError("unreachable")

    @staticmethod
    async def _done(stream: H2Stream | None) -> None:
        if stream is None:
            return
        if not stream.ended and stream.error is None and not stream.link.ended:
            await stream.reset()  # cancelled in the middle
        stream.link.forget(stream)

    async def unary(self, path: str, message: bytes, timeout: str = "") -> bytes:
        """A unary call. Raises GrpcFailed for any status but 0; `timeout` is the text of grpc-timeout."""
        fields = [("content-type", "application/grpc"), ("te", "trailers")]
        if timeout:
            fields.append(("grpc-timeout", timeout))
        stream, answer = await self.request(path, fields, method="POST", body=message_frame(message))
        head = stream.head.result()
        status = stream.trailers.get("grpc-status", head.get("grpc-status"))
        if head[":status"] != "200" or status != "0":
            text = stream.trailers.get("grpc-message", head.get("grpc-message", ""))
            raise GrpcFailed(status or f"none, HTTP {head[':status']}", text)
        return answer[5:]

    async def _replace(self) -> None:
        """What still runs on the old connection may end there."""
        await self._stop_guarding()
        if self._link is not None:
            old, self._link = self._link, None
            self._old.append(old)
            old.close_when_idle()
        for link in [link for link in self._old if link.ended]:
            self._old.remove(link)
            await link.close()

    async def _stop_guarding(self) -> None:
        if self._guarding is not None:
            self._guarding.cancel()
            await asyncio.gather(self._guarding, return_exceptions=True)
            self._guarding = None

    async def close(self, *, reset: bool = False) -> None:
        await self._stop_guarding()
        for link in [*self._old, *([self._link] if self._link else [])]:
            await link.close(reset=reset)
        self._link, self._old = None, []

    async def __aenter__(self) -> "Channel":
        return self

    async def __aexit__(self, *_exception) -> None:
        await self.close()
