"""hooks.on_transition and the hooks in conf/hooks, with a fake kubectl."""

import json
import os
import pathlib
import signal
import subprocess
import time

from tests.harness.case import LocalCase
from tests.harness.http1 import request
from tests.harness.peerpulse import SLOWDOWN, Peer, program
from tests.harness.peers import NghttpdPeer
from tests.harness.waiting import wait_for

_HOOKS = pathlib.Path(__file__).resolve().parents[2] / "conf" / "hooks"

_KUBECTL = """#!/bin/sh
echo "$*" >> {calls}
case $* in
  *unreachable:NoSchedule-)
    grep -q "taint nodes $4 .*=dead" {calls} && exit 0
    echo "error: taint \\"peerpulse/unreachable:NoSchedule\\" not found" >&2
    exit 1 ;;
esac
"""


class HookCase(LocalCase):
    def script(self, name: str, text: str) -> str:
        path = self.host.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def start(self, command: list[str], launcher: tuple[str, ...] = (), **hook):
        self.server = NghttpdPeer(self.host).start()
        self.peerpulse = self.start_peerpulse(
            self.host, [Peer("node2", self.server.address), Peer("node3", "127.0.0.1:1")], launcher=launcher,
            hooks={"on_transition": {"command": command, **hook}})

    def hook_lines(self) -> list[dict]:
        return [line for line in self.peerpulse.log_lines() if line["event"] == "hook"]

    def runs(self, result: str = "ok") -> float:
        return self.peerpulse.metrics()[f'peerpulse_hook_runs_total{{result="{result}"}}']


