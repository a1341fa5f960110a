"""The words of the agenda as frozen values: business, resource, service, schedule, booking, claim, user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import chain
from typing import NamedTuple, NewType
from zoneinfo import ZoneInfo

from agenda.domain.times import CELL_MINUTES, MINUTE, Span

# Every id is 32 lower-case hexadecimal digits: a UUIDv7 (RFC 9562), so that ids made later sort later.
BusinessId = NewType("BusinessId", str)
ResourceId = NewType("ResourceId", str)
ServiceId = NewType("ServiceId", str)
UserId = NewType("UserId", str)
BookingId = NewType("BookingId", str)
RequestId = NewType("RequestId", str)

DAY_MINUTES = 24 * 60


class Status(StrEnum):
    """What has become of a booking; the live ones, `held` and `booked`, own a claim."""

    HELD = "held"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    DONE = "done"
    NO_SHOW = "no_show"

    @property
    def live(self) -> bool:
        """Whether a booking of this status keeps others from its time."""
        return self in (Status.HELD, Status.BOOKED)


class Role(StrEnum):
    """What a user may do."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business allows its customers; `lead` and `deadline` in minutes, `horizon` in days."""

    lead: int = 0
    horizon: int = 3 * 366
    deadline: int = 0
    open_bookings: int | None = None


@dataclass(frozen=True, slots=True)
class Business:
    """Whose agenda it is; `timezone` is an IANA key, `language` a BCP 47 tag, `currency` an ISO 4217 code."""

    id: BusinessId
    name: str
    timezone: str
    language: str
    currency: str = "BRL"
    policy: Policy = Policy()

    @property
    def zone(self) -> ZoneInfo:
        """The rules by which this business reads its clocks."""
        return ZoneInfo(self.timezone)


class Hours(NamedTuple):
    """An open stretch of one day in minutes of wall time after midnight, `closes` excluded and at most 1440."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly opening hours (index 0 is Monday) and the days on which others hold; an empty tuple is closed."""

    weekly: tuple[tuple[Hours, ...], ...]
    exceptions: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for hours in chain.from_iterable((*self.weekly, *self.exceptions.values())):
            in_order = 0 <= hours.opens < hours.closes <= DAY_MINUTES
            if not in_order or hours.opens % CELL_MINUTES or hours.closes % CELL_MINUTES:
                msg = f"hours must lie within one day, on multiples of {CELL_MINUTES} minutes: {hours}"
                raise ValueError(msg)

    def hours(self, day: date) -> tuple[Hours, ...]:
        """The hours that hold on `day`."""
        return self.exceptions.get(day, self.weekly[day.weekday()])


CLOSED = Schedule(((),) * 7)


@dataclass(frozen=True, slots=True)
class Resource:
    """What is booked: a professional, a room, a piece of equipment; `seats` bookings fit side by side."""

    id: ResourceId
    name: str
    schedule: Schedule
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Service:
    """What is done; all times in minutes, `price` in minor units; a slot starts every `step` minutes of open time."""

    id: ServiceId
    name: str
    duration: int
    step: int
    resources: frozenset[ResourceId]
    before: int = 0
    after: int = 0
    price: int | None = None

    def __post_init__(self) -> None:
        times = (self.duration, self.step, self.before, self.after)
        if any(minutes % CELL_MINUTES for minutes in times) or min(times) < 0 or not (self.duration and self.step):
            msg = f"times of a service must be multiples of {CELL_MINUTES} minutes: {times}"
            raise ValueError(msg)
        if self.before + self.duration + self.after > DAY_MINUTES:
            msg = "a service and its buffers must fit into a day"
            raise ValueError(msg)

    def claimed_from(self, start: datetime) -> Span:
        """What a booking that starts at `start` occupies, buffers included. Raises OverflowError."""
        end = start + (self.duration + self.after) * MINUTE
        return Span(start - self.before * MINUTE if self.before else start, end)

    def end(self, start: datetime) -> datetime:
        """When a booking that starts at `start` ends."""
        return start + self.duration * MINUTE


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a business offers, as of `version`; a new one replaces it whole when anything in it changes."""

    business: Business
    resources: Mapping[ResourceId, Resource]
    services: Mapping[ServiceId, Service]
    version: int

    def offers(self) -> list[tuple[Service, Resource]]:
        """Every service with every resource that does it."""
        return [(s, r) for s in self.services.values() for r in self.resources.values() if r.id in s.resources]


@dataclass(frozen=True, slots=True)
class User:
    """Who uses the agenda; `name` is NFC and unique in the business."""

    id: UserId
    name: str
    role: Role = Role.CUSTOMER


@dataclass(frozen=True, slots=True)
class Booking:
    """An agreed slot; `wall` and `zone` are the local time that was agreed, whatever laws change later.

    `seat` is where its claim lies while it is live; `code` is short enough to read out on the telephone.
    """

    id: BookingId
    code: str
    resource: ResourceId
    service: ServiceId
    user: UserId
    start: datetime
    end: datetime
    status: Status
    created: datetime
    wall: str
    zone: str
    seat: int = 0
    note: str | None = None

    @property
    def span(self) -> Span:
        """The time that was agreed, without buffers."""
        return Span(self.start, self.end)


class Claim(NamedTuple):
    """The span on one seat of one resource that a live booking occupies, buffers included."""

    resource: ResourceId
    seat: int
    span: Span
    booking: BookingId
