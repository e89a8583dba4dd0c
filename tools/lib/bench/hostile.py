"""See tools/bench/hostile."""

import argparse
import contextlib
import multiprocessing
import pathlib
import shutil
import time

from tests.harness.haproxy_h2_front import HaproxyH2Front
from tests.harness.host import LocalHost
from tests.harness.hostile import ATTACKS, ENHANCE_YOUR_CALM, Attack, Siege
from tests.harness.http1 import Http1Client
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import NghttpdPeer
from tools.lib.bench import command
from tools.lib.bench.command import MIB, BenchFailed, say

_FREE_PER_CONNECTION = 64 << 10
_MAX_RATIO, _GOAL_RATIO = 8, 2
_STATE_PER_CONNECTION = 3 * MIB
"""What the streams of `limits.max_concurrent_streams` (256) are, whatever they carry, and the buffers of the connections at both
ends: a request of 25 bytes is some KiB of state."""
_MAX_SLOWER = 3
_MAX_KEPT_MIB = 20
_PACE_S = 0.005
_LEAST_P99_S = 0.002
"""Below this a multiple says more of this machine's other programs than of the attack."""
_ABOUT = f"""\
What clients that mean harm cost, one class of attack after the other, each against a proxy of its own in front of nghttpd, while an
innocent client asks for a small answer every {_PACE_S * 1000:.0f} ms on connections of its own. HAProxy beside where it is
installed.

sent: by the attacker. grew: the peak of resident memory beyond that at the start. ratio: of what grew beyond 64 KiB a connection to
what was sent; goal {_GOAL_RATIO}, at most {_MAX_RATIO} unless it all is below {_STATE_PER_CONNECTION // MIB} MiB a connection, which
the streams of limits.max_concurrent_streams may be. p99: of the innocent client during the attack, as a multiple of before (of
{_LEAST_P99_S * 1000:.0f} ms if that was less), at most {_MAX_SLOWER}; errors: its failed requests. after: resident memory --back
seconds after the end, beyond the start; at most {_MAX_KEPT_MIB} MiB. end: how a flood was answered.

Exit 1 if a bound does not hold for peerpulse."""


