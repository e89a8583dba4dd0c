"""Every alert is fired by a real cause, and by nothing else."""

import re
import threading
import time
import traceback

from tests.harness import scaled_rules
from tests.harness.prometheus import FOLDER, Prometheus, documents
from tests.harness.waiting import wait_for
from tools.lib.bench.alerts import certificates, failing_requests, lost_peers, own_host, reaching
from tools.lib.bench.alerts.cause import Cause, Expected
from tools.lib.bench.alerts.stage import Stage

GROUPS: tuple[tuple[type[Cause], ...], ...] = ((*lost_peers.CAUSES, *own_host.CAUSES),
                                                 (*failing_requests.CAUSES, *certificates.CAUSES, *reaching.CAUSES))
"""Those of a group run at a time. All together would make a small machine a cause of its own."""
CAUSES = tuple(kind for group in GROUPS for kind in group)
MACHINE_S = 3.0
"""What the machine may be late by, with all of it at a time."""
_HEADING = re.compile(r"^## (.+)$", re.M)


class Runbook:
    """The anchors that its entries have."""

    def __init__(self) -> None:
        text = (FOLDER / "runbook.md").read_text(encoding="utf-8")
        self._anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}

    def has(self, url: str) -> bool:
        path, _, anchor = url.partition("#")
        return path.endswith("/prometheus/runbook.md") and anchor in self._anchors


class Watch:
    """What fires, asked for by one thread for all causes: each of them asking for itself would keep this machine busy.

    Use as a context. Threading: firing() from any thread.
    """

    _EVERY_S = 0.1
    _MOST_FAILURES = 3
    """In a row: one answer may be late on a busy machine."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._changed = threading.Condition()
        self._alerts: list[dict] = []
        self._failure: OSError | None = None
        self._ended = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while failures < self._MOST_FAILURES and not self._ending.wait(self._EVERY_S):
            try:
                alerts = self._prometheus.told()
            except OSError as error:
                failures += 1
                self._failure = error
                continue
            failures = 0
            with self._changed:
                self._alerts = alerts
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self, name: str, labels: dict[str, str], until: float) -> dict | None:
        """The alert once it fires; None if it does not until then (time.monotonic()). Raises if Prometheus does not answer."""
        def found() -> dict | None:
            return next((alert for alert in self._alerts if alert["labels"]["alertname"] == name and
                         labels.items() <= alert["labels"].items()), None)

        with self._changed:
            alert = self._changed.wait_for(lambda: found() or self._ended, max(0.0, until - time.monotonic()))
            if self._ended:
                raise RuntimeError(f"Prometheus does not answer: {self._failure}")
            return alert or None


class Running:
    """One cause and what came of it: `fired`, a line of the table for each alert; `failures` and `unexpected` alerts in
    words."""

    def __init__(self, cause: Cause, watch: Watch, factor: float, machine_s: float) -> None:
        self.cause = cause
        self.fired: list[dict] = []
        self.failures: list[str] = []
        self.unexpected: list[str] = []
        self._watch = watch
        self._factor = factor
        self._machine_s = machine_s
        self._runbook = Runbook()
        self._done = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=cause.name)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Until its alerts have fired, or their time is over. What it has started goes on."""
        self._done.wait()

    def end(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def silent_otherwise(self, fired: dict[str, set[str]]) -> None:
        """`fired`: whatever fired, by instance."""
        known = {line["alert"] for line in self.fired} | set(self.cause.follows)
        for alert in sorted(fired.get(self.cause.target, set()) - known):
            self.unexpected.append(f"{self.cause.name}: {alert} has nothing to do with it, and fired")

    def _run(self) -> None:
        try:
            for expected in self.cause.trouble():
                for one in expected:
                    self._expect(one)
        except Exception:  # of whatever kind: it is this cause that failed, and the others go on
            self.failures.append(f"{self.cause.name}: {traceback.format_exc(limit=-3)}")
        self._done.set()
        self._over.wait()  # processes die with the thread that has started them (PR_SET_PDEATHSIG)

    def _expect(self, expected: Expected) -> None:
        bound = scaled_rules.slowest_s(expected.alert, *documents()) / self._factor + expected.seen_after_s + self._machine_s
        line = {"alert": expected.alert, "cause": self.cause.about, "bound_s": round(bound, 1)}
        labels = {"instance": self.cause.target, **expected.labels}
        if expected.alert != "PeerpulseDown":  # there nobody is left who could say it
            labels["node"] = self.cause.name

        alert = self._watch.wait(expected.alert, labels, expected.since + bound)
        if alert is None:
            self.failures.append(f"{self.cause.name}: {expected.alert} {labels} did not fire within {bound:.1f} s")
            return
        line["fired_s"] = round(time.monotonic() - expected.since, 1)
        self.fired.append(line)
        self._check_words(expected, alert)

    def _check_words(self, expected: Expected, alert: dict) -> None:
        notes = alert["annotations"]
        text = notes["summary"] + " " + notes["description"]
        who = [value for key, value in expected.labels.items() if key in ("peer", "peer_host", "limit", "result")]
        who += [self.cause.target] + ([self.cause.name] if "node" in alert["labels"] else [])
        self.failures += [f"{expected.alert}: {word!r} is not in {text!r}" for word in who if word not in text]
        if not self._runbook.has(notes["runbook_url"]):
            self.failures.append(f"{expected.alert}: the runbook has no {notes['runbook_url']}")


def fire(factor: float, names: list[str] | None = None,
         machine_s: float = MACHINE_S) -> tuple[list[dict], list[str], list[str]]:
    """All causes, or those of these names, at a time: a line for each alert that fired, what is wrong, and the alerts that
    fired without a cause (on a machine that has no time for its processes they may be true)."""
    chosen = [kind for kind in CAUSES if not names or kind.name in names]
    with Stage() as stage:
        causes = [kind(stage) for kind in chosen]
        for cause in causes:
            cause.prepare()
        stage.wait_alive()
        prometheus = Prometheus(stage.local, [cause.target for cause in causes], factor=factor).start()
        stage.prometheus = prometheus
        begun = time.monotonic()
        wait_for(lambda: len(prometheus.query("count_over_time(up[1h]) > 2 and up == 1")) == len(causes), 60,
                 "everybody has been scraped three times")
        watch = stage.keep(Watch(prometheus))
        everybody = [Running(cause, watch, factor, machine_s) for cause in causes]
        for running in everybody:
            stage.at_end(running.end)
        together = [running for running in everybody if not running.cause.alone]
        _run(together)
        fired = prometheus.ever_by_instance(round(time.monotonic() - begun) + 1)
        for running in everybody:
            running.silent_otherwise(fired)
        for running in everybody:
            if running.cause.alone:
                _run([running])
                running.silent_otherwise(prometheus.ever_by_instance(round(time.monotonic() - begun) + 1))
    return ([line for running in everybody for line in running.fired],
            [failure for running in everybody for failure in running.failures],
            [alert for running in everybody for alert in running.unexpected])


def _run(running: list[Running]) -> None:
    for one in running:
        one.start()
    for one in running:
        one.wait()
