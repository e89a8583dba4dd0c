"""Waiting for a condition, never for a time."""

import time


def wait_for(condition, timeout: float, what: str):
    """Returns the first true value of `condition()`; raises if there is none in `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.005)
