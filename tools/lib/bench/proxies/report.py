"""From samples to figures: medians over the rounds. Ratios are made within each round, between neighbours in time, and
their median is taken: the machine's other work changes both sides of such a ratio."""

import statistics

from tools.lib.bench.proxies.cases import Case
from tools.lib.bench.proxies.measurement import Sample
from tools.lib.bench.proxies.proxy import OTHER, RELAY, Proxy

_COLUMNS = ("proxy", "CPU us/request", "(min - max)", "x relay", "x best", "requests/s", "mean latency us", "failed")


def _cpu(samples: list[Sample]) -> float:
    return statistics.median(sample.cpu_us for sample in samples)


def _ratio(samples: list[Sample], others: list[Sample] | None) -> float | None:
    if others is None:
        return None
    pairs = zip(samples, others, strict=True)
    return round(statistics.median(mine.cpu_us / theirs.cpu_us for mine, theirs in pairs), 3)


def _figures(samples: list[Sample], relay: list[Sample] | None, best: list[Sample] | None) -> dict:
    return {
        "cpu_us": round(_cpu(samples), 2),
        "cpu_us_min": round(min(sample.cpu_us for sample in samples), 2),
        "cpu_us_max": round(max(sample.cpu_us for sample in samples), 2),
        "to_relay": _ratio(samples, relay),
        "to_best_other": _ratio(samples, best),
        "requests_per_s": round(statistics.median(one.load.requests / one.load.seconds for one in samples), 1),
        "mean_latency_us": round(statistics.median(one.load.mean_latency_us for one in samples), 1),
        "requests": sum(one.load.requests for one in samples),
        "failed": sum(one.load.failed for one in samples),
    }


def summary(case: Case, proxies: list[Proxy], samples: dict[str, list[Sample]]) -> dict:
    """`best_other` is the one of other projects' proxies that used the least processor time; null without any."""
    relay = next((samples[proxy.name] for proxy in proxies if proxy.kind == RELAY), None)
    others = [proxy.name for proxy in proxies if proxy.kind == OTHER]
    best = min(others, key=lambda name: _cpu(samples[name]), default=None)
    return {
        "about": case.about,
        "best_other": best,
        "proxies": {proxy.name: _figures(samples[proxy.name], relay, samples.get(best)) for proxy in proxies},
    }


def table(name: str, result: dict) -> str:
    rows = [_COLUMNS]
    for proxy, figures in result["proxies"].items():
        rows.append((
            proxy, f"{figures['cpu_us']:.1f}", f"({figures['cpu_us_min']:.1f} - {figures['cpu_us_max']:.1f})",
            *("-" if figures[key] is None else f"{figures[key]:.2f}" for key in ("to_relay", "to_best_other")),
            f"{figures['requests_per_s']:.0f}", f"{figures['mean_latency_us']:.0f}", str(figures["failed"])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [f"{name}: {result['about']}; best of the others: {result['best_other'] or 'none measured'}"]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  " + "  ".join(cells))
    return "\n".join(lines)
