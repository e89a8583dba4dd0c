"""Who asked, and what arrived."""

import collections
import dataclasses


@dataclasses.dataclass
class Ledger:
    """A nonce is one request of a client, which never repeats one. Single thread."""

    arrived: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    """By nonce: how often its head was read by the peer, but for what the peer then said not to have processed."""
    faults: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    """What was done, by its name."""
    asked: int = 0
    answered: int = 0
    failed: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    """By the reason, as the client saw it."""
    repeatable: set[str] = dataclasses.field(default_factory=set)
    """Nonces of GETs without a body: once more is allowed (RFC 9110 9.2.2)."""

    def nonce(self, repeatable: bool) -> str:
        self.asked += 1
        nonce = f"{self.asked:08x}"
        if repeatable:
            self.repeatable.add(nonce)
        return nonce

    def duplicates(self) -> list[str]:
        return [nonce for nonce, times in self.arrived.items() if times > 1 and nonce not in self.repeatable]

    def repeated(self) -> int:
        return sum(1 for nonce, times in self.arrived.items() if times > 1 and nonce in self.repeatable)
