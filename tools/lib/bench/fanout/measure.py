"""What a measure is, what it gets, and the line of JSON that it returns."""

import dataclasses
from collections.abc import Callable

from tools.lib.bench import command


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of one run."""

    scale: float = 1.0
    """Of all counts: the tests run in small."""

    def count(self, usual: int) -> int:
        return max(1, round(usual * self.scale))


@dataclasses.dataclass(frozen=True)
class Measure:
    name: str
    about: str
    """For --help: what is done, and what the numbers include."""
    run: Callable[[Settings], dict]


@dataclasses.dataclass(frozen=True)
class Number:
    """One number beside its bound, which is the most it may be."""

    what: str
    value: float
    bound: float
    unit: str

    @property
    def within(self) -> bool:
        return self.value <= self.bound

    def __str__(self) -> str:
        return f"{self.what}: {self.value:g} {self.unit}, bound {self.bound:g}{'' if self.within else ': MISSED'}"


def report(name: str, numbers: list[Number], failures: list[str], **more) -> dict:
    """A failure is what makes the exit status 1; a missed bound is none."""
    return {
        "measure": name,
        "numbers": [{**dataclasses.asdict(number), "within": number.within} for number in numbers],
        "within_bounds": not failures and all(number.within for number in numbers),
        "failures": failures,
        **more,
        "load_average": command.load_average(),
    }


def printed(number: dict) -> str:
    return str(Number(number["what"], number["value"], number["bound"], number["unit"]))
