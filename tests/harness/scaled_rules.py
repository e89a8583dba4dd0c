"""Prometheus' rules with their times made shorter by one factor, so that a test need not wait for minutes. Pure.

What is divided: `for`, `keep_firing_for` and the ranges in square brackets. What is not: thresholds, and times in
arithmetic. With the intervals of scrapes and evaluations divided by the same factor a rule sees as many samples of a
cause as it would in an operator's Prometheus, and jumps at the same one."""

import re

INTERVAL_S = 15.0
"""Of scrapes and evaluations, before any scaling: what the rules are written for."""
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)(ms|[smhd])")
_RANGE = re.compile(r"\[([^\]:]+)\]")


def seconds(duration: str) -> float:
    """Of a duration as Prometheus writes it: 1h30m."""
    if not re.fullmatch(r"(?:\d+(?:ms|[smhd]))+", duration):
        raise ValueError(f"{duration!r} is no duration")
    return sum(int(count) * _UNITS_S[unit] for count, unit in _DURATION.findall(duration))


def duration(value: float) -> str:
    """As Prometheus reads it; not less than a millisecond."""
    return f"{max(1, round(value * 1000))}ms"


def ranges(expression: str) -> list[str]:
    return _RANGE.findall(expression)


def scaled(rules: dict, factor: float) -> dict:
    """A document of rules (`groups`), every time of which is shorter by `factor`."""
    return {"groups": [{**group, "rules": [_scaled_rule(rule, factor) for rule in group["rules"]]}
                       for group in rules["groups"]]}


def _scaled_rule(rule: dict, factor: float) -> dict:
    times = {key: duration(seconds(rule[key]) / factor) for key in ("for", "keep_firing_for") if key in rule}
    expression = _RANGE.sub(lambda found: f"[{duration(seconds(found[1]) / factor)}]", rule["expr"])
    return {**rule, **times, "expr": expression}


def slowest_s(name: str, *documents: dict) -> float:
    """How long after its cause is to be seen the alert `name` fires at the latest: its longest range, so that it is full
    of the cause, that of what it asks of recorded series, `for`, and three intervals (a scrape, a recording, an
    evaluation)."""
    rules = {rule.get("alert") or rule["record"]: rule
             for document in documents for group in document["groups"] for rule in group["rules"]}
    return seconds(rules[name].get("for", "0s")) + _window_s(rules[name], rules) + 3 * INTERVAL_S


def _window_s(rule: dict, rules: dict[str, dict]) -> float:
    own = max((seconds(found) for found in ranges(rule["expr"])), default=0.0)
    recorded = [other for name, other in rules.items() if "record" in other and name in rule["expr"]]
    return own + max((_window_s(other, rules) for other in recorded), default=0.0)
