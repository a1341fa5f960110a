"""Slot lists by bit arithmetic: a resource's day is a Python integer, one bit for each 5-minute cell.

Bit 0 is the cell one whole day before the day's first instant, so that buffers and bookings that reach over midnight
fit; `MARGIN` is the bit of the day's first cell. Runs of n free cells are found by and-ing shifted copies of the
integer log2(n) times.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from agenda.domain.errors import Reason
from agenda.domain.model import DAY_MINUTES, Business, Hours, Resource, Service
from agenda.domain.times import CELL, CELL_MINUTES, DAY, Span, day_span, local_day, wall_minutes

_CALENDAR_END = datetime(9900, 1, 1, tzinfo=UTC)

MARGIN = DAY_MINUTES // CELL_MINUTES


def runs(bits: int, length: int) -> int:
    """Bit i is set if `bits` has bits i .. i + length - 1 all set; `length` is at least 1."""
    have = 1
    while have < length:
        step = min(have, length - have)
        bits &= bits >> step
        have += step
    return bits


def touched(bits: int, length: int) -> int:
    """Bit i is set if `bits` has any of bits i .. i + length - 1 set; negative places are dropped."""
    have = 1
    while have < length:
        step = min(have, length - have)
        bits |= bits >> step
        have += step
    return bits


def cells(span: Span, origin: datetime) -> int:
    """The cells of the day with this origin that `span` touches, rounded outward."""
    first = max((span.start - origin) // CELL, 0)
    last = -((origin - span.end) // CELL)
    return ((1 << last) - 1) >> first << first if last > first else 0


def origin(day: date, zone: tzinfo) -> datetime:
    """The instant of bit 0 of `day`. Raises OverflowError at the ends of the calendar."""
    span = day_span(day, zone)
    start = span.start if span else datetime.max.replace(tzinfo=UTC)
    return start - MARGIN * CELL


@lru_cache(maxsize=4096)
def _open_cells(hours: tuple[Hours, ...], walls: tuple[int, ...]) -> int:
    """The cells whose wall time lies within the hours; bit 0 is the first cell of the day."""
    bits = 0
    for place, wall in enumerate(walls):
        if any(stretch.opens <= wall < stretch.closes for stretch in hours):
            bits |= 1 << place
    return bits


@lru_cache(maxsize=4096)
def _grid_cells(hours: tuple[Hours, ...], walls: tuple[int, ...], step: int) -> int:
    """The cells at which a slot may start: every `step` minutes of wall time from each opening on."""
    bits = 0
    for place, wall in enumerate(walls):
        if any(h.opens <= wall < h.closes and (wall - h.opens) % step == 0 for h in hours):
            bits |= 1 << place
    return bits


@dataclass(frozen=True, slots=True)
class Offer:
    """The slots that a service has on a resource's day while nobody has booked any.

    `starts` are the bits of the slots, `fits` those from which the whole duration is open; `slots` are the spans of
    `starts` with their bits, in order of time.
    """

    origin: datetime
    fits: int
    starts: int
    slots: tuple[tuple[int, Span], ...]


@lru_cache(maxsize=16384)
def _offer(
    hours: tuple[tuple[Hours, ...], tuple[Hours, ...]], step: int, duration: int, day: date, zone: tzinfo
) -> Offer:
    today, tomorrow = hours
    span = day_span(day, zone)
    zero = origin(day, zone)
    if span is None:
        return Offer(zero, 0, 0, ())
    walls = wall_minutes(day, zone)
    is_open = _open_cells(today, walls)
    is_open |= _open_cells(tomorrow, wall_minutes(day + DAY, zone)) << len(walls)
    fits = runs(is_open, duration // CELL_MINUTES) << MARGIN
    starts = fits & (_grid_cells(today, walls, step) << MARGIN)
    length = timedelta(minutes=duration)
    bits = (bit for bit in range(MARGIN, MARGIN + len(walls)) if starts >> bit & 1)
    return Offer(zero, fits, starts, tuple((bit, Span(zero + bit * CELL, zero + bit * CELL + length)) for bit in bits))


def offer(service: Service, resource: Resource, day: date, zone: tzinfo) -> Offer:
    """What `service` offers on `resource` on `day`. Raises OverflowError at the ends of the calendar."""
    schedule = resource.schedule
    hours = schedule.hours(day), schedule.hours(day + DAY)
    return _offer(hours, service.step, service.duration, day, zone)


def free_starts(taken: tuple[int, ...], service: Service) -> int:
    """The bits at which a claim of `service` fits on at least one seat; `taken` has each seat's taken cells."""
    before, after = service.before // CELL_MINUTES, service.after // CELL_MINUTES
    length = before + service.duration // CELL_MINUTES + after
    blocked = touched(taken[0] << before, length)
    for seat in taken[1:]:
        blocked &= touched(seat << before, length)
    return ~blocked


class Rules:
    """What a business offers at the instant `now`, whoever has it."""

    def __init__(self, business: Business, now: datetime) -> None:
        policy = business.policy
        self._now = now
        self._zone = business.zone
        self._soonest = now + timedelta(minutes=policy.lead)
        self._last_day = local_day(now, self._zone) + timedelta(days=policy.horizon)
        # Also keeps the end of the calendar away from all that follows.
        self._end = min(now, _CALENDAR_END) + timedelta(days=policy.horizon + 2)

    def refusal(self, start: datetime, service: Service, resource: Resource) -> Reason | None:
        """The first reason for which `start` is not offered; None if it is."""
        if start <= self._now:
            return Reason.PAST
        if start < self._soonest:
            return Reason.TOO_SOON
        if start >= self._end:
            return Reason.TOO_FAR
        day = local_day(start, self._zone)
        if day > self._last_day:
            return Reason.TOO_FAR
        offered = offer(service, resource, day, self._zone)
        bit, rest = divmod(start - offered.origin, CELL)
        if not rest and offered.starts >> bit & 1:
            return None
        return Reason.OFF_GRID if _open_throughout(offered, bit, rest) else Reason.CLOSED


def _open_throughout(offered: Offer, bit: int, rest: timedelta) -> bool:
    """Whether the duration from a cell on is open; from within a cell on, the next cell must fit as well."""
    both = offered.fits & (offered.fits >> 1) if rest else offered.fits
    return bool(both >> bit & 1)
