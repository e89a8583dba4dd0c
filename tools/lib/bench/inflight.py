"""See tools/bench/inflight."""

import argparse
import dataclasses
import time

from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.waiting import wait_for
from tools.lib.bench import command, turn_watch
from tools.lib.bench.command import BenchFailed, say
from tools.lib.bench.detect.metrics import histogram_max, total
from tools.lib.bench.inflight_client import ClientRun, HangingPeer
from tools.lib.bench.turn_watch import TurnWatch
from tools.lib.demo.measurements import milliseconds, quantile
from tools.lab import Lab, Switched

_OWN_METRIC = "peerpulse_fail_in_flight_seconds"
_VICTIM, _HEALTHY = "node3", "node2"
_SECOND_NS = 1_000_000_000
_ENDED_WITHIN_S = 20
_ABOUT = f"""\
Holds many exchanges to one peer of a lab, cuts that peer's power, and tells how long after the verdict each of them
failed at the client; and what the exchanges with a healthy peer took in the second after the cut.

verdict_to_failed_ms  From monotonic_ns of the peer's `dead` event to the moment at which the client has read the whole
                      503, or the reset of the stream or of the connection. Included: waking peerpulse's
                      workers, failing the exchanges one by one, the kernel's way through loopback, and the client:
                      it is one thread, shares the processors with peerpulse and needs its own time for every
                      failure. So it is an upper bound of what peerpulse takes.
healthy               Of a second client: small exchanges at --rate, h1, 4 connections. The time counts from when an
                      exchange was due, also while the connections are busy; the client's own lateness is not in it,
                      the failing client's and peerpulse's use of the processors is. p99_usual_ms: in the --usual
                      seconds before the cut; p99_cut_ms: of those begun in the second after it; ratio of the two.
                      All rounds together; ratio_worst is that of the worst round.

turns_ms              With --turns: for each thread of peerpulse the longest turn of its loop from the cut until a second after
                      it, in processor time, the worst of all rounds; how many events it served; and how many turns
                      took more than 1 ms. Turns that served more than 16 events stand apart: of those each event is
                      short (a thousand clients that read their answers and close), and only their number is long.

own_ms                What peerpulse measured of the same itself, in all rounds (null where it has no such metric).

One line of JSON per protocol and on_dead. Exit 1 if an exchange did not fail, failed before the verdict, or one with
the healthy peer failed; not for a time."""


@dataclasses.dataclass
class Round:
    cut: Switched
    verdict_ns: int
    failed_ns: list[int]
    outcomes: dict[str, int]
    usual_ms: list[float]
    at_cut_ms: list[float]
    healthy_errors: int
    turns: dict[str, dict]

    @property
    def after_verdict_ms(self) -> list[float]:
        return [milliseconds(self.verdict_ns, at) for at in self.failed_ns]

    @property
    def ratio(self) -> float:
        return quantile(self.at_cut_ms, 0.99) / max(quantile(self.usual_ms, 0.99), 1e-6)