class Hooks(HookCase):
    def documents(self) -> list[dict]:
        file = self.host.directory / "documents"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def about(self, peer: str) -> list[dict]:
        return [document for document in self.documents() if document["peer"] == peer]

    def recorder(self) -> list[str]:
        return [self.script("record", f"#!/bin/sh\ncat >> {self.host.directory}/documents\n")]

    def wait_state(self, peer: str, verdict: str) -> dict:
        return wait_for(lambda: next((d for d in self.about(peer)[-1:] if d["to"] == verdict), None), 10 * SLOWDOWN,
                        f"the hook is told that {peer} is {verdict}")

    def test_it_is_told_what_happened_and_the_last_state_in_the_end(self):
        self.start(self.recorder())
        document = self.wait_state("node3", "refusing")
        self.assertEqual((document["node"], document["event"], document["from"]), ("node1", "transition", "unknown"))
        self.assertEqual((document["circuit"], document["reason"]), ("open", "connect_refused"))
        self.assertEqual(document["address"], "127.0.0.1:1")
        self.assertIn(document["local_health"], ("ok", "lagging"))  # the machine may have other work
        self.assertEqual(document["evidence"]["error"], "ECONNREFUSED")
        self.wait_state("node2", "alive")
        self.assertEqual(self.documents()[-1]["cluster"]["offline"], ["node3"])
        self.server.process.kill()
        self.assertEqual(self.wait_state("node2", "refusing")["cluster"]["status"], "quorum_lost")
        self.server.start()
        self.wait_state("node2", "alive")
        self.assertNotIn("suspect", {document["to"] for document in self.documents()})
        wait_for(lambda: self.runs() == len(self.documents()), 10 * SLOWDOWN, "counted")
        self.assertEqual({line["result"] for line in self.hook_lines()}, {"ok"})

    def test_a_flurry_becomes_few_runs_and_the_last_word_is_told(self):
        self.start(self.recorder())
        self.wait_state("node2", "alive")
        for _ in range(20):
            for state in ("open", "closed"):
                self.peerpulse.post("/peers/node2/circuit", {"state": state, "ttl": "10m", "why": "test"})
        self.peerpulse.post("/peers/node2/circuit", {"state": "open", "ttl": "10m", "why": "test"})
        wait_for(lambda: self.about("node2")[-1]["circuit"] == "open" and self.about("node2")[-1]["dropped"] > 0,
                 10 * SLOWDOWN, "the last state")
        self.assertLess(len(self.about("node2")), 10)
        self.assertGreater(self.peerpulse.metrics()["peerpulse_hook_dropped_total"], 20)

    def start_hanging(self, timeout: str) -> pathlib.Path:
        """Returns when the hook runs, which ends by SIGKILL only: the file with its pids."""
        pids = self.host.directory / "pids"
        self.start([self.script("hang", f"#!/bin/sh\ntrap '' TERM\necho $$ >> {pids}\nsleep 1000\n")], timeout=timeout)
        wait_for(pids.exists, 10 * SLOWDOWN, "the hook runs")
        return pids

    def test_one_that_hangs_holds_up_nobody_and_is_ended(self):
        self.start_hanging("300ms")
        self.assertEqual(self.peerpulse.get("/livez").status, 200)
        wait_for(lambda: self.runs("timeout") >= 1, 10 * SLOWDOWN, "it is ended")
        self.assertEqual(self.hook_lines()[0]["signal"], signal.SIGKILL)

    def test_our_end_does_not_wait_for_it(self):
        pids = self.start_hanging("10m")
        begun = time.monotonic()
        self.assertEqual(self.peerpulse.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5 * SLOWDOWN)
        for pid in pids.read_text().split():
            with self.assertRaises(ProcessLookupError):
                os.kill(int(pid), 0)

    def test_one_that_cannot_be_run_is_an_error_of_the_configuration(self):
        self.start(self.recorder())
        config = json.loads(self.peerpulse.config_file.read_text())
        config["hooks"]["on_transition"]["command"] = ["/nonexistent/hook"]
        bad = self.host.directory / "bad.json"
        bad.write_text(json.dumps(config), encoding="utf-8")
        done = subprocess.run([program(), "check", "--config", str(bad)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/hooks/on_transition/command/0", done.stderr)

    def test_one_that_vanished_is_said_and_counted_and_nothing_else_suffers(self):
        command = self.recorder()
        self.start(command)
        self.wait_state("node2", "alive")
        os.unlink(command[0])
        self.peerpulse.post("/peers/node2/circuit", {"state": "open", "ttl": "10m", "why": "test"})
        wait_for(lambda: self.runs("not_started") == 1, 10 * SLOWDOWN, "counted")
        self.assertIn("No such file", self.hook_lines()[-1]["error"])
        self.assertEqual(request(self.host, self.peerpulse.listen["node2"], "GET", "/").status, 503)


class KubernetesTaint(HookCase):
    def setUp(self):
        super().setUp()
        self.calls = self.host.directory / "calls"
        self.kubectl = self.script("kubectl", _KUBECTL.format(calls=self.calls))

    def run_hook(self, *arguments: str, to: str = "dead", local_health: str = "ok") -> subprocess.CompletedProcess:
        document = {"node": "node1", "event": "transition", "peer": "node3", "zone": "to", "from": "alive", "to": to,
                    "evidence": {"error": None}, "local_health": local_health,
                    "cluster": {"offline": ["node3"], "status": "degraded", "local_health": local_health}, "dropped": 0}
        return subprocess.run([str(_HOOKS / "kubernetes-taint"), *arguments], input=json.dumps(
            document, separators=(",", ":")) + "\n", env={**os.environ, "KUBECTL": self.kubectl}, capture_output=True,
            text=True, check=False)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def test_dead_taints_and_an_answer_of_the_host_takes_it_away(self):
        for to in ("dead", "alive", "refusing", "stalled"):
            self.assertEqual(self.run_hook(to=to).returncode, 0)
        self.assertEqual(self.called(), ["--request-timeout=10s taint nodes node3 peerpulse/unreachable=dead:NoSchedule "
                                         "--overwrite"] +
                         3 * ["--request-timeout=10s taint nodes node3 peerpulse/unreachable:NoSchedule-"])

    def test_no_taint_to_take_away_is_no_error_but_any_other_is(self):
        self.assertEqual(self.run_hook(to="alive").returncode, 0)
        self.script("kubectl", "#!/bin/sh\necho 'Error from server (NotFound): nodes \"node3\" not found' >&2; exit 1\n")
        done = self.run_hook(to="alive")
        self.assertEqual(done.returncode, 1)
        self.assertIn("NotFound", done.stderr)
        self.assertEqual(self.run_hook(to="dead").returncode, 1)

    def test_who_may_be_cut_off_taints_nobody(self):
        for state in ("suspect", "link_down", "exhausted", "prober_stalled"):
            self.assertEqual(self.run_hook(local_health=state).returncode, 0)
        self.assertEqual(self.called(), [])
        self.run_hook(local_health="lagging")
        self.assertEqual(len(self.called()), 1)

    def test_names_by_a_file(self):
        names = self.host.directory / "nodes"
        names.write_text("node2 worker-b\nnode3 worker-c.example.org\n", encoding="utf-8")
        self.assertEqual(self.run_hook(str(names)).returncode, 0)
        self.assertIn(" nodes worker-c.example.org ", self.called()[0])
        names.write_text("node2 worker-b\n", encoding="utf-8")
        self.assertEqual(self.run_hook(str(names)).returncode, 0)
        self.assertEqual(len(self.called()), 1)

    def test_by_peerpulse_itself(self):
        self.start([str(_HOOKS / "kubernetes-taint")], launcher=("env", f"KUBECTL={self.kubectl}"))
        wait_for(lambda: self.runs() == 2, 10 * SLOWDOWN, "both peers' first verdicts")
        self.assertEqual({line.split()[3] for line in self.called()}, {"node2", "node3"})


class KeepalivedTrack(HookCase):
    def test_the_file_follows_the_quorum(self):
        track = self.host.directory / "quorum_lost"
        self.start([str(_HOOKS / "keepalived-track"), str(track)])

        def wait_value(value: str) -> None:
            wait_for(lambda: track.exists() and track.read_text() == value + "\n", 10 * SLOWDOWN, f"it says {value}")
        wait_value("0")
        self.server.process.kill()
        wait_value("1")
        self.server.start()
        wait_value("0")
        self.assertEqual(list(self.host.directory.glob("quorum_lost.*")), [])
