"""Sums over peerpulse's /metrics."""

import re

_BOUND = re.compile(r'le="([^"]+)"')


def total(samples: dict[str, float], family: str, label: str = "") -> int:
    """Of all series of the family that have `label` (as written: `stage="dead"`)."""
    return round(sum(value for series, value in samples.items()
                     if series.partition("{")[0] == family and label in series))


def by_peer(samples: dict[str, float], family: str, label: str = "") -> dict[str, int]:
    found: dict[str, int] = {}
    for series, value in samples.items():
        if series.partition("{")[0] == family and label in series:
            peer = re.search(r'peer="([^"]+)"', series)
            if peer:
                found[peer[1]] = found.get(peer[1], 0) + round(value)
    return found


def histogram_max(before: dict[str, float], after: dict[str, float], family: str, label: str = "") -> float | None:
    """The bound of the highest bucket that something was added to: an upper bound of what was observed between.

    None if nothing was observed; infinity if it was above every bound.
    """
    counts: dict[float, float] = {}
    for series, value in after.items():
        if series.partition("{")[0] == f"{family}_bucket" and label in series:
            bound = float(_BOUND.search(series)[1].replace("+Inf", "inf"))
            counts[bound] = counts.get(bound, 0) + value - before.get(series, 0)
    highest, below = None, 0.0
    for bound in sorted(counts):
        if counts[bound] > below:
            highest = bound
        below = counts[bound]
    return highest
