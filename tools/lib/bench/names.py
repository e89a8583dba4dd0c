"""See tools/bench/names."""

import argparse
import contextlib
import math
import multiprocessing
import time

from tests.harness.dns_server import NXDOMAIN, REFUSED, SERVFAIL, DnsServer, Reply
from tests.harness.host import LocalHost
from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.recording_peer import RecordingPeer
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed, say

_DELAY_MS = 1.0
_STEP_S = 0.4
_OTHERS = 10
_PEERS = ("literal", "cached")
_ROUND = 50
_ABOUT = f"""\
What exchanges notice of DNS: two peerpulse run side by side with the same peers, {_OTHERS} of which have names that lead nowhere. The
DNS server of one answers at once, and the name in use for an hour; that of the other is late, silent, wrong, empty, refuses, answers
with a TTL of 0 and with 50 addresses in turn, all the time. The same client sends a request to each of them in turn: to a peer by
its literal address, and to one by a name that was answered before.

Target: no exchange is delayed by {_DELAY_MS:g} ms by what DNS does. Of each pair the difference is taken; those of {_DELAY_MS:g} ms and more
are noise of the machine where there are as many in favour of either: run it on one that has nothing else to do."""


def _fifty(last: str) -> tuple[str, ...]:
    return (last, *(f"127.99.0.{i}" for i in range(1, 50)))


def _misbehave(pipe, address: str, step: float) -> None:
    """The DNS servers, in a process of their own: the client's interpreter must not be theirs."""
    host = LocalHost()
    good = DnsServer(host, {"cached.example": Reply((address,), ttl=3600)})
    bad = DnsServer(host, {"cached.example": Reply((address,), ttl=0)})
    pipe.send((good.address, bad.address))
    pipe.recv()  # both are known by now
    moods = [Reply(silent=True), Reply((address,), ttl=0, delay=0.3), Reply(rcode=SERVFAIL), Reply(rcode=NXDOMAIN),
             Reply(rcode=REFUSED), Reply(), Reply((address,), other_question=True), Reply((address,), ttl=0),
             Reply(_fifty(address), ttl=0, truncated=True), Reply(_fifty(address)[::-1], ttl=0)]
    while not pipe.poll(step):
        moods.append(moods.pop(0))
        bad.zone["cached.example"] = moods[0]
        for i in range(_OTHERS):
            bad.zone[f"other{i}.example"] = Reply(silent=True) if moods[0].ttl == 0 else moods[0]
    pipe.send(sum(bad.questions.values()))


def _config(server: str) -> dict:
    return {"dns": {"servers": [server], "timeout": "200ms", "tries": 1, "min_ttl": "200ms", "retry": "200ms"},
            "guard": {"mode": "proxy"}, "log": {"access": {"mode": "off"}}, "metrics": {"per_peer": "full"}}


def _peerpulse(host, server: str, literal: str) -> Peerpulse:
    port = literal.rpartition(":")[2]
    peers = [Peer("literal", literal, {"protocol": "http1"}), Peer("cached", f"cached.example:{port}", {"protocol": "http1"})]
    peers += [Peer(f"other{i}", f"other{i}.example:{port}", {"protocol": "http1"}) for i in range(_OTHERS)]
    return Peerpulse(host, peers, **_config(server))


def _timed(client: Http1Client) -> float:
    began = time.perf_counter()
    response = client.request("GET", "/x")
    took = (time.perf_counter() - began) * 1000
    if response.status != 200:
        raise BenchFailed(f"an exchange was answered {response.status}")
    return took


def _compare(quiet: list[float], troubled: list[float]) -> dict:
    differences = [bad - good for good, bad in zip(quiet, troubled)]
    slower = sum(difference >= _DELAY_MS for difference in differences)
    quicker = sum(difference <= -_DELAY_MS for difference in differences)

    def at(values, share):
        return round(sorted(values)[int(share * (len(values) - 1))], 3)
    return {"quiet_p50_ms": at(quiet, 0.5), "troubled_p50_ms": at(troubled, 0.5),
            "quiet_p99_ms": at(quiet, 0.99), "troubled_p99_ms": at(troubled, 0.99),
            "pairs_slower": slower, "pairs_quicker": quicker}


def _round(host, both: list[Peerpulse], times: dict) -> None:
    """On connections of their own: which worker and which processor one has is a matter of luck."""
    with contextlib.ExitStack() as stack:
        clients = {key: stack.enter_context(Http1Client(host, both[key[0]].listen[key[1]])) for key in times}
        for client in clients.values():
            _timed(client)  # is connected by then, on both sides
        for turn in range(_ROUND):
            for peer in _PEERS:
                for number in ((0, 1) if turn % 2 else (1, 0)):
                    times[number, peer].append(_timed(clients[number, peer]))
            time.sleep(0.0005)


def measure(pairs: int) -> dict:
    host = LocalHost()
    with contextlib.ExitStack() as stack:
        stack.callback(host.close)
        server = RecordingPeer(host)
        stack.callback(server.server.close)
        ours, theirs = multiprocessing.Pipe()
        dns = multiprocessing.get_context("fork").Process(
            target=_misbehave, args=(theirs, "127.0.0.1", _STEP_S), daemon=True)
        dns.start()
        stack.callback(dns.join, 10)
        good, bad = ours.recv()
        both = [stack.enter_context(_peerpulse(host, dns_server, server.address)) for dns_server in (good, bad)]
        for peerpulse in both:
            for peer in _PEERS:
                peerpulse.wait_verdict(peer, "alive")
        ours.send("begin")
        times: dict = {(number, peer): [] for number in range(2) for peer in _PEERS}
        for _ in range(math.ceil(pairs / _ROUND)):
            _round(host, both, times)
            server.requests.clear()
        ours.send("end")
        questions = ours.recv()
        metrics = both[1].metrics()
        failures = sum(both[1].peer(peer)["failures_total"] for peer in ("literal", "cached"))
    troubles = sum(value for series, value in metrics.items()
                   if series.startswith('peerpulse_dns_resolutions_total{peer="cached"') and '"ok"' not in series)
    return {"pairs": pairs, "dns_questions": questions, "dns_troubles_of_the_cached_name": troubles,
            "failures": failures, **{peer: _compare(times[0, peer], times[1, peer]) for peer in ("literal", "cached")},
            "target_ms": _DELAY_MS, "load_average": command.load_average()}


def _measure(arguments: argparse.Namespace):
    result = measure(arguments.pairs)
    if result["failures"]:
        raise BenchFailed(f"{result['failures']} exchanges failed")
    if not result["dns_troubles_of_the_cached_name"]:
        raise BenchFailed("DNS was no trouble: nothing was measured")
    for peer in ("literal", "cached"):
        one = result[peer]
        say(f"{peer}: p50 {one['quiet_p50_ms']} -> {one['troubled_p50_ms']} ms, p99 {one['quiet_p99_ms']} -> "
            f"{one['troubled_p99_ms']} ms; of {result['pairs']} pairs {one['pairs_slower']} were {_DELAY_MS:g} ms slower with the "
            f"trouble, {one['pairs_quicker']} without it")
        if one["pairs_slower"] > 10 + 2 * one["pairs_quicker"]:
            raise BenchFailed(f"{peer}: {one['pairs_slower']} exchanges were {_DELAY_MS:g} ms slower by DNS")
    yield result


def main() -> int:
    parser = command.parser("names", _ABOUT)
    parser.add_argument("--pairs", type=int, default=10000, metavar="N", help="of requests (default: 10000)")
    return command.run(parser.parse_args(), _measure, lab=False)
