"""What the server counts about itself: plain numbers, each written by one thread and read by any, without locks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from agenda.domain.commands import Command, NoteAttempt, Outcome
from agenda.domain.errors import AgendaError, SlotNotOffered
from agenda.domain.model import Booking

SECONDS: Final = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)

Answer = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the engine is at one moment; `waiting` is what each of its queues holds, by the name of who takes from it."""

    committing: bool
    following: bool
    waiting: dict[str, int]
    watches: int
    days: int


class Histogram:
    """How many values lie in each part of a scale: `counts[n]` are at most `bounds[n]`, the last are beyond it."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


def _seconds() -> Histogram:
    return Histogram(SECONDS)


@dataclass(slots=True)
class Meter:
    """Everything since the start; times are seconds of a whole batch."""

    # Written by the committer
    batch: Histogram = field(default_factory=lambda: Histogram(SIZES))
    load: Histogram = field(default_factory=_seconds)
    decide: Histogram = field(default_factory=_seconds)
    save: Histogram = field(default_factory=_seconds)
    commit: Histogram = field(default_factory=_seconds)
    answer: Histogram = field(default_factory=_seconds)
    conflicts: int = 0
    reconnects: int = 0
    answers: Counter[Answer] = field(default_factory=Counter)

    # Written by the I/O thread
    turned_away: int = 0
    hits: int = 0
    misses: int = 0

    # Written by the feed: the monotonic time at which it last heard of the other nodes, and entries it had yet to read
    feed_heard: float | None = None
    feed_entries: int = 0

    @property
    def batches(self) -> int:
        """Transactions that were committed."""
        return sum(self.batch.counts)

    @property
    def commands(self) -> int:
        """Commands in them."""
        return int(self.batch.sum)

    @property
    def feed_seconds(self) -> float | None:
        """How long ago the feed last heard of the other nodes; None where it never did, or there are none."""
        return None if self.feed_heard is None else monotonic() - self.feed_heard

    def answered(self, command: Command, outcome: Outcome) -> None:
        """Count what became of a command."""
        self.answers[_answer(command, outcome)] += 1

    def looked(self, *, hit: bool) -> None:
        """Count that somebody looked at days, and whether all of them were on the board."""
        if hit:
            self.hits += 1
        else:
            self.misses += 1


def _answer(command: Command, outcome: Outcome) -> Answer:
    """Its action, `ok` or the error's code, and the reason why a slot is not offered."""
    if isinstance(outcome, Booking):
        return command.action, "ok", ""
    if isinstance(outcome, AgendaError):
        return command.action, outcome.code, str(outcome.reason) if isinstance(outcome, SlotNotOffered) else ""
    if isinstance(command, NoteAttempt):
        return command.did, command.outcome, ""
    return command.action, "ok", ""
