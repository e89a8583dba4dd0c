"""From samples to figures: medians over the rounds; ratios are made within each round, between neighbours in time."""

import statistics

from tools.lib.bench.tls.cases import Case
from tools.lib.bench.tls.measurement import Sample

OURS = "peerpulse"


def summary(samples: dict[str, list[Sample]]) -> dict:
    """`to_best`: our processor time as a multiple of that of the other one that used least."""
    cpu = {name: statistics.median(sample.cpu_us for sample in own) for name, own in samples.items()}
    best = min((name for name in samples if name != OURS), key=cpu.get)
    pairs = zip(samples[OURS], samples[best], strict=True)
    return {
        "best_other": best,
        "to_best": round(statistics.median(mine.cpu_us / theirs.cpu_us for mine, theirs in pairs), 3),
        "proxies": {name: {
            "cpu_us": round(cpu[name], 1),
            "cpu_us_min": round(min(sample.cpu_us for sample in own), 1),
            "cpu_us_max": round(max(sample.cpu_us for sample in own), 1),
            "per_second": round(statistics.median(sample.per_second for sample in own), 1),
            "requests": sum(sample.requests for sample in own),
            "failed": sum(sample.failed for sample in own),
        } for name, own in samples.items()},
    }


def table(out: str, case: Case, result: dict) -> str:
    lines = [f"{case.name}, TLS in, {out} out: {case.about}",
             f"  {'proxy':10} {'CPU us/' + case.unit:>16} {'(min - max)':>20} {case.unit + '/s':>13} {'failed':>7}"]
    for name, figures in result["proxies"].items():
        span = f"({figures['cpu_us_min']:.0f} - {figures['cpu_us_max']:.0f})"
        lines.append(f"  {name:10} {figures['cpu_us']:>16.1f} {span:>20} {figures['per_second']:>13.0f} {figures['failed']:>7}")
    lines.append(f"  peerpulse / {result['best_other']}: {result['to_best']:.2f}")
    return "\n".join(lines)


def final_line(results: dict[str, dict]) -> str:
    ratios = ", ".join(f"{name} {result['to_best']:.2f}" for name, result in results.items())
    return f"TLS: processor time of peerpulse as a multiple of the best of HAProxy and nginx: {ratios}"
