"""What other nodes committed: the audit table, in which each writer numbers its entries without gaps."""

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from selectors import EVENT_READ, DefaultSelector
from typing import Final, Protocol

from pydantic_core import from_json

from agenda.domain.audit import Head
from agenda.domain.commands import CloseSession, EraseUser
from agenda.domain.model import BookingId, Claim, ResourceId, UserId
from agenda.engine.ports import Booked, News, Place, StoreUnavailable
from agenda.storage import arrays
from agenda.storage.chains import Chains, Look
from agenda.storage.connection import Row
from agenda.storage.deadlines import Guard
from agenda.storage.postgres import BY_KEY, Connection
from agenda.storage.rows import span_of

CHANNEL: Final = "agenda"
MOST: Final = 10_000  # entries that are read at once; after a longer absence it is cheaper to forget the board
LOOK_SECONDS: Final = 3.0  # in which a look must be over, whatever the network does

FEED_SETTINGS: Final = (
    f"{BY_KEY}; SET statement_timeout = '2s'; SET idle_in_transaction_session_timeout = '3s';"
    # A call to the others waits for no disk and no standby: what gets lost is made up for by their next look.
    f"SET synchronous_commit = off; LISTEN {CHANNEL}"
)
_TELL: Final = f"NOTIFY {CHANNEL}"
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# After the last entry that is known of each writer; that entry too, to see that it is still the same.
_ENTRIES: Final = f"""\
SELECT a.writer, a.seq, a.hash, a.action, uuid_send(a.booking), uuid_send(a.resource),
date_part('epoch', a.starts)::int8, date_part('epoch', a.ends)::int8, a.detail
FROM unnest($1::int8[], $2::int8[]) AS known(writer, seq) JOIN audit a ON a.writer = known.writer AND a.seq >= known.seq
WHERE a.seq = known.seq OR a.action IN ('{CloseSession.action}', '{EraseUser.action}')
OR ($3::bool AND a.booking IS NOT NULL AND a.outcome = 'ok')"""  # noqa: S608  # our own words


# Bookings with the claims that they own. The order leaves the planner no other index, whatever it knows of the table.
_BOOKINGS: Final = """\
SELECT uuid_send(b.id), uuid_send(b.resource), date_part('epoch', b.starts)::int8, date_part('epoch', b.ends)::int8,
uuid_send(b."user"), c.seat, date_part('epoch', c.starts)::int8, date_part('epoch', c.ends)::int8
FROM unnest($1::uuid[]) AS wanted(id) JOIN booking b ON b.id = wanted.id LEFT JOIN LATERAL
(SELECT * FROM claim WHERE claim.resource = b.resource AND claim.seat = b.seat AND claim.starts <= b.starts
ORDER BY claim.resource DESC, claim.seat DESC, claim.starts DESC LIMIT 1) c ON c.booking = b.id"""

# Where an entry says that a booking is: its id, the resource's, and the span's ends in seconds.
_Said = tuple[bytes, bytes, int, int]


class Source(Protocol):
    """Where connections come from."""

    def connect(self, settings: str) -> Connection:
        """Raises StoreUnavailable."""

    def replaced(self, connection: Connection) -> bool:
        """Whether another server is known to have taken over."""


