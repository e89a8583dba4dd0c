"""See tools/bench/memory."""

import argparse
import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import time

from tests.harness.clients import url
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.waiting import wait_for
from tools.lib.bench import command
from tools.lib.bench.command import MIB, BenchFailed, say
from tools.lib.bench.storage_node import StorageNode
from tools.lab import Lab, Node

_TARGET_MIB = 8
_SAMPLE_S = 0.01
_TRANSFER_S = 300
_CURL_TIMEOUT = 28
_ABOUT = f"""\
How much the resident memory of peerpulse grows while one body goes through it, in a lab with a real storage node as
the peer and curl as the client: PUT and GET, h1 and h2c, with two ends that keep up, with a client that reads slowly
(4 MiB/s, given up after --slow seconds) and with a peer that stops reading (for --slow seconds, then goes on).

cold: of a peerpulse that has carried nothing before; warm: the same again in the same process. Each is the peak
(VmHWM, set back before) minus VmRSS just before. It includes the pages of the program's own code and libraries that
are touched for the first time; anon_cold and anon_warm (RssAnon, sampled) are without them.

Exit 1 if a transfer fails or a growth is above {_TARGET_MIB} MiB."""


class Transfer:
    """One curl."""

    def __init__(self, node: Node, protocol: str, target: str, *options: str) -> None:
        version = "--http2-prior-knowledge" if protocol == "h2" else "--http1.1"
        argv = ["curl", "-sS", version, "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{size_upload}",
                "--max-time", str(_TRANSFER_S), *options, target]
        with node.entered():
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True)

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def check(self, status: int, downloaded: int | None, uploaded: int, exit_code: int = 0) -> None:
        output, errors = self.popen.communicate()
        done = [int(text) for text in output.split()]
        good = self.popen.returncode == exit_code and done[0] == status and done[2] == uploaded
        if not good or (downloaded is not None and done[1] != downloaded):
            raise BenchFailed(f"{self.popen.args}: exit {self.popen.returncode}, status and bytes {output}: {errors}")

    def kill(self) -> None:
        if self.running:
            self.popen.kill()
        self.popen.communicate()