class Bench:
    """One protocol and on_dead: a lab, peerpulse and two peers."""

    def __init__(self, lab: Lab, arguments: argparse.Namespace, protocol: str, on_dead: str) -> None:
        self._lab = lab
        self._arguments = arguments
        self._protocol = protocol
        self._on_dead = on_dead
        self._client_node = lab.node("node1")
        count = arguments.exchanges
        self._connections = count if protocol == "h1" else -(-count // arguments.streams)
        self._victim = HangingPeer(lab.node(_VICTIM)).start()
        self._healthy = HangingPeer(lab.node(_HEALTHY)).start()
        self._peerpulse = Peerpulse(
            self._client_node,
            [Peer(_HEALTHY, self._healthy.address), Peer(_VICTIM, self._victim.address)],
            log={"access": {"mode": "all" if arguments.access_log else "off"}}, on_dead=on_dead,
            # All may be on one worker. Nothing else may end an exchange that is held.
            pool={"max_connections": max(1024, count + 64), "max_pending": max(4096, count + 64)},
            limits={"max_downstream_connections": count + 1000},
            timeouts={"bulk": {"stall": "10m"}})
        self._turns = TurnWatch(self._client_node.directory) if arguments.turns else None

    def run(self) -> dict:
        self._peerpulse.start(launcher=self._turns.launcher if self._turns else ())
        try:
            rounds = [self._round(number) for number in range(1, self._arguments.rounds + 1)]
            own = _own_ms(self._peerpulse.metrics())
            self._peerpulse.check_end()
        finally:
            self._peerpulse.process.terminate()
        return {**self._report(rounds), "own_ms": own}

    def _round(self, number: int) -> Round:
        wait_for(self._all_well, 15, f"{_VICTIM} is alive")
        holding = self._hold()
        steady = ClientRun(self._client_node, "steady", self._peerpulse.listen[_HEALTHY],
                           "--rate", str(self._arguments.rate))
        time.sleep(self._arguments.usual + 0.5)  # the half second warms up and is not counted
        if self._turns:
            self._turns.reset()
        cut = self._lab.cut(_VICTIM)
        held = holding.result(_ENDED_WITHIN_S)
        time.sleep(max(0.0, 1.2 - (time.monotonic_ns() - cut.ordered_ns) / 1e9))
        turns = self._turns.report() if self._turns else {}
        result = self._collect(cut, held, steady.stop(), turns)
        self._restore()
        after = result.after_verdict_ms
        say(f"  round {number}: verdict {milliseconds(cut.ordered_ns, result.verdict_ns)} ms after the cut "
            f"(at {result.verdict_ns} ns), failed after it: p50 {quantile(after, 0.5)} max {max(after)} ms; healthy "
            f"p99 {quantile(result.usual_ms, 0.99):.3f} -> {quantile(result.at_cut_ms, 0.99):.3f} ms, "
            f"max {max(result.usual_ms):.2f} -> {max(result.at_cut_ms):.2f}; load {command.load_average()}")
        return result

    def _all_well(self) -> bool:
        return all(self._peerpulse.peer(name)["circuit"] == "closed" and
                   self._peerpulse.peer(name)["verdict"] == "alive" for name in (_VICTIM, _HEALTHY))

    def _hold(self) -> ClientRun:
        """Returns when the peer has all of them."""
        count = self._arguments.exchanges
        client = ClientRun(self._client_node, "hold", self._peerpulse.listen[_VICTIM], "--protocol", self._protocol,
                           "--exchanges", str(count), "--connections", str(self._connections), "--timeout", "300")

        def all_there() -> bool:
            if not client.running:
                raise BenchFailed(f"exchanges ended before the cut: {client.result(5)['outcomes']}")
            return self._victim.held() == count

        wait_for(all_there, 30, f"{count} exchanges in flight")
        return client

    def _collect(self, cut: Switched, held: dict, steady: dict, turns: dict) -> Round:
        def dead_event() -> dict | None:
            return next((event for event in self._peerpulse.events() if event["peer"] == _VICTIM and
                         event["to"] == "dead" and event["monotonic_ns"] > cut.ordered_ns), None)

        verdict_ns = wait_for(dead_event, 5, f"{_VICTIM} found dead")["monotonic_ns"]
        self._check(held, steady, verdict_ns)
        usual, at_cut = [], []
        for started, duration in steady["samples"]:
            since_cut = started - cut.ordered_ns
            if -self._arguments.usual * _SECOND_NS <= since_cut < 0:
                usual.append(duration / 1e6)
            elif 0 <= since_cut < _SECOND_NS:
                at_cut.append(duration / 1e6)
        if not usual or not at_cut:
            raise BenchFailed("no exchange with the healthy peer before or after the cut")
        return Round(cut, verdict_ns, held["failed_ns"], held["outcomes"], usual, at_cut,
                     sum(steady["errors"].values()), turns)

    def _check(self, held: dict, steady: dict, verdict_ns: int) -> None:
        count = self._arguments.exchanges
        if len(held["failed_ns"]) != count:
            raise BenchFailed(f"{len(held['failed_ns'])} of {count} exchanges failed: {held['outcomes']}")
        if min(held["failed_ns"]) < verdict_ns:
            raise BenchFailed(f"an exchange failed before the verdict: {held['outcomes']}")
        if self._on_dead == "respond" and held["outcomes"] != {"503": count}:
            raise BenchFailed(f"not all were answered 503: {held['outcomes']}")
        if steady["errors"]:
            raise BenchFailed(f"exchanges with the healthy peer failed: {steady['errors']}")

    def _restore(self) -> None:
        # Its connections die unheard of, so that a round leaves nothing to the next one.
        self._victim.kill()
        self._lab.restore(_VICTIM)
        self._victim.start()

    def _report(self, rounds: list[Round]) -> dict:
        after = [value for one in rounds for value in one.after_verdict_ms]
        usual = [value for one in rounds for value in one.usual_ms]
        at_cut = [value for one in rounds for value in one.at_cut_ms]
        verdicts = [milliseconds(one.cut.ordered_ns, one.verdict_ns) for one in rounds]
        return {
            "exchanges": self._arguments.exchanges,
            "protocol": self._protocol,
            "on_dead": self._on_dead,
            "connections": self._connections,
            "rounds": len(rounds),
            "verdict_to_failed_ms": {"p50": quantile(after, 0.5), "max": max(after)},
            "max_of_round_ms": [max(one.after_verdict_ms) for one in rounds],
            "cut_to_verdict_ms": {"p50": quantile(verdicts, 0.5), "max": max(verdicts)},
            "all_failed": all(len(one.failed_ns) == self._arguments.exchanges for one in rounds),
            "outcomes": rounds[-1].outcomes,
            "healthy": {
                "requests": len(at_cut),
                "p99_usual_ms": round(quantile(usual, 0.99), 3),
                "p99_cut_ms": round(quantile(at_cut, 0.99), 3),
                "max_usual_ms": round(max(usual), 3),
                "max_cut_ms": round(max(at_cut), 3),
                "ratio": round(quantile(at_cut, 0.99) / max(quantile(usual, 0.99), 1e-6), 2),
                "ratio_worst": round(max(one.ratio for one in rounds), 2),
                "errors": sum(one.healthy_errors for one in rounds),
            },
            **({"turns_ms": turn_watch.worst([one.turns for one in rounds])} if self._turns else {}),
            "load_average": command.load_average(),
        }


def _own_ms(samples: dict[str, float]) -> dict | None:
    """What peerpulse says itself: from the verdict to the last exchange failed, per death and worker. `max` is a
    bucket's bound, null above all of them. None for a peerpulse without that metric."""
    if not any(series.startswith(_OWN_METRIC) for series in samples):
        return None
    count, seconds = total(samples, f"{_OWN_METRIC}_count"), sum(
        value for series, value in samples.items() if series.partition("{")[0] == f"{_OWN_METRIC}_sum")
    bound = histogram_max({}, samples, _OWN_METRIC)
    return {"n": count, "mean": round(seconds * 1000 / max(count, 1), 3),
            "max": None if bound in (None, float("inf")) else round(bound * 1000, 3)}


def _measure(arguments: argparse.Namespace):
    # peerpulse has two sockets per h1 exchange.
    command.raise_descriptor_limit(2000 if arguments.protocol == "h2" else 2 * arguments.exchanges + 200)
    for protocol in (arguments.protocol,) if arguments.protocol != "both" else ("h1", "h2"):
        for on_dead in (arguments.on_dead,) if arguments.on_dead != "both" else ("respond", "refuse"):
            say(f"{arguments.exchanges} exchanges, {protocol}, on_dead {on_dead}")
            with Lab(nodes=3) as lab:
                result = Bench(lab, arguments, protocol, on_dead).run()
            failed, healthy = result["verdict_to_failed_ms"], result["healthy"]
            say(f"  verdict to failed: p50 {failed['p50']} ms, max {failed['max']} ms; healthy p99 "
                f"{healthy['p99_usual_ms']} -> {healthy['p99_cut_ms']} ms, {healthy['ratio']} times")
            if arguments.turns:
                for thread, turns in result["turns_ms"].items():
                    say(f"  turns of {thread}: {turns}")
            yield result


def _exchange_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("1 to 10000")
    return int(text)


def arguments_parser() -> argparse.ArgumentParser:
    parser = command.parser("inflight", _ABOUT)
    parser.add_argument("--exchanges", type=_exchange_count, default=1000, metavar="N",
                        help="h1: a connection each; h2: --streams on one (1000)")
    parser.add_argument("--streams", type=_exchange_count, default=100, metavar="N",
                        help="h2: on one connection of the client's (100)")
    parser.add_argument("--rounds", type=int, default=5, help="power cuts for each combination (5)")
    parser.add_argument("--protocol", choices=("h1", "h2", "both"), default="both")
    parser.add_argument("--on-dead", choices=("respond", "refuse", "both"), default="both")
    parser.add_argument("--rate", type=int, default=2000, help="exchanges per second with the healthy peer (2000)")
    parser.add_argument("--usual", type=float, default=4, metavar="SECONDS",
                        help="time before the cut to compare with (4)")
    parser.add_argument("--turns", action="store_true", help="take the time of each turn of peerpulse's loops")
    parser.add_argument("--access-log", action="store_true", help="switch peerpulse's access log on")
    return parser


def main() -> int:
    return command.run(arguments_parser().parse_args(), _measure)