class PostgresFeed:
    """The engine's port `Feed`; one thread waits and reads, any may tell.

    What is known of the own chain is what the committer has told: only that is on the board already. When it begins
    another chain, because it never heard what became of its last commit, the rest of the old one is news.
    """

    def __init__(self, source: Source, guard: Guard) -> None:
        self._source, self._guard = source, guard
        self._connection: Connection | None = None
        self._chains = Chains()
        self._mine = 0
        self._timeline = 0
        self._telling = False
        self._bell, self._wire = socket.socketpair()
        for end in (self._bell, self._wire):
            end.setblocking(False)

    def writes_as(self, writer: int) -> None:
        self._mine = writer

    def own(self, head: Head) -> None:
        self._chains.tell(head)

    def tell(self) -> None:
        self._telling = True
        with suppress(BlockingIOError):
            self._wire.send(b".")

    def wait(self, seconds: float) -> None:
        with DefaultSelector() as ears:
            ears.register(self._bell, EVENT_READ)
            if self._connection is not None:
                ears.register(self._connection.raw, EVENT_READ)
            ready = {key.fileobj for key, _ in ears.select(seconds)}
        if self._bell in ready:
            with suppress(BlockingIOError):
                self._bell.recv(4096)
        if self._connection is not None and self._connection.raw in ready:
            try:
                self._connection.hear()
            except StoreUnavailable:
                self._let_go()

    def call(self) -> None:
        if self._telling:
            self._telling = False
            connection = self._connected()
            try:
                with self._guard.watching(connection, LOOK_SECONDS):
                    connection.run(_TELL)
            except BaseException:
                self._let_go()
                raise

    def news(self, again: Collection[BookingId], warm: Callable[[], bool]) -> News:
        connection = self._connected()
        elsewhere = self._timeline not in (0, connection.timeline)
        try:
            with self._guard.watching(connection, LOOK_SECONDS):
                connection.begin(_BEGIN)
                look, version = self._chains.look(connection, self._mine, elsewhere=elsewhere)
                news = replace(_read(connection, look, again, warm), version=version)
                connection.undo()
                connection.hear()
        except BaseException:
            self._let_go()
            raise
        self._chains.learn(look, self._mine, whole=news.whole)
        self._timeline = connection.timeline
        return news

    def close(self) -> None:
        self._let_go()
        self._bell.close()
        self._wire.close()

    def _connected(self) -> Connection:
        if self._connection is not None and self._source.replaced(self._connection):
            self._let_go()
        if self._connection is None:
            self._connection = self._source.connect(FEED_SETTINGS)
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _read(connection: Connection, look: Look, again: Collection[BookingId], warm: Callable[[], bool]) -> News:
    """Entries first, and only then what they name; whoever begins to look at slots meanwhile reads a later state."""
    moved = look.moved
    written = sum(look.heads[writer].seq - head.seq for writer, head in moved.items())
    if not look.whole or written > MOST:
        return News(whole=False, entries=max(written, 0))
    known = (arrays.numbers(list(moved)), arrays.numbers([head.seq for head in moved.values()]))
    entries = connection.rows(_ENTRIES, (*known, warm())) if moved else []
    if not _continued(moved, entries):
        return News(whole=False, entries=written)
    news, said = _sorted_out([row for row in entries if row[1] > moved[row[0]].seq])
    wanted = {booking for booking, *_ in said}.union(map(bytes.fromhex, again))
    if not wanted:
        return replace(news, entries=written)
    for row in connection.rows(_BOOKINGS, (arrays.ids(list(wanted)),)):
        _take(news, row)
        said.discard(row[:4])
    places = [Place(BookingId(id_.hex()), ResourceId(at.hex()), span_of(*span)) for id_, at, *span in said]
    return replace(news, entries=written, places=places)


def _take(news: News, row: Row) -> None:
    """Put a booking, and its claim if it has one, among the news."""
    id_, at, starts, ends, user, seat, since, until = row
    booking = Booked(BookingId(id_.hex()), ResourceId(at.hex()), span_of(starts, ends), UserId(user.hex()))
    news.bookings[booking.id] = booking
    if since is not None:
        span = booking.span if (since, until) == (starts, ends) else span_of(since, until)
        news.claims.append(Claim(booking.resource, seat, span, booking.id))


def _continued(moved: dict[int, Head], entries: list[Row]) -> bool:
    """Whether each chain still passes through the entry that was its last when it was looked at before."""
    hashes = {(writer, seq): hash_ for writer, seq, hash_, *_ in entries}
    return all(head.seq == 0 or hashes.get((head.writer, head.seq)) == head.hash for head in moved.values())


def _sorted_out(entries: list[Row]) -> tuple[News, set[_Said]]:
    """What the entries tell of users and sessions, and of bookings."""
    news, said = News(), set[_Said]()
    for _, _, _, action, booking, resource, starts, ends, detail in entries:
        facts = from_json(detail) if detail else {}
        if action == EraseUser.action:
            news.erased.append(UserId(facts["erased"]))
        elif action == CloseSession.action:
            news.closed.append(facts.get("session", ""))
        elif booking is not None and resource is not None:
            said.add((booking, resource, starts, ends))
            if "from" in facts:
                left, since, until = facts["from"]
                said.add((booking, bytes.fromhex(left), since, until))
    return news, said
