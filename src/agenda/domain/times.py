"""Instants, half-open spans, and the wall time of a zone, twice or never a day included."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CELL_MINUTES = 5
CELL = timedelta(minutes=CELL_MINUTES)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The time from `start` up to, not including, `end`; both are aware instants in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not self.start < self.end:
            msg = f"a span must end after it starts: {self.start} .. {self.end}"
            raise ValueError(msg)

    def overlaps(self, other: "Span") -> bool:
        """Whether both hold a moment in common; back-to-back spans do not."""
        return self.start < other.end and other.start < self.end


def wall_exists(wall: datetime, zone: tzinfo) -> bool:
    """Whether clocks in `zone` ever show the naive `wall`: they do not while they spring forward."""
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) == wall


def at_wall(wall: datetime, zone: tzinfo) -> datetime:
    """When clocks in `zone` show the naive `wall`: the first of two; a gap is read as if there were none."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


@lru_cache(maxsize=16_384)
def wall_text(instant: datetime, zone: tzinfo) -> str:
    """What clocks in `zone` show at `instant`, to the minute: `2026-11-23T08:00`."""
    return instant.astimezone(zone).isoformat()[:16]


@lru_cache(maxsize=16_384)
def local_day(instant: datetime, zone: tzinfo) -> date:
    """The calendar day on which `instant` falls in `zone`."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=4096)
def day_start(day: date, zone: tzinfo) -> datetime:
    """The first instant of `day` in `zone`, in UTC; a midnight that clocks jump over is the jump itself."""
    return at_wall(datetime.combine(day, time()), zone)


@lru_cache(maxsize=4096)
def day_span(day: date, zone: tzinfo) -> Span | None:
    """From the first instant of `day` to that of the next, 23 to 25 hours; None for a day that a zone skipped.

    Raises OverflowError for the last day that a date can hold.
    """
    start, end = day_start(day, zone), day_start(day + DAY, zone)
    return Span(start, end) if start < end else None


_NORMAL_DAY = tuple(range(0, 24 * 60, CELL_MINUTES))


@lru_cache(maxsize=1024)
def wall_minutes(day: date, zone: tzinfo) -> tuple[int, ...]:
    """What clocks show, in minutes after midnight, at the start of each cell of `day`, in order of time.

    A normal day is `0, 5, .. 1435`; one with a 25th hour shows an hour twice, one with 23 leaves an hour out.
    """
    span = day_span(day, zone)
    if span is None:
        return ()
    cells = (span.end - span.start) // CELL
    if cells == len(_NORMAL_DAY) and span.start.astimezone(zone).utcoffset() == span.end.astimezone(zone).utcoffset():
        return _NORMAL_DAY
    walls = ((span.start + n * CELL).astimezone(zone) for n in range(cells))
    return tuple(wall.hour * 60 + wall.minute for wall in walls)
