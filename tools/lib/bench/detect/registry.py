"""Which scenarios there are. A module that is not there yet is left out; one that is broken is not."""

import importlib
import importlib.util

from tools.lib.bench.detect.scenario import Scenario

_PACKAGE = "tools.lib.bench.detect"
_MODULES = ("cut", "inflight", "recover", "loss", "pauses", "starved", "saturated", "police", "scale")


def scenarios() -> dict[str, Scenario]:
    """By name, in the order in which they run. Each module has `SCENARIOS`, a list."""
    found: dict[str, Scenario] = {}
    for module in _MODULES:
        if importlib.util.find_spec(f"{_PACKAGE}.{module}") is None:
            continue
        for scenario in importlib.import_module(f"{_PACKAGE}.{module}").SCENARIOS:
            found[scenario.name] = scenario
    return found