class Growth:
    """What the process has grown by since this was made. Not for two at a time: it sets the peak back."""

    def __init__(self, peerpulse: Peerpulse) -> None:
        self._peerpulse = peerpulse
        peerpulse.reset_peak()
        self._before = peerpulse.resident_bytes()
        self._anonymous_before = self._anonymous_peak = self._anonymous()

    def sample(self) -> None:
        self._anonymous_peak = max(self._anonymous_peak, self._anonymous())

    def _anonymous(self) -> int:
        status = pathlib.Path(f"/proc/{self._peerpulse.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024

    def mib(self) -> tuple[float, float]:
        """Of all, and of the anonymous memory."""
        return (round((self._peerpulse.peak_bytes() - self._before) / MIB, 2),
                round((self._anonymous_peak - self._anonymous_before) / MIB, 2))


class Bench:
    """What the transfers share. A method per case; each returns once its transfer is over and was right."""

    def __init__(self, lab: Lab, arguments: argparse.Namespace, disk: pathlib.Path) -> None:
        self._node = lab.node("node1")
        self._size = arguments.size
        self._slow = arguments.slow
        self._storage = StorageNode(lab.node("node2"), disk, max(self._size, MIB))
        self._body = self._node.directory / "body"
        with open(self._body, "wb") as file:
            file.truncate(self._size)  # sparse: reading it costs little
        direct = Transfer(self._node, "h1", f"http://{self._storage.address}/chunks/disk1/source",
                          "-T", str(self._body))
        direct.check(201, None, self._size)
        self.peerpulse: Peerpulse | None = None
        self._sequence = 0

    @contextlib.contextmanager
    def fresh_peerpulse(self):
        # A client that reads slowly, or a peer that stands still, is no failure here.
        with Peerpulse(self._node, [Peer("node2", self._storage.address)],
                       timeouts={"bulk": {"stall": "5m", "min_bytes_per_second": 0}}) as peerpulse:
            self.peerpulse = peerpulse
            peerpulse.wait_verdict("node2", "alive")
            yield

    def _target(self, name: str) -> str:
        return url(self.peerpulse.listen["node2"], f"/chunks/disk1/{name}")

    def _start_put(self, protocol: str) -> tuple[Transfer, str]:
        self._sequence += 1
        target = self._target(f"body{self._sequence}")
        return Transfer(self._node, protocol, target, "-T", str(self._body)), target

    def _finish_put(self, transfer: Transfer, target: str, growth: Growth) -> None:
        _follow(transfer, growth)
        transfer.check(201, None, self._size)
        Transfer(self._node, "h1", target, "-X", "DELETE").check(204, 0, 0)

    def put(self, protocol: str, growth: Growth) -> None:
        self._finish_put(*self._start_put(protocol), growth)

    def get(self, protocol: str, growth: Growth) -> None:
        transfer = Transfer(self._node, protocol, self._target("source"))
        _follow(transfer, growth)
        transfer.check(200, self._size, 0)

    def get_slow_reader(self, protocol: str, growth: Growth) -> None:
        transfer = Transfer(self._node, protocol, self._target("source"), "--limit-rate", "4M",
                            "--max-time", str(self._slow))
        _follow(transfer, growth)
        transfer.check(200, None, 0, _CURL_TIMEOUT)

    def put_stopped_peer(self, protocol: str, growth: Growth) -> None:
        transfer, target = self._start_put(protocol)
        try:
            wait_for(lambda: self.peerpulse.peer("node2")["in_flight"] == 1, 10, "the upload is under way")
            self._storage.process.stop()
            until = time.monotonic() + self._slow
            while time.monotonic() < until:
                growth.sample()
                time.sleep(_SAMPLE_S)
            if not transfer.running:
                raise BenchFailed("the upload was over before its peer stopped; use a larger --size")
        except BaseException:
            transfer.kill()
            raise
        finally:
            self._storage.process.cont()
        self._finish_put(transfer, target, growth)


def _follow(transfer: Transfer, growth: Growth) -> None:
    try:
        while transfer.running:
            growth.sample()
            time.sleep(_SAMPLE_S)
    except BaseException:
        transfer.kill()
        raise


def _run_case(bench: Bench, case, protocol: str) -> dict:
    result = {}
    with bench.fresh_peerpulse():
        for state in ("cold", "warm"):
            growth = Growth(bench.peerpulse)
            started = time.monotonic()
            case(protocol, growth)
            result[state], result[f"anon_{state}"] = growth.mib()
            say(f"  {protocol} {case.__name__} {state}: grew by {result[state]} MiB, anonymous "
                f"{result[f'anon_{state}']} MiB, in {time.monotonic() - started:.1f} s")
        result["rss"] = round(bench.peerpulse.resident_bytes() / MIB, 1)
    return result


def _disk_parent(arguments: argparse.Namespace) -> pathlib.Path:
    if arguments.disks is not None:
        arguments.disks.mkdir(parents=True, exist_ok=True)
        return arguments.disks
    memory = pathlib.Path("/dev/shm")
    # Files there are memory: leave most of it alone.
    if memory.is_dir() and shutil.disk_usage(memory).free > 8 * arguments.size:
        return memory
    return pathlib.Path(tempfile.gettempdir())


def _measure(arguments: argparse.Namespace):
    growth: dict[str, dict] = {}
    with Lab(nodes=2) as lab, tempfile.TemporaryDirectory(
            prefix="peerpulse-bench-", dir=_disk_parent(arguments)) as disk:
        bench = Bench(lab, arguments, pathlib.Path(disk))
        say(f"{arguments.size / MIB:.0f} MiB bodies; the peer's disk in {disk}")
        for protocol in ("h1", "h2"):
            cases = (bench.put, bench.get, bench.get_slow_reader, bench.put_stopped_peer)
            growth[protocol] = {case.__name__: _run_case(bench, case, protocol) for case in cases}
    largest = max(case[state] for cases in growth.values() for case in cases.values() for state in ("cold", "warm"))
    yield {"size_mib": arguments.size // MIB, "growth_mib": growth, "max_growth_mib": largest,
           "target_mib": _TARGET_MIB, "within_target": largest <= _TARGET_MIB,
           "load_average": command.load_average()}
    if largest > _TARGET_MIB:
        raise BenchFailed(f"grew by {largest} MiB, above {_TARGET_MIB} MiB")


def main() -> int:
    parser = command.parser("memory", _ABOUT)
    parser.add_argument("--size", type=command.size, default=command.size("1GiB"), help="of a body (1GiB)")
    parser.add_argument("--slow", type=int, default=4, metavar="SECONDS",
                        help="time of a slow reader or stopped peer (4)")
    parser.add_argument("--disks", type=pathlib.Path, metavar="DIR",
                        help="where the peer stores (default: memory if there is room, else the temporary directory)")
    return command.run(parser.parse_args(), _measure)
