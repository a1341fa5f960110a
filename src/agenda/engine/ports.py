"""What the engine needs from a store and from a door, as Protocols: threads, units and errors are in the contract."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from agenda.domain.audit import AuditEntry, Head
from agenda.domain.commands import Account, Changes, Holdings, Receipt, Settled
from agenda.domain.model import (
    Booking,
    BookingId,
    Catalogue,
    Claim,
    RequestId,
    ResourceId,
    Status,
    User,
    UserId,
)
from agenda.domain.times import Span


class StoreUnavailable(Exception):
    """The store cannot be reached, is locked, full, read-only or broken; what the transaction did is undone or unknown.

    A sentence for the operator is its argument; the driver's error is its `__cause__`.
    """


class StoreLost(StoreUnavailable):
    """The connection broke while the transaction ran: whether it committed is unknown until its batch runs again."""


class StoreConflict(Exception):
    """The store's own rule refused the batch; `constraint` is its name, such as `claim_no_overlap`. All is undone."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


@dataclass(frozen=True, slots=True)
class Occupied:
    """A claim as the board keeps it: where it lies, whose it is, and the booked time without buffers."""

    seat: int
    span: Span
    booked: Span
    user: UserId
    booking: BookingId


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session that the store knows."""

    user: User
    language: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An erasure that is remembered so that its receipt can be given again."""

    user: UserId
    fingerprint: bytes
    password_hash: str
    receipt: Receipt
    at: datetime


class Place(NamedTuple):
    """Where a booking is or was, with or without buffers."""

    booking: BookingId
    resource: ResourceId
    span: Span


class Booked(NamedTuple):
    """Of a booking as it is now, what its slots show."""

    id: BookingId
    resource: ResourceId
    span: Span
    user: UserId


@dataclass(frozen=True, slots=True)
class News:
    """What other nodes committed: bookings and their claims as they are now, and where else these were said to be.

    Without `whole` anything may be missing, ended sessions too. `version` is that of the catalogue; `entries` are how
    many were written.
    `closed` are the beginnings of token digests (agenda.domain.decide), `erased` the users who are gone.
    """

    whole: bool = True
    version: int = 0
    entries: int = 0
    places: list[Place] = field(default_factory=list)
    bookings: dict[BookingId, Booked] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    erased: list[UserId] = field(default_factory=list)


class Feed(Protocol):
    """What other nodes commit, for one thread that waits and reads; the first three methods are for any thread."""

    def writes_as(self, writer: int) -> None:
        """This node writes this chain from now on; what it left of another one is news like that of other nodes."""

    def own(self, head: Head) -> None:
        """This node has written up to here, and has taken note of it itself."""

    def tell(self) -> None:
        """The other nodes shall know that there is something to read; wakes the thread that waits."""

    def call(self) -> None:
        """Let them know, if that was wanted. Raises StoreUnavailable."""

    def wait(self, seconds: float) -> None:
        """Return when another node has told something, or after so many seconds."""

    def news(self, again: Collection[BookingId], warm: Callable[[], bool]) -> News:
        """What was committed since the last call, and the bookings of `again`, as of one moment.

        Unless it is `warm`, which is asked after that moment, nobody here looks at slots, and places are left out.
        Raises StoreUnavailable; the next call begins where this one began.
        """

    def close(self) -> None:
        """Close the connection."""


Window = tuple[ResourceId, int, Span]
"""A time on a seat of a resource"""


