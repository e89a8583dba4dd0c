"""Which scenarios there are."""

import importlib

from tools.lib.bench.healthy.scenario import Scenario

_MODULES = ("slow", "silences", "tunnels", "windows", "doings", "cancels", "peers", "own")


def scenarios() -> dict[str, Scenario]:
    """By name. Each module has `SCENARIOS`, a list."""
    found: dict[str, Scenario] = {}
    for module in _MODULES:
        for scenario in importlib.import_module(f"tools.lib.bench.healthy.{module}").SCENARIOS:
            found[scenario.name] = scenario
    return found
