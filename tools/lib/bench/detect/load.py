"""Exchanges through peerpulse by h2load, and how many of them did not succeed."""

import re
import subprocess

from tests.harness.clients import url
from tools.lib.bench.command import BenchFailed
from tools.lab import Node

_REQUESTS = re.compile(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
                       r"(\d+) errored, (\d+) timeout")
_STATUS = re.compile(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx")


class Load:
    """One h2load with a duration; it ends by itself."""

    def __init__(self, node: Node, target: tuple[str, int], seconds: float, *, path: str = "/small", clients: int = 1,
                 streams: int = 1, rate: int = 0, upload: str | None = None, h1: bool = False) -> None:
        """`rate`: exchanges per second and client. `streams`: not of h1, which would be pipelined. `upload`: file that is the body of each."""
        argv = ["h2load", "-D", str(max(1, round(seconds))), "-c", str(clients), "-m", str(1 if h1 else streams), "-t", "1",
                "-w", "20", "-W", "22"]
        argv += ["--h1"] if h1 else []
        argv += ["--rps", str(rate)] if rate else []
        argv += ["-d", upload] if upload else []
        self._seconds = seconds
        self._node = node
        self._process = node.spawn([*argv, url(target, path)], name=f"h2load-{target[1]}", stdout=subprocess.PIPE)

    def stop(self) -> None:
        """For a load whose result does not matter."""
        self._process.kill()
        self._process.popen.stdout.close()
        self._node.processes.remove(self._process)

    def result(self) -> dict:
        """Waits for the end. resets: the connection or stream ended without an answer; refusals: 5xx."""
        try:
            output = self._process.popen.communicate(timeout=self._seconds + 30)[0].decode()
        except subprocess.TimeoutExpired as error:
            raise BenchFailed(f"h2load does not end: {self._process.popen.args}") from error
        finally:
            if self._process.running:
                self._process.kill()
            self._node.processes.remove(self._process)
        requests, status = _REQUESTS.search(output), _STATUS.search(output)
        if requests is None or status is None:
            raise BenchFailed(f"h2load:\n{output[-2000:]}\n{self._process.output()[-2000:]}")
        _, _, done, succeeded, failed, errored, timeouts = (int(text) for text in requests.groups())
        return {"exchanges": done, "succeeded": succeeded, "failed_exchanges": failed + timeouts,
                "resets": errored, "refusals": int(status[4])}


def add(results: list[dict]) -> dict:
    return {key: sum(result[key] for result in results)
            for key in ("exchanges", "succeeded", "failed_exchanges", "resets", "refusals")}


def failures(result: dict) -> list[str]:
    """Where not one exchange may fail."""
    return [f"{result[key]} {key}" for key in ("resets", "refusals", "failed_exchanges") if result[key]]


def carried(node: Node, device: str = "eth0") -> tuple[int, int]:
    """Bytes that the node's interface has received and sent."""
    with node.entered(), open("/proc/thread-self/net/dev", encoding="ascii") as table:
        for line in table:
            name, _, counters = line.partition(":")
            if name.strip() == device:
                fields = counters.split()
                return int(fields[0]), int(fields[8])
    raise KeyError(device)
