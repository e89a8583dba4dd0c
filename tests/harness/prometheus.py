"""A real Prometheus (Debian's) with the shipped rules, and what it says."""

import json
import pathlib
import shutil
import urllib.parse

from tests.harness.host import free_port
from tests.harness.http1 import request
from tests.harness.waiting import wait_for

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "conf/prometheus"
RULES = FOLDER / "rules.yml"
ALERTS = FOLDER / "alerts.yml"


def missing() -> str:
    """Why there can be none on this machine; empty if there can."""
    absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (tools/setup --all)" if absent else ""


class Prometheus:
    """Runs on `host`, where `targets` (host:port) are admins. Scrapes and evaluates every `interval` (a duration)."""

    def __init__(self, host, targets: list[str], interval: str = "1s") -> None:
        self._host = host
        self._address = ("127.0.0.1", free_port(host, "127.0.0.1"))
        folder = pathlib.Path(host.directory) / f"prometheus-{self._address[1]}"
        folder.mkdir()
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(RULES), str(ALERTS)],
            "scrape_configs": [{"job_name": "peerpulse", "static_configs": [{"targets": targets}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        self._argv = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                      "--web.listen-address={}:{}".format(*self._address), "--log.level=warn"]
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
        return [alert["labels"] for alert in self._ask("alerts")["alerts"] if alert["state"] == state]

    def ever(self, seconds: int, state: str = "firing") -> set[str]:
        """Names of the alerts that were in `state` at some time of the last `seconds`."""
        return {series["metric"]["alertname"]
                for series in self.query(f'count_over_time(ALERTS{{alertstate="{state}"}}[{seconds}s])')}

    def wait_alert(self, name: str, firing: bool, timeout: float, **labels: str) -> None:
        def as_wanted() -> bool:
            found = any(alert["alertname"] == name and labels.items() <= alert.items() for alert in self.alerts())
            return found == firing
        wait_for(as_wanted, timeout, f"{name} {labels} {'fires' if firing else 'is resolved'}")
