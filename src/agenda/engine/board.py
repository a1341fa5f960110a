"""The board: who holds which time, per resource and day, in memory, corrected by every commit.

A stale board can only cost a polite refusal, never a double booking: decide() never reads it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from threading import Lock

from agenda.domain.model import Booking, BookingId, Claim, Resource, ResourceId, UserId
from agenda.domain.slots import cells, origin
from agenda.domain.times import DAY, Span, local_day
from agenda.engine.ports import Occupied

Key = tuple[ResourceId, date]

HOUR = timedelta(hours=1)
WINDOW = 3 * DAY + 2 * HOUR  # the day before, a day of up to 25 hours, and the day after
CAPACITY = 50_000  # resource-days kept; the least recently used go first


@dataclass(slots=True)
class DayView:
    """A resource's day as bits (see agenda.domain.slots): per seat what is taken, per user what he booked himself."""

    taken: tuple[int, ...]
    mine: dict[UserId, int]


@dataclass(slots=True)
class _Day:
    """A day on the board; while it is being filled, corrections wait in `late`."""

    window: Span
    seats: int
    held: dict[BookingId, Occupied] = field(default_factory=dict)
    late: list[tuple[BookingId, Occupied | None]] | None = field(default_factory=list)
    view: DayView | None = None

    def put(self, booking: BookingId, now: Occupied | None) -> None:
        """From now on `booking` holds `now`, or nothing here."""
        if self.late is not None:
            self.late.append((booking, now))
            return
        self.held.pop(booking, None)
        if now is not None and now.span.overlaps(self.window):
            self.held[booking] = now
        self.view = None

    def look(self) -> DayView:
        """The day as bits, worked out once after each correction."""
        if self.view is None:
            taken, mine = [0] * self.seats, dict[UserId, int]()
            for held in self.held.values():
                if held.seat < self.seats:  # a seat that was taken away since bars nobody from the others
                    taken[held.seat] |= cells(held.span, self.window.start)
                mine[held.user] = mine.get(held.user, 0) | cells(held.booked, self.window.start)
            self.view = DayView(tuple(taken), mine)
        return self.view


class Board:
    """Days on demand; safe for any thread. `version` rises with every correction."""

    def __init__(self, zone: Callable[[], tzinfo], capacity: int = CAPACITY) -> None:
        self._zone = zone
        self._capacity = capacity
        self._lock = Lock()
        self._days: OrderedDict[Key, _Day] = OrderedDict()
        self._by_resource: dict[ResourceId, dict[date, _Day]] = {}
        self._version = 1

    def look(self, keys: Iterable[Key]) -> tuple[int, list[DayView | None]]:
        """The version and each day as of it; None for one that must be filled first."""
        with self._lock:
            return self._version, [self._view(key) for key in keys]

    def _view(self, key: Key) -> DayView | None:
        day = self._days.get(key)
        if day is None or day.late is not None:
            return None
        self._days.move_to_end(key)
        return day.look()

    def fill(self, resource: Resource, day: date, read: Callable[[ResourceId, Span], list[Occupied]]) -> None:
        """Put a day on the board by `read`, which runs outside the lock; corrections that arrive meanwhile win.

        Raises what `read` raises; the day is then as unknown as before.
        """
        key = (resource.id, day)
        zero = origin(day, self._zone())
        fresh = _Day(Span(zero, zero + WINDOW), resource.seats)
        with self._lock:
            if self._view(key) is not None:
                return
            self._remember(key, fresh)
        try:
            found = read(resource.id, fresh.window)
        except BaseException:
            with self._lock:
                if self._days.get(key) is fresh:
                    self._forget(key)
            raise
        with self._lock:
            late, fresh.late = fresh.late or [], None
            for held in found:
                fresh.held[held.booking] = held
            for booking, now in late:
                fresh.put(booking, now)
            while len(self._days) > self._capacity:
                self._forget(next(iter(self._days)))

    def correct(
        self, released: Iterable[Claim], claimed: Iterable[Claim], bookings: Mapping[BookingId, Booking]
    ) -> int:
        """What a commit released and claimed, with the bookings that claim; the version from which on it shows."""
        with self._lock:
            for claim in released:
                for day in self._touched(claim):
                    day.put(claim.booking, None)
            for claim in claimed:
                for day in self._touched(claim):
                    booking = bookings[claim.booking]
                    day.put(claim.booking, Occupied(claim.seat, claim.span, booking.span, booking.user, booking.id))
            self._version += 1
            return self._version

    def _touched(self, claim: Claim) -> list[_Day]:
        """The days on the board in whose window the claim, of up to a day, may lie; mostly there are none."""
        days = self._by_resource.get(claim.resource)
        if not days:
            return []
        middle = local_day(claim.span.start, self._zone())
        near = (days.get(middle + n * DAY) for n in range(-3, 3))
        return [day for day in near if day is not None]

    def _remember(self, key: Key, day: _Day) -> None:
        self._days[key] = day
        self._by_resource.setdefault(key[0], {})[key[1]] = day

    def _forget(self, key: Key) -> None:
        del self._days[key]
        days = self._by_resource[key[0]]
        del days[key[1]]
        if not days:
            del self._by_resource[key[0]]

    def drop(self) -> None:
        """Forget every day: what is offered has changed, or corrections may have been missed."""
        with self._lock:
            self._days.clear()
            self._by_resource.clear()
            self._version += 1
