"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable

SECONDS = 30.0


def until(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Return as soon as it holds; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)
