"""A TCP connection under the control of a test: small buffers, half-closes and resets included."""

import asyncio
import socket
import struct

_READ = 65536
_NO_LINGER = struct.pack("ii", 1, 0)


class Wire:
    """Raw sockets, not asyncio's streams: those drop what was received when a write fails, and an early answer is
    exactly that.

    Errors are OSErrors (a time limit's TimeoutError is one). Whoever reads in a task of its own ends that before
    close().
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._buffer = bytearray()
        self._sending = asyncio.Lock()

    @classmethod
    async def connect(cls, address: tuple[str, int], *, receive_buffer: int = 0, timeout: float = 20) -> "Wire":
        connection = socket.socket()
        connection.setblocking(False)
        try:
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_connect(connection, address)
            return cls(connection)
        except BaseException:
            connection.close()
            raise

    async def send(self, data: bytes) -> None:
        async with self._sending:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def receive(self, limit: int = _READ) -> bytes:
        """What is there, at most `limit`; empty at the end of the stream."""
        if self._buffer:
            data = bytes(self._buffer[:limit])
            del self._buffer[:limit]
            return data
        return await asyncio.get_running_loop().sock_recv(self._socket, limit)

    async def peek(self, size: int) -> bytes:
        """The next `size` bytes, which stay there; fewer at the end of the stream."""
        while len(self._buffer) < size and await self._fill():
            pass
        return bytes(self._buffer[:size])

    async def read_until(self, end: bytes) -> bytes:
        """Up to and including `end`; empty if the stream ends before the first byte."""
        while (found := self._buffer.find(end)) < 0:
            if not await self._fill():
                if not self._buffer:
                    return b""
                raise ConnectionError(f"end of stream in {bytes(self._buffer[:80])!r}")
        data = bytes(self._buffer[:found + len(end)])
        del self._buffer[:len(data)]
        return data

    async def read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not await self._fill():
                raise ConnectionError(f"end of stream after {len(self._buffer)} of {size} bytes")
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def _fill(self) -> bool:
        data = await asyncio.get_running_loop().sock_recv(self._socket, _READ)
        self._buffer += data
        return bool(data)

    def end(self) -> None:
        """Half-close: nothing more is sent, what comes can still be read."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """FIN; RST where something is unread."""
        self._socket.close()

    def reset(self) -> None:
        """RST."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._socket.close()
