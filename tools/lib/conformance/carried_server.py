"""Stands in for Connect's reference server: starts it, and peerpulse before it.

The suite says by a message on stdin what it wants of a server, and the server by one on stdout where it is
(connectrpc.conformance.v1.ServerCompatResponse: 1 host, 2 port); each is a big-endian length of four bytes and the message.
It ends by SIGTERM.
"""

import pathlib
import signal
import struct
import subprocess
import sys
from typing import BinaryIO

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.harness.host import LocalHost  # noqa: E402
from tools.lib.conformance.carried import carried  # noqa: E402

_VARINT, _BYTES = 0, 2


def _read(stream: BinaryIO) -> bytes:
    head = stream.read(4)
    if len(head) < 4:
        raise EOFError("no message")
    return head + stream.read(struct.unpack(">I", head)[0])


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(message: bytes) -> dict[int, int | bytes]:
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key & 7 == _BYTES:
            fields[key >> 3], at = message[at:at + value], at + value
        elif key & 7 == _VARINT:
            fields[key >> 3] = value
        else:
            raise ValueError(f"wire type {key & 7} of field {key >> 3}")
    return fields


def _answer(host: str, port: int) -> bytes:
    name = host.encode()
    message = bytes([1 << 3 | _BYTES, len(name)]) + name + bytes([2 << 3 | _VARINT, port & 0x7F | 0x80,
                                                                 port >> 7 & 0x7F | 0x80, port >> 14])
    return struct.pack(">I", len(message)) + message


def main() -> None:
    # The exit is an exception: what was started is ended on its way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host = LocalHost()
    with subprocess.Popen([sys.argv[1], "-port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            server.stdin.write(_read(sys.stdin.buffer))
            server.stdin.flush()
            fields = _fields(_read(server.stdout)[4:])
            address = f"{fields.get(1, b'127.0.0.1').decode()}:{fields[2]}"
            with carried(host, address) as (name, port):
                sys.stdout.buffer.write(_answer(name, port))
                sys.stdout.buffer.flush()
                signal.pause()
        finally:
            server.terminate()
            host.close()


if __name__ == "__main__":
    main()
