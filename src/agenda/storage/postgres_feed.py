"""What other nodes committed: the audit table, in which each writer numbers its entries without gaps."""

import select
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Lock
from typing import Any, Final

from pydantic_core import from_json

from agenda.domain.audit import Head
from agenda.domain.commands import CloseSession, EraseUser
from agenda.domain.model import BookingId, ResourceId, UserId
from agenda.engine.ports import News, Place, StoreUnavailable
from agenda.storage import arrays
from agenda.storage import statements as sql
from agenda.storage.connection import Row
from agenda.storage.postgres import BY_KEY, Connection
from agenda.storage.rows import booking_of, claim_of, span_of

CHANNEL: Final = "agenda"
MOST: Final = 10_000  # entries that are read at once; after a longer absence it is cheaper to forget the board

FEED_SETTINGS: Final = (
    f"{BY_KEY}; SET statement_timeout = '2s'; SET idle_in_transaction_session_timeout = '3s';"
    # A call to the others waits for no disk and no standby: what gets lost is made up for by their next look.
    f"SET synchronous_commit = off; LISTEN {CHANNEL}"
)
_TELL: Final = f"NOTIFY {CHANNEL}"
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_HEADS: Final = "SELECT w.writer, w.seq, w.hash, (SELECT max(config_version)::int8 FROM business) FROM writer w"
# After the last entry that is known of each writer; that entry too, to see that it is still the same.
_ENTRIES: Final = f"""\
SELECT a.writer, a.seq, a.hash, a.action, uuid_send(a.booking), uuid_send(a.resource),
date_part('epoch', a.starts)::int8, date_part('epoch', a.ends)::int8, a.detail
FROM unnest($1::int8[], $2::int8[]) AS known(writer, seq) JOIN audit a ON a.writer = known.writer AND a.seq >= known.seq
WHERE a.seq = known.seq OR a.action IN ('{CloseSession.action}', '{EraseUser.action}')
OR ($3::bool AND a.booking IS NOT NULL AND a.outcome = 'ok') LIMIT {MOST + 1}"""  # noqa: S608  # our own words


class PostgresFeed:
    """The engine's port `Feed`; one thread waits and reads, any may tell."""

    def __init__(self, connect: Callable[[str], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._lock = Lock()
        self._known: dict[int, Head] | None = None
        self._mine = 0
        self._telling = False
        self._bell, self._wire = socket.socketpair()
        for end in (self._bell, self._wire):
            end.setblocking(False)

    def writes_as(self, writer: int) -> None:
        self._mine = writer

    def own(self, head: Head) -> None:
        with self._lock:
            if self._known is not None:
                self._known[head.writer] = head

    def tell(self) -> None:
        self._telling = True
        with suppress(BlockingIOError):
            self._wire.send(b".")

    def wait(self, seconds: float) -> None:
        ears: list[Any] = [self._bell, *([self._connection.raw] if self._connection else [])]
        ready, _, _ = select.select(ears, [], [], seconds)
        if self._bell in ready:
            with suppress(BlockingIOError):
                self._bell.recv(4096)

    def news(self, again: Collection[BookingId], warm: Callable[[], bool]) -> News:
        connection = self._connected()
        try:
            if self._telling:
                self._telling = False
                connection.run(_TELL)
            connection.run(_BEGIN)
            connection.hear()
            found = self._read(connection, again, warm)
            connection.run("COMMIT")
        except StoreUnavailable:
            self._let_go()
            raise
        return found

    def close(self) -> None:
        self._let_go()
        self._bell.close()
        self._wire.close()

    def _connected(self) -> Connection:
        if self._connection is not None and self._connection.broken:
            self._let_go()
        if self._connection is None:
            self._connection = self._connect(FEED_SETTINGS)
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, connection: Connection, again: Collection[BookingId], warm: Callable[[], bool]) -> News:
        """Heads first, and only then whether anybody looks: who begins to look later reads a later state."""
        rows = connection.rows(_HEADS)
        heads = {writer: Head(writer, seq, hash_) for writer, seq, hash_, _ in rows}
        version = rows[0][3] if rows else 0
        with self._lock:
            known, mine = self._known, self._mine
        if known is None:  # the first look; whatever will be looked at later is read later
            self._learn(heads)
            return News(version=version)
        moved = {w: known.get(w, Head(w)) for w, head in heads.items() if w != mine and known.get(w) != head}
        whole = all(heads.get(w, Head(w)).seq >= head.seq for w, head in known.items() if w != mine)
        entries = self._entries(connection, moved, warm=warm()) if moved else []
        whole = whole and len(entries) <= MOST and _continued(moved, heads, entries)
        news = _sorted_out([row for row in entries if row[1] > moved[row[0]].seq])
        wanted = {place.booking for place in news.places}.union(again)
        keys = [(bytes.fromhex(id_),) for id_ in wanted]
        bookings = map(booking_of, sql.BOOKINGS.rows(connection, keys))
        self._learn(heads)
        return News(
            whole=whole,
            version=version,
            entries=sum(heads[writer].seq - head.seq for writer, head in moved.items()),
            places=news.places,
            bookings={booking.id: booking for booking in bookings},
            claims=[claim_of(row) for row in sql.CLAIMS_OF_BOOKINGS.rows(connection, keys)],
            closed=news.closed,
            erased=news.erased,
        )

    def _entries(self, connection: Connection, moved: dict[int, Head], *, warm: bool) -> list[Row]:
        known = [head.seq for head in moved.values()]
        return connection.rows(_ENTRIES, (arrays.numbers(list(moved)), arrays.numbers(known), warm))

    def _learn(self, heads: dict[int, Head]) -> None:
        with self._lock:
            known = self._known or {}
            self._known = {writer: known.get(writer, head) if writer == self._mine else head for writer, head in heads.items()}  # fmt: skip


def _continued(moved: dict[int, Head], heads: dict[int, Head], entries: list[Row]) -> bool:
    """Whether each chain still passes through the entry that was its last when it was looked at before."""
    hashes = {(writer, seq): hash_ for writer, seq, hash_, *_ in entries}
    return all(
        head.seq == 0 or hashes.get((head.writer, head.seq)) == head.hash
        for head in moved.values()
        if heads[head.writer] != head
    )


def _sorted_out(entries: list[Row]) -> News:
    """What the entries tell, by kind."""
    news = News()
    for _, _, _, action, booking, resource, starts, ends, detail in entries:
        facts = from_json(detail) if detail else {}
        if action == EraseUser.action:
            news.erased.append(UserId(facts["erased"]))
        elif action == CloseSession.action:
            news.closed.append(facts.get("session", ""))
        elif booking is not None and resource is not None:
            id_ = BookingId(booking.hex())
            news.places.append(Place(id_, ResourceId(resource.hex()), span_of(starts, ends)))
            if "from" in facts:
                left, since, until = facts["from"]
                news.places.append(Place(id_, ResourceId(left), span_of(since, until)))
    return news
