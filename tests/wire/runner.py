"""Runs the catalogue at a real peerpulse, over TCP and TLS: each case whole, byte by byte, and cut in two."""

import asyncio
import collections
import dataclasses
import random
import time

from tests.wire.catalogue import Case
from tests.wire.expectation import Expectation
from tests.wire.runs import Place, run
from tests.wire.world import World

_GAP_S = 0.001
"""Between two pieces. Byte by byte there is a turn of the loop between them, in which the other runs do something."""
_LONG = 2048
"""Of longer cases 256 of the boundaries are tried, of huge ones 8."""
_BOUNDARIES_OF_LONG = 256
_HUGE = 1 << 16
_BOUNDARIES_OF_HUGE = 8


@dataclasses.dataclass(frozen=True)
class Plan:
    """`boundaries`: how many of each case are cut at, the same each time; None: all. `bytewise`: on each transport; else on one
    of them, in turns."""

    boundaries: int | None = 2
    bytewise: bool = True
    places: int = 24
    transports: tuple[bool, ...] = (False, True)
    http2: tuple[bool, ...] = (False, True)
    """What the other side speaks: the peer of a request, the client of an answer."""


@dataclasses.dataclass
class Outcome:
    cases: int = 0
    exact: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0
    plan: Plan = Plan()

    def summary(self) -> str:
        plan = self.plan
        how = "every boundary" if plan.boundaries is None else f"{plan.boundaries} boundaries a case"
        kinds = " and ".join("TLS" if tls else "TCP" for tls in plan.transports)
        turns = "byte by byte" if plan.bytewise else "byte by byte on one transport"
        runs = (self.exact + len(self.wrong)) / max(1, self.cases)
        others = " and ".join("HTTP/2" if http2 else "HTTP/1" for http2 in plan.http2)
        return (f"{self.cases} cases x {runs:.1f} runs (whole, {turns}, {how}; {kinds}; to {others}), {self.exact} exact, "
                f"{len(self.wrong)} wrong, {self.seconds:.0f} s")


def cuts_of(case: Case, boundaries: int | None) -> list[int | None]:
    every = list(range(1, len(case.data)))
    most = len(every)
    if len(case.data) > _LONG:
        most = _BOUNDARIES_OF_HUGE if len(case.data) > _HUGE else _BOUNDARIES_OF_LONG
    wanted = most if boundaries is None else min(boundaries, most)
    chosen = every if wanted >= len(every) else sorted(random.Random(case.id).sample(every, wanted))
    return [None, 0, *chosen]


@dataclasses.dataclass(frozen=True)
class _Job:
    case: Case
    cut: int | None
    http2: bool
    """The other side's protocol."""

    @property
    def http2_peer(self) -> bool:
        return self.case.side == "h2 response" if "response" in self.case.side else self.http2

    def __str__(self) -> str:
        how = {None: "whole", 0: "byte by byte"}.get(self.cut, f"cut at {self.cut}")
        return f"{self.case.id} ({self.case.where}), {how}, to {'HTTP/2' if self.http2 else 'HTTP/1'}"


class _Runner:
    def __init__(self, world: World, outcome: Outcome, progress) -> None:
        self._world, self._outcome, self._progress = world, outcome, progress

    async def phase(self, jobs: dict[tuple[bool, bool], collections.deque[_Job]]) -> None:
        async with asyncio.TaskGroup() as group:
            for kind, queue in jobs.items():
                for place in self._world.places[kind]:
                    group.create_task(self._work(place, queue))

    async def _work(self, place: Place, queue: collections.deque[_Job]) -> None:
        failures = 0
        while queue:
            job = queue.popleft()
            responds = "response" in job.case.side
            tells = responds and job.cut is None
            if tells:
                failures = await self._world.failures(place)
            try:
                seen = await run(job.case, place, job.cut, 0 if job.cut == 0 else _GAP_S, job.http2)
                if tells:
                    seen.blamed = await self._world.failures(place) > failures
                problems = Expectation(job.case.expect, job.case.side).problems(seen, job.http2)
            except (OSError, TimeoutError, ValueError, IndexError) as problem:
                problems = [f"{type(problem).__name__}: {problem}"]
            if problems:
                kind = "TLS" if place.contexts else "TCP"
                self._outcome.wrong.append(f"{job}, {kind}: " + "; ".join(problems))
            else:
                self._outcome.exact += 1
            self._progress(self._outcome)


def _others_of(case: Case, plan: Plan) -> list[bool]:
    """Clients of HTTP/2 are no clients of HTTP/1.0, and have no Upgrade."""
    only_http1 = Expectation(case.expect, case.side).only_http1 or b"HTTP/1.0" in case.ask or b"Upgrade:" in case.ask
    return [http2 for http2 in plan.http2 if not (http2 and only_http1)]


def _jobs(cases: list[Case], plan: Plan) -> dict[tuple[bool, bool], collections.deque[_Job]]:
    jobs = {}
    for tls in plan.transports:
        for number, case in enumerate(cases):
            for cut in cuts_of(case, plan.boundaries):
                if cut == 0 and not plan.bytewise and (number % len(plan.transports) == 1) != tls:
                    continue
                for http2 in _others_of(case, plan):
                    job = _Job(case, cut, http2)
                    jobs.setdefault((job.http2_peer, tls), collections.deque()).append(job)
    for queue in jobs.values():
        # Long runs and short ones side by side; the same order each time.
        mixed = sorted(queue, key=lambda job: random.Random(str(job)).random())
        queue.clear()
        queue.extend(mixed)
    return jobs


async def run_all(cases: list[Case], plan: Plan, progress=lambda outcome: None) -> Outcome:
    started = time.monotonic()
    outcome = Outcome(cases=len(cases), plan=plan)
    async with World(plan.places) as world:
        runner = _Runner(world, outcome, progress)
        clients = [case for case in cases if "request" in case.side]
        await runner.phase(_jobs(clients, plan))
        # Whatever clients send, no peer is blamed for it.
        for name, count in (await world.all_failures()).items():
            outcome.wrong.append(f"{name} was blamed for {count} failures although only clients did wrong")
        # What a peer answers in HTTP/2 is written for a connection's first stream.
        for places in world.places.values():
            await asyncio.gather(*(place.peer.leave_all() for place in places))
        await runner.phase(_jobs([case for case in cases if case not in set(clients)], plan))
    outcome.seconds = time.monotonic() - started
    return outcome
