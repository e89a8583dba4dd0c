"""The story of the demo: an upload during which node3 loses its power, with peerpulse and without."""

import dataclasses
import json
import pathlib

from tools.lib.demo.cluster import Cluster
from tools.lib.demo.live_view import LiveView
from tools.lib.demo.measurements import healthy_peers, in_flight_failed_ms, milliseconds
from tools.lib.demo.writer import Writer, WriterRun
from tools.lab import Switched

VICTIM = "node3"
_CUT_AT = 0.3
_RUN_TIMEOUT_S = 600


class PowerCutMissing(RuntimeError):
    """The upload was over before the power went."""


@dataclasses.dataclass
class Upload:
    summary: dict
    cut: Switched
    completed: bool


class Scenario:
    def __init__(self, cluster: Cluster, writer: Writer, files: list[pathlib.Path], show: bool,
                 through_api: bool) -> None:
        self._cluster = cluster
        self._writer = writer
        self._files = files
        self._total = sum(file.stat().st_size for file in files)
        self._show = show
        self._through_api = through_api

    def upload(self, prefix: str, through_peerpulse: bool) -> Upload:
        """Uploads the files and cuts the power on the way; it stays off."""
        cuts: list[Switched] = []

        def on_progress(done: int) -> None:
            if not cuts and done >= _CUT_AT * self._total:
                cuts.append(self._cluster.lab.cut(VICTIM))

        disks = self._cluster.disk_urls(through_peerpulse)
        route = self._cluster.api_route() if through_peerpulse and self._through_api else []
        run = self._writer.write(prefix, disks, self._files, on_progress, route)
        title = "upload, peerpulse" if through_peerpulse else "upload, straight"
        summary = self._follow(run, title, through_peerpulse)
        if not cuts:
            raise PowerCutMissing("the upload was over before the power was cut; use a larger --size")
        return Upload(summary, cuts[0], summary["completed"])

    def read_back(self, prefix: str) -> dict:
        return self._follow(self._writer.read_back(prefix), "read back", True)

    def _follow(self, run: WriterRun, title: str, show_peers: bool) -> dict:
        if not self._show:
            return run.wait(_RUN_TIMEOUT_S)
        with LiveView(title, run, self._total, self._cluster.admin if show_peers else None):
            return run.wait(_RUN_TIMEOUT_S)

    # What is measured while the power is off, and when it returns.

    def verdict_ns(self, cut: Switched) -> int | None:
        """When the peer was found dead."""
        event = self._cluster.admin.wait_event(
            lambda e: e["peer"] == VICTIM and e["to"] == "dead" and e["monotonic_ns"] > cut.ordered_ns, 10)
        return event["monotonic_ns"] if event else None

    def fail_fast(self, requests: int) -> dict:
        done = self._cluster.writer_node.run(
            [self._cluster.program("failfast"), self._cluster.listen(VICTIM), "--requests", str(requests),
             "--path", "/chunks/disk1/none"])
        if done.returncode != 0:
            raise RuntimeError(f"failfast: {done.stderr.decode()}")
        report = json.loads(done.stdout)
        if report["other_status"]:
            raise RuntimeError(f"{report['other_status']} requests to the dead peer were not answered by 503")
        return {"p50": report["p50_us"], "p99": report["p99_us"], "p999": report["p999_us"]}

    def recover(self) -> float | None:
        """Gives the power back; milliseconds until the circuit was closed."""
        restored = self._cluster.lab.restore(VICTIM)
        event = self._cluster.admin.wait_event(
            lambda e: e["peer"] == VICTIM and e["circuit"] == "closed" and e["monotonic_ns"] > restored.ordered_ns, 30)
        return milliseconds(restored.ordered_ns, event["monotonic_ns"]) if event else None

    def run_with(self, fail_fast_requests: int) -> dict:
        upload = self.upload("with", through_peerpulse=True)
        healthy = healthy_peers(self._cluster.exchanges(), VICTIM, upload.cut)
        verdict_ns = self.verdict_ns(upload.cut)
        if verdict_ns is None:
            raise RuntimeError(f"{VICTIM} lost its power and was not found dead")
        report = {
            "cut_to_verdict_ms": milliseconds(upload.cut.ordered_ns, verdict_ns),
            "cut_to_inflight_failed_ms": in_flight_failed_ms(upload.summary, upload.cut, verdict_ns),
            "failfast_us": self.fail_fast(fail_fast_requests),
            "with": {
                "seconds": round(upload.summary["seconds"], 2),
                "longest_stall_ms": round(upload.summary["longest_stall_ms"], 2),
                # Long before the cut, or after it: it has another cause.
                "longest_stall_after_cut_ms": milliseconds(
                    upload.cut.ordered_ns, upload.summary["longest_stall_start_ns"]),
                "completed": upload.completed,
                "chunks_failed": upload.summary["chunks_failed"],
                "chunks_moved": upload.summary["chunks_moved"],
            },
            "healthy_peers": healthy,
            "recovery_ms": self.recover(),
        }
        read = self.read_back("with")["read_back"]
        report["read_back"] = {"objects": read["verified"], "corrupt": len(self._files) - read["verified"]}
        return report

    def run_without(self) -> dict:
        """The last of all: peerpulse has ended before it begins."""
        self._cluster.stop_peerpulse()
        upload = self.upload("without", through_peerpulse=False)
        self._cluster.lab.restore(VICTIM)
        return {
            "seconds": round(upload.summary["seconds"], 2),
            "longest_stall_ms": round(upload.summary["longest_stall_ms"], 2),
            "completed": upload.completed,
        }


