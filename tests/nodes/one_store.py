"""A store in memory for several nodes, which loses connections, answers and its newest commits when it is told to."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any, Final, cast

from agenda.domain.audit import AuditEntry, Head
from agenda.domain.commands import Changes, Holdings, Settled
from agenda.domain.model import Booking, BookingId, Catalogue, Claim, RequestId, ResourceId, User, UserId
from agenda.domain.times import Span
from agenda.engine.ports import Occupied, Reader, SignIn, StoreConflict, StoreLost, StoreUnavailable, Window
from agenda.storage import chains, postgres_feed
from agenda.storage.postgres_feed import PostgresFeed
from agenda.storage.rows import booking_row, claim_row, entry_row
from tests.domain.agendas import NOON, catalogue

USERS: Final = {UserId(f"{n:032x}"): User(UserId(f"{n:032x}"), f"Pessoa {n}") for n in range(1, 9)}


@dataclass(slots=True)
class Data:
    """What is stored at one moment; once it is the store's it is replaced and not changed."""

    bookings: dict[BookingId, Booking] = field(default_factory=dict)
    claims: dict[BookingId, Claim] = field(default_factory=dict)
    users: dict[UserId, User] = field(default_factory=lambda: dict(USERS))
    sessions: dict[bytes, UserId] = field(default_factory=dict)
    settled: dict[tuple[UserId, RequestId], Settled] = field(default_factory=dict)
    chains: dict[int, tuple[AuditEntry, ...]] = field(default_factory=dict)
    version: int = 1

    def copy(self) -> "Data":
        """One that can be changed."""
        return Data(
            dict(self.bookings),
            dict(self.claims),
            dict(self.users),
            dict(self.sessions),
            dict(self.settled),
            dict(self.chains),
            self.version,
        )

    def occupied(self, resource: ResourceId, span: Span) -> list[Occupied]:
        return [
            Occupied(claim.seat, claim.span, self.bookings[id_].span, self.bookings[id_].user, id_)
            for id_, claim in self.claims.items()
            if claim.resource == resource and claim.span.overlaps(span)
        ]


class OneStore:
    """What the nodes share. `pause` is called wherever other things may happen before a node goes on."""

    def __init__(self, pause: Callable[[], None], lots: Random) -> None:
        self.pause, self.lots = pause, lots
        self.begin_with(Data())
        self.timeline = 1
        self.writers = 0
        self.numbers = 1
        self.trouble = 0.0  # how likely anything fails
        self.locked = False

    def begin_with(self, data: Data) -> None:
        self.data = data
        self.past = [data]

    def replace(self, data: Data) -> None:
        """A commit."""
        self.past = [*self.past[-5:], self.data]
        self.data = data

    def fail_over(self) -> None:
        """To a server that may lack the newest commits; every connection is lost."""
        self.data = self.lots.choice([*self.past, self.data])
        self.past = [self.data]
        self.timeline += 1

    def fails(self) -> bool:
        return self.lots.random() < self.trouble


class NodeStore:
    """The engine's port `Store` for one node; `changed` hears of its commits when they are durable."""

    lone_writer: Final = False

    def __init__(self, shared: OneStore, changed: Callable[[Collection[BookingId]], None]) -> None:
        self._shared, self._changed = shared, changed
        self._timeline = shared.timeline

    def reader(self) -> Reader:
        return cast("Reader", NodeReader(self._shared))

    def feed(self) -> PostgresFeed:
        source: Any = _Source(self._shared)
        return PostgresFeed(source, source)

    def open_writer(self) -> Head:
        while self._shared.locked:
            self._shared.pause()
        self._check()
        self._shared.writers += 1
        data = self._shared.data.copy()
        data.chains[self._shared.writers] = ()
        self._shared.replace(data)
        return Head(self._shared.writers)

    @contextmanager
    def begin(self) -> Iterator["NodeTransaction"]:
        shared = self._shared
        shared.pause()
        while shared.locked:
            shared.pause()
        shared.locked = True
        try:
            self._check()
            transaction = NodeTransaction(shared, shared.data.copy())
            yield transaction
            shared.pause()
            self._commit(transaction)
        finally:
            shared.locked = False
        shared.pause()

    def _commit(self, transaction: "NodeTransaction") -> None:
        lost = self._shared.fails()
        self._check()
        self._shared.replace(transaction.data)
        self._changed(transaction.touched)
        if lost:
            self._shared.pause()
            raise StoreLost("the answer")

    def _check(self) -> None:
        """A connection to another server than before has to be made anew, and any may break."""
        lost = self._timeline != self._shared.timeline
        self._timeline = self._shared.timeline
        if lost or self._shared.fails():
            raise StoreLost("the connection")

    def scrub(self) -> None:
        """There are no files."""

    def tidy(self, now: datetime) -> None:
        """Nothing is old."""

    def checkpoint(self) -> None:
        """Nothing is behind."""

    def close(self) -> None:
        """Nothing is open."""


