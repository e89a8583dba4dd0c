"""Cause: a real trouble of one peerpulse of its own, and the alerts that it must fire, no others."""

import dataclasses
import time

from tests.harness.peerpulse import Peerpulse
from tools.lib.bench.alerts.stage import Stage


@dataclasses.dataclass(frozen=True)
class Expected:
    """An alert that must fire now, with these labels beside `node` and `instance`."""

    alert: str
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    seen_after_s: float = 0
    """From the trouble until peerpulse itself can know of it: not shortened by any factor."""
    since: float = dataclasses.field(default_factory=time.monotonic)
    """Made right after the trouble."""


class Cause:
    """`node` of its alerts is its name. Its peerpulse is started by prepare(), while all is well; then trouble() makes
    the trouble, step by step: it yields what each step must fire, and goes on when that fires.

    Threading: prepare() in the thread of the stage; trouble() in one of its own.
    """

    name = ""
    about = ""
    """The trouble, for the table."""
    follows: tuple[str, ...] = ()
    """Alerts that may fire beside: they are true then."""
    slow = False
    """It takes too long for a test even at the usual factor."""
    alone = False
    """It troubles all others: after they are done."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.peerpulse: Peerpulse | None = None

    def prepare(self) -> None:
        raise NotImplementedError

    def trouble(self):
        raise NotImplementedError

    @property
    def target(self) -> str:
        """Where Prometheus scrapes it."""
        return "{}:{}".format(*self.peerpulse.admin)

    def metric(self, series: str) -> float:
        return self.peerpulse.metrics()[series]
