"""The demo's numbers for people, and what is wrong with them."""

import sys

_TARGETS = (
    # name, how it is found in the report, the most it should be, unit
    ("cut to verdict", ("cut_to_verdict_ms",), 100, "ms"),
    ("cut to in-flight failed", ("cut_to_inflight_failed_ms",), 105, "ms"),
    ("fail-fast p50", ("failfast_us", "p50"), 100, "us"),
    ("fail-fast p99", ("failfast_us", "p99"), 1000, "us"),
    ("longest stall of the upload", ("with", "longest_stall_ms"), 150, "ms"),
    ("recovery", ("recovery_ms",), 250, "ms"),
)


def _value(report: dict, path: tuple[str, ...]):
    for key in path:
        report = report[key]
    return report


def print_report(report: dict) -> None:
    for name, path, target, unit in _TARGETS:
        value = _value(report, path)
        shown = "-" if value is None else f"{value:.1f} {unit}"
        verdict = "" if value is None or value <= target else "   over its target"
        print(f"  {name:28} {shown:>12}   (target {target} {unit}){verdict}", file=sys.stderr)
    healthy = report["healthy_peers"]
    print(f"  {'healthy peers':28} {healthy['requests']} requests in the second of the cut, "
          f"{healthy['errors']} errors, p99 {healthy['p99_ms']} ms (usual {healthy['usual_p99_ms']} ms)",
          file=sys.stderr)
    for name in ("with", "without"):
        run = report.get(name)
        if run:
            completed = "completed" if run["completed"] else "NOT completed"
            print(f"  {'upload ' + name + ' peerpulse':28} {run['seconds']} s, "
                  f"longest stall {run['longest_stall_ms']} ms, {completed}", file=sys.stderr)
            if run.get("chunks_moved"):
                print(f"  {'':28} {run['chunks_moved']} chunks went to spare disks, {run['chunks_failed']} failed",
                      file=sys.stderr)
    for peer, tls in report.get("tls", {}).items():
        handshakes = tls["handshakes"]
        print(f"  {'TLS with ' + peer:28} {handshakes['full'] + handshakes['resumed']} handshakes, {handshakes['resumed']} of them "
              f"resumed, failures: {tls['failures'] or 'none'}", file=sys.stderr)
    read = report["read_back"]
    print(f"  {'read back':28} {read['objects']} objects, {read['corrupt']} corrupt", file=sys.stderr)


def json_fields(report: dict) -> dict:
    """What --json prints: these keys, in this order; `tls` where there is any."""
    healthy = report["healthy_peers"]
    fields = {
        "cut_to_verdict_ms": report["cut_to_verdict_ms"],
        "cut_to_inflight_failed_ms": report["cut_to_inflight_failed_ms"],
        "failfast_us": report["failfast_us"],
        "with": report["with"],
        "without": report.get("without"),
        "healthy_peers": {key: healthy[key] for key in ("requests", "errors", "p99_ms")},
        "recovery_ms": report["recovery_ms"],
        "read_back": report["read_back"],
    }
    return fields | {"tls": report["tls"]} if "tls" in report else fields


def problems_of(report: dict) -> list[str]:
    """What is wrong, whatever the machine's speed."""
    problems = []
    if report["recovery_ms"] is None:
        problems.append("the peer's circuit did not close after its power returned")
    if not report["with"]["completed"]:
        problems.append("the upload with peerpulse did not complete")
    if report["healthy_peers"]["errors"]:
        problems.append(f"{report['healthy_peers']['errors']} errors on healthy peers")
    if report["read_back"]["corrupt"]:
        problems.append(f"{report['read_back']['corrupt']} objects corrupt or missing")
    problems += [f"TLS with {peer} failed: {tls['failures']}" for peer, tls in report.get("tls", {}).items()
                 if tls["failures"]]
    return problems
