"""Pauses between tries: longer each time, and by chance, so that nodes do not knock on a recovering store in step."""

import random
from collections.abc import Iterator

LONGEST = 2.0


def backoff(first: float, longest: float = LONGEST) -> Iterator[float]:
    """Seconds without end: about `first`, doubling up to `longest`, each between half and all of it."""
    pause = first
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(2 * pause, longest)