class Process:
    """The resident memory of a proxy."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def mib(self, name: str) -> float:
        for line in pathlib.Path(f"/proc/{self._pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise KeyError(name)


def _ask(address: tuple[str, int], stop, results) -> None:
    """The innocent client, a process of its own: when each request began, and what it took (None: it failed)."""
    taken = []
    host = LocalHost()
    with contextlib.closing(host), Http1Client(host, address) as client:
        client.request("GET", "/small")
        results.put(None)
        while not stop.is_set():
            began = time.monotonic()
            try:
                if client.request("GET", "/small").status != 200:
                    raise ConnectionError("no answer")
                taken.append((began, time.monotonic() - began))
            except OSError:
                taken.append((began, None))
                break
            time.sleep(_PACE_S)
    results.put(taken)


class Innocent:
    def __init__(self, address: tuple[str, int]) -> None:
        context = multiprocessing.get_context("fork")
        self._stop = context.Event()
        self._results = context.Queue()
        self._process = context.Process(target=_ask, args=(address, self._stop, self._results), daemon=True)
        self._process.start()
        self._results.get(timeout=20)

    def finish(self) -> list[tuple[float, float | None]]:
        self._stop.set()
        taken = self._results.get(timeout=60)
        self._process.join()
        return taken


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] if times else float("nan")


def _measure_attack(host, attack: Attack, pid: int, address: tuple[str, int], arguments) -> dict:
    innocent = Innocent(address)
    time.sleep(arguments.before)
    process = Process(pid)
    start = process.mib("VmRSS")
    began = time.monotonic()
    with Siege(host, address) as siege:
        attack.run(siege)
        time.sleep(0 if attack.flood else arguments.hold)
        sent, wires, ends = siege.sent, len(siege.wires), siege.goaways()
        if not attack.flood:
            ends = []
    grew = process.mib("VmHWM") - start
    while attack.flood and time.monotonic() < began + arguments.hold:  # one alone is over before the innocent has asked twice
        with Siege(host, address) as siege:
            attack.run(siege)
    ended = time.monotonic()
    taken = innocent.finish()
    before = _p99([took for at, took in taken if took is not None and at < began])
    during = _p99([took for at, took in taken if took is not None and at + took >= began and at < ended])
    time.sleep(max(0, arguments.back - (time.monotonic() - ended)))
    beyond = max(0.0, grew * MIB - wires * _FREE_PER_CONNECTION)
    return {
        "attack": attack.name, "connections": wires, "sent": sent, "grew_mib": round(grew, 1), "ratio": round(beyond / sent, 1),
        "p99_before_ms": round(before * 1000, 2), "p99_during_ms": round(during * 1000, 2),
        "slower": round(during / max(before, _LEAST_P99_S), 1),
        "errors": sum(took is None for _, took in taken), "asked": len(taken),
        "after_mib": round(process.mib("VmRSS") - start, 1),
        "calmed": all(code == ENHANCE_YOUR_CALM for code in ends) if attack.flood else None,
        "goaway": ends[0] if ends else None,
    }


def _line(proxy: str, row: dict) -> str:
    end = "" if row["calmed"] is None else ("calm" if row["calmed"] else f"GOAWAY {row['goaway']}")
    return (f"{proxy:9} {row['attack']:25} sent {row['sent'] / 1024:8.0f} KiB  grew {row['grew_mib']:6.1f} MiB  "
            f"ratio {row['ratio']:7.1f}  p99 {row['slower']:5.1f}x ({row['p99_during_ms']:.1f} ms)  errors {row['errors']}  "
            f"after {row['after_mib']:5.1f} MiB  {end}")


def _complaints(row: dict) -> list[str]:
    bounds = {
        f"ratio {row['ratio']}": (row["ratio"] <= _MAX_RATIO
                                  or row["grew_mib"] * MIB <= row["connections"] * _STATE_PER_CONNECTION),
        f"innocent p99 {row['slower']}x": row["slower"] <= _MAX_SLOWER,
        f"{row['errors']} errors": row["errors"] == 0,
        f"kept {row['after_mib']} MiB": row["after_mib"] <= _MAX_KEPT_MIB,
        f"ended by {row['goaway']}": row["calmed"] is not False,
    }
    return [f"{row['attack']}: {text}" for text, good in bounds.items() if not good]


@contextlib.contextmanager
def _peerpulse(host, peer: NghttpdPeer):
    with Peerpulse(host, [Peer("node2", peer.address, {"protocol": "http2"})]) as peerpulse:
        peerpulse.wait_verdict("node2", "alive")
        yield peerpulse.process.pid, peerpulse.listen["node2"]


@contextlib.contextmanager
def _haproxy(host, peer: NghttpdPeer):
    front = HaproxyH2Front(host, peer.address).start()
    try:
        yield front.process.pid, (host.address, front.port)
    finally:
        front.process.kill()


def _measure(arguments: argparse.Namespace):
    attacks = [attack for attack in ATTACKS if not arguments.attack or attack.name in arguments.attack]
    proxies = {"peerpulse": _peerpulse}
    if arguments.beside and shutil.which("haproxy"):
        proxies["haproxy"] = _haproxy
    complaints = []
    host = LocalHost()
    with contextlib.closing(host):
        peer = NghttpdPeer(host)
        peer.add_file("large", bytes(MIB))
        peer.add_file("small", b"small")
        peer.start()
        for attack in attacks:
            for name, start in proxies.items():
                with start(host, peer) as (pid, address):
                    row = _measure_attack(host, attack, pid, address, arguments)
                say(_line(name, row))
                if name == "peerpulse":
                    complaints += _complaints(row)
                yield {"proxy": name, **row, "load_average": command.load_average()}
    if complaints:
        raise BenchFailed("; ".join(complaints))


def main() -> int:
    parser = command.parser("hostile", _ABOUT)
    parser.add_argument("--attack", action="append", choices=[attack.name for attack in ATTACKS], metavar="NAME",
                        help="only this one (may be given often): " + ", ".join(attack.name for attack in ATTACKS))
    parser.add_argument("--before", type=float, default=1, metavar="SECONDS", help="time before the attack (1)")
    parser.add_argument("--hold", type=float, default=3, metavar="SECONDS", help="time an attack is held, or a flood repeated (3)")
    parser.add_argument("--back", type=float, default=30, metavar="SECONDS",
                        help="time until the memory is to be given back (30)")
    parser.add_argument("--beside", action=argparse.BooleanOptionalAction, default=True, help="HAProxy, too")
    return command.run(parser.parse_args(), _measure, lab=False)