class NodeTransaction:
    """The engine's port `Transaction`, on a copy; only one node has one at a time."""

    def __init__(self, shared: OneStore, data: Data) -> None:
        self._shared = shared
        self.data = data
        self.touched: set[BookingId] = set()

    def expect(
        self, users: Collection[UserId], bookings: Collection[BookingId], windows: Collection[Window], known: Catalogue
    ) -> None:
        """All is at hand."""

    def now(self) -> datetime:
        return NOON

    def catalogue(self, known: Catalogue | None) -> Catalogue:
        return known if known is not None and known.version == self.data.version else offered(self.data)

    def settled(self, keys: Collection[tuple[UserId, RequestId]]) -> dict[tuple[UserId, RequestId], Settled]:
        return {key: self.data.settled[key] for key in keys if key in self.data.settled}

    def users(self, ids: Collection[UserId]) -> dict[UserId, User]:
        return {id_: self.data.users[id_] for id_ in ids if id_ in self.data.users}

    def names(self, names: Collection[str]) -> set[str]:
        return set()

    def bookings(self, ids: Collection[BookingId]) -> dict[BookingId, Booking]:
        return {id_: self.data.bookings[id_] for id_ in ids if id_ in self.data.bookings}

    def claims(
        self, windows: Collection[tuple[ResourceId, int, Span]], giving: Collection[ResourceId] = ()
    ) -> list[Claim]:
        self._shared.pause()
        return [
            claim
            for claim in self.data.claims.values()
            if any(
                (claim.resource, claim.seat) == (resource, seat) and claim.span.overlaps(span)
                for resource, seat, span in windows
            )
        ]

    def open_bookings(self, users: Collection[UserId], now: datetime) -> dict[UserId, int]:
        return {}

    def holdings(self, users: Collection[UserId]) -> dict[UserId, Holdings]:
        data = self.data
        return {
            user: Holdings(
                tuple(b for b in data.bookings.values() if b.user == user),
                tuple(claim for id_, claim in data.claims.items() if data.bookings[id_].user == user),
                tuple((e.writer, e.seq) for chain in data.chains.values() for e in chain if e.fact.user == user),
                sum(each == user for each in data.sessions.values()),
                "hash",
            )
            for user in users
            if user in data.users
        }

    def next_number(self) -> int:
        self._shared.numbers += 256
        return self._shared.numbers

    def confirm(self) -> None:
        """Whatever commits has written."""

    def save(self, changes: Changes, entries: Sequence[AuditEntry]) -> None:
        data = self.data
        if any((each.user, each.request) in data.settled for each in changes.settled):
            raise StoreConflict("request_key")
        self.touched = {*changes.released, *changes.claimed, *changes.made, *changes.changed}
        for id_ in changes.released:
            del data.claims[id_]
        data.claims |= changes.claimed
        data.bookings |= changes.made | changes.changed
        data.settled |= {(each.user, each.request): each for each in changes.settled}
        data.sessions |= {each.token_hash: each.user for each in changes.opened}
        for digest in changes.closed:
            data.sessions.pop(digest, None)
        if entries:
            data.chains[entries[0].writer] += tuple(entries)
        for erasure in changes.erasures:
            self._erase(erasure.user)

    def _erase(self, user: UserId) -> None:
        data = self.data
        for id_ in [id_ for id_, booking in data.bookings.items() if booking.user == user]:
            del data.bookings[id_]
            self.touched.add(id_)
        data.settled = {key: each for key, each in data.settled.items() if key[0] != user}
        data.sessions = {digest: each for digest, each in data.sessions.items() if each != user}
        del data.users[user]
        data.chains = {writer: tuple(map(_without(user), chain)) for writer, chain in data.chains.items()}


def _without(user: UserId) -> Callable[[AuditEntry], AuditEntry]:
    def blanked(entry: AuditEntry) -> AuditEntry:
        if entry.fact.user != user:
            return entry
        fact = entry.fact._replace(user=None, action="", outcome="", booking=None, detail=None)
        return entry._replace(fact=fact, salt=None)

    return blanked


