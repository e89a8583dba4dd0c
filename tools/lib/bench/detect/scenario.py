"""What a scenario is, what it gets, and the line of JSON that it returns."""

import dataclasses
import math
from collections.abc import Callable

from tools.lib.bench import command


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of one run; None means the scenario's own default."""

    rounds: int | None = None
    seconds: float | None = None
    profile: str = "lan"
    haproxy: bool = True
    peers: str = "h2"
    """`h2`: nghttpd, which gets PINGs; `icmp`: nginx without h2, which gets echoes; `link`: the same behind a peerpulse
    of its own, which gets PINGs over TLS."""

    def rounds_or(self, default: int) -> int:
        return default if self.rounds is None else self.rounds

    def seconds_or(self, default: float) -> float:
        return default if self.seconds is None else self.seconds


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    """For --help: what is done, and what the numbers include."""
    run: Callable[[Settings], dict]


@dataclasses.dataclass(frozen=True)
class Target:
    """Milliseconds."""

    p50: float
    p99: float
    max: float

    def met_by(self, times: dict) -> bool:
        return times["n"] > 0 and all(times[key] <= limit for key, limit in dataclasses.asdict(self).items())


CUT_TARGETS = {"lan": Target(55, 70, 80), "fast": Target(30, 40, 50)}


def _rank(ordered: list[float], share: float) -> float:
    """Nearest rank, so that the p99 of few values is the largest and not the one before it."""
    return round(ordered[math.ceil(share * len(ordered)) - 1], 2)


def summary(times_ms: list[float]) -> dict:
    """null where nothing was measured: that is not the same as 0 ms."""
    if not times_ms:
        return {"n": 0, "p50": None, "p99": None, "max": None}
    ordered = sorted(times_ms)
    return {"n": len(ordered), "p50": _rank(ordered, 0.5), "p99": _rank(ordered, 0.99), "max": _rank(ordered, 1)}


def report(name: str, settings: Settings, times_ms: list[float], counted: dict, failures: list[str], *,
           target, within_target: bool, **more) -> dict:
    """`counted` has false_dead, suspects and peer_seconds (Watch.counted). A failure is what makes the exit status 1;
    `within_target` may be false without one."""
    return {
        "scenario": name,
        "profile": settings.profile,
        "peers_probed_by": settings.peers,
        **summary(times_ms),
        **counted,
        "target": dataclasses.asdict(target) if isinstance(target, Target) else target,
        "within_target": within_target and not failures,
        "failures": failures,
        **more,
        "load_average": command.load_average(),
    }
