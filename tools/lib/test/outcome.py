"""Counts of test cases, and what those that failed said."""

import dataclasses


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    # What failed, a text each that begins with its name: said again at the end, where a long log is read first.
    failures: list[str] = dataclasses.field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    @property
    def good(self) -> bool:
        """Something ran and nothing failed."""
        return self.failed == 0 and self.passed > 0

    @property
    def counts(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"

    def __str__(self) -> str:
        return f"{self.counts}, {self.skipped} skipped" if self.skipped else self.counts
