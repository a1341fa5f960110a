"""Wishes to change something, what became of them, and what changes in the store as a result."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from agenda.domain.errors import AgendaError
from agenda.domain.model import (
    Booking,
    BookingId,
    Catalogue,
    Claim,
    RequestId,
    ResourceId,
    ServiceId,
    User,
    UserId,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A wish of `user`; `request` makes it happen at most once, `fingerprint` tells its method and parameters as sent.

    `fresh` says that the door made the request up, so that nobody can ask for it again.
    """

    action: ClassVar[str]
    user: UserId
    request: RequestId
    fingerprint: bytes
    fresh: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class BookSlot(Command):
    """Book `service` on `resource` from the instant `start` on."""

    action: ClassVar[str] = "booking.create"
    start: datetime
    service: ServiceId
    resource: ResourceId
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MoveBooking(Command):
    """Give the booking another start, and another resource unless that is None."""

    action: ClassVar[str] = "booking.move"
    booking: BookingId
    start: datetime
    resource: ResourceId | None = None


@dataclass(frozen=True, slots=True)
class CancelBooking(Command):
    """Give the booking's time back."""

    action: ClassVar[str] = "booking.cancel"
    booking: BookingId


@dataclass(frozen=True, slots=True)
class OpenAccount(Command):
    """Make a customer called `name` and sign him in; `user` is the id that he shall have."""

    action: ClassVar[str] = "session.open"
    name: str
    password_hash: str
    token_hash: bytes
    language: str


@dataclass(frozen=True, slots=True)
class OpenSession(Command):
    """Sign a user in whose password was found right."""

    action: ClassVar[str] = "session.open"
    token_hash: bytes
    language: str


@dataclass(frozen=True, slots=True)
class CloseSession(Command):
    """End the session of this token."""

    action: ClassVar[str] = "session.close"
    token_hash: bytes


@dataclass(frozen=True, slots=True)
class NoteAttempt(Command):
    """Leave an audit entry for something that changes nothing else: a wrong password, an export."""

    action: ClassVar[str] = "session.open"
    did: str
    outcome: str


@dataclass(frozen=True, slots=True)
class EraseUser(Command):
    """Delete everything about the user, whose password was found right."""

    action: ClassVar[str] = "user.erase"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure deleted, and when; names nobody.

    `copies_age_out` says that the store's log and dead pages still hold older states, until they are overwritten.
    """

    id: str
    erased_at: datetime
    bookings: int
    notes: int
    log_entries: int
    sessions: int
    copies_age_out: bool = False


Outcome = Booking | User | Receipt | None | AgendaError


class Settled(NamedTuple):
    """A request that was decided, with its first outcome."""

    user: UserId
    request: RequestId
    fingerprint: bytes
    outcome: Booking | AgendaError
    at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A user with what proves him."""

    user: User
    password_hash: str
    language: str
    created: datetime


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A sign-in: who holds the token with this SHA-256 is the user."""

    token_hash: bytes
    user: UserId
    language: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that is stored about a user who wants to be erased; `entries` are (writer, seq) of his audit entries.

    `copies_age_out` is what the store wants the receipt to say.
    """

    bookings: tuple[Booking, ...]
    claims: tuple[Claim, ...]
    entries: tuple[tuple[int, int], ...]
    sessions: int
    password_hash: str
    copies_age_out: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """A user to be deleted, with the request that shall give the receipt again although he is gone."""

    user: UserId
    request: RequestId
    fingerprint: bytes
    password_hash: str
    receipt: Receipt


class AuditFact(NamedTuple):
    """What was done or tried, in the past tense; `user` is None for an erasure, `detail` is JSON."""

    at: datetime
    user: UserId | None
    action: str
    outcome: str
    booking: BookingId | None = None
    resource: ResourceId | None = None
    start: datetime | None = None
    end: datetime | None = None
    detail: str | None = None


@dataclass(slots=True)
class State:
    """What decide() needs to know for one batch; it is kept current as the batch is decided.

    `claims` holds, per resource, at least the claims that overlap a wanted span or belong to a booking in `bookings`.
    `bookings` and `users` hold those that are named by a command and exist. `numbers` is the next free booking number.
    """

    catalogue: Catalogue
    claims: dict[ResourceId, list[Claim]] = field(default_factory=dict)
    bookings: dict[BookingId, Booking] = field(default_factory=dict)
    users: dict[UserId, User] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    settled: dict[tuple[UserId, RequestId], Settled] = field(default_factory=dict)
    open_bookings: dict[UserId, int] = field(default_factory=dict)
    holdings: dict[UserId, Holdings] = field(default_factory=dict)
    numbers: int = 1


@dataclass(slots=True)
class Changes:
    """What one batch does to the store, net: a claim that came and went within it appears nowhere."""

    released: dict[BookingId, Claim] = field(default_factory=dict)
    claimed: dict[BookingId, Claim] = field(default_factory=dict)
    made: dict[BookingId, Booking] = field(default_factory=dict)
    changed: dict[BookingId, Booking] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    opened: list[OpenedSession] = field(default_factory=list)
    closed: list[bytes] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    facts: list[AuditFact] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    numbers: int = 0
