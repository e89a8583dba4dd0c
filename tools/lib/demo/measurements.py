"""From what was recorded during the runs to the numbers of the report. Times are CLOCK_MONOTONIC nanoseconds."""

import datetime
import time

from tools.lab import Switched

_SECOND_NS = 1_000_000_000


def milliseconds(from_ns: int, to_ns: int) -> float:
    return round((to_ns - from_ns) / 1e6, 2)


def quantile(values: list[float], share: float) -> float:
    """Of values in any order; 0 when there are none."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


def in_flight_failed_ms(summary: dict, cut: Switched, verdict_ns: int) -> float | None:
    """From the cut to the end of the last chunk write that was under way when the peer was found dead.

    Those begun after that are refused at once and tell nothing. None if no write was under way.
    """
    ends = [failure["t_ns"] for failure in summary["failures"]
            if failure["start_ns"] < verdict_ns and failure["t_ns"] > cut.ordered_ns]
    return milliseconds(cut.ordered_ns, max(ends)) if ends else None


def healthy_peers(exchanges: list[dict], dead: str, cut: Switched) -> dict:
    """Exchanges with the other peers in the second after the cut, and what was usual before it."""
    wall_minus_monotonic = time.time_ns() - time.monotonic_ns()
    during, before, errors = [], [], 0
    for exchange in exchanges:
        if exchange["peer"] == dead:
            continue
        ended = datetime.datetime.fromisoformat(exchange["ts"]).timestamp() * 1e9 - wall_minus_monotonic
        errors += "error" in exchange or not 200 <= exchange["status"] < 300
        if ended < cut.ordered_ns:
            before.append(exchange["duration_ms"])
        elif ended < cut.ordered_ns + _SECOND_NS:
            during.append(exchange["duration_ms"])
    return {
        "requests": len(during),
        "errors": errors,
        "p99_ms": round(quantile(during, 0.99), 2),
        "usual_p99_ms": round(quantile(before, 0.99), 2),
    }
