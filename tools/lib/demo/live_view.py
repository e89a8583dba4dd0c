"""What the demo shows while it runs: on a terminal a few lines drawn over and over, else one line now and then."""

import collections
import sys
import threading
import time

from tools.lib.demo.admin import Admin
from tools.lib.demo.writer import WriterRun

_COLOURS = {"alive": "32", "suspect": "33", "dead": "31", "refusing": "31", "stalled": "35", "unknown": "37"}
_BAR_WIDTH = 40


class LiveView:
    """Shows one run of the writer from start() to stop(). Threading: a thread of its own that only reads."""

    def __init__(self, title: str, run: WriterRun, total: int, admin: Admin | None) -> None:
        self._title = title
        self._run = run
        self._total = total
        self._admin = admin
        self._terminal = sys.stderr.isatty()
        self._interval = 0.1 if self._terminal else 1.0
        self._lines_drawn = 0
        self._samples = collections.deque([(time.monotonic(), 0)])
        """(time, bytes) of the last second: the writer tells its progress in steps."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> "LiveView":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._stopping.set()
        self._thread.join()
        self._draw()

    def _loop(self) -> None:
        while not self._stopping.wait(self._interval):
            self._draw()

    def _draw(self) -> None:
        done = self._run.bytes_done
        rate = self._rate(done) / (1 << 20)
        verdicts = self._verdicts()
        share = min(1.0, done / self._total) if self._total else 1.0
        if not self._terminal:
            peers = " ".join(f"{name}={verdict}" for name, verdict in verdicts)
            print(f"{self._title}: {share:4.0%} {rate:6.0f} MiB/s {peers}".rstrip(), file=sys.stderr, flush=True)
            return
        bar = ("#" * round(share * _BAR_WIDTH)).ljust(_BAR_WIDTH, ".")
        lines = [f"{self._title:18} [{bar}] {share:4.0%} {rate:6.0f} MiB/s"]
        if verdicts:
            lines.append("  " + "   ".join(f"{name} \x1b[{_COLOURS.get(verdict, '0')}m{verdict:8}\x1b[0m"
                                           for name, verdict in verdicts))
        up = f"\x1b[{self._lines_drawn}A" if self._lines_drawn else ""
        print(up + "".join(f"\x1b[2K{line}\n" for line in lines), end="", file=sys.stderr, flush=True)
        self._lines_drawn = len(lines)

    def _rate(self, done: int) -> float:
        now = time.monotonic()
        self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] < now - 1:
            self._samples.popleft()
        then, before = self._samples[0]
        return (done - before) / (now - then) if now > then else 0.0

    def _verdicts(self) -> list[tuple[str, str]]:
        if self._admin is None:
            return []
        try:
            return [(peer["name"], peer["verdict"]) for peer in self._admin.peers()]
        except (OSError, ValueError):
            return []  # a view must not end what it looks at
