"""What a scenario is, and what is said of it."""

import dataclasses
from collections.abc import Callable, Coroutine

from tools.lib.bench.healthy.side import DIRECT, SIDES, THROUGH, Side, Tally

Work = Coroutine[None, None, None]
_MORE_WAIT_S = 10.0
"""Wide: other programs run on the machine."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """A peerpulse. Scenarios that name the same one share it, each with a peer of its own."""

    name: str
    config: dict
    """Top-level keys of its configuration."""
    launcher: tuple[str, ...] = ()
    """A command that becomes it."""


@dataclasses.dataclass
class Outcome:
    tallies: dict[str, Tally]
    actions: int
    """How often something was done to the server or to peerpulse."""
    opened: list[dict]
    """Transitions that opened the circuit."""
    times: list[float]
    """Of the actions, where they measure something: seconds."""


def compare(outcome: Outcome, more_failed: int = 0, more_wait: float = _MORE_WAIT_S) -> list[str]:
    """No more failed than directly (and `more_failed`), and none waited `more_wait` seconds longer than the longest
    direct one."""
    direct, through = (outcome.tallies[side] for side in SIDES)
    failures = []
    if through.failed > direct.failed + more_failed:
        failures.append(f"{through.failed} failed through peerpulse, {direct.failed} direct")
    if through.longest_wait > direct.longest_wait + more_wait:
        failures.append(f"longest wait {through.longest_wait:.1f} s through peerpulse, {direct.longest_wait:.1f} s "
                        "direct")
    return failures


def no_work(_stage, _lengths) -> list[Work]:
    return []


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    """For --help: what is done, and what explains a difference of the sides."""
    instance: Instance
    clients: Callable[[Side], list[Work]]
    actions: Callable[..., list[Work]] = no_work
    """Gets the stage's Acting and the Lengths."""
    judge: Callable[[Outcome], list[str]] = compare
    explained: frozenset[str] = frozenset()
    """Verdicts and reasons with which its circuit may open: those that are true."""
    h1_only: bool = False
    """Of its server; peerpulse probes such a one by connects."""


def unexplained(scenario: Scenario, outcome: Outcome) -> list[dict]:
    """Of the transitions that opened the circuit."""
    return [event for event in outcome.opened if not {event["to"], event["reason"]} & scenario.explained]


def described(scenario: Scenario, outcome: Outcome, failures: list[str]) -> dict:
    """Its part of the line of JSON."""
    tallies = outcome.tallies
    opened = len(unexplained(scenario, outcome))
    return {
        "peerpulse": scenario.instance.name,
        **{key: {side: getattr(tallies[side], key) for side in SIDES} for key in ("exchanges", "failed", "stalls")},
        "longest_wait_s": {side: round(tallies[side].longest_wait, 2) for side in SIDES},
        "failed_how": {side: dict(tallies[side].kinds.most_common(5)) for side in SIDES},
        "actions": outcome.actions,
        "action_s": [round(seconds, 2) for seconds in outcome.times],
        "circuit_opened": opened,
        "circuit_opened_explained": len(outcome.opened) - opened,
        "circuit_reasons": sorted({f"{event['to']}: {event['reason']}" for event in outcome.opened}),
        "failures": failures,
    }


def summary(name: str, described_: dict) -> str:
    words = {"exchanges": "exchanges", "failed": "failed", "stalls": "stalls", "longest_wait_s": "s at most"}
    numbers = ", ".join(f"{described_[key][DIRECT]}/{described_[key][THROUGH]} {text}" for key, text in words.items())
    return f"  {name:18} {numbers}: {'; '.join(described_['failures']) or 'ok'}"
