"""All scenarios side by side, and what is found when they have ended."""

import asyncio
import time

from tools.lib.bench.command import load_average, say
from tools.lib.bench.healthy import leaks
from tools.lib.bench.healthy.scenario import Outcome, Scenario, described, summary, unexplained
from tools.lib.bench.healthy.side import DIRECT, SIDES, Lengths, Side
from tools.lib.bench.healthy.stage import Acting, Stage

_PROGRESS_S = 60


def _sides(stage: Stage, scenario: Scenario, until: float) -> dict[str, Side]:
    server = stage.servers[scenario.name]
    peerpulse = stage.peerpulses[scenario.instance.name]
    direct = (server.host.address, server.port)
    return {name: Side(name, direct if name == DIRECT else peerpulse.listen[scenario.name], direct, peerpulse.admin,
                       stage.lengths, until) for name in SIDES}


async def _progress(until: float, sides: dict[str, dict[str, Side]]) -> None:
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(_PROGRESS_S, left))
        failed = {f"{name} {side.name}": side.tally.failed for name, both in sides.items()
                  for side in both.values() if side.tally.failed}
        say(f"  {max(0.0, until - time.monotonic()):.0f} s left; failed so far: {failed or 'none'}")


async def _all(stage: Stage, scenarios: list[Scenario]) -> tuple[dict[str, dict[str, Side]], dict[str, Acting]]:
    until = time.monotonic() + stage.lengths.run
    sides = {scenario.name: _sides(stage, scenario, until) for scenario in scenarios}
    acting = {scenario.name: stage.acting(scenario, until) for scenario in scenarios}
    async with asyncio.TaskGroup() as group:
        group.create_task(_progress(until, sides))
        for scenario in scenarios:
            works = [work for side in sides[scenario.name].values() for work in scenario.clients(side)]
            for work in works + scenario.actions(acting[scenario.name], stage.lengths):
                group.create_task(work)
    return sides, acting


def _described(stage: Stage, scenario: Scenario, sides: dict[str, Side], acting: Acting, leaked: list[str]) -> dict:
    outcome = Outcome({side: sides[side].tally for side in SIDES}, acting.done, stage.opened(scenario), acting.times)
    failures = scenario.judge(outcome)
    failures += [f"circuit opened: {event['to']}, {event['reason']}" for event in unexplained(scenario, outcome)[:3]]
    failures += [f"leaked: {text}" for text in leaked]
    return {**described(scenario, outcome, failures), "leaked": leaked}


def _leaked(stage: Stage) -> dict[str, list[str]]:
    """By peer."""
    found: dict[str, list[str]] = {}
    for peerpulse in stage.peerpulses.values():
        found.update(leaks.find(peerpulse))
    return found


def measure(scenarios: list[Scenario], lengths: Lengths) -> dict:
    """The line of JSON."""
    results: dict[str, dict] = {}
    ends = []
    try:
        with Stage(scenarios, lengths) as stage:
            say(f"{len(scenarios)} scenarios for {lengths.run:.0f} s, direct/through peerpulse:")
            sides, acting = asyncio.run(_all(stage, scenarios))
            leaked = _leaked(stage)
            for scenario in scenarios:
                results[scenario.name] = _described(stage, scenario, sides[scenario.name], acting[scenario.name],
                                                    leaked.get(scenario.name, []))
    except AssertionError as error:
        if not results:
            raise
        ends.append(f"peerpulse did not end well: {error}")
    for name, result in results.items():
        say(summary(name, result))
    return {
        "seconds": lengths.run,
        "scenarios": results,
        "exchanges": sum(result["exchanges"][side] for result in results.values() for side in SIDES),
        "circuits_opened": sum(result["circuit_opened"] for result in results.values()),
        "connections_leaked": sum(len(result["leaked"]) for result in results.values()),
        "failures": [f"{name}: {text}" for name, result in results.items() for text in result["failures"]] + ends,
        "load_average": load_average(),
    }
