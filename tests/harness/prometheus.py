"""A real Prometheus (Debian's) with the shipped rules, and what it says."""

import json
import pathlib
import shutil
import urllib.parse

import yaml

from tests.harness import scaled_rules
from tests.harness.host import free_port
from tests.harness.http1 import request
from tests.harness.waiting import wait_for

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "conf/prometheus"
RULES = FOLDER / "rules.yml"
ALERTS = FOLDER / "alerts.yml"
_LOOKBACK_S = 300
"""Prometheus' default: for how long a sample stands for what came after it."""


def missing() -> str:
    """Why there can be none on this machine; empty if there can."""
    absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (tools/setup --all)" if absent else ""


def documents() -> tuple[dict, dict]:
    """The shipped rules and alerts."""
    return tuple(yaml.safe_load(path.read_text(encoding="utf-8")) for path in (RULES, ALERTS))


class Prometheus:
    """Runs on `host`, from which `targets` (host:port) can be reached: admins. Scrapes and evaluates every `interval` (a
    duration); or, with a `factor`, everything is faster by that: the intervals, which are 15 s, and the times of the rules."""

    def __init__(self, host, targets: list[str], interval: str = "1s", factor: float = 0) -> None:
        self._host = host
        self._address = ("127.0.0.1", free_port(host, "127.0.0.1"))
        folder = pathlib.Path(host.directory) / f"prometheus-{self._address[1]}"
        folder.mkdir()
        files = [RULES, ALERTS]
        lookback = []
        if factor:
            interval = scaled_rules.duration(scaled_rules.INTERVAL_S / factor)
            files = [folder / path.name for path in files]
            for path, document in zip(files, documents(), strict=True):
                path.write_text(json.dumps(scaled_rules.scaled(document, factor)), encoding="utf-8")
            lookback = [f"--query.lookback-delta={scaled_rules.duration(_LOOKBACK_S / factor)}"]
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(path) for path in files],
            "scrape_configs": [{"job_name": "peerpulse", "static_configs": [{"targets": targets}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        self._argv = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                      "--web.listen-address={}:{}".format(*self._address), "--log.level=warn", *lookback]
        self.process = None

    def start(self) -> "Prometheus":
        self.process = self._host.spawn(self._argv, name=f"prometheus-{self._address[1]}")
        wait_for(self._ready, 30, "Prometheus is ready")
        return self

    def _ready(self) -> bool:
        if not self.process.running:
            raise AssertionError(f"Prometheus ended:\n{self.process.output()}")
        try:
            return request(self._host, self._address, "GET", "/-/ready").status == 200
        except ConnectionError:
            return False

    def _ask(self, path: str, **parameters: str):
        response = request(self._host, self._address, "GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = response.json()
        if answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {answer}")
        return answer["data"]

    def query(self, expression: str) -> list[dict]:
        """The instant vector: each with `metric` and `value`."""
        return self._ask("query", query=expression)["result"]

    def alerts(self, state: str = "firing") -> list[dict]:
        """Labels of those that are in `state` now, ALERTS's own ones left out."""
        return [alert["labels"] for alert in self.told(state)]

    def told(self, state: str = "firing") -> list[dict]:
        """The same with what an operator reads: each with `labels` and `annotations`."""
        return [alert for alert in self._ask("alerts")["alerts"] if alert["state"] == state]

    def ever_by_instance(self, seconds: int) -> dict[str, set[str]]:
        """By scrape target the names of the alerts that fired at some time of the last `seconds`."""
        fired: dict[str, set[str]] = {}
        for series in self.query(f'count_over_time(ALERTS{{alertstate="firing"}}[{seconds}s])'):
            fired.setdefault(series["metric"]["instance"], set()).add(series["metric"]["alertname"])
        return fired

    def ever(self, seconds: int, state: str = "firing") -> set[str]:
        """Names of the alerts that were in `state` at some time of the last `seconds`."""
        return {series["metric"]["alertname"]
                for series in self.query(f'count_over_time(ALERTS{{alertstate="{state}"}}[{seconds}s])')}

    def wait_alert(self, name: str, firing: bool, timeout: float, **labels: str) -> None:
        def as_wanted() -> bool:
            found = any(alert["alertname"] == name and labels.items() <= alert.items() for alert in self.alerts())
            return found == firing
        wait_for(as_wanted, timeout, f"{name} {labels} {'fires' if firing else 'is resolved'}")
