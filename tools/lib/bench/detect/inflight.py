"""cut_inflight: tools/bench/inflight with 1,000 and 10,000 exchanges."""

from tools.lib.bench import command, inflight
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.detect.scenario import Scenario, Settings, report
from tools.lab import Lab

_LIMITS_MS = {1000: 1.0, 10_000: 5.0}
_ROUNDS = 5


def _one(exchanges: int, protocol: str, rounds: int) -> dict:
    arguments = inflight.arguments_parser().parse_args(
        ["--exchanges", str(exchanges), "--rounds", str(rounds), "--rate", "500", "--usual", "1"])
    with Lab(nodes=3) as lab:
        result = inflight.Bench(lab, arguments, protocol, "respond").run()
    say(f"  {exchanges} exchanges, {protocol}: at the client {result['verdict_to_failed_ms']}, "
        f"of peerpulse itself {result['own_ms']}")
    limit = _LIMITS_MS[exchanges]
    own = result["own_ms"]
    measured = own["max"] if own else result["verdict_to_failed_ms"]["max"]
    return {"exchanges": exchanges, "protocol": protocol, "limit_ms": limit,
            "within_target": measured is not None and measured <= limit,
            "at_client_ms": result["verdict_to_failed_ms"], "own_ms": own,
            "cut_to_verdict_ms": result["cut_to_verdict_ms"], "all_failed": result["all_failed"]}


def _runs(rounds: int) -> tuple[list[dict], list[str]]:
    """And why one was left out: h1 needs two sockets of peerpulse's for each exchange."""
    runs, left_out = [], []
    for exchanges in _LIMITS_MS:
        for protocol in ("h1", "h2"):
            try:
                command.raise_descriptor_limit(2000 if protocol == "h2" else 2 * exchanges + 200)
            except BenchFailed as reason:
                left_out.append(f"{exchanges} exchanges, {protocol}: {reason}")
                say(f"  left out: {left_out[-1]}")
                continue
            runs.append(_one(exchanges, protocol, rounds))
    return runs, left_out


def _cut_inflight(settings: Settings) -> dict:
    rounds = settings.rounds_or(_ROUNDS)
    runs, left_out = _runs(rounds)
    failures = [f"{run['exchanges']} {run['protocol']}: not all failed" for run in runs if not run["all_failed"]]
    times = [run["at_client_ms"]["max"] for run in runs]
    counted = {"false_dead": 0, "suspects": rounds * len(runs), "peer_seconds": None}
    return report("cut_inflight", settings, times, counted, failures,
                  target={str(exchanges): limit for exchanges, limit in _LIMITS_MS.items()},
                  within_target=all(run["within_target"] for run in runs), runs=runs, left_out=left_out)


SCENARIOS = [
    Scenario("cut_inflight", f"""tools/bench/inflight with 1,000 and 10,000 exchanges to a peer that loses power (h1
and h2, on_dead respond, --rounds each, default {_ROUNDS}). n, p50, p99, max: of the longest times from the verdict
to the failure at the client, which is one process on the same processors and so an upper bound. own_ms: what
peerpulse says of itself in peerpulse_fail_in_flight_seconds where it has that metric (the target is then about
it).""", _cut_inflight),
]
