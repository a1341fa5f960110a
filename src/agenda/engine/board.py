"""The board: who holds which time, per resource and day, in memory, corrected by every commit.

A stale board can only cost a polite refusal, never a double booking: decide() never reads it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from threading import Lock
from typing import Self

from agenda.domain.model import Booking, BookingId, Catalogue, Claim, Resource, ResourceId, UserId
from agenda.domain.slots import cells, origin
from agenda.domain.times import CELL, DAY, MINUTE, Span, day_span, local_day
from agenda.engine.ports import Booked, Occupied

Key = tuple[ResourceId, date]

MOST_NEWS = 256  # corrections that wait for somebody to look
CAPACITY = 50_000  # resource-days kept; the least recently used go first


@dataclass(slots=True)
class DayView:
    """A resource's day as bits (see agenda.domain.slots): per seat what is taken, per user what he booked himself."""

    taken: tuple[int, ...]
    mine: dict[UserId, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a day has to do with a claim: its slots may claim time from `before` its start until `after` its end."""

    zone: tzinfo
    before: timedelta
    after: timedelta

    @classmethod
    def of(cls, catalogue: Catalogue) -> Self:
        """Wide enough for every service."""
        services = catalogue.services.values()
        before = max((service.before for service in services), default=0)
        after = max((service.duration + service.after for service in services), default=0)
        return cls(catalogue.business.zone, before * MINUTE, after * MINUTE)

    def window(self, day: date) -> Span:
        """The time that matters to the slots of `day`. Raises OverflowError at the ends of the calendar."""
        span = day_span(day, self.zone)
        zero = span.start if span else origin(day, self.zone)
        return Span(zero - self.before, (span.end if span else zero) + self.after + CELL)

    def days(self, claimed: Span) -> list[date]:
        """The days in whose window the span may lie."""
        first = local_day(claimed.start - self.after - CELL, self.zone)
        last = local_day(claimed.end + self.before, self.zone)
        return [first + n * DAY for n in range((last - first).days + 1)] if last != first else [first]


@dataclass(slots=True)
class _Day:
    """A day on the board; what commits have told since it was looked at, or while it is being filled, is in `news`."""

    zero: datetime
    window: Span
    seats: int
    held: dict[BookingId, Occupied] | None = None
    news: list[tuple[Claim, Booked | Booking | None]] = field(default_factory=list)
    view: DayView | None = None

    def put(self, claim: Claim, booking: Booked | Booking | None) -> None:
        """From now on `booking` has the claim, or nobody."""
        self.news.append((claim, booking))
        self.view = None
        if len(self.news) >= MOST_NEWS:
            self.look()

    def look(self) -> DayView | None:
        """The day as bits, worked out once after corrections; None while it is being filled."""
        if self.view is None and self.held is not None:
            self._learn(self.held)
            self.view = self._bits(self.held)
        return self.view

    def _learn(self, held: dict[BookingId, Occupied]) -> None:
        for claim, booking in self.news:
            held.pop(claim.booking, None)
            if booking is not None and claim.span.overlaps(self.window):
                held[booking.id] = Occupied(claim.seat, claim.span, booking.span, booking.user, booking.id)
        self.news.clear()

    def _bits(self, held: dict[BookingId, Occupied]) -> DayView:
        taken, mine = [0] * self.seats, dict[UserId, int]()
        for it in held.values():
            if it.seat < self.seats:  # a seat that was taken away since bars nobody from the others
                taken[it.seat] |= cells(it.span, self.zero)
            mine[it.user] = mine.get(it.user, 0) | cells(it.booked, self.zero)
        return DayView(tuple(taken), mine)


@dataclass(slots=True)
class _Shelf:
    """The days of one resource, and what commits have told about it since somebody looked at one of them."""

    days: dict[date, _Day] = field(default_factory=dict)
    news: list[tuple[Claim, Booked | Booking | None]] = field(default_factory=list)

    def learn(self, frame: Frame) -> None:
        """Tell the days the news, in order."""
        for claim, booking in self.news:
            for day in frame.days(claim.span):
                if day in self.days:
                    self.days[day].put(claim, booking)
        self.news.clear()


class Board:
    """Days on demand; safe for any thread. `version` rises with every correction."""

    def __init__(self, frame: Callable[[], Frame], capacity: int = CAPACITY) -> None:
        self._frame = frame
        self._capacity = capacity
        self._lock = Lock()
        self._days: OrderedDict[Key, _Day] = OrderedDict()
        self._shelves: dict[ResourceId, _Shelf] = {}
        self._version = 1

    @property
    def kept(self) -> int:
        """How many resource-days are on the board."""
        return len(self._days)

    def look(self, keys: Iterable[Key]) -> tuple[int, list[DayView | None]]:
        """The version and each day as of it; None for one that must be filled first."""
        with self._lock:
            return self._version, [self._view(key) for key in keys]

    def _view(self, key: Key) -> DayView | None:
        day = self._days.get(key)
        if day is None:
            return None
        self._shelves[key[0]].learn(self._frame())
        self._days.move_to_end(key)
        return day.look()

    def fill(self, resource: Resource, day: date, read: Callable[[ResourceId, Span], list[Occupied]]) -> None:
        """Put a day on the board by `read`, which runs outside the lock; corrections that arrive meanwhile win.

        Raises what `read` raises; the day is then as unknown as before.
        """
        key = (resource.id, day)
        frame = self._frame()
        with self._lock:
            if self._view(key) is not None:
                return
            it = self._days.get(key)
            if it is None:
                it = _Day(origin(day, frame.zone), frame.window(day), resource.seats)
                self._remember(key, it)
        try:
            found = read(resource.id, it.window)
        except BaseException:
            with self._lock:
                if it.held is None and self._days.get(key) is it:
                    self._forget(key)
            raise
        with self._lock:
            if it.held is None:  # else another reader was faster, and has learned what came meanwhile
                it.held = {held.booking: held for held in found}
            while len(self._days) > self._capacity:
                self._forget(next(iter(self._days)))

    def correct(
        self, released: Iterable[Claim], claimed: Iterable[Claim], bookings: Mapping[BookingId, Booked | Booking]
    ) -> int:
        """What a commit released and claimed, with the bookings that claim; the version from which on it shows."""
        with self._lock:
            for claim in released:
                self._tell(claim, None)
            for claim in claimed:
                self._tell(claim, bookings[claim.booking])
            self._version += 1
            return self._version

    def keys(self, claims: Iterable[Claim]) -> set[Key]:
        """The resource-days whose slots the claims can change, whether they are on the board or not."""
        frame = self._frame()
        return {(claim.resource, day) for claim in claims for day in frame.days(claim.span)}

    def forget(self, keys: Iterable[Key]) -> None:
        """Whoever looks at these days next has them read anew."""
        with self._lock:
            for key in keys:
                if key in self._days:
                    self._forget(key)
                    self._version += 1

    def around(self, span: Span) -> Span:
        """The span with all that a service may claim before and after it."""
        frame = self._frame()
        return Span(span.start - frame.before, span.end + frame.after)

    def _tell(self, claim: Claim, booking: Booked | Booking | None) -> None:
        """Leave the news with the resource; mostly none of its days are on the board."""
        shelf = self._shelves.get(claim.resource)
        if shelf is not None:
            shelf.news.append((claim, booking))
            if len(shelf.news) >= MOST_NEWS:
                shelf.learn(self._frame())

    def _remember(self, key: Key, day: _Day) -> None:
        shelf = self._shelves.setdefault(key[0], _Shelf())
        shelf.learn(self._frame())
        self._days[key] = shelf.days[key[1]] = day

    def _forget(self, key: Key) -> None:
        del self._days[key]
        shelf = self._shelves[key[0]]
        del shelf.days[key[1]]
        if not shelf.days:
            del self._shelves[key[0]]

    def drop(self) -> None:
        """Forget every day: what is offered has changed, or corrections may have been missed."""
        with self._lock:
            self._days.clear()
            self._shelves.clear()
            self._version += 1
