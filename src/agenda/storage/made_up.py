"""An agenda that somebody might have, made up from a seed: bookings by day, in the order in which they were made."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from agenda.domain.codes import code
from agenda.domain.commands import AuditFact
from agenda.domain.model import (
    Booking,
    BookingId,
    Business,
    BusinessId,
    Catalogue,
    Hours,
    Resource,
    ResourceId,
    Schedule,
    Service,
    ServiceId,
    Status,
    User,
    UserId,
)
from agenda.domain.times import DAY, at_wall
from agenda.engine.ids import new_ids

OPENS: Final = 8
SLOTS: Final = 12  # a day, of an hour each
LIVE_SHARE: Final = 0.8  # of all bookings; the others were cancelled
MOST_TAKEN: Final = 0.6  # of a day's slots
FUTURE_SHARE: Final = 0.4  # of the days that hold bookings
FUTURE_DAYS: Final = 1000  # within the three years that the agenda looks ahead
PAST_DAYS: Final = 2000
NOTED: Final = 10  # one booking in so many has a note
FIRST_LEAD: Final = timedelta(days=30)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Plan:
    """What to make up; `today` is the day whose first instant nothing that was done has passed."""

    resources: int
    bookings: int
    seed: int
    users: int
    today: date
    timezone: str
    language: str
    business: str = "Agenda"
    resource: str = "Resource {n}"
    service: str = "Service"

    def __post_init__(self) -> None:
        if min(self.resources, self.users) < 1 or self.bookings < 0:
            msg = f"nothing can be made up of {self}"
            raise ValueError(msg)

    @property
    def now(self) -> datetime:
        """The first instant of `today`."""
        return at_wall(datetime.combine(self.today, time()), ZoneInfo(self.timezone))

    @property
    def days(self) -> range:
        """The days that hold bookings, counted from `today`; tomorrow is always among them."""
        capacity = self.resources * SLOTS * MOST_TAKEN
        count = max(2, -int(-self.bookings * LIVE_SHARE // capacity))
        future = min(max(1, round(count * FUTURE_SHARE)), FUTURE_DAYS)
        return range(-min(count - future - 1, PAST_DAYS), future + 1)


@dataclass(frozen=True, slots=True)
class MadeUpDay:
    """All bookings of one day as they ended, and what happened to them, in order of time.

    A step is a fact with the booking as it was right after it.
    """

    bookings: list[Booking]
    steps: list[tuple[AuditFact, Booking]]


class MadeUp:
    """One agenda; `days` is to be asked for last, and once. It was opened, and its users signed up, at `born`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._random = Random(plan.seed)
        self.born = plan.now + plan.days[0] * DAY - FIRST_LEAD
        self._clock = self.born
        self._ids = new_ids(lambda: int(self._clock.timestamp()) * 10**9, self._random.getrandbits)
        self._number = 0

    @cached_property
    def _resources(self) -> list[ResourceId]:
        return list(self.catalogue.resources)

    @cached_property
    def _service(self) -> ServiceId:
        [service] = self.catalogue.services
        return service

    @cached_property
    def catalogue(self) -> Catalogue:
        """The resources, open from 8:00 to 20:00 every day, and one hourly service that all of them do."""
        plan = self.plan
        hours = (Hours(OPENS * 60, (OPENS + SLOTS) * 60),)
        business = Business(BusinessId(next(self._ids)), plan.business, plan.timezone, plan.language)
        names = [plan.resource.format(n=n) for n in range(1, plan.resources + 1)]
        resources = [Resource(ResourceId(next(self._ids)), name, Schedule((hours,) * 7)) for name in names]
        doers = frozenset(resource.id for resource in resources)
        service = Service(ServiceId(next(self._ids)), plan.service, 60, 60, doers)
        return Catalogue(business, {r.id: r for r in resources}, {service.id: service}, 1)

    @cached_property
    def users(self) -> list[User]:
        """user-0001 and so on."""
        return [User(UserId(next(self._ids)), f"user-{n:04}") for n in range(1, self.plan.users + 1)]

    def days(self) -> Iterator[MadeUpDay]:
        """All bookings; those of a later day were made later."""
        days, total = self.plan.days, self.plan.bookings
        length = (self.plan.now - self.born) / len(days)
        for place, offset in enumerate(days):
            count = total * (place + 1) // len(days) - total * place // len(days)
            begun = (self.born + place * length).replace(microsecond=0)
            yield self._day(self.plan.today + timedelta(days=offset), count, begun, length)

    def _day(self, day: date, count: int, begun: datetime, length: timedelta) -> MadeUpDay:
        """So many bookings of one day, all made and cancelled within `length` from `begun` on."""
        opens = at_wall(datetime.combine(day, time(OPENS)), ZoneInfo(self.plan.timezone))
        last: dict[int, Booking] = {}
        ended: dict[str, Booking] = {}
        steps = []
        for second, slot, place in self._events(count, int(length.total_seconds())):
            at = begun + timedelta(seconds=second)
            if place % 2 == 0:
                action, booking = "booking.create", self._booking(at, day, slot, opens)
            else:
                action, booking = "booking.cancel", replace(last[slot], status=Status.CANCELLED)
            last[slot] = ended[booking.id] = booking
            where = (booking.resource, booking.start, booking.end)
            steps.append((AuditFact(at, booking.user, action, "ok", booking.id, *where), booking))
        return MadeUpDay(list(ended.values()), steps)

    def _events(self, count: int, seconds: int) -> list[tuple[int, int, int]]:
        """(second, slot, place) in order of time; of a slot's events, those at even places book, the others cancel."""
        slots = self.plan.resources * SLOTS
        live = min(round(count * LIVE_SHARE), int(slots * MOST_TAKEN))
        lengths = Counter(self._random.sample(range(slots), live))
        for _ in range(count - live):
            lengths[self._random.randrange(slots)] += 2
        events = []
        for slot, length in lengths.items():
            moments = sorted(self._random.randrange(seconds) for _ in range(length))
            events += [(moment, slot, place) for place, moment in enumerate(moments)]
        return sorted(events)

    def _booking(self, at: datetime, day: date, slot: int, opens: datetime) -> Booking:
        """The next booking, made at that time by anybody."""
        self._clock = at
        self._number += 1
        resource, hour = divmod(slot, SLOTS)
        start = opens + hour * HOUR
        return Booking(
            id=BookingId(next(self._ids)),
            code=code(self._number),
            resource=self._resources[resource],
            service=self._service,
            user=self._random.choice(self.users).id,
            start=start,
            end=start + HOUR,
            status=Status.BOOKED,
            created=at,
            wall=f"{day}T{OPENS + hour:02}:00",
            zone=self.plan.timezone,
            note=f"note {self._number}" if self._number % NOTED == 0 else None,
        )