def offered(data: Data) -> Catalogue:
    return replace(catalogue(), version=data.version)


class NodeReader:
    """Of the engine's port `Reader`, what slots and sessions need."""

    def __init__(self, shared: OneStore) -> None:
        self._shared = shared

    def _now(self) -> Data:
        shared = self._shared
        shared.pause()
        if shared.fails():
            raise StoreUnavailable
        data = shared.data
        shared.pause()
        return data

    def catalogue(self) -> Catalogue:
        return offered(self._now())

    def occupied(self, resource: ResourceId, span: Span) -> list[Occupied]:
        return self._now().occupied(resource, span)

    def sign_in(self, token_hash: bytes) -> SignIn | None:
        data = self._now()
        user = data.sessions.get(token_hash)
        return None if user is None else SignIn(data.users[user], "en")


class _Source:
    """Where the feed has its connections from; nothing watches over them."""

    def __init__(self, shared: OneStore) -> None:
        self._shared = shared

    def connect(self, settings: str) -> "_FeedConnection":
        if self._shared.fails():
            raise StoreUnavailable
        return _FeedConnection(self._shared)

    def replaced(self, connection: "_FeedConnection") -> bool:
        return False

    def watching(self, connection: "_FeedConnection", seconds: float) -> AbstractContextManager[None]:
        return nullcontext()


class _FeedConnection:
    """Answers the feed's statements as of the first one in a transaction."""

    engine: Final = "postgresql"

    def __init__(self, shared: OneStore) -> None:
        self._shared = shared
        self.timeline = shared.timeline
        self._data = shared.data
        self._begun = False

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        self._pause()
        return 0

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        self._pause()
        if sql == chains.HEADS:
            if not self._begun:
                self._data = self._shared.data
            self._begun = True
            rows = list(self._heads(values[0], _numbers(values[1])))
        elif sql == postgres_feed._ENTRIES:
            rows = list(self._entries(*map(_numbers, values[:2]), warm=values[2]))
        else:
            assert sql == postgres_feed._BOOKINGS
            wanted = [booking for id_, booking in self._data.bookings.items() if id_ in values[0]]
            rows = [_told(booking, self._data.claims.get(booking.id)) for booking in wanted]
        self._pause()
        return [tuple(map(_as_sent, row)) for row in rows]

    def begin(self, words: str) -> None:
        """The transaction sees what there is at its first statement."""
        self._begun = False

    def undo(self) -> None:
        """Nothing was written."""

    def hear(self) -> None:
        """Nobody tells anything."""

    def close(self) -> None:
        """Nothing is open."""

    def _pause(self) -> None:
        self._shared.pause()
        if self.timeline != self._shared.timeline or self._shared.fails():
            raise StoreUnavailable

    def _heads(self, after: int, some: list[int]) -> Iterator[tuple[int, int, bytes, int]]:
        for writer, chain in self._data.chains.items():
            if writer > after or writer in some:
                yield writer, len(chain), chain[-1].hash if chain else Head(writer).hash, self._data.version
        yield 0, sum(map(len, self._data.chains.values())), b"", self._data.version

    def _entries(self, writers: list[int], known: list[int], *, warm: bool) -> Iterator[tuple[Any, ...]]:
        for writer, last in zip(writers, known, strict=True):
            for entry in self._data.chains[writer][max(last - 1, 0) :]:
                fact = entry.fact
                _, seq, _, _, action, _, booking, resource, starts, ends, detail, _, _, hash_ = entry_row(entry)
                ended = action in {"session.close", "user.erase"}
                if seq == last or ended or (warm and booking is not None and fact.outcome == "ok"):
                    yield writer, seq, hash_, action, booking, resource, starts, ends, detail


def _numbers(words: str) -> list[int]:
    return [int(word) for word in words.strip("{}").split(",") if word]


def _told(booking: Booking, its: Claim | None) -> tuple[Any, ...]:
    """A row of the feed's bookings."""
    _, id_, resource, _, user, starts, ends, *_ = booking_row(booking)
    _, seat, since, until, _ = claim_row(its) if its else (None,) * 5
    return (id_, resource, starts, ends, user, seat, since, until)


def _as_sent(value: Any) -> Any:
    """As the driver gives it."""
    return bytes(value) if type(value) is bytearray else value
