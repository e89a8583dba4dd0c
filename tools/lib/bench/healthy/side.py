"""One of the two sides of a scenario: where its clients go, and what became of their exchanges."""

import asyncio
import collections
import contextlib
import dataclasses
import time

import h2.exceptions

DIRECT, THROUGH = "direct", "through"
SIDES = (DIRECT, THROUGH)
_LIMIT_S = 60.0
_STALL_S = 3.0


class Unexpected(Exception):
    """An answer, but not the one that there should be."""


def expect(good: bool, text: str) -> None:
    if not good:
        raise Unexpected(text)


@dataclasses.dataclass(frozen=True)
class Lengths:
    """Seconds, but for what is said otherwise."""

    run: float
    idle: float
    """Of a gRPC channel."""
    silence: float
    """Of a long poll, and between events."""
    tunnel_silence: float
    slow: float
    """How long a slow transfer takes."""
    reader_pauses: tuple[float, ...]
    own_pause: float
    """peerpulse is stopped."""
    peer_stop: float
    every: float
    """Between the beginnings of pauses and stops."""


FULL = Lengths(run=600, idle=60, silence=30, tunnel_silence=45, slow=48, reader_pauses=(14, 45), own_pause=15,
               peer_stop=45, every=90)
QUICK = Lengths(run=50, idle=33, silence=18, tunnel_silence=20, slow=24, reader_pauses=(14,), own_pause=15,
                peer_stop=25, every=60)


@dataclasses.dataclass
class Tally:
    exchanges: int = 0
    failed: int = 0
    stalls: int = 0
    """Exchanges that waited more than 3 s longer than server and pace explain."""
    longest_wait: float = 0.0
    """Seconds that an exchange, good or not, took longer than that."""
    kinds: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    """Of the failed ones: what was asked, and what came instead."""

    def add(self, waited: float) -> None:
        self.exchanges += 1
        self.longest_wait = max(self.longest_wait, waited)
        self.stalls += waited > _STALL_S

    def fail(self, what: str, error: Exception) -> None:
        self.failed += 1
        self.kinds[f"{what}: {type(error).__name__}: {str(error)[:100]}"] += 1


@dataclasses.dataclass
class Side:
    name: str
    address: tuple[str, int]
    """Where the clients go."""
    server: tuple[str, int]
    """Where the server is, on both sides."""
    admin: tuple[str, int]
    """Of the peerpulse of the scenario."""
    lengths: Lengths
    until: float
    tally: Tally = dataclasses.field(default_factory=Tally)

    @property
    def through(self) -> bool:
        return self.name == THROUGH

    def time_for(self, seconds: float) -> bool:
        """Whether something of that length can still begin."""
        return time.monotonic() + seconds < self.until

    @contextlib.asynccontextmanager
    async def exchange(self, what: str, expected: float = 0.0, limit: float = _LIMIT_S):
        """Counts the block as one exchange, which takes `expected` seconds by itself. Any error of the network, of a
        protocol, of expect(), or `limit` seconds more than expected, make it a failed one; the block after it runs."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(expected + limit):
                yield
        except (OSError, Unexpected, ValueError, h2.exceptions.ProtocolError) as error:
            self.tally.fail(what, error)
        finally:
            self.tally.add(time.monotonic() - started - expected)
