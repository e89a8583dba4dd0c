"""Bodies that show a lost or moved piece, and the pace at which they go."""

import asyncio
import time

from tests.harness.bodies import unlike

PIECE = 32768
# A length that divides nothing: no two copies lie alike within the usual buffers.
_BLOCK = unlike(65521)
_TWICE = _BLOCK + _BLOCK


def pattern(offset: int, size: int) -> bytes:
    """`size` (at most a block of 65,521) bytes of the endless pattern."""
    start = offset % len(_BLOCK)
    return _TWICE[start:start + size]


def is_pattern(offset: int, data: bytes) -> bool:
    return all(data[at:at + PIECE] == pattern(offset + at, len(data[at:at + PIECE]))
               for at in range(0, len(data), PIECE))


class Pace:
    """At most `rate` bytes a second (0: any number), counted from the first."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._started = time.monotonic()
        self._spent = 0

    async def spend(self, size: int) -> None:
        if not self._rate:
            return
        self._spent += size
        await asyncio.sleep(max(0.0, self._started + self._spent / self._rate - time.monotonic()))