class Transaction(Protocol):
    """One batch of the committer, on its thread and on the writing connection; nothing is visible before it commits.

    Where other nodes write too, what a batch changes or counts is locked when it is first asked for, in the order of
    these methods: users, then bookings, then claims. Every method raises StoreUnavailable, and StoreConflict where a
    lock could not be had because of another node's.
    """

    def expect(
        self, users: Collection[UserId], bookings: Collection[BookingId], windows: Collection[Window], known: Catalogue
    ) -> None:
        """What will be asked for, so that a store may fetch it in one go; to be said first, or not at all.

        `windows` are those of `claims`, as they are by the catalogue that is `known`, where they can be told already.
        """

    def now(self) -> datetime:
        """The store's clock, in UTC."""

    def catalogue(self, known: Catalogue | None) -> Catalogue:
        """What is offered now: `known` itself if its version still holds."""

    def settled(self, keys: Collection[tuple[UserId, RequestId]]) -> dict[tuple[UserId, RequestId], Settled]:
        """Those of the requests that were decided before."""

    def users(self, ids: Collection[UserId]) -> dict[UserId, User]:
        """Those of the users that exist."""

    def names(self, names: Collection[str]) -> set[str]:
        """Those of the names that are in use."""

    def bookings(self, ids: Collection[BookingId]) -> dict[BookingId, Booking]:
        """Those of the bookings that exist."""

    def claims(self, windows: Collection[Window], giving: Collection[ResourceId] = ()) -> list[Claim]:
        """All claims that overlap a window (resource, seat, span), each once.

        `giving` are the resources on which the batch may release claims while it makes others.
        """

    def open_bookings(self, users: Collection[UserId], now: datetime) -> dict[UserId, int]:
        """How many live bookings that have not begun each user has; users without any may be absent."""

    def holdings(self, users: Collection[UserId]) -> dict[UserId, Holdings]:
        """All that is stored about each user who exists."""

    def next_number(self) -> int:
        """The first booking number that was never used."""

    def confirm(self) -> None:
        """Write although nothing changes, so that what was only read is as durable, when this commits, as if written.

        On a replicated store a reader can see what one crash still loses; a commit that wrote waits for the standby.
        Nothing may be asked after it.
        """

    def save(self, changes: Changes, entries: Sequence[AuditEntry]) -> None:
        """Write it all: claims go before claims come, erasures last, the writer's head moves to the last entry.

        Nothing may be asked after it. Raises StoreConflict, here or when the transaction ends, if a rule of the store
        refuses.
        """


class Reader(Protocol):
    """Questions that change nothing; safe for any thread, each call a transaction of its own of at most 2 s.

    Every method raises StoreUnavailable.
    """

    def catalogue(self) -> Catalogue:
        """What is offered now."""

    def sign_in(self, token_hash: bytes) -> SignIn | None:
        """Who holds the token with this SHA-256."""

    def account(self, name: str) -> Account | None:
        """The account with this name (NFC, exact)."""

    def account_of(self, user: UserId) -> Account | None:
        """The account with this id."""

    def occupied(self, resource: ResourceId, span: Span) -> list[Occupied]:
        """All claims on any seat of the resource that overlap the span."""

    def bookings(self, user: UserId, status: Status | None) -> list[Booking]:
        """The user's bookings, soonest first."""

    def audit(self, user: UserId, limit: int, before: str | None) -> tuple[list[tuple[str, AuditEntry]], str | None]:
        """The user's audit entries with their ids, newest first, and the id to go on before, None at the end.

        An unknown `before` raises ValueError.
        """

    def export(self, user: UserId) -> dict[str, Any]:
        """All rows about the user as plain values (instants aware, no secrets: neither password hash nor token)."""

    def gone(self, request: RequestId) -> list[Gone]:
        """Erasures of the last 24 hours that were asked for under this request."""


class Store(Protocol):
    """Where the agenda is kept. `begin` belongs to the committer's thread, all else to any."""

    @property
    def lone_writer(self) -> bool:
        """Whether no other node can write, so that a conflict is a defect."""

    def reader(self) -> Reader:
        """The questions, on connections of their own."""

    def feed(self) -> Feed | None:
        """What other nodes commit; None where there is no other."""

    def open_writer(self) -> Head:
        """Register this run as a writer of the audit chain: its number, at sequence 0."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """A transaction: commits durably when the block ends, is undone if it raises."""

    def scrub(self) -> None:
        """After an erasure was committed: take its remains out of the store's files, as far as this store can."""

    def tidy(self, now: datetime) -> None:
        """Clear claims long past, requests over 24 hours old, sessions long unused, a bounded number each time."""

    def checkpoint(self) -> None:
        """Copy what commits left behind into the main file, beside the committer; a no-op where nothing is to do."""

    def close(self) -> None:
        """Close every connection; idempotent."""


Reply = Callable[[Any], None]


class Mailbox(Protocol):
    """A door's own; any thread may post."""

    def post(self, deliveries: Sequence[tuple[Reply, Any]]) -> None:
        """Call each reply with its value on the door's I/O thread, in order, with one wake-up for all."""


class Log(Protocol):
    """Where defects and the readable log of each user go; never raises but where it says so."""

    def entries(self, entries: Sequence[AuditEntry]) -> None:
        """Entries that were just committed, to be written behind."""

    def erased(self, user: UserId) -> None:
        """The user's readable log must go; returns when it is gone. Raises StoreUnavailable."""

    def trouble(self, error: StoreUnavailable) -> None:
        """Log that the store cannot be used from now on, and why."""

    def recovered(self, seconds: float) -> None:
        """Log that it can be used again, after so long."""

    def incident(self, error: BaseException) -> str:
        """Log the traceback; the id under which it can be found."""
