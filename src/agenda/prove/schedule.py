"""What is broken when: drawn from a seed, so that a run can be had again."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agenda.prove.world import Breaker

CALM = 1.0
"""Seconds at the start in which nothing is broken."""
REST = 0.2
"""The part of the run at its end in which everything is whole again."""
SHORTEST_GAP, LONGEST_GAP = 0.3, 2.0
"""Seconds from the beginning of one fault to that of the next, beyond half its length: some overlap."""
RESPITE = 2.5
"""Seconds that a target has after a fault, to be back at work before the next."""


class Planned(NamedTuple):
    """A fault to come: seconds from the start of the run, and how long it lasts."""

    at: float
    breaker: Breaker
    length: float

    @property
    def until(self) -> float:
        """When it is healed."""
        return self.at + self.length


def schedule(seed: int, seconds: float, breakers: Sequence[Breaker]) -> list[Planned]:
    """The faults of a run in order of time. The same arguments give the same ones.

    Every kind comes once before one comes again, faults of different targets may overlap, and all end before the rest.
    """
    chance = random.Random(f"faults {seed}")
    plan: list[Planned] = []
    busy: defaultdict[str, float] = defaultdict(float)
    at, end = CALM, seconds * (1 - REST)
    for breaker in _in_turn(chance, breakers):
        at = round(max(at, busy[breaker.target]), 1)
        length = round(min(chance.uniform(breaker.shortest, breaker.longest), end - at), 1)
        if length < breaker.shortest:
            break
        plan.append(Planned(at, breaker, length))
        busy[breaker.target] = at + length + RESPITE
        at += length / 2 + chance.uniform(SHORTEST_GAP, LONGEST_GAP)
    return sorted(plan, key=lambda planned: planned.at)


def _in_turn(chance: random.Random, breakers: Sequence[Breaker]) -> Iterator[Breaker]:
    """Kinds in rounds of random order without end, each time on a random one of their targets."""
    kinds: dict[str, list[Breaker]] = {}
    for breaker in breakers:
        kinds.setdefault(breaker.kind, []).append(breaker)
    while kinds:
        for kind in chance.sample(sorted(kinds), len(kinds)):
            yield chance.choice(kinds[kind])
