"""peerpulse itself: the built program, with a configuration written by the test."""

import dataclasses
import datetime
import json
import os
import pathlib
import re

from tests.harness.host import free_port
from tests.harness.http1 import Response, request
from tests.harness.waiting import wait_for

SANITIZER = os.environ.get("PEERPULSE_SANITIZER", "")
SLOWDOWN = 5 if SANITIZER else 1
"""How much longer a sanitized program may take."""

_SANITIZER_REPORT = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:)")


def build_directory() -> pathlib.Path:
    root = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(os.environ.get("PEERPULSE_BUILD", root / "build"))


def program(name: str = "peerpulse") -> str:
    """The path of a built program."""
    folders = {"peerpulse": "src/server", "grpc_server": "tests/servers", "blocked_sockets": "tests/clients"}
    path = build_directory() / folders.get(name, f"tools/{name}") / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built (PEERPULSE_BUILD names the build directory)")
    return str(path)


@dataclasses.dataclass
class Peer:
    """One entry of `peers`; `address` is where the real peer is."""

    name: str
    address: str
    options: dict = dataclasses.field(default_factory=dict)


class Peerpulse:
    """Started by start(), or by `with`; ends by SIGTERM, and the end is checked."""

    def __init__(self, host, peers: list[Peer], **config) -> None:
        """`config` are top-level keys of the configuration; those given here are only defaults."""
        self.host = host
        admin = {"listen": "127.0.0.1:{}".format(free_port(host, "127.0.0.1")), **config.pop("admin", {})}
        address, _, port = admin["listen"].rpartition(":")
        self.admin = (address, int(port))
        self.listen: dict[str, tuple[str, int]] = {}
        """Where the local client reaches each peer."""
        entries = []
        for peer in peers:
            entry = {"name": peer.name, "address": peer.address, **peer.options}
            guards_only = {**config.get("guard", {}), **entry.get("guard", {})}.get("mode") == "guard"
            if not guards_only and "transparent" not in config:
                self.listen[peer.name] = ("127.0.0.1", free_port(host, "127.0.0.1"))
                entry.setdefault("listen", "{}:{}".format(*self.listen[peer.name]))
            entries.append(entry)
        self.config = {
            "node": "node1", "workers": 2, "preset": "generic",
            "admin": admin,
            "peers": entries,
            **config,
        }
        self.config_file = host.directory / f"peerpulse-{self.admin[1]}.json"
        self.process = None
        self.write()

    def write(self) -> "Peerpulse":
        """After a change of `config`."""
        self.config_file.write_text(json.dumps(self.config, indent=1), encoding="utf-8")
        return self

    def start(self, ready_timeout: float = 10, launcher: tuple[str, ...] = ()) -> "Peerpulse":
        """Also again, after its end. `launcher`: a command that becomes the program (prlimit, nice)."""
        self.spawn(launcher)
        self.wait_ready(ready_timeout)
        return self

    def spawn(self, launcher: tuple[str, ...] = ()) -> None:
        argv = [*launcher, program(), "run", "--config", str(self.config_file)]
        self.process = self.host.spawn(argv, name=f"peerpulse-{self.admin[1]}")

    def wait_ready(self, ready_timeout: float = 10) -> None:
        wait_for(self._ready, ready_timeout * SLOWDOWN, "peerpulse ready")

    def _ready(self) -> bool:
        if not self.process.running:
            status = self.process.popen.returncode
            raise AssertionError(f"peerpulse ended with {status}:\n{self.process.output()}")
        try:
            return self.get("/readyz").status == 200
        except ConnectionError:
            return False

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        return self.process.terminate(timeout=20 * SLOWDOWN)

    def check_end(self) -> None:
        """Ends it if it still runs. It must have ended well, without a report of a sanitizer."""
        if self.process is None:
            return
        status = self.stop() if self.process.running else self.process.popen.returncode
        report = _SANITIZER_REPORT.search(self.process.output())
        if report:
            raise AssertionError(f"a sanitizer reports:\n{self.process.output()[report.start():][:8000]}")
        if status != 0:
            raise AssertionError(f"peerpulse ended with {status}:\n{self.process.output()[-4000:]}")

    def __enter__(self) -> "Peerpulse":
        return self.start()

    def __exit__(self, kind, *_rest) -> None:
        if kind is None:
            self.check_end()
        else:
            self.process.terminate()

    # Admin.

    def get(self, path: str) -> Response:
        return request(self.host, self.admin, "GET", path)

    def post(self, path: str, body: dict) -> Response:
        return request(self.host, self.admin, "POST", path, json.dumps(body).encode(),
                       {"Content-Type": "application/json"})

    def peer(self, name: str) -> dict:
        return self.get(f"/peers/{name}").json()

    def events(self, kind: str = "transition") -> list[dict]:
        """Those of the history whose `event` is `kind`."""
        history = self.get("/events?history=1").json()
        return [event for event in history["events"] if event["event"] == kind]

    def wait_verdict(self, name: str, verdict: str, timeout: float = 5) -> dict:
        def matches():
            state = self.peer(name)
            return state if state["verdict"] == verdict else None
        return wait_for(matches, timeout * SLOWDOWN, f"{name} {verdict}")

    def wait_circuit(self, name: str, circuit: str, timeout: float = 5) -> dict:
        def matches():
            state = self.peer(name)
            return state if state["circuit"] == circuit else None
        return wait_for(matches, timeout * SLOWDOWN, f"circuit of {name} {circuit}")

    def metrics(self) -> dict[str, float]:
        """Samples by name and labels as written, e.g. `peerpulse_verdict{peer="node2"}`."""
        samples = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                samples[series] = float(value)
        return samples

    # The process.

    def log_lines(self) -> list[dict]:
        """What it logged, parsed; every line must be JSON. All of what it had logged when this was called: a thread of
        its own writes the lines, which may come after what they tell of has been seen."""
        if self.process.running:
            metrics = self.metrics()
            due = metrics["peerpulse_log_lines_total"] - metrics["peerpulse_log_dropped_total"]
            wait_for(lambda: len(self.process.lines()) >= due, 10 * SLOWDOWN, "the log thread writes")
        return [json.loads(line) for line in self.process.lines() if line.strip()]

    def resident_bytes(self) -> int:
        return self._status_field("VmRSS") * 1024

    def reset_peak(self) -> None:
        """peak_bytes() counts from here."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_bytes(self) -> int:
        return self._status_field("VmHWM") * 1024

    def page_faults(self) -> int:
        """Those that needed no disk, of all threads, since the start: proc(5), minflt."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[7])

    def _status_field(self, name: str) -> int:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)


def parse_time(text: str) -> datetime.datetime:
    """RFC 3339."""
    return datetime.datetime.fromisoformat(text)
