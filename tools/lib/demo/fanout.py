"""The story of --fanout: a program on node1 asks five storage nodes with one local request each time, first while all are
well, then while one has no power and another stands still."""

import hashlib
import random
import sys
import time

from tools.lib.demo.api import Answer, Api
from tools.lib.demo.cluster import Cluster
from tools.lib.demo.node_connection import NodeConnection

NODES = 6
QUORUM = 3
STOPPED, DEAD, CUT_LATER = "node5", "node6", "node4"
_API_PORT = 9902
_STORAGE_PORT = 9000
_OBJECT, _CHUNK = 1 << 20, 8 << 20
_CONSOLE_WAITS = "300ms"
_LIVING = ("node2", "node3", "node4")
_ALL = (*_LIVING, STOPPED, DEAD)

CONFIG = {
    "api": {"listen": f"127.0.0.1:{_API_PORT}", "notify_timeout": "1s"},
    # A chunk waits so long for a node that takes nothing and says nothing, then it goes elsewhere.
    "timeouts": {"bulk": {"stall": "500ms"}},
    "erasure_sets": [{"name": "set0", "disks": [f"{name}/chunks/disk1" for name in _ALL],
                      "spares": [f"{name}/chunks/disk2" for name in _LIVING]}],
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class FanoutStory:
    """Each step says what happened; what is wrong, whatever the machine's speed, is collected in `problems`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Api(cluster.writer_node, _API_PORT)
        self._random = random.Random(1)
        self.problems: list[str] = []

    def run(self) -> dict:
        _say("\nFive storage nodes, node2 to node6. A program on node1 asks them by peerpulse on its own host.\n")
        report = {"well": self._round("well", "ok", "ok")}
        self._cluster.storage[STOPPED].stop()
        self._cluster.lab.cut(DEAD)
        if self._cluster.admin.wait_event(lambda event: event["peer"] == DEAD and event["to"] == "dead", 10) is None:
            raise RuntimeError(f"{DEAD} lost its power and was not found dead")
        _say(f"\n{DEAD} loses its power, and the process of {STOPPED} stops: its kernel goes on acknowledging, and nobody "
             "answers.\n")
        report["degraded"] = self._round("degraded", "pending", "offline")
        report["chunks"] = self._chunks()
        self._cluster.storage[STOPPED].cont()
        self._cluster.lab.restore(DEAD)
        return report

    def _round(self, name: str, stopped: str, dead: str) -> dict:
        body = self._random.randbytes(_OBJECT)
        path = f"/chunks/disk3/{name}/object"
        write = self._api.ask("PUT", f"/quorum{path}", body, Peerpulse_Quorum=str(QUORUM))
        self._show(f"write 1 MiB to {QUORUM} of 5", write, 200)
        holders = [peer for peer, state in write.states().items() if state == "ok"]
        self._expect(len(holders) >= QUORUM, f"{name}: only {holders} acknowledged")
        for peer in holders:
            self._holds(peer, path, body)
        console = self._api.ask("GET", "/aggregate/health", Peerpulse_Timeout=_CONSOLE_WAITS)
        self._show(f"a console asks all, and waits {_CONSOLE_WAITS}", console, 200)
        expected = {**dict.fromkeys(_LIVING, "ok"), STOPPED: "timeout" if stopped == "pending" else stopped, DEAD: dead}
        self._expect(console.states() == expected, f"{name}: the console sees {console.states()}")
        notify = self._api.ask("POST", f"/notify/notifications/{name}", b'{"reload":"users"}')
        self._expect(notify.status == 202, f"{name}: a notification was answered {notify.status}")
        reached = self._reached(f"/{name}", _ALL if dead == "ok" else _LIVING)
        _say(f"  {'a notification to all':36} 202 after {notify.took_ms:6.1f} ms   reached {', '.join(reached)}")
        if dead != "ok":
            counted = self._undelivered()
            self._expect(set(counted) == {STOPPED, DEAD}, f"{name}: undelivered {counted}")
            _say(f"  {'':36} {'':19}   not {', '.join(f'{peer} ({why})' for peer, why in counted.items())}: "
                 "logged and counted")
        return {"write_ms": write.took_ms, "console_ms": console.took_ms, "notify_ms": notify.took_ms,
                "acknowledged": len(holders), "reached": len(reached)}

    def _chunks(self) -> dict:
        body = self._random.randbytes(_CHUNK)
        dead = self._chunk(f"an 8 MiB chunk of {DEAD}'s disk", _ALL.index(DEAD), "dead", body)
        stopped = self._chunk(f"one of {STOPPED}'s disk", _ALL.index(STOPPED), "stopped", body)
        _say(f"\n{CUT_LATER} loses its power, too, in the middle of a chunk on its way there.\n")
        shard = _ALL.index(CUT_LATER)
        answer = self._api.write_half(f"/erasure/set0/{shard}/half", body, lambda: self._cluster.lab.cut(CUT_LATER))
        self._stored(f"that chunk, from the cut", answer, "half", body)
        self._cluster.lab.restore(CUT_LATER)
        return {"dead_ms": dead.took_ms, "stopped_ms": stopped.took_ms, "cut_ms": answer.took_ms}

    def _chunk(self, what: str, shard: int, name: str, body: bytes) -> Answer:
        answer = self._api.ask("PUT", f"/erasure/set0/{shard}/{name}", body)
        self._stored(what, answer, name, body)
        return answer

    def _stored(self, what: str, answer: Answer, name: str, body: bytes) -> None:
        self._show(what, answer, 201)
        if answer.status != 201:
            return
        peer, _, disk = answer.body["stored_on"].partition("/")
        self._expect(len(answer.body["attempts"]) == 2, f"{name}: attempts {answer.states()}")
        self._holds(peer, f"/{disk}/{name}", body)

    def _show(self, what: str, answer: Answer, expected: int) -> None:
        states = ", ".join(f"{name} {state}" for name, state in answer.states().items())
        _say(f"  {what:36} {answer.status} after {answer.took_ms:6.1f} ms   {states}")
        self._expect(answer.status == expected, f"{what}: {answer.status}: {answer.body}")

    def _expect(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)

    def _holds(self, peer: str, path: str, body: bytes) -> None:
        """Read from the storage node itself, not through peerpulse."""
        connection = NodeConnection(self._cluster.writer_node, self._cluster.lab.node(peer).address, _STORAGE_PORT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            found = response.read()
        finally:
            connection.close()
        same = response.status == 200 and hashlib.sha256(found).digest() == hashlib.sha256(body).digest()
        self._expect(same, f"{peer} does not have {path}, and it was said to")

    def _reached(self, path: str, peers: tuple[str, ...]) -> list[str]:
        """Who says that it had the notification; waits for `peers`."""
        def had(peer: str) -> bool:
            return f'"path":"{path}"' in self._cluster.storage[peer].output()
        deadline = time.monotonic() + 10
        while not all(had(peer) for peer in peers):
            if time.monotonic() > deadline:
                self.problems.append(f"a notification did not reach {[peer for peer in peers if not had(peer)]}")
                break
            time.sleep(0.005)
        return [peer for peer in _ALL if had(peer)]

    def _undelivered(self) -> dict[str, str]:
        """Why, by peer; as the metrics have it, once all is over."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = {}
            for line in self._cluster.admin.get("/metrics")[1].decode().splitlines():
                if line.startswith("peerpulse_fanout_undelivered_total{") and not line.endswith(" 0"):
                    found[line.split('peer="')[1].split('"')[0]] = line.split('reason="')[1].split('"')[0]
            if len(found) >= 2:
                return dict(sorted(found.items()))
            time.sleep(0.02)
        return found
