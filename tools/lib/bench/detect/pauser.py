"""Stops processes for a while, again and again, as garbage collections and hypervisors do."""

import bisect
import heapq
import random
import threading
import time

from tools.lab import Process


class Pauser:
    """Each process is stopped for `length` of every `period` seconds, at a phase of its own (or all together).

    Threading: the pauses are made by a thread of its own. Use as a context; all run again afterwards.
    """

    def __init__(self, groups: list[list[Process]], length: float = 0.3, period: float = 2.0) -> None:
        """The processes of a group are stopped together."""
        self._groups = groups
        self._length = length
        self._period = period
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.pauses: list[tuple[int, int]] = []
        """From and to, CLOCK_MONOTONIC ns; of all groups, in the order of their ends."""

    def __enter__(self) -> "Pauser":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._ending.set()
        self._thread.join(self._period + 5)
        for group in self._groups:
            for process in group:
                process.cont()

    def _run(self) -> None:
        now = time.monotonic()
        due = [(now + random.uniform(0, self._period), number, True) for number in range(len(self._groups))]
        heapq.heapify(due)
        stopped_at: dict[int, int] = {}
        while due:
            at, number, stop = heapq.heappop(due)
            if self._ending.wait(max(0.0, at - time.monotonic())):
                return
            for process in self._groups[number]:
                if stop:
                    process.stop()
                else:
                    process.cont()
            if stop:
                stopped_at[number] = time.monotonic_ns()
                heapq.heappush(due, (time.monotonic() + self._length, number, False))
            else:
                self.pauses.append((stopped_at[number], time.monotonic_ns()))
                # At random within the rest of the period: never in step with anything.
                rest = self._period - self._length
                heapq.heappush(due, (time.monotonic() + random.uniform(0.5, 1.5) * rest, number, True))

    def overlap_ms(self, from_ns: int, to_ns: int) -> float:
        """How much of that time was paused. For one group."""
        pauses = list(self.pauses)
        first = bisect.bisect_left(pauses, from_ns, key=lambda pause: pause[1])
        return sum(max(0, min(to_ns, end) - max(from_ns, start)) for start, end in pauses[first:]) / 1e6
