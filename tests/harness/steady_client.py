"""Real clients that make one exchange after the other at a low rate, and say of each how it went."""

import dataclasses
import itertools
import pathlib
import subprocess
import sys

from tests.harness.clients import url
from tests.harness.programs import CLIENTS

_GRACE_S = 30
"""More than the slowest exchange takes: each has a limit of its own, the client's or peerpulse's."""
_numbers = itertools.count(1)
"""For the names of their files."""


@dataclasses.dataclass
class SteadyResult:
    latencies_ms: list[float] = dataclasses.field(default_factory=list)
    """Of the exchanges that were answered as they should be."""
    failures: list[str] = dataclasses.field(default_factory=list)


class SteadyClient:
    """One process; it ends by itself after `exchanges`, `rate` of them a second."""

    def __init__(self, host, argv: list[str], exchanges: int, rate: float) -> None:
        self._timeout = exchanges / rate + _GRACE_S
        self._expected = exchanges
        # Not a pipe: nobody reads it before the end.
        self._process = host.spawn(argv, name=f"steady-{next(_numbers)}")

    def _exchanges(self, output: str) -> list[tuple[bool, float, str]]:
        """Of each exchange: whether it was good, its milliseconds, and what was said of it."""
        raise NotImplementedError

    def result(self) -> SteadyResult:
        """Waits for its end. An exchange that was not even tried is a failure."""
        try:
            self._process.popen.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        output = self._process.output()
        result = SteadyResult()
        exchanges = self._exchanges(output)
        for good, milliseconds, text in exchanges:
            if good:
                result.latencies_ms.append(milliseconds)
            else:
                result.failures.append(text)
        if len(exchanges) != self._expected:
            result.failures.append(f"{len(exchanges)} of {self._expected} exchanges: {output[-500:]}")
        return result


class SteadyH2(SteadyClient):
    """h2load on one HTTP/2 connection: GETs, or POSTs of `body`."""

    def __init__(self, host, address: tuple[str, int], exchanges: int, rate: float, body: bytes = b"") -> None:
        self._log = pathlib.Path(host.directory) / f"h2load-{next(_numbers)}.log"
        data = []
        if body:
            file = self._log.with_suffix(".body")
            file.write_bytes(body)
            data = ["-d", str(file)]
        argv = ["h2load", "-n", str(exchanges), "-c1", "-m1", f"--rps={rate:g}", "--log-file", str(self._log), *data,
                url(address, "/steady")]
        super().__init__(host, argv, exchanges, rate)

    def _exchanges(self, output: str) -> list[tuple[bool, float, str]]:
        if not self._log.exists():
            return []
        rows = [line.split("\t") for line in self._log.read_text(encoding="ascii").splitlines()]
        return [(status == "200", int(micros) / 1000, f"status {status} after {micros} us")
                for _, status, micros, *_ in rows]


class SteadyGrpc(SteadyClient):
    """Unary calls of a Python client on one channel."""

    def __init__(self, host, address: tuple[str, int], exchanges: int, rate: float) -> None:
        argv = [sys.executable, "-B", str(CLIENTS / "grpc_steady.py"), f"{address[0]}:{address[1]}", str(exchanges),
                str(1 / rate)]
        super().__init__(host, argv, exchanges, rate)

    def _exchanges(self, output: str) -> list[tuple[bool, float, str]]:
        calls = [line.split(" ", 3) for line in output.splitlines() if line.startswith("call ")]
        return [(status == "OK", float(milliseconds), f"{status} after {milliseconds} ms: {details}")
                for _, status, milliseconds, details in calls]
